"""Access paths: C lvalues as normal text, ``inode->i_mapping``, ``*pagep``, ``iloc.bh``.

A path is a string: two expressions that name the same object by the same route have the same one.
``#`` begins a constant (``#0``, ``#-EIO``, ``#GFP_NOFS``), ``%`` a temporary, ``@`` a global token.
``inode->(EXT4_I)`` is ``EXT4_I(inode)``: a conversion that always gives the same object.
``~`` before a path marks a value computed from it (``page + 1``): the same object, another pointer.
An index that is no constant becomes ``[]``: elements of an array are not told apart.
``flags&A|B`` are the bits A and B of ``flags``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import NamedTuple

_BASE = re.compile(r"[~*&(]*([%@]?\w+)")
_WORD = re.compile(r"[%@]?\w+")
_NUMBER = re.compile(r"#-?\d")


def is_constant(path: str) -> bool:
    """Tell a constant from a place."""
    return path.startswith("#")


def is_temporary(path: str) -> bool:
    """Tell whether a path is a value without a name, and nothing that hangs on one."""
    return path.startswith("%") and path[1:].isdigit()


@functools.lru_cache(maxsize=65536)
def base(path: str) -> str:
    """Return the variable that a path begins with (``page`` of ``*page->x``); empty if none."""
    match = _BASE.match(path)
    return match.group(1) if match else ""


@functools.lru_cache(maxsize=65536)
def identifiers(text: str) -> frozenset[str]:
    """Return every identifier in a path or in a condition's text."""
    return frozenset(_WORD.findall(text))


@functools.lru_cache(maxsize=65536)
def depends_on(text: str, name: str) -> bool:
    """Tell whether what a condition's text says depends on a variable, not only on its address."""
    if name not in identifiers(text):
        return False
    return re.search(rf"(?<!&)\b{name}\b|&{name}\b(?=->|\[)", text) is not None


def mark_derived(path: str) -> str:
    """Return what marks a value computed from ``path``."""
    return path if path.startswith("~") else f"~{path}"


class MaskedPath(NamedTuple):
    """Some bits of a value.

    Attributes:
        path: the value.
        flags: names, or numbers, of the bits.
    """

    path: str
    flags: frozenset[str]


_MASKED = re.compile(r"(.*[\w)\]])&([A-Za-z0-9_|]+)")


def masked(path: str, mask: str) -> str:
    """Return ``path & mask``, in normal form; the mask is a constant."""
    return f"{path}&{'|'.join(sorted(flags_of(mask)))}"


_FLAGS = re.compile(r"#[A-Za-z0-9_]+(\|[A-Za-z0-9_]+)*")


def is_flags(path: str) -> bool:
    """Tell whether a constant may be a mask of bits."""
    return _FLAGS.fullmatch(path) is not None and path not in ("#0", '#""')


def union_of_flags(one: str, other: str) -> str:
    """Return the constant ``one | other``."""
    return f"#{'|'.join(sorted(flags_of(one) | flags_of(other)))}"


@functools.lru_cache(maxsize=65536)
def masked_parts(path: str) -> MaskedPath | None:
    """Return what `masked` put together; None for anything else."""
    if "&" not in path:
        return None
    found = _MASKED.fullmatch(path)
    return MaskedPath(found[1], frozenset(found[2].split("|"))) if found else None


@functools.lru_cache(maxsize=65536)
def flags_of(constant: str) -> frozenset[str]:
    """Return the flags that a constant is made of: ``#A|B`` of A and B."""
    return frozenset(constant.removeprefix("#").split("|"))


