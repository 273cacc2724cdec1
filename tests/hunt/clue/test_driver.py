"""The clue of a run whose kernels are commits: made, kept, made anew without the repository."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import jsonschema
import pytest
from bench.merge_bench.forge import Forge

from anyclue.hunt.clue.driver import CLUES, clue_of, remake_clue
from anyclue.hunt.clue.model import Clue, SuspectStatus
from anyclue.hunt.conclusion import conclude
from anyclue.hunt.judge import JudgedRun, write_reports
from anyclue.hunt.localise.commits import AccusedCommit, write_accused
from anyclue.hunt.render.verdicts_json import verdicts_json
from anyclue.model.errors import ExitCode
from anyclue.model.reason import NotRun
from anyclue.model.recording import Outcome
from anyclue.model.scenario import (
    Arch,
    Cell,
    GitKernel,
    Kernel,
    KernelFiles,
    KernelSource,
    Limits,
    Machine,
    OfCommit,
    OfFunction,
    Scenario,
    Theory,
    WorkloadChoice,
)
from anyclue.model.verdict import CellVerdict, Signature, Verdict
from anyclue.recordings.run_directory import RunDirectory
from anyclue.trial.context import Context
from anyclue.trial.workloads.registry import WORKLOADS

SCHEMA: dict[str, Any] = json.loads(
    (Path(__file__).parents[3] / "docs/clues.schema.json").read_text()
)
LZO = "fs/btrfs/lzo.c"
PACK = """\
int lzo_pack(struct address_space *mapping, int n)
{
	struct page *page = NULL;
	int ret = 0;

	page = find_get_page(mapping, n);
	if (!page)
		return -ENOMEM;
	ret = pack_one(page);
	if (ret < 0)
		goto out;
	ret = note(page);
out:
	put_page(page);
	return ret;
}

