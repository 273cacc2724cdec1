"""Where a case plays: small C files of our own, or Debian's fs/btrfs; the same edits to both."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


@dataclass(frozen=True, kw_only=True)
class SeedFile:
    """A file with two functions, and the lines in them at which cases make their edits.

    Attributes:
        files: the tree, by path.
        path: the file with both functions.
        other: a file that functions move to.
        held: the function that acquires something and has its release under a label.
        alloc: the lines with which it acquires.
        check: the line behind them, which may fail.
        leave: how it goes to the label then.
        release: the release.
        taken: type and name of what is released.
        declared: two of its declarations that may change places.
        plain: a function in which nothing has to go wrong.
        spot: the line before which sides insert what conflicts.
        first: its first statement; between that and ``spot`` there are other lines.
        last: a line with others between it and ``spot``; before it nothing returns.
    """

    files: Mapping[str, str]
    path: str
    other: str
    held: str
    alloc: str
    check: str
    leave: str
    release: str
    taken: tuple[str, str]
    declared: tuple[str, str]
    plain: str
    spot: str
    first: str
    last: str

    @property
    def text(self) -> str:
        """The file with both functions."""
        return self.files[self.path]

    @property
    def names(self) -> Mapping[str, str]:
        """What stands in a case's expectation for the names of files and functions."""
        file, other = (PurePosixPath(one).name for one in (self.path, self.other))
        return {"file": file, "other": other, "held": self.held, "plain": self.plain}

    def in_held(self, text: str, *edits: tuple[str, str]) -> str:
        """Return a file's text with replacements in ``held``, each once."""
        return edited(text, self.held, *edits)

    def in_plain(self, text: str, *edits: tuple[str, str]) -> str:
        """Return a file's text with replacements in ``plain``, each once."""
        return edited(text, self.plain, *edits)

    def before_check(self, lines: str) -> tuple[str, str]:
        """Return the edit that inserts lines where ``held`` holds what it acquired."""
        return self.check, lines + self.check

    def before_spot(self, lines: str) -> tuple[str, str]:
        """Return the edit that inserts lines into ``plain``."""
        return self.spot, lines + self.spot


def function(text: str, name: str) -> str:
    """Return a function of a file, from its first line to its last."""
    whole = rf"^\w[^;{{}}\n]*\b{name}\([^;{{}}]*\)\n\{{.*?^\}}\n"
    found = re.search(whole, text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"no function {name}()")
    return found[0]


def edited(text: str, name: str, *edits: tuple[str, str]) -> str:
    """Return a file with replacements in one function, each once.

    Raises:
        LookupError: there is no such function, or it has not what is to be replaced.
    """
    old = new = function(text, name)
    for before, after in edits:
        if before not in new:
            raise LookupError(f"{name}() has no {before!r}")
        new = new.replace(before, after, 1)
    return text.replace(old, new, 1)


_SMALL = """\
int first(struct inode *inode, int index)
{
	struct page *page;
	int ret;

	page = find_get_page(inode->i_mapping, index);
	if (!page)
		return -ENOENT;

	ret = check(inode, index);
	if (ret)
		goto out;
	ret = more(inode, index);
out:
	put_page(page);
	return ret;
}

int second(int value)
{
	setup(value);
	settle(value);
	prepare(value);
	finish(value);
	return value;
}
"""


def small() -> SeedFile:
    """Return the seed that is C of our own."""
    return SeedFile(
        files={"fs/a/a.c": _SMALL, "fs/a/b.c": "int b;\n"},
        path="fs/a/a.c",
        other="fs/a/b.c",
        held="first",
        alloc=(
            "\tpage = find_get_page(inode->i_mapping, index);\n\tif (!page)\n\t\treturn -ENOENT;\n"
        ),
        check="\tret = check(inode, index);\n",
        leave="\t\tgoto out;\n",
        release="\tput_page(page);\n",
        taken=("struct page", "page"),
        declared=("\tstruct page *page;\n", "\tint ret;\n"),
        plain="second",
        spot="\tprepare(value);\n",
        first="\tsetup(value);\n",
        last="\treturn value;\n",
    )


def btrfs(tree: Path) -> SeedFile:
    """Return the seed that is the fs/btrfs of a kernel tree."""
    paths = sorted((tree / "fs/btrfs").glob("*.[ch]"))
    return SeedFile(
        files={str(one.relative_to(tree)): one.read_text() for one in paths},
        path="fs/btrfs/orphan.c",
        other="fs/btrfs/uuid-tree.c",
        held="btrfs_del_orphan_item",
        alloc="\tpath = btrfs_alloc_path();\n\tif (!path)\n\t\treturn -ENOMEM;\n",
        check="\tret = btrfs_search_slot(trans, root, &key, path, -1, 1);\n",
        leave="\t\tgoto out;\n",
        release="\tbtrfs_free_path(path);\n",
        taken=("struct btrfs_path", "path"),
        declared=("\tstruct btrfs_path *path;\n", "\tstruct btrfs_key key;\n"),
        plain="btrfs_insert_orphan_item",
        spot="\tkey.type = BTRFS_ORPHAN_ITEM_KEY;\n",
        first="\tint ret = 0;\n",
        last="\tpath = btrfs_alloc_path();\n",
    )
