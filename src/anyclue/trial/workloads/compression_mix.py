"""Sizes and kinds of data that take the different paths of compression and decompression.

Inline files, page-aligned and unaligned sizes, whole 128 KiB extents and more; compressible,
incompressible and mixed data; buffered and O_DIRECT. Written, synced, dropped from the cache, read
back and verified, overwritten with fsync, verified, truncated, verified, removed.
"""

from __future__ import annotations

from collections.abc import Mapping

from anyclue.model.scenario import ParameterRule, Scalar
from anyclue.trial.workloads.workload import (
    DROP_CACHES,
    SYNC,
    DoseParameter,
    Script,
    Workload,
    WorkloadPlan,
    fsload,
    size_mib,
)

SIZES = ("1000", "3000", "4096", "4097", "12288", "65536", "131072", "131073", "200001", "524288")
KINDS = ("text", "random", "mixed")
MODES = ("buffered", "direct")
STEPS = ("verify", "overwrite", "truncate")

# What stands for each of fsload's operations where there is no fsload.
_DATA = {
    "text": 'yes "it compresses well" | head -c $1',
    "random": "head -c $1 /dev/urandom",
    "mixed": '{ yes "it compresses well" | head -c $(($1 / 2)); '
    "head -c $(($1 - $1 / 2)) /dev/urandom; }",
}
_WRITTEN = {
    "buffered": '>"$f"',
    "direct": '| dd of="$f" bs=$1 iflag=fullblock oflag=direct 2>/dev/null',
}
_STEPS = {
    "verify": 'sync; echo 3 >/proc/sys/vm/drop_caches; cat "$MNT"/* >/dev/null',
    "overwrite": 'for f in "$MNT"/*; do head -c $(($(wc -c <"$f") / 2)) /dev/urandom | '
    'dd of="$f" bs=64k conv=notrunc,fsync 2>/dev/null; done',
    "truncate": 'for f in "$MNT"/*; do truncate -s $(($(wc -c <"$f") / 2 + 1)) "$f"; done; sync',
}


def _plan(parameters: Mapping[str, Scalar]) -> WorkloadPlan:
    files = {name: parameters[name] for name in ("sizes", "kinds", "modes", "copies")}
    steps = _words(parameters, "steps")
    exercise: list[tuple[str, ...]] = []

    def verify(stage: int) -> None:
        if "verify" in steps:
            exercise.extend((DROP_CACHES, fsload("verify", **files, stage=stage)))

    verify(0)
    if "overwrite" in steps:
        exercise += [fsload("overwrite", **files), SYNC]
        verify(1)
    if "truncate" in steps:
        exercise += [fsload("truncate", **files), SYNC]
        if "overwrite" in steps:  # which fsload expects of a file that was cut
            verify(2)
    return WorkloadPlan(
        name=WORKLOAD.name,
        size_mib=int(parameters["size_mib"]),
        write=(fsload("write", **files),),
        exercise=tuple(exercise),
        remove=(fsload("remove"),),
    )


def _script(parameters: Mapping[str, Scalar]) -> Script:
    """Return the same, with a reading in place of the verification."""
    made = "; ".join(
        f'f="$MNT/{kind}-{mode}-$1-$i"; {_DATA[kind]} {_WRITTEN[mode]}'
        for kind in _words(parameters, "kinds")
        for mode in _words(parameters, "modes")
    )
    sizes = " ".join(_words(parameters, "sizes"))
    write = (
        f"one() {{ i=0; while [ $i -lt {parameters['copies']} ]; do {made}; i=$((i + 1)); done; }}"
        f"\n  for size in {sizes}; do one $size; done"
    )
    steps = _words(parameters, "steps")
    return Script(write=write, exercise="; ".join(_STEPS[step] for step in STEPS if step in steps))


def _words(parameters: Mapping[str, Scalar], name: str) -> list[str]:
    return [word for word in str(parameters[name]).split(",") if word]


def _list(name: str, items: tuple[str, ...], unit: str, summary: str) -> ParameterRule:
    return ParameterRule(
        name=name, default=",".join(items), items=items, unit=unit, summary=summary
    )


WORKLOAD = Workload(
    name="compression-mix",
    summary="files of many sizes and kinds of data: written, read back, overwritten, cut, removed",
    parameters=(
        _list("sizes", SIZES, "bytes", "sizes of the files"),
        _list("kinds", KINDS, "", "data: compressible, incompressible, both in turn"),
        _list("modes", MODES, "", "through the page cache, or with O_DIRECT"),
        _list("steps", STEPS, "", "what is done to them once they are written"),
        ParameterRule(
            name="copies",
            default=2,
            minimum=1,
            maximum=10_000,
            summary="files of each size, kind and mode (60 combinations)",
        ),
        size_mib(512),
    ),
    plan=_plan,
    dose=DoseParameter(parameter="copies", unit="copy of each file"),
    script=_script,
)
