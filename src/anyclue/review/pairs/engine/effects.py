"""What calling a function does to resources: from a contract, or inferred from its source."""

from __future__ import annotations

import functools
import hashlib
import marshal
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import cached_property
from typing import Any

from anyclue.review.pairs.contracts.model import Contracts, Pair, PairKind
from anyclue.review.pairs.ir import function as ir
from anyclue.review.pairs.ir import values


class EffectKind(IntEnum):
    """What happens to the resource."""

    ACQUIRE = 0
    RELEASE = 1
    CONSUME = 2
    DOWNGRADE = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """One effect of a call.

    Attributes:
        kind: what happens.
        pair: the contract's name.
        place: template of the resource (``$ret``, ``$0``, ``*$1``, ``&$0->lock``, ``@rcu``).
        when: signs of the call's result when it happens; 7 for always.
        unless: signs of the call's result when it does not.
        mode: the lock's mode, or ``$N`` for an argument's text; empty for none.
        to_mode: mode after a downgrade.
        uncertain: on some paths only, and the result does not tell which.
        clears: the place is set to NULL after the release.
        also: templates of further places that hold the same object after it is acquired.
    """

    kind: EffectKind
    pair: str
    place: str
    when: int = values.ANY
    unless: int = 0
    mode: str = ""
    to_mode: str = ""
    uncertain: bool = False
    clears: bool = False
    also: tuple[str, ...] = ()

    def pack(self) -> tuple[Any, ...]:
        """Return the same as plain values."""
        return (int(self.kind), *(getattr(self, one.name) for one in fields(self)[1:]))

    @staticmethod
    def unpack(plain: tuple[Any, ...]) -> Effect:
        """Return the effect that `pack` made plain."""
        kind, *rest = plain
        names = (one.name for one in fields(Effect)[1:])
        return Effect(kind=EffectKind(kind), **dict(zip(names, rest, strict=True)))


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What is known of a function without looking into it.

    Attributes:
        effects: by pair.
        keeps: parameters that are stored where they outlive the call.
        passes: parameters that the result is, or is derived from.
        frees: pairs of which it releases something that can't be named from outside.
        writes: parameters through which it stores (``*pagep = page``).
        noreturn: it never returns.
        result: signs that its result may have.
    """

    effects: Mapping[str, tuple[Effect, ...]] = field(default_factory=dict)
    keeps: frozenset[int] = frozenset()
    passes: frozenset[int] = frozenset()
    writes: frozenset[int] = frozenset()
    frees: frozenset[str] = frozenset()
    noreturn: bool = False
    result: int = values.ANY

    @cached_property
    def digest(self) -> bytes:
        """What tells it from others."""
        return hashlib.sha256(marshal.dumps(self.pack(), ir.PLAIN)).digest()

    def pack(self) -> tuple[Any, ...]:
        """Return the same as plain values."""
        effects = tuple(one.pack() for pair in sorted(self.effects) for one in self.effects[pair])
        sets = (tuple(sorted(one)) for one in (self.keeps, self.passes, self.writes))
        return effects, *sets, tuple(sorted(self.frees)), self.noreturn, self.result

    @staticmethod
    def unpack(plain: tuple[Any, ...]) -> Summary:
        """Return the summary that `pack` made plain."""
        effects, keeps, passes, writes, frees, noreturn, result = plain
        return Summary(
            effects=by_pair([Effect.unpack(one) for one in effects]),
            keeps=frozenset(keeps),
            passes=frozenset(passes),
            writes=frozenset(writes),
            frees=frozenset(frees),
            noreturn=noreturn,
            result=result,
        )


def by_pair(effects: list[Effect]) -> dict[str, tuple[Effect, ...]]:
    """Return effects by the name of their pair."""
    found: dict[str, list[Effect]] = {}
    for effect in effects:
        found.setdefault(effect.pair, []).append(effect)
    return {pair: tuple(listed) for pair, listed in found.items()}


SCOPED = frozenset({PairKind.LOCK, PairKind.ACCESS, PairKind.COUNT})
"""Kinds that are named by a place and do not wander: storing or passing a pointer moves nothing."""

_CONSUMES = re.compile(
    r"(^|_|>)(put|free|release|destroy|drop|discard|cleanup|close|end|finish|complete|done|"
    r"submit|kill|stop|cancel|abort|commit|remove|unlock|relse|rele|brelse|dispose|destruct|"
    r"teardown|exit|fini|delete|del|detach|unregister|unref|sub_and_test|dec|forget|evict|"
    r"consume|iput|dput|fput|unmap|kunmap|install|instantiate|splice|d_add)(_|$)"
)
_KEEPS = re.compile(
    r"(^|_|>)(add|insert|queue|enqueue|register|link|schedule|arm|attach|install|store|set_private|"
    r"attach_page|push|post|assign|replace|join|track|stash|mount|init_once|bind|splice|append|list|"
    r"d_instantiate|init_work|setup_timer|call_rcu|wait_on|start_io|async)(_|$|\()"
)
_TAKES_REFERENCE = frozenset(
    ["refcount_inc", "atomic_inc", "kref_get", "refcount_inc_not_zero", "atomic_long_inc"]
)
_COUNTER = re.compile(
    r"(->|\.)([a-z]{1,4}_)?(active_|use_|queue_|n)?(ref(s|cnt|count)?|count|active|users|usage)$"
)
"""How the member is named that counts the references on an object; others count other things."""
_DROPS_REFERENCE = re.compile(r"(dec|sub)_and_|_dec_not_one|kref_put|refcount_dec|atomic_dec")
_UNLOCKS = re.compile(r"(^|_|>)(unlock\w*|release|drop|end|put|out|finish|up|exit|leave)(_|$)")
_QUERIES_LOCK = re.compile(r"locked$|Locked$|_is_locked|_held$|_held_")
_CONVERSIONS = re.compile(
    r"^[A-Z][A-Z0-9_]*$|^container_of|_entry(_safe)?$|(^|_)to_|_of$|_i$|_sb$|_info$|_priv(ate)?$|"
    r"(^|_)(address|data|inode|folio|page|buffers)$|^kmap|^virt_to|^rcu_|^xchg|^cmpxchg"
)


@functools.cache
def _matches(pattern: re.Pattern[str], name: str) -> bool:
    """Tell whether a pattern is found in a function's name."""
    return pattern.search(name) is not None


