# Is there RDMA at all? The tools of rdma-core and perftest, which are none of ours.
list_devices() { [ "$(ibv_devices | grep -c rxe)" = 3 ]; }
pingpong() {
  ibv_rc_pingpong -d rxe0 -g 1 -n 50 >/tmp/pingpong 2>&1 &
  server=$!
  for try in $(seq 50); do
    [ -n "$(ss -Hltn sport = :18515)" ] && break
    sleep 0.1
  done
  timeout 20 ibv_rc_pingpong -d rxe1 -g 1 -n 50 127.0.0.1 && wait $server
}
packets_crossed() { [ "$(cat /sys/class/net/n1/statistics/tx_packets)" -gt 50 ]; }
check "three rxe devices are listed" list_devices
check "ibv_rc_pingpong between rxe0 and rxe1" pingpong
check "its packets crossed the bridge" packets_crossed
doctor_lists_devices() {
  $MU doctor >/tmp/doctor
  cat /tmp/doctor
  grep -q 'provider   ibverbs  available' /tmp/doctor &&
    grep -q -e '--fabric ibverbs:rxe2:1:1 .*0a09:000c RoCE v2' /tmp/doctor
}
check "mu doctor lists devices, ports and addresses" doctor_lists_devices
# Root may lock what it likes, unless it gives that up.
memlock_is_told() {
  ( ulimit -l 64 && setpriv --bounding-set=-ipc_lock $ALLOCATE 1048576 ) >/tmp/memlock 2>&1 && return 1
  cat /tmp/memlock
  grep -q -e 'this process may lock 65536 bytes (ulimit -l)' /tmp/memlock
}
uses_huge_pages() {
  echo 8 >/proc/sys/vm/nr_hugepages
  $ALLOCATE 4194304 >/tmp/huge
  cat /tmp/huge
  echo 0 >/proc/sys/vm/nr_hugepages
  total=$(sed -n 's/HugePages_Total: *//p' /tmp/huge)
  [ "$(sed -n 's/HugePages_Free: *//p' /tmp/huge)" = $((total - 2)) ] && [ "$total" -ge 2 ]
}
check "a memlock limit that is too low is named" memlock_is_told
check "a region of 4 MiB takes two huge pages" uses_huge_pages
