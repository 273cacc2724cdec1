"""What two small source trees say of their functions, and which comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from anyclue.hunt.localise.core.model import FunctionSource, ModuleSource, Symptoms
from anyclue.hunt.localise.core.rank import rank_functions
from anyclue.hunt.localise.module_sources import read_module
from anyclue.model.verdict import Signature

PACK = """\
int pack(struct address_space *mapping, int n)
{
	struct page *page = NULL;
	int ret = 0;

	while (n--) {
		if (!page)
			page = find_get_page(mapping, n);
		ret = pack_one(page);
		if (ret < 0)
			goto out;
		put_page(page);
		page = NULL;
	}
out:
	if (page)
		put_page(page);
	return ret;
}
"""
OTHERS = """\
int count(int n)
{
	int total = 0;

	while (n--)
		total += n;
	return total;
}

void finish(struct thing *thing)
{
	if (thing->inode)
		btrfs_add_delayed_iput(thing->inode);
	kfree(thing->name);
}
"""
LOST = PACK.replace("\tif (page)\n\t\tput_page(page);\n\treturn", "\treturn")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def tree(path: Path, pack: str, others: str = OTHERS) -> Path:
    (path / "fs/x").mkdir(parents=True)
    (path / "fs/x/lzo.c").write_text(pack)
    (path / "fs/x/others.c").write_text(others)
    return path


def by_name(module: ModuleSource) -> dict[str, FunctionSource]:
    return {one.name: one for one in module.functions}


def test_the_lost_release_comes_first(tmp_path: Path) -> None:
    edited = OTHERS.replace("total", "sum")
    good, bad = tree(tmp_path / "good", PACK), tree(tmp_path / "bad", LOST, edited)
    module = read_module(good, bad, "fs/x", alone=True)
    assert {name: one.changed for name, one in by_name(module).items()} == {
        "pack": True,
        "count": True,
        "finish": False,
    }
    assert {one.call for one in by_name(module)["pack"].released_less} == {"put_page"}
    case = Symptoms(signature=Signature.PAGE_CACHE_REFERENCE, regression=True)
    first = rank_functions(module, case).places[0]
    assert (first.function, first.path) == ("pack", "fs/x/lzo.c")
    assert first.missing is not None
    assert (first.missing.label, first.missing.release[0]) == ("out", "put_page")


def test_the_release_in_the_loop_is_not_that_at_the_label(tmp_path: Path) -> None:
    """The path ends behind ``out``, and what it lacks is a release in the loop."""
    lost = PACK.replace("\t\tput_page(page);\n\t\tpage = NULL;\n\t}", "\t\tpage = NULL;\n\t}")
    good, bad = tree(tmp_path / "good", PACK), tree(tmp_path / "bad", lost)
    module = read_module(good, bad, "fs/x", alone=True)
    assert [(one.call, one.line) for one in by_name(module)["pack"].taken] == [("put_page", 12)]
    case = Symptoms(signature=Signature.PAGE_CACHE_REFERENCE, regression=True)
    missing = rank_functions(module, case).places[0].missing
    assert missing is not None
    assert (missing.line, missing.label, missing.release[0]) == (12, "", "put_page")


def test_calls_that_a_change_took_away(tmp_path: Path) -> None:
    """What was moved or is written otherwise is not gone."""
    changed = PACK.replace("put_page(page);\n\t\tpage = NULL", "put_page(page), page = NULL")
    changed = changed.replace("ret = pack_one(page);", "ret = n;")
    good, bad = tree(tmp_path / "good", PACK), tree(tmp_path / "bad", changed)
    module = read_module(good, bad, "fs/x", alone=True)
    assert [(one.call, one.line) for one in by_name(module)["pack"].taken] == [("pack_one", 9)]
    assert by_name(module)["count"].taken == ()


def test_comments_and_space_change_nothing(tmp_path: Path) -> None:
    told = PACK.replace("\tint ret = 0;", "\tint  ret = 0; /* so far */\n")
    good, bad = tree(tmp_path / "good", PACK), tree(tmp_path / "bad", told)
    module = read_module(good, bad, "fs/x", alone=True)
    assert not any(one.changed for one in module.functions)
    assert module.change == ()


def test_what_is_no_longer_handed_on(tmp_path: Path) -> None:
    gone = OTHERS.replace("\tif (thing->inode)\n\t\tbtrfs_add_delayed_iput(thing->inode);\n", "")
    good, bad = tree(tmp_path / "good", PACK), tree(tmp_path / "bad", PACK, gone)
    module = read_module(good, bad, "fs/x", alone=True)
    called = by_name(module)["finish"].released_less
    assert [(one.call, one.pair) for one in called] == [
        ("btrfs_add_delayed_iput", "inode-reference")
    ]
    case = Symptoms(signature=Signature.OBJECT, slab_cache="btrfs_inode", regression=True)
    assert rank_functions(module, case).places[0].function == "finish"


def test_the_bad_source_alone(tmp_path: Path) -> None:
    module = read_module(None, tree(tmp_path / "bad", LOST), "fs/x", alone=False)
    assert not module.compared
    assert {one.changed for one in module.functions} == {None}
    assert [one.function for one in module.tree] == ["pack"]
    case = Symptoms(signature=Signature.PAGE_CACHE_REFERENCE)
    assert rank_functions(module, case).places[0].function == "pack"


def test_a_file_that_is_new(tmp_path: Path) -> None:
    good, bad = tree(tmp_path / "good", PACK), tree(tmp_path / "bad", PACK)
    (good / "fs/x/lzo.c").unlink()
    module = read_module(good, bad, "fs/x", alone=True)
    assert by_name(module)["pack"].changed is True


def test_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    assert read_module(None, tmp_path / "bad", "fs/x", alone=False).functions == ()


def test_what_stands_behind_labels(tmp_path: Path) -> None:
    text = """\
int two(struct page *page)
{
	if (a())
		goto free;
	switch (b()) {
	case 1:
		goto out;
	default:
		break;
	}
	return 0;
free:
	if (page)
		return 1;
	put_page(page);
	goto out;

	c();
out:
	return 2;
}
"""
    bad = tree(tmp_path / "bad", text, "")
    (found,) = read_module(None, bad, "fs/x", alone=False).functions
    assert found.labels == ((12, 16, "free"), (19, 20, "out"))
