"""``local.config``, which fstests' check reads as shell: what of it is accepted, and the writer.

Accepted is what sets options: ``NAME=value``, in quotes or not, ``export`` before it or not, in
sections or not. What a shell would have to work out (``$``, backquotes, backslashes) is accepted
only in options that a guest sets anyway, and their values are left out.

The rules are those of fstests' ``common/config``. In a file with sections, check takes ``#`` for
a comment inside quotes too, drops space around ``=`` and makes any run of space one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anyclue.fstests.core.model import ConfigSection
from anyclue.fstests.core.shell_words import Word, shell_commands
from anyclue.model.errors import Problem, RequestError

SET_BY_GUEST = frozenset(
    (
        *("TEST_DEV", "TEST_DIR", "TEST_LOGDEV", "TEST_RTDEV", "LOGWRITES_DEV", "RESULT_BASE"),
        *("SCRATCH_DEV", "SCRATCH_MNT", "SCRATCH_DEV_POOL", "SCRATCH_LOGDEV", "SCRATCH_RTDEV"),
    )
)
"""Options whose values on the user's machine mean nothing in a guest."""

_HEADER = re.compile(r"^\[([A-Za-z0-9_-]+)\](.*)$")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SPACE = " \t\r\f\v"
_AROUND_EQUALS = re.compile(rf"[{_SPACE}]*=[{_SPACE}]*")
_SPACES = re.compile(rf"[{_SPACE}]+")
_VALUE = re.compile(r"""^(["']?)([^"']*)\1$""")
_SHELL = re.compile(r"[$`\\]")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_PLAIN = 'write NAME=value or NAME="value"'
_SPELL_OUT = "write the value itself"


@dataclass(frozen=True, kw_only=True)
class LocalConfig:
    """A ``local.config``: its sections, and what check passes over or a guest sets by itself."""

    sections: tuple[ConfigSection, ...]
    notes: tuple[Problem, ...] = ()


class _ConfigReading:
    """What was found in the file so far."""

    def __init__(self, origin: str) -> None:
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self._origin = origin

    def problem(self, line: int, what: str, next_step: str = _PLAIN) -> None:
        self._add(self.problems, line, what, next_step)

    def note(self, line: int, what: str, next_step: str = "") -> None:
        self._add(self.notes, line, what, next_step)

    def unset(self, line: int, name: str, char: str) -> None:
        """Say that a value has to be worked out by a shell."""
        if name in SET_BY_GUEST:
            self.note(line, f"{name} is for a shell to work out; the guest sets it by itself")
        else:
            self.problem(line, f"{name} has {char}, which a shell would work out", _SPELL_OUT)

    def _add(self, to: list[Problem], line: int, what: str, next_step: str) -> None:
        """Add what is said of a line, once a line."""
        where = f"{self._origin}:{line}"
        if not to or to[-1].where != where:
            to.append(Problem(what=what, where=where, next_step=next_step))


def read_local_config(text: str, *, origin: str = "local.config") -> LocalConfig:
    """Read a ``local.config``. ``origin`` names the file in messages.

    Raises:
        RequestError: lines that are not accepted, every one of them.
    """
    reading = _ConfigReading(origin)
    lines = text.split("\n")
    if any(_HEADER.match(line) for line in lines):
        sections = _read_sections(lines, reading)
    else:
        sections = [ConfigSection(name="", options=_read_shell(lines, reading))]
    if reading.problems:
        raise RequestError(reading.problems)
    return LocalConfig(sections=tuple(sections), notes=tuple(reading.notes))


def write_local_config(sections: Sequence[ConfigSection]) -> str:
    """Return the text of a ``local.config``; reading it gives the same sections.

    Raises:
        RequestError: names or values that check could not read back, every one of them.
    """
    named = any(section.name for section in sections)
    problems = [problem for section in sections for problem in _unwritable(section)]
    names = [section.name for section in sections]
    if len(set(names)) < len(names) or (named and "" in names):
        problems.append(Problem(what="each section needs a name of its own", where="local.config"))
    if problems:
        raise RequestError(problems)
    return "\n".join(map(_section_text, sections))


def _section_text(section: ConfigSection) -> str:
    header = f"[{section.name}]\n" if section.name else ""
    export = "" if section.name else "export "
    return header + "".join(f'{export}{k}="{v}"\n' for k, v in section.options.items())


