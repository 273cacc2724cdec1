"""The recorder stands alone: old Python, standard library, one file that is always the same."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "src" / "anyclue" / "record" / "recorder").glob("*.py"))
assert SOURCES
# Modules of 3.9's standard library that the recorder uses; look a new one up before adding it.
STDLIB_3_9 = {
    *("__future__", "argparse", "collections", "contextlib", "dataclasses", "json", "os"),
    *("platform", "resource", "shlex", "shutil", "signal", "subprocess", "sys", "threading"),
    *("time", "typing", "zlib"),
}
OLD = ("3.9", "3.10")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_syntax_and_imports_of_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= 1, path.name
            names = [] if node.level else [str(node.module).split(".")[0]]
        else:
            continue
        assert set(names) <= STDLIB_3_9, path.name


def test_what_it_uses_is_of_the_standard_library() -> None:
    assert set(sys.stdlib_module_names) >= STDLIB_3_9


def test_the_same_sources_give_the_same_file(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.pyz"
    subprocess.run([ROOT / "tools" / "build-zipapp", again], check=True, capture_output=True)
    assert again.read_bytes() == archive.read_bytes()


def old_python() -> str | None:
    """An interpreter that is old: of pyenv, or on the path."""
    found = [*Path("/root/.pyenv/versions").glob("3.9.*/bin/python3.9")]
    on_path = [path for version in OLD if (path := shutil.which(f"python{version}"))]
    return next((str(path) for path in (*found, *on_path)), None)


def test_an_old_interpreter_runs_it(archive: Path, tmp_path: Path) -> None:
    python = old_python()
    if python is None:
        pytest.skip("no Python 3.9 or 3.10 here; syntax and imports are checked")
    run = tmp_path / "run"
    command = [python, str(archive), "--hz", "20", "--out", str(run), "--", "sh", "-c", "exit 7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 7, done.stderr
    assert json.loads((run / "record.json").read_text())["python"].startswith(("3.9.", "3.10."))


def test_an_interpreter_that_is_too_old_is_told_so(archive: Path) -> None:
    with zipfile.ZipFile(archive) as packed:
        ast.parse(packed.read("__main__.py"), feature_version=(3, 4))
    pretend = "import runpy, sys; sys.version_info = (3, 6, 8); runpy.run_path(sys.argv[1])"
    command = [sys.executable, "-c", pretend, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "anyclue record: error: Python 3.9 or later is needed; this is 3.6"
    ]
