"""What a change introduces, and what it mends: two versions of the same functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from anyclue.model.finding import Confidence, FindingKind
from anyclue.review.pairs import ir, paths
from anyclue.review.pairs.effects import Callees, Does
from anyclue.review.pairs.ir import FunctionIR
from anyclue.review.pairs.judge import Candidate, candidates, custody_incidents
from anyclue.review.pairs.program import Judged, Program
from anyclue.review.pairs.story import Seed
from anyclue.review.pairs.study import Study
from anyclue.review.pairs.tally import Way, ways

Place = tuple[str, str]
"""A pair's name and the path of a resource."""


class Version:
    """One function in one version of the tree.

    Args:
        path: its file.
        judged: the function.
        callees: what the functions that it calls do, in that version.
    """

    def __init__(self, path: str, judged: Judged, callees: Callees) -> None:
        self.path = path
        self.function = judged.function
        self.body = judged.body
        self.calls = judged.calls
        self.callees = callees

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @cached_property
    def study(self) -> Study:
        """A close look at it."""
        return Study(self.function, self.callees)

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """What is wrong in it, certain or not."""
        return (*candidates(self.study), *custody_incidents(self.study))


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


def matched(
    old: Sequence[Version], new: Sequence[Version]
) -> Iterator[tuple[Version | None, Version | None]]:
    """Return functions of both versions that are the same one, moved or renamed maybe."""
    by_place: dict[tuple[str, str], list[Version]] = {}
    by_name: dict[str, list[Version]] = {}
    by_body: dict[str, list[Version]] = {}
    taken: set[int] = set()
    for one in old:
        by_place.setdefault((one.path, one.name), []).append(one)
        by_name.setdefault(one.name, []).append(one)
        by_body.setdefault(_nameless(one), []).append(one)
    left: list[Version] = []
    tables: tuple[Callable[[Version], list[Version]], ...] = (
        lambda one: by_place.get((one.path, one.name), []),
        lambda one: by_body.get(_nameless(one), []),
        lambda one: by_name.get(one.name, []),
    )
    for table in tables:
        left = []
        for one in new:
            other = next((two for two in table(one) if id(two) not in taken), None)
            if other is None:
                left.append(one)
                continue
            taken.add(id(other))
            yield other, one
        new = left
    unmatched = [one for one in old if id(one) not in taken]
    for one in left:
        closest = max(unmatched, key=lambda two: _likeness(one, two), default=None)
        if closest is not None and _likeness(one, closest) >= ALIKE:
            unmatched.remove(closest)
            yield closest, one
        else:
            yield None, one
    for one in unmatched:
        yield one, None


ALIKE = 0.6
"""Functions that share so much of their words are one that was renamed."""


def _nameless(version: Version) -> str:
    return version.body.replace(version.name, "", 1)


def _likeness(one: Version, other: Version) -> float:
    words, others = Counter(one.body.split()), Counter(other.body.split())
    total = sum(words.values()) + sum(others.values())
    return 2 * sum((words & others).values()) / total if total else 0.0


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
            for candidate in _beyond(old.candidates, new.candidates, _renamed(new, old)):
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
        renamed = _renamed(old, new)
        known = {(pair, _translated(place, renamed)) for pair, place in _places(old)}
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
        words = frozenset().union(*(_mentioned(node) for node in new.function.nodes))
        done: set[str] = set()
        for pair, place in _plainly_released(before):
            now = _translated(place, renamed)
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
        fewer = _fewer(old, new, before, after)
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
        more = _more(old, new)
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
        place = _plain(_translated(one.seed.place, renamed))
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


def _renamed(old: Version, new: Version) -> dict[str, str]:
    """Return variables of the old version that have another name in the new one."""
    before = _variables(old.function)
    after = _variables(new.function)
    gone = [one for one in before if one not in after]
    fresh = [one for one in after if one not in before]
    if not gone or not fresh:
        return {}
    found = {}
    for one in gone:
        uses = before[one]
        closest = max(fresh, key=lambda two: _overlap(uses, after[two]))
        if _overlap(uses, after[closest]) >= ALIKE:
            found[one] = closest
            fresh.remove(closest)
            if not fresh:
                break
    return found


