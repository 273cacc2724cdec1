"""What make leaves and says: records of what was read, symbols, errors. Captured from 6.1, cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyclue.trial.kernels.fast_path import BuildInputs
from anyclue.trial.kernels.make import build_inputs, first_errors, symvers

LZO = """\
cmd_fs/btrfs/lzo.o := ccache gcc -Wp,-MMD,fs/btrfs/.lzo.o.d -nostdinc -I../arch/x86/include \
-DKBUILD_MODNAME='"btrfs"' -c -o fs/btrfs/lzo.o ../fs/btrfs/lzo.c

source_fs/btrfs/lzo.o := ../fs/btrfs/lzo.c

deps_fs/btrfs/lzo.o := \\
    $(wildcard include/config/64BIT) \\
  ../include/linux/compiler-version.h \\
    $(wildcard include/config/CC_VERSION_TEXT) \\
  arch/x86/include/generated/uapi/asm/types.h \\
  ../fs/btrfs/compression.h \\

fs/btrfs/lzo.o: $(deps_fs/btrfs/lzo.o)

$(deps_fs/btrfs/lzo.o):
"""
FIXDEP = """\
cmd_scripts/basic/fixdep := gcc -Wp,-MMD,scripts/basic/.fixdep.d -o scripts/basic/fixdep \
../scripts/basic/fixdep.c

source_scripts/basic/fixdep := ../scripts/basic/fixdep.c

deps_scripts/basic/fixdep := \\
    $(wildcard include/config/HIS_DRIVER) \\

scripts/basic/fixdep: $(deps_scripts/basic/fixdep)
"""


def build(tmp_path: Path, records: dict[str, str]) -> Path:
    for name, text in records.items():
        file = tmp_path / ".build" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_what_was_read(tmp_path: Path) -> None:
    source = build(
        tmp_path, {"fs/btrfs/.lzo.o.cmd": LZO, "scripts/basic/.fixdep.cmd": FIXDEP, "x.cmd": LZO}
    )
    assert build_inputs(source, ["fs/btrfs"])["fs/btrfs"] == BuildInputs(
        all=frozenset(
            {
                "fs/btrfs/lzo.c",
                "fs/btrfs/compression.h",
                "include/linux/compiler-version.h",
                "arch/x86/include/generated/uapi/asm/types.h",
                "scripts/basic/fixdep.c",
            }
        ),
        outside=frozenset(),
    )


def test_what_others_read_of_the_directory(tmp_path: Path) -> None:
    record = LZO.replace("fs/btrfs/lzo", "fs/other/lzo")
    above = record.replace("../fs/btrfs/compression.h", f"{tmp_path}/fs/other/../btrfs/ctree.h")
    source = build(tmp_path, {"fs/other/.lzo.o.cmd": record, "fs/other/.up.o.cmd": above})
    read = build_inputs(source, ["fs/btrfs"])["fs/btrfs"]
    assert read.outside == {"fs/btrfs/compression.h", "fs/btrfs/ctree.h"}


@pytest.mark.parametrize("text", ["", "deps_x := \\\n", "source_x :=", "\\\n" * 9, LZO[:300]])
def test_a_record_cut_short(tmp_path: Path, text: str) -> None:
    read = build_inputs(build(tmp_path, {".x.cmd": text}), ["fs/btrfs"])["fs/btrfs"]
    assert read.all <= {"fs/btrfs/lzo.c"}


def test_symbols() -> None:
    text = "0xbd462b55\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n0x1\txor_blocks\tcrypto/xor\tEXPORT\n\nx\n"
    assert symvers(text) == {
        "kfree": ("0xbd462b55", "vmlinux"),
        "xor_blocks": ("0x00000001", "crypto/xor"),
    }


@pytest.mark.parametrize(
    ("log", "first"),
    [
        (
            "  CC      fs/btrfs/lzo.o\n../fs/btrfs/lzo.c:1:1: error: unknown type name ‘x’\n"  # noqa: RUF001
            "make[3]: *** [../scripts/Makefile.build:250: fs/btrfs/lzo.o] Error 1\n",
            "    ../fs/btrfs/lzo.c:1:1: error: unknown type name",
        ),
        (
            '  GEN     Makefile\ncrypto/Kconfig:1395: can\'t open file "arch/arm/crypto/Kconfig"\n'
            "make[4]: *** [../scripts/kconfig/Makefile:77: allnoconfig] Error 1\n",
            "    crypto/Kconfig:1395: can't open file",
        ),
        ('ERROR: modpost: "x" [fs/btrfs/btrfs.ko] undefined!\n', "    ERROR: modpost:"),
        ("ld: fs/x.o: in function `f':\nx.c:(.text+0x1): undefined reference to `g'\n", "    x.c"),
        ("make: *** No rule to make target 'bzImage'.  Stop.\n", "    make: *** No rule"),
        ("/bin/sh: 1: flex: not found\nmake: *** Error 127\n", "    /bin/sh: 1: flex: not found"),
        ("nothing that is known\n", "    nothing that is known"),
        ("", ""),
    ],
)
def test_the_first_errors(log: str, first: str) -> None:
    assert first_errors(log).startswith(first)
    assert len(first_errors(log * 20).splitlines()) <= 5
