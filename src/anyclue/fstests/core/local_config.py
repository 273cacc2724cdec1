"""``local.config``, which fstests' check reads as shell: reader, writer, options by section.

Accepted is what sets options: ``NAME=value``, in quotes or not, ``export`` before it or not, in
sections or not; ``NAME+=value`` without sections. ``$NAME`` and ``${NAME}`` of options are what
they are in check's shell. Of what else a shell would have to work out (``$(``, backquotes,
backslashes) only options are accepted that a guest sets anyway, and their values are left out.

The rules are those of fstests' ``common/config``. In a file with sections, check takes ``#`` for
a comment inside quotes too, drops space around ``=`` and makes any run of space one. Options carry
over from the sections that ran before (``get_next_config``); four of them go back to the file
system's own where FSTYP changes and the section does not set them, and log and realtime devices go
where USE_EXTERNAL is not set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from anyclue.fstests.core.model import ConfigSection
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

_REFERENCE = re.compile(r"\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})")
_UNSET = re.compile(r"[A-Z0-9_]+_(?:OPTIONS|OPTS)|USE_EXTERNAL")
"""Options of a file system: nothing sets them before check reads the file."""
_SET_BEFORE = re.compile(
    r"HOME|PATH|(?:OLD)?PWD|USER|LOGNAME|SHELL|TERM|TMPDIR|LANG|LC_\w+|HOST|HOSTNAME|E?UID|PPID"
    r"|RANDOM|SECONDS|SHLVL|IFS|OSTYPE|HOSTTYPE|MACHTYPE|LINENO|BASH\w*|\w+_PROG|MODULAR|BOOT|EXTRA"
    r"|SOAK_(?:PROC|STRESS|PASSES)|EMAIL|(?:HOST|CHECK|LOCAL_CONFIGURE)_OPTIONS|BENCH_PASSES"
    r"|(?:TIME|LOAD)_FACTOR|DEBUGFS_MNT|OVL_\w+|UNIONMOUNT_TESTSUITE|FSCK_[A-NP-Z]\w*|MALLOCLIB"
    r"|RECREATE_TEST_DEV|PS_ALL_FLAGS|MSGVERB|QA_CHECK_FS|DIFF_LENGTH|SRC_\w+"
)
"""What the shell, check and its common/config set before they read the file."""

_PLAIN = 'write NAME=value or NAME="value"'
_SPELL_OUT = "write the value itself"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """``$NAME`` or ``${NAME}``: where it stands in a text."""

    start: int
    end: int
    name: str


def _references(text: str) -> tuple[Reference, ...]:
    return tuple(
        Reference(start=one.start(), end=one.end(), name=one[1] or one[2])
        for one in _REFERENCE.finditer(text)
    )


class _ConfigReading:
    """The mistakes in the file so far."""

    def __init__(self, origin: str) -> None:
        self.problems: list[Problem] = []
        self._origin = origin

    def problem(self, line: int, what: str, next_step: str = _PLAIN) -> None:
        """Add the first mistake of a line."""
        where = f"{self._origin}:{line}"
        if not self.problems or self.problems[-1].where != where:
            self.problems.append(Problem(what=what, where=where, next_step=next_step))

    def unset(self, line: int, name: str, char: str) -> None:
        """Take a value that a shell would have to work out: a mistake, unless the guest sets it."""
        if name not in SET_BY_GUEST:
            self.problem(line, f"{name} has {char}, which a shell would work out", _SPELL_OUT)

    def value(
        self,
        line: int,
        name: str,
        text: str,
        references: Sequence[Reference],
        lookup: Callable[[str], str | None],
    ) -> str | None:
        """Return a value with options' values for ``$NAME``; None where one is not known.

        Args:
            line: where it stands.
            name: the option that gets it.
            text: the value as it is written.
            references: where options are named in it.
            lookup: gives the value of an option that is set before; None where none is.
        """
        at = 0
        parts = []
        for one in references:
            value = self._option(name, one.name, lookup)
            if value is None:
                if name not in SET_BY_GUEST:
                    what = f"{name} has ${one.name}, whose value is not known where check reads it"
                    self.problem(line, what, f"write that value in place of ${one.name}")
                return None
            parts += [text[at : one.start], value]
            at = one.end
        return "".join([*parts, text[at:]])

    @staticmethod
    def _option(within: str, name: str, lookup: Callable[[str], str | None]) -> str | None:
        value = None if name in SET_BY_GUEST else lookup(name)
        if value is not None or name in SET_BY_GUEST or _SET_BEFORE.fullmatch(name):
            return value
        return "" if name == within or _UNSET.fullmatch(name) else None


def read_local_config(text: str, *, origin: str = "local.config") -> tuple[ConfigSection, ...]:
    """Read the sections of a ``local.config``. ``origin`` names the file in messages.

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
    return tuple(sections)


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
        if back != (one,):
            what = f"{name[:60]!r} cannot have the value {value[:60]!r}"
            step = "leave out quotes, $, backquotes, backslashes, line ends"
            step += " and, in a section, # and repeated space" if section.name else ""
            problems.append(Problem(what=what, where="local.config", next_step=step))
    return problems


