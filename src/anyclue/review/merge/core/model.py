"""What a review of a merge says: by function, what the resolution did, and what it lost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from anyclue.git.model import CommitSubject
from anyclue.review.merge.core.definitions import DefinitionKind
from anyclue.review.merge.core.guest_test import Blame, MergeTest
from anyclue.review.pairs.model import Finding, Unjudged

OUTSIDE = ""
"""The name of the text of a file that is in no function."""


class FunctionKey(NamedTuple):
    """A function, or ``OUTSIDE``, of a file: by its path, or what the file is known by."""

    path: str
    function: str


@dataclass(frozen=True, kw_only=True)
class SourceLine:
    """A line of a file: its number, from 1, and its text."""

    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A parent of a merge: ``ours``, ``theirs``, ``theirs 2`` and so on, and its id."""

    name: str
    commit: str


@dataclass(frozen=True, kw_only=True)
class FormerPlace:
    """Where a side has a function that the result has elsewhere.

    Attributes:
        function: its name there.
        path: its file there, when that is another one.
        side: which side.
    """

    function: str
    path: str
    side: str


class TextSource(StrEnum):
    """Where a function's text in the result comes from."""

    AUTOMATIC = "automatic"
    """It is what git merges by itself."""
    SIDE = "side"
    """It is one side's, where git had a conflict or something else."""
    COMBINED = "combined"
    """Every line is on one of the sides."""
    NEW_TEXT = "new-text"
    """Some lines are on neither side."""
    CUT = "cut"
    """Lines that every side has are gone."""
    REORDERED = "reordered"
    """Every line is on one of the sides, in an order, or behind a condition, that none has."""
    REMOVED = "removed"
    """It is gone, and no side took it away."""


EVIL = frozenset({TextSource.NEW_TEXT, TextSource.CUT, TextSource.REORDERED, TextSource.REMOVED})
"""What no side asked for."""


class Origin(StrEnum):
    """Where an imbalance comes from."""

    CAME = "came"
    """A side has it already."""
    RESOLUTION = "resolution"
    """No side has it; it is where the result is not what git merges by itself."""
    MERGE = "merge"
    """No side has it, and nobody resolved anything there."""
    LOST = "lost"
    """A side mended it, and the result has it again."""


class Similarity(StrEnum):
    """How a function of the result compares to that of another resolution."""

    SAME = "same"
    EQUIVALENT = "equivalent"
    """Equal but for white space, comments and the order of independent declarations."""
    DIFFERENT = "different"


@dataclass(frozen=True, kw_only=True)
class FunctionResolution:
    """What a resolution did to one function.

    Attributes:
        path: its file in the result, or where it was last.
        function: its name; ``OUTSIDE`` for what is in no function.
        line: where it begins in the result, from 1; 0 when it is not there.
        conflict: whether git left a conflict in it.
        taken: where its text comes from.
        side: whose text it is, when it is one side's.
        new_lines: lines that are on neither side, or more often than both explain.
        cut_lines: lines that every side has, and the result has not; numbers on the first side.
        moved_lines: lines in an order, or behind a condition, that no side has.
        moved_from: where a side has it, when that is under another path or name.
    """

    path: str
    function: str
    line: int
    conflict: bool
    taken: TextSource
    side: str = ""
    new_lines: tuple[SourceLine, ...] = ()
    cut_lines: tuple[SourceLine, ...] = ()
    moved_lines: tuple[SourceLine, ...] = ()
    moved_from: FormerPlace | None = None


@dataclass(frozen=True, kw_only=True)
class LostLine:
    """A line of a side's change that the result lost.

    Attributes:
        added: whether the side added it (and the result lacks it), or removed it (and it is back).
        line: its number in the side's file, or, when the side removed it, in the base's.
        text: the line.
    """

    added: bool
    line: int
    text: str


