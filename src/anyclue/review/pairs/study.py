"""One function as a whole: what is acquired and released in it, and how each of these fares."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from anyclue.review.pairs import ir, paths, values
from anyclue.review.pairs.contract_model import Pair
from anyclue.review.pairs.effects import SCOPED, Callees, Does, Effect, Summary, by_pair
from anyclue.review.pairs.knowledge import Facts, Knowledge, admit
from anyclue.review.pairs.slices import cut
from anyclue.review.pairs.story import End, Exit, Seed, Story
from anyclue.review.pairs.walk import STEPS, Walk

_GUESSED = Effect(does=Does.ACQUIRE, pair="", place="$ret", when=values.POSITIVE)


class Study:
    """What one function does to resources.

    Args:
        function: its graph.
        callees: what the functions that it calls do.
    """

    def __init__(self, function: ir.FunctionIR, callees: Callees) -> None:
        self.function = function
        self.callees = callees
        self.knowledge = Knowledge(function)
        self._own = function.locals | set(function.parameters)

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

    @cached_property
    def acquired(self) -> tuple[Story, ...]:
        """What becomes of everything that a call acquires here."""
        seeds = []
        for number, effect in self.effects:
            if effect.does != Does.ACQUIRE or effect.sometimes:
                continue
            place = self.place(number, effect)
            if place is not None:
                pair = self.callees.pairs[effect.pair]
                seeds.append(Seed(pair=pair, place=place, node=number, effect=effect))
        return self._followed(seeds)

    @cached_property
    def handed(self) -> tuple[Story, ...]:
        """What becomes of everything that is released here, if it was there from the entry on.

        Only what the caller can name: what hangs on parameters, globals and tokens.
        """
        stories: list[Story] = []
        alike: dict[object, Story] = {}
        for name, place in self.released:
            if paths.base(place) in self.function.locals:
                continue
            # Pairs that one call releases fare alike.
            key = (
                place,
                tuple(
                    (number, one.does, one.place, one.when, one.mode, one.sometimes)
                    for number, one in self.effects
                    if one.pair == name
                ),
                self.callees.pairs[name].kind in SCOPED,
            )
            story = alike.get(key)
            if story is None:
                story = alike[key] = self.follow_handed(name, place)
            else:
                seed = Seed(pair=self.callees.pairs[name], place=place)
                story = replace(story, seed=seed)
            stories.append(story)
        return tuple(stories)

    @cached_property
    def guessed(self) -> tuple[Story, ...]:
        """What becomes of results of unknown calls that are released here on some path."""
        seeds: list[Seed] = []
        for name, place in self.released:
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
                        Seed(pair=pair, place=place, node=number, effect=_GUESSED, guessed=True)
                    )
        return self._followed(seeds)

    def _followed(self, seeds: Sequence[Seed]) -> tuple[Story, ...]:
        if not seeds:
            return ()
        befores = self.knowledge.prefixes(frozenset(one.node for one in seeds))
        return tuple(
            Walk(self.knowledge, self.callees, one, self.canonical, befores[one.node]).run()
            for one in seeds
        )

    def _may_acquire(self, name: str, pair: Pair) -> bool:
        summary = self.callees.summary(name)
        if summary is None:
            return not self.callees.converts(name)
        if summary.stops or self.callees.promised(name) or summary.passes:
            return False
        return not any(one.does == Does.ACQUIRE for one in summary.effects.get(pair.name, ()))

    def custody(self, pair: str, place: str) -> tuple[Story, ...]:
        """Return what becomes of what is at ``place``, wherever it comes from.

        From the entry on, or, for a local variable, from each step that sets it.
        """
        local = paths.base(place)
        if local not in self.function.locals:
            return (self.follow_handed(pair, place),)
        seeds = [
            Seed(pair=self.callees.pairs[pair], place=place, node=number)
            for number, node in enumerate(self.function.nodes)
            if node[0] in (ir.CALL, ir.SET)
            and (node[3] in (local, place) or (node[0] == ir.CALL and f"&{local}" in node[5]))
            and not (node[0] == ir.SET and (node[4] is None or paths.is_constant(node[4])))
        ]
        return self._followed(seeds)

    def follow_handed(self, pair: str, place: str) -> Story:
        """Return what becomes of a resource that is at ``place`` from the entry on."""
        seed = Seed(pair=self.callees.pairs[pair], place=place)
        return Walk(self.knowledge, self.callees, seed, self.canonical).run()

    def place(self, number: int, effect: Effect) -> str | None:
        """Return what an effect of the call at a node is on."""
        node = self.function.nodes[number]
        place = paths.substitute(effect.place, node[5], node[3])
        if place is not None and self.callees.pairs[effect.pair].kind in SCOPED:
            return self.canonical(place)
        return place

    @cached_property
    def released(self) -> tuple[tuple[str, str], ...]:
        """Every pair and place of which something is released here."""
        found: dict[tuple[str, str], None] = {}
        for number, effect in self.effects:
            if effect.does in (Does.RELEASE, Does.CONSUME):
                place = self.place(number, effect)
                if place is None or paths.base(place).startswith("%"):
                    continue
                place = self.containers.get(place, place)
                found[effect.pair, place] = None
        return tuple(found)

    @property
    def complete(self) -> bool:
        """Tell whether every resource was followed to its end."""
        return all(one.complete for one in (*self.acquired, *self.handed, *self.guessed))

    def bypassing(self, pair: str, place: str | None) -> int:
        """Return the signs of the results on the paths that do not acquire.

        Args:
            pair: what is acquired.
            place: where; None for anywhere.
        """
        stops: dict[int, int] = {}
        for number, effect in self.effects:
            acquires = effect.does == Does.ACQUIRE and effect.pair == pair
            if acquires and not effect.sometimes and place in (None, self.place(number, effect)):
                stops[number] = effect.unless
        found = 0
        seen: dict[int, list[Facts]] = {}
        nodes, knowledge = self.function.nodes, self.knowledge
        slice_ = cut(
            nodes,
            lambda number, node: number in stops or number in self._ends or knowledge.touches(node),
        )
        pending: list[tuple[int, Facts]] = [(slice_.go[0], {})] if nodes else []
        budget = STEPS
        while pending and budget > 0 and found != values.ANY:
            number, facts = pending.pop()
            while number >= 0 and budget > 0:
                budget -= 1
                if number in slice_.joins:
                    admitted = admit(seen.setdefault(number, []), knowledge.pruned(facts, number))
                    if admitted is None:
                        break
                    facts = admitted
                node = nodes[number]
                kind = node[0]
                if kind in (ir.RETURN, ir.END):
                    value = knowledge.value_of(facts, node[3]) if kind == ir.RETURN else None
                    found |= values.ANY if value is None else values.signs(value)
                if node[1] < 0 or number in self._ends:
                    break
                if kind == ir.BRANCH:
                    other = knowledge.taken(facts, number, False)
                    if other is not None:
                        pending.append((slice_.go[node[6]], other))
                    on = knowledge.taken(facts, number, True)
                    if on is None:
                        break
                    facts = on
                else:
                    facts = knowledge.stepped(facts, node)
                    if number in stops:
                        if not stops[number]:
                            break
                        facts = knowledge.written(facts, node[3], stops[number])
                number = slice_.go[node[1]]
        return found if budget > 0 else values.ANY

    @cached_property
    def _ends(self) -> frozenset[int]:
        """Calls that never return."""
        found = set()
        for number, node in enumerate(self.function.nodes):
            if node[0] == ir.CALL:
                summary = self.callees.summary(node[4])
                if summary is not None and summary.stops:
                    found.add(number)
        return frozenset(found)

    def summary(self) -> Summary:
        """Return what calling this function does."""
        effects = [*self._summed_acquires(), *self._summed_releases()]
        keeps, passes, writes = self._wanderings()
        return Summary(
            effects=by_pair(list(dict.fromkeys(effects))),
            keeps=frozenset(keeps),
            passes=frozenset(passes),
            writes=frozenset(writes),
            frees=self._frees(),
            stops=self._stops(),
            result=self._result(),
        )

    def _result(self) -> int:
        if self.function.returns == "void" or not self.function.nodes:
            return values.ANY
        return self.bypassing("", None) or values.ANY

    def _stops(self) -> bool:
        nodes = self.function.nodes
        return bool(nodes) and not any(node[0] in (ir.RETURN, ir.END) for node in nodes)

    def _summed_acquires(self) -> Iterator[Effect]:
        for story in self.acquired:
            seed = story.seed
            if not story.complete or seed.effect is None:
                continue
            if seed.pair.kind in SCOPED:
                template = paths.generalise(seed.place, self.function.parameters)
                left = [one for one in story.exits if one.end in (End.HELD, End.RETURNED)]
                if template is None or not left or self._given_back(seed):
                    continue
                yield from self._acquires(story, template, left, seed.place, seed.effect.mode)
                continue
            returned = [
                one for one in story.exits if one.end == End.RETURNED and not one.state.stored
            ]
            if returned:
                yield from self._acquires(story, "$ret", returned, None, "")
            outward: dict[str, list[int]] = {}
            for position, one in enumerate(story.exits):
                if one.end == End.HELD and one.state.stored:
                    for name in one.state.names:
                        template = paths.generalise(name, self.function.parameters)
                        if template is not None and template not in ("$0", "$1", "$2"):
                            outward.setdefault(template, []).append(position)
            for template, positions in outward.items():
                left = [story.exits[position] for position in positions]
                yield from self._acquires(story, template, left, None, "")

    def _given_back(self, seed: Seed) -> bool:
        """Tell whether a lock was the caller's, and is only released for a while."""
        return any(
            one.acquired_again and one.seed.pair == seed.pair and one.seed.place == seed.place
            for one in self.handed
        )

    def _acquires(
        self, story: Story, template: str, left: Sequence[Exit], place: str | None, mode: str
    ) -> Iterator[Effect]:
        held = 0
        for one in left:
            held |= one.result
        without = self.bypassing(story.seed.pair.name, place)
        for one in story.exits:
            if one not in left:
                without |= one.result if one.end != End.ESCAPED else 0
        if self.function.returns == "void":
            held, without = values.ANY, 0 if not without else values.ANY
        if template == "$ret":
            held = values.POSITIVE
        if mode.startswith("$"):
            mode = ""
        when = held if held & ~without or not without else values.ANY
        yield Effect(
            does=Does.ACQUIRE,
            pair=story.seed.pair.name,
            place=template,
            when=when,
            unless=without if when != values.ANY else 0,
            mode=mode,
            sometimes=bool(held & without),
        )

    def _summed_releases(self) -> Iterator[Effect]:
        for story in self.handed:
            seed = story.seed
            template = paths.generalise(self.canonical(seed.place), self.function.parameters)
            if template is None or story.acquired_inside:
                continue
            if seed.place in self.containers.values():
                template = f"^{template}"
            if not story.complete:
                yield Effect(does=Does.RELEASE, pair=seed.pair.name, place=template, sometimes=True)
                continue
            gone = [one for one in story.exits if one.end in (End.RELEASED, End.ESCAPED)]
            kept = [one for one in story.exits if one.end in (End.HELD, End.RETURNED)]
            if not gone:
                continue
            when, rest = 0, 0
            for one in gone:
                when |= one.result
            for one in kept:
                rest |= one.result
            escaped = all(one.end == End.ESCAPED for one in gone)
            yield Effect(
                does=Does.CONSUME if escaped else Does.RELEASE,
                pair=seed.pair.name,
                place=template,
                when=when if kept and not when & rest else values.ANY,
                unless=rest if kept and not when & rest else 0,
                sometimes=bool(kept and when & rest),
            )

    def _wanderings(self) -> tuple[set[int], set[int], set[int]]:
        """Return the parameters that are kept, passed back, and stored to."""
        function = self.function
        origin: dict[str, set[int]] = {
            name: {number} for number, name in enumerate(function.parameters)
        }
        keeps: set[int] = set()
        passes: set[int] = set()

        def source(path: str | None) -> set[int]:
            if path is None or path.startswith("#"):
                return set()
            if path in origin:
                return origin[path]
            return origin.get(paths.base(path), set()) if path.startswith("&") else set()

        for _ in range(2):
            for node in function.nodes:
                kind = node[0]
                if kind == ir.SET:
                    came = source(node[4])
                    if came:
                        if node[3] in function.locals or node[3].startswith("%"):
                            origin[node[3]] = origin.get(node[3], set()) | came
                        elif node[3] not in function.parameters:
                            keeps |= came
                elif kind == ir.ESCAPE:
                    keeps |= source(node[3])
                elif kind == ir.RETURN:
                    passes |= source(node[3])
                elif kind == ir.CALL:
                    self._handed_on(node, source, origin, keeps)
        return keeps, passes, self._written()

    def _frees(self) -> frozenset[str]:
        """Return the lock pairs of which it releases something that its caller can't name."""
        found = set()
        if not self.complete:
            return frozenset(name for name, _ in self.released)
        for name, place in self.released:
            pair = self.callees.pairs[name]
            local = paths.base(place)
            if pair.kind not in SCOPED or local not in self.function.locals:
                continue
            for story in self.custody(name, place):
                gone = any(one.end == End.RELEASED for one in story.exits)
                if (gone or story.acquired_again) and not story.acquired_inside:
                    found.add(name)
        return frozenset(found)

    def _written(self) -> set[int]:
        numbers = {name: number for number, name in enumerate(self.function.parameters)}
        found = set()
        for node in self.function.nodes:
            if node[0] in (ir.SET, ir.CALL, ir.COPY) and node[3].startswith("*"):
                found.add(numbers.get(node[3][1:], -1))
            if node[0] == ir.CALL:
                summary = self.callees.summary(node[4])
                for position, argument in enumerate(node[5]):
                    stored = summary is not None and position in summary.writes
                    if stored and argument in numbers:
                        found.add(numbers[argument])
        return found - {-1}

    def _handed_on(
        self,
        node: ir.Node,
        source: Callable[[str | None], set[int]],
        origin: dict[str, set[int]],
        keeps: set[int],
    ) -> None:
        name = node[4]
        summary = self.callees.summary(name)
        for position, argument in enumerate(node[5]):
            came = source(argument)
            if not came:
                continue
            if summary is not None:
                if position in summary.keeps:
                    keeps |= came
                if position in summary.passes:
                    origin[node[3]] = origin.get(node[3], set()) | came
                continue
            if self.callees.converts(name):
                origin[node[3]] = origin.get(node[3], set()) | came
            elif self.callees.may_keep(name):
                keeps |= came
