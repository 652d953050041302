# Three "hosts" in one guest: a veth each, the other ends on one bridge, one rxe device on each. Real
# RoCE v2 packets cross the bridge. Without the arp settings each pair stalls for seconds first.
set_ipv4() { echo "$2" >"/proc/sys/net/ipv4/conf/$1"; }
ip link add br0 type bridge
ip link set br0 up
set_ipv4 all/accept_local 1
set_ipv4 all/rp_filter 0
set_ipv4 all/arp_ignore 1
set_ipv4 all/arp_announce 2
for i in 0 1 2; do
  ip link add n$i mtu 4200 type veth peer name p$i mtu 4200
  ip link set p$i master br0
  set_ipv4 n$i/accept_local 1
  set_ipv4 n$i/rp_filter 0
  ip addr add 10.9.0.1$i/24 dev n$i
  ip link set p$i up
  ip link set n$i up
  rdma link add rxe$i type rxe netdev n$i
done
# The IPv4 GID shows up when the address is no longer tentative.
for i in 0 1 2; do
  for try in $(seq 100); do
    grep -qs "0a09:000[a-c]" /sys/class/infiniband/rxe$i/ports/1/gids/1 && break
    sleep 0.1
  done
done
