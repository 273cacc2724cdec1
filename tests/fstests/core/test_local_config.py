"""``local.config``: what is accepted, one error a line for what is not, written and read back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyclue.fstests.core.local_config import (
    RESET_WITH_FSTYP,
    effective_sections,
    read_local_config,
    write_local_config,
)
from anyclue.fstests.core.model import ConfigSection
from anyclue.model.errors import RequestError

FSTESTS_DIR = os.environ.get("FSTESTS_DIR")

SHELL = """\
# what a developer has
export TEST_DEV=/dev/vdb   # the small one
TEST_DIR='/mnt/test'; export TEST_DIR
export SCRATCH_DEV_POOL="/dev/vdc /dev/vdd" SCRATCH_MNT=/mnt/scratch

export MOUNT_OPTIONS="-o compress=lzo"
export FSTYP=btrfs
RESULT_BASE=$(pwd)/results
LOGWRITES_DEV="`losetup -f`"
SCRATCH_LOGDEV=/dev/the\\ log
"""

SECTIONS = """\
SOAK_DURATION=5m
# three
[none]
TEST_DEV = /dev/vdb
FSTYP=btrfs # the default
RESULT_BASE="`pwd`/results/`date +%d`"
export MKFS_OPTIONS='-n 16k'
[lzo]
MOUNT_OPTIONS="-o  compress = lzo"
just words
[xfs-4k]
FSTYP=xfs
MKFS_OPTIONS=
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(RequestError) as raised:
        read_local_config(text, origin="my.config")
    return [f"{problem.where.rpartition(':')[2]} {problem.what}" for problem in
            raised.value.problems]  # fmt: skip


def test_without_sections() -> None:
    assert read_local_config(SHELL) == (
        ConfigSection(
            name="",
            options={
                "TEST_DEV": "/dev/vdb",
                "TEST_DIR": "/mnt/test",
                "SCRATCH_DEV_POOL": "/dev/vdc /dev/vdd",
                "SCRATCH_MNT": "/mnt/scratch",
                "MOUNT_OPTIONS": "-o compress=lzo",
                "FSTYP": "btrfs",
            },
        ),
    )


def test_with_sections() -> None:
    assert read_local_config(SECTIONS) == (
        ConfigSection(
            name="none",
            options={"TEST_DEV": "/dev/vdb", "FSTYP": "btrfs", "MKFS_OPTIONS": "-n 16k"},
        ),
        ConfigSection(name="lzo", options={"MOUNT_OPTIONS": "-o compress=lzo"}),
        ConfigSection(name="xfs-4k", options={"FSTYP": "xfs", "MKFS_OPTIONS": ""}),
    )


def test_one_error_for_each_line_of_shell() -> None:
    text = (
        "if [ -b /dev/vdb ]; then\n"
        "  export TEST_DEV=/dev/vdb\n"
        "fi\n"
        "MOUNT_OPTIONS=$OPTIONS\n"
        "MKFS_OPTIONS='-f\n"
        "export A B=1\n"
        "FSTYP=btrfs; rm -rf /\n"
        ". ./other\n"
        "X=1 && Y=2\n"
        "SCRATCH_MNT=/mnt/\x07bell\n"
        "MIX=a\\ b\n"
        "HOME_DIR=~/x\n"
        "A=$B C=$D\n"
    )
    assert mistakes(text) == [
        "1 'if' sets no option: it is shell that anyclue does not run",
        "3 'fi' sets no option: it is shell that anyclue does not run",
        "4 MOUNT_OPTIONS has $OPTIONS, whose value is not known where check reads it",
        "5 a quote is not closed on its line",
        "6 'A' sets no option: it is shell that anyclue does not run",
        "7 'rm' sets no option: it is shell that anyclue does not run",
        "8 '.' sets no option: it is shell that anyclue does not run",
        "9 & is shell that anyclue does not run",
        "10 the value of SCRATCH_MNT has a control character",
        "11 MIX has \\, which a shell would work out",
        "12 HOME_DIR has ~, which a shell would work out",
        "13 A has $B, whose value is not known where check reads it",
    ]


