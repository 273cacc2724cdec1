"""Evidence for and against a function, from its source: pairing, and what reaches it.

Each piece is a likelihood ratio with its reason. Which kind of memory stays behind when the release
of a pair is lost is told by the pair's name, or else by its kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from types import MappingProxyType
from typing import Final

from anyclue.hunt.clue.model import Missing, Reason, ReasonSource
from anyclue.hunt.localise.core.likelihood_ratios import (
    CALLS,
    KIND,
    NAMED,
    OPTION,
    OTHER_FAULT,
    OTHER_KIND,
    OTHER_OPTION,
    OTHER_WORKLOAD,
    PAIRS_CHANGE,
    PAIRS_TREE,
    QUIET,
    WORKLOAD,
)
from anyclue.hunt.localise.core.model import FunctionSource, ModuleSource, Symptoms
from anyclue.hunt.render import evidence_words
from anyclue.model.verdict import Signature
from anyclue.review.pairs.model import LOST, Finding

_PAGES: Final = frozenset({Signature.PAGE_CACHE_REFERENCE, Signature.RAW_PAGES})
_RAW: Final = frozenset({Signature.RAW_PAGES})
_OBJECT: Final = frozenset({Signature.OBJECT})
_VMALLOC: Final = frozenset({Signature.VMALLOC})
_KMAP: Final = frozenset({Signature.KMAP_SLOTS})

OF_PAIR: Final[Mapping[str, frozenset[Signature]]] = MappingProxyType(
    {
        "page-reference": _PAGES,
        "folio-reference": _PAGES,
        "f2fs-page": frozenset({Signature.PAGE_CACHE_REFERENCE}),
        "f2fs-folio": frozenset({Signature.PAGE_CACHE_REFERENCE}),
        "btrfs-disk-super": frozenset({Signature.PAGE_CACHE_REFERENCE}),
        "buffer-head": frozenset({Signature.PAGE_CACHE_REFERENCE, Signature.OBJECT}),
        # Its pages stay in a page cache, and leave it with the file system's inode.
        "btrfs-extent-buffer": _PAGES | _OBJECT,
        "free-pages-address": _RAW,
        "exact-pages": _RAW,
        "fscrypt-bounce-page": _RAW,
        "kv-memory": _OBJECT | _VMALLOC,
        "vmalloc-memory": _VMALLOC,
        "vmap": _VMALLOC,
        "vm-map-ram": _VMALLOC,
        "percpu-memory": frozenset({Signature.PERCPU}),
        "percpu-reference": frozenset({Signature.PERCPU, Signature.OBJECT}),
        "kmap": _KMAP,
        "kmap-atomic": _KMAP,
        "kmap-local": _KMAP,
        "workqueue": frozenset({Signature.KERNEL_STACKS, Signature.OBJECT}),
    }
)
OF_KIND: Final[Mapping[str, frozenset[Signature]]] = MappingProxyType(
    {
        "reference": _OBJECT,
        "memory": _OBJECT,
        "handle": _OBJECT,
        "mapping": _VMALLOC | _KMAP,
        "lock": frozenset(),
        "access": frozenset(),
        "count": frozenset(),
    }
)
"""For pairs that are not listed: what holds an object keeps it from being freed."""

_ALLOCATES: Final = re.compile(r"_*(?:dev_)?(?:alloc_pages?|folio_alloc|alloc_pages?_\w+)")
_NAME_WORD: Final = re.compile(r"[a-z0-9]+")
_SAY_NOTHING: Final = frozenset(
    {
        *("reference", "lock", "memory", "slab", "object"),
        *("btrfs", "ext4", "xfs", "f2fs", "nfs"),
    }
)

_WORD: Final = re.compile(r"[a-z]+|[0-9]+")
_COMMON: Final = frozenset({"on", "off", "no", "none", "default", "force"})
_LEAST = 3
"""Characters of a word that says anything."""

FunctionKey = tuple[str, str]
"""A function: its file's path and its name."""


