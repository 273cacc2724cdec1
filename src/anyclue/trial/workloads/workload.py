"""What a built-in workload is: a declaration, from which the commands for a guest follow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from anyclue.model.scenario import ParameterRule, Scalar, WorkloadChoice, WorkloadRules

MNT = "{mnt}"
MOUNT = "{mount}"
"""What mounts the file system there again, as the cell has it; for a shell."""
DROP_CACHES = ("sh", "-c", "echo 3 >/proc/sys/vm/drop_caches")
SYNC = ("sync",)


@dataclass(frozen=True, kw_only=True)
class WorkloadPlan:
    """A workload, ready to run: commands by phase, each an argv for the guest.

    ``write`` leaves everything on disk; ``exercise`` reads back, overwrites, cuts; ``remove``
    removes. ``{mnt}`` stands for the mount point, ``{mount}`` for what mounts there; ``size_mib``
    is the file system's size.
    """

    name: str
    size_mib: int
    write: tuple[tuple[str, ...], ...]
    exercise: tuple[tuple[str, ...], ...] = ()
    remove: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class DoseParameter:
    """Which parameter says how much is done, and one of what it counts.

    ``done`` is the fact of a round that counts it better, ``repeat`` the parameter that says how
    often all of it is done, where there is one.
    """

    parameter: str
    unit: str
    done: str = ""
    repeat: str = ""


@dataclass(frozen=True, kw_only=True)
class Script:
    """A workload's phases as lines of POSIX shell, with tools that every machine has.

    ``$MNT`` is where the file system is mounted.
    """

    write: str
    exercise: str = ""
    remove: str = 'rm -rf "$MNT"/*'


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A built-in workload.

    ``plan`` turns complete parameters into phases; the file system's size is one of them:
    parameter ``size_mib``, which every workload has. ``script`` does nearly the same, for a reader
    to run anywhere.
    """

    name: str
    summary: str
    parameters: tuple[ParameterRule, ...]
    plan: Callable[[Mapping[str, Scalar]], WorkloadPlan]
    dose: DoseParameter | None = None
    script: Callable[[Mapping[str, Scalar]], Script] | None = None

    @property
    def rules(self) -> WorkloadRules:
        """What a scenario may say of it."""
        dose = self.dose or DoseParameter(parameter="", unit="")
        return WorkloadRules(
            name=self.name,
            summary=self.summary,
            parameters=self.parameters,
            dose=dose.parameter,
            done=dose.done,
            repeat=dose.repeat,
            dose_unit=dose.unit,
        )

    def planned(self, choice: WorkloadChoice) -> WorkloadPlan:
        """Return the phases for a scenario's choice; what it leaves out has its default."""
        defaults = {rule.name: rule.default for rule in self.parameters}
        return self.plan({**defaults, **choice.parameters})


def fsload(verb: str, path: str = MNT, /, **options: Scalar) -> tuple[str, ...]:
    """Return the argv of one ``fsload`` operation (see ``fsload/fsload.c``)."""
    return ("fsload", verb, path, *(f"{name}={value}" for name, value in options.items()))


def size_mib(default: int) -> ParameterRule:
    """Return the rule for the size of the file system."""
    return ParameterRule(
        name="size_mib",
        default=default,
        minimum=128,
        maximum=8192,
        unit="MiB",
        summary="size of the file system",
    )
