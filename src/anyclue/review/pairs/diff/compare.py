"""What a change introduces, and what it fixes: two versions of the same functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from anyclue.review.pairs.diff.correspondence import (
    FunctionVersion,
    differ,
    match_functions,
    rename_variable,
    renamed_variables,
    variables_of,
)
from anyclue.review.pairs.diff.moved_releases import MovedReleases, renamed_member
from anyclue.review.pairs.diff.release_counts import (
    Place,
    calls_dropped,
    count_paths,
    direct_releases,
    fewer_releases,
    more_releases,
)
from anyclue.review.pairs.engine.effects import SCOPED, EffectKind
from anyclue.review.pairs.engine.function_analysis import FunctionAnalysis
from anyclue.review.pairs.engine.trace import ExitKind, Seed
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.model import Confidence, ConfidenceReason, FindingKind
from anyclue.review.pairs.rules.imbalances import Candidate, Grade, candidates
from anyclue.review.pairs.rules.program import Program

_LOST = (FindingKind.LEAK, FindingKind.OVERWRITTEN)


@dataclass(frozen=True, kw_only=True)
class VersionCandidate:
    """A candidate in one version of a function."""

    version: FunctionVersion
    candidate: Candidate


def versions(program: Program, paths_: Iterable[str]) -> list[FunctionVersion]:
    """Return the functions of these files, as one version of the tree has them."""
    return [
        FunctionVersion(path, assessment, program.callees(path))
        for path in paths_
        if path in program.files
        for assessment in program.files[path].functions
    ]


class Comparison:
    """Both versions of what a change touches."""

    def __init__(self, old: Sequence[FunctionVersion], new: Sequence[FunctionVersion]) -> None:
        self._pairs = list(match_functions(old, new))
        self._moves = MovedReleases(self._pairs)

    def introduced(self) -> Iterator[VersionCandidate]:
        """Return what the change introduces."""
        lost: set[tuple[str, str]] = set()
        found: list[tuple[FunctionVersion | None, VersionCandidate]] = []
        for old, new in self._pairs:
            if new is None:
                continue
            for candidate in self._new(old, new):
                found.append((old, VersionCandidate(version=new, candidate=candidate)))
                if candidate.kind == FindingKind.LOST_RELEASE:
                    lost.add((new.name, candidate.seed.pair.name))
        for old, one in found:
            if old is not None and old.body == one.version.body:
                # Only a callee changed; where that one is reported, its callers are not.
                pair = one.candidate.seed.pair.name
                if any((name, pair) in lost for name in one.version.calls):
                    continue
            yield one

    def fixed(self) -> Iterator[VersionCandidate]:
        """Return what the change takes away."""
        for old, new in self._pairs:
            if old is None or new is None or not differ(old, new):
                continue
            for candidate in _unmatched(
                old.candidates, new.candidates, renamed_variables(new.function, old.function)
            ):
                if candidate.confidence != Confidence.LOW:
                    yield VersionCandidate(version=old, candidate=candidate)

    def _new(self, old: FunctionVersion | None, new: FunctionVersion) -> Iterator[Candidate]:
        if old is None:
            for candidate in candidates(new.analysis):
                if candidate.confidence != Confidence.LOW:
                    yield candidate
            return
        if not differ(old, new):
            return
        renamed = renamed_variables(old.function, new.function)
        known = {(pair, rename_variable(place, renamed)) for pair, place in _places(old)}
        balanced = _balanced(old, renamed)
        reported = set()
        for candidate in _unmatched(new.candidates, old.candidates, renamed):
            place = (candidate.seed.pair.name, candidate.seed.place)
            if candidate.confidence == Confidence.LOW:
                if place not in known or old.body == new.body:
                    continue
                if candidate.kind in _LOST and (*place, _source(new, candidate.seed)) in balanced:
                    candidate = replace(
                        candidate,
                        confidence=Confidence.MEDIUM,
                        reason=ConfidenceReason.BALANCED_BEFORE,
                    )
                elif candidate.kind in _LOST and (
                    not candidate.seed.scoped or candidate.seed.from_entry
                ):
                    # Counting, below, tells more than what is too weak for a tree.
                    continue
            reported.add(place)
            yield candidate
        if old.body == new.body:
            return
        for candidate in self._lost_releases(old, new, renamed):
            if (candidate.seed.pair.name, candidate.seed.place) not in reported:
                reported.add((candidate.seed.pair.name, candidate.seed.place))
                yield candidate

    def _lost_releases(
        self, old: FunctionVersion, new: FunctionVersion, renamed: Mapping[str, str]
    ) -> Iterator[Candidate]:
        """Releases that the old version did, and the new one does not."""
        fixed = set()
        for one in old.candidates:
            about = (one.seed.pair.name, one.seed.place)
            if one.kind in (FindingKind.DOUBLE_RELEASE, FindingKind.UNHELD):
                fixed.add((FindingKind.LOST_RELEASE, *about))
            elif one.confidence != Confidence.LOW:
                fixed.add((FindingKind.DOUBLE_RELEASE, *about))
        variables = frozenset(new.function.parameters).union(
            *(variables_of(step) for step in new.function.steps)
        )
        done: set[str] = set()
        for pair, place in direct_releases(old.analysis):
            now = rename_variable(place, renamed)
            if (
                now in done
                or paths.base(now) not in variables
                or renamed_member(pair, now, old, new)
            ):
                continue
            candidate = self._count_difference(old, new, pair, (place, now))
            if candidate is None or (candidate.kind, pair, place) in fixed:
                continue
            done.add(now)
            yield candidate

    def _count_difference(
        self,
        old: FunctionVersion,
        new: FunctionVersion,
        pair: str,
        places: tuple[str, str],
    ) -> Candidate | None:
        """Return a release that is gone, or done twice, by counting them on all paths."""
        before, after = old.analysis, new.analysis
        had, have = count_paths(before, pair, places[0]), count_paths(after, pair, places[1])
        if not had or not have or not had.found or not have.found:
            return None
        seed = Seed(pair=after.callees.pairs[pair], place=places[1])
        lost = calls_dropped(before, after, pair, places)
        fewer = fewer_releases(had, have, before, after, lost=lost)
        if fewer is not None and not self._moves.is_released_elsewhere(pair, new):
            if self._moves.is_transferred(pair, places[1], old, new):
                return None
            path, grade = fewer
            if _never_acquired(before, pair, places[0]) and any(one.net == 0 for one in had.found):
                grade = Grade(Confidence.LOW, ConfidenceReason.NOT_ACQUIRED_HERE)
            return Candidate(
                kind=FindingKind.LOST_RELEASE,
                seed=seed,
                trail=path.trail,
                confidence=grade.confidence,
                reason=grade.reason,
            )
        more = more_releases(had, have)
        if (
            more is not None
            and "[]" not in places[1]
            and not self._moves.is_acquired_elsewhere(pair, new)
        ):
            return Candidate(
                kind=FindingKind.DOUBLE_RELEASE,
                seed=seed,
                trail=more.trail,
                confidence=Confidence.LOW,
                reason=ConfidenceReason.RELEASED_LESS_OFTEN,
            )
        return None


def _never_acquired(analysis: FunctionAnalysis, pair: str, place: str) -> bool:
    """Tell whether a function releases a lock, say, that it never acquires itself."""
    return analysis.callees.pairs[pair].kind in SCOPED and not any(
        effect.kind == EffectKind.ACQUIRE
        and effect.pair == pair
        and analysis.place(number, effect) == place
        for number, effect in analysis.effects
    )


def _places(version: FunctionVersion) -> set[Place]:
    found: set[Place] = set(version.analysis.released_places)
    for trace in (*version.analysis.acquired_traces, *version.analysis.inferred_traces):
        found.add((trace.seed.pair.name, trace.seed.place))
    return found


def _balanced(version: FunctionVersion, renamed: Mapping[str, str]) -> set[tuple[str, str, str]]:
    """Return what a version acquires, by which call, and releases on every way out."""
    every: dict[tuple[str, str, str], bool] = {}
    for trace in (*version.analysis.acquired_traces, *version.analysis.entry_traces):
        seed = trace.seed
        key = (seed.pair.name, rename_variable(seed.place, renamed), _source(version, seed))
        released = trace.complete and all(one.kind == ExitKind.RELEASED for one in trace.exits)
        every[key] = released and bool(trace.exits) and every.get(key, True)
    return {key for key, released in every.items() if released}


def _source(version: FunctionVersion, seed: Seed) -> str:
    """Return the call that acquires; empty for what is there from the entry."""
    if seed.from_entry or seed.step < 0:
        return ""
    return version.analysis.call(seed.step).callee


def _unmatched(
    many: Sequence[Candidate], known: Sequence[Candidate], renamed: Mapping[str, str]
) -> Iterator[Candidate]:
    """Return the candidates of one version that the other has not.

    Args:
        many: candidates of the one version.
        known: candidates of the other.
        renamed: variables of the other version, with their names in the one.
    """
    had: dict[tuple[str, str, str], list[Candidate]] = {}
    for one in known:
        had.setdefault(_about(one, rename_variable(one.seed.place, renamed)), []).append(one)
    for one in many:
        same = had.get(_about(one, one.seed.place))
        if same:
            other = same.pop(0)
            if one.confidence.rank <= other.confidence.rank:
                continue
            if one.confidence == Confidence.MEDIUM:
                continue
        yield one


def _about(candidate: Candidate, place: str) -> tuple[str, str, str]:
    """Return what two versions of one imbalance have in common.

    A page that became a folio is the same one.
    """
    kept = "%" if place.startswith("%") else place.replace("folio", "page")
    return _loss_or_kind(candidate), candidate.seed.pair.name.replace("folio", "page"), kept


def _loss_or_kind(candidate: Candidate) -> str:
    lost = (FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE)
    return "lost" if candidate.kind in lost else candidate.kind.value