@dataclass(frozen=True, kw_only=True)
class PairingResult:
    """What pairing contributes to a function: reasons, and the release that is missing."""

    reasons: tuple[Reason, ...] = ()
    missing: Missing | None = None

    @property
    def ratio(self) -> float:
        """All ratios together."""
        return prod(one.ratio for one in self.reasons)


class PairingEvidence:
    """What pairing says of each function; only the strongest finding of a function counts.

    Args:
        module: the sources.
        symptoms: the guilty cells.
    """

    def __init__(self, module: ModuleSource, symptoms: Symptoms) -> None:
        self._kinds = module.kinds
        self._symptoms = symptoms
        self._compared = module.compared and symptoms.regression
        self._change = _by_function(module.change if self._compared else ())
        # What the bad source has and the change did not bring, the innocent kernel has too.
        self._tree = _by_function(() if self._compared else module.tree)

    def of(self, function: FunctionSource) -> PairingResult:
        """Return what pairing says of a function."""
        at = function.path, function.name
        found = [
            self._of_finding(one, function, source)
            for source, findings in (
                (ReasonSource.PAIRS_CHANGE, self._change),
                (ReasonSource.PAIRS_TREE, self._tree),
            )
            for one in findings.get(at, ())
        ]
        if self._compared and not self._change.get(at) and (calls := self._of_calls(function)):
            found.append(calls)
        best = max(found, key=lambda one: one.ratio, default=None)
        if best is not None and best.ratio > 1:
            return best
        if self._compared and function.changed and function.judged and not self._change.get(at):
            quiet = QUIET.reason(ReasonSource.PAIRS_CHANGE, evidence_words.NO_RELEASE_LOST)
            return PairingResult(reasons=(quiet,))
        return best or PairingResult()

    def _of_finding(
        self, one: Finding, function: FunctionSource, source: ReasonSource
    ) -> PairingResult:
        of_change = source is ReasonSource.PAIRS_CHANGE
        table = PAIRS_CHANGE if of_change else PAIRS_TREE
        lost = one.kind in LOST
        ratio = table[one.confidence] if lost else OTHER_FAULT
        text = evidence_words.pairing_finding(one, of_change=of_change)
        reasons = [ratio.reason(source, text)]
        if lost:
            reasons += self._of_kind(one.pair, one.acquired_by)
        return PairingResult(reasons=tuple(reasons), missing=_missing(one, function))

    def _of_calls(self, function: FunctionSource) -> PairingResult | None:
        """Return what the calls alone say that the change takes away or adds."""
        ways = []
        for one in (*function.released_less, *function.acquired_more):
            released = one in function.released_less
            text = evidence_words.call_balance(one.call, released=released)
            kinds = self._of_kind(one.pair, one.call if one in function.acquired_more else "")
            ways.append(
                PairingResult(reasons=(CALLS.reason(ReasonSource.PAIRS_CHANGE, text), *kinds))
            )
        return max(ways, key=lambda one: one.ratio, default=None)

    def _of_kind(self, pair: str, call: str) -> list[Reason]:
        signature = self._symptoms.signature
        if signature is None:
            return []
        stays = left_behind(pair, self._kinds.get(pair, ""), call)
        text = evidence_words.kind_of_memory(pair, signature, stays)
        if signature not in stays:
            return [OTHER_KIND.reason(ReasonSource.KIND, text)]
        reasons = [KIND.reason(ReasonSource.KIND, text)]
        cache = self._symptoms.slab_cache
        if signature is Signature.OBJECT and named_like(cache, pair):
            reasons.append(
                NAMED.reason(
                    ReasonSource.KIND,
                    evidence_words.slab_cache(cache, reported=self._symptoms.reported),
                )
            )
        return reasons


def _by_function(findings: Iterable[Finding]) -> Mapping[FunctionKey, Sequence[Finding]]:
    found: dict[FunctionKey, list[Finding]] = {}
    for one in findings:
        found.setdefault((one.path, one.function), []).append(one)
    return found


