"""The versions of one module in a merge: base, parents, result and the other resolution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anyclue.git import repository as git
from anyclue.git.merge import scratch_repository
from anyclue.git.model import Repository
from anyclue.model.errors import Problem, RequestError
from anyclue.review.merge.core.guest_test import AGAINST, BASE, RESULT
from anyclue.review.merge.driver.inputs import merge_base_of
from anyclue.review.merge.driver.request import Merge, MergeRequest, find_merge


@dataclass(frozen=True, kw_only=True)
class ModuleVersions:
    """One directory in the versions of a merge.

    Attributes:
        sources: its files in each version, by path from the top of the tree.
        parents: the versions that are the merge's parents.
        outside: C sources outside the directory that a commit of the merge has changed.
    """

    sources: Mapping[str, Mapping[str, bytes]]
    parents: tuple[str, ...]
    outside: tuple[str, ...]


def module_versions(request: MergeRequest, directory: str) -> ModuleVersions:
    """Return a directory in the versions of a merge; the base is left out where it has none.

    Raises:
        RequestError: everything that is wrong with the request; a version but the base has no
            such directory.
    """
    real = git.repository(request.tree)
    merge = find_merge(real, request)
    parents = {one.name.replace(" ", "-"): one.commit for one in merge.sides}
    with scratch_repository(real) as repo:
        base = merge_base_of(repo, merge.parents)
        commits = {BASE: base, **parents, RESULT: merge.result, AGAINST: merge.against}
        found = {
            name: git.below(repo, rev, directory)
            for name, rev in commits.items()
            if rev is not None
        }
        outside = _outside(repo, merge, base, directory)
    if merge.result is None:
        found[RESULT] = git.work_tree_below(real, directory)
    problems = [
        Problem(
            what=f"{name} has no {directory}",
            where=str(real.at),
            next_step="the scenario's `module` names a directory of the merged tree",
        )
        for name, files in found.items()
        if not files and name != BASE
    ]
    if problems:
        raise RequestError(problems)
    order = [name for name in commits if found.get(name)]
    return ModuleVersions(
        sources={name: found[name] for name in order}, parents=tuple(parents), outside=outside
    )


def _outside(repo: Repository, merge: Merge, base: str, directory: str) -> tuple[str, ...]:
    revs = [*merge.parents, merge.result, merge.against]
    changed = {
        side.path
        for rev in revs
        if rev is not None
        for one in git.between(repo, base, rev)
        for side in (one.old, one.new)
        if side is not None
    }
    return tuple(sorted(path for path in changed if not path.startswith(f"{directory}/")))
