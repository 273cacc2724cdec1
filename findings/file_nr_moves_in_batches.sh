#!/bin/sh
# Linux 6.1.192 (Debian 12): the first number of /proc/sys/fs/file-nr, documented as the number of
# allocated file handles, does not move when one file is opened, nor when ten are. It is read from a
# per-CPU counter without its per-CPU parts, and so moves in whole batches of 32 for each CPU.
# Expected: one more for each file that is opened and kept.
# A leak of a file a round shows there once in 32 rounds; the slab cache of struct file, after a
# shrink, is exact. So anyclue counts objects of filp and not file-nr.
# Needs qemu-system-x86_64; boots a guest of 256 MiB without disks, under TCG if need be.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get -qq -o APT::Sandbox::User=root download \
	linux-image-6.1.0-57-cloud-amd64=6.1.192-3 busybox-static=1:1.35.0-4+deb12u1+b1 \
	cpio=2.13+dfsg-7.1
for package in *.deb; do dpkg-deb -x "$package" root; done
mkdir -p tree/proc tree/dev
cp root/bin/busybox tree/busybox
cat > tree/init <<'I'
#!/busybox sh
/busybox mount -t proc proc /proc
/busybox mount -t devtmpfs dev /dev
opened=0
while [ $opened -le 128 ]; do
	# By cat: read of a shell takes byte after byte, and gets no more than the first digit.
	set -- $(/busybox cat /proc/sys/fs/file-nr)
	echo "opened $opened file-nr $1"
	/busybox sleep 1000 < /proc/version &
	opened=$((opened + 1))
done
/busybox poweroff -f
I
chmod +x tree/init
(cd tree && find . | "$work/root/bin/cpio" -o -H newc --quiet) > initramfs
timeout 120 qemu-system-x86_64 -accel tcg -m 256 -nodefaults -no-reboot -display none \
	-serial stdio -kernel root/boot/vmlinuz-* -initrd initramfs \
	-append 'console=ttyS0 quiet' < /dev/null | tr -d '\r' | grep '^opened' > seen
sed -n '1p;11p;$p' seen
# Every change is a multiple of 32, and most opens change nothing.
awk '{ if (NR > 1 && $4 != last) { changes++; if (($4 - last) % 32) exit 1 } last = $4 }
     END { print changes + 0 " changes in " NR " readings"; exit !(NR == 129 && changes <= 8) }' seen
