"""What leaks, as a shell script that a reader can run anywhere, without anyclue."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from anyclue.model.verdict import ObjectKind, ObjectSeries
from anyclue.trial.filesystems.file_system import FileSystem
from anyclue.trial.workloads.workload import Script

ROUNDS = 5

_TEMPLATE = """\
#!/bin/sh
# sh reproducer.sh DEVICE    as root; what is on DEVICE is lost
# After the first round, what is in use should stay the same.
DEV=${{1:?which device?}} MNT=$(mktemp -d)
for round in {rounds}; do
  {mkfs} >/dev/null || exit
  mount {mount}"$DEV" "$MNT" || exit
  {write}
  sync
  {exercise}{remove}
  umount "$MNT"; {measure}
done
"""

_TESTS = """\
#!/bin/sh
# in a checkout of fstests, as root;
# its local.config names TEST_DEV, SCRATCH_DEV and their mounts
# After the first round, what is in use should stay the same.
{exports}
for round in {rounds}; do
  {checks}
  {measure}
done
"""

_MEASURE = """\
sync; echo 3 >/proc/sys/vm/drop_caches; sleep 2
  awk '/^MemTotal/ { used += $2 } /^MemFree/ { used -= $2 }
       /^(Active|Inactive)\\(file\\)|^Shmem:/ { of_no_file += $2 }
       /^(Cached|Buffers):/ { of_no_file -= $2 }
       END { print used, "KiB in use;", of_no_file,
              "KiB of file pages that are in no file" }' /proc/meminfo"""


_MEASURE_OBJECTS = """\
sync; echo 3 >/proc/sys/vm/drop_caches; echo 1 >/sys/kernel/slab/{name}/shrink; sleep 2
  awk '$1 == "{name}" {{ print $2, "objects of {name} in use" }}' /proc/slabinfo"""

_CACHE_NAME = re.compile(r"[A-Za-z0-9_.:-]+", re.ASCII)
"""What may stand in a script unquoted; names come from a guest."""


def reproducer_script(
    script: Script,
    *,
    file_system: FileSystem,
    size_mib: int,
    mkfs: str,
    mount: str,
    series: ObjectSeries | None = None,
) -> str:
    """Return the script; ``mkfs`` and ``mount`` are options as a scenario has them.

    It measures the objects of a slab cache where they are the ``series`` that leaks, else KiB.
    """
    measure = _MEASURE
    if series is not None and series.kind is ObjectKind.SLAB and _CACHE_NAME.fullmatch(series.name):
        measure = _MEASURE_OBJECTS.format(name=series.name)
    return _TEMPLATE.format(
        rounds=_rounds(ROUNDS),
        mkfs=file_system.mkfs_line('"$DEV"', file_system.size_mib(size_mib), shlex.split(mkfs)),
        mount=f"-o {shlex.quote(mount)} " if mount else "",
        write=script.write,
        exercise=f"{script.exercise}\n  " if script.exercise.strip() else "",
        remove=script.remove,
        measure=measure,
    )


def check_script(tests: Sequence[str], *, options: Mapping[str, str], rounds: int) -> str:
    """Return a script that runs tests of fstests, in order; ``options`` are of ``local.config``."""
    return _TESTS.format(
        exports="export " + " ".join(f"{k}={shlex.quote(v)}" for k, v in options.items()),
        rounds=_rounds(rounds),
        checks="; ".join(f"./check {shlex.quote(test)}" for test in tests),
        measure=_MEASURE,
    )


def _rounds(number: int) -> str:
    return " ".join(map(str, range(1, number + 1)))
