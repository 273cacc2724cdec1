"""Measure what recording costs the machine that is recorded.

    .venv/bin/python bench/record.py [--hz N] [--seconds N] [--python PYTHON]

Builds the zipapp and records a command that sleeps, in a new directory; the processor time is
the recorder's own, user and system, the start of Python included. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from anyclue.record.reader import read_records
from anyclue.record.recorder.stream import STREAM

ROOT = Path(__file__).resolve().parent.parent


def measure(python: str, hz: float, seconds: float, directory: Path) -> dict[str, float]:
    """Record `sleep` for some seconds, in a new directory below; return what it cost."""
    below = Path(tempfile.mkdtemp(prefix="record.", dir=directory))
    archive, run = below / "anyclue-record.pyz", below / "run"
    subprocess.run([ROOT / "tools" / "build-zipapp", archive], check=True, stdout=sys.stderr)
    command = ["--hz", f"{hz:g}", "--out", str(run), "--", "sleep", f"{seconds:g}"]
    subprocess.run([python, str(archive), *command], check=True)
    times = []
    ends = []
    for name, time_ns, data in read_records(run / STREAM):
        if name == "event":
            ends.append(json.loads(data))
        elif name == "meminfo":
            times.append(time_ns / 1e9)
    elapsed = times[-1] - times[0]
    return {
        "record_cpu_percent": round(100.0 * ends[-1]["cpu_s"] / elapsed, 3),
        "hz": hz,
        "samples": len(times),
        "seconds": round(elapsed, 1),
        "kib_per_minute": round((run / STREAM).stat().st_size / 1024 / elapsed * 60, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hz", type=float, default=5.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--python", default=sys.executable)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="anyclue-bench-") as directory:
        found = measure(options.python, options.hz, options.seconds, Path(directory))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
