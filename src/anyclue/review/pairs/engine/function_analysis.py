"""One function as a whole: what is acquired and released in it, and how each of these fares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from anyclue.review.pairs.contracts.model import Pair
from anyclue.review.pairs.engine.def_use import DefUse
from anyclue.review.pairs.engine.effects import SCOPED, Callees, Effect, EffectKind
from anyclue.review.pairs.engine.entry_facts import facts_before
from anyclue.review.pairs.engine.path_facts import Facts, PathFacts
from anyclue.review.pairs.engine.resource_domain import ResourceDomain
from anyclue.review.pairs.engine.step_table import StepTable
from anyclue.review.pairs.engine.trace import ExitKind, Seed, Trace
from anyclue.review.pairs.ir import access_paths as paths
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values

_INFERRED = Effect(kind=EffectKind.ACQUIRE, pair="", place="$ret", when=values.POSITIVE)


MAX_SIZE = 400_000
"""A function with more acquires and releases times steps is not judged."""


class FunctionAnalysis:
    """What one function does to resources.

    Args:
        function: its graph.
        callees: what the functions that it calls do.
    """

    def __init__(self, function: ir.FunctionIR, callees: Callees) -> None:
        self.function = function
        self.callees = callees
        self.path_facts = PathFacts(function)
        self.def_use = DefUse(function)
        self.step_table = StepTable(self.path_facts, callees)
        self._restricted: dict[frozenset[str], PathFacts] = {}

    @cached_property
    def origins(self) -> dict[str, str]:
        """Locals that are set once, to a plain path of parameters, with that path."""
        written: dict[str, str | None] = {}
        moved: dict[str, int] = {}
        set_at: dict[str, int] = {}
        loops = self.path_facts.control_flow.in_loop
        for number, step in enumerate(self.function.steps):
            if not isinstance(step, (ir.AssignStep, ir.CallStep, ir.SignCopyStep)):
                continue
            place = step.place
            value = step.value if isinstance(step, ir.AssignStep) else None
            if not place.isidentifier():
                continue
            if value is None and place not in written and isinstance(step, ir.AssignStep):
                continue
            written[place] = None if place in written else value
            set_at[place] = number
            if place in self.function.parameters:
                moved.setdefault(place, number)
        return {
            place: value
            for place, value in written.items()
            if value is not None
            and place in self.function.locals
            and value[0] not in "#~%"
            and "[" not in value
            and paths.base(value) in self.function.parameters
            and moved.get(paths.base(value), set_at[place]) >= set_at[place]
            and (paths.base(value) not in moved or set_at[place] not in loops)
        }

    def canonical(self, path: str) -> str:
        """Return a path with a local at its head replaced by what the local is set to."""
        name = paths.base(path)
        origin = self.origins.get(name)
        if origin is None or "(" in path[: path.index(name)]:
            return path
        at = path.index(name)
        before, after = path[:at], path[at + len(name) :]
        if origin[0] in "*&" and after:
            return path
        whole = f"{origin}{after}"
        for character in reversed(before):
            whole = paths.dereference(whole) if character == "*" else paths.address(whole)
        return whole

    @cached_property
    def containers(self) -> dict[str, str]:
        """Locals that are a conversion of a parameter (``list_entry(...)``), with the parameter."""
        found = {}
        for step in self.function.steps:
            if (
                isinstance(step, ir.AssignStep)
                and step.value is not None
                and step.place in self.function.locals
            ):
                source = paths.origin(step.value)
                if source in self.function.parameters:
                    found[step.place] = source
        return found

    @cached_property
    def effects(self) -> tuple[tuple[int, Effect], ...]:
        """Every call that does something, with what it does."""
        return tuple(
            (number, effect)
            for number, _, summary in self.step_table.calls
            if summary is not None
            for listed in summary.effects.values()
            for effect in listed
        )

    @property
    def too_large(self) -> bool:
        """Tell whether there are too many resources on too many paths to follow each."""
        return len(self.effects) * len(self.function.steps) > MAX_SIZE

    @cached_property
    def releases(self) -> tuple[tuple[str, str, str | None], ...]:
        """Every release: its pair, the call, and what it is on."""
        return tuple(
            (effect.pair, self.call(number).callee, self.place(number, effect))
            for number, effect in self.effects
            if effect.kind in (EffectKind.RELEASE, EffectKind.CONSUME)
        )

    @cached_property
    def acquired_traces(self) -> tuple[Trace, ...]:
        """What becomes of everything that a call acquires here."""
        seeds: list[Seed] = []
        if self.too_large:
            return ()
        for number, effect in self.effects:
            if effect.kind != EffectKind.ACQUIRE or effect.uncertain:
                continue
            place, written = self.place(number, effect), self._source_place(number, effect)
            if place is not None and written is not None:
                step = self.call(number)
                also = (paths.substitute(one, step.arguments, step.place) for one in effect.also)
                seeds.append(
                    Seed(
                        pair=self.callees.pairs[effect.pair],
                        place=place,
                        step=number,
                        effect=effect,
                        source_path=written,
                        also=frozenset(one for one in also if one is not None),
                    )
                )
        return self._traces(seeds)

    @cached_property
    def entry_traces(self) -> tuple[Trace, ...]:
        """What becomes of everything that is released here, if it was there from the entry on.

        Only what the caller can name: what hangs on parameters, globals and tokens.
        """
        traces: list[Trace] = []
        if self.too_large:
            return ()
        alike: dict[object, Trace] = {}
        for name, place in self.released_places:
            if paths.base(place) in self.function.locals:
                continue
            # Pairs that one call releases fare alike.
            key = (
                place,
                tuple(
                    (number, one.kind, one.place, one.when, one.mode, one.uncertain)
                    for number, one in self.effects
                    if one.pair == name
                ),
                self.callees.pairs[name].kind in SCOPED,
            )
            trace = alike.get(key)
            if trace is None:
                trace = alike[key] = self.trace_from_entry(name, place)
            else:
                seed = Seed(pair=self.callees.pairs[name], place=place)
                trace = replace(trace, seed=seed)
            traces.append(trace)
        return tuple(traces)

    @cached_property
    def inferred_traces(self) -> tuple[Trace, ...]:
        """What becomes of results of unknown calls that are released here on some path."""
        seeds: list[Seed] = []
        if self.too_large:
            return ()
        for name, place in self.released_places:
            if place not in self.function.locals:
                continue
            pair = self.callees.pairs[name]
            if pair.kind in SCOPED:
                continue
            for number, step in enumerate(self.function.steps):
                if (
                    isinstance(step, ir.CallStep)
                    and step.place == place
                    and self._may_acquire(step.callee, pair)
                ):
                    if any(one.step == number for one in seeds):
                        continue
                    seeds.append(
                        Seed(pair=pair, place=place, step=number, effect=_INFERRED, inferred=True)
                    )
        return self._traces(seeds)

    def _traces(self, seeds: Sequence[Seed]) -> tuple[Trace, ...]:
        if not seeds:
            return ()
        quick = [self._quick_trace(one) for one in seeds]
        closer = self._closer_traces(
            [one for one, found in zip(seeds, quick, strict=True) if found is None]
        )
        return tuple(found or next(closer) for found in quick)

    def _closer_traces(self, seeds: Sequence[Seed]) -> Iterator[Trace]:
        """Yield what becomes of resources by all that is known."""
        before = facts_before(
            self.path_facts, self.step_table, frozenset(one.step for one in seeds)
        )
        for one in seeds:
            yield self._trace(self.path_facts, one, before[one.step])

    def _quick_trace(self, seed: Seed) -> Trace | None:
        """Return what becomes of a resource whatever else is known; None if that is too coarse.

        What holds on all paths, those too that can't be taken, holds on those that can.
        """
        if not self.step_table.releases(seed.pair.name):
            return None
        keys = self.path_facts.keys
        own = frozenset((seed.place,)) if seed.place in keys else frozenset[str]()
        if seed.step >= 0 and not seed.from_entry:
            own |= keys.keys() & {self.call(seed.step).place}
        restricted = self._restricted.get(own)
        if restricted is None:
            restricted = self._restricted[own] = self.path_facts.restricted(own)
        domain = ResourceDomain(
            restricted,
            self.def_use,
            self.step_table,
            seed,
            self.canonical,
            ({},),
            until_unbalanced=True,
        )
        if domain.is_surely_unbalanced():
            return None
        trace = domain.trace()
        return trace if trace.is_balanced else None

    def _trace(self, path_facts: PathFacts, seed: Seed, before: Sequence[Facts] = ()) -> Trace:
        return ResourceDomain(
            path_facts, self.def_use, self.step_table, seed, self.canonical, before
        ).trace()

    def _may_acquire(self, name: str, pair: Pair) -> bool:
        summary = self.callees.summary(name)
        if summary is None:
            return not self.callees.is_conversion(name)
        if summary.noreturn or self.callees.has_contract(name) or summary.passes:
            return False
        return not any(one.kind == EffectKind.ACQUIRE for one in summary.effects.get(pair.name, ()))

    def traces_of(self, pair: str, place: str) -> tuple[Trace, ...]:
        """Return what becomes of what is at ``place``, wherever it comes from.

        From the entry on, or, for a local variable, from each step that sets it.
        """
        local = paths.base(place)
        if local not in self.function.locals:
            return (self.trace_from_entry(pair, place),)
        return self._traces(self._set_seeds(pair, place))

    def _set_seeds(self, pair: str, place: str) -> list[Seed]:
        """Return a seed for each step that sets a local variable to what is at ``place``."""
        local = paths.base(place)
        return [
            Seed(pair=self.callees.pairs[pair], place=place, step=number)
            for number, step in enumerate(self.function.steps)
            if _sets(step, local, place)
        ]

    def releases_of_others(self, pair: str, place: str) -> bool:
        """Tell whether what a local variable is set to is released though it is not got here."""
        unsure: list[Seed] = []
        for seed in self._set_seeds(pair, place):
            found = self._quick_trace(seed)
            if found is None:
                unsure.append(seed)
            elif found.exits:
                # It is balanced whatever is known; the others need no closer look then.
                return True
        return any(
            (one.exits_of(ExitKind.RELEASED) or one.acquired_again) and not one.acquired_inside
            for one in self._closer_traces(unsure)
        )

    def may_release_first(self, pair: str, place: str) -> bool:
        """Tell whether a path from the entry comes to a release before it comes to an acquire."""
        acquires, releases = set(), set()
        for number, effect in self.effects:
            if effect.pair == pair and self.place(number, effect) == place:
                acquires |= {number} if effect.kind == EffectKind.ACQUIRE else set()
                if effect.kind in (EffectKind.RELEASE, EffectKind.CONSUME):
                    releases.add(number)
        seen = set(acquires)
        pending = [0]
        while pending:
            number = pending.pop()
            if number in releases:
                return True
            if number not in seen:
                seen.add(number)
                pending += self.path_facts.control_flow.after[number]
        return False

    def trace_from_entry(self, pair: str, place: str) -> Trace:
        """Return what becomes of a resource that is at ``place`` from the entry on."""
        seed = Seed(pair=self.callees.pairs[pair], place=place)
        return self._quick_trace(seed) or self._trace(self.path_facts, seed)

    def place(self, number: int, effect: Effect) -> str | None:
        """Return what an effect of the call at a node is on."""
        place = self._source_place(number, effect)
        if place is not None and self.callees.pairs[effect.pair].kind in SCOPED:
            return self.canonical(place)
        return place

    def _source_place(self, number: int, effect: Effect) -> str | None:
        step = self.call(number)
        return paths.substitute(effect.place, step.arguments, step.place)

    def call(self, number: int) -> ir.CallStep:
        """Return the call that a step is."""
        step = self.function.steps[number]
        assert isinstance(step, ir.CallStep)  # noqa: S101
        return step

    @cached_property
    def released_places(self) -> tuple[tuple[str, str], ...]:
        """Every pair and place of which something is released here."""
        found: dict[tuple[str, str], None] = {}
        for number, effect in self.effects:
            if effect.kind in (EffectKind.RELEASE, EffectKind.CONSUME):
                place = self.place(number, effect)
                if place is None or paths.base(place).startswith("%"):
                    continue
                stands_for = self.origins.get(place)
                if stands_for in self.function.parameters:
                    place = stands_for
                place = self.containers.get(place, place)
                found[effect.pair, place] = None
        return tuple(found)

    @property
    def complete(self) -> bool:
        """Tell whether every resource was followed to its end."""
        return not self.too_large and all(
            one.complete
            for one in (*self.acquired_traces, *self.entry_traces, *self.inferred_traces)
        )

    @cached_property
    def noreturn_calls(self) -> frozenset[int]:
        """Calls that never return."""
        return frozenset(
            number
            for number, _, summary in self.step_table.calls
            if summary is not None and summary.noreturn
        )


def _sets(step: ir.Step, local: str, place: str) -> bool:
    """Tell whether a step puts something at a place, or at the variable that leads to it."""
    if isinstance(step, ir.AssignStep):
        known = step.value is not None and not paths.is_constant(step.value)
        return known and step.place in (local, place)
    if isinstance(step, ir.CallStep):
        return step.place in (local, place) or f"&{local}" in step.arguments
    return False