def _counts_references(call: str, counter: str) -> bool:
    """Tell whether a counter is that of the references on its object.

    An atomic number may count anything; what is a ``refcount_t`` or a ``kref`` does not.
    """
    return "atomic" not in call or _matches(_COUNTER, counter)


class Callees:
    """Looks up what calls do: contracts first, then the file's own functions, then the tree's."""

    def __init__(
        self, contracts: Contracts, shared: Mapping[str, Summary], own: Mapping[str, Summary]
    ) -> None:
        self.contracts = contracts
        self._contract = contract_summaries(contracts)
        self._shared = shared
        self._own = own
        self._combined: dict[str, Summary] = {}
        self.pairs: Mapping[str, Pair] = {pair.name: pair for pair in contracts.pairs}

    def summary(self, name: str) -> Summary | None:
        """Return what is known of a function; None when nothing is."""
        contract = self._contract.get(name)
        found = self.inferred(name)
        if found is not None and name in self.contracts.borrowing:
            found = _without(found, self.contracts.borrowing[name])
        if contract is None or found is None:
            return contract or found
        known = self._combined.get(name)
        if known is None:
            known = self._combined[name] = _combined(contract, found)
        return known

    def inferred(self, name: str) -> Summary | None:
        """Return what the source of a function says, whatever contracts do."""
        return self._own.get(name) or self._shared.get(name)

    def is_direct_effect(self, name: str, pair: str) -> bool:
        """Tell whether what a call does to a pair is what it is for, not what is behind it."""
        known = self._contract.get(name)
        return known is None or pair in known.effects

    def has_contract(self, name: str) -> bool:
        """Tell whether contracts speak of this function."""
        return name in self._contract

    def may_consume(self, name: str) -> bool:
        """Tell whether the name of an unknown function says that it may end the resource."""
        return not name or _matches(_CONSUMES, name)

    def takes_reference(self, name: str, counter: str) -> bool:
        """Tell whether a call takes a reference on the object whose counter it is given."""
        return name in _TAKES_REFERENCE and _counts_references(name, counter)

    def drops_reference(self, name: str, counter: str) -> bool:
        """Tell whether a call drops one of several owners' counts: who frees it is not seen."""
        return _matches(_DROPS_REFERENCE, name) and _counts_references(name, counter)

    def is_lock_query(self, name: str) -> bool:
        """Tell whether a function answers whether the lock that it is given is held."""
        return _matches(_QUERIES_LOCK, name)

    def may_unlock(self, name: str) -> bool:
        """Tell whether the name of an unknown function says that it may release a lock."""
        return _matches(_UNLOCKS, name)

    def is_conversion(self, name: str) -> bool:
        """Tell whether an unknown function seems to return its argument in another form."""
        return name not in self.contracts.escape and _matches(_CONVERSIONS, name)

    def may_keep(self, name: str) -> bool:
        """Tell whether the name of an unknown function says that it may keep what it is given."""
        return name in self.contracts.escape or _matches(_KEEPS, name)


