from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from anyclue.hunt.model import Reproduction, RunVerdicts
from anyclue.hunt.render.junit import junit_xml
from anyclue.hunt.render.text import cells_table, report_text, summary
from anyclue.model.reason import ExcludedObjects, FloorSample, GrowthExcluded
from anyclue.model.recording import EXACT_OBJECTS
from anyclue.model.verdict import (
    CellVerdict,
    ClassRate,
    MemoryClass,
    ObjectBound,
    ObjectKind,
    ObjectSeries,
    Verdict,
)

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs


def mail(inputs: Inputs) -> str:
    text = report_text(inputs.findings, inputs.scenario, inputs.recordings, inputs.repro)
    assert text.isascii()
    assert max(map(len, text.split("\n"))) <= 72
    assert not any(line != line.rstrip() for line in text.split("\n"))
    return text


def unfolded(text: str) -> str:
    return " ".join(text.split())


def test_default_run(default_run: Inputs) -> None:
    text = mail(default_run)
    assert text.splitlines()[0] == "Btrfs leaks memory with compress=lzo: leak in 2 of 7 cells"
    assert text.splitlines()[2].startswith("Leak, page-cache references never put: 2400 KiB")
    assert "bad     i386-2g    lzo    leak     2400 [2390, 2411]\n" in text
    assert "machine   acquitted    machine i386-2g and machine x86_64-2g are both" in text
    assert "mkfs      cannot tell  only one value" in text
    assert "Look for a page-cache page that was got and never put" in unfolded(text)
    assert "orphaned-file-pages  2400 [2390, 2411]" in text
    assert text.count("Did not grow:") == 1  # two cells leak in the same way
    assert "extents_lzo 600" in text
    assert "edit of lzo_compress_pages() in lzo.c" in unfolded(text)
    assert "    anyclue hunt scenarios/lzo-leak.toml\n" in text
    assert "Every planned cell was run and judged." in text
    assert "QEMU: 7.2.19 (Debian" in text


def test_objects_are_told_in_objects(objects_run: Inputs) -> None:
    text = mail(objects_run)
    assert "bad     i386-2g    lzo    leak      14 objects [13.9, 14.1]" in text
    assert "bad     i386-2g    zstd   unproven  1 object [0.8, 1.2]\n" in text
    said = unfolded(text)
    assert "object in kmalloc-64" in said
    assert "zstd.small-files: slab cache kmalloc-128 gained 1 object a round" in said
    assert EXACT_OBJECTS not in said
    assert "0.0 KiB" not in said
    assert "1 objects" not in said
    narrow = "\n".join(cells_table(objects_run.findings.cells, 40))
    assert "leak, 14 objects [13.9, 14.1] per round" in unfolded(narrow)
    assert "objects [13.9, 14.1] KiB" not in unfolded(narrow)
    assert "KiB per round" in unfolded(narrow)


def test_nothing_is_called_flat_that_may_have_grown(default_run: Inputs) -> None:
    def changed(verdict: CellVerdict) -> CellVerdict:
        classes = dict(verdict.classes)
        classes[MemoryClass.USED] = ClassRate(rate_kib=44, ci95_kib=(16, 71), grew=False)
        classes[MemoryClass.SLAB_UNRECLAIMABLE] = ClassRate(
            rate_kib=27, ci95_kib=(12, 39), grew=False
        )
        return replace(verdict, classes=classes)

    cells = tuple(map(changed, default_run.findings.cells))
    findings = replace(default_run.findings, cells=cells)
    text = unfolded(mail(replace(default_run, findings=findings)))
    flat = text.split("Did not grow:")[1].split("Last round")[0]
    assert "unaccounted" in flat
    assert "slab-unreclaimable" not in flat
    assert "used" not in flat
    assert "In all, with what grew and what did not: used 44 [16, 71]" in text
    assert "May have grown, neither proven nor excluded: slab-unreclaimable 27 [12, 39]" in text


def test_a_second_leak_stands_beside_the_first_one(default_run: Inputs) -> None:
    slab = ClassRate(rate_kib=300, ci95_kib=(290, 310), grew=True)
    cells = tuple(
        replace(one, classes={**one.classes, MemoryClass.SLAB_UNRECLAIMABLE: slab})
        for one in default_run.findings.cells
    )
    text = summary(replace(default_run.findings, cells=cells))
    assert "page-cache-reference, object 300\n" in text


def test_broken_run(broken_run: Inputs) -> None:
    text = mail(broken_run)
    assert text.splitlines()[0].endswith("broken in 3, surge in 1 of 10 cells, 4 not judged")
    assert "bug in kunmap_local_indexed()" in text
    assert text.count("EIP: kunmap_local_indexed+0x123/0x130") == 1, "the log shows it already"
    assert "Also broke: bad.i386-2g.default.lzo.hung (hung)" in unfolded(text)
    assert "good.i386-2g.default.zstd.crashed: planned, not run" in unfolded(text)
    assert unfolded(text).count("QEMU could not be started") == 1
    assert "bad     lost      unproven (lost)" in text


