#!/bin/sh
# fsck.exfat 1.2.0 (Debian 12) says "clean", exit 0, of a fresh image whose allocation bitmap was
# cleared: the clusters of the bitmap, of the up-case table and of the root directory are all in use
# and all marked free.
# Expected: a complaint; nothing is said that the bitmap is not compared with what is in use.
# So a test that ends with `fsck.exfat -n` proves less of exfat than e2fsck -fn does of ext4.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get -qq -o APT::Sandbox::User=root download exfatprogs=1.2.0-1+deb12u1
dpkg-deb -x exfatprogs_*.deb root
truncate -s 64M image
root/usr/sbin/mkfs.exfat image > /dev/null
python3 - <<'P'
import struct
with open("image", "r+b") as image:
    boot = image.read(512)
    heap, sector = struct.unpack_from("<I", boot, 88)[0], 1 << boot[108]
    image.seek(heap * sector)  # the first cluster is the bitmap's own
    assert any(image.read(64)), "the bitmap is elsewhere"
    image.seek(heap * sector)
    image.write(bytes(64))
P
root/usr/sbin/fsck.exfat -n image > seen
cat seen
grep -q 'image: clean' seen
