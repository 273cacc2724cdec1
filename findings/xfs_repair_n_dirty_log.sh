#!/bin/sh
# xfs_repair -n of xfsprogs 6.1.0 (Debian 12) exits with 1, "corruption was detected" by its manual,
# for an intact XFS whose log only waits to be replayed. Without -n it exits with 2 and says that the
# log is dirty. One mount and umount later the same image gives 0.
# Expected: 2 in both cases.
# So a device that failed, or a shutdown, has to be mounted once before -n can accuse anybody.
# Needs root, a loop device and a kernel with XFS.
set -eu
work=$(mktemp -d)
trap 'umount "$work/mnt" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
apt-get -qq -o APT::Sandbox::User=root download xfsprogs=6.1.0-1 libinih1=55-1 liburcu8=0.13.2-1
for package in *.deb; do dpkg-deb -x "$package" root; done
LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu:$work/root/lib/x86_64-linux-gnu"
export LD_LIBRARY_PATH
truncate -s 320M image
root/sbin/mkfs.xfs -q image
mkdir mnt; mount -o loop image mnt
for file in $(seq 200); do echo a > "mnt/a$file"; done
sync
for file in $(seq 200); do mv "mnt/a$file" "mnt/b$file"; done
root/usr/sbin/xfs_io -x -c 'shutdown -f' mnt  # the log reaches the disk, what it describes does not
umount mnt
checked=0; root/sbin/xfs_repair -n image > seen 2>&1 || checked=$?
repaired=0; root/sbin/xfs_repair image > refused 2>&1 || repaired=$?
mount -o loop image mnt; umount mnt
replayed=0; root/sbin/xfs_repair -n image > /dev/null 2>&1 || replayed=$?
echo "-n: exit $checked; without: exit $repaired; -n after a mount: exit $replayed"
test "$checked" = 1
test "$repaired" = 2
test "$replayed" = 0
