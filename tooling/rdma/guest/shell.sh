# A shell to look around in; the plan of `npm run test:rdma -- --shell`.
export MU
setsid -c sh -i </dev/ttyS0 >/dev/ttyS0 2>&1