def test_one_error_for_each_line_of_a_section() -> None:
    text = (
        "[a]\n"
        "MOUNT_OPTIONS='-o x\n"
        'MKFS_OPTIONS="-L #1"\n'
        "FSTYP=$X\n"
        "A+=b\n"
        "[b c]\n"
        "[c] # the third\n"
        "[a]\n"
        "TITLE=it's\n"
    )
    assert mistakes(text) == [
        "2 the value of MOUNT_OPTIONS has a quote that is not around the whole of it",
        "3 the value of MKFS_OPTIONS has a quote that is not around the whole of it",
        "4 FSTYP has $X, whose value is not known where check reads it",
        "5 'A+' cannot be the name of an option",
        "6 is not the name of a section, so check reads nothing below it",
        "7 check takes each word behind a section's name for another section",
        "8 the section [a] stands twice; check would run it twice",
        "9 the value of TITLE has a quote that is not around the whole of it",
    ]


OWN = """\
FSTYP=xfs
MOUNT_OPTIONS="-o usrquota"
TEST_FS_MOUNT_OPTS="$TEST_FS_MOUNT_OPTS -o usrquota"
MOUNT_OPTIONS="${MOUNT_OPTIONS},grpquota"
MKFS_OPTIONS=$MKFS_OPTIONS' -m crc=1'
EXTRA_ONE=$FSTYP'A'"$FSTYP"_$FSTYP; EXTRA_TWO="$XFS_MKFS_OPTIONS"x
MORE="$MORE -n"
MORE+=" -q"; export MORE+=x
FIRST=1 SECOND=$FIRST
export FIRST=2 THIRD=$FIRST
export FOURTH=$FIRST
SPACES="a  b"
export KEPT=$SPACES
HOLDS="a=$FIRST"
"""
NAMED = (
    *("FSTYP", "MOUNT_OPTIONS", "TEST_FS_MOUNT_OPTS", "MKFS_OPTIONS", "EXTRA_ONE", "EXTRA_TWO"),
    *("MORE", "FIRST", "SECOND", "THIRD", "FOURTH", "SPACES", "KEPT", "HOLDS"),
)


def in_bash(script: str, names: Sequence[str]) -> dict[str, str]:
    printed = "".join(f'printf "%s\\n" "${name}"\n' for name in names)
    done = subprocess.run(
        ["bash", "-c", f"{script}\n{printed}"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(names, done.stdout.splitlines(), strict=True))


def test_options_of_options_are_what_a_shell_makes_of_them() -> None:
    (section,) = read_local_config(OWN)
    assert dict(section.options) == in_bash(OWN, NAMED)
    assert section.options["TEST_FS_MOUNT_OPTS"] == " -o usrquota"
    assert section.options["MOUNT_OPTIONS"] == "-o usrquota,grpquota"


OWN_SECTIONS = """\
[a]
FSTYP=xfs
MOUNT_OPTIONS="$MOUNT_OPTIONS -o noatime"
XFS_MKFS_OPTIONS="-m crc=1"
PLAIN=1
AFTER='${PLAIN}2'
[b]
MOUNT_OPTIONS=$MOUNT_OPTIONS,discard
XFS_MKFS_OPTIONS="$XFS_MKFS_OPTIONS -q"
OTHER="${PLAIN}2"
"""


def test_options_of_options_in_sections(tmp_path: Path) -> None:
    """As parse_config_section and get_next_config of common/config do it."""
    file = tmp_path / "local.config"
    file.write_text(OWN_SECTIONS)
    parse = r"""
        unset MOUNT_OPTIONS TEST_FS_MOUNT_OPTS MKFS_OPTIONS FSCK_OPTIONS USE_EXTERNAL
        eval `sed -e 's/[[:space:]]*\=[[:space:]]*/=/g' -e 's/#.*$//' -e 's/[[:space:]]*$//' \
            -e 's/^[[:space:]]*//' \
            -e "s/^\([^=]*\)=\"\?'\?\([^\"']*\)\"\?'\?$/export \1=\"\2\"/" < FILE \
            | sed -n -e "/^\[SECTION\]/,/^\s*\[/{/^[^#].*\=.*/p;}"`
    """
    scripts = [parse.replace("FILE", str(file)).replace("SECTION", one) for one in "ab"]
    found = read_local_config(OWN_SECTIONS)
    for number, section in enumerate(found):
        theirs = in_bash("\n".join(scripts[: number + 1]), list(section.options))
        assert dict(section.options) == theirs
    assert found[0].options["AFTER"] == "2"
    assert found[1].options["MOUNT_OPTIONS"] == ",discard"
    assert found[1].options["XFS_MKFS_OPTIONS"] == "-m crc=1 -q"


@pytest.mark.parametrize(
    "text",
    [
        'A="$HOME/x"\n',
        'HOME="$HOME/x"\n',
        "TIME_FACTOR=$TIME_FACTOR\n",
        'A="$TEST_DEV"\n',
        "TEST_DEV=/dev/a\nA=$TEST_DEV\n",
        'A="${B:-c}"\n',
        'A="$1"\n',
        'A="\\$A"\n',
        "PATH+=:/x\n",
        "[a]\nX=1\n[b]\nX=2\n[c]\nY=$X\n",
        "[a]\nB=1\n[b]\nX=2\n[c]\nY=$X\n",
    ],
)
def test_what_is_not_known_is_not_guessed(text: str) -> None:
    (mistake,) = mistakes(text)
    assert mistake.startswith(f"{text.count(chr(10))} ")


def test_a_mistake_says_which_value_to_write() -> None:
    with pytest.raises(RequestError, match=r"write that value in place of \$OTHER"):
        read_local_config("MOUNT_OPTIONS=$OTHER\n")


def test_single_quotes_keep_what_is_in_them() -> None:
    (section,) = read_local_config("A='$HOME'\nB=x\nC='a'$B'$B'\n")
    assert section.options == {"A": "$HOME", "B": "x", "C": "ax$B"}


def test_an_error_names_the_file() -> None:
    with pytest.raises(RequestError, match=r"^my\.config:2: "):
        read_local_config("A=b\nc\n", origin="my.config")


NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,9}", fullmatch=True)
PLAIN = st.text(st.sampled_from("ab1-=,./:%@^ +"), max_size=12).map(
    lambda text: "=".join(part.strip() for part in " ".join(text.split()).split("="))
)
SHELL_PLAIN = st.text(st.sampled_from("ab1-=,./:#;&|(~{*?[ é"), max_size=12)


