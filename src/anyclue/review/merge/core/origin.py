"""Where each imbalance of a merge comes from: a side, the resolution, the merge, a lost fix."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from anyclue.review.merge.core.model import (
    DroppedChange,
    FunctionKey,
    FunctionResolution,
    Imbalance,
    Origin,
    TextSource,
)
from anyclue.review.merge.core.tokens import calls, fold_lines, names
from anyclue.review.pairs.model import Finding, FindingKind, Unjudged

_NOT_RELEASED = (FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE)
_TOO_OFTEN = (FindingKind.DOUBLE_RELEASE, FindingKind.UNHELD)


class FindingKey(NamedTuple):
    """What recognises a finding in another version; kinds that are alike are one."""

    function: FunctionKey
    kind: FindingKind
    pair: str
    resource: str

    def of_any_resource(self) -> FindingKey:
        """Return the same without the name of the resource."""
        return self._replace(resource="")


@dataclass(frozen=True, kw_only=True)
class VersionImbalances:
    """What a version introduces and mends, compared with the merge base.

    Attributes:
        introduced: findings that it has and the base has not.
        mended: findings that the base has and it has not.
        unjudged: what could not be judged.
        keys: by path in this version, what the file is known by in all versions.
        texts: by path in this version, the files with introduced findings.
        homes: where the result has functions that are elsewhere in this version.
    """

    introduced: Sequence[Finding]
    mended: Sequence[Finding]
    unjudged: Sequence[Unjudged]
    keys: Mapping[str, str]
    texts: Mapping[str, bytes] = field(default_factory=dict)
    homes: Mapping[FunctionKey, FunctionKey] = field(default_factory=dict)

    def findings(self) -> dict[FindingKey, Finding]:
        """Return the introduced findings by what recognises them in another version."""
        return {_key(one, self.keys, self.homes): one for one in self.introduced}

    def places(self, finding: Finding) -> dict[int, str]:
        """Return the lines at which a finding goes wrong, as they are written, by number."""
        lines = self.texts.get(finding.path, b"").decode("utf-8", "replace").split("\n")
        numbers = [one for one in (finding.line, *finding.also) if 0 < one <= len(lines)]
        return {number: fold_lines([lines[number - 1]])[0] for number in numbers}


def trace_origins(
    sides: Mapping[str, VersionImbalances],
    result: VersionImbalances,
    functions: Sequence[FunctionResolution],
    dropped: Sequence[DroppedChange],
    broken: Mapping[str, Sequence[Finding]],
) -> tuple[Imbalance, ...]:
    """Return the imbalances of the result that the base had not, or that a side had mended.

    Args:
        sides: each side's pairing.
        result: the result's.
        functions: what the resolution did.
        dropped: what it dropped.
        broken: by side, what the result introduces when it is compared with that side.
    """
    here = result.findings()
    found: list[Imbalance] = []
    for key, finding in here.items():
        having = _having(key, sides, here.keys())
        if having:
            found.append(Imbalance(finding=finding, origin=Origin.CAME, sides=tuple(having)))
            more = _beyond(finding, result, having, sides)
            found += [_made(more, functions)] if more is not None else []
        elif losers := tuple(dict.fromkeys(_losers(finding, dropped))):
            found.append(Imbalance(finding=finding, origin=Origin.LOST, sides=losers))
        else:
            found.append(_made(finding, functions))
    found += _lost(sides, result)
    return (*found, *_broken(broken, result.keys, dropped, [one.finding for one in found]))


def _made(finding: Finding, functions: Sequence[FunctionResolution]) -> Imbalance:
    """Return an imbalance that no side has: of the resolution, where that edited something."""
    edited = {one.function for one in functions if one.taken is not TextSource.AUTOMATIC}
    mentioned = {finding.function, *calls(fold_lines([one.text for one in finding.steps]))}
    origin = Origin.RESOLUTION if edited & mentioned else Origin.MERGE
    return Imbalance(finding=finding, origin=origin)


def _having(
    key: FindingKey, sides: Mapping[str, VersionImbalances], here: Iterable[FindingKey]
) -> dict[str, Finding]:
    """Return the sides that have a finding: the same, or else one of another name for it."""
    known = {name: one.findings() for name, one in sides.items()}
    having = {name: findings[key] for name, findings in known.items() if key in findings}
    if having:
        return having
    others = set(here)
    return {
        name: finding
        for name, findings in known.items()
        for one, finding in findings.items()
        if one.of_any_resource() == key.of_any_resource() and one not in others
    }


def _beyond(
    finding: Finding,
    result: VersionImbalances,
    having: Mapping[str, Finding],
    sides: Mapping[str, VersionImbalances],
) -> Finding | None:
    """Return a finding at the first place where no side goes wrong; None when there is none."""
    there = [sides[name].places(one) for name, one in having.items()]
    places = result.places(finding)
    if len(places) <= sum(map(len, there)):
        return None
    left = sum((Counter(one.values()) for one in there), Counter[str]())
    for number, text in places.items():
        if not left[text]:
            steps = finding.steps if number == finding.line else ()
            return replace(finding, line=number, steps=steps, suggestion=None, also=())
        left[text] -= 1
    return None


def _lost(sides: Mapping[str, VersionImbalances], result: VersionImbalances) -> Iterator[Imbalance]:
    """Yield what a side mended and the result has again, at its place in the base."""
    still = {_key(one, {}) for one in result.mended}
    mended: dict[FindingKey, tuple[Finding, list[str]]] = {}
    for name, side in sides.items():
        for one in side.mended:
            mended.setdefault(_key(one, {}), (one, []))[1].append(name)
    for key, (finding, by) in mended.items():
        if key not in still:
            yield Imbalance(finding=finding, origin=Origin.LOST, sides=tuple(dict.fromkeys(by)))


def _broken(
    broken: Mapping[str, Sequence[Finding]],
    keys: Mapping[str, str],
    dropped: Sequence[DroppedChange],
    others: Iterable[Finding],
) -> Iterator[Imbalance]:
    """Yield what a side had right, in functions where its change was dropped, if not known yet."""
    known = {_key(one, keys).of_any_resource() for one in others}
    for side, findings in broken.items():
        functions = {one.function for one in dropped if one.side == side}
        for finding in findings:
            key = _key(finding, keys).of_any_resource()
            if finding.function in functions and key not in known:
                known.add(key)
                yield Imbalance(finding=finding, origin=Origin.LOST, sides=(side,))


def _losers(finding: Finding, dropped: Sequence[DroppedChange]) -> Iterator[str]:
    """Yield the sides that had the release which is missing, and the result lost it."""
    if finding.kind not in _NOT_RELEASED:
        return
    resource = names(fold_lines([finding.resource])[0])
    for one in dropped:
        lines = fold_lines([line.text for line in one.lines if line.added])
        if one.function == finding.function and any(
            calls([line]).intersection(finding.release) and resource & names(line) for line in lines
        ):
            yield one.side


def _key(
    finding: Finding,
    keys: Mapping[str, str],
    homes: Mapping[FunctionKey, FunctionKey] | None = None,
) -> FindingKey:
    alike = next((kinds for kinds in (_NOT_RELEASED, _TOO_OFTEN) if finding.kind in kinds), None)
    there = FunctionKey(keys.get(finding.path, finding.path), finding.function)
    return FindingKey(
        function=(homes or {}).get(there, there),
        kind=alike[0] if alike else finding.kind,
        pair=finding.pair,
        resource=finding.resource,
    )
