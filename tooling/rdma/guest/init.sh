#!/bin/busybox sh
# /init of the guest: modules, the shares of the host, a root in memory, then the tests. Busybox only
# until the shares are mounted.
B=/bin/busybox
$B mkdir -p /proc /sys /dev /mnt/usr /mnt/sysroot /newroot
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev
$B mkdir -p /dev/shm /dev/pts
$B mount -t tmpfs tmpfs /dev/shm
$B mount -t devpts devpts /dev/pts
for module in $($B cat /modules/order); do
  $B insmod /modules/$module.ko || echo "RESULT fail 0 module $module loads"
done

nine="trans=virtio,version=9p2000.L,msize=262144"
share() { $B mount -t 9p -o $nine,ro,cache=loose,noatime "$1" "$2" || echo "RESULT fail 0 share $1"; }
share hostusr /mnt/usr
share sysroot /mnt/sysroot
$B mount -t tmpfs root /newroot
cd /newroot
$B mkdir -p usr etc proc sys dev tmp run share var/tmp root
for name in bin sbin lib lib64; do $B ln -s usr/$name $name; done
$B mount -t overlay -o ro,lowerdir=/mnt/sysroot/usr:/mnt/usr overlay usr
$B cp -a /mnt/sysroot/etc/. etc/
echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
echo '127.0.0.1 localhost' >etc/hosts
# Before the shares: a clone may stand in one of them.
for name in tmp var/tmp; do $B mount -t tmpfs tmp $name; done
# Further shares, at the paths that they have on the host.
for pair in $($B cat /shares); do
  $B mkdir -p "/newroot${pair#*:}"
  share "${pair%%:*}" "/newroot${pair#*:}"
done
for name in proc sys dev; do $B mount --move /$name $name; done
$B mount -t 9p -o $nine,cache=none share share || echo "RESULT fail 0 share share"
$B ip link set lo up

# A shell of one's own may have no /dev/tty and job control: it is for looking around.
$B chroot /newroot /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
  /bin/sh /share/guest.sh
echo "GUEST_EXIT=$?"
$B poweroff -f
