"""The contracts: those built in, and those that a user adds in ``.anyclue/pairs.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Generic, TypeVar

from anyclue.review.pairs.contracts.model import (
    Acquire,
    Consume,
    Contracts,
    Downgrade,
    FailureConvention,
    FreeingCall,
    Guard,
    Pair,
    PairKind,
    Release,
    Template,
)
from anyclue.review.pairs.contracts.problems import ContractProblems, suggestion
from anyclue.review.pairs.contracts.schema import (
    ContractsDocument,
    ContractTable,
    FreeTable,
    FunctionsTable,
    GuardTable,
    PairTable,
)

_TABLES = "tables"

_Named = TypeVar("_Named", Pair, Guard, FreeingCall)
_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Located(Generic[_Named]):
    """An entry, and where it stands, for messages."""

    where: str
    entry: _Named


@cache
def built_in() -> Contracts:
    """Return the contracts that come with anyclue."""
    directory = files(__package__).joinpath(_TABLES)
    tables = [entry for entry in directory.iterdir() if entry.name.endswith(".toml")]
    texts = {table.name: table.read_text(encoding="utf-8") for table in tables}
    return read(dict(sorted(texts.items())), Contracts())


def read(texts: Mapping[str, str], base: Contracts) -> Contracts:
    """Add tables of contracts to ``base``; a pair, guard or free of the same name is replaced.

    ``texts`` are TOML texts by the name that messages give them.

    Raises:
        RequestError: with every mistake in all of the texts.
    """
    problems = ContractProblems()
    pairs: list[_Located[Pair]] = []
    guards: list[_Located[Guard]] = []
    frees: list[_Located[FreeingCall]] = []
    functions = [FunctionsTable()]
    named: set[str] = set()
    for origin, text in texts.items():
        document = _document(origin, text, problems)
        where = f"{origin}: pair"
        named.update(name for item in document.pair if (name := _name(item)) is not None)
        pairs += _entries(document.pair, where, problems, PairTable, Pair)
        guards += _entries(document.guard, f"{origin}: guard", problems, GuardTable, Guard)
        frees += _entries(document.free, f"{origin}: free", problems, FreeTable, FreeingCall)
        table = problems.validate(FunctionsTable, document.functions, f"{origin}: functions")
        if table is not None:
            functions.append(table)
    for placed in pairs:
        _check_pair(placed.entry, placed.where, problems)
    known = {*(pair.name for pair in base.pairs), *named}
    _check_named(guards, known, problems)
    _check_named(frees, known, problems)
    contracts = Contracts(
        pairs=_merged(base.pairs, pairs, problems),
        noreturn=base.noreturn.union(*(table.noreturn for table in functions)),
        borrow=base.borrow.union(*(table.borrow for table in functions)),
        escape=base.escape.union(*(table.escape for table in functions)),
        nonnull=base.nonnull.union(*(table.nonnull for table in functions)),
        negative=base.negative.union(*(table.negative for table in functions)),
        identity=base.identity.union(*(table.identity for table in functions)),
        zero_tests={
            **base.zero_tests,
            **{one.call: one.of for table in functions for one in table.zero_tests},
        },
        guards=_merged(base.guards, guards, problems),
        frees=_merged(base.frees, frees, problems),
    )
    problems.raise_if_any()
    return contracts


def _document(origin: str, text: str, problems: ContractProblems) -> ContractsDocument:
    try:
        content = tomllib.loads(text)
    except RecursionError:
        problems.add(origin, "is nested too deeply", "a table of contracts needs few levels only")
    except ValueError as error:  # also a number of thousands of digits
        problems.add(origin, f"is not TOML: {error}", "is a quote, a bracket or a comma missing?")
    else:
        return problems.validate(ContractsDocument, content, origin) or ContractsDocument()
    return ContractsDocument()


def _name(item: object) -> str | None:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) and name.isprintable() else None


def _entries(
    items: Iterable[object],
    where: str,
    problems: ContractProblems,
    model: type[ContractTable],
    make: type[_Named],
) -> list[_Located[_Named]]:
    placed = []
    for number, item in enumerate(items, start=1):
        name = _name(item)
        place = f"{where} {number}" + (f" ({name})" if name is not None else "")
        table = problems.validate(model, item, place)
        if table is not None:
            placed.append(_Located(where=place, entry=_converted(make, table)))
    return placed


def _converted(make: Callable[..., _Made], table: ContractTable) -> _Made:
    """Return what a table says as the model has it."""
    fields = dict(table)
    return make(**{name: _FIELDS.get(name, _same)(value) for name, value in fields.items()})


def _each(make: Callable[..., _Made]) -> Callable[[Iterable[ContractTable]], tuple[_Made, ...]]:
    return lambda tables: tuple(_converted(make, table) for table in tables)


def _same(value: object) -> object:
    return value


_FIELDS: Mapping[str, Callable[..., object]] = {
    "holds": Template.parse,
    "takes": Template.parse,
    "fails": FailureConvention,
    "kind": PairKind,
    "embedded": frozenset,
    "borrow": frozenset,
    "acquire": _each(Acquire),
    "release": _each(Release),
    "consume": _each(Consume),
    "downgrade": _each(Downgrade),
}
"""Fields that the model has in another form than a table."""


def _check_named(
    users: Iterable[_Located[Guard]] | Iterable[_Located[FreeingCall]],
    known: set[str],
    problems: ContractProblems,
) -> None:
    for user in users:
        name = user.entry.pair
        if name not in known:
            step = suggestion(name, sorted(known))
            problems.add(f"{user.where}: pair", f'no pair is named "{name}"', step)


def _check_pair(pair: Pair, where: str, problems: ContractProblems) -> None:
    """Note what is wrong between the parts of a pair."""
    acquires = [(entry.call, entry.holds.text, entry.mode) for entry in pair.acquire]
    releases = [(entry.call, entry.takes.text, entry.mode) for entry in pair.release]
    for key, claims in (("acquire", acquires), ("release", releases)):
        for number, claim in enumerate(claims):
            if claim in claims[:number]:
                problems.add(f"{where}: {key}[{number}]", f"{claim[0]} stands here twice")
    released = {(call, takes) for call, takes, _ in releases}
    for number, entry in enumerate(pair.consume):
        if (entry.call, entry.takes.text) in released:
            what = f"{entry.call} also releases {entry.takes.text}"
            problems.add(f"{where}: consume[{number}]", what, "keep one of the two")
    changing = {entry.call for entry in pair.release} | {entry.call for entry in pair.consume}
    for call in sorted(pair.borrow & changing):
        what = f"{call} also releases or consumes"
        problems.add(f"{where}: borrow", what, "keep it in one of the two")
    _check_downgrades(pair, where, problems)


def _check_downgrades(pair: Pair, where: str, problems: ContractProblems) -> None:
    modes = sorted({entry.mode for entry in pair.acquire if entry.mode is not None})
    if any(mode.startswith("$") for mode in modes):
        return  # any text may be a mode
    for number, entry in enumerate(pair.downgrade):
        for key, mode in (("from", entry.from_mode), ("to", entry.to_mode)):
            if mode not in modes:
                what = f'nothing is acquired in mode "{mode}"'
                problems.add(f"{where}: downgrade[{number}].{key}", what, suggestion(mode, modes))


def _merged(
    base: tuple[_Named, ...], added: Iterable[_Located[_Named]], problems: ContractProblems
) -> tuple[_Named, ...]:
    """Return both by name, those of the base replaced; note a name that is added twice."""
    merged = {entry.name: entry for entry in base}
    first: dict[str, str] = {}
    for placed in added:
        name = placed.entry.name
        if name in first:
            step = f"the first is at {first[name]}"
            problems.add(f"{placed.where}: name", f'"{name}" is there twice', step)
        first.setdefault(name, placed.where)
        merged[name] = placed.entry
    return tuple(sorted(merged.values(), key=lambda entry: entry.name))
