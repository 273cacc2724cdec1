"""What a static review of C source finds: a resource, the path that loses it, what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto


class FindingKind(StrEnum):
    """What is wrong with the pairing."""

    LEAK = "leak"
    """Acquired, and a path ends without the release."""
    OVERWRITTEN = "overwritten"
    """Acquired again, or its only name reassigned, while still held."""
    DOUBLE_RELEASE = "double-release"
    """Released twice on one path."""
    UNHELD = "release-of-unheld"
    """Released on a path that did not acquire it."""
    USE_AFTER_RELEASE = "use-after-release"
    """Dereferenced on a path after its release."""
    WRONG_ORDER = "wrong-order"
    """Released while something acquired later, and to be released first, is still held."""
    WRONG_MODE = "wrong-mode"
    """Released in another mode than it was acquired in (read against write)."""
    LOST_RELEASE = "lost-release"
    """A change took away a release that the function did before (``--diff`` only)."""


LOST = frozenset({FindingKind.LEAK, FindingKind.OVERWRITTEN, FindingKind.LOST_RELEASE})
"""Kinds after which something stays that should have been released."""


class Confidence(StrEnum):
    """How much a finding may be trusted; ``Finding.reason`` says why."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """2 for high, 1 for medium, 0 for low."""
        return {"high": 2, "medium": 1, "low": 0}[self.value]


class ConfidenceReason(Enum):
    """Why a finding has its confidence; ``render/words.py`` has the words."""

    RELEASED_ELSEWHERE = auto()
    HANDOVER = auto()
    STORED = auto()
    OWN_CONTRACT = auto()
    ANNOTATED = auto()
    RESULT_NAMES_LOCK = auto()
    MAY_BE_RELEASED_BY_CALL = auto()
    HELD_AT_EVERY_EXIT = auto()
    RESULT_TELLS = auto()
    RESULT_MAY_TELL = auto()
    OBJECT_HANDED_ON = auto()
    BOUND_REACHED = auto()
    ERROR_TAKEN_FOR_NONE = auto()
    LOOP_NOT_ENTERED = auto()
    NOT_ACQUIRED_HERE = auto()
    UNKNOWN_ACQUIRE = auto()
    INFERRED_ACQUIRE = auto()
    REFERENCE_MAY_STAY = auto()
    RELEASED_ON_FAILURE_ONLY = auto()
    RELEASED_ELSEWHERE_MAY_ESCAPE = auto()
    LOST_ON_FAILURE = auto()
    MAY_HAVE_ESCAPED = auto()
    ESCAPES_ELSEWHERE = auto()
    NEVER_RELEASED = auto()
    ON_ONE_PATH = auto()
    NO_CONTRACT = auto()
    MAY_HAVE_ESCAPED_BEFORE = auto()
    UNCHECKED_ACQUIRE = auto()
    LAST_ALIAS_LOST = auto()
    ACQUIRED_TWICE = auto()
    MAY_HOLD_ANOTHER = auto()
    BOTH_ON_ONE_PATH = auto()
    LIFO = auto()
    NEXT_ITERATION = auto()
    BRANCH_BETWEEN = auto()
    TWO_REFERENCES = auto()
    UNKNOWN_MODE = auto()
    ACQUIRED_ELSEWHERE = auto()
    CALLERS_LOCK = auto()
    BALANCED_BEFORE = auto()
    SAME_EXIT_RELEASED = auto()
    EVERY_EXIT_RELEASED = auto()
    SOME_EXIT_RELEASED = auto()
    RELEASED_LESS_OFTEN = auto()


class StepKind(StrEnum):
    """What a step of a path is."""

    ACQUIRE = "acquire"
    BRANCH = "branch"
    GOTO = "goto"
    LOOP = "loop"
    CALL = "call"
    RELEASE = "release"
    USE = "use"
    RETURN = "return"
    END = "end"


@dataclass(frozen=True, kw_only=True)
class PathStep:
    """One step of a path, in the code's own words.

    Attributes:
        line: line in the finding's file, from 1.
        kind: what happens there.
        text: the code, white space folded (hostile: escape before showing).
        note: what it means for the resource, in our words; may be empty.
    """

    line: int
    kind: StepKind
    text: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A single insertion that balances all paths.

    Attributes:
        before_line: the text goes in before this line, from 1.
        text: one line of C, indented, without its newline.
        diff: the same as a unified diff with three lines of context.
    """

    before_line: int
    text: str
    diff: str


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One imbalance.

    Attributes:
        kind: what is wrong.
        pair: name of the contract's pair.
        resource: the C expression that names the resource in the function.
        function: the function that holds it.
        path: file, relative to the tree that was reviewed.
        line: where it goes wrong (the return, the second release, ...), from 1.
        column: column of that place, from 1.
        acquired_line: where it was acquired; None when the caller handed it over.
        acquired_by: the call that acquired it; empty when the caller handed it over.
        release: calls that would release it, the likeliest first.
        message: one sentence.
        steps: the path, in order.
        confidence: how much to trust it.
        reason: why that much.
        probability: how probable it is that it is real; see rules/probability.py.
        suggestion: the insertion that balances all paths, when there is a single one.
        passed: the path gives the resource to a call that no contract knows.
        also: lines of further places where the same resource is lost in the same way.
    """

    kind: FindingKind
    pair: str
    resource: str
    function: str
    path: str
    line: int
    column: int
    acquired_line: int | None
    acquired_by: str
    release: tuple[str, ...]
    message: str
    steps: tuple[PathStep, ...]
    confidence: Confidence
    reason: ConfidenceReason
    probability: float = 0.0
    suggestion: Suggestion | None = None
    passed: bool = False
    also: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """Something that could not be judged, and so is not clean.

    Attributes:
        path: the file.
        line: first line of it, from 1; 0 for the whole file.
        function: the function's name, where known.
        what: why.
    """

    path: str
    line: int
    function: str
    what: str


@dataclass(frozen=True, kw_only=True)
class Review:
    """All that a review of a tree or of a change says.

    Attributes:
        findings: of a tree: all; of a change: what it introduces. The most probable first, those
            that are equally probable by file and line.
        fixed: of a change: what it takes away (places are in the old version).
        unjudged: what could not be read or followed to its end.
        files: files read.
        functions: functions judged.
        lines: lines read.
        known: findings that were left out because a baseline has them.
        cut: findings that were left out because others are more probable.
        change: what was compared (``A..B``); empty for a tree.
    """

    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    files: int = 0
    functions: int = 0
    lines: int = 0
    known: int = 0
    cut: int = 0
    change: str = ""
