"""How much each piece of evidence counts: one table, each row with its reason.

A ratio says how much likelier the piece is to be seen of the function that is at fault than of
another one. They are rough, and meant to be: an order of magnitude apart where the reasons are.
None is fitted to a case. docs/clue.md holds the same table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from anyclue.hunt.clue.model import Reason, ReasonSource
from anyclue.hunt.probes.core.model import StackEvidence
from anyclue.review.pairs.model import Confidence


@dataclass(frozen=True, kw_only=True)
class LikelihoodRatio:
    """A row: what is seen, its ratio, and why that much."""

    seen: str
    ratio: float
    why: str

    def reason(self, source: ReasonSource, text: str) -> Reason:
        """Return that it was seen of a function; ``text`` says what."""
        return Reason(source=source, ratio=self.ratio, text=text)


PRIOR_UNCHANGED: Final = 0.02
"""Share of regressions whose function is the same in both kernels: a macro or a type changed."""

PRIOR_ELSEWHERE_ALONE: Final = 0.02
"""Probability, before any evidence, that it is no function of the module, where nothing else
differs between the kernels."""
PRIOR_ELSEWHERE: Final = 0.3
"""The same where other things differ too, or where there is no good kernel."""

PAIRS_CHANGE: Final[Mapping[Confidence, LikelihoodRatio]] = MappingProxyType(
    {
        Confidence.HIGH: LikelihoodRatio(
            seen="pairing: the change loses a release, confidence high",
            ratio=90,
            why="nine of ten lost releases are told; of changes of nothing fewer than one in a"
            " hundred is (make bench-pairs)",
        ),
        Confidence.MEDIUM: LikelihoodRatio(
            seen="the same, confidence medium",
            ratio=60,
            why="told as often, with a doubt",
        ),
        Confidence.LOW: LikelihoodRatio(
            seen="the same, confidence low",
            ratio=10,
            why="it may be meant so",
        ),
    }
)
PAIRS_TREE: Final[Mapping[Confidence, LikelihoodRatio]] = MappingProxyType(
    {
        Confidence.HIGH: LikelihoodRatio(
            seen="pairing: the bad source by itself loses a release, confidence high",
            ratio=50,
            why="without the change about half of the lost releases are told, and one function in a"
            " hundred of a tree that works",
        ),
        Confidence.MEDIUM: LikelihoodRatio(
            seen="the same, confidence medium",
            ratio=20,
            why="told as often, with a doubt",
        ),
        Confidence.LOW: LikelihoodRatio(
            seen="the same, confidence low",
            ratio=2,
            why="most of these are meant so",
        ),
    }
)
OTHER_FAULT: Final = LikelihoodRatio(
    seen="pairing tells something else: released twice, used after the release, wrong order",
    ratio=3,
    why="a fault, but none that leaves memory behind",
)
CALLS: Final = LikelihoodRatio(
    seen="pairing tells nothing, but the change takes away a release or adds an acquisition",
    ratio=8,
    why="most faults of this kind do that, and few other changes",
)
QUIET: Final = LikelihoodRatio(
    seen="pairing followed the changed function and tells nothing",
    ratio=0.25,
    why="one lost release in ten is missed, and not every fault is one",
)
KIND: Final = LikelihoodRatio(
    seen="what is lost is of the kind that grew",
    ratio=6,
    why="there are about as many kinds, and a finding that is false may be of any",
)
OTHER_KIND: Final = LikelihoodRatio(
    seen="it is of another kind",
    ratio=0.1,
    why="the kind is read from counters, and is seldom wrong",
)
NAMED: Final = LikelihoodRatio(
    seen="the slab cache that grew is named like it",
    ratio=4,
    why="a few caches grow with each other, most do not",
)
OPTION: Final = LikelihoodRatio(
    seen="the function or its file belongs to the guilty option, and to no innocent one",
    ratio=10,
    why="what an option alone brings to light is mostly in its own code, a small part of a module",
)
OTHER_OPTION: Final = LikelihoodRatio(
    seen="it belongs to an option that the guilty cells do not have",
    ratio=0.1,
    why="it was hardly run",
)
WORKLOAD: Final = LikelihoodRatio(
    seen="the guilty workload is known to reach it",
    ratio=1.5,
    why="workloads reach much",
)
OTHER_WORKLOAD: Final = LikelihoodRatio(
    seen="it is known by what reaches it, and the guilty workload is not that",
    ratio=0.5,
    why="that table holds what reaches a function best, not all that does",
)
STACK: Final[Mapping[StackEvidence, LikelihoodRatio]] = MappingProxyType(
    {
        StackEvidence.REFERENCE: LikelihoodRatio(
            seen="the first function of the module on the stack of a reference that nobody put",
            ratio=60,
            why="the unmatched get itself is seen",
        ),
        StackEvidence.ALLOCATION: LikelihoodRatio(
            seen="the same of a page that nobody freed",
            ratio=20,
            why="who allocates frees, or hands it to one who does",
        ),
        StackEvidence.OBJECT: LikelihoodRatio(
            seen="the same of a slab object that nobody freed",
            ratio=20,
            why="who allocates frees, or hands it to one who does",
        ),
        StackEvidence.VMALLOC: LikelihoodRatio(
            seen="the same of mapped kernel memory that nobody freed",
            ratio=20,
            why="who allocates frees, or hands it to one who does",
        ),
        StackEvidence.KMAP: LikelihoodRatio(
            seen="the same of a mapping that nobody undid",
            ratio=40,
            why="maps are undone by the function that makes them",
        ),
        StackEvidence.CALL: LikelihoodRatio(
            seen="the caller of an acquisition made more often, or of a release made less often",
            ratio=40,
            why="the call that is too much or missing is seen; other work makes other calls, too",
        ),
        StackEvidence.INCIDENT: LikelihoodRatio(
            seen="the module's first function on the stack of what broke, or of a task that hangs",
            ratio=10,
            why="a kernel often breaks near the fault, and may break later",
        ),
    }
)
INNOCENT_WRITE: Final = LikelihoodRatio(
    seen="a page was allocated there, and what is missing is a reference's put",
    ratio=1.2,
    why="a page-cache page is allocated by whoever writes to the file; that is innocent",
)
WRAPPER: Final = LikelihoodRatio(
    seen="the function on the stack is named like a wrapper (alloc, get, find, grab)",
    ratio=0.5,
    why="a wrapper hands on what it gets, and its caller owes the release; this is of the ratio"
    " above 1",
)
DEPTH: Final = LikelihoodRatio(
    seen="each further function of the module towards the outer end of the stack",
    ratio=0.5,
    why="the further out, the less it has to do with it; this is of the ratio above 1",
)
MOST_EVIDENCE: Final = 1e4
"""What all evidence on one function can say together for or against it, besides its change."""


def all_ratios() -> tuple[LikelihoodRatio, ...]:
    """Return every row, in the order of the documentation."""
    return (
        *PAIRS_CHANGE.values(),
        *PAIRS_TREE.values(),
        *(OTHER_FAULT, CALLS, QUIET, KIND, OTHER_KIND, NAMED),
        *(OPTION, OTHER_OPTION, WORKLOAD, OTHER_WORKLOAD),
        *STACK.values(),
        *(INNOCENT_WRITE, WRAPPER, DEPTH),
    )
