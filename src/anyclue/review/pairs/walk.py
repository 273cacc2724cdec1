"""Follows one resource through one function, along every path that differs for it.

The state of the resource is kept apart exactly; what branches taught is joined when too much of it
differs (property simulation: Das, Lerner and Seigle, "ESP", PLDI 2002).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from anyclue.review.pairs import ir, paths, values
from anyclue.review.pairs.contract_model import Pair, PairKind
from anyclue.review.pairs.effects import SCOPED, Callees, Does, Effect, Summary
from anyclue.review.pairs.knowledge import Facts, Knowledge, admit
from anyclue.review.pairs.slices import cut

STEPS = 6_000
"""A resource is followed for so many steps in one function; then the function is not judged."""

TAKEN_TWICE = 3
"""References beyond this number are not counted."""


class End(Enum):
    """How the resource stands where a path ends."""

    HELD = auto()
    RELEASED = auto()
    ESCAPED = auto()
    RETURNED = auto()
    LOST = auto()
    """Its last name was given to something else."""


class Event(Enum):
    """What goes wrong on the way."""

    OVERWRITTEN = auto()
    AGAIN = auto()
    DOUBLE = auto()
    ORDER = auto()
    MODE = auto()
    USE = auto()


class Trail(NamedTuple):
    """A path, last step first."""

    node: int
    holds: bool
    before: Trail | None

    def forward(self) -> list[tuple[int, bool]]:
        """Return the steps in order."""
        listed = []
        step: Trail | None = self
        while step is not None:
            listed.append((step.node, step.holds))
            step = step.before
        return listed[::-1]


class State(NamedTuple):
    """The resource at one step.

    Attributes:
        held: not released yet.
        more: references held beyond the first.
        names: places that hold it.
        kin: places that hold something derived from it.
        above: resources of the same pair acquired later and still held (LIFO pairs).
        mode: the lock's mode.
        stored: it is reachable from outside the function.
        doubtful: an unknown function was given it.
        lent: some function was given it, and may have taken a reference or dropped one.
    """

    held: bool
    more: int
    names: frozenset[str]
    kin: frozenset[str]
    above: tuple[str, ...]
    mode: str
    stored: bool
    doubtful: bool
    lent: bool


@dataclass(frozen=True, kw_only=True)
class Seed:
    """Where the resource comes from.

    Attributes:
        pair: what it is.
        place: the path that holds it.
        node: the call that acquires it; -1 when it is there from the entry.
        effect: what that call does; None from the entry.
        guessed: no contract says that the call acquires: its result is released elsewhere.
    """

    pair: Pair
    place: str
    node: int = -1
    effect: Effect | None = None
    guessed: bool = False

    @property
    def handed(self) -> bool:
        """Tell whether the function did not acquire it."""
        return self.effect is None


@dataclass(frozen=True, kw_only=True)
class Exit:
    """One way out of the function.

    Attributes:
        end: how the resource stands.
        node: the last step.
        result: signs of the returned value.
        value: the returned value's text, when it is a constant.
        state: the resource there.
        trail: how the path came here.
    """

    end: End
    node: int
    result: int
    value: str
    state: State
    trail: Trail


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something that goes wrong on the way."""

    event: Event
    node: int
    state: State
    trail: Trail


@dataclass(kw_only=True)
class Story:
    """All that happened to the resource."""

    seed: Seed
    exits: list[Exit] = field(default_factory=list)
    incidents: list[Incident] = field(default_factory=list)
    complete: bool = True
    acquired_inside: bool = False
    acquired_again: bool = False