def _read_sections(lines: Sequence[str], reading: _ConfigReading) -> list[ConfigSection]:
    sections: dict[str, dict[str, str]] = {}
    before: dict[str, dict[str, str]] = {}
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
            before, options = dict(sections), sections.setdefault(header[1], {})
        elif line.startswith("["):
            what = "is not the name of a section, so check reads nothing below it"
            reading.problem(number, what, "[NAME] at the line's begin: letters, digits, _ and -")
        elif "=" in line and options is not None:  # check passes over everything else
            _read_option(line, number, options, before, reading)
    return [ConfigSection(name=name, options=found) for name, found in sections.items()]


def _read_option(
    line: str,
    number: int,
    options: dict[str, str],
    before: Mapping[str, Mapping[str, str]],
    reading: _ConfigReading,
) -> None:
    name, _, text = line.partition("=")
    name = name.removeprefix("export").strip(_SPACE) if name[6:7] in {" ", "\t"} else name
    match = _VALUE.match(text)
    if not _NAME.fullmatch(name):
        reading.problem(number, f"{name[:60]!r} cannot be the name of an option")
    elif _CONTROL.search(text):
        reading.problem(number, f"the value of {name} has a control character")
    elif shell := _SHELL.search(_REFERENCE.sub("", text)):
        reading.unset(number, name, shell[0])
    elif match is None:
        what = f"the value of {name} has a quote that is not around the whole of it"
        step = "quotes stand at both ends or nowhere; # begins a comment inside quotes too"
        reading.problem(number, what, step)
    else:
        text = _SPACES.sub(" ", match[2])
        value = reading.value(
            number,
            name,
            text,
            _references(text),
            lambda named: _before_section(named, before, options),
        )
        if value is not None:
            options[name] = value


def _before_section(
    name: str, before: Mapping[str, Mapping[str, str]], own: Mapping[str, str]
) -> str | None:
    """Return an option's value when check begins to read a section; None where that is open.

    check exports all options of a section at once: of those, none is set yet. It unsets five
    options before; others are as sections left them that ran before, the first in any case.
    """
    if name in (*RESET_WITH_FSTYP, "USE_EXTERNAL"):
        return ""
    values = [options[name] for options in before.values() if name in options]
    if not values and name in own and not _SET_BEFORE.fullmatch(name):
        return ""
    first = next(iter(before.values()), {})
    return values[0] if len(values) == 1 and name in first else None


def _read_shell(lines: Sequence[str], reading: _ConfigReading) -> Mapping[str, str]:
    options: dict[str, str] = {}
    known: set[str] = set()
    for number, line in enumerate(lines, 1):
        try:
            for command in shell_commands(line):
                export = command[0].text == "export" and len(command) > 1
                # A shell works out all words of export before it sets any.
                before = dict(options) if export else options
                for word in command[1 if export else 0 :]:
                    if not (export and word.text in known):
                        known.add(_read_word(word, number, options, before, reading))
        except ValueError as error:
            reading.problem(number, str(error))
    return options


def _read_word(
    word: Word,
    number: int,
    options: dict[str, str],
    before: Mapping[str, str],
    reading: _ConfigReading,
) -> str:
    """Take ``NAME=value`` or ``NAME+=value`` and return the name.

    Raises:
        ValueError: the word is something else.
    """
    name, equals, value = word.text.partition("=")
    adds = name.endswith("+")
    name = name.removesuffix("+")
    if not equals or not _NAME.fullmatch(name) or word.quoted_before_equals:
        raise ValueError(
            f"{word.text[:60]!r} sets no option: it is shell that anyclue does not run"
        )
    if word.special:
        reading.unset(number, name, word.special)
    elif _CONTROL.search(value):
        raise ValueError(f"the value of {name} has a control character")
    else:
        prefix = len(word.text) - len(value)
        references = _moved(word.references, -prefix)
        found = reading.value(number, name, value, references, before.get)
        own = options.get(name, "") if adds else ""
        if found is not None and (not adds or not _SET_BEFORE.fullmatch(name)):
            options[name] = own + found
        elif found is not None:
            what = f"{name} is set before check reads the file"
            reading.problem(number, what, f"write {name}= and the whole value")
    return name