def _missing(one: Finding, function: FunctionSource) -> Missing:
    taken = [of for of in function.taken if of.call in one.release]
    calls = tuple(dict.fromkeys(of.call for of in taken))
    line, label = one.line, _label(one.line, function)
    lines = {of.line for of in taken}
    # A path may end far behind the release that it lacks: what the change took away tells where.
    if len(lines) == 1 and _label(min(lines), function) != label:
        line, label = min(lines), _label(min(lines), function)
    return Missing(
        kind=one.kind,
        release=(*calls, *(call for call in one.release if call not in calls)),
        resource=one.resource,
        acquired_line=one.acquired_line,
        acquired_by=one.acquired_by,
        line=line,
        label=label,
        message=one.message,
        steps=one.steps,
        confidence=one.confidence,
        diff=one.suggestion.diff if one.suggestion else "",
    )


def _label(line: int, function: FunctionSource) -> str:
    """Return the label that a line stands behind; "" where there is none."""
    return next((name for first, last, name in function.labels if first <= line <= last), "")


def left_behind(pair: str, kind: str, call: str = "") -> frozenset[Signature]:
    """Return what stays when the release of a pair is lost; nothing, of a lock.

    Args:
        pair: its name.
        kind: its kind, as contracts have it.
        call: the call that acquired it: a page that was allocated is in no file.
    """
    found = OF_PAIR.get(pair, OF_KIND.get(kind, frozenset()))
    if found == _PAGES and call:
        return _RAW if _ALLOCATES.fullmatch(call) else found - _RAW
    return found


def named_like(cache: str, pair: str) -> bool:
    """Return whether a slab cache is named like a pair: ``btrfs_inode``, ``inode-reference``."""
    if cache.startswith("kmalloc"):
        return pair in ("slab-memory", "kv-memory")
    words = set(_NAME_WORD.findall(pair.lower())) - _SAY_NOTHING
    return bool(words) and words <= set(_NAME_WORD.findall(cache.lower()))


def reachability_evidence(function: FunctionSource, symptoms: Symptoms) -> list[Reason]:
    """Return what options and workloads say of a function."""
    found = _options(function, symptoms)
    if function.workloads and symptoms.workloads:
        guilty = function.workloads & symptoms.workloads
        text = evidence_words.workload(min(guilty or function.workloads), guilty=bool(guilty))
        ratio = WORKLOAD if guilty else OTHER_WORKLOAD
        found.append(ratio.reason(ReasonSource.OPTIONS, text))
    return found


def _options(function: FunctionSource, symptoms: Symptoms) -> list[Reason]:
    named = set(_WORD.findall(f"{function.path.rpartition('/')[2]} {function.name}".lower()))
    guilty, innocent = option_words(symptoms.guilty), option_words(symptoms.innocent)
    own = (guilty - innocent) & named
    if own:
        text = evidence_words.guilty_option(min(symptoms.guilty), min(own))
        return [OPTION.reason(ReasonSource.OPTIONS, text)]
    if function.mounts & symptoms.guilty and not function.mounts & symptoms.innocent:
        text = evidence_words.guilty_option(min(function.mounts & symptoms.guilty))
        return [OPTION.reason(ReasonSource.OPTIONS, text)]
    other = (innocent - option_words(symptoms.used)) & named
    if other:
        text = evidence_words.foreign_name(min(other))
        return [OTHER_OPTION.reason(ReasonSource.OPTIONS, text)]
    mounts = function.mounts
    if mounts and "" not in mounts and symptoms.used and not mounts & symptoms.used:
        text = evidence_words.foreign_option(min(mounts))
        return [OTHER_OPTION.reason(ReasonSource.OPTIONS, text)]
    return []


def option_words(options: frozenset[str]) -> frozenset[str]:
    """Return the words in mount options that say which code they lead to."""
    found = {word for option in options for word in _WORD.findall(option.lower())}
    return frozenset(word for word in found if len(word) >= _LEAST) - _COMMON