@dataclass(frozen=True, kw_only=True)
class DroppedChange:
    """A change of one side, in one function, that the result lost.

    Attributes:
        path: the function's file on that side.
        function: its name there; ``OUTSIDE`` for what is in no function.
        side: whose change it is.
        conflict: whether git left a conflict in the function.
        lines: what was lost.
        commits: those of the side that made the change; none where that was not found in time.
    """

    path: str
    function: str
    side: str
    conflict: bool
    lines: tuple[LostLine, ...]
    commits: tuple[CommitSubject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Imbalance:
    """A finding about pairing, and where it comes from.

    Attributes:
        finding: what is wrong; of a lost fix, places may be those of the base.
        origin: where it comes from.
        sides: which sides have it, or had mended it.
        commits: those of a side that brought it; none where that was not found in time.
    """

    finding: Finding
    origin: Origin
    sides: tuple[str, ...] = ()
    commits: tuple[CommitSubject, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DefinitionPlace:
    """Where something is defined in the result: a line, from 1."""

    path: str
    line: int


@dataclass(frozen=True, kw_only=True)
class RepeatedDefinition:
    """What the result defines more often than any side: it is no C, or a leftover.

    Attributes:
        kind: what is defined.
        name: its name.
        places: the definitions, in one file or in a header and a file that includes it.
        added: which sides added one; none where they moved what the base had.
        origin: ``MERGE`` where git merged it so without a conflict, else ``RESOLUTION``.
    """

    kind: DefinitionKind
    name: str
    places: tuple[DefinitionPlace, ...]
    added: tuple[str, ...]
    origin: Origin


@dataclass(frozen=True, kw_only=True)
class Resolution:
    """What is said of one result of a merge.

    Attributes:
        title: the result, in the user's words.
        functions: those in conflict, or other than git merges them.
        dropped: changes of a side that it lost.
        imbalances: what it does not release, and the like, that the merge base did not have.
        unjudged: what of the files in question could not be judged.
        unresolved: files in which conflict markers are left.
        beyond: files that are no C sources, and not what git merges.
        repeated: what is defined more often than on any side.
    """

    title: str
    functions: tuple[FunctionResolution, ...] = ()
    dropped: tuple[DroppedChange, ...] = ()
    imbalances: tuple[Imbalance, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    unresolved: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    repeated: tuple[RepeatedDefinition, ...] = ()

    @property
    def accused(self) -> tuple[Imbalance, ...]:
        """Imbalances that no side brought."""
        return tuple(one for one in self.imbalances if one.origin != Origin.CAME)

    @property
    def innocent(self) -> bool:
        """Whether it broke and lost nothing that either side had right."""
        cut = any(one.cut_lines for one in self.functions)
        lost = self.dropped or self.unresolved or self.repeated or cut
        return not lost and all(one.origin == Origin.MERGE for one in self.accused)


@dataclass(frozen=True, kw_only=True)
class FunctionComparison:
    """One function of the result beside that of the other resolution.

    Attributes:
        path: its file in the result, or in the other resolution.
        function: its name; ``OUTSIDE`` for what is in no function.
        similarity: how they compare.
        diff: where they differ, as a unified diff from the other resolution to the result.
    """

    path: str
    function: str
    similarity: Similarity
    diff: str = ""


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """What to run so that functions are reached.

    Attributes:
        functions: which; empty in the table itself.
        mount: options for ``mount -o``, one set after another; "" is none.
        how: operations, in words; "" when nothing is known of these functions.
        workloads: names of built-in workloads.
        fstests: groups of upstream fstests.
    """

    functions: tuple[FunctionKey, ...] = ()
    mount: tuple[str, ...] = ()
    how: str = ""
    workloads: tuple[str, ...] = ()
    fstests: tuple[str, ...] = ()

    def of(self, functions: Iterable[FunctionKey]) -> Exercise:
        """Return the same for these functions."""
        return replace(self, functions=tuple(functions))


class LineMark(StrEnum):
    """What became of a line in the result."""

    SAME = "same"
    """It is in the merge base, on every side and in the result."""
    TAKEN = "taken"
    """Sides added it, and the result has it."""
    NEW = "new"
    """The result has it, and no side has."""
    MOVED = "moved"
    """It stands elsewhere in the function: in the result, or on a side."""
    BACK = "back"
    """Sides removed it, and the result has it."""
    REMOVED = "removed"
    """Sides removed it, and so did the result."""
    CUT = "cut"
    """Every side has it as the base has, and the result has not."""
    LEFT = "left"
    """Sides added it, and the result has not."""
    LOST = "lost"
    """It is part of a change that the result dropped."""
    OTHER = "other"
    """Only the other resolution has it."""


@dataclass(frozen=True, kw_only=True)
class Pane:
    """One version of a function.

    Attributes:
        version: ``base``, the name of a side, ``result`` or ``against``.
        path: its file there; empty when it is not there.
        function: its name there.
    """

    version: str
    path: str = ""
    function: str = ""

    @property
    def there(self) -> bool:
        """Whether this version has the function."""
        return bool(self.path)


@dataclass(frozen=True, kw_only=True)
class PaneRow:
    """One line, in the versions that have it.

    Attributes:
        mark: what became of it.
        sides: whose line it is, or who removed it.
        lines: of each pane; None where it is not.
        skipped: this one stands for so many that are alike in every version, and has no lines.
    """

    mark: LineMark
    sides: tuple[str, ...] = ()
    lines: tuple[SourceLine | None, ...] = ()
    skipped: int = 0


@dataclass(frozen=True, kw_only=True)
class FunctionPanes:
    """One function, its versions beside each other.

    Attributes:
        path: its file in the result, or where it was last.
        function: its name; empty for what is in no function.
        panes: the versions.
        rows: the lines of all of them, equal ones in one row.
        left_out: so many rows follow that are not here.
    """

    path: str
    function: str
    panes: tuple[Pane, ...]
    rows: tuple[PaneRow, ...]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class MergeReview:
    """A merge, its result, and another resolution of it when one was asked for.

    Attributes:
        sides: the parents, ``ours`` first.
        files: C files that at least two sides changed, or that are not what git merges.
        conflicts: files in which git found a conflict.
        result: what is said of the result.
        against: the same of the other resolution.
        compared: the functions in which the result may differ from it.
        exercises: what reaches the functions that the review of the result names.
        test: what guests said, when they were asked.
        panes: functions side by side, for a page; those with something to look at, when many.
    """

    sides: tuple[Parent, ...]
    files: int
    conflicts: int
    result: Resolution
    against: Resolution | None = None
    compared: tuple[FunctionComparison, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    test: MergeTest | None = None
    panes: tuple[FunctionPanes, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there is something to look at in the result."""
        result = self.result
        evil = any(one.taken in EVIL for one in result.functions)
        guilty = self.test is not None and self.test.blame is Blame.GUILTY
        left = result.unresolved or result.beyond or result.repeated
        return bool(guilty or evil or left or result.dropped or result.imbalances)