int count(int n)
{
	return n;
}
"""
MIX = "compression-mix"
PARAMETERS = {one.name: one.default for one in WORKLOADS[MIX].rules.parameters}
LOST = PACK.replace("\tput_page(page);\n", "")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@dataclass(frozen=True, kw_only=True)
class Case:
    """A repository with a good commit, one that breaks something, and one behind it."""

    forge: Forge
    good: str
    culprit: str
    bad: str


@pytest.fixture
def repository(tmp_path: Path) -> Case:
    forge = Forge.new(tmp_path / "linux")
    good = forge.commit("main", None, {LZO: PACK})
    culprit = forge.commit("main", good, {LZO: LOST})
    bad = forge.commit("main", culprit, {LZO: LOST.replace("return n;", "return n + 1;")})
    return Case(forge=forge, good=good, culprit=culprit, bad=bad)


def judged(
    run: Path,
    sources: dict[str, KernelSource],
    commit: str = "HEAD",
    *,
    guilty: Verdict = Verdict.LEAK,
) -> JudgedRun:
    def verdict(kernel: str, mount: str, kind: Verdict) -> CellVerdict:
        leaks = kind is Verdict.LEAK
        return CellVerdict(
            cell=Cell(kernel=kernel, machine="m", mkfs="d", mount=mount, workload="w"),
            outcome=Outcome.PASSED,
            verdict=kind,
            because=NotRun(),
            rate_kib_per_round=400.0 if leaks else 0.0,
            rate_ci95_kib=None,
            signature=Signature.PAGE_CACHE_REFERENCE if leaks else None,
            signature_detail=None,
            classes={},
            rounds=8,
            warm_up=0,
            trials=1,
            reference=None,
        )

    cells = [verdict("bad", "lzo", guilty), verdict("bad", "none", Verdict.CLEAN)]
    if "good" in sources:
        cells.append(verdict("good", "lzo", Verdict.CLEAN))
    scenario = Scenario(
        title="t",
        kernels={name: Kernel(name=name, source=one) for name, one in sources.items()},
        machines={"m": Machine(name="m", arch=Arch.I386, ram_mib=512)},
        mkfs={"d": ""},
        mount={"lzo": "compress=lzo", "none": ""},
        workloads={"w": WorkloadChoice(name="w", use=MIX, parameters=PARAMETERS)},
        cells=tuple(one.cell for one in cells),
        references=(),
        limits=Limits(),
        suspects=(
            Theory(name="f", theory="it", about=OfFunction(function="lzo_pack")),
            Theory(name="c", theory="he", about=OfCommit(commit=commit)),
        ),
    )
    directory = RunDirectory(run)
    run.mkdir(exist_ok=True)
    findings = conclude(cells)
    directory.file("verdicts.json").write_text(verdicts_json(findings, scenario))
    return JudgedRun(
        run=directory,
        scenario=scenario,
        recordings={},
        trials={},
        findings=findings,
    )


def sources(case: Case, good: str, bad: str) -> dict[str, KernelSource]:
    at = str(case.forge.path)
    return {
        "good": GitKernel(repository=at, revision=good, commit=good),
        "bad": GitKernel(repository=at, revision=bad, commit=bad),
    }


def made(of: JudgedRun) -> Clue:
    clue = asyncio.run(remake_clue(of, cast(Context, None)))
    text = of.run.file(CLUES).read_text()
    assert text.isascii()
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(text))
    return clue


def test_the_place_and_the_commit(tmp_path: Path, repository: Case) -> None:
    of = judged(tmp_path / "run", sources(repository, repository.good, repository.bad))
    clue = made(of)
    first = clue.places[0]
    assert (first.function, first.path, first.probability > 0.9) == ("lzo_pack", LZO, True)
    assert first.missing is not None
    assert (first.missing.label, first.missing.release[0]) == ("out", "put_page")
    assert [one.commit for one in first.commits] == [repository.culprit]
    assert [one.standing for one in clue.suspects] == [SuspectStatus.GUILTY, SuspectStatus.UNPROVEN]
    write_reports(of, clue)
    assert f"\nFixes: {repository.culprit[:12]} (" in of.run.file("report.txt").read_text()
    again = clue_of(of)
    assert (again.sentence, again.suspects) == (clue.sentence, clue.suspects)
    assert [one.function for one in again.places] == [one.function for one in clue.places]


def test_anew_without_the_repository(tmp_path: Path, repository: Case) -> None:
    of = judged(tmp_path / "run", sources(repository, repository.good, repository.bad))
    before = made(of)
    shutil.rmtree(repository.forge.path)
    moved = tmp_path / "elsewhere"
    (tmp_path / "run").rename(moved)
    after = made(replace(of, run=RunDirectory(moved)))
    assert [(one.function, one.probability) for one in after.places] == [
        (one.function, one.probability) for one in before.places
    ]


def test_one_commit_alone(tmp_path: Path, repository: Case) -> None:
    both = sources(repository, repository.good, repository.culprit)
    clue = made(judged(tmp_path / "run", both, commit=repository.culprit))
    assert [one.accused for one in clue.places[0].commits] == [True]
    assert [one.standing for one in clue.suspects] == [SuspectStatus.GUILTY, SuspectStatus.GUILTY]


def test_the_commit_of_a_bisection(tmp_path: Path, repository: Case) -> None:
    of = judged(
        tmp_path / "run",
        sources(repository, repository.good, repository.culprit),
        commit=repository.culprit,
    )
    before = repository.forge.path
    accused = AccusedCommit(
        repository=str(before.rename(tmp_path / "moved")),
        commit=repository.culprit,
        kernel="bad",
        parent=repository.good,
        innocent="good",
    )
    before.symlink_to(tmp_path / "moved")
    made(of)  # the sources are kept
    before.unlink()
    write_accused(of.run, accused)
    clue = made(of)
    assert [one.accused for one in clue.places[0].commits] == [True]
    assert [one.standing for one in clue.suspects] == [SuspectStatus.GUILTY, SuspectStatus.GUILTY]
    write_accused(of.run, replace(accused, kernel="good"))
    assert made(of).places == ()


def test_a_damaged_note_of_what_was_accused_is_said(
    tmp_path: Path, repository: Case, caplog: pytest.LogCaptureFixture
) -> None:
    of = judged(tmp_path / "run", sources(repository, repository.good, repository.bad))
    of.run.file("accused.json").write_text("{")
    assert made(of).places
    assert "accused.json is damaged" in caplog.text


def test_an_evil_merge_is_no_fault_of_a_side(tmp_path: Path, repository: Case) -> None:
    forge, good = repository.forge, repository.good
    ours = forge.commit("ours", good, {LZO: PACK.replace("return n;", "return n + 2;")})
    side = forge.commit("side", good, {LZO: PACK.replace("pack_one", "pack_two")})
    merge = forge.merge([ours, side], {LZO: LOST.replace("pack_one", "pack_two")})
    of = judged(tmp_path / "run", sources(repository, ours, merge), commit=side)
    at = str(forge.path)
    write_accused(
        of.run,
        AccusedCommit(repository=at, commit=merge, kernel="bad", parent=ours, innocent="good"),
    )
    clue = made(of)
    assert clue.commit is not None
    assert clue.commit.commit == merge
    assert clue.places[0].function == "lzo_pack"
    assert [one.commit for one in clue.places[0].commits] == [merge]
    assert clue.suspects[1].standing is SuspectStatus.ACQUITTED
    write_reports(of, clue)
    text = of.run.file("report.txt").read_text()
    assert f"\nFixes: {merge[:12]} (" in text
    assert side[:12] not in text.split("Suspects")[0]
    assert clue_of(of).commit == clue.commit


def test_a_commit_that_both_have(tmp_path: Path, repository: Case) -> None:
    both = sources(repository, repository.good, repository.bad)
    clue = made(judged(tmp_path / "run", both, commit=repository.good))
    assert clue.suspects[1].standing is SuspectStatus.ACQUITTED


def test_what_differs_elsewhere_is_said(tmp_path: Path, repository: Case) -> None:
    more = repository.forge.commit("main", repository.bad, {"mm/filemap.c": "int x;\n"})
    clue = made(judged(tmp_path / "run", sources(repository, repository.good, more)))
    assert any("mm/filemap.c" in one for one in clue.not_tested)
    assert clue.places[0].function == "lzo_pack"


def test_without_a_good_kernel(tmp_path: Path, repository: Case) -> None:
    both = sources(repository, repository.good, repository.bad)
    clue = made(judged(tmp_path / "run", {"bad": both["bad"]}))
    assert clue.places[0].function == "lzo_pack"
    assert any("no good source" in one for one in clue.not_tested)
    assert clue.suspects[0].standing is SuspectStatus.UNPROVEN


def test_no_reproducer_is_said(tmp_path: Path, repository: Case) -> None:
    of = judged(tmp_path / "run", sources(repository, repository.good, repository.bad))
    assert any("no reproducer" in one for one in made(of).not_tested)


def test_a_surge_has_no_place_and_that_is_said(tmp_path: Path, repository: Case) -> None:
    both = sources(repository, repository.good, repository.bad)
    of = judged(tmp_path / "run", both, guilty=Verdict.SURGE)
    clue = made(of)
    assert [one.verdict for one in clue.guilt] == [Verdict.SURGE]
    assert clue.conjunction is not None
    assert (clue.places, clue.reproducer) == ((), None)
    assert clue.not_tested[0].startswith("a surge leaves nothing behind")
    assert {one.standing for one in clue.suspects} == {SuspectStatus.UNPROVEN}
    assert of.exit_code is ExitCode.REGRESSION
    assert clue_of(of) == clue


def test_without_any_source(tmp_path: Path) -> None:
    image = KernelFiles(image="/boot/vmlinuz")
    clue = made(judged(tmp_path / "run", {"good": image, "bad": image}))
    assert clue.places == ()
    assert sum("no C source" in one for one in clue.not_tested) == 2


def test_other_verdicts_make_a_clue_stale(
    tmp_path: Path, repository: Case, caplog: pytest.LogCaptureFixture
) -> None:
    of = judged(tmp_path / "run", sources(repository, repository.good, repository.bad))
    made(of)
    of.run.file("verdicts.json").write_text("{}")
    caplog.clear()
    assert clue_of(of).places == ()
    assert "is of other verdicts, and left out: anyclue clue RUN" in caplog.text
    assert any("anyclue clue RUN" in one for one in clue_of(of).not_tested)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "anyclue.clues/1"}'])
def test_a_damaged_clue_is_made_anew(
    tmp_path: Path, repository: Case, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    of = judged(tmp_path / "run", sources(repository, repository.good, repository.bad))
    of.run.file(CLUES).write_text(text)
    assert clue_of(of).places == ()
    assert "clues.json is damaged, and left out" in caplog.text
    assert made(of).places
