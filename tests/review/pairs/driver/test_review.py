"""Reviews of trees and changes over several files: helpers, moves, names, workers that die."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from anyclue.model.errors import InfrastructureError
from anyclue.review.pairs.driver.request import PairsRequest, review
from anyclue.review.pairs.driver.worker_pool import FEW, Shard
from anyclue.review.pairs.model import Confidence, Finding, FindingKind, Review

if TYPE_CHECKING:
    from tests.review.pairs.driver.conftest import Box

# As the bug of the mail: got by find_get_page, mapped and unmapped rightly, not put on the way out.
PACK = """\
int pack_pages(struct address_space *mapping, u64 length, struct sink *sink)
{
	struct page *page = NULL;
	u64 done = 0;
	int ret = 0;

	while (done < length) {
		char *data;

		page = find_get_page(mapping, done >> PAGE_SHIFT);
		if (!page) {
			ret = -EIO;
			goto out;
		}
		data = kmap(page);
		ret = sink_pack(sink, data, PAGE_SIZE);
		kunmap(page);
		if (ret < 0)
			goto out;
		done += PAGE_SIZE;
		put_page(page);
		page = NULL;
	}
out:
	if (page)
		put_page(page);
	sink_finish(sink);
	return ret;
}
"""
PACK_LOST = PACK.replace("\tif (page)\n\t\tput_page(page);\n", "")
UNPACK = """\
int unpack_pages(struct sink *sink, struct page **pages, int count)
{
	int ret = 0;
	int i;

	for (i = 0; i < count; i++) {
		struct page *page = pages[i];
		char *data = MAP(page);
		int want = sink_wants(sink, i);

		if (!want) {
			UNMAP;
			continue;
		}
		ret = sink_copy(sink, data, want);
		UNMAP;
		if (ret)
			break;
	}
	return ret;
}
"""
MAPS = {
    "kmap_local_page": "kunmap_local(data)",
    "kmap_atomic": "kunmap_atomic(data)",
    "kmap": "kunmap(page)",
}
FILL = """\
int gizmo_fill(struct inode *inode)
{
	struct page *page = gizmo_page(inode);

	if (!page)
		return -ENOENT;
	if (inode->i_size) {
		gizmo_drop(page);
		return -EINVAL;
	}
	gizmo_drop(page);
	return 0;
}
"""
FILL_LOST = FILL.replace("\t\tgizmo_drop(page);\n", "")
GET = """\
struct page *gizmo_page(struct inode *inode)
{
	return find_get_page(inode->i_mapping, 0);
}
"""
DROP = """\
void gizmo_drop(struct page *page)
{
	put_page(page);
}
"""


def unpack(mapper: str) -> tuple[str, str]:
    """A loop that is right, and one that forgets to unmap where it continues."""
    right = UNPACK.replace("MAP(page)", f"{mapper}(page)").replace("UNMAP", MAPS[mapper])
    return right, right.replace(f"\t\t\t{MAPS[mapper]};\n\t\t\tcontinue", "\t\t\tcontinue")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def step(box: Box, files: dict[str, str | None]) -> Review:
    """Commit files (None: deleted), and review that commit."""
    for name, text in files.items():
        if text is None:
            (box.path / name).unlink()
        else:
            box.write(name, text.encode())
    box.commit()
    return review(PairsRequest(paths=(box.path,), diff="HEAD"))


def tree(box: Box, least: Confidence | None = None, jobs: int | None = 1) -> Sequence[Finding]:
    return review(PairsRequest(paths=(box.path,), least=least, jobs=jobs)).findings


def kinds(found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(one.kind.value, one.pair) for one in found]


# The bugs that it is made for


def test_the_page_that_is_not_put_on_goto_out(box: Box) -> None:
    assert not step(box, {"fs/gizmo/pack.c": PACK}).findings
    assert not tree(box, Confidence.LOW)
    change = step(box, {"fs/gizmo/pack.c": PACK_LOST})
    for found in (change.findings, tree(box)):
        assert kinds(found) == [("leak", "page-reference")]
        assert found[0].acquired_by == "find_get_page"
        assert "goto out;" in [one.text for one in found[0].steps]
        assert found[0].confidence == Confidence.HIGH
    back = step(box, {"fs/gizmo/pack.c": PACK})
    assert (kinds(back.findings), kinds(back.fixed)) == ([], [("leak", "page-reference")])


@pytest.mark.parametrize("mapper", MAPS)
def test_the_mapping_that_continue_forgets(box: Box, mapper: str) -> None:
    right, wrong = unpack(mapper)
    assert right.count(MAPS[mapper]) == wrong.count(MAPS[mapper]) + 1 == 2
    assert not step(box, {"fs/gizmo/unpack.c": right}).findings
    assert not tree(box)
    change = step(box, {"fs/gizmo/unpack.c": wrong})
    assert change.findings
    assert {one.function for one in change.findings} == {"unpack_pages"}
    assert tree(box)
    assert step(box, {"fs/gizmo/unpack.c": right}).fixed


# Helpers in other files


def test_helpers_in_other_files_are_known(box: Box) -> None:
    files = {"fs/gizmo/get.c": GET, "fs/gizmo/sub/drop.c": DROP, "fs/gizmo/fill.c": FILL}
    assert not step(box, dict(files)).findings
    change = step(box, {"fs/gizmo/fill.c": FILL_LOST})
    assert kinds(change.findings) == [("leak", "page-reference")]
    assert kinds(tree(box)) == [("leak", "page-reference")]
    assert change.findings[0].acquired_by == "gizmo_page"
    assert "gizmo_drop" in change.findings[0].release


def test_helpers_of_the_same_change_are_known(box: Box) -> None:
    step(box, {"fs/gizmo/other.c": PACK})
    files = {"fs/gizmo/get.c": GET, "fs/gizmo/drop.c": DROP, "fs/gizmo/fill.c": FILL_LOST}
    assert kinds(step(box, dict(files)).findings) == [("leak", "page-reference")]


def test_a_helper_that_stops_to_release_is_told(box: Box) -> None:
    step(box, {"fs/gizmo/get.c": GET, "fs/gizmo/drop.c": DROP, "fs/gizmo/fill.c": FILL})
    change = step(box, {"fs/gizmo/drop.c": DROP.replace("put_page", "look_at")})
    assert change.findings
    assert "page-reference" in {one.pair for one in change.findings}


def test_a_helper_that_begins_to_acquire_is_told_by_its_callers(box: Box) -> None:
    plain = GET.replace("find_get_page(inode->i_mapping, 0)", "inode->first")
    user = FILL_LOST.replace("\tgizmo_drop(page);\n", "\tlook_at(page->index);\n")
    assert not step(box, {"fs/gizmo/get.c": plain, "fs/gizmo/fill.c": user}).findings
    change = step(box, {"fs/gizmo/get.c": GET})
    assert [one.path for one in change.findings] == ["fs/gizmo/fill.c"]


# Changes of nothing


def renamed_variable(text: str) -> str:
    return text.replace("page)", "first)").replace("*page =", "*first =")


NOTHING = {
    "a line above": lambda text: f"/* new */\n\n{text}",
    "a space": lambda text: text.replace("\t", "    "),
    "a comment inside": lambda text: text.replace("{\n", "{\n\t/* is\n\t * new */\n", 1),
    "a function renamed": lambda text: text.replace("gizmo_fill", "gizmo_fill_one"),
    "a variable renamed": renamed_variable,
}


@pytest.mark.parametrize("what", NOTHING)
@pytest.mark.parametrize("text", [FILL, FILL_LOST], ids=["right", "wrong"])
def test_a_change_of_nothing(box: Box, what: str, text: str) -> None:
    changed = NOTHING[what](text)
    assert changed != text
    step(box, {"fs/gizmo/get.c": GET, "fs/gizmo/drop.c": DROP, "fs/gizmo/fill.c": text})
    change = step(box, {"fs/gizmo/fill.c": changed})
    assert (change.findings, change.fixed) == ((), ())


@pytest.mark.parametrize("text", [FILL, FILL_LOST], ids=["right", "wrong"])
@pytest.mark.parametrize("place", ["fs/gizmo/new.c", "fs/widget/fill.c", "fill.c"])
def test_a_file_that_is_renamed(box: Box, text: str, place: str) -> None:
    step(box, {"fs/gizmo/get.c": GET, "fs/gizmo/drop.c": DROP, "fs/gizmo/fill.c": text})
    change = step(box, {"fs/gizmo/fill.c": None, place: text})
    assert (change.findings, change.fixed) == ((), ())


@pytest.mark.parametrize("text", [FILL, FILL_LOST], ids=["right", "wrong"])
def test_a_function_that_is_moved(box: Box, text: str) -> None:
    step(box, {"fs/gizmo/get.c": GET, "fs/gizmo/all.c": f"{DROP}\n{text}\n{PACK}"})
    change = step(box, {"fs/gizmo/all.c": f"{PACK}\n{text}\n{DROP}"})
    assert (change.findings, change.fixed) == ((), ())
    change = step(box, {"fs/gizmo/all.c": f"{PACK}\n{DROP}", "fs/gizmo/get.c": f"{GET}\n{text}"})
    assert (change.findings, change.fixed) == ((), ())


def test_a_release_that_moves_into_a_helper(box: Box) -> None:
    plain = FILL.replace("gizmo_drop", "put_page").replace("gizmo_page(inode)", "find_get_page(m)")
    step(box, {"fs/gizmo/fill.c": plain})
    moved = plain.replace("put_page", "gizmo_drop")
    change = step(box, {"fs/gizmo/fill.c": f"{DROP}\n{moved}"})
    assert change.findings == ()


def test_a_file_that_is_deleted(box: Box) -> None:
    step(box, {"fs/gizmo/fill.c": FILL_LOST, "fs/gizmo/get.c": GET})
    change = step(box, {"fs/gizmo/fill.c": None})
    assert change.findings == ()


def test_a_commit_without_c(box: Box) -> None:
    step(box, {"fs/gizmo/fill.c": FILL_LOST})
    change = step(box, {"README": "no C\n"})
    assert (change.findings, change.fixed, change.files) == ((), (), 0)


# A warm cache


def test_the_surroundings_change_by_one_file(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each commit's change is the same with what was known of the one before, and without."""
    files: dict[str, str | None] = {
        f"fs/gizmo/fill{number}.c": FILL.replace("gizmo_fill", f"fill_{number}")
        for number in range(6)
    }
    steps: list[dict[str, str | None]] = [
        files | {"fs/gizmo/get.c": GET, "fs/gizmo/drop.c": DROP},
        {"fs/gizmo/fill0.c": FILL_LOST},
        {"fs/gizmo/drop.c": DROP.replace("put_page(page)", "look_at(page->index)")},
        {"fs/gizmo/fill1.c": FILL_LOST.replace("gizmo_fill", "fill_1")},
        {"fs/gizmo/get.c": GET.replace("find_get_page(inode->i_mapping, 0)", "inode->first")},
        {"fs/gizmo/fill2.c": FILL_LOST.replace("gizmo_fill", "fill_2")},
        {"fs/gizmo/drop.c": None, "fs/gizmo/back.c": f"{GET}{DROP}", "fs/gizmo/get.c": None},
        {"fs/gizmo/fill3.c": FILL_LOST.replace("gizmo_fill", "fill_3")},
    ]
    for number, files_ in enumerate(steps):
        warm = step(box, files_)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cold{number}"))
        cold = review(PairsRequest(paths=(box.path,), diff="HEAD"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert warm == cold, number
        assert review(PairsRequest(paths=(box.path,), diff="HEAD")) == warm


# Workers


def many(box: Box) -> None:
    for number in range(FEW + 6):
        text = FILL_LOST.replace("gizmo_fill", f"fill_{number}")
        box.write(f"fs/gizmo/fill{number}.c", text.encode())
    box.write("fs/gizmo/get.c", GET.encode())
    box.write("fs/gizmo/drop.c", DROP.encode())
    box.commit()


def test_many_files_in_any_number_of_workers(box: Box) -> None:
    many(box)
    one = tree(box, Confidence.LOW, jobs=1)
    assert len(one) == FEW + 6
    for jobs in (2, 3, None):
        assert tree(box, Confidence.LOW, jobs=jobs) == one


def test_a_function_with_an_if_of_the_preprocessor_is_listed_once(box: Box) -> None:
    arms = "#ifdef A\n\ta = one();\n#else\n\ta = two();\n#endif\n"
    large = "\tmutex_lock(&v->lock);\n\tmutex_unlock(&v->lock);\n" * 350
    box.write("fs/large.c", f"int f(struct vol *v, int a)\n{{\n{arms}{large}}}\n".encode())
    listed = review(PairsRequest(paths=(box.path,), jobs=1)).unjudged
    assert [one.function for one in listed] == ["f"]


@pytest.mark.parametrize("method", ["read", "analyse", "review"])
def test_a_worker_that_is_killed_is_one_clear_error(
    box: Box, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(box)
    parent = os.getpid()

    def die(*_: object) -> None:
        assert os.getpid() != parent
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(Shard, method, die)
    with pytest.raises(InfrastructureError) as caught:
        tree(box, jobs=2)
    assert str(caught.value).count("a worker process died") == 1
    assert "--jobs 1" in str(caught.value)
    monkeypatch.undo()
    assert len(tree(box, jobs=2)) == FEW + 6


def test_a_defect_in_a_worker_is_told_as_one(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    many(box)

    def fail(*_: object) -> None:
        raise KeyError("what?")

    monkeypatch.setattr(Shard, "analyse", fail)
    with pytest.raises(InfrastructureError, match="please report it"):
        tree(box, jobs=2)


def test_a_lost_release_needs_no_owner(box: Box) -> None:
    """The caller's lock: only the old version says that it has to be released."""
    text = "int leave(struct gizmo *g, int bad)\n{\n\tif (bad) {\n\t\tmutex_unlock(&g->lock);\n"
    text += "\t\treturn -EIO;\n\t}\n\tmutex_unlock(&g->lock);\n\treturn 0;\n}\n"
    step(box, {"fs/gizmo/leave.c": text})
    change = step(box, {"fs/gizmo/leave.c": text.replace("\t\tmutex_unlock(&g->lock);\n", "")})
    assert [one.function for one in change.findings] == ["leave"]
    assert change.findings[0].kind in (FindingKind.LOST_RELEASE, FindingKind.LEAK)
