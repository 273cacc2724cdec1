"""The repositories that bisections are measured on, made of C written for this: their shape."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from bench.bisect_bench.case import export, scenario
from bench.bisect_bench.check import expected_of, interesting
from bench.bisect_bench.graft import Graft
from bench.bisect_bench.handwritten_commits import LZO
from bench.bisect_bench.histories import MAKERS, BenchHistory
from bench.bisect_bench.kernel_steps import Steps
from bench.bisection import case, result

from anyclue.git.merge import object_directory
from anyclue.git.repository import differing, has, repository
from anyclue.scenarios.read import load_scenario
from anyclue.trial.workloads.registry import WORKLOADS

ROOT = Path(__file__).parents[2]
STAND_IN = """\
struct workspace {
	void *mem;
};

struct list_head *lzo_alloc_workspace(void)
{
	workspace = kzalloc(sizeof(*workspace), GFP_KERNEL);
	return workspace;
}

static inline void write_compress_length(char *buf, size_t len)
{
	__le32 dlen;

	dlen = cpu_to_le32(len);
	memcpy(buf, &dlen, LZO_LEN);
}

int lzo_compress_pages(struct address_space *mapping, u64 start)
{
	struct page *page_in = NULL;
	int ret = 0;
	u64 cur_in = start;
	u32 cur_out = 0;

	ASSERT(max_nr_page > 0);
	*out_pages = 0;

	while (cur_in < start + len) {
		char *data_in;
		u32 in_len;
		size_t out_len;

		if (!page_in)
			page_in = find_get_page(mapping, cur_in >> PAGE_SHIFT);
		in_len = min_t(u32, start + len - cur_in, sectorsize);
		data_in = kmap_local_page(page_in);
		ret = lzo1x_1_compress(data_in, in_len, workspace->cbuf, &out_len);
		kunmap_local(data_in);
		ret = copy_compressed_data_to_page(workspace->cbuf,
			&cur_out, sectorsize);
		if (ret < 0)
			goto out;
		cur_in += in_len;
		if (IS_ALIGNED(cur_in, PAGE_SIZE)) {
			put_page(page_in);
			page_in = NULL;
		}
	}
	*total_out = cur_out;
	*total_in = cur_in - start;
out:
	if (page_in)
		put_page(page_in);
	*out_pages = DIV_ROUND_UP(cur_out, PAGE_SIZE);
	return ret;
}

/* Copies a segment, one page at a time. */
static void copy_compressed_segment(char *dest, u32 len, u32 *cur_in)
{
	u32 orig_in = *cur_in;

	while (*cur_in < orig_in + len) {
		copy_page(dest, cur_in);
	}
}

int lzo_decompress(char *kaddr, size_t destlen)
{
	if (bytes < destlen)
		memset(kaddr+bytes, 0, destlen-bytes);
	return 0;
}
"""
COMPRESSION = """\
int btrfs_compress_pages(unsigned int type_level)
{
	int ret;

	ret = compression_compress_pages(type, workspace);
	return ret;
}
"""
ZLIB = """\
int zlib_compress_pages(struct list_head *ws)
{
	int nr_pages = 0;

	nr_pages++;
	return nr_pages;
}
"""
PLAIN = """\
static int plain{number}(struct inode *inode, int index)
{{
	struct page *page;
	int ret = 0;

	page = find_page(inode, index);
	ret = check(page, index);
	if (ret < 0)
		goto out;
	if (index > {number}) {{
		ret = more(page, index);
	}} else {{
		ret = less(page, index);
	}}
out:
	put_page(page);
	return ret;
}}

int calls{number}(struct inode *inode)
{{
	int ret;

	ret = begin(inode);
	if (ret)
		return ret;
	return plain{number}(inode, {number});
}}

"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("source")
    directory = root / "fs/btrfs"
    directory.mkdir(parents=True)
    plain = {f"a{one}.c": "".join(PLAIN.format(number=n) for n in range(8)) for one in range(12)}
    header = "#ifndef A_H\n#define A_H\n#endif\n"
    headers = dict.fromkeys(("compression.h", "props.h", "raid56.h"), header)
    files = {"lzo.c": STAND_IN, "compression.c": COMPRESSION, "zlib.c": ZLIB, "Makefile": "\n"}
    for name, text in (plain | headers | files).items():
        (directory / name).write_text(text)
    return root


