"""What a change introduces, and what it mends: two versions of the same functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from anyclue.model.finding import Confidence, FindingKind
from anyclue.review.pairs import ir, paths
from anyclue.review.pairs.counting import Place, fewer_released, more_released, plainly_released
from anyclue.review.pairs.effects import Does
from anyclue.review.pairs.judge import Candidate, candidates
from anyclue.review.pairs.matching import Version, matched
from anyclue.review.pairs.program import Program
from anyclue.review.pairs.renaming import mentioned, renamed_variables, translated
from anyclue.review.pairs.story import End, Seed
from anyclue.review.pairs.study import Study
from anyclue.review.pairs.takeover import taken_over
from anyclue.review.pairs.tally import ways

_LEFT = (FindingKind.LEAK, FindingKind.OVERWRITTEN)
_BALANCED = "before the change it was released on every way out"


@dataclass(frozen=True, kw_only=True)
class Told:
    """A candidate in one version of a function."""

    version: Version
    candidate: Candidate


def versions(program: Program, paths_: Iterable[str]) -> list[Version]:
    """Return the functions of these files, as one version of the tree has them."""
    return [
        Version(path, judged, program.callees(path))
        for path in paths_
        if path in program.files
        for judged in program.files[path].functions
    ]


class Comparison:
    """Both versions of what a change touches."""

    def __init__(self, old: Sequence[Version], new: Sequence[Version]) -> None:
        self._pairs = list(matched(old, new))
        self._balances = [
            (one, _balance(old, new))
            for old, new in self._pairs
            if (one := new or old) is not None and (old is None or _differ(old, new))
        ]

    def introduced(self) -> Iterator[Told]:
        """Return what the change introduces."""
        lost: set[tuple[str, str]] = set()
        found: list[tuple[Version | None, Told]] = []
        for old, new in self._pairs:
            if new is None:
                continue
            for candidate in self._new(old, new):
                found.append((old, Told(version=new, candidate=candidate)))
                if candidate.kind == FindingKind.LOST_RELEASE:
                    lost.add((new.name, candidate.seed.pair.name))
        for old, told in found:
            if old is not None and old.body == told.version.body:
                # Only a callee changed; where that one is named, its callers are not.
                pair = told.candidate.seed.pair.name
                if any((name, pair) in lost for name in told.version.calls):
                    continue
            yield told

    def mended(self) -> Iterator[Told]:
        """Return what the change takes away."""
        for old, new in self._pairs:
            if old is None or not _differ(old, new):
                continue
            if new is None:
                continue
            for candidate in _beyond(
                old.candidates, new.candidates, renamed_variables(new.function, old.function)
            ):
                if candidate.confidence != Confidence.LOW:
                    yield Told(version=old, candidate=candidate)

    def _new(self, old: Version | None, new: Version) -> Iterator[Candidate]:
        if old is None:
            for candidate in candidates(new.study):
                if candidate.confidence != Confidence.LOW:
                    yield candidate
            return
        if not _differ(old, new):
            return
        renamed = renamed_variables(old.function, new.function)
        known = {(pair, translated(place, renamed)) for pair, place in _places(old)}
        balanced = _balanced(old, renamed)
        told = set()
        for candidate in _beyond(new.candidates, old.candidates, renamed):
            place = (candidate.seed.pair.name, candidate.seed.place)
            if candidate.confidence == Confidence.LOW:
                if place not in known or old.body == new.body:
                    continue
                if candidate.kind in _LEFT and place in balanced:
                    candidate = replace(candidate, confidence=Confidence.MEDIUM, reason=_BALANCED)
                elif candidate.kind in _LEFT and (
                    not candidate.seed.scoped or candidate.seed.handed
                ):
                    # Counting, below, tells more than what is too weak to be told of a tree.
                    continue
            told.add(place)
            yield candidate
        if old.body == new.body:
            return
        for candidate in self._lost(old, new, renamed):
            if (candidate.seed.pair.name, candidate.seed.place) not in told:
                told.add((candidate.seed.pair.name, candidate.seed.place))
                yield candidate

    def _lost(self, old: Version, new: Version, renamed: Mapping[str, str]) -> Iterator[Candidate]:
        """Releases that the old version did, and the new one does not."""
        before, after = old.study, new.study
        mended = set()
        for one in old.candidates:
            about = (one.seed.pair.name, one.seed.place)
            if one.kind in (FindingKind.DOUBLE_RELEASE, FindingKind.UNHELD):
                mended.add((FindingKind.LOST_RELEASE, *about))
            elif one.confidence != Confidence.LOW:
                mended.add((FindingKind.DOUBLE_RELEASE, *about))
        words = frozenset(new.function.parameters).union(
            *(mentioned(node) for node in new.function.nodes)
        )
        done: set[str] = set()
        for pair, place in plainly_released(before):
            now = translated(place, renamed)
            if now in done or paths.base(now) not in words:
                continue
            candidate = self._uncounted(before, after, pair, (place, now), (old, new))
            if candidate is None or (candidate.kind, pair, place) in mended:
                continue
            done.add(now)
            yield candidate

    def _uncounted(
        self,
        before: Study,
        after: Study,
        pair: str,
        places: tuple[str, str],
        functions: tuple[Version, Version],
    ) -> Candidate | None:
        """Return a release that is gone, or done twice, by counting them on all ways."""
        old, new = ways(before, pair, places[0]), ways(after, pair, places[1])
        if not old or not new or not old.found or not new.found:
            return None
        seed = Seed(pair=after.callees.pairs[pair], place=places[1])
        fewer = fewer_released(old, new, before, after)
        if fewer is not None and self._owed(pair, functions[1]):
            if taken_over(before, after, places[1]):
                return None
            if self._by_callers(pair, places[1], functions[1]):
                return None
            return Candidate(
                kind=FindingKind.LOST_RELEASE,
                seed=seed,
                trail=fewer[0].trail,
                confidence=fewer[1],
                reason=fewer[2],
            )
        more = more_released(old, new)
        if more is not None and self._unearned(pair, functions[1]):
            return Candidate(
                kind=FindingKind.DOUBLE_RELEASE,
                seed=seed,
                trail=more.trail,
                confidence=Confidence.LOW,
                reason="before the change no such way released it as often",
            )
        return None

    def _by_callers(self, pair: str, place: str, function: Version) -> bool:
        """Tell whether callers release it after the call, so that the function must not."""
        template = paths.generalise(place, function.function.parameters)
        if template is None:
            return False
        for _, caller in self._pairs:
            if caller is None or caller.name == function.name:
                continue
            if function.name not in caller.calls:
                continue
            for node in caller.function.nodes:
                if node[0] == ir.CALL and node[4] == function.name:
                    there = paths.substitute(template, node[5], node[3])
                    if there is not None and (pair, there) in caller.study.released:
                        return True
        return False

    def _unearned(self, pair: str, new: Version) -> bool:
        """Tell whether no function near gave the release away, or acquires more."""
        return not any(
            (released < 0 and one is not new) or acquired > 0
            for one, released, acquired in self._near(pair, new)
        )

    def _owed(self, pair: str, new: Version) -> bool:
        """Tell whether no function near took the release over, or acquires less."""
        return not any(
            (released > 0 and one is not new) or acquired < 0
            for one, released, acquired in self._near(pair, new)
        )

    def _near(self, pair: str, new: Version) -> Iterator[tuple[Version, int, int]]:
        """Return changed functions of the file, and callers and callees in others.

        Each with how many more releases and acquires of the pair it has than before.
        """
        for one, balance in self._balances:
            if one.path == new.path or one.name in new.calls or new.name in one.calls:
                yield one, balance[Does.RELEASE, pair], balance[Does.ACQUIRE, pair]


def _balance(old: Version | None, new: Version | None) -> Counter[tuple[Does, str]]:
    """Return by pair how many more calls that acquire and release the new version has."""
    found: Counter[tuple[Does, str]] = Counter()
    for version, sign in ((old, -1), (new, 1)):
        for node in version.function.nodes if version is not None else ():
            if version is None or node[0] != ir.CALL or not version.callees.promised(node[4]):
                continue
            summary = version.callees.summary(node[4])
            for pair, effects in summary.effects.items() if summary is not None else ():
                does = {Does.RELEASE if one.does == Does.CONSUME else one.does for one in effects}
                for one in does:
                    found[one, pair] += sign
    return found


def _differ(old: Version, new: Version | None) -> bool:
    if new is None or old.body != new.body:
        return True
    return any(old.callees.summary(one) != new.callees.summary(one) for one in new.calls)


def _places(version: Version) -> set[Place]:
    found: set[Place] = set(version.study.released)
    for story in (*version.study.acquired, *version.study.guessed):
        found.add((story.seed.pair.name, story.seed.place))
    return found


def _balanced(version: Version, renamed: Mapping[str, str]) -> set[Place]:
    """Return what a version acquires and releases on every way out."""
    every: dict[Place, bool] = {}
    for story in (*version.study.acquired, *version.study.handed):
        place = (story.seed.pair.name, translated(story.seed.place, renamed))
        released = story.complete and all(one.end == End.RELEASED for one in story.exits)
        every[place] = released and bool(story.exits) and every.get(place, True)
    return {place for place, released in every.items() if released}


def _beyond(
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
        had.setdefault(_about(one, translated(one.seed.place, renamed)), []).append(one)
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
    return _sort(candidate), candidate.seed.pair.name.replace("folio", "page"), kept


def _sort(candidate: Candidate) -> str:
    lost = (FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE)
    return "lost" if candidate.kind in lost else candidate.kind.value
