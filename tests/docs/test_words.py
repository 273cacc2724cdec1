"""Tables of the documentation against the words of the model: none missing, none invented."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from anyclue.fstests.core.model import Part
from anyclue.fstests.run.journal import TrialJournal
from anyclue.hunt.localise.core.likelihood_ratios import all_ratios
from anyclue.model.errors import ExitCode
from anyclue.model.recording import (
    EndReason,
    Incident,
    IncidentKind,
    MarkName,
    Outcome,
    Reading,
    Recording,
)
from anyclue.model.scenario import Cell, ParameterRule
from anyclue.model.verdict import MemoryClass, Signature, Verdict
from anyclue.recordings.procfs import PARSERS, slab_grains
from anyclue.recordings.store import samples_frame, write_recording
from anyclue.review.merge.render.words import MARKS
from anyclue.trial.workloads.registry import FSLOAD_SOURCE, WORKLOADS
from anyclue.verdicts.classes import TRAITS
from anyclue.verdicts.evidence import SEVERITY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.docs.conftest import Docs

PROC = {
    "meminfo": "MemFree:          123 kB\n",
    "zoneinfo": "    cpu: 0\n              count: 12\n",
    "vmstat": "nr_free_pages 12\n",
    "slabinfo": "inode_cache 12 12 600 6 1 : tunables 0 0 0 : slabdata 2 2 0\n",
    "vmallocinfo": "0xf0000000-0xf0002000    8192 load_module+0x1/0x2 pages=1 vmalloc\n",
    "pools": "btrfs_compr 12\n",
    "mounts": "rootfs / rootfs rw 0 0\n",
    "threads": "kswapd0\n",
}


def an_outcome(directory: Path) -> dict[str, object]:
    incident = Incident(kind=IncidentKind.BUG, t_s=1.0, title="", function=None, text="")
    cell = Cell(kernel="k", machine="m", mkfs="d", mount="d", workload="w")
    recording = Recording(
        cell=cell,
        trial=1,
        outcome=Outcome.PASSED,
        detail="",
        ram_kib=1,
        incident=incident,
        timeline=(Reading(t_s=0.0, counters={"meminfo.MemFree": 1.0}),),
    )
    write_recording(directory, recording, seconds=1.0, lost_log=0)
    fields: dict[str, object] = json.loads((directory / "outcome.json").read_text())
    return fields


def test_exit_codes(docs: Docs) -> None:
    rows = docs.rows(docs.page("docs/exit-codes.md").text)
    assert {int(row[0]): docs.words(row[1])[0] for row in rows} == {
        c.value: c.name for c in ExitCode
    }


def test_verdicts(docs: Docs) -> None:
    page = docs.page("docs/verdicts.md")
    assert set(docs.first_column(page.section("The verdicts"))) == set(Verdict)


def test_outcomes(docs: Docs) -> None:
    section = docs.page("docs/verdicts.md").section("Outcomes")
    assert set(docs.first_column(section)) == set(Outcome)
    order = ", ".join(f"`{outcome}`" for outcome in SEVERITY)
    assert order in " ".join(section.split())


def test_words_beside_lines_of_a_merge(docs: Docs) -> None:
    section = docs.page("docs/merge.md").section("The page")
    assert docs.first_column(section) == [word for _, word, _ in MARKS]


def test_memory_classes(docs: Docs) -> None:
    section = docs.page("docs/verdicts.md").section("Floors")
    assert docs.first_column(section) == list(MemoryClass)


def test_signatures_and_their_classes(docs: Docs) -> None:
    rows = docs.rows(docs.page("docs/verdicts.md").section("Signatures"))
    told = {docs.words(row[0])[0]: set(docs.words(row[1])) for row in rows}
    assert set(told) == set(Signature)
    for signature, classes in told.items():
        assert classes == {c for c, traits in TRAITS.items() if traits.signature == signature}


def test_kinds_of_incident(docs: Docs) -> None:
    section = docs.page("docs/verdicts-schema.md").section("An incident")
    kind = next(row for row in docs.rows(section) if row[0] == "`kind`")
    assert set(docs.words(kind[2])) == set(IncidentKind)


def test_marks(docs: Docs) -> None:
    rows = docs.rows(docs.page("docs/run-directory.md").section("marks.jsonl"))
    shown = [word for row in rows if len(docs.words(row[0])) == 1 for word in docs.words(row[0])]
    assert [word for word in shown if word in set(MarkName)] == list(MarkName)


def test_facts(docs: Docs) -> None:
    source = FSLOAD_SOURCE.read_text()
    formats = [text.replace(r"\n", " ") for text in re.findall(r'\bprintf\("([^"]+)"', source)]
    names = {
        name for text in formats for name in re.findall(r"(?<![%\w])([a-z_]+(?:%s)?) (?:%|1)", text)
    }
    kinds = re.search(r'names\[\] = \{ ("none"[^}]*)\}', source)
    assert kinds is not None
    names |= {f"extents_{kind}" for kind in re.findall(r'"(\w+)"', kinds[1])}
    names = {name for name in names if "%" not in name} | {"mount_options", "quiesced", "mounts"}
    names |= {"compressed_blocks_saved"}
    steps = re.search(r"step_names\[NR_STEPS\] = \{([^}]*)\}", source)
    assert steps is not None
    names |= set(re.findall(r'"(\w+)"', steps[1]))
    rows = docs.rows(docs.page("docs/run-directory.md").section("marks.jsonl"))
    told = {word for row in rows for word in docs.words(row[0])} - set(MarkName)
    assert told == names


def test_counters(docs: Docs) -> None:
    read = {name for kind, text in PROC.items() for name in PARSERS[kind](text)}
    read |= slab_grains(PROC["slabinfo"]).keys()
    assert set(PROC) == set(PARSERS)
    section = docs.page("docs/run-directory.md").section("samples.parquet")
    told = [word for word in docs.first_column(section) if "." in word]
    assert {name.partition(".")[0] for name in read} == {name.partition(".")[0] for name in told}


def test_columns_of_the_samples(docs: Docs) -> None:
    section = docs.page("docs/run-directory.md").section("samples.parquet")
    told = [word for word in docs.first_column(section) if "." not in word]
    assert told == samples_frame([]).columns


def test_fields_of_an_outcome(docs: Docs, tmp_path: Path) -> None:
    fields = an_outcome(tmp_path)
    rows = docs.rows(docs.page("docs/run-directory.md").section("outcome.json"))
    told = {docs.words(row[0])[0]: row[1] for row in rows}
    assert list(told) == list(fields)
    assert told["schema"] == f"`{fields['schema']}`"
    for name in ("cell", "incident"):
        parts = fields[name]
        assert isinstance(parts, dict)
        assert set(parts) <= set(docs.words(told[name])), name
    assert set(docs.words(told["outcome"])) == set(Outcome)


def test_reasons_of_an_ending(docs: Docs) -> None:
    rows = docs.rows(docs.page("docs/run-directory.md").section("Why a trial ended"))
    assert {word for row in rows for word in docs.words(row[0])} == set(EndReason)


def test_files_of_a_trial(docs: Docs, tmp_path: Path) -> None:
    an_outcome(tmp_path)
    TrialJournal(place=tmp_path, part=Part.LIST)
    written = {path.name + "/" * path.is_dir() for path in tmp_path.iterdir()}
    written |= {"console.log", "qemu.log"}
    tree = docs.page("docs/run-directory.md").prose.partition("\n## ")[0]
    trial = tree.partition("trial-N/\n")[2].partition("      follow-ups")[0]
    assert {line.split()[0] for line in trial.splitlines() if line.strip()} == written


def test_workloads_and_their_parameters(docs: Docs) -> None:
    page = docs.page("docs/workloads.md")
    shown = {title for title in page.headings() if re.fullmatch(r"[a-z]+(-[a-z]+)*", title)}
    assert shown == set(WORKLOADS)
    for name, workload in WORKLOADS.items():
        told = [(docs.words(row[0])[0], *row[1:5]) for row in docs.rows(page.section(name))]
        assert told == [
            (rule.name, rule.unit, default_of(rule), bound(rule.minimum), bound(rule.maximum))
            for rule in workload.parameters
        ]
        lists = [rule for rule in workload.parameters if rule.items]
        text = page.section(name)
        assert all(f"`{','.join(rule.items)}`" in text for rule in lists)


def default_of(rule: ParameterRule) -> str:
    if rule.items:
        return "all"
    shown = str(rule.default)
    return f"`{shown}`" if shown and isinstance(rule.default, str) else shown


def bound(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def test_weights_of_evidence(docs: Docs) -> None:
    rows = docs.rows(docs.page("docs/clue.md").section("Places"))
    assert [tuple(row) for row in rows] == [(w.seen, f"{w.ratio:g}", w.why) for w in all_ratios()]