_EXPANDED = frozenset("$`\\")
_EXPANDED_BARE = _EXPANDED | frozenset("~{")
_OPERATORS = frozenset("&|<>()!")


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word without its quotes.

    ``special`` is the first character in it that a shell would work out, else empty, but for the
    ``references`` to options;
    ``quoted_before_equals`` says that a quote stands before its first ``=``.
    """

    text: str
    special: str = ""
    references: tuple[Reference, ...] = ()
    quoted_before_equals: bool = False


def shell_commands(line: str) -> list[list[Word]]:
    """Return the commands of a line, each its words; comments are left out.

    Raises:
        ValueError: the line has an operator of the shell, or a quote that is not closed.
    """
    commands: list[list[Word]] = [[]]
    at = 0
    while at < len(line):
        char = line[at]
        if char in " \t":
            at += 1
        elif char == "#":
            break
        elif char == ";":
            commands.append([])
            at += 1
        else:
            word, at = _word(line, at)
            commands[-1].append(word)
    return [command for command in commands if command]


def _word(line: str, at: int) -> tuple[Word, int]:
    text = special = ""
    quoted = False
    references: list[Reference] = []
    while at < len(line) and line[at] not in " \t;":
        char = line[at]
        inner = _substitution(line, at)
        if inner:
            special = special or char
            at += inner
            continue
        if char in _OPERATORS:
            raise ValueError(f"{char} is shell that anyclue does not run")
        if char in "'\"":
            quoted = quoted or "=" not in text
            end = line.find(char, at + 1)
            if end < 0:
                raise ValueError("a quote is not closed on its line")
            part = line[at + 1 : end]
            if char == '"':
                references += _moved(_references(part), len(text))
                plain = _REFERENCE.sub("", part)
                special = special or next((c for c in plain if c in _EXPANDED), "")
            text += part
            at = end + 1
        elif found := _REFERENCE.match(line, at):
            references += _moved(_references(found[0]), len(text))
            text += found[0]
            at = found.end()
        else:
            if char in _EXPANDED_BARE:
                special = special or char
            length = 2 if char == "\\" else 1
            text += line[at : at + length]
            at += length
    word = Word(
        text=text, special=special, references=tuple(references), quoted_before_equals=quoted
    )
    return word, at


def _moved(references: Sequence[Reference], by: int) -> list[Reference]:
    return [replace(one, start=one.start + by, end=one.end + by) for one in references]


def _substitution(line: str, at: int) -> int:
    """Return how many characters a ``$(command)`` or one in backquotes has here, 0 for none."""
    if line.startswith("$(", at):
        end = line.find(")", at)
    elif line[at] == "`":
        end = line.find("`", at + 1)
    else:
        return 0
    return end + 1 - at if end >= 0 else 0


RESET_WITH_FSTYP = ("MOUNT_OPTIONS", "TEST_FS_MOUNT_OPTS", "MKFS_OPTIONS", "FSCK_OPTIONS")
"""Options that do not carry over to a section with another FSTYP."""

EXTERNAL_DEVICES = ("TEST_RTDEV", "TEST_LOGDEV", "SCRATCH_RTDEV", "SCRATCH_LOGDEV")
"""Options that another FSTYP takes away where the section does not set USE_EXTERNAL."""

# FSTYP: what is always there, the option whose value follows it.
_MOUNT = {
    "9p": ("", "PLAN9_MOUNT_OPTIONS"),
    "fuse": ("", "FUSE_MOUNT_OPTIONS"),
    "xfs": ("", "XFS_MOUNT_OPTIONS"),
    "udf": ("", "UDF_MOUNT_OPTIONS"),
    "nfs": ("", "NFS_MOUNT_OPTIONS"),
    "afs": ("", "AFS_MOUNT_OPTIONS"),
    "cifs": ("", "CIFS_MOUNT_OPTIONS"),
    "ceph": ("", "CEPHFS_MOUNT_OPTIONS"),
    "glusterfs": ("", "GLUSTERFS_MOUNT_OPTIONS"),
    "overlay": ("", "OVERLAY_MOUNT_OPTIONS"),
    "ext2": ("-o acl,user_xattr", "EXT_MOUNT_OPTIONS"),
    "ext3": ("-o acl,user_xattr", "EXT_MOUNT_OPTIONS"),
    "ext4": ("-o acl,user_xattr", "EXT_MOUNT_OPTIONS"),
    "f2fs": ("-o acl,user_xattr", "F2FS_MOUNT_OPTIONS"),
    "reiser4": ("", "REISER4_MOUNT_OPTIONS"),
    "gfs2": ("-o acl", "GFS2_MOUNT_OPTIONS"),
    "tmpfs": ("-o size=1G", "TMPFS_MOUNT_OPTIONS"),
    "ubifs": ("", "UBIFS_MOUNT_OPTIONS"),
}
# FSTYP: the option whose value is used, what follows it.
_MKFS = {
    "xfs": ("XFS_MKFS_OPTIONS", ""),
    "udf": ("UDF_MKFS_OPTIONS", ""),
    "nfs": ("NFS_MKFS_OPTIONS", ""),
    "afs": ("AFS_MKFS_OPTIONS", ""),
    "cifs": ("CIFS_MKFS_OPTIONS", ""),
    "ceph": ("CEPHFS_MKFS_OPTIONS", ""),
    "reiser4": ("REISER4_MKFS_OPTIONS", ""),
    "gfs2": ("GFS2_MKFS_OPTIONS", "-O -p lock_nolock"),
    "jfs": ("JFS_MKFS_OPTIONS", "-q"),
    "f2fs": ("F2FS_MKFS_OPTIONS", ""),
    "btrfs": ("BTRFS_MKFS_OPTIONS", ""),
    "bcachefs": ("BCACHEFS_MKFS_OPTIONS", ""),
}
_FSCK = {"ext2": "-nf", "ext3": "-nf", "ext4": "-nf", "f2fs": ""}


def effective_sections(
    sections: Sequence[ConfigSection], run: Sequence[str] = (), *, fstyp: str = "xfs"
) -> tuple[ConfigSection, ...]:
    """Return the sections that are run, in the file's order, with all their options.

    ``run`` names those (``-s``); without any, all are. check reads the first section of the file
    in any case, and of the others only those that it runs. ``fstyp`` is the file system on
    TEST_DEV, which counts where no section sets FSTYP; check's own default is xfs.
    """
    options: dict[str, str] = {}
    found = []
    for at, section in enumerate(sections):
        runs = not run or section.name in run
        if runs or at == 0:
            options = _next(options, section.options, fstyp)
        if runs:
            found.append(ConfigSection(name=section.name, options=dict(options)))
    return tuple(found)


def _next(before: Mapping[str, str], own: Mapping[str, str], fstyp: str) -> dict[str, str]:
    options = {**before, **own}
    options["FSTYP"] = options.get("FSTYP") or fstyp
    changed = bool(before) and before["FSTYP"] != options["FSTYP"]
    if changed or not before:
        defaults = _defaults(options)
        options |= {name: own.get(name) or defaults[name] for name in RESET_WITH_FSTYP}
    else:
        options |= {name: own.get(name) or before[name] for name in RESET_WITH_FSTYP}
    if changed and not own.get("USE_EXTERNAL"):
        for name in ("USE_EXTERNAL", *EXTERNAL_DEVICES):
            options.pop(name, None)
    elif before and not own.get("USE_EXTERNAL") and before.get("USE_EXTERNAL"):
        options["USE_EXTERNAL"] = before["USE_EXTERNAL"]
    return options


def _defaults(options: Mapping[str, str]) -> dict[str, str]:
    """Return what check sets for a file system where a section does not say."""
    fstyp = options["FSTYP"]
    always, mount = _MOUNT.get(fstyp, ("", ""))
    mkfs, follows = _MKFS.get(fstyp, ("", ""))
    mounted = _joined(always, options.get(mount, ""))
    fsck = "--yes" if fstyp.startswith("reiser") else _FSCK.get(fstyp, "-n")
    return {
        "MOUNT_OPTIONS": mounted,
        "TEST_FS_MOUNT_OPTS": mounted,
        "MKFS_OPTIONS": _joined(options.get(mkfs, ""), follows),
        "FSCK_OPTIONS": fsck,
    }


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
