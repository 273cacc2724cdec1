#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
# First process of a guest, in its initramfs: modules, then the agent (in a full guest's root, when
# there is one). What it prints goes to the console log.
/bin/busybox --install -s /bin
export PATH=/bin:/sbin:/usr/bin:/usr/sbin
mount -t devtmpfs dev /dev
mkdir -p /proc /sys /run /tmp /mnt
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t debugfs debug /sys/kernel/debug
mount -t tracefs trace /sys/kernel/tracing
while read -r module; do
	insmod "/lib/modules/$module" 2>/dev/null || echo "init: $module was not loaded"
done </lib/modules/order
echo 45 >/proc/sys/kernel/hung_task_timeout_secs
echo 1 >/proc/sys/kernel/sysrq
# It looks at all memory now and then, and allocates as it likes (7.x).
damon=/sys/module/damon_stat/parameters/enabled
[ -e $damon ] && echo N >$damon

port() {
	for name in /sys/class/virtio-ports/*/name; do
		[ "$(cat "$name")" = "$1" ] && echo "/dev/$(basename "$(dirname "$name")")"
	done
}
tries=0
while [ -z "$(port org.anyclue.telemetry)" ] && [ $tries -lt 100 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
control=$(port org.anyclue.control)
telemetry=$(port org.anyclue.telemetry)
echo "init: control $control, telemetry $telemetry"

if grep -q anyclue.root /proc/cmdline; then
	mkdir -p /lower /upper /root
	# QEMU's emulation translates a library anew for each address that it is mapped at, and walks
	# through all translations of a page at each write to it: with random addresses, and thousands
	# of processes, clearing one page of libc that was freed takes minutes.
	echo 0 >/proc/sys/kernel/randomize_va_space
	mount -t squashfs -o ro /dev/vdc /lower
	mount -t tmpfs -o size=40% upper /upper
	mkdir /upper/changes /upper/work
	mount -t overlay -o lowerdir=/lower,upperdir=/upper/changes,workdir=/upper/work overlay /root
	for name in dev proc sys; do
		mkdir -p "/root/$name"
		mount --move "/$name" "/root/$name"
	done
	mount -t tmpfs run /root/run
	mkdir -p /root/sbin /root/mnt /root/dev/shm /root/dev/pts "/root/lib/modules/$(uname -r)"
	mount -t tmpfs shm /root/dev/shm
	mount -t devpts pts /root/dev/pts
	ln -s /proc/self/fd /root/dev/fd
	for number in 0:stdin 1:stdout 2:stderr; do
		ln -s "/proc/self/fd/${number%:*}" "/root/dev/${number#*:}"
	done
	cp /sbin/agent /bin/fsload /root/sbin/
	cp /lib/modules/*.ko "/root/lib/modules/$(uname -r)/"
	chroot /root depmod
	hostname guest
	ip link set lo up
	exec switch_root /root /sbin/agent "$control" "$telemetry"
fi
exec /sbin/agent "$control" "$telemetry"
