"""What a probe does in a guest: requests to its agent."""

from __future__ import annotations

from dataclasses import dataclass

FILE_MAX = 64 << 20
TRACEFS = "/sys/kernel/tracing"


@dataclass(frozen=True, kw_only=True)
class ProbeStep:
    """A request to the guest's agent; when ``must``, its failure ends the probe."""

    verb: str
    number: int = 0
    payload: str = ""
    must: bool = True


def shell(script: str, *, must: bool = True) -> ProbeStep:
    """Run a script; it fails at the first command that fails."""
    return ProbeStep(verb="run", payload=f"set -e\n{script}", must=must)


def send(name: str, path: str, *, must: bool = True) -> ProbeStep:
    """Send a file as it is now; what was sent under one name before stays."""
    return ProbeStep(verb="send", number=FILE_MAX, payload=f"{name} {path}", must=must)


def follow(name: str, path: str) -> ProbeStep:
    """Send what can be read in a file from now on, at every sample and when drained."""
    return ProbeStep(verb="follow", payload=f"{name} {path}")


DRAIN = ProbeStep(verb="drain")
"""Send what can be read in the followed files now."""


def needed(*paths: str) -> str:
    """Return a script that fails, with a reason, where the guest lacks one of the files."""
    return "\n".join(
        f"ls {path} >/dev/null 2>&1 || {{ echo 'the kernel has no {path}'; exit 1; }}"
        for path in paths
    )


BETWEEN = "=== anyclue: another look ==="
"""Stands before each of the looks at a file that is sent at every floor."""


def scratch(name: str) -> str:
    """Return the path of a file in the guest that a probe may write."""
    return f"/run/anyclue-{name}"


def look(name: str, path: str) -> tuple[ProbeStep, ...]:
    """Send a file at this floor; `looks` tells them apart."""
    mark = scratch("between")
    return (shell(f"echo '{BETWEEN}' >{mark}"), send(name, mark), send(name, path))


def looks(raw: bytes) -> list[str]:
    """Return what was sent at each floor, in order."""
    return raw.decode(errors="replace").split(f"{BETWEEN}\n")[1:]
