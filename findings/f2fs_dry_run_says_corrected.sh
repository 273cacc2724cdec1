#!/bin/sh
# fsck.f2fs 1.15.0 (Debian 12) with -f --dry-run of an image whose root inode counts too many links:
# it prints "[FIX]" and exits with 1, which fsck(8) defines as "errors corrected", and writes
# nothing. Without -f the same image gives 4, "errors left uncorrected".
# Expected: --dry-run never claims a correction.
# A checker that is told to force and to change nothing must take 1 for "damaged", too.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
apt-get -qq -o APT::Sandbox::User=root download f2fs-tools=1.15.0-1
dpkg-deb -x f2fs-tools_*.deb root
for lib in root/lib/x86_64-linux-gnu root/usr/lib/x86_64-linux-gnu; do
	LD_LIBRARY_PATH="${LD_LIBRARY_PATH:-}:$work/$lib"
done
export LD_LIBRARY_PATH
truncate -s 100M image
root/sbin/mkfs.f2fs -q -f image > /dev/null
python3 - <<'P'
import struct
with open("image", "r+b") as image:
    data = image.read()
    for at in range(0, len(data), 4096):  # a node's footer: its number, then its inode's
        if struct.unpack_from("<II", data, at + 4096 - 24) == (3, 3):
            image.seek(at + 12)
            image.write(struct.pack("<I", 7))
P
before=$(sha256sum < image)
status=0; root/sbin/fsck.f2fs -f --dry-run image > forced || status=$?
plain=0; root/sbin/fsck.f2fs --dry-run image > unforced || plain=$?
echo "-f --dry-run: exit $status; --dry-run: exit $plain"; grep 'FIX' forced
test "$status" = 1
test "$plain" = 4
grep -q '\[FIX\].* 0x7 -> 0x2' forced
test "$before" = "$(sha256sum < image)"
