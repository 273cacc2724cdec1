"""Where each imbalance of a merge comes from: a side, the resolution, the merge, a lost fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from anyclue.model.finding import Finding, FindingKind
from anyclue.model.merge import Dated, Dropped, Imbalance, Resolved, Taken
from anyclue.review.merges.tokens import calls, folded

_NOT_RELEASED = (FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE)
_TOO_OFTEN = (FindingKind.DOUBLE_RELEASE, FindingKind.UNHELD)
Mark = tuple[str, str, str, str]


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What a version introduces and mends, compared with the merge base.

    Attributes:
        introduced: findings that it has and the base has not.
        mended: findings that the base has and it has not.
        keys: by path in this version, what the file is known by in all versions.
    """

    introduced: Sequence[Finding]
    mended: Sequence[Finding]
    keys: Mapping[str, str]

    def marks(self) -> set[Mark]:
        """Return what recognises the introduced findings in another version."""
        return {_mark(one, self.keys) for one in self.introduced}


def dated(
    sides: Mapping[str, Pairing],
    result: Pairing,
    functions: Sequence[Resolved],
    dropped: Sequence[Dropped],
) -> tuple[Imbalance, ...]:
    """Return the imbalances of the result that the base had not, or that a side had mended."""
    known = {name: (one.marks(), _roughly(one)) for name, one in sides.items()}
    edited = {one.function for one in functions if one.taken is not Taken.AUTOMATIC}
    found: list[Imbalance] = []
    for finding in result.introduced:
        exact = _mark(finding, result.keys)
        rough = exact[:3]
        having = [name for name, (marks, _) in known.items() if exact in marks]
        having = having or [name for name, (_, roughly) in known.items() if rough in roughly]
        if having:
            found.append(Imbalance(finding=finding, dated=Dated.CAME, sides=tuple(having)))
            continue
        losers = tuple(dict.fromkeys(_losers(finding, dropped)))
        if losers:
            found.append(Imbalance(finding=finding, dated=Dated.LOST, sides=losers))
            continue
        mentioned = edited & {finding.function, *calls(folded([one.text for one in finding.steps]))}
        date = Dated.RESOLUTION if mentioned else Dated.MERGE
        found.append(Imbalance(finding=finding, dated=date))
    return (*found, *_lost(sides, result))


def _lost(sides: Mapping[str, Pairing], result: Pairing) -> Iterator[Imbalance]:
    """Yield what a side mended and the result has again, at its place in the base."""
    still = {_mark(one, {}) for one in result.mended}
    mended: dict[Mark, tuple[Finding, list[str]]] = {}
    for name, side in sides.items():
        for one in side.mended:
            mended.setdefault(_mark(one, {}), (one, []))[1].append(name)
    for mark, (finding, names) in mended.items():
        if mark not in still:
            yield Imbalance(finding=finding, dated=Dated.LOST, sides=tuple(dict.fromkeys(names)))


def _losers(finding: Finding, dropped: Sequence[Dropped]) -> Iterator[str]:
    """Yield the sides that had the release which is missing, and the result lost it."""
    if finding.kind not in _NOT_RELEASED:
        return
    for one in dropped:
        added = calls(folded([line.text for line in one.lines if line.added]))
        if one.function == finding.function and added.intersection(finding.release):
            yield one.side


def _mark(finding: Finding, keys: Mapping[str, str]) -> Mark:
    group = (
        "not released"
        if finding.kind in _NOT_RELEASED
        else "released too often"
        if finding.kind in _TOO_OFTEN
        else finding.kind.value
    )
    path = keys.get(finding.path, finding.path)
    return f"{path}:{finding.function}", group, finding.pair, finding.resource


def _roughly(pairing: Pairing) -> set[tuple[str, str, str]]:
    return {mark[:3] for mark in pairing.marks()}
