"""Whole bisections with fake guests: the right commit, skips, merges, proof, and going on."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from anyclue.bisect.core import journal
from anyclue.bisect.core.model import BisectionStatus, BisectTerm, CommitEvidence
from anyclue.bisect.render.json_document import bisect_json
from anyclue.bisect.render.text import bisect_text
from anyclue.bisect.run import evidence
from anyclue.bisect.run.cell_runner import CellRunner
from anyclue.bisect.run.evidence import EvidenceRequest, commit_evidence
from anyclue.git import repository as git
from anyclue.model.errors import InfrastructureError, Problem, RequestError

if TYPE_CHECKING:
    from tests.bisect.run.conftest import World

LEAK, CRASH, BROKEN = "/* leak */", "/* crash */", "#error no"
PADDING = "".join(f"int line_{number};\n" for number in range(8))


def text(marks: str = "", number: int = 0) -> str:
    return f"{marks}\n{PADDING}int number_{number};\n"


def linear(world: World, culprit: int, marks: dict[int, str] | None = None) -> list[str]:
    """Return 12 commits of which the one numbered leaks, and all after it."""
    ids = []
    for number in range(12):
        leak = LEAK if number >= culprit else ""
        # Nothing else changes with the leak, so that it can be reverted.
        other = number - (number == culprit)
        ids.append(world.commit(text(leak + (marks or {}).get(number, ""), other)))
    return ids


@pytest.mark.parametrize("culprit", [1, 5, 11])
def test_the_first_bad_commit_is_found_and_proven(world: World, culprit: int) -> None:
    ids = linear(world, culprit)
    found = world.bisect(ids[0], ids[-1])
    assert found.status is BisectionStatus.FOUND
    assert [one.commit for one in found.accused] == [ids[culprit]]
    assert found.confidence >= 0.99
    assert found.failure == "leak (page-cache-reference)"
    assert found.proof is not None
    assert found.proof.terms == (BisectTerm.GOOD, BisectTerm.GOOD)
    assert len(found.runs) < 12


def test_what_does_not_build_or_breaks_otherwise_is_skipped(world: World) -> None:
    ids = linear(world, 6, {5: CRASH, 6: "", 7: BROKEN})
    found = world.bisect(ids[0], ids[-1])
    skipped = {
        one.observation.commit: one.observation.because
        for one in found.runs
        if one.observation.term == "skip"
    }
    assert "error: #error no" in skipped.get(ids[7], "error: #error no")
    # The parent crashes, so whether it or its child brought the leak cannot be told.
    assert {one.commit for one in found.accused} == {ids[5], ids[6]}
    assert found.status is BisectionStatus.RANGE
    assert "breaks in another way" in skipped[ids[5]]


def test_a_side_branch_is_entered(world: World) -> None:
    root = world.commit(text())
    main = world.commit(text(number=1), "main", root)
    side = [world.forge.commit("side", root, {"fs/btrfs/a.c": "int a;\n"})]
    side.append(world.forge.commit("side", "side", {"fs/btrfs/lzo.c": text(LEAK)}))
    side.append(world.forge.commit("side", "side", {"fs/btrfs/a.c": "int a, b;\n"}))
    merge = world.forge.merge([main, side[-1]], {"fs/btrfs/lzo.c": text(LEAK, 1)})
    end = world.forge.commit("main", merge, {"fs/btrfs/a.c": "int a, b, c;\n"})
    found = world.bisect(root, end)
    assert [one.commit for one in found.accused] == [side[1]]


def test_an_evil_merge_is_accused_when_both_parents_are_good(world: World) -> None:
    root = world.commit(text())
    main = world.forge.commit("main", root, {"fs/btrfs/a.c": "int a;\n"})
    side = world.forge.commit("side", root, {"fs/btrfs/b.c": "int b;\n"})
    merge = world.forge.merge([main, side], {"fs/btrfs/lzo.c": text(LEAK)})
    end = world.forge.commit("main", merge, {"fs/btrfs/a.c": "int a, c;\n"})
    found = world.bisect(root, end)
    assert [one.commit for one in found.accused] == [merge]
    good = {one.observation.commit for one in found.runs if one.observation.term is BisectTerm.GOOD}
    assert {main, side} <= good
    assert found.proof is not None
    assert found.proof.worst is BisectTerm.GOOD


def test_a_bad_end_that_is_clean_ends_it(world: World) -> None:
    ids = linear(world, 99)
    found = world.bisect(ids[0], ids[-1])
    assert found.status is BisectionStatus.BAD_IS_CLEAN
    assert {one.observation.commit for one in found.runs} == {ids[-1]}
    assert "clean here" in bisect_text(found).splitlines()[-1]


def test_its_run_keeps_the_scenario(world: World) -> None:
    good, bad = (world.commit(f"int number_{n};\n") for n in range(2))
    bisection = world.begin(good, bad)
    assert bisection.run.scenario.read_text() == (world.path / "b.toml").read_text()


def test_it_goes_on_where_it_was_stopped(world: World) -> None:
    ids = linear(world, 4)
    whole = world.bisect(ids[0], ids[-1])
    runs = list(world.runs)
    world.path.joinpath("run").rename(world.path / "first")
    world.runs.clear()
    world.stop_after = 3
    with pytest.raises(InfrastructureError):
        world.bisect(ids[0], ids[-1])
    file = world.path / "run/bisection.jsonl"
    file.write_text(file.read_text() + '{"commit": "cut sh')
    world.stop_after = 1000
    found = world.resume()
    assert [one.commit for one in found.accused] == [one.commit for one in whole.accused]
    assert [one.observation.commit for one in found.runs] == [
        one.observation.commit for one in whole.runs
    ]
    assert len(world.runs) == len(runs)
    assert len(journal.read_journal(file.read_text()).runs) == len(whole.runs)


def test_its_log_can_be_replayed_by_git(world: World) -> None:
    ids = linear(world, 7)
    world.bisect(ids[0], ids[-1])
    log = world.path / "run/bisect.log"
    replay = ["git", "-C", str(world.forge.path), "bisect", "replay", str(log)]
    done = subprocess.run(replay, check=True, capture_output=True, text=True)
    assert f"{ids[7]} is the first bad commit" in done.stdout


def test_a_carried_fixup_is_kept_in_the_run(world: World) -> None:
    ids = linear(world, 4)
    bisection = world.begin(ids[0], ids[-1], carried=(ids[2],))
    (fixup,) = bisection.carried
    assert fixup.name == ids[2]
    assert b"+int number_2;" in fixup.patch


def test_kernels_from_git_are_proven_by_a_revert(world: World) -> None:
    world.from_git()
    ids = linear(world, 5)
    objects = world.forge.git("count-objects")
    found = world.bisect(ids[0], ids[-1])
    assert [one.commit for one in found.accused] == [ids[5]]
    assert found.proof is not None
    assert found.proof.terms == (BisectTerm.GOOD, BisectTerm.GOOD)
    (without,) = {one for one in world.kernels if one.commit not in ids}
    assert (without.base, without.revision) == (ids[0], f"without {ids[5]}")
    assert {one.base for one in world.kernels} == {ids[0], None}
    assert world.forge.git("count-objects") == objects


def test_kernels_from_git_carry_a_fixup(world: World) -> None:
    world.from_git()

    def contents(number: int, *, broken: bool) -> str:
        leak = LEAK if number >= 6 else ""
        end = f"{PADDING}int other_{number - (number == 6)};\n"
        return f"{text(leak)}{PADDING}{BROKEN if broken else ''}\n{end}"

    ids = [world.commit(contents(one, broken=3 <= one < 10)) for one in range(12)]
    mended = {"fs/btrfs/lzo.c": contents(9, broken=False), "mm/mended.c": "int mended;\n"}
    fix = world.forge.commit("fix", ids[9], mended)
    assert world.bisect(ids[0], ids[-1]).status is BisectionStatus.RANGE
    world.path.joinpath("run").rename(world.path / "first")
    world.kernels.clear()
    found = world.run(world.begin(ids[0], ids[-1], carried=(fix,)))
    assert [one.commit for one in found.accused] == [ids[6]]
    assert found.proof is not None
    assert found.proof.worst is BisectTerm.GOOD
    carrying = {one.revision: one.commit or "" for one in world.kernels}
    assert carrying[ids[11]] == ids[11]
    own = git.repository(world.path / "run/commits.git")
    assert git.parents(own, carrying[ids[6]]) == (ids[6],)
    assert git.differing(own, ids[6], carrying[ids[6]]) == ["fs/btrfs/lzo.c", "mm/mended.c"]


def test_evidence_speaks_for_the_file_that_the_mount_option_leads_to(world: World) -> None:
    root = world.commit(text())
    other = world.forge.commit("main", None, {"README": "x"})
    near = world.forge.commit("main", None, {"fs/btrfs/lzo.c": text(number=3)})
    far = world.forge.commit("main", None, {"fs/btrfs/a.c": "int a;\n"})
    begun = world.begin(root, far)
    known = commit_evidence(
        EvidenceRequest(
            repo=begun.repo, span=begun.span, directory=begun.directory, mount="compress=lzo"
        )
    )
    ratios = {one.commit: one.ratio for one in known}
    assert ratios[other] < 1 < ratios[near]
    assert far not in ratios


def test_guests_run_before_evidence_is_there(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = linear(world, 4)

    def slow(*_given: object) -> list[CommitEvidence]:
        for _ in range(1000):
            if (world.path / "ran").exists():
                return [CommitEvidence(commit=ids[4], ratio=9.0, because="a finding")]
            time.sleep(0.02)
        return []

    monkeypatch.setattr(evidence, "commit_evidence", slow)
    found = world.bisect(ids[0], ids[-1])
    assert [one.commit for one in found.accused] == [ids[4]]
    kept = journal.read_journal((world.path / "run/bisection.jsonl").read_text())
    assert kept.evidence == (CommitEvidence(commit=ids[4], ratio=9.0, because="a finding"),)


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [("nothing", "main", "unknown revision 'nothing'"), ("main", "main", "perhaps good and bad")],
)
def test_wrong_requests(world: World, good: str, bad: str, message: str) -> None:
    linear(world, 4)
    with pytest.raises(RequestError, match=message):
        world.begin(good, bad)
    assert not (world.path / "run").exists()


def test_hostile_subjects_are_harmless(world: World) -> None:
    ids = linear(world, 4)
    world.forge.git("checkout", "-q", "main")
    evil = "\x1b[31mevil\u202e"
    world.forge.git("commit", "-q", "--allow-empty", "-m", evil)
    world.forge.write({"fs/btrfs/lzo.c": text(LEAK + LEAK)})
    found = world.bisect(ids[0], "main")
    for out in (bisect_text(found), bisect_json(found)):
        assert "\x1b" not in out
        assert "\u202e" not in out
    assert json.loads(bisect_json(found))["schema"] == "anyclue.bisect/1"


@pytest.mark.parametrize("contents", [b"", b"no patch\n", b"\x00\xff", b"--- a/x\n+++ b/x\n"])
def test_what_is_no_patch_is_not_carried(world: World, contents: bytes) -> None:
    ids = linear(world, 4)
    (world.path / "no.patch").write_bytes(contents)
    with pytest.raises(RequestError, match=r"no\.patch: is no patch"):
        world.begin(ids[0], ids[-1], carried=(str(world.path / "no.patch"),))


def test_a_commit_with_nothing_below_the_module_is_not_carried(world: World) -> None:
    ids = linear(world, 4)
    elsewhere = world.forge.commit("elsewhere", ids[0], {"mm/other.c": "int other;\n"})
    with pytest.raises(RequestError, match="changes nothing below fs/btrfs"):
        world.begin(ids[0], ids[-1], carried=(elsewhere,))
    world.from_git()
    (fixup,) = world.begin(ids[0], ids[-1], carried=(elsewhere,)).carried
    assert b"+int other;" in fixup.patch


@pytest.mark.parametrize("from_git", [False, True])
def test_a_fix_proves_in_place_of_a_revert(world: World, *, from_git: bool) -> None:
    ids = [world.commit(text(LEAK if one >= 5 else "", one)) for one in range(12)]
    wrong = world.commit(text(LEAK, 99))
    fix = world.commit(text("", 99))
    if from_git:
        world.from_git()
    conflicting = world.bisect(ids[0], wrong)
    assert conflicting.proof is not None
    assert conflicting.proof.terms == ()
    world.path.joinpath("run").rename(world.path / "first")
    found = world.run(world.begin(ids[0], wrong, fix=fix))
    assert [one.commit for one in found.accused] == [ids[5]]
    assert found.proof is not None
    assert found.proof.terms == (BisectTerm.GOOD, BisectTerm.GOOD)
    assert f"the bad end with the fix {fix}, 2 runs: clean: proven" in bisect_text(found)
    assert json.loads(bisect_json(found))["proof"]["fix"] == fix


def test_a_fix_that_mends_nothing_does_not_prove(world: World) -> None:
    ids = linear(world, 4)
    no_fix = world.commit(text(LEAK, 99))
    found = world.run(world.begin(ids[0], ids[-1], fix=no_fix))
    assert "still bad: not proven" in bisect_text(found)


def test_a_fix_has_to_apply_to_the_bad_end(world: World) -> None:
    ids = linear(world, 4)
    with pytest.raises(RequestError, match="does not apply to the bad end"):
        world.begin(ids[0], ids[-1], fix=ids[4])
    assert not (world.path / "run").exists()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "make failed:\nlzo.c:1: note: x\nlzo.c:1: error: no\nmake: *** [lzo.o]",
            "lzo.c:1: error: no",
        ),
        (
            "make failed; make said:\nmake: *** No rule to make target",
            "make: *** No rule to make target",
        ),
        (
            "not kept:\nCONFIG_A: wanted y, got n\nCONFIG_B: wanted y",
            "not kept: CONFIG_A: wanted y, got n",
        ),
    ],
)
def test_a_bad_end_that_does_not_build_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    ids = linear(world, 4)

    async def judged(*_arguments: object) -> None:
        raise RequestError([Problem(what=said)])

    monkeypatch.setattr(CellRunner, "next_verdict", judged)
    found = world.bisect(ids[0], ids[-1])
    assert found.runs[0].observation.because == f"does not build: {told}"
    assert bisect_text(found).endswith(f"cannot be run: {ids[-1][:12]} was skipped\n")