def _variables(function: FunctionIR) -> dict[str, Counter[str]]:
    """Return what is done with each variable, in words that no variable's name is part of."""
    found: dict[str, Counter[str]] = {
        name: Counter((f"parameter {number}",)) for number, name in enumerate(function.parameters)
    }
    for name in sorted(function.locals):
        found[name] = Counter()
    for node in function.nodes:
        for slot, path in enumerate(_paths_of(node)):
            name = paths.base(path)
            if name in found:
                shape = path.replace(name, "$", 1)
                call = node[4] if node[0] == ir.CALL else ""
                found[name][f"{node[0]} {slot} {call} {shape}"] += 1
    return found


def _overlap(one: Counter[str], other: Counter[str]) -> float:
    total = sum(one.values()) + sum(other.values())
    return 2 * sum((one & other).values()) / total if total else 0.0


def _paths_of(node: ir.Node) -> list[str]:
    kind = node[0]
    if kind == ir.CALL:
        listed = [node[3], *node[5]]
    elif kind in (ir.SET, ir.COPY):
        listed = [node[3], node[4]]
    elif kind in (ir.BRANCH, ir.RETURN, ir.ESCAPE, ir.USE):
        listed = [node[3]]
    else:
        listed = []
    return [one for one in listed if one is not None and not paths.is_constant(one)]


def _mentioned(node: ir.Node) -> frozenset[str]:
    return frozenset(paths.base(one) for one in _paths_of(node))


def _translated(place: str, renamed: Mapping[str, str]) -> str:
    name = paths.base(place)
    return place.replace(name, renamed[name], 1) if name in renamed else place


def _plainly_released(study: Study) -> list[Place]:
    """Return what a function releases, each under the pair that says most about it."""
    acquired = {effect.pair for _, effect in study.effects if effect.does == Does.ACQUIRE}
    found: dict[Place, bool] = {}
    for number, effect in study.effects:
        name = study.function.nodes[number][4]
        if effect.does != Does.RELEASE or not study.callees.is_own_effect(name, effect.pair):
            continue
        place = study.place(number, effect)
        if place is not None and (effect.pair, place) in study.released:
            found[effect.pair, place] = study.callees.promised(name)
    return sorted(found, key=lambda one: (one[0] not in acquired, not found[one], one))


def _decisions(way: Way, study: Study) -> dict[str, bool]:
    nodes = study.function.nodes
    return {
        nodes[number][5]: holds
        for number, holds in way.trail.forward()
        if nodes[number][0] == ir.BRANCH
    }


def _same_way(old: Sequence[Way], new: Way, before: Study, after: Study) -> list[Way]:
    """Return the old ways that decide as the new one does wherever it decides."""
    wanted = _decisions(new, after)
    found = []
    for one in old:
        had = _decisions(one, before)
        if one.kind == new.kind and all(had.get(key) == holds for key, holds in wanted.items()):
            found.append(one)
    return found


WAYS = 120
"""Of more ways than these none is looked for that decides alike."""


def _fewer(
    old: Sequence[Way], new: Sequence[Way], before: Study, after: Study
) -> tuple[Way, Confidence, str] | None:
    """Return a way that releases less often than such ways did, how sure, and why."""
    if len(old) <= WAYS and len(new) <= WAYS:
        for one in new:
            same = _same_way(old, one, before, after)
            if same and one.net < min(two.net for two in same):
                return one, Confidence.MEDIUM, "before the change the same way out released it"
    for fine in (False, True):
        had, have = _by_kind(old, fine=fine), _by_kind(new, fine=fine)
        for kind, listed in have.items():
            counts = {one.net for one in had.get(kind, ())}
            least = min(listed, key=lambda one: one.net)
            if counts and least.net < min(counts):
                reason = "before the change every such way out released it"
                return least, Confidence.MEDIUM, reason
            if counts and max(one.net for one in listed) < max(counts) <= 1:
                reason = "before the change some such way out released it"
                return least, Confidence.LOW, reason
    return None


def _more(old: Sequence[Way], new: Sequence[Way]) -> Way | None:
    """Return a way that releases twice, where none of its kind did."""
    had, have = _by_kind(old, fine=False), _by_kind(new, fine=False)
    for kind, listed in have.items():
        counts = {one.net for one in had.get(kind, ())}
        most = max(listed, key=lambda one: one.net)
        if not counts or most.net <= max(counts):
            continue
        acquires = any(one.net < 0 for one in old)
        if most.net > 1 or (acquires and max(counts) == min(counts) == 0):
            return most
    return None


def _by_kind(listed: Sequence[Way], *, fine: bool) -> dict[tuple[str, str], list[Way]]:
    found: dict[tuple[str, str], list[Way]] = {}
    for one in listed:
        found.setdefault((one.kind, one.value if fine else ""), []).append(one)
    return found