def _unwritable(section: ConfigSection) -> list[Problem]:
    """Return what of a section does not come back when it is read."""
    if section.name and not _HEADER.fullmatch(f"[{section.name}]"):
        what = f"{section.name[:60]!r} cannot be the name of a section"
        step = "use letters, digits, _ and -"
        return [Problem(what=what, where="local.config", next_step=step)]
    problems = []
    for name, value in section.options.items():
        one = ConfigSection(name=section.name, options={name: value})
        try:
            back = read_local_config(_section_text(one))
        except RequestError:
            back = None
        if back is None or back.sections != (one,):
            what = f"{name[:60]!r} cannot have the value {value[:60]!r}"
            step = "leave out quotes, $, backquotes, backslashes, line ends"
            step += " and, in a section, # and repeated space" if section.name else ""
            problems.append(Problem(what=what, where="local.config", next_step=step))
    return problems


def _read_sections(lines: Sequence[str], reading: _ConfigReading) -> list[ConfigSection]:
    sections: dict[str, dict[str, str]] = {}
    options: dict[str, str] | None = None
    for number, raw in enumerate(lines, 1):
        header = _HEADER.match(raw)
        line = _AROUND_EQUALS.sub("=", raw).split("#", 1)[0].strip(_SPACE)
        if header:
            if header[2].strip(_SPACE):
                what = "check takes each word behind a section's name for another section"
                reading.problem(number, what, "write the comment on a line of its own")
            if header[1] in sections:
                what = f"the section [{header[1]}] stands twice; check would run it twice"
                reading.problem(number, what, "give it another name")
            options = sections.setdefault(header[1], {})
        elif line.startswith("["):
            what = "is not the name of a section, so check reads nothing below it"
            reading.problem(number, what, "[NAME] at the line's begin: letters, digits, _ and -")
        elif line and options is None:
            reading.note(number, "stands before the first section, where check does not read")
        elif line and "=" not in line:
            reading.note(number, "sets no option, so check passes over it")
        elif line and options is not None:
            _read_option(line, number, options, reading)
    return [ConfigSection(name=name, options=found) for name, found in sections.items()]


def _read_option(line: str, number: int, options: dict[str, str], reading: _ConfigReading) -> None:
    name, _, text = line.partition("=")
    name = name.removeprefix("export").strip(_SPACE) if name[6:7] in {" ", "\t"} else name
    match = _VALUE.match(text)
    if not _NAME.fullmatch(name):
        reading.problem(number, f"{name[:60]!r} cannot be the name of an option")
    elif _CONTROL.search(text):
        reading.problem(number, f"the value of {name} has a control character")
    elif shell := _SHELL.search(text):
        reading.unset(number, name, shell[0])
    elif match is None:
        what = f"the value of {name} has a quote that is not around the whole of it"
        step = "quotes stand at both ends or nowhere; # begins a comment inside quotes too"
        reading.problem(number, what, step)
    else:
        options[name] = _SPACES.sub(" ", match[2])


def _read_shell(lines: Sequence[str], reading: _ConfigReading) -> Mapping[str, str]:
    options: dict[str, str] = {}
    known: set[str] = set()
    for number, line in enumerate(lines, 1):
        try:
            for command in shell_commands(line):
                export = command[0].text == "export" and len(command) > 1
                for word in command[1 if export else 0 :]:
                    if not (export and word.text in known):
                        known.add(_read_word(word, number, options, reading))
        except ValueError as error:
            reading.problem(number, str(error))
    return options


def _read_word(word: Word, number: int, options: dict[str, str], reading: _ConfigReading) -> str:
    """Take ``NAME=value`` and return the name.

    Raises:
        ValueError: the word is something else.
    """
    name, equals, value = word.text.partition("=")
    if not equals or not _NAME.fullmatch(name) or word.quoted_before_equals:
        raise ValueError(
            f"{word.text[:60]!r} sets no option: it is shell that anyclue does not run"
        )
    if word.special:
        reading.unset(number, name, word.special)
    elif _CONTROL.search(value):
        raise ValueError(f"the value of {name} has a control character")
    else:
        options[name] = value
    return name
