"""One function as a whole: what is acquired and released in it, and how each of these fares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from anyclue.review.pairs.contracts.model import Pair
from anyclue.review.pairs.engine.effects import SCOPED, Callees, Effect, EffectKind
from anyclue.review.pairs.engine.path_facts import PathFacts
from anyclue.review.pairs.engine.trace import Seed, Trace
from anyclue.review.pairs.engine.walk import Walk
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

    @cached_property
    def origins(self) -> dict[str, str]:
        """Locals that are set once, to a plain path of parameters, with that path."""
        written: dict[str, str | None] = {}
        for node in self.function.nodes:
            place, value = None, None
            if node[0] == ir.SET:
                place, value = node[3], node[4]
            elif node[0] in (ir.CALL, ir.COPY):
                place = node[3]
            if place is None or not place.isidentifier():
                continue
            if value is None and place not in written and node[0] == ir.SET:
                continue
            written[place] = None if place in written else value
        return {
            place: value
            for place, value in written.items()
            if value is not None
            and place in self.function.locals
            and value[0] not in "#~%"
            and "[" not in value
            and paths.base(value) in self.function.parameters
            and paths.base(value) not in written
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
        for node in self.function.nodes:
            if node[0] == ir.SET and node[4] is not None and node[3] in self.function.locals:
                source = paths.origin(node[4])
                if source in self.function.parameters:
                    found[node[3]] = source
        return found

    @cached_property
    def effects(self) -> tuple[tuple[int, Effect], ...]:
        """Every call that does something, with what it does."""
        found = []
        for number, node in enumerate(self.function.nodes):
            if node[0] == ir.CALL:
                summary = self.callees.summary(node[4])
                if summary is not None:
                    for listed in summary.effects.values():
                        found += [(number, effect) for effect in listed]
        return tuple(found)

    @property
    def too_large(self) -> bool:
        """Tell whether there are too many resources on too many paths to follow each."""
        return len(self.effects) * len(self.function.nodes) > MAX_SIZE

    @cached_property
    def releases(self) -> tuple[tuple[str, str, str | None], ...]:
        """Every release: its pair, the call, and what it is on."""
        return tuple(
            (effect.pair, self.function.nodes[number][4], self.place(number, effect))
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
                pair = self.callees.pairs[effect.pair]
                seeds.append(
                    Seed(pair=pair, place=place, node=number, effect=effect, source_path=written)
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
            for number, node in enumerate(self.function.nodes):
                if node[0] == ir.CALL and node[3] == place and self._may_acquire(node[4], pair):
                    if any(one.node == number for one in seeds):
                        continue
                    seeds.append(
                        Seed(pair=pair, place=place, node=number, effect=_INFERRED, inferred=True)
                    )
        return self._traces(seeds)

    def _traces(self, seeds: Sequence[Seed]) -> tuple[Trace, ...]:
        if not seeds:
            return ()
        befores = self.path_facts.facts_before(frozenset(one.node for one in seeds))
        return tuple(
            Walk(self.path_facts, self.callees, one, self.canonical, befores[one.node]).run()
            for one in seeds
        )

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
        seeds = [
            Seed(pair=self.callees.pairs[pair], place=place, node=number)
            for number, node in enumerate(self.function.nodes)
            if node[0] in (ir.CALL, ir.SET)
            and (node[3] in (local, place) or (node[0] == ir.CALL and f"&{local}" in node[5]))
            and not (node[0] == ir.SET and (node[4] is None or paths.is_constant(node[4])))
        ]
        return self._traces(seeds)

    def trace_from_entry(self, pair: str, place: str) -> Trace:
        """Return what becomes of a resource that is at ``place`` from the entry on."""
        seed = Seed(pair=self.callees.pairs[pair], place=place)
        return Walk(self.path_facts, self.callees, seed, self.canonical).run()

    def place(self, number: int, effect: Effect) -> str | None:
        """Return what an effect of the call at a node is on."""
        place = self._source_place(number, effect)
        if place is not None and self.callees.pairs[effect.pair].kind in SCOPED:
            return self.canonical(place)
        return place

    def _source_place(self, number: int, effect: Effect) -> str | None:
        node = self.function.nodes[number]
        return paths.substitute(effect.place, node[5], node[3])

    @cached_property
    def released_places(self) -> tuple[tuple[str, str], ...]:
        """Every pair and place of which something is released here."""
        found: dict[tuple[str, str], None] = {}
        for number, effect in self.effects:
            if effect.kind in (EffectKind.RELEASE, EffectKind.CONSUME):
                place = self.place(number, effect)
                if place is None or paths.base(place).startswith("%"):
                    continue
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
        found = set()
        for number, node in enumerate(self.function.nodes):
            if node[0] == ir.CALL:
                summary = self.callees.summary(node[4])
                if summary is not None and summary.noreturn:
                    found.add(number)
        return frozenset(found)
