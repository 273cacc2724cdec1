"""What a change introduces, and what it mends: two versions of the same functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from anyclue.model.finding import Confidence, FindingKind
from anyclue.review.pairs import ir, paths
from anyclue.review.pairs.counting import Place, fewer_released, more_released, plainly_released
from anyclue.review.pairs.effects import Does
from anyclue.review.pairs.judge import Candidate, candidates
from anyclue.review.pairs.matching import Version, matched
from anyclue.review.pairs.program import Program
from anyclue.review.pairs.renaming import mentioned, renamed_variables, translated
from anyclue.review.pairs.story import Seed
from anyclue.review.pairs.study import Study
from anyclue.review.pairs.tally import ways


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
        self._released = _balance(self._pairs, (Does.RELEASE, Does.CONSUME))
        self._acquired = _balance(self._pairs, (Does.ACQUIRE,))

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
        told = set()
        for candidate in _beyond(new.candidates, old.candidates, renamed):
            place = (candidate.seed.pair.name, candidate.seed.place)
            weak = candidate.confidence == Confidence.LOW
            if weak and (place not in known or old.body == new.body):
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
        words = frozenset().union(*(mentioned(node) for node in new.function.nodes))
        done: set[str] = set()
        for pair, place in plainly_released(before):
            now = translated(place, renamed)
            if now in done or paths.base(now) not in words or "[]" in now:
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
        if not old or not new:
            return None
        seed = Seed(pair=after.callees.pairs[pair], place=places[1])
        fewer = fewer_released(old, new, before, after)
        if fewer is not None and self._owed(pair, functions[1]):
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
        """Tell whether no other function of the change gave the release away."""
        moved = any(
            count < 0 and name != new.name
            for (name, one), count in self._released.items()
            if one == pair
        )
        more = any(count > 0 for (_, one), count in self._acquired.items() if one == pair)
        return not moved and not more

    def _owed(self, pair: str, new: Version) -> bool:
        """Tell whether no other function of the change took the release over."""
        moved = any(
            count > 0 and name != new.name
            for (name, one), count in self._released.items()
            if one == pair
        )
        fewer = any(count < 0 for (_, one), count in self._acquired.items() if one == pair)
        return not moved and not fewer


def _balance(
    pairs: Sequence[tuple[Version | None, Version | None]], does: tuple[Does, ...]
) -> dict[tuple[str, str], int]:
    """Return by function and pair how many more such calls the new version has."""
    found: Counter[tuple[str, str]] = Counter()
    for old, new in pairs:
        if old is not None and new is not None and not _differ(old, new):
            continue
        for version, sign in ((old, -1), (new, 1)):
            if version is None:
                continue
            name = (new or version).name
            for node in version.function.nodes:
                if node[0] != ir.CALL:
                    continue
                summary = version.callees.summary(node[4])
                if summary is None or not version.callees.promised(node[4]):
                    continue
                for pair, effects in summary.effects.items():
                    if any(one.does in does for one in effects):
                        found[name, pair] += sign
    return dict(found)


def _differ(old: Version, new: Version | None) -> bool:
    if new is None or old.body != new.body:
        return True
    return any(old.callees.summary(one) != new.callees.summary(one) for one in new.calls)


def _places(version: Version) -> set[Place]:
    found: set[Place] = set(version.study.released)
    for story in (*version.study.acquired, *version.study.guessed):
        found.add((story.seed.pair.name, story.seed.place))
    return found


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
        place = _plain(translated(one.seed.place, renamed))
        had.setdefault((_sort(one), one.seed.pair.name, place), []).append(one)
    for one in many:
        same = had.get((_sort(one), one.seed.pair.name, _plain(one.seed.place)))
        if same:
            other = same.pop(0)
            if one.confidence.rank <= other.confidence.rank:
                continue
            if one.confidence == Confidence.MEDIUM:
                continue
        yield one


def _plain(place: str) -> str:
    return "%" if place.startswith("%") else place


def _sort(candidate: Candidate) -> str:
    lost = (FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE)
    return "lost" if candidate.kind in lost else candidate.kind.value
