"""The other tools: how each is run on one file of the kernel, and how its messages are read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

# Package by command. smatch is not packaged; it is used when it is there.
PACKAGES = {
    "sparse": "sparse",
    "spatch": "coccinelle",
    "cppcheck": "cppcheck",
    "clang": "clang",
    "gcc": "gcc",
    "smatch": "",
}
_MESSAGE = re.compile(r"^([^\s:][^:\n]*):(\d+)(?::\d+(?:-\d+)?)?:?[ \t]+(.*)$", re.MULTILINE)
# Said of code that mutating left behind, not of what is wrong with it.
_INCIDENTAL = re.compile(
    r"defined but not used|unused|empty body|never (?:read|used)|style:|note:|information:"
    r"|TAINTED|\bTODO\b"
)
# The kernel's own rules about acquiring and releasing, as directories and files.
_RULES = ("locks", "free", "api/d_find_alias", "api/kfree_mismatch", "null/deref_null")


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message about a line of the file; in ``text`` numbers are replaced."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Headers:
    """What a compilation needs: headers of the flavour, those all flavours share, the tree."""

    flavour: Path
    common: Path
    tree: Path

    def flags(self, path: str) -> tuple[str, ...]:
        """Return preprocessor and machine flags for a file, as kbuild's."""
        includes = (
            Path("include"),
            self.common / "arch/x86/include",
            self.flavour / "arch/x86/include/generated",
            self.common / "include",
            self.flavour / "include",
            self.common / "arch/x86/include/uapi",
            self.flavour / "arch/x86/include/generated/uapi",
            Path("include/uapi"),
            self.flavour / "include/generated/uapi",
            Path(path).parent,
            Path("fs/xfs"),
            Path("fs/xfs/libxfs"),
        )
        forced = ("compiler-version.h", "kconfig.h", "compiler_types.h")
        return (
            "-nostdinc",
            *(f"-I{include}" for include in includes),
            *(word for name in forced for word in ("-include", f"include/linux/{name}")),
            *(() if path.startswith("mm/") else ("-DMODULE",)),
            *("-D__KERNEL__", "-DCC_USING_FENTRY", "-D__KBUILD_MODNAME=kmod_it"),
            *('-DKBUILD_BASENAME="it"', '-DKBUILD_MODNAME="it"', '-DKBUILD_MODFILE="it"'),
            *("-std=gnu11", "-O2", "-fshort-wchar", "-fno-strict-aliasing", "-fno-common"),
            *("-fno-PIE", "-m64", "-mno-red-zone", "-mcmodel=kernel"),
            *("-mno-sse", "-mno-sse2", "-mno-mmx", "-mno-avx"),
        )

    @cached_property
    def rules(self) -> tuple[Path, ...]:
        """The kernel's Coccinelle rules that are used; those in OCaml want a compiler."""
        base = self.tree / "scripts/coccinelle"
        files = [
            file
            for name in _RULES
            for file in ((base / name).rglob("*.cocci") if (base / name).is_dir() else ())
        ]
        files += [base / f"{name}.cocci" for name in _RULES if (base / f"{name}.cocci").is_file()]
        return tuple(file for file in sorted(files) if "ocaml" not in file.read_text())


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A tool: its commands for a file, which messages count, and how long it may compute."""

    name: str
    commands: Callable[[Path, str, Headers], Sequence[Sequence[str]]]
    counts: re.Pattern[str]
    limit_s: int = 90

    def messages(self, path: str, output: str) -> list[Message]:
        """Read the messages about ``path``."""
        return [
            Message(line=int(match[2]), text=re.sub(r"\d+", "N", match[3]))
            for match in _MESSAGE.finditer(output)
            if Path(match[1]).name == Path(path).name
            and self.counts.search(match[3])
            and not _INCIDENTAL.search(match[3])
        ]


def compiles(root: Path, path: str, headers: Headers) -> bool:
    """Whether gcc takes a file."""
    argv = ("gcc", "-fsyntax-only", "-w", *headers.flags(path), path)
    return subprocess.run(argv, check=False, cwd=root, capture_output=True).returncode == 0


def _sparse(_: Path, path: str, headers: Headers) -> Sequence[Sequence[str]]:
    own = ("-D__linux__", "-D__unix__", "-D__x86_64__", "--arch=x86", "-mlittle-endian")
    warnings = ("-Wbitwise", "-Wcontext", "-Wno-return-void", "-Wno-unknown-attribute")
    return [("sparse", *own, *warnings, *headers.flags(path), path)]


def _smatch(_: Path, path: str, headers: Headers) -> Sequence[Sequence[str]]:
    return [("smatch", "-p=kernel", "-D__x86_64__", *headers.flags(path), path)]


def _spatch(_: Path, path: str, headers: Headers) -> Sequence[Sequence[str]]:
    options = ("-D", "report", "--no-show-diff", "--very-quiet", "--no-includes")
    return [("spatch", *options, "--cocci-file", str(rule), path) for rule in headers.rules]


def _cppcheck(root: Path, path: str, _: Headers) -> Sequence[Sequence[str]]:
    # Away from its directory: a local header of tracepoints ends the whole check.
    alone = root / "alone" / Path(path).name
    alone.parent.mkdir(exist_ok=True)
    shutil.copyfile(root / path, alone)
    options = ("--enable=warning,portability", "--inconclusive", "--std=c11", "-D__KERNEL__")
    template = "--template={file}:{line}: {severity}: {message} [{id}]"
    return [("cppcheck", "--quiet", *options, template, str(alone))]


def _clang(_: Path, path: str, headers: Headers) -> Sequence[Sequence[str]]:
    output = ("-Xclang", "-analyzer-output=text", "-Wno-everything")
    return [("clang", "--analyze", *output, *headers.flags(path), path)]


def _gcc(_: Path, path: str, headers: Headers) -> Sequence[Sequence[str]]:
    return [("gcc", "-fanalyzer", "-S", "-o", os.devnull, *headers.flags(path), path)]


TOOLS = {
    "sparse": Tool(name="sparse", commands=_sparse, counts=re.compile("warning:|error:")),
    "spatch": Tool(name="coccinelle", commands=_spatch, counts=re.compile("")),
    "cppcheck": Tool(name="cppcheck", commands=_cppcheck, counts=re.compile("")),
    "clang": Tool(name="clang --analyze", commands=_clang, counts=re.compile(r"warning:.*\[")),
    "gcc": Tool(name="gcc -fanalyzer", commands=_gcc, counts=re.compile(r"\[-Wanalyzer")),
    "smatch": Tool(name="smatch", commands=_smatch, counts=re.compile("warn:|error:")),
}


def at_hand(headers: Headers) -> list[Tool]:
    """Return the tools that are here, after installing what Debian has when we are root.

    Coccinelle without the kernel's rules is as good as absent.
    """
    missing = [package for name, package in PACKAGES.items() if package and not shutil.which(name)]
    if missing and os.geteuid() == 0:
        print(f"installing {' '.join(missing)}", file=sys.stderr)
        subprocess.run(
            ("/usr/bin/apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing),
            check=False,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    absent = [name for name in TOOLS if not shutil.which(name)]
    if not headers.rules and "spatch" not in absent:
        absent.append("spatch")
    if absent:
        print(f"not here, and so not compared: {', '.join(absent)}", file=sys.stderr)
    return [tool for name, tool in TOOLS.items() if name not in absent]
