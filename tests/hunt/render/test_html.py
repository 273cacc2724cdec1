from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from anyclue.hunt.model import Reproduction, RunVerdicts
from anyclue.hunt.render import figures, html
from anyclue.hunt.render.html import report_html
from anyclue.hunt.render.selection import last_facts
from anyclue.hunt.render.sentence import verdict_sentence
from anyclue.model.reason import ObjectsGrew
from anyclue.model.recording import EXACT_OBJECTS, Round
from anyclue.model.verdict import ClassRate, MemoryClass, Verdict

if TYPE_CHECKING:
    from tests.hunt.render.conftest import Inputs

ROUND = Round(number=2, begin_s=0.0, end_s=1.0, settled=None, floor=None)
VOID = {"meta", "br", "link", "img", "hr", "input"}


class Page(HTMLParser):
    """Collects a page's elements, attributes and text; fails on elements left open."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str]] = []
        self.said: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.said.append(data)


def render(inputs: Inputs) -> str:
    return report_html(inputs.findings, inputs.scenario, inputs.recordings, inputs.repro)


@pytest.fixture(scope="module")
def default_html(default_run: Inputs) -> str:
    return render(default_run)


@pytest.fixture(scope="module")
def broken_html(broken_run: Inputs) -> str:
    return render(broken_run)


def test_default_page(default_html: str, default_run: Inputs) -> None:
    page = Page(default_html)
    assert verdict_sentence(default_run.findings) in page.text
    assert "7 cells: 2 leak, 5 clean." in page.text
    assert "machine acquitted machine i386-2g and machine x86_64-2g are both leak" in page.text
    assert "Line: 2400 [2390, 2411] KiB per round [95 %]" in page.text
    assert "Every planned cell was run and judged." in page.text
    assert "anyclue hunt scenarios/lzo-leak.toml" in page.text
    assert default_html.count("<svg ") == 2 + 2 * 2
    assert "Kernel log" not in page.text


def test_objects_are_told_and_drawn_in_objects(objects_run: Inputs) -> None:
    source = render(objects_run)
    text = Page(source).text
    assert "leak 14 objects [13.9, 14.1] object in kmalloc-64 slab cache kmalloc-64" in text
    assert "unproven 1 object [0.8, 1.2] slab cache kmalloc-128 gained 1 object a round" in text
    assert "(slab cache kmalloc-64: 14 objects a round)" in text
    assert "Slab cache kmalloc-64, objects in use. Line: 14 objects [13.9, 14.1] per round" in text
    assert "Leaks of objects alone do not show in KiB: see their cells." in text
    assert source.count(">Objects above the first counted floor<") == 2
    assert "1 objects" not in text
    assert "0.0 KiB" not in text


def test_counts_are_drawn_above_their_first_floor(objects_run: Inputs) -> None:
    leak = next(v for v in objects_run.findings.cells if v.verdict is Verdict.LEAK)
    because = leak.because
    assert isinstance(because, ObjectsGrew)
    (_, drawn) = figures.cell_figures(leak, None, objects_run.recordings, 256.0, "c")
    assert drawn.title == "Floor by round: slab cache kmalloc-64"
    assert ">60<" in drawn.svg  # 14 objects in each of four rounds after the first that counts
    assert len(figures.cell_figures(leak, None, {}, 256.0, "c")) == 0


def test_what_the_sampler_notes_is_no_fact_of_a_round(objects_run: Inputs) -> None:
    assert any(
        EXACT_OBJECTS in one.facts for t in objects_run.recordings.values() for one in t[0].rounds
    )
    text = Page(render(objects_run)).text
    assert "last round files 600," in text
    assert EXACT_OBJECTS not in text
    only = replace(ROUND, facts={EXACT_OBJECTS: 1})
    first = replace(ROUND, number=1, facts={"files": 600})
    trial = next(iter(objects_run.recordings.values()))[0]
    assert last_facts(replace(trial, rounds=(first, only))) == (("files", 600),)
    assert last_facts(replace(trial, rounds=(only,))) == ()
    assert last_facts(None) == ()


def test_nothing_is_called_flat_that_may_have_grown(default_run: Inputs) -> None:
    leaks = next(v for v in default_run.findings.cells if v.verdict is Verdict.LEAK)
    classes = {
        **leaks.classes,
        MemoryClass.USED: ClassRate(rate_kib=44, ci95_kib=(16, 71), grew=False),
        MemoryClass.SLAB_UNRECLAIMABLE: ClassRate(rate_kib=27, ci95_kib=(12, 39), grew=False),
    }
    findings = replace(default_run.findings, cells=(replace(leaks, classes=classes),))
    text = Page(render(replace(default_run, findings=findings))).text
    assert "orphaned-file-pages yes 2400 [2390, 2411]" in text
    assert "used parts of it 44 [16, 71]" in text
    assert "slab-unreclaimable may have 27 [12, 39]" in text
    assert re.search(r"unaccounted no -?\d", text)


def test_broken_page(broken_html: str) -> None:
    page = Page(broken_html)
    assert "bug in kunmap_local_indexed () at 9.400 s" in page.text.replace("()", " ()")
    assert "<b>[    8.410000] kernel BUG at mm/highmem.c:626!</b>" in broken_html
    assert "good.i386-2g.default.zstd.crashed: planned, not run" in page.text
    assert "broke here" in page.text
    assert "No rate could be fitted" in page.text


def test_nothing_is_fetched(default_html: str, broken_html: str) -> None:
    for source in (default_html, broken_html):
        page = Page(source)
        assert not page.tags & {"script", "link", "img", "iframe", "object", "base", "image", "use"}
        for _, name, value in page.attributes:
            assert not name.startswith("on")
            if name in {"href", "src", "xlink:href"}:
                assert value.startswith("#")
        fetched = set(re.findall(r"(?:https?:)?//[\w.]+", source))
        assert fetched <= {"http://www.w3.org"}
        assert "@import" not in source
        assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", source)


def test_links_and_labels_point_at_one_element_each(default_html: str, broken_html: str) -> None:
    for source in (default_html, broken_html):
        page = Page(source)
        ids = [value for _, name, value in page.attributes if name == "id"]
        assert len(ids) == len(set(ids))
        for _, name, value in page.attributes:
            if name == "href":
                assert value[1:] in ids
            if name == "aria-labelledby":
                assert set(value.split()) <= set(ids)


def test_charts_follow_the_colour_scheme(default_html: str) -> None:
    for svg in re.findall(r"<svg .*?</svg>", default_html, re.DOTALL):
        assert "<title " in svg
        assert "<desc " in svg
        assert "#000" not in svg
        colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg))
        assert all(colour == "none" or colour.startswith("var(--") for colour in colours), colours
        for name in re.findall(r"var\((--[\w-]+)\)", svg):
            assert default_html.count(f"{name}:") >= 3, "light, dark and print"


def test_rendering_is_repeatable(default_html: str, default_run: Inputs) -> None:
    assert render(default_run) == default_html


def test_many_cells_stay_small_and_are_counted(
    default_run: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(html, "DETAILED_CELLS", 2)
    leaking = default_run.findings.cells[2]
    cells = [
        replace(leaking, cell=replace(leaking.cell, workload=f"workload-{index}"))
        for index in range(40)
    ]
    long = default_run.recordings[leaking.cell][0]
    timeline = tuple(
        replace(reading, t_s=reading.t_s + 40.0 * again)
        for again in range(30)
        for reading in long.timeline
    )
    recordings = dict(default_run.recordings)
    recordings |= {verdict.cell: (replace(long, timeline=timeline),) for verdict in cells}
    findings = replace(default_run.findings, cells=(*cells, *default_run.findings.cells))
    source = render(replace(default_run, findings=findings, recordings=recordings))
    assert "40 more cells that are not clean are not drawn here" in Page(source).text
    per_cell = max(len(svg) for svg in re.findall(r"<svg .*?</svg>", source, re.DOTALL))
    assert per_cell < 40_000


def test_empty_page(default_run: Inputs) -> None:
    empty = RunVerdicts(cells=(), factors=())
    source = render(replace(default_run, findings=empty, recordings={}, repro=Reproduction()))
    page = Page(source)
    assert "No cell was run, so nothing can be said." in page.text
    assert page.text.count("planned, not run") == 7
