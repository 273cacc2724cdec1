"""Path facts: what branches teach of values along a path, kept as long as it is live."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeGuard

from anyclue.review.pairs.engine.control_flow import ControlFlow
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values
from anyclue.review.pairs.ir.values import Value

Facts = dict[str, Value]
"""A path, or the text of a condition, to what is known of its value."""

MAX_FACT_SETS = 6
"""So many sets of facts are kept apart at one step; then they are joined."""

_LOCKS = re.compile(r"(^|_)(lock|down|trylock)(_|$)")


@functools.cache
def _takes_lock(name: str) -> bool:
    return _LOCKS.search(name) is not None


class PathFacts:
    """What can be known in one function, and where it still matters.

    Args:
        function: its graph.
    """

    def __init__(self, function: ir.FunctionIR) -> None:
        self.function = function
        self.steps = function.steps
        self.control_flow = ControlFlow(function.steps)
        self._killed: dict[str, tuple[str, ...]] = {}
        self._locked: dict[int, frozenset[str]] = {}

    def restricted(self, only: frozenset[str]) -> PathFacts:
        """Return what can be known when nothing is learned but of these keys."""
        return _RestrictedFacts(self, only)

    @cached_property
    def leaves(self) -> tuple[int, ...]:
        """The ways out of the function."""
        return tuple(
            number
            for number, step in enumerate(self.steps)
            if isinstance(step, (ir.ReturnStep, ir.EndStep))
        )

    @cached_property
    def keys(self) -> dict[str, int]:
        """What some branch or return asks for, each with a bit of its own."""
        keys: dict[str, int] = {}

        def add(key: str) -> None:
            if key not in keys:
                keys[key] = 1 << len(keys)

        for step in self.steps:
            if isinstance(step, ir.BranchStep):
                for key in (step.path, step.key):
                    add(key)
                    for side in self._telling_sides(key):
                        add(side)
            elif isinstance(step, ir.ReturnStep) and step.value is not None:
                add(step.value)
        # What is copied into something that is asked for is asked for too.
        for _ in range(3):
            before = len(keys)
            for step in self.steps:
                if (
                    isinstance(step, (ir.AssignStep, ir.SignCopyStep))
                    and step.place in keys
                    and step.value
                    and step.value[0] not in "#~"
                ):
                    add(step.value)
            if len(keys) == before:
                break
        return keys

    def _telling_sides(self, key: str) -> tuple[str, ...]:
        """Return the sides of a question of which this function knows enough to answer it.

        Of numbers, where one is set to a constant; of equality, where one side is set.
        """
        sides = _sides(key)
        if len(sides) < 2 and paths.masked_parts(key) is not None:
            return sides
        set_to = self._set_to_constants if paths.relation(key) else self._set
        return () if set_to.isdisjoint(sides) else sides

    @cached_property
    def _set(self) -> frozenset[str]:
        """The paths that a step puts something in."""
        return frozenset(
            step.place
            for step in self.steps
            if isinstance(step, (ir.AssignStep, ir.CallStep, ir.SignCopyStep))
        )

    @cached_property
    def _set_to_constants(self) -> frozenset[str]:
        """The paths that a step sets to a constant."""
        return frozenset(
            step.place
            for step in self.steps
            if isinstance(step, ir.AssignStep) and step.value is not None and step.value[0] == "#"
        )

    @cached_property
    def _masks(self) -> Mapping[str, tuple[str, ...]]:
        """For every path of which bits are tested the keys that test them."""
        found: dict[str, list[str]] = {}
        for key in self.keys:
            masked = paths.masked_parts(key)
            if masked is not None:
                found.setdefault(masked.path, []).append(key)
        return {path: tuple(listed) for path, listed in found.items()}

    @cached_property
    def _keys_naming(self) -> Mapping[str, tuple[str, ...]]:
        """For every identifier the keys in which it stands."""
        found: dict[str, list[str]] = {}
        for key in self.keys:
            for name in paths.identifiers(key):
                found.setdefault(name, []).append(key)
        return {name: tuple(listed) for name, listed in found.items()}

    def related_keys(self, key: str) -> tuple[str, ...]:
        """Return the keys whose answers tell of this one's."""
        masked = paths.masked_parts(key)
        if masked is None:
            return tuple(side for side in _sides(key) if side in self.keys)
        return (masked.path, *self._masks.get(masked.path, ()))

    @cached_property
    def changers(self) -> Mapping[str, tuple[int, ...]]:
        """For every key the steps that may change its answer."""
        found: dict[str, list[int]] = {}
        for number, step in enumerate(self.steps):
            for key in self._changed_by(step):
                listed = found.setdefault(key, [])
                if not listed or listed[-1] != number:
                    listed.append(number)
        return {key: tuple(listed) for key, listed in found.items()}

    def _changed_by(self, step: ir.Step) -> Iterator[str]:
        if isinstance(step, (ir.AssignStep, ir.SignCopyStep)):
            yield from self.killed_keys(step.place)
        elif isinstance(step, ir.CallStep):
            yield from self.killed_keys(step.place)
            for argument in step.arguments:
                if _gives_address(argument):
                    yield from self.killed_keys(argument[1:])
            yield from self._killed_by_lock(step)

    @cached_property
    def assertions(self) -> Mapping[str, tuple[int, ...]]:
        """For every key the branches that stop dead on one answer."""
        found: dict[str, list[int]] = {}
        doomed = self.control_flow.doomed
        for number, step in enumerate(self.steps if doomed else ()):
            if (
                isinstance(step, ir.BranchStep)
                and number not in doomed
                and (step.next in doomed or step.otherwise in doomed)
            ):
                for key in {step.path, step.key}:
                    found.setdefault(key, []).append(number)
        return {key: tuple(listed) for key, listed in found.items()}

    @cached_property
    def live(self) -> tuple[int, ...]:
        """For every step the bits of the keys that are asked for from there on."""
        steps, keys = self.steps, self.keys
        after, before = self.control_flow.after, self.control_flow.before
        live = [0] * len(steps)
        pending = list(range(len(steps)))
        waiting = set(pending)
        while pending:
            number = pending.pop()
            waiting.discard(number)
            step = steps[number]
            bits = 0
            for one in after[number]:
                bits |= live[one]
            if isinstance(step, (ir.AssignStep, ir.SignCopyStep)):
                bit = keys.get(step.place, 0)
                if bits & bit and not (isinstance(step, ir.AssignStep) and step.by):
                    bits &= ~bit
                    if step.value is not None:
                        bits |= keys.get(step.value, 0)
            elif isinstance(step, ir.CallStep):
                bits &= ~keys.get(step.place, 0)
            elif isinstance(step, ir.BranchStep):
                for key in (step.path, step.key):
                    bits |= keys[key]
                    for related in self.related_keys(key):
                        bits |= keys[related]
            elif isinstance(step, ir.ReturnStep) and step.value is not None:
                bits |= keys[step.value]
            if bits != live[number]:
                live[number] = bits
                for one in before[number]:
                    if one not in waiting:
                        waiting.add(one)
                        pending.append(one)
        return tuple(live)

    def live_keys(self, number: int) -> tuple[str, ...]:
        """Return the keys that are asked for from a step on."""
        bits = self.live[number]
        return tuple(key for key, bit in self.keys.items() if bits & bit)

    def restrict_to_live(self, facts: Facts, number: int, asked: int = -1) -> Facts:
        """Return the facts that are still asked for from a step on.

        Args:
            facts: what is known there.
            number: the step.
            asked: bits of the keys that count; -1 for all.
        """
        bits = self.live[number] & asked
        keys = self.keys
        for key in facts:
            if not bits & keys.get(key, 0):
                kept = {key: value for key, value in facts.items() if bits & keys.get(key, 0)}
                for key, value in kept.items():
                    if isinstance(value, str) and value[0] == "=" and value[1:] not in kept:
                        kept[key] = facts.get(value[1:], value)
                return kept
        return facts

    def killed_keys(self, place: str) -> tuple[str, ...]:
        """Return the keys whose facts a write to ``place`` ends."""
        found = self._killed.get(place)
        if found is None:
            found = self._killed[place] = tuple(self._find_killed(place))
        return found

    def _find_killed(self, place: str) -> Iterator[str]:
        written = paths.masked_parts(place)
        whole = place if written is None else written.path
        plain = whole.isidentifier()
        for key in self._keys_naming.get(paths.base(whole), ()):
            if written is not None:
                masked = paths.masked_parts(key)
                if masked is not None and masked.path == whole:
                    if paths.flags_overlap(masked.flags, written.flags):
                        yield key
                    continue
            if any(
                side == whole or paths.reached_through(side, whole)
                for side in paths.equality_operands(key) or (key,)
            ) or (plain and paths.depends_on(key, whole)):
                yield key

    def assign(self, facts: Facts, place: str, value: Value | None) -> Facts:
        """Return the facts after a write of ``value`` to ``place``."""
        ended = [key for key in self.killed_keys(place) if key in facts]
        # What was the same as something that changes is still what that was.
        moved = [
            key
            for key, known in facts.items()
            if known.__class__ is str
            and known[0] == "="
            and key not in ended
            and paths.reached_through(known[1:], place)
        ]
        known = value is not None and value != values.ANY and place in self.keys
        if not ended and not moved and not known:
            return facts
        after = dict(facts)
        for key in (*ended, *moved):
            after.pop(key, None)
        for key in moved:
            was = self.value_of(facts, key)
            if was is not None and (isinstance(was, int) or was[0] != "="):
                after[key] = was
        if known and value is not None:
            after[place] = value
        return after

    def value_of(self, facts: Facts, path: str | None) -> Value | None:
        """Return what is known of a path or a constant."""
        if path is None:
            return None
        if path.startswith("#"):
            return path
        known = facts.get(path)
        if known is None:
            if paths.is_address(path) or path in self.function.arrays:
                return values.POSITIVE
            return self._masked_value(facts, path)
        if isinstance(known, str) and known[0] == "=":
            return facts.get(known[1:])
        return known

    def _masked_value(self, facts: Facts, path: str) -> Value | None:
        """Return what is known of some bits from what is known of the whole, or of other bits."""
        masked = paths.masked_parts(path)
        if masked is None or not facts:
            return None
        whole = facts.get(masked.path)
        if whole is not None:
            if values.signs(whole) == values.ZERO:
                return values.ZERO
            if isinstance(whole, str) and masked.flags & paths.flags_of(whole):
                return values.NONZERO
        for key in self._masks.get(masked.path, ()):
            known = facts.get(key)
            if known is None or isinstance(known, str):
                continue
            other = paths.masked_parts(key)
            if other is None:
                continue
            if known == values.ZERO and masked.flags <= other.flags:
                return values.ZERO
            if not known & values.ZERO and other.flags <= masked.flags:
                return values.NONZERO
        return None

    def _copied_value(self, facts: Facts, path: str | None) -> Value | None:
        """Return what a variable holds after ``path`` was put into it."""
        known = self.value_of(facts, path)
        if known is None and path is not None and path in self.keys:
            return f"={path}"
        return known

    def transfer(self, facts: Facts, step: ir.Step) -> Facts:
        """Return the facts behind a step that is no branch."""
        if isinstance(step, ir.AssignStep) and step.by:
            known = self.value_of(facts, step.place)
            counted = values.ANY if known is None else values.counted(known, step.by)
            return self.assign(facts, step.place, counted)
        if isinstance(step, ir.AssignStep):
            after = self.assign(facts, step.place, self._copied_value(facts, step.value))
            equality = self._equalities.get((step.place, step.value or ""))
            return after if equality is None else {**after, equality: values.POSITIVE}
        if isinstance(step, ir.SignCopyStep):
            return self.assign(facts, step.place, self._copied_sign(facts, step))
        if isinstance(step, ir.CallStep):
            for argument in step.arguments:
                if _gives_address(argument):
                    facts = self._passed(facts, argument[1:])
            gone = self._killed_by_lock(step)
            if gone:
                facts = {key: value for key, value in facts.items() if key not in gone}
            after = self.assign(facts, step.place, None)
            apart = [
                key
                for key, array in self._array_questions.get(step.place, ())
                if array not in step.arguments
            ]
            return {**after, **dict.fromkeys(apart, values.ZERO)} if apart else after
        return facts

    @cached_property
    def _array_questions(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """For every path the questions whether it is a local array, which no call returns."""
        found: dict[str, list[tuple[str, str]]] = {}
        for (one, other), key in self._equalities.items():
            if other in self.function.arrays:
                found.setdefault(one, []).append((key, other))
        return {one: tuple(listed) for one, listed in found.items()}

    def _passed(self, facts: Facts, place: str) -> Facts:
        """Return the facts after the address of a variable was passed.

        What is passed to be worked on keeps the flags that say how.
        """
        flags = {
            key: facts[key]
            for key in self.killed_keys(place)
            if key in facts
            and (masked := paths.masked_parts(key)) is not None
            and masked.path != place
        }
        after = self.assign(facts, place, None)
        return {**after, **flags} if flags else after

    @cached_property
    def _equalities(self) -> Mapping[tuple[str, str], str]:
        """For an assignment of one path to another the question whether they are equal."""
        found: dict[tuple[str, str], str] = {}
        for key in self.keys:
            sides = paths.equality_operands(key)
            if sides is not None:
                found[sides] = found[sides[::-1]] = key
        return found

    def _killed_by_lock(self, step: ir.CallStep) -> frozenset[str]:
        """Return the keys whose facts a call that takes a lock ends.

        What was read of an object before its lock was taken is asked again behind it.
        """
        if not _takes_lock(step.callee):
            return frozenset()
        found = self._locked.get(step.begin)
        if found is None:
            bases = {paths.base(one) for one in step.arguments if one is not None} - {"#"}
            found = frozenset(
                key
                for key in self.keys
                if ("->" in key or "(" in key)
                and paths.equality_operands(key) is None
                and not bases.isdisjoint(paths.identifiers(key))
            )
            self._locked[step.begin] = found
        return found

    def _copied_sign(self, facts: Facts, step: ir.SignCopyStep) -> Value | None:
        value = self.value_of(facts, step.value)
        known = values.ANY if value is None else values.signs(value)
        if step.macro == "ERR_PTR":
            # ERR_PTR(0) is NULL.
            failed = values.NEGATIVE | values.ZERO
            return failed if value is None else known & ~values.POSITIVE or values.NEGATIVE
        if known in (values.NEGATIVE, values.POSITIVE):
            return known
        return None

    def assume(self, facts: Facts, number: int, holds: bool) -> Facts | None:
        """Return the facts on one side of a branch; None when it can't come out so."""
        step = self.steps[number]
        assert isinstance(step, ir.BranchStep)  # noqa: S101
        path, test, key = step.path, step.test, step.key
        keys = self.keys
        if path not in keys and key not in keys:
            return facts
        link = facts.get(path)
        known = self.value_of(facts, path)
        after = values.narrow(known, test, holds)
        if after is None:
            return None
        related = paths.relation(key)
        if related is not None:
            learned_of = self._compared(facts, related, holds=holds)
            if learned_of is None:
                return None
            facts = learned_of
        keyed = None
        if key != path:
            keyed = values.narrow(facts.get(key), test, holds)
            if keyed is None:
                return None
        elif holds and known is None and self._are_unequal(facts, key):
            return None
        elif after == known and link is not None:
            return facts
        learned = dict(facts)
        if after != values.ANY and path in keys:
            learned[path] = after
            if isinstance(link, str) and link[0] == "=":
                learned[link[1:]] = after
            masked = paths.masked_parts(path)
            if masked is not None and not values.signs(after) & values.ZERO:
                whole = values.narrow(facts.get(masked.path), values.NONZERO, True)
                if whole is not None and masked.path in keys:
                    learned[masked.path] = whole
        # In a loop the same question may be answered otherwise the next time.
        if (
            keyed is not None
            and keyed != values.ANY
            and known is None
            and not step.loop
            and key in keys
            and number not in self.control_flow.in_loop
        ):
            learned[key] = keyed
        return learned

    def _compared(self, facts: Facts, related: paths.Relation, *, holds: bool) -> Facts | None:
        """Return the facts where one number is, or is not, less than another; None: it can't be.

        Where one side is 0, the other one's sign is learned: how often a loop ran, and another one
        with the same bound will run.
        """
        less, greater = (self.value_of(facts, one) for one in (related.less, related.greater))
        sides = (values.ANY if less is None else less, values.ANY if greater is None else greater)
        answer = values.is_less(*sides, or_equal=related.or_equal)
        if answer is not None:
            return facts if answer is holds else None
        if values.signs(sides[0]) != values.ZERO or related.greater not in self.keys:
            return facts
        above = values.ZERO | values.POSITIVE if related.or_equal else values.POSITIVE
        narrowed = values.narrow(greater, above, holds)
        if narrowed is None or narrowed == values.ANY:
            return facts if narrowed is not None else None
        return {**facts, related.greater: narrowed}

    def _are_unequal(self, facts: Facts, key: str) -> bool:
        """Tell whether a key asks whether two things are equal that are known not to be."""
        sides = paths.equality_operands(key)
        if sides is None:
            return False
        one, other = (self.value_of(facts, side) for side in sides)
        if one is None or other is None:
            return False
        return not values.signs(one) & values.signs(other)


class _RestrictedFacts(PathFacts):
    """The same, with a few keys of which something may be known."""

    def __init__(self, whole: PathFacts, only: frozenset[str]) -> None:
        super().__init__(whole.function)
        self.control_flow = whole.control_flow
        self._whole = whole
        self._only = only

    @cached_property
    def keys(self) -> dict[str, int]:
        keys = self._whole.keys
        return {key: keys[key] for key in self._only if key in keys}

    @property
    def live(self) -> tuple[int, ...]:
        return self._whole.live

    @cached_property
    def changers(self) -> Mapping[str, tuple[int, ...]]:
        changers = self._whole.changers
        return {key: changers[key] for key in self._only if key in changers}

    @cached_property
    def assertions(self) -> Mapping[str, tuple[int, ...]]:
        assertions = self._whole.assertions
        return {key: assertions[key] for key in self._only if key in assertions}

    def _find_killed(self, place: str) -> Iterator[str]:
        return (key for key in self._whole.killed_keys(place) if key in self._only)

    def _killed_by_lock(self, step: ir.CallStep) -> frozenset[str]:
        return self._whole._killed_by_lock(step) & self._only


def _sides(key: str) -> tuple[str, ...]:
    """Return the paths whose values tell the answer to a question."""
    masked = paths.masked_parts(key)
    if masked is not None:
        return (masked.path,)
    sides = paths.equality_operands(key) or (paths.relation(key) or ())[:2]
    return tuple(one for one in sides if one and not paths.is_constant(one))


def _gives_address(argument: str | None) -> TypeGuard[str]:
    """Tell whether a call is given the address of something that lies in the function itself."""
    return argument is not None and argument[0] == "&" and "->" not in argument


def join_facts(seen: list[Facts], facts: Facts) -> Facts | None:
    """Note that a step is reached with ``facts``.

    Returns:
        the facts to go on with (joined with others when too many were kept apart); None when a
        path with no more knowledge has been there.
    """
    for known in seen:
        for key, value in known.items():
            have = facts.get(key)
            if have is None or (have != value and not values.covers(value, have)):
                break
        else:
            return None
    if len(seen) < MAX_FACT_SETS:
        seen.append(facts)
        return facts
    # Join it with the one that it shares most with, so that least is forgotten.
    closest = max(range(len(seen)), key=lambda one: _similarity(seen[one], facts))
    known = seen[closest]
    seen[closest] = joined = {
        key: both
        for key, value in facts.items()
        if key in known and (both := values.join(value, known[key])) != values.ANY
    }
    return joined


def _similarity(one: Facts, other: Facts) -> int:
    lost = len(one) + len(other)
    for key, value in one.items():
        if other.get(key) == value:
            lost -= 2
    return -lost
