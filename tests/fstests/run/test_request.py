"""Choices of tests in a scenario: checked whole, files taken in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from anyclue.fstests.core.configuration import local_config_of_cell
from anyclue.fstests.core.local_config import read_local_config
from anyclue.hunt.driver import plan
from anyclue.hunt.render.scenario_words import limits_sentence
from anyclue.model.errors import RequestError
from anyclue.model.scenario import Scenario

HEAD = """\
schema = 1
title = "t"
kernels.k.debian = "6.1"
machines.m = { arch = "i386", ram = "1 GiB" }
[fstests.few]
"""


@pytest.fixture
def planned(tmp_path: Path) -> Callable[[str], Scenario]:
    def read(text: str) -> Scenario:
        path = tmp_path / "s.toml"
        path.write_text(HEAD + text)
        return plan(path)

    return read


def test_files_are_taken_in(planned: Callable[[str], Scenario], tmp_path: Path) -> None:
    (tmp_path / "left-out").write_text("generic/475  # hangs\n\nbtrfs/011 it fails\n")
    scenario = planned('tests = ["-g quick", "-E left-out"]')
    choice = scenario.workloads["few"].tests
    assert choice is not None
    assert choice.tests == ("-g quick", "-e generic/475,btrfs/011")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('tests = ["generic/1; rm"]', ["fstests.few.tests", "is not the name of a test"]),
        ('tests = ["-d"]', ["fstests.few.tests", "is not passed on to check"]),
        ('tests = ["generic/001", "-E gone"]', ["fstests.few.tests[1]", "cannot be read"]),
        ('tests = ["-g auto"]\nexclude = ["-g quick"]', ["fstests.few.exclude", "leaves nothing"]),
        ('tests = ["-g auto"]\nsections = ["x"]', ["fstests.few.sections", "no section 'x'"]),
        ('tests = ["-g auto"]\nconfig = "gone"', ["fstests.few.config", "cannot be read"]),
        ("tests = []", ["fstests.few.tests"]),
        (
            'tests = [\n"-g quick",\n"-d",\n]\nexclude = ["-x a", "btrfs/*", "-e foo", "-E  "]',
            [
                "s.toml:8: fstests.few.tests[1]: '-d' is not passed on",
                "s.toml:10: fstests.few.exclude[1]: 'btrfs/*' is not the name of a test",
                "s.toml:10: fstests.few.exclude[2]: -e needs a test",
                "s.toml:10: fstests.few.exclude[3]: -E needs the path",
            ],
        ),
        (
            'tests = ["-g auto"]\nexclude = ["-E listed"]',
            ["s.toml:7: fstests.few.exclude[0]: 'listed', line 3: '//' is not the name of a test"],
        ),
        ('tests = ["-g auto"]\nexclude = ["-E /dev/zero"]', ["it is larger than 1024 KiB"]),
        ('tests = ["-g auto"]\nconfig = "/dev/zero"', ["it is larger than 1024 KiB"]),
        ('tests = ["-g auto"]\nconfig = "~no-such-user/c"', ["cannot be read: No such file"]),
        ('tests = ["-g auto"]\nfstyp = "b/s"', ["fstests.few.fstyp", "a type of file system"]),
        ('tests = ["-g auto"]\nrepeats = 2', ["fstests.few.repeats", "at least 3"]),
        ('tests = ["-g auto"]\nsoak_duration = "1y"', ["fstests.few.soak_duration"]),
        ('test = ["-g auto"]', ["fstests.few", 'did you mean "tests"']),
    ],
)
def test_mistakes(
    planned: Callable[[str], Scenario], tmp_path: Path, text: str, words: list[str]
) -> None:
    (tmp_path / "listed").write_text("generic/475\n\n// generic/476\n")
    with pytest.raises(RequestError) as caught:
        planned(text)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_the_config_of_a_cell(planned: Callable[[str], Scenario]) -> None:
    scenario = planned('tests = ["-g quick"]\nload_factor = 3\n[mount]\nlzo = "compress=lzo"')
    found = read_local_config(local_config_of_cell(scenario, "k.m.default.lzo.few"))[0].options
    assert (found["LOAD_FACTOR"], found["MOUNT_OPTIONS"]) == ("3", "-o compress=lzo")
    with pytest.raises(RequestError, match=r"cells that run fstests: k\.m\.default\.lzo\.few"):
        local_config_of_cell(scenario, "k.m.default.none.few")


def test_tests_have_no_rounds(planned: Callable[[str], Scenario]) -> None:
    alone = limits_sentence(planned('tests = ["-g quick"]'))
    assert "rounds" not in alone
    assert "KiB per run of a test" in alone
    text = 'tests = ["-g quick"]\n[workloads.mix]\nuse = "compression-mix"'
    assert "8 rounds a trial" in limits_sentence(planned(text))
