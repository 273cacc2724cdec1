"""The machine axis: from its tables to ``Machine``, with memory in MiB."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from anyclue.model.scenario import Arch, Machine
from anyclue.scenarios.problems import Problems
from anyclue.scenarios.schema import MachineTable
from anyclue.scenarios.schema_problems import table_or_none

_MIN_RAM_MIB = 128
_MAX_RAM_MIB: Mapping[Arch, int] = {
    Arch.I386: 64 * 1024,  # what PAE can address
    Arch.X86_64: 4 * 1024 * 1024,
}


def read_machines(tables: Mapping[str, Any], problems: Problems) -> dict[str, Machine]:
    """Return the machines whose tables are right; note what is wrong with the others."""
    machines = {}
    for name, value in tables.items():
        facts = (
            {key: value.get(key) for key in ("arch", "ram")} if isinstance(value, Mapping) else None
        )
        table = table_or_none(MachineTable, facts)
        if table is not None:  # what cpus is does not matter for these checks
            arch = Arch(table.arch)
            ram_mib = _ram_mib(table.ram, arch, name, problems)
            cpus = value.get("cpus", table.cpus)
            machines[name] = Machine(name=name, arch=arch, ram_mib=ram_mib, cpus=cpus)
    return machines


def _ram_mib(text: str, arch: Arch, name: str, problems: Problems) -> int:
    path = ("machines", name, "ram")
    mib = Fraction(text[:-3].strip()) * (1024 if text.endswith("GiB") else 1)
    most = _MAX_RAM_MIB[arch]
    if mib.denominator != 1:
        problems.add(path, f'"{text}" is not a whole number of MiB', f'write "{round(mib)} MiB"')
    elif mib < _MIN_RAM_MIB:
        problems.add(
            path,
            f'"{text}" is too little for a guest',
            f"give it at least {_MIN_RAM_MIB} MiB",
        )
    elif mib > most:
        problems.add(
            path,
            f'"{text}" is more than a guest of arch {arch} can have',
            f"give it at most {most // 1024} GiB",
        )
    return int(mib)