def test_incident_is_whole_when_the_log_does_not_show_it(broken_run: Inputs) -> None:
    without_log = {
        cell: tuple(replace(trial, kernel_log=()) for trial in trials)
        for cell, trials in broken_run.recordings.items()
    }
    text = mail(replace(broken_run, recordings=without_log))
    assert "  EIP: kunmap_local_indexed+0x123/0x130\n" in text
    assert "Kernel log around it" not in text


def test_log_is_cut_around_the_incident(broken_run: Inputs) -> None:
    def noisy(inputs: Inputs) -> Inputs:
        recordings = {
            cell: tuple(
                replace(trial, kernel_log=trial.kernel_log[:1] * 500 + trial.kernel_log)
                for trial in trials
            )
            for cell, trials in inputs.recordings.items()
        }
        return replace(inputs, recordings=recordings)

    text = mail(noisy(broken_run))
    section = text.split("Kernel log around it:")[1].split("Also broke")[0]
    assert section.count("\n  [") == 40
    assert "kernel BUG at mm/highmem.c:626!" in section


def test_trials_that_were_added_are_told(default_run: Inputs) -> None:
    assert "1 trial a cell, " in mail(default_run)
    cells = list(default_run.findings.cells)
    cells[0] = replace(cells[0], trials=3)
    findings = replace(default_run.findings, cells=tuple(cells))
    said = " ".join(mail(replace(default_run, findings=findings)).split())
    assert "1 trial a cell (up to 3 where these proved nothing), " in said


def test_counts_of_a_clean_cell_that_are_not_excluded_are_told(default_run: Inputs) -> None:
    """In the mail and for a CI system, so that nobody reads clean for more than it is."""
    cells = list(default_run.findings.cells)
    at = next(k for k, one in enumerate(cells) if one.verdict is Verdict.CLEAN)
    highest = tuple(
        (ObjectSeries(kind=ObjectKind.SLAB, name=name), 3.0) for name in ("a", "b", "c", "d")
    )
    because = GrowthExcluded(
        limit_kib=64,
        sample=FloorSample(floors=8, trials=1, warm_up=0),
        memory_class=MemoryClass.USED,
        at_most_kib=9,
        objects=ExcludedObjects(
            bound=ObjectBound(series=198, excluded=193, limit=1), highest=highest
        ),
    )
    cells[at] = replace(cells[at], because=because)
    inputs = replace(default_run, findings=replace(default_run.findings, cells=tuple(cells)))
    told = (
        "a leak of 1 object a round is not excluded in 5 of 198 counts: slab cache a (up to 3"
        " objects), slab cache b (up to 3 objects), slab cache c (up to 3 objects) and 1 more and 1"
        " of which too few floors could be read"
    )
    section = mail(inputs).split("What was not tested")[1]
    assert f"{cells[at].cell.id}: clean, but {told}" in " ".join(section.split())
    assert told in junit_xml(inputs.findings, inputs.scenario)


def test_nothing_at_all(default_run: Inputs) -> None:
    empty = RunVerdicts(cells=(), factors=())
    text = mail(replace(default_run, findings=empty, recordings={}, repro=Reproduction()))
    assert "nothing judged in 7 cells" in text
    assert text.count("planned, not run") == 7
    assert summary(empty) == "No cell was run, so nothing can be said.\n\nNo cell was judged.\n"


def test_summary(default_run: Inputs, broken_run: Inputs) -> None:
    text = summary(default_run.findings)
    assert text.startswith("Leak, page-cache references never put: 2400 KiB a round with kernel")
    assert "bad     i386-2g    lzo    leak     2400 [2390, 2411]  page-cache-reference" in text
    assert "machine   acquitted" in text
    broken = summary(broken_run.findings)
    assert "broken (crashed)" in broken
    assert (
        "- bad.i386-2g.default.lzo.lost: the guest was lost by the infrastructure: QEMU" in broken
    )
    assert "- bad.i386-2g.default.lzo.skipped: the test did not run: the workload needs" in broken
    for line in (text + broken).splitlines():
        assert len(line) <= 100


def test_long_names_are_stacked_not_cut(default_run: Inputs) -> None:
    name = "k" * 90
    cells = tuple(
        replace(verdict, cell=replace(verdict.cell, kernel=f"{name}-{index}"))
        for index, verdict in enumerate(default_run.findings.cells)
    )
    inputs = replace(default_run, findings=replace(default_run.findings, cells=cells))
    for text in (mail(inputs), summary(inputs.findings)):
        assert f"{name}-3" in text.replace("\n    ", "")
        assert "    leak, 2400 [2390, 2411] KiB per round, page-cache-reference\n" in text
