"""Path facts: what branches teach of values along a path, kept as long as it is live."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple, TypeGuard

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


class _Question(NamedTuple):
    """What a branch asks, and what an answer to it teaches.

    Attributes:
        path: what is tested.
        test: the signs, or the constant, that it is compared with.
        key: the question.
        is_path_kept: what is learned of the path is worth to be known.
        is_key_kept: so is the answer, which holds until something changes it.
        is_plain: of the path nothing is known but what facts say of itself.
        whole: the value of which the path is some bits, if that is worth to be known.
        operands: both sides of ``one==other``.
        relation: those of ``one<other``.
    """

    path: str
    test: Value
    key: str
    is_path_kept: bool
    is_key_kept: bool
    is_plain: bool
    whole: str | None
    operands: tuple[str, str] | None
    relation: paths.Relation | None


class FactChange(NamedTuple):
    """What a step that is no branch does to facts.

    Attributes:
        place: what is written.
        is_kept: what is written there is worth to be known.
        killed: the keys whose facts the write ends.
        passed: places whose addresses a call is given.
        locked: the keys whose facts a call ends because it takes a lock.
    """

    place: str
    is_kept: bool
    killed: frozenset[str]
    passed: tuple[str, ...] = ()
    locked: frozenset[str] = frozenset()


class _Answer(NamedTuple):
    """On what an answer depends.

    Attributes:
        places: where a write may change it.
        steps: others that end what is known, or stop dead on one answer.
        keys: other questions whose answers tell of it.
    """

    places: Sequence[str]
    steps: Sequence[int]
    keys: Sequence[str]


class PathFacts:
    """What can be known in one function, and where it still matters.

    Args:
        function: its graph.
    """

    def __init__(self, function: ir.FunctionIR) -> None:
        self.function = function
        self.steps = function.steps
        self.control_flow = ControlFlow(function.steps)
        self._killed: dict[str, frozenset[str]] = {}
        self._questions: dict[int, _Question | None] = {}
        self._changes: dict[int, FactChange | None] = {}
        self._answers: dict[str, _Answer] = {}
        self._values_written: dict[str, tuple[str, ...]] = {}
        self._asked_keys: dict[int, tuple[str, ...]] = {}

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
        if paths.masked_parts(key) is not None:
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
    def writers(self) -> Mapping[str, tuple[int, ...]]:
        """For every place the steps that write it, or may do so because they are told where."""
        found: dict[str, list[int]] = {}
        for number, step in enumerate(self.steps):
            if not isinstance(step, (ir.AssignStep, ir.SignCopyStep, ir.CallStep)):
                continue
            places = {step.place}
            if isinstance(step, ir.CallStep):
                places.update(one[1:] for one in step.arguments if _gives_address(one))
            for place in places:
                found.setdefault(place, []).append(number)
        return {place: tuple(listed) for place, listed in found.items()}

    @cached_property
    def changing_places(self) -> Mapping[str, tuple[str, ...]]:
        """For every key the places that are written so that its answer may change."""
        found: dict[str, list[str]] = {}
        for place in self.writers:
            for key in self.killed_keys(place):
                found.setdefault(key, []).append(place)
        return {key: tuple(listed) for key, listed in found.items()}

    @cached_property
    def locking(self) -> Mapping[str, tuple[int, ...]]:
        """For every key the calls that take a lock behind which it is asked again."""
        found: dict[str, list[int]] = {}
        for number, step in enumerate(self.steps):
            for key in self._killed_by_lock(step) if isinstance(step, ir.CallStep) else ():
                found.setdefault(key, []).append(number)
        return {key: tuple(listed) for key, listed in found.items()}

    def answer(self, key: str) -> _Answer:
        """Return on what the answer to a key depends."""
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = _Answer(
                places=self.changing_places.get(key, ()),
                steps=(*self.locking.get(key, ()), *self.assertions.get(key, ())),
                keys=tuple(one for one in self.related_keys(key) if one in self.keys),
            )
        return found

    def values_written(self, place: str) -> tuple[str, ...]:
        """Return the keys whose values are put at a place."""
        found = self._values_written.get(place)
        if found is None:
            written = (self.steps[number] for number in self.writers[place])
            found = self._values_written[place] = tuple(
                step.value
                for step in written
                if isinstance(step, (ir.AssignStep, ir.SignCopyStep)) and step.value in self.keys
            )
        return found

    def asked_keys(self, number: int) -> tuple[str, ...]:
        """Return the keys that a branch or a return asks for."""
        found = self._asked_keys.get(number)
        if found is None:
            step = self.steps[number]
            asked: tuple[str, ...] = ()
            if isinstance(step, ir.BranchStep):
                asked = (step.path,) if step.path == step.key else (step.path, step.key)
            elif isinstance(step, ir.ReturnStep) and step.value is not None:
                asked = (step.value,)
            found = tuple(one for one in asked if one in self.keys)
            self._asked_keys[number] = found
        return found

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

    def killed_keys(self, place: str) -> frozenset[str]:
        """Return the keys whose facts a write to ``place`` ends."""
        found = self._killed.get(place)
        if found is None:
            found = self._killed[place] = frozenset(self._find_killed(place))
        return found

    def _find_killed(self, place: str) -> Iterator[str]:
        written = paths.masked_parts(place)
        whole = place if written is None else written.path
        masks: tuple[str, ...] = ()
        if written is not None:
            masks = self._masks.get(whole, ())
            for key in masks:
                masked = paths.masked_parts(key)
                if masked is not None and paths.flags_overlap(masked.flags, written.flags):
                    yield key
        for key in self._keys_through.get(whole.lstrip("("), ()):
            sides = paths.equality_operands(key) or (key,)
            if key not in masks and any(
                side == whole or paths.reached_through(side, whole) for side in sides
            ):
                yield key
        if whole.isidentifier():
            for key in self._keys_naming.get(whole, ()):
                if key not in masks and paths.depends_on(key, whole):
                    yield key

    @cached_property
    def _keys_through(self) -> Mapping[str, frozenset[str]]:
        """For the beginnings of paths the keys with a path that so begins."""
        found: dict[str, set[str]] = {}
        for key in self.keys:
            for side in paths.equality_operands(key) or (key,):
                for beginning in paths.beginnings(side):
                    found.setdefault(beginning, set()).add(key)
        return {beginning: frozenset(listed) for beginning, listed in found.items()}

    def assign(self, facts: Facts, place: str, value: Value | None) -> Facts:
        """Return the facts after a write of ``value`` to ``place``."""
        after = self._without(facts, place) if self.killed_keys(place) else facts
        if value is None or value == values.ANY or place not in self.keys:
            return after
        return {**after, place: value}

    def _without(self, facts: Facts, place: str) -> Facts:
        """Return the facts that a write to ``place`` leaves."""
        killed = self.killed_keys(place)
        ended = [key for key in facts if key in killed]
        # What was the same as something that changes is still what that was.
        moved = [
            key
            for key, known in facts.items()
            if isinstance(known, str)
            and known[0] == "="
            and key not in killed
            and known[1:] in killed
            and paths.reached_through(known[1:], place)
        ]
        if not ended and not moved:
            return facts
        after = dict(facts)
        for key in (*ended, *moved):
            del after[key]
        for key in moved:
            was = self.value_of(facts, key)
            if was is not None and (isinstance(was, int) or was[0] != "="):
                after[key] = was
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

    def transfer(self, facts: Facts, number: int) -> Facts:
        """Return the facts behind a step that is no branch."""
        change = self.change_at(number)
        if change is None:
            return facts
        step = self.steps[number]
        if step.__class__ is ir.CallStep:
            apart = [
                key
                for key, array in self._array_questions.get(change.place, ())
                if array not in step.arguments
            ]
            if not facts and not apart:
                return facts
            for one in change.passed:
                facts = self._passed(facts, one)
            if change.locked and not change.locked.isdisjoint(facts):
                facts = {key: value for key, value in facts.items() if key not in change.locked}
            after = self.assign(facts, change.place, None) if change.killed else facts
            return {**after, **dict.fromkeys(apart, values.ZERO)} if apart else after
        if isinstance(step, ir.AssignStep):
            if step.by:
                known = self.value_of(facts, step.place)
                counted = None if known is None else values.counted(known, step.by)
                return self.assign(facts, change.place, counted)
            value = self._copied_value(facts, step.value) if change.is_kept else None
            after = self.assign(facts, change.place, value)
            equality = self._equalities.get((step.place, step.value or ""))
            return after if equality is None else {**after, equality: values.POSITIVE}
        if isinstance(step, ir.SignCopyStep):
            return self.assign(facts, change.place, self._copied_sign(facts, step))
        return facts

    @cached_property
    def _array_questions(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """For every path the questions whether it is a local array, which no call returns."""
        found: dict[str, list[tuple[str, str]]] = {}
        for (one, other), key in self._equalities.items():
            if other in self.function.arrays:
                found.setdefault(one, []).append((key, other))
        return {one: tuple(listed) for one, listed in found.items()}

    def change_at(self, number: int) -> FactChange | None:
        """Return what a step that is no branch does to facts; None for one that does nothing."""
        try:
            return self._changes[number]
        except KeyError:
            change = self._changes[number] = self._change(number)
            return change

    def _change(self, number: int) -> FactChange | None:
        """Return what a step does to facts; None for one that does nothing."""
        step = self.steps[number]
        if not isinstance(step, (ir.AssignStep, ir.SignCopyStep, ir.CallStep)):
            return None
        place = step.place
        killed = self.killed_keys(place)
        if not isinstance(step, ir.CallStep):
            kept = place in self.keys
            value = step.value if isinstance(step, ir.AssignStep) else None
            equal = value is not None and (place, value) in self._equalities
            return FactChange(place, kept, killed) if kept or killed or equal else None
        passed = tuple(
            one[1:] for one in step.arguments if _gives_address(one) and self.killed_keys(one[1:])
        )
        locked = self._killed_by_lock(step)
        if not killed and not passed and not locked:
            return None
        return FactChange(place, False, killed, passed, locked)

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
        bases = {paths.base(one) for one in step.arguments if one is not None} - {"#"}
        return frozenset(
            key
            for key in self.keys
            if ("->" in key or "(" in key)
            and paths.equality_operands(key) is None
            and not bases.isdisjoint(paths.identifiers(key))
        )

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
        try:
            question = self._questions[number]
        except KeyError:
            question = self._questions[number] = self._question(number)
        if question is None:
            return facts
        path, test, key, is_path_kept, is_key_kept, is_plain, whole, operands, relation = question
        link = facts.get(path)
        known = link
        if link.__class__ is not int and (link is not None or not is_plain):
            known = self.value_of(facts, path)
        after = values.narrow(known, test, holds)
        if after is None:
            return None
        if relation is not None:
            compared = self._compared(facts, relation, holds=holds)
            if compared is None:
                return None
            facts = compared
        keyed = None
        if key != path:
            keyed = values.narrow(facts.get(key), test, holds)
            if keyed is None:
                return None
        elif (
            operands is not None and holds and known is None and self._are_unequal(facts, operands)
        ):
            return None
        elif after == known and link is not None:
            return facts
        learned = dict(facts)
        if after != values.ANY and is_path_kept:
            learned[path] = after
            if link.__class__ is str and link[0] == "=":
                learned[link[1:]] = after
            if whole is not None and not values.signs(after) & values.ZERO:
                some = values.narrow(facts.get(whole), values.NONZERO, True)
                if some is not None:
                    learned[whole] = some
        if is_key_kept and known is None and keyed is not None and keyed != values.ANY:
            learned[key] = keyed
        return learned

    def _compared(self, facts: Facts, relation: paths.Relation, *, holds: bool) -> Facts | None:
        """Return the facts where one number is, or is not, less than another; None: it can't be.

        Where one side is 0, the other one's sign is learned: how often a loop ran, and another one
        with the same bound will run.
        """
        less, greater = (self.value_of(facts, one) for one in (relation.less, relation.greater))
        sides = (values.ANY if less is None else less, values.ANY if greater is None else greater)
        answer = values.is_less(*sides, or_equal=relation.or_equal)
        if answer is not None:
            return facts if answer is holds else None
        if values.signs(sides[0]) != values.ZERO or relation.greater not in self.keys:
            return facts
        above = values.ZERO | values.POSITIVE if relation.or_equal else values.POSITIVE
        narrowed = values.narrow(greater, above, holds)
        if narrowed is None or narrowed == values.ANY:
            return facts if narrowed is not None else None
        return {**facts, relation.greater: narrowed}

    def _question(self, number: int) -> _Question | None:
        """Return what a branch asks; None when nobody needs the answer."""
        step = self.steps[number]
        assert isinstance(step, ir.BranchStep)  # noqa: S101
        path, key, keys = step.path, step.key, self.keys
        if path not in keys and key not in keys:
            return None
        masked = paths.masked_parts(path)
        return _Question(
            path=path,
            test=step.test,
            key=key,
            is_path_kept=path in keys,
            # In a loop the same question may be answered otherwise the next time.
            is_key_kept=key in keys and not step.loop and number not in self.control_flow.in_loop,
            is_plain=masked is None
            and not paths.is_constant(path)
            and not paths.is_address(path)
            and path not in self.function.arrays,
            whole=masked.path if masked is not None and masked.path in keys else None,
            operands=paths.equality_operands(key),
            relation=paths.relation(key),
        )

    def _are_unequal(self, facts: Facts, operands: tuple[str, str]) -> bool:
        """Tell whether two things are known not to be equal."""
        one, other = (self.value_of(facts, side) for side in operands)
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

    @property
    def writers(self) -> Mapping[str, tuple[int, ...]]:
        return self._whole.writers

    @cached_property
    def changing_places(self) -> Mapping[str, tuple[str, ...]]:
        changing = self._whole.changing_places
        return {key: changing[key] for key in self._only if key in changing}

    @cached_property
    def locking(self) -> Mapping[str, tuple[int, ...]]:
        locking = self._whole.locking
        return {key: locking[key] for key in self._only if key in locking}

    @cached_property
    def assertions(self) -> Mapping[str, tuple[int, ...]]:
        assertions = self._whole.assertions
        return {key: assertions[key] for key in self._only if key in assertions}

    def _change(self, number: int) -> FactChange | None:
        return super()._change(number) if self._whole.change_at(number) is not None else None

    def asked_keys(self, number: int) -> tuple[str, ...]:
        return tuple(key for key in self._whole.asked_keys(number) if key in self._only)

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
        if len(known) > len(facts):
            continue
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