def flags_overlap(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two masks may have a bit in common; names are taken for distinct bits."""
    return not one.isdisjoint(other) or any(flag[0].isdigit() for flag in one | other)


def dereference(path: str) -> str:
    """Return ``*path``, in normal form."""
    return path[1:] if path.startswith("&") else f"*{path}"


def address(path: str) -> str:
    """Return ``&path``, in normal form."""
    return path[1:] if path.startswith("*") else f"&{path}"


_ADDRESS = re.compile(r"&(?:->|[\w.*()\[\]%@])+")


@functools.lru_cache(maxsize=65536)
def is_address(path: str) -> bool:
    """Tell the address of something, never NULL, from a condition or bits that begin with one."""
    return _ADDRESS.fullmatch(path) is not None


def member(path: str, operator: str, name: str) -> str:
    """Return ``path->name`` or ``path.name``, in normal form."""
    if path.startswith("&") and operator == "->":
        return f"{_grouped(path[1:])}.{name}"
    if path.startswith("*") and operator == ".":
        return f"{_grouped(path[1:])}->{name}"
    return f"{_grouped(path)}{operator}{name}"


_CONVERSION = re.compile(
    r"(?!IS_ERR|PTR_ERR|ERR_|BUG|WARN|READ_ONCE|ASSERT)[A-Z][A-Z0-9_]*|container_of|"
    r"(list|rb|hlist|llist|hlist_nulls|hlist_bl|rhl?ist)_entry(_safe)?|to_\w+|\w+_sb|"
    r"(file|d|d_backing|bdev|locks)_inode|file_dentry|page_folio|folio_inode|netdev_priv|"
    r"jh2bh|bh2jh|virt_to_\w+|work_to_\w+|\w+_from_(work|timer)|from_timer"
)
_OUTER = re.compile(r"^([*&~]*)(.*?)->\((\w+)\)")


def is_conversion(name: str) -> bool:
    """Tell whether a macro or function always gives the same object for the same argument."""
    return _CONVERSION.fullmatch(name) is not None


def conversion(path: str, name: str) -> str:
    """Return ``name(path)`` as a path."""
    return f"{_grouped(path)}->({name})"


@functools.lru_cache(maxsize=65536)
def origin(path: str) -> str | None:
    """Return what ``path`` is a conversion of; None when it is none.

    ``EXT4_SB(sb)`` always gives the same object, but another one than ``sb``.
    """
    if not path.endswith(")") or "->(" not in path:
        return None
    before, _, name = path.rpartition("->(")
    return None if name.endswith(("_SB)", "_sb)")) else before


def is_own_member(path: str) -> bool:
    """Tell whether a path is the address of a member of the object that a variable points to."""
    return path.startswith("&") and path.count("->") == 1 and "(" not in path


def source_text(path: str) -> str:
    """Return a path as C has it."""
    while found := _OUTER.match(path):
        before, inner, name = found.groups()
        inner = inner[1:-1] if inner.startswith("(") and inner.endswith(")") else inner
        path = f"{before}{name}({inner}){path[found.end() :]}"
    return path.lstrip("~")


def element(path: str, index: str | None) -> str:
    """Return ``path[index]``; an index that is no number is left out."""
    shown = index[1:] if index is not None and _NUMBER.match(index) else ""
    return f"{_grouped(path)}[{shown}]"


def _grouped(path: str) -> str:
    return f"({path})" if path[:1] in "*&" else path


@functools.lru_cache(maxsize=65536)
def last_member(path: str) -> str:
    """Return the member that a path ends with; empty for a plain variable."""
    found = re.search(r"(?:->|\.)(\w+)$", path)
    return found.group(1) if found else ""


@functools.lru_cache(maxsize=65536)
def is_recursive(path: str) -> bool:
    """Tell whether a path goes through one member twice, as in a list: ``head->next->next``."""
    members = re.findall(r"->(\w+)", path)
    return len(set(members)) < len(members)


@functools.lru_cache(maxsize=65536)
def equality_operands(key: str) -> tuple[str, str] | None:
    """Return both sides of a condition's text when it is ``one==other`` and both are plain."""
    one, found, other = key.partition("==")
    return (one, other) if found and "(" not in key and "=" not in other else None


class Relation(NamedTuple):
    """``less < greater``, or ``less <= greater``; each side a path or a number."""

    less: str
    greater: str
    or_equal: bool


_SIDE = r"[A-Za-z_]\w*(?:(?:->|\.)\w+)*|\d\w*"
_RELATION = re.compile(rf"({_SIDE})(<=?|>=?)({_SIDE})")


@functools.lru_cache(maxsize=65536)
def relation(key: str) -> Relation | None:
    """Return the two sides of a condition's text when it is ``one<other`` and both are plain."""
    match = _RELATION.fullmatch(key)
    if match is None:
        return None
    one, operator, other = match.groups()
    one, other = (f"#{side}" if side[0].isdigit() else side for side in (one, other))
    if operator.startswith(">"):
        one, other = other, one
    return Relation(one, other, operator.endswith("="))


def is_local_slot(path: str) -> bool:
    """Tell whether a path is a variable or a member of one, reached through no pointer."""
    return "->" not in path and path[:1] not in ("*", "(", "@") and "[]" not in path


@functools.lru_cache(maxsize=65536)
def reached_through(path: str, place: str) -> bool:
    """Tell whether writing ``place`` changes what ``path`` names."""
    if path.startswith("&"):
        return path[1:] != place and reached_through(path[1:], place)
    if path == place:
        return True
    bare = place.lstrip("(")
    for inner in (path.lstrip("("), path.lstrip("*&(")):
        if inner.startswith(bare):
            rest = inner[len(bare) :]
            if not rest or rest[0] in "-.[)&":
                return True
    return False


_DELIMITERS = re.compile(r"[-.\[)&]|$")


@functools.lru_cache(maxsize=65536)
def beginnings(path: str) -> frozenset[str]:
    """Return the texts, without parentheses in front, that places have which lead to ``path``.

    `reached_through` is false for every place that has none of these.
    """
    bare = path.lstrip("&")
    return frozenset(
        inner[: found.start()]
        for inner in (path.lstrip("("), bare.lstrip("("), path.lstrip("*&("))
        for found in _DELIMITERS.finditer(inner)
    )


@functools.lru_cache(maxsize=65536)
def substitute(template: str, arguments: tuple[str | None, ...], result: str | None) -> str | None:
    """Return a template's path at one call: ``$1->bh`` with ``&iloc`` is ``iloc.bh``.

    Args:
        template: ``$ret``, ``$N``, ``*$N``, ``$N->field``, ``&$N->field``, ``@token``;
            ``^`` before one of these is the object around it.
        arguments: the call's arguments; None for one that is no path.
        result: where the call's result goes.

    Returns:
        the path; None when this call does not name it.
    """
    if template.startswith("@"):
        return template
    if template.startswith("^"):
        return container(substitute(template[1:], arguments, result))
    match = re.match(r"([*&]*)\$(ret|\d+)(.*)", template)
    if match is None:
        return None
    prefix, which, suffix = match.groups()
    if which == "ret":
        path = result
    else:
        path = arguments[int(which)] if int(which) < len(arguments) else None
    if path is None or is_constant(path):
        return None
    for operator, name in re.findall(r"(->|\.)(\w+|\(\w+\))", suffix):
        path = member(path, operator, name)
    if suffix.endswith("[]"):
        path = element(path, None)
    for character in reversed(prefix):
        path = dereference(path) if character == "*" else address(path)
    return path


def container(path: str | None) -> str | None:
    """Return the object around a member: ``workspace`` for ``&workspace->list``."""
    if path is None or not path.startswith("&"):
        return path
    arrow, dot = path.rfind("->"), path.rfind(".")
    if arrow > dot:
        return path[1:arrow]
    return f"&{path[1:dot]}" if dot > 0 else path


def generalise(path: str, parameters: Sequence[str]) -> str | None:
    """Return the template of a path that begins with a parameter: the inverse of `substitute`."""
    if path.startswith("@"):
        return path
    name = base(path)
    if name not in parameters:
        return None
    at = path.index(name)
    before, after = path[:at], path[at + len(name) :]
    if "(" in before:
        return None
    if origin(path) is not None and path == conversion(name, path[path.rindex("(") + 1 : -1]):
        # A container of the parameter: its caller has it as the object around a member.
        return f"^${parameters.index(name)}"
    return f"{before}${parameters.index(name)}{after}"
