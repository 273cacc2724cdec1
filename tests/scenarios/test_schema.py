"""The published JSON Schema, the document about the format, and the validator: one truth."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from anyclue.model.errors import RequestError
from anyclue.model.scenario import Scenario
from anyclue.scenarios.plan_document import plan_json
from anyclue.scenarios.schema import json_schema, json_schema_text

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(json_schema())
Read = Callable[[str], Scenario]

EDIT = '{ file = "fs/btrfs/lzo.c", find = "a", replace = "b" }'

GOOD = [
    "",
    'mkfs.a = "-L \'x y\'"\nmount.a = "compress=lzo,noatime"',
    f'kernels.b = {{ debian = "6.1.176-1", module = "fs/btrfs", edits = [{EDIT}] }}',
    'kernels.b = { debian = "6.1", module = "fs/btrfs", patches = ["f"], edits = [] }',
    'kernels.b = { image = "f" }\nkernels.c = { image = "f", modules = "." }',
    'machines.b = { arch = "x86_64", ram = "1.5 GiB", cpus = 64 }',
    'workloads.b = { use = "enospc-small-files", files = 3, ratio = 0.1, fsync = true }',
    'plan = { reference = { kernel = "k" } }',
    'plan = { include = [{ kernel = ["k"], mount = "default" }], exclude = [] }',
    "limits = { rounds = 3, trials = 1, round_seconds = 1.5, boot_seconds = 60, sample_hz = 0.5 }",
    "sensitivity = { leak_kib_per_round = 0.5, surge_percent = 100 }",
]

BAD_SHAPE = [
    "extra = 1",
    "mkfs = {}",
    "mkfs.a = 1",
    'mkfs.A = ""',
    'mount."a b" = ""',
    f'mount.a = "{"x" * 1025}"',
    "kernels.b = {}",
    'kernels.b = { debian = "6.1", image = "f" }',
    "kernels.b = { debian = 6.1 }",
    'kernels.b = { debian = "bookworm" }',
    'kernels.b = { debian = "6.1", modules = "." }',
    'kernels.b = { image = "f", module = "fs/btrfs" }',
    'kernels.b = { image = "" }',
    f'kernels.b = {{ debian = "6.1", edits = [{EDIT}] }}',
    'kernels.b = { debian = "6.1", patches = [] }',
    'kernels.b = { debian = "6.1", module = "../fs" }',
    'kernels.b = { debian = "6.1", module = "/fs" }',
    'kernels.b = { debian = "6.1", module = "fs", edits = [{ file = "fs/a" }] }',
    'kernels.b = { debian = "6.1", module = "fs", edits = [{ file = "fs/a", find = "" }] }',
    'machines.b = { arch = "arm", ram = "1 GiB" }',
    'machines.b = { arch = "i386", ram = "1 GB" }',
    'machines.b = { arch = "i386", ram = 1024 }',
    'machines.b = { arch = "i386" }',
    'machines.b = { arch = "i386", ram = "1 GiB", cpus = 0 }',
    'machines.b = { arch = "i386", ram = "1 GiB", cpus = true }',
    "workloads.b = {}",
    'workloads.b = { use = "compression-mix", files = [1] }',
    "plan = { reference = {} }",
    'plan = { reference = { kernels = "k" } }',
    "plan = { include = [] }",
    "plan = { include = [{}] }",
    "plan = { include = [{ kernel = [] }] }",
    'plan = { include = [{ kernel = ["k", "k"] }] }',
    'plan = { exclude = { kernel = "k" } }',
    "limits = { rounds = 2 }",
    "limits = { rounds = 3.5 }",
    "limits = { round_seconds = 0 }",
    "limits = { sample_hz = true }",
    "sensitivity = { surge_percent = 101 }",
    "sensitivity = { leak_kib_per_round = 0 }",
]

BEYOND_THE_SCHEMA = [
    'mount.a = "-o compress=lzo"',
    'mkfs.a = "\'"',
    'kernels.b = { image = "not-there" }',
    'kernels.b = { debian = "6.1", module = "fs/ext4", edits = [' + EDIT + "] }",
    'machines.b = { arch = "i386", ram = "65 GiB" }',
    'workloads.b = { use = "none" }',
    'workloads.b = { use = "compression-mix", none = 1 }',
    'plan = { reference = { kernel = "none" } }',
    'plan = { exclude = [{ kernel = "k" }] }',
]


def document(smallest: str, added: str) -> str:
    """The smallest scenario with more keys at its root, which is before its first table."""
    return smallest.replace("[kernels.k]", f"{added}\n[kernels.k]", 1)


def accepted(read: Read, text: str) -> bool:
    try:
        read(text)
    except RequestError:
        return False
    return True


@pytest.fixture(autouse=True)
def image(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("")


@pytest.mark.parametrize("added", GOOD)
def test_both_accept(read: Read, smallest: str, added: str) -> None:
    text = document(smallest, added)
    read(text)
    assert VALIDATOR.is_valid(tomllib.loads(text))


@pytest.mark.parametrize("added", BAD_SHAPE)
def test_both_refuse(read: Read, smallest: str, added: str) -> None:
    text = document(smallest, added)
    assert not VALIDATOR.is_valid(tomllib.loads(text))
    assert not accepted(read, text)


@pytest.mark.parametrize("old", ["schema = 1", 'title = "t"', "1", '"t"', "kernels", "machines"])
def test_both_refuse_without(read: Read, smallest: str, old: str) -> None:
    new = {"1": "2", '"t"': '""', "kernels": "mkfs", "machines": "mkfs"}.get(old, "")
    text = smallest.replace(old, new, 1)
    assert not VALIDATOR.is_valid(tomllib.loads(text))
    assert not accepted(read, text)


@pytest.mark.parametrize("added", BEYOND_THE_SCHEMA)
def test_only_anyclue_refuses(read: Read, smallest: str, added: str) -> None:
    text = document(smallest, added)
    assert VALIDATOR.is_valid(tomllib.loads(text))
    assert not accepted(read, text)


def test_the_published_schema_is_the_generated_one() -> None:
    Draft202012Validator.check_schema(json_schema())
    published = ROOT / "docs" / "scenario.schema.json"
    assert published.read_text(encoding="utf-8") == json_schema_text(), "make schemas"


def keys_of(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        properties = node.get("properties", {})
        yield from properties
        for value in [*node.values(), *properties.values()]:
            yield from keys_of(value)
    elif isinstance(node, list):
        for item in node:
            yield from keys_of(item)


DOC = (ROOT / "docs" / "scenario.md").read_text(encoding="utf-8")


def documented() -> set[str]:
    """What stands in backquotes in the first column of a table."""
    rows = re.findall(r"^\| (`[^|]+) \|", DOC, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_every_key_is_documented(read: Read, smallest: str) -> None:
    keys = set(keys_of(json_schema()))
    assert {"debian", "edits", "times", "include", "surge_percent"} <= keys
    plan = plan_json(read(smallest))
    in_plan = {*plan, *plan["cells"][0]}
    assert keys | in_plan == documented()


def test_every_default_in_the_document_is_the_real_one() -> None:
    definitions = json_schema()["$defs"]
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| ([\d.]+) \|$", DOC, re.MULTILINE))
    defaults = {
        key: value["default"]
        for table in ("FstestsTable", "LimitsTable", "SensitivityTable")
        for key, value in definitions[table]["properties"].items()
        if isinstance(value.get("default"), int | float)
    }
    assert {key: float(value) for key, value in rows.items()} == defaults


def test_the_examples_in_the_document_are_right(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = re.findall(r"^```toml\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)
    (tmp_path / "arch/x86/boot").mkdir(parents=True)
    (tmp_path / "arch/x86/boot/bzImage").write_text("")
    (tmp_path / "mods/lib/modules/6.12.0").mkdir(parents=True)
    (tmp_path.parent / "linux/build").mkdir(parents=True, exist_ok=True)
    (tmp_path / "home/linux").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert len(read(examples[0]).cells) == 1
    head = 'schema = 1\ntitle = "t"\n'
    bad = '[kernels.bad]\ndebian = "6.1"\nmodule = "fs/btrfs"\n'
    machine = '[machines.x86_64-2g]\narch = "x86_64"\nram = "2 GiB"\n'
    more = "".join(examples[1:]).replace("[[kernels.bad.edits]]", f"{bad}[[kernels.bad.edits]]")
    more = more.replace('lzo = "compress=lzo"', 'lzo = "compress=lzo"\nzlib = "compress=zlib"')
    scenario = read(head + machine + more)
    assert set(scenario.kernels) == {"good", "mine", "built", "v61", "bad"}
    assert scenario.references