def sections(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[ConfigSection]]:
    names = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
    options = st.dictionaries(NAMES, values, max_size=4)
    tables = st.dictionaries(names, options, min_size=1, max_size=4)
    return tables.map(lambda t: [ConfigSection(name=k, options=v) for k, v in t.items()])


@given(sections(PLAIN))
def test_written_then_read_is_the_same(written: list[ConfigSection]) -> None:
    assert list(read_local_config(write_local_config(written))) == written


@given(st.dictionaries(NAMES, SHELL_PLAIN, max_size=4))
def test_written_without_sections(options: dict[str, str]) -> None:
    section = ConfigSection(name="", options=options)
    assert read_local_config(write_local_config([section])) == (section,)


@given(sections(st.text(max_size=8)), st.booleans())
def test_what_is_written_is_always_read_back(written: list[ConfigSection], bare: bool) -> None:
    if bare:
        written = [ConfigSection(name="", options=written[0].options)]
    try:
        text = write_local_config(written)
    except RequestError:
        return
    assert list(read_local_config(text)) == written


@pytest.mark.parametrize("value", ['a"b', "$(reboot)", "`x`", "a\nB=c", "a\\", "a\0"])
@pytest.mark.parametrize("section", ["", "s"])
def test_not_written(section: str, value: str) -> None:
    with pytest.raises(RequestError, match="A"):
        write_local_config([ConfigSection(name=section, options={"A": value})])


@pytest.mark.parametrize(
    "names", [["a", "a"], ["", "a"], ["a b"], ["a]\n[b"]], ids=["twice", "none", "space", "line"]
)
def test_names_of_sections_not_written(names: list[str]) -> None:
    with pytest.raises(RequestError):
        write_local_config([ConfigSection(name=name, options={}) for name in names])


LINES = st.sampled_from([*SHELL.split("\n"), *SECTIONS.split("\n"), "[", "A='", "$(", "`", "é="])


