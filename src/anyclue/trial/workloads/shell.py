"""Commands of the user's own, run by the guest's shell."""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.trial.workloads.workload import MNT, Script, Workload, WorkloadPlan, size_mib

PHASES = ("write", "exercise", "remove")


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    write, exercise, remove = (_phase(str(parameters[name])) for name in PHASES)
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=write,
        exercise=exercise,
        remove=remove,
    )


def _script(parameters: Mapping[str, Scalar]) -> Script:
    write, exercise, remove = (str(parameters[name]) for name in PHASES)
    return Script(write=write, exercise=exercise, remove=remove)


def _phase(text: str) -> tuple[tuple[str, ...], ...]:
    return (("env", f"MNT={MNT}", "sh", "-c", text),) if text.strip() else ()


def _rule(name: str, default: str, summary: str) -> ParameterRule:
    return ParameterRule(name=name, default=default, lines=True, summary=summary)


WORKLOAD = Workload(
    name="shell",
    summary="commands of yours, for a POSIX shell; $MNT is where the file system is mounted",
    parameters=(
        _rule("write", "true", "what leaves everything on disk"),
        _rule("exercise", "", "what reads back, overwrites, cuts"),
        _rule("remove", Script(write="").remove, "what removes it again"),
        size_mib(256),
    ),
    plan=_plan,
    script=_script,
)
