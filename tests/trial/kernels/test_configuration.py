"""What is asked of kconfig, and what survived; on a configuration that kconfig really made."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Arch, DebugOption
from anyclue.trial.filesystems.btrfs import BTRFS
from anyclue.trial.kernels.configuration import (
    FRAGMENTS,
    as_text,
    check_survived,
    configuration,
    lost_symbols,
    merged,
    symbols,
)

CAPTURED = (Path(__file__).parent / "data/i386-6.1.config").read_text()
VALUES = st.dictionaries(
    st.from_regex(r"CONFIG_[A-Z0-9_]{1,8}", fullmatch=True),
    st.sampled_from(["y", "m", "n", "17", "0x10", '"a b"', '""']),
)


def test_a_kernel_of_ours_has_all_that_a_guest_needs() -> None:
    check_survived(configuration(Arch.I386, ()).wanted, CAPTURED, where="")


def test_all_that_did_not_survive_is_one_problem() -> None:
    wanted = configuration(Arch.X86_64, (DebugOption.KASAN, DebugOption.PAGE_OWNER)).wanted
    with pytest.raises(RequestError) as caught:
        check_survived(wanted, CAPTURED, where="commit 1234")
    (problem,) = caught.value.problems
    assert problem.where == "commit 1234"
    assert problem.what.splitlines()[1:] == [
        "    CONFIG_KASAN: wanted y, got n",
        "    CONFIG_KASAN_GENERIC: wanted y, got n",
        "    CONFIG_PAGE_OWNER: wanted y, got n",
        "    CONFIG_CMDLINE_BOOL: wanted y, got n",
        '    CONFIG_CMDLINE: wanted "page_owner=on", got n',
        "    CONFIG_64BIT: wanted y, got n",
    ]


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("CONFIG_BTRFS_FS=m", "CONFIG_BTRFS_FS=y"),
        ("CONFIG_BTRFS_FS=m", "# CONFIG_BTRFS_FS is not set"),
        ("CONFIG_BTRFS_FS=m", ""),
        ("# CONFIG_SMP is not set", "CONFIG_SMP=y"),
        ('CONFIG_CMDLINE="a"', 'CONFIG_CMDLINE="a b"'),
    ],
)
def test_lost(wanted: str, got: str) -> None:
    (one,) = lost_symbols(symbols(wanted), got)
    assert one.symbol in wanted
    assert (one.wanted, one.got) == (
        next(iter(symbols(wanted).values())),
        next(iter(symbols(got).values()), "n"),
    )


def test_what_is_not_wanted_may_be_unknown_to_kconfig() -> None:
    assert lost_symbols(symbols("# CONFIG_NEVER_HEARD_OF is not set"), CAPTURED) == ()


def test_fragments_go_over_tinyconfig_and_a_guests_needs_win() -> None:
    fragment = "CONFIG_EXT4_FS=y\nCONFIG_BTRFS_FS=y\nCONFIG_SMP=n\n"
    asked = configuration(Arch.I386, (), [fragment], needs=BTRFS.symbols)
    assert asked.complete is None
    assert asked.asked["CONFIG_EXT4_FS"] == asked.wanted["CONFIG_EXT4_FS"] == "y"
    assert asked.wanted["CONFIG_BTRFS_FS"] == "m"
    assert asked.asked["CONFIG_SMP"] == "n"
    assert "CONFIG_KERNEL_GZIP" in asked.asked
    assert "CONFIG_KERNEL_GZIP" not in asked.wanted


def test_a_complete_configuration_stands_for_the_wishes() -> None:
    asked = configuration(Arch.I386, (), [CAPTURED, "CONFIG_EXT4_FS=y\n"])
    assert asked.complete == CAPTURED
    assert asked.asked == asked.wanted
    assert asked.wanted["CONFIG_EXT4_FS"] == "y"
    assert "CONFIG_KERNEL_GZIP" not in asked.asked


def test_every_debug_option_has_its_fragment_and_no_fragment_is_without_use() -> None:
    names = {f"debug-{option.value}" for option in DebugOption}
    names |= {"guest", "wishes", *(f"guest-{arch.value}" for arch in Arch)}
    assert {file.stem for file in FRAGMENTS.glob("*.config")} == names
    for name in names:
        text = (FRAGMENTS / f"{name}.config").read_text()
        assert symbols(as_text(symbols(text))) == symbols(text) != {}


@given(VALUES, VALUES)
def test_texts_say_what_they_were_made_of(one: dict[str, str], other: dict[str, str]) -> None:
    assert symbols(as_text(one)) == one
    assert symbols(as_text(one) + as_text(other)) == merged([one, other])
    assert lost_symbols(one, as_text(one)) == ()


@given(st.text())
def test_any_text_has_symbols(text: str) -> None:
    assert all(name.startswith("CONFIG_") for name in symbols(text))