@given(st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=10))
def test_any_text_is_read_or_refused(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        read_local_config(text)
    except RequestError as error:
        places = [problem.where for problem in error.problems]
    else:
        return
    assert len(places) == len(set(places)) <= len(text.split("\n"))


def options_of(text: str, *run: str) -> list[dict[str, str]]:
    return [dict(one.options) for one in effective_sections(read_local_config(text), run)]


def test_options_carry_over_until_fstyp_changes() -> None:
    text = """\
[first]
TEST_DEV=/dev/vdb
FSTYP=btrfs
MOUNT_OPTIONS="-o compress=lzo"
TEST_FS_MOUNT_OPTS="-o compress=lzo"
MKFS_OPTIONS="-n 16k"
USE_EXTERNAL=yes
SCRATCH_LOGDEV=/dev/vdx
TIME_FACTOR=3
[same]
MKFS_OPTIONS="-n 4k"
[other]
FSTYP=ext4
EXT_MOUNT_OPTIONS=noatime
[third]
FSTYP=xfs
MOUNT_OPTIONS="-o discard"
"""
    _, same, other, third = options_of(text)
    assert same["MOUNT_OPTIONS"] == "-o compress=lzo"
    assert same["MKFS_OPTIONS"] == "-n 4k"
    assert same["SCRATCH_LOGDEV"] == "/dev/vdx"
    assert [other[name] for name in RESET_WITH_FSTYP] == [
        "-o acl,user_xattr noatime",
        "-o acl,user_xattr noatime",
        "",
        "-nf",
    ]
    assert "SCRATCH_LOGDEV" not in other
    assert (other["TEST_DEV"], other["TIME_FACTOR"]) == ("/dev/vdb", "3")
    assert [third[name] for name in RESET_WITH_FSTYP] == ["-o discard", "", "", "-n"]


def test_sections_that_do_not_run_are_not_read_but_the_first() -> None:
    text = "[a]\nFSTYP=btrfs\nA=1\n[b]\nB=2\n[c]\nC=3\n"
    (only,) = options_of(text, "c")
    assert (only["A"], only["C"]) == ("1", "3")
    assert "B" not in only


CONFIG_RUNNER = r"""
set +e
cd "$1"; shift
eval "$(sed -n '/^_common_mount_opts()/,/^}/p;/^_mount_opts()/,/^}/p;/^_test_mount_opts()/,/^}/p
/^_mkfs_opts()/,/^}/p;/^_fsck_opts()/,/^}/p;/^get_config_sections()/,/^}/p
/^parse_config_section()/,/^}/p;/^get_next_config()/,/^}/p' common/config)"
_check_device() { :; }
_canonicalize_mountpoint() { echo "$2"; }
_exit() { exit "$1"; }
OPTIONS_HAVE_SECTIONS=true EMAIL=x
first=yes
for section in $(get_config_sections "$HOST_OPTIONS"); do
    get_next_config "$section"
    if [ $first ]; then
        FSTYP=${FSTYP:=xfs}
        [ -z "$MOUNT_OPTIONS" ] && _mount_opts
        [ -z "$TEST_FS_MOUNT_OPTS" ] && _test_mount_opts
        [ -z "$MKFS_OPTIONS" ] && _mkfs_opts
        [ -z "$FSCK_OPTIONS" ] && _fsck_opts
        first=
    fi
    for name in FSTYP MOUNT_OPTIONS TEST_FS_MOUNT_OPTS MKFS_OPTIONS FSCK_OPTIONS \
            USE_EXTERNAL SCRATCH_LOGDEV TEST_DEV PLAIN; do
        echo "$section $name" ${!name}
    done
done
"""

SOME = {
    "FSTYP": st.sampled_from(["btrfs", "ext4", "xfs", "f2fs", "jfs", "tmpfs", "reiserfs"]),
    **dict.fromkeys((*RESET_WITH_FSTYP, "PLAIN"), st.sampled_from(["", "-o a=b", "-q"])),
    "EXT_MOUNT_OPTIONS": st.just("-o noatime"),
    "XFS_MKFS_OPTIONS": st.just("-m crc=1"),
    "USE_EXTERNAL": st.sampled_from(["", "yes"]),
    "SCRATCH_LOGDEV": st.just("/dev/log"),
}


@pytest.mark.skipif(not FSTESTS_DIR, reason="needs FSTESTS_DIR, a checkout of upstream fstests")
@settings(max_examples=40)
@given(st.lists(st.fixed_dictionaries({}, optional=SOME), min_size=1, max_size=4))
def test_options_carry_over_as_upstream_does(tables: list[dict[str, str]]) -> None:
    tables[0] = {"TEST_DEV": "/dev/t", "TEST_DIR": "/t", **tables[0]}
    found = [ConfigSection(name=f"s{at}", options=table) for at, table in enumerate(tables)]
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"anyclue-local-config-{os.getpid()}"
    path.write_text(write_local_config(found))
    try:
        printed = subprocess.run(
            ["bash", "-c", CONFIG_RUNNER, "bash", str(FSTESTS_DIR)],
            env={"PATH": os.environ["PATH"], "HOST_OPTIONS": str(path), "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    finally:
        path.unlink()
    ours = {
        (one.name, name): " ".join(one.options.get(name, "").split())
        for one in effective_sections(found)
        for name in ("FSTYP", *RESET_WITH_FSTYP, "USE_EXTERNAL", "SCRATCH_LOGDEV", "PLAIN")
    }
    theirs = {}
    for line in printed.splitlines():
        section, name, *words = line.split(" ")
        theirs[section, name] = " ".join(words)
    assert {key: theirs[key] for key in ours} == ours
