"""Which fix and which branches a user asks about."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyclue.git import repository as git
from anyclue.git.history import Ref, abbreviated, commits, full_name, mainlines, refs
from anyclue.git.model import Commit, Repository
from anyclue.model.errors import Problem, RequestError
from anyclue.review.stable.core.messages import FixesTag, fixes_tags
from anyclue.review.stable.core.model import TitleMismatch

_STABLE = re.compile(r"(?:^|/)(?:linux-|stable[/-](?:linux-)?)v?(\d+)\.(\d+)(?:\.\d+)?(?:\.[xy])?$")
_GLOB = re.compile(r"[*?\[]")
_OVERRIDE = "--culprit REV names it, in place of the fix's Fixes: lines"
_DEEPEN = "bring more history: git fetch --unshallow, or --deepen=N; or: "


@dataclass(frozen=True, kw_only=True)
class StableRequest:
    """A fix, and the branches that may need it, in a user's words.

    Attributes:
        fix: the commit that fixes something.
        tree: a directory of the repository.
        trees: refs and patterns of refs; none for the branches that look like stable ones.
        culprits: what it fixes, in place of its ``Fixes:`` lines.
    """

    fix: str
    tree: Path = Path()
    trees: tuple[str, ...] = ()
    culprits: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ResolvedRequest:
    """The commits and refs that a request names.

    Attributes:
        fix: the fix.
        culprits: what it fixes.
        trees: the branches, by full name, or the user's words when they are no ref.
        upstream: tips of the branches, beside these, that have the fix.
        notes: what of it is odd.
    """

    fix: Commit
    culprits: tuple[Commit, ...]
    trees: tuple[Ref, ...]
    upstream: tuple[str, ...]
    notes: tuple[TitleMismatch, ...]


def resolve(repo: Repository, request: StableRequest) -> ResolvedRequest:
    """Return the fix, its culprits and the branches.

    Raises:
        RequestError: every mistake: unknown revisions and refs, ``Fixes:`` lines that name no
            commit of this clone, no branch to look at.
    """
    problems: list[Problem] = []
    fix = _fix(repo, request.fix, problems)
    notes: list[TitleMismatch] = []
    if request.culprits:
        culprits = _given(repo, request.culprits, problems)
    else:
        culprits = _named(repo, fix, problems, notes) if fix else []
    trees = _trees(repo, request.trees, problems)
    if fix and fix.id in culprits:
        what = "the fix cannot be what it fixes"
        problems.append(Problem(what=what, where=fix.id[:12], next_step=_OVERRIDE))
    if problems or fix is None:
        raise RequestError(list(dict.fromkeys(problems)))
    return ResolvedRequest(
        fix=fix,
        culprits=tuple(commits(repo, list(dict.fromkeys(culprits)))),
        trees=trees,
        upstream=_upstream(repo, fix.id, {one.commit for one in trees}),
        notes=tuple(notes),
    )


def _fix(repo: Repository, text: str, problems: list[Problem]) -> Commit | None:
    try:
        at = git.commit(repo, text)
    except RequestError as error:
        problems += error.problems
        return None
    (fix,) = commits(repo, [at])
    number = len(git.parents(repo, at))
    if number != 1:
        has = "no parent" if number == 0 else f"{number} parents"
        step = "name the commit that makes the change"
        problems.append(Problem(what=f"{text!r} is no fix: it has {has}", next_step=step))
    return fix


def _given(repo: Repository, texts: Sequence[str], problems: list[Problem]) -> list[str]:
    found = []
    for text in texts:
        try:
            found.append(git.commit(repo, text))
        except RequestError as error:
            problems += error.problems
    return found


def _named(
    repo: Repository, fix: Commit, problems: list[Problem], notes: list[TitleMismatch]
) -> list[str]:
    """Return the ids of what ``Fixes:`` lines name."""
    tags = fixes_tags(fix.message)
    if not tags:
        what = "the fix has no Fixes: line, so what it fixes is not known"
        step = "--culprit REV names it"
        problems.append(Problem(what=what, where=fix.id[:12], next_step=step))
    found = []
    for tag in tags:
        ids = abbreviated(repo, tag.id) if tag.id else ()
        every = commits(repo, ids)
        right = [one for one in every if one.title == tag.title] or every
        if len(right) != 1:
            problems.append(_unnamed(repo, fix, tag, ids))
            continue
        (one,) = right
        found.append(one.id)
        if tag.title and one.title != tag.title:
            notes.append(TitleMismatch(line=tag.text, commit=one.id, title=one.title))
    return found


def _unnamed(repo: Repository, fix: Commit, tag: FixesTag, ids: Sequence[str]) -> Problem:
    step = _OVERRIDE
    if not tag.id:
        what = "does not begin with a commit's id of 7 digits or more"
    elif ids:
        what = f"is ambiguous: {' and '.join(one[:16] for one in ids)}"
    else:
        what = "no such commit in this clone"
        step = _DEEPEN + step if repo.shallow else step
    return Problem(what=what, where=f"{fix.id[:12]}: Fixes: {tag.text}", next_step=step)


def _trees(repo: Repository, texts: Sequence[str], problems: list[Problem]) -> tuple[Ref, ...]:
    found: list[Ref] = []
    for text in texts:
        if _GLOB.search(text) and "\0" not in text:
            matched = refs(repo, text)
            if not matched:
                step = "git for-each-ref shows what there is; quote the pattern for the shell"
                problems.append(Problem(what=f"no ref matches {text!r}", next_step=step))
            found += matched
            continue
        try:
            at = git.commit(repo, text)
        except RequestError as error:
            problems += error.problems
            continue
        found.append(Ref(name=full_name(repo, text) or text, commit=at))
    if not texts:
        found = _stable(repo)
        if not found:
            what = "no branch here looks like a stable one (linux-6.1.y, stable/6.1)"
            step = "--trees REF names branches; patterns do too: --trees 'origin/linux-*.y'"
            problems.append(Problem(what=what, where=str(repo.at), next_step=step))
    return tuple({one.name: one for one in found}.values())


def _stable(repo: Repository) -> list[Ref]:
    """Return the branches named as stable ones, a copy of another one left out, by version."""
    found: dict[tuple[str, str], Ref] = {}
    order: dict[str, tuple[int, int]] = {}
    for one in refs(repo):
        named = _STABLE.search(one.short)
        if named:
            order[one.name] = int(named[1]), int(named[2])
            found.setdefault((one.commit, one.short.rpartition("/")[2]), one)
    return sorted(found.values(), key=lambda one: order[one.name], reverse=True)


def _upstream(repo: Repository, fix: str, trees: set[str]) -> tuple[str, ...]:
    tips = [one.commit for one in mainlines(repo, fix)]
    head = git.head(repo)
    if head and head not in tips and git.merge_base(repo, head, fix) == fix:
        tips.append(head)
    return tuple(one for one in dict.fromkeys(tips) if one not in trees)