@pytest.fixture(scope="module", params=MAKERS)
def made(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> BenchHistory:
    return MAKERS[request.param](source, tmp_path_factory.mktemp("made") / "repository")


def git(made: BenchHistory, *words: str) -> list[str]:
    argv = ["git", "-C", str(made.path), *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()


def lzo(made: BenchHistory, commit: str) -> str:
    return "\n".join(git(made, "show", f"{commit}:{LZO}"))


def releases(made: BenchHistory, commit: str) -> bool:
    return bool(re.search(r"\nout:\n\tif \((\w+)\)\n\t\tput_page\(\1\);\n", lzo(made, commit)))


def test_how_many_commits_and_which(made: BenchHistory) -> None:
    wanted = {"linear-with-merges": 60, "side-branch": 40, "evil-merge": 29}
    assert len(made.commits) == wanted[made.kind]
    assert git(made, "rev-list", "--merges", "--reverse", f"{made.good}..{made.bad}") == [
        *made.merges
    ]
    assert len(made.merges) == 2
    assert git(made, "rev-parse", "HEAD", f"{made.fix}^") == [made.bad, made.bad]
    assert {made.culprit, *made.unbuildable, *made.crashing} <= {*made.commits}
    assert git(made, "status", "--porcelain") == []


def test_only_what_descends_from_the_culprit_leaks(made: BenchHistory) -> None:
    bad = set(git(made, "rev-list", "--ancestry-path", f"{made.culprit}..{made.bad}"))
    for commit in (made.good, *made.commits, made.fix):
        assert releases(made, commit) == (commit not in {made.culprit, *bad}), commit
    assert git(made, "rev-parse", f"{made.culprit}^@") == [*made.parents]


def test_where_the_culprit_is(made: BenchHistory) -> None:
    first_parents = git(made, "rev-list", "--first-parent", made.bad)
    assert (made.culprit in first_parents) == (made.kind != "side-branch")
    assert (made.culprit in made.merges) == (made.kind == "evil-merge")
    # Its subject is that of a refactoring, and it is not the only commit to the file.
    assert len(git(made, "rev-list", "--no-merges", made.bad, "--", LZO)) >= 5


def test_what_is_in_the_way(made: BenchHistory) -> None:
    if made.kind != "linear-with-merges":
        assert not made.unbuildable
        assert not made.crashing
        return
    for commit in (made.good, *made.commits):
        text = "\n".join(git(made, "show", f"{commit}:fs/btrfs/compression.c"))
        assert ("BUG_ON(!IS_ALIGNED" in text) == (commit in made.crashing)
        zlib = "\n".join(git(made, "show", f"{commit}:fs/btrfs/zlib.c"))
        both = "nr_out_pages" in zlib and re.search(r"\bnr_pages\b", zlib) is not None
        assert both == (commit in made.unbuildable)
    # A plain bisection begins with one that crashes.
    assert git(made, "rev-list", "--bisect", f"{made.good}..{made.bad}")[0] in made.crashing


def test_the_resolution_is_of_neither_side(made: BenchHistory) -> None:
    if made.kind != "evil-merge":
        return
    for parent in made.parents:
        assert releases(made, parent)
        assert lzo(made, parent) != lzo(made, made.culprit)
    argv = ["git", "-C", str(made.path), "merge-tree", "--write-tree", "--name-only", *made.parents]
    tried = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert tried.returncode == 1
    assert tried.stdout.splitlines()[1] == LZO


def test_ids_repeat(made: BenchHistory, source: Path, tmp_path: Path) -> None:
    again = MAKERS[made.kind](source, tmp_path / "again")
    assert (again.commits, again.fix) == (made.commits, made.fix)


def test_the_revert_and_what_runs_in_guests(made: BenchHistory, tmp_path: Path) -> None:
    shutil.copytree(made.path, tmp_path / "copy")
    copy = BenchHistory(**{**vars(made), "path": tmp_path / "copy"})
    commits = interesting(copy)
    assert releases(copy, commits["reverted"])
    said = {name: expected_of(copy, commit) for name, commit in commits.items()}
    assert {name for name, one in said.items() if one.startswith("leak")} == {"bad", "culprit"}
    assert {name for name, one in said.items() if one == "broken"} == {
        f"crash{number}" for number, _ in enumerate(made.crashing, 1)
    }


def test_the_scenario(made: BenchHistory, tmp_path: Path) -> None:
    tree = tmp_path / "bad"
    export(made.path, made.bad, tree)
    text = scenario({"good": None, "bad": tree})
    kernels = tomllib.loads(text)["kernels"]
    assert (kernels["good"].get("tree"), kernels["bad"]["tree"]) == (None, str(tree))
    rules = {name: workload.rules for name, workload in WORKLOADS.items()}
    file = tmp_path / "scenario.toml"
    file.write_text(text)
    assert len(load_scenario(file, workloads=rules).cells) == 2


def test_the_last_line_and_its_documentation(made: BenchHistory) -> None:
    step = {"commit": made.bad, "seconds": 21.04, "shown": "bad", "because": "it leaks"}
    document = {
        "accused": [{"commit": made.culprit}],
        "confidence": 0.995,
        "runs": 9,
        "steps": [step, step | {"seconds": None}],
    }
    told = case(made, document)
    assert told == {"name": made.kind, "right": True, "runs": 9, "confidence": 0.995}
    assert not case(made, {})["right"]
    steps = Steps(incremental=60.0, fast=12.04, header=None)
    last = json.loads(json.dumps(result([told], [document], steps)))
    assert (last["median_step_s"], last["incremental_kernel_step_s"]) == (21.0, 60.0)
    assert (last["fast_kernel_step_s"], last["header_kernel_step_s"]) == (12.0, None)
    assert result([], [{}], None)["median_step_s"] is None
    section = (ROOT / "docs/bench.md").read_text().partition("## `make bench-bisect`\n")[2]
    words = set(re.findall(r"`(\w+)`", section.partition("\n## ")[0]))
    assert {*last, *told} <= words


def test_a_graft_shares_objects_and_has_commits_of_its_own(
    made: BenchHistory, tmp_path: Path
) -> None:
    graft = Graft.of(made.path, tmp_path / "graft")
    text = graft.text(graft.head, "fs/btrfs/lzo.c")
    changed = graft.commit(graft.head, "fs/btrfs/lzo.c", text + "/* */\n", tag="changed")
    assert graft.text("changed", "fs/btrfs/lzo.c") == text + "/* */\n"
    own, theirs = repository(graft.path), repository(made.path)
    assert differing(own, graft.head, changed) == ["fs/btrfs/lzo.c"]
    assert not has(theirs, changed)
    assert object_directory(own) == object_directory(theirs)


def test_the_commands_know_their_options() -> None:
    for module in ("bench.bisection", "bench.bisect_bench.check"):
        argv = [sys.executable, "-m", module, "--help"]
        shown = subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        assert "--kind" in shown