class Walk:
    """Follows one seed."""

    def __init__(
        self,
        knowledge: Knowledge,
        callees: Callees,
        seed: Seed,
        canonical: Callable[[str], str],
        befores: Sequence[Facts] = (),
    ) -> None:
        self._canonical = canonical
        self._knowledge = knowledge
        self._function = knowledge.function
        self._nodes = knowledge.nodes
        self._callees = callees
        self._seed = seed
        self._pair = seed.pair
        self._scoped = seed.pair.kind in SCOPED
        self._story = Story(seed=seed)
        self._befores = befores
        self._own = self._function.locals
        self._parameters = frozenset(self._function.parameters)
        self._about = self._spread()
        self._near: frozenset[str] = frozenset()
        if self._scoped and not seed.place.startswith(("&", "@")):
            self._near = self._spread(by_calls=True) - {paths.base(seed.place)}

    def run(self) -> Story:
        """Return what happens to the resource on every path."""
        cut_ = cut(self._nodes, self._matters)
        go, joins = cut_.go, cut_.joins
        pending = deque(
            (go[number] if number >= 0 else -1, state, facts, trail)
            for number, state, facts, trail in self._begin()
        )
        seen: dict[tuple[int, State], list[Facts]] = {}
        knowledge = self._knowledge
        budget = STEPS
        while pending:
            number, state, facts, trail = pending.popleft()
            while number >= 0:
                budget -= 1
                if budget < 0:
                    self._story.complete = False
                    return self._story
                if number in joins:
                    admitted = admit(
                        seen.setdefault((number, state), []), knowledge.pruned(facts, number)
                    )
                    if admitted is None:
                        break
                    facts = admitted
                node = self._nodes[number]
                kind = node[0]
                if kind == ir.BRANCH:
                    other = knowledge.taken(facts, number, False)
                    on = knowledge.taken(facts, number, True)
                    if self._distinct(node, state):
                        on = None
                    if other is not None:
                        pending.append((go[node[6]], state, other, Trail(number, False, trail)))
                    if on is None:
                        break
                    facts, trail = on, Trail(number, True, trail)
                    if other is not None:
                        # The shortest paths first: they are the ones to be shown.
                        pending.append((go[node[1]], state, facts, trail))
                        break
                elif kind == ir.CALL:
                    after = list(self._call(number, node, state, facts, trail))
                    for one in after[1:]:
                        pending.append((go[node[1]], *one))
                    if not after:
                        break
                    state, facts, trail = after[0]
                elif kind in (ir.SET, ir.COPY):
                    moved = self._set(number, node, state, trail) if kind == ir.SET else state
                    if moved is None:
                        break
                    state = moved
                    facts = knowledge.stepped(facts, node)
                elif not self._passed(number, node, state, facts, trail):
                    break
                number = go[node[1]]
        return self._story

    def _distinct(self, node: ir.Node, state: State) -> bool:
        """Tell whether a branch compares the resource with something that it can't be."""
        sides = paths.compared(node[5])
        if sides is None or self._scoped or self._seed.node < 0:
            return False
        for one, other in (sides, sides[::-1]):
            known = other in state.names or other in state.kin
            alone = self._pair.kind == PairKind.MEMORY or other.startswith("&")
            if one in state.names and alone and not known:
                return True
        return False

    def _passed(
        self, number: int, node: ir.Node, state: State, facts: Facts, trail: Trail | None
    ) -> bool:
        """Take a step that changes nothing; tell whether the path goes on behind it."""
        kind = node[0]
        if kind in (ir.RETURN, ir.END):
            self._leave(number, node, state, facts, trail)
            return False
        if kind == ir.ESCAPE and not self._scoped and self._involved(node[3], state):
            self._end(End.ESCAPED, number, values.ANY, state, trail)
            return False
        gone = kind == ir.USE and not state.held and node[3] in state.names
        if gone and self._pair.use_after_release:
            self._incident(Event.USE, number, state, trail)
            return False
        return bool(kind != ir.STOP)

    def _matters(self, number: int, node: ir.Node) -> bool:
        """Tell whether a step can change the resource, or what is known."""
        kind = node[0]
        about = self._about
        if kind == ir.CALL:
            summary = self._callees.summary(node[4])
            if summary is not None and (summary.stops or self._pair.name in summary.effects):
                return True
            if node[4] in ("__release", "__acquire"):
                return True
            if paths.base(node[3]) in about:
                return True
            if any(one is not None and paths.base(one) in about for one in node[5]):
                return True
        elif kind == ir.SET:
            value = node[4]
            if paths.base(node[3]) in about or (value is not None and paths.base(value) in about):
                return True
        elif kind in (ir.ESCAPE, ir.USE):
            return paths.base(node[3]) in about
        return number == self._seed.node or self._knowledge.touches(node)

    def _spread(self, *, by_calls: bool = False) -> frozenset[str]:
        """Return the variables that may come to hold the resource, or something derived from it."""
        about = set(paths.words(self._canonical(self._seed.place))) | set(
            paths.words(self._seed.place)
        )
        grown = True
        while grown:
            grown = False
            for node in self._nodes:
                kind = node[0]
                if kind == ir.SET:
                    came = node[4] is not None and paths.base(node[4]) in about
                elif kind == ir.CALL:
                    came = any(one is not None and paths.base(one) in about for one in node[5])
                    came = came and (by_calls or not self._scoped)
                else:
                    continue
                name = paths.base(node[3]) if came else ""
                if came and name not in about:
                    about.add(name)
                    grown = True
        return frozenset(about)

    def _begin(self) -> Iterator[tuple[int, State, Facts, Trail | None]]:
        seed = self._seed
        stored = not self._scoped and not self._is_own(seed.place)
        state = State(
            held=True,
            more=0,
            names=frozenset((seed.place,)),
            kin=frozenset(),
            above=(),
            mode="",
            stored=stored,
            doubtful=False,
            lent=False,
        )
        if seed.node < 0:
            facts: Facts = {}
            if not self._scoped and seed.place in self._knowledge.keys:
                facts = {seed.place: values.POSITIVE}
            yield 0, state, facts, None
            return
        node = self._nodes[seed.node]
        for before in self._befores:
            if seed.handed:
                yield node[1], state, self._knowledge.stepped(before, node), None
                continue
            begun = self._acquired(node, state, before)
            if begun is not None:
                yield node[1], *begun, Trail(seed.node, True, None)

    def _acquired(self, node: ir.Node, state: State, facts: Facts) -> tuple[State, Facts] | None:
        effect = self._seed.effect
        result, arguments = node[3], node[5]
        facts = self._knowledge.stepped(facts, node)
        when = effect.when if effect is not None else values.POSITIVE
        if when != values.ANY:
            facts = self._knowledge.written(facts, result, when)
        place = self._seed.place
        if not self._scoped and place != result:
            facts = self._knowledge.written(facts, place, values.POSITIVE)
        mode = self._mode(effect, arguments, facts) if effect is not None else ""
        kin = frozenset[str]()
        if effect is not None and effect.place == "$ret" and not self._scoped:
            summary = self._callees.summary(node[4])
            passed = summary.passes if summary is not None else ()
            kin = frozenset(a for i, a in enumerate(arguments) if i in passed and a is not None)
        if effect is not None and effect.place != "$ret" and not result.startswith("%"):
            kin = kin | {result} if not self._scoped and when == values.ANY else kin
        return state._replace(mode=mode, kin=kin), facts

    def _mode(self, effect: Effect, arguments: tuple[str | None, ...], facts: Facts) -> str:
        if not effect.mode.startswith("$"):
            return effect.mode
        number = int(effect.mode[1:])
        given = arguments[number] if number < len(arguments) else None
        if given is None:
            return "?"
        if paths.is_constant(given):
            return given
        known = facts.get(given)
        return known if isinstance(known, str) and known[0] == "#" else f"?{given}"

    def _is_own(self, path: str) -> bool:
        """Tell whether a path is a variable of this function, or a member of one."""
        name = paths.base(path)
        return paths.is_local_slot(path) and (
            name[0] == "%" or name in self._own or (name in self._parameters and path == name)
        )

    def _involved(self, path: str, state: State) -> bool:
        """Tell whether a path is the resource, or leads out of it by address."""
        if path in state.names or path in state.kin:
            return True
        source = paths.origin(path)
        if source is not None and self._involved(source, state):
            return True
        return path[0] in "&~" and (
            path[1:] in state.names | state.kin or paths.base(path) in state.names | state.kin
        )

    def _incident(self, event: Event, number: int, state: State, trail: Trail | None) -> None:
        if any("[]" in name for name in state.names):
            # Elements of an array are not told apart.
            return
        self._story.incidents.append(
            Incident(event=event, node=number, state=state, trail=Trail(number, True, trail))
        )

    def _end(
        self,
        end: End,
        number: int,
        result: int,
        state: State,
        trail: Trail | None,
        value: str = "",
    ) -> None:
        self._story.exits.append(
            Exit(
                end=end,
                node=number,
                result=result,
                value=value,
                state=state,
                trail=Trail(number, True, trail),
            )
        )

    def _leave(
        self, number: int, node: ir.Node, state: State, facts: Facts, trail: Trail | None
    ) -> None:
        path = node[3] if node[0] == ir.RETURN else None
        known = self._knowledge.value_of(facts, path)
        result = values.ANY if known is None else values.signs(known)
        value = known if isinstance(known, str) else ""
        if not state.held:
            end = End.RELEASED
        elif path is not None and (
            path in state.names if self._scoped else self._involved(path, state)
        ):
            end = End.RETURNED
        elif state.names & self._function.automatic:
            end = End.RELEASED
        else:
            end = End.HELD
        self._end(end, number, result, state, trail, value)

    def _set(self, number: int, node: ir.Node, state: State, trail: Trail | None) -> State | None:
        place, value = node[3], node[4]
        return self._assigned(number, place, value, state, trail)

    def _assigned(
        self,
        number: int,
        place: str,
        value: str | None,
        state: State,
        trail: Trail | None,
        *,
        derived: bool = False,
    ) -> State | None:
        """Return the state after ``place = value``; None when nothing is left to follow."""
        same = value is not None and value in state.names
        kin = derived or (value is not None and not same and self._involved(value, state))
        names = frozenset(one for one in state.names if not paths.reached_through(one, place))
        others = frozenset(one for one in state.kin if not paths.reached_through(one, place))
        stored = state.stored
        if (same or kin) and not self._scoped:
            own = self._is_own(place)
            if same:
                names |= {place}
            else:
                others |= {place}
            stored = stored or not own
        elif same:
            names |= {place}
            stored = stored or not self._is_own(place)
        if names == state.names and others == state.kin and stored == state.stored:
            return state
        if not names and not others and not stored:
            if state.held and not self._scoped and not self._seed.handed:
                self._incident(Event.OVERWRITTEN, number, state, trail)
            end = End.LOST if state.held else End.RELEASED
            self._end(end, number, values.ANY, state, trail, "next")
            return None
        return state._replace(names=names, kin=others, stored=stored)

    def _call(
        self, number: int, node: ir.Node, state: State, facts: Facts, trail: Trail | None
    ) -> Iterator[tuple[State, Facts, Trail | None]]:
        result, name, arguments = node[3], node[4], node[5]
        summary = self._callees.summary(name)
        if summary is not None and summary.stops:
            return
        outcomes: list[tuple[State, int, Trail | None]] = [(state, values.ANY, trail)]
        for effect in summary.effects.get(self._pair.name, ()) if summary is not None else ():
            changed: list[tuple[State, int, Trail | None]] = []
            for one, when, path in outcomes:
                changed += self._affected(number, node, effect, one, when, path, facts)
            outcomes = changed
        touched = any(
            argument is not None and self._mentions(argument, state) for argument in arguments
        )
        if self._scoped:
            if self._may_unlock(name, arguments, summary, state):
                self._end(End.ESCAPED, number, values.ANY, state, trail)
                return
            if self._may_move(arguments, state):
                return
        for one, when, path in outcomes:
            after: State | None = one
            if touched and not self._scoped and one.held and one == state:
                after = self._given(number, name, arguments, summary, one, path)
                if after is not None and path is trail:
                    path = Trail(number, True, path)
            if after is None:
                continue
            learned = self._knowledge.stepped(facts, node)
            if summary is not None and summary.result != values.ANY:
                when &= summary.result
            derived = touched and not self._scoped and self._derives(name, arguments, summary, one)
            after = self._assigned(number, result, None, after, path, derived=derived)
            if after is None:
                continue
            told = self._scoped and self._callees.tells(name)
            if told and any(one_ in state.names for one_ in arguments):
                when &= values.POSITIVE if after.held else values.ZERO
            if when != values.ANY:
                learned = self._knowledge.written(learned, result, when)
            if touched and not self._scoped:
                learned = learned | {one_: facts[one_] for one_ in after.names if one_ in facts}
            yield after, learned, path

    def _affected(
        self,
        number: int,
        node: ir.Node,
        effect: Effect,
        state: State,
        when: int,
        trail: Trail | None,
        facts: Facts,
    ) -> list[tuple[State, int, Trail | None]]:
        """Return what one effect makes of a state: itself, or what follows it."""
        result, arguments = node[3], node[5]
        place = paths.substitute(effect.place, arguments, result)
        untouched = [(state, when, trail)]
        if place is None:
            return untouched
        if self._scoped:
            place = self._canonical(place)
        matched = place in state.names or place in state.kin
        if not matched and not self._scoped:
            source = paths.origin(place)
            matched = source is not None and self._involved(source, state)
        if effect.does == Does.ACQUIRE:
            mode = self._mode(effect, arguments, facts)
            return self._acquired_more(number, place, matched, effect, mode, state, when, trail)
        if effect.does == Does.DOWNGRADE:
            if matched and state.held:
                return [(state._replace(mode=effect.to_mode), when, trail)]
            return untouched
        if place in state.above:
            above = list(state.above)
            above.remove(place)
            return [(state._replace(above=tuple(above)), when, trail)]
        if not matched or not when & effect.when:
            return untouched
        here = Trail(number, True, trail)
        mode = self._mode(effect, arguments, facts)
        if state.mode != mode and "?" in f"{state.mode[:1]}{mode[:1]}":
            # Which of several locks of one object this is, the names do not tell.
            if state.held:
                self._end(End.ESCAPED, number, values.ANY, state, trail)
            return []
        if state.mode and mode and state.mode != mode:
            if paths.is_constant(mode) or not state.held:
                return untouched
            self._incident(Event.MODE, number, state, trail)
        if not state.held:
            if effect.does == Does.RELEASE and not effect.sometimes and place in state.names:
                self._incident(Event.DOUBLE, number, state, trail)
            return []
        if effect.sometimes:
            self._end(End.ESCAPED, number, values.ANY, state, trail)
            return []
        after: list[tuple[State, int, Trail | None]] = []
        if rest := when & effect.unless:
            after.append((state, rest, here))
        taken = when & effect.when
        if effect.does == Does.CONSUME:
            if state.more:
                return [*after, (state._replace(more=state.more - 1), taken, here)]
            self._end(End.ESCAPED, number, values.ANY, state, trail)
            return after
        if state.above and self._pair.order == "lifo":
            self._incident(Event.ORDER, number, state, trail)
            return after
        if state.more:
            after.append((state._replace(more=state.more - 1), taken, here))
        else:
            after.append((state._replace(held=False, doubtful=False), taken, here))
        return after

    def _acquired_more(
        self,
        number: int,
        place: str,
        matched: bool,
        effect: Effect,
        mode: str,
        state: State,
        when: int,
        trail: Trail | None,
    ) -> list[tuple[State, int, Trail | None]]:
        untouched = [(state, when, trail)]
        if not matched:
            nested = self._pair.order == "lifo" and state.held
            if nested and place not in state.above and len(state.above) < TAKEN_TWICE:
                return [(state._replace(above=(*state.above, place)), when, trail)]
            return untouched
        if effect.place == "$ret":
            return untouched
        if self._seed.handed:
            # From the entry on: the function itself acquires here, so nobody handed it over.
            if state.held:
                self._story.acquired_inside = True
            else:
                self._story.acquired_again = True
            return []
        if not state.held:
            return []
        if self._pair.kind == PairKind.COUNT:
            return [(state._replace(more=min(state.more + 1, TAKEN_TWICE)), when, trail)]
        if self._scoped:
            certain = state.mode == mode != "?" and effect.when == values.ANY
            if certain and not effect.sometimes:
                self._incident(Event.AGAIN, number, state, trail)
                return []
            return untouched
        if number == self._seed.node:
            return untouched
        return [(state._replace(more=min(state.more + 1, TAKEN_TWICE)), when, trail)]

    def _may_unlock(
        self,
        name: str,
        arguments: tuple[str | None, ...],
        summary: Summary | None,
        state: State,
    ) -> bool:
        """Tell whether a function may release a lock of an object that it was given."""
        if not state.held:
            return False
        if summary is None:
            if name in ("__release", "__acquire"):
                return True  # a word to sparse: it is meant so
            if not self._callees.may_unlock(name):
                return False
            bases = {paths.base(one) for one in state.names}
            return any(one is not None and paths.base(one) in bases for one in arguments)
        if self._pair.name in summary.frees:
            return True
        # What it releases may be this, reached by another way.
        last = {paths.last_member(one) for one in state.names} - {""}
        for effect in summary.effects.get(self._pair.name, ()):
            if effect.does in (Does.RELEASE, Does.CONSUME):
                place = paths.substitute(effect.place, arguments, None)
                if place is not None and self._canonical(place) not in state.names:
                    if paths.last_member(place) in last and not self._callees.promised(name):
                        return True
                    if paths.base(place) in self._near and place not in state.above:
                        return not self._callees.promised(name)
        return False

    def _may_move(self, arguments: tuple[str | None, ...], state: State) -> bool:
        """Tell whether a call may change the pointer through which a lock is named."""
        moved = {one[1:] for one in arguments if one is not None and one.startswith("&")}
        return any(
            paths.base(name) in moved and ("->" in name or "*" in name) for name in state.names
        )

    def _mentions(self, argument: str, state: State) -> bool:
        if argument in state.names or argument in state.kin:
            return True
        source = paths.origin(argument)
        if source is not None and self._mentions(source, state):
            return True
        name = paths.base(argument)
        if argument.startswith("&"):
            return any(
                paths.base(one) == name and not one.startswith("%")
                for one in state.names | state.kin
            )
        return False

    def _given(
        self,
        number: int,
        name: str,
        arguments: tuple[str | None, ...],
        summary: Summary | None,
        state: State,
        trail: Trail | None,
    ) -> State | None:
        """Return the state after a call was given the resource; None when it keeps it."""
        for position, argument in enumerate(arguments):
            if argument is None or not self._mentions(argument, state):
                continue
            whole = self._involved(argument, state) and argument[0] != "&"
            if name in self._pair.borrow:
                continue
            if self._pair.kind == PairKind.REFERENCE and not self._callees.promised(name):
                state = state._replace(lent=True)
            if not whole and self._callees.counts(name):
                state = state._replace(more=min(state.more + 1, TAKEN_TWICE))
                continue
            if summary is not None and self._taken_as_another(summary, arguments, state):
                self._end(End.ESCAPED, number, values.ANY, state, trail)
                return None
            if not whole and self._callees.shares(name):
                self._end(End.ESCAPED, number, values.ANY, state, trail)
                return None
            if self._kept_by_promise(name, summary):
                self._end(End.ESCAPED, number, values.ANY, state, trail)
                return None
            if summary is not None:
                if position in (summary.keeps if whole else summary.keeps | summary.writes):
                    self._end(End.ESCAPED, number, values.ANY, state, trail)
                    return None
                continue
            holder = argument.startswith("&") and (
                argument[1:] in state.names
                or any(one.startswith(f"{argument[1:]}.") for one in state.names)
            )
            if holder:
                if len(state.names) > 1:
                    state = state._replace(doubtful=True)
                    continue
                self._end(End.ESCAPED, number, values.ANY, state, trail)
                return None
            if self._callees.converts(name):
                continue
            if self._callees.may_keep(name) or (whole and self._callees.may_take(name)):
                self._end(End.ESCAPED, number, values.ANY, state, trail)
                return None
            if whole or not state.doubtful:
                state = state._replace(doubtful=state.doubtful or whole)
        return state

    def _kept_by_promise(self, name: str, summary: Summary | None) -> bool:
        """Tell whether a call with a contract for other pairs seems to keep what it is given."""
        if summary is None or not self._callees.promised(name):
            return False
        if self._pair.name in summary.effects or name in self._callees.contracts.borrow:
            return False
        return self._callees.may_keep(name)

    def _taken_as_another(
        self, summary: Summary, arguments: tuple[str | None, ...], state: State
    ) -> bool:
        """Tell whether a call releases the resource by the rules of another pair."""
        for pair, effects in summary.effects.items():
            if pair == self._pair.name or self._callees.pairs[pair].kind in SCOPED:
                continue
            for effect in effects:
                if effect.does in (Does.RELEASE, Does.CONSUME):
                    place = paths.substitute(effect.place, arguments, None)
                    if place is not None and self._involved(place, state):
                        return True
        return False

    def _derives(
        self,
        name: str,
        arguments: tuple[str | None, ...],
        summary: Summary | None,
        state: State,
    ) -> bool:
        for position, argument in enumerate(arguments):
            if argument is None or not self._mentions(argument, state):
                continue
            if position in summary.passes if summary is not None else self._callees.converts(name):
                return True
        return False
