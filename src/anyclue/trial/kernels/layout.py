"""Which modules a kernel has for guests, what each needs, and in which order they are loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from anyclue.model.errors import RequestError
from anyclue.trial.filesystems.file_system import FileSystem

LAYOUT = "modules.json"
"""Where an artifact of a kernel has its layout."""

BASE = ("virtio_pci", "virtio_blk", "virtio_console", "loop", "overlay", "squashfs")
"""What every guest has loaded, with all that these depend on; what is built in needs no loading."""


@dataclass(frozen=True, kw_only=True)
class ModuleEntry:
    """One module: the ``directory`` of its sources, and the modules that come before it."""

    directory: str
    needs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TrialSubject:
    """What the trials of a scenario test: a file system, and the directories that are rebuilt.

    It is the same for all kernels of a scenario, so that nothing else differs between two of them.
    """

    file_system: FileSystem
    directories: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class KernelLayout:
    """The modules of a kernel by name (that of the file, without ``.ko``).

    ``builtin`` are names of modules that are part of the kernel, with ``_`` for ``-``.
    """

    modules: Mapping[str, ModuleEntry]
    builtin: frozenset[str] = frozenset()

    def order(self, roots: Iterable[str]) -> list[str]:
        """Return the modules that ``roots`` need, and these, dependencies first."""
        names: list[str] = []
        for root in roots:
            name = self._name(root)
            if name is not None:
                names += [*self.modules[name].needs, name]
        return list(dict.fromkeys(names))

    def under_test(self, subject: TrialSubject) -> list[str]:
        """Return the modules that are loaded after the snapshot, in order.

        Those are the file system's own, those of the directories that are rebuilt, and those that
        need one of them.
        """
        own = {self._name(root) for root in subject.file_system.modules}
        tested: list[str] = []
        for name in self.order(subject.file_system.modules):
            entry = self.modules[name]
            if name in own or entry.directory in subject.directories or {*entry.needs} & {*tested}:
                tested.append(name)
        return tested

    def before(self, subject: TrialSubject) -> list[str]:
        """Return the modules that are loaded before the snapshot, in order."""
        tested = self.under_test(subject)
        names = self.order([*BASE, *subject.file_system.modules])
        return [name for name in names if name not in tested]

    def more(self, subject: TrialSubject) -> list[str]:
        """Return all other modules, in order."""
        others = {*self.before(subject), *self.under_test(subject)}
        return [name for name in self.order(self.modules) if name not in others]

    def is_modular(self, subject: TrialSubject) -> bool:
        """Return whether the kernel has the file system as modules."""
        return all(self._name(root) is not None for root in subject.file_system.modules)

    def of_directory(self, subject: TrialSubject, directory: str) -> list[str]:
        """Return the modules under test that are built from a directory.

        Raises:
            RequestError: there is none.
        """
        tested = self.under_test(subject)
        found = [name for name in tested if self.modules[name].directory == directory]
        if found:
            return found
        name = subject.file_system.name
        needed = self.order(subject.file_system.modules)
        directories = dict.fromkeys(self.modules[one].directory for one in needed)
        there = ", ".join(directories) or "none"
        raise RequestError.of(
            f"nothing that {name} loads is built from {directory!r}",
            where="module",
            next_step=f"directories of {name}'s modules in this kernel: {there}; another file "
            'system is named at the top of the scenario: filesystem = "ext4"',
        )

    def _name(self, root: str) -> str | None:
        """Return the file's name of a module: ``-`` and ``_`` mean the same to modprobe."""
        plain = root.replace("-", "_")
        return next((name for name in self.modules if name.replace("-", "_") == plain), None)


_LAYOUT = TypeAdapter(KernelLayout)


def layout_of(kernel: Path) -> KernelLayout:
    """Read the layout of a kernel's artifact; ``kernel`` is its directory's file `LAYOUT`."""
    return _LAYOUT.validate_json(kernel.read_bytes())


def layout_text(layout: KernelLayout) -> bytes:
    """Return what `layout_of` reads."""
    return _LAYOUT.dump_json(layout, indent=1)