def _without(found: Summary, borrowed: frozenset[str]) -> Summary:
    """Return what the source says, but for pairs whose contract says that it ends nothing."""
    kept = {pair: listed for pair, listed in found.effects.items() if pair not in borrowed}
    return replace(found, effects=kept)


def _combined(contract: Summary, found: Summary) -> Summary:
    """Return what contracts promise, and what the source says that it releases besides."""
    besides = {
        pair: tuple(one for one in listed if one.kind in (EffectKind.RELEASE, EffectKind.CONSUME))
        for pair, listed in found.effects.items()
        if pair not in contract.effects
    }
    return replace(
        contract,
        effects={pair: listed for pair, listed in besides.items() if listed}
        | dict(contract.effects),
    )


_CONTRACT_SUMMARIES: dict[str, dict[str, Summary]] = {}


def contract_summaries(contracts: Contracts) -> dict[str, Summary]:
    """Return the contracts as what calls do, by the call's name."""
    known = _CONTRACT_SUMMARIES.get(contracts.digest)
    if known is None:
        known = _CONTRACT_SUMMARIES[contracts.digest] = _contract_summaries(contracts)
    return known


def _contract_summaries(contracts: Contracts) -> dict[str, Summary]:
    effects: dict[str, list[Effect]] = {
        name: []
        for name in contracts.borrow | contracts.nonnull | contracts.identity | contracts.negative
    }
    for name, effect in _contract_effects(contracts):
        effects.setdefault(name, []).append(effect)
    results = dict.fromkeys(contracts.negative, values.NEGATIVE)
    for whole in contracts.pairs:
        for got in whole.acquire:
            if got.holds.text == "$ret":
                known = values.FAILS[got.fails] | values.FAILED[got.fails]
                results[got.call] = results.get(got.call, 0) | known
    results |= dict.fromkeys(contracts.nonnull, values.POSITIVE)
    found = {
        name: Summary(
            effects=by_pair(listed),
            passes=frozenset((0,)) if name in contracts.identity else frozenset(),
            result=results.get(name, values.ANY),
        )
        for name, listed in effects.items()
    }
    for free in contracts.frees:
        # It releases what a call of its name does: kvfree() takes slab memory too.
        scope_end = ir.scope_release(free.name)
        named = found.get(free.name)
        if named is not None:
            released = dict(found[scope_end].effects)
            for pair, of_pair in named.effects.items():
                released.setdefault(pair, of_pair)
            found[scope_end] = replace(found[scope_end], effects=released)
    for name in contracts.noreturn:
        found[name] = Summary(noreturn=True)
    return found


def _mode(word: str | None) -> str:
    """Return a contract's mode as calls give it: a constant is one where the code has it, too."""
    return f"#{word}" if word is not None and word.isupper() else word or ""


def _contract_effects(contracts: Contracts) -> Iterator[tuple[str, Effect]]:
    """Yield what contracts say that calls do, by the call's name."""
    for pair in contracts.pairs:
        for got in pair.acquire:
            when = values.FAILS[got.fails]
            if got.holds.text != "$ret" and got.fails == "never":
                when = values.ANY
            yield (
                got.call,
                Effect(
                    kind=EffectKind.ACQUIRE,
                    pair=pair.name,
                    place=got.holds.text,
                    when=when,
                    unless=values.FAILED[got.fails],
                    mode=_mode(got.mode),
                ),
            )
        for given in pair.release:
            kind, place = EffectKind.RELEASE, given.takes.text
            yield given.call, Effect(kind=kind, pair=pair.name, place=place, mode=_mode(given.mode))
        for taken in pair.consume:
            yield (
                taken.call,
                Effect(
                    kind=EffectKind.CONSUME,
                    pair=pair.name,
                    place=taken.takes.text,
                    when=values.ANY if taken.fails == "never" else values.FAILS[taken.fails],
                    unless=values.FAILED[taken.fails],
                ),
            )
        for changed in pair.downgrade:
            yield (
                changed.call,
                Effect(
                    kind=EffectKind.DOWNGRADE,
                    pair=pair.name,
                    place=changed.takes.text,
                    mode=changed.from_mode,
                    to_mode=changed.to_mode,
                ),
            )
    for free in contracts.frees:
        release = Effect(kind=EffectKind.RELEASE, pair=free.pair, place="$0")
        yield ir.scope_release(free.name), release
    for guard in contracts.guards:
        if guard.fails == "never":
            place, mode = guard.holds.text, guard.mode or ""
            for kind, call in (
                (EffectKind.ACQUIRE, ir.guard_acquire(guard.name)),
                (EffectKind.RELEASE, ir.guard_release(guard.name)),
            ):
                yield call, Effect(kind=kind, pair=guard.pair, place=place, mode=mode)
