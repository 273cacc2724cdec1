"""``anyclue bisect`` as a user calls it: options that do not go together."""

from __future__ import annotations

import pytest

from anyclue.cli.main import main

ENDS = ("--good", "HEAD~1", "--bad", "HEAD")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "--resume RUN alone"),
        (("--good", "HEAD", "a.toml"), "--resume RUN alone"),
        (("--resume", "run", "a.toml"), "--resume RUN alone"),
        (("--resume", "run", "--cell", "a"), "--resume RUN alone"),
        (("--resume", "run", "--with", "a"), "--resume RUN alone"),
        (("--resume", "run", "--log", "a"), "--resume RUN alone"),
        (("--resume", "run", "--confidence", "0.9"), "--resume RUN alone"),
        ((*ENDS, "--culprit", "HEAD", "a.toml"), "of --simulate alone"),
        ((*ENDS, "--flakes", "0.2", "a.toml"), "of --simulate alone"),
        (("--simulate", *ENDS, "a.toml"), "no scenario"),
        (("--simulate", *ENDS, "--with", "a"), "no scenario"),
    ],
)
def test_what_does_not_go_together_is_refused(
    argv: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bisect", *argv]) == 2
    assert said in capsys.readouterr().err
