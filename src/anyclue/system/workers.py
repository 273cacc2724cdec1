"""Worker processes that each keep an object, and answer calls of its methods."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from anyclue.model.errors import InfrastructureError

STOP_S = 3.0


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


class Workers:
    """Forked processes, each with an object that ``make`` made there.

    A worker ends when its pipe does, so none outlives this process however it dies.

    Args:
        count: how many.
        make: makes the object, in the worker.
    """

    def __init__(self, count: int, make: Callable[[], object]) -> None:
        context = multiprocessing.get_context("fork")
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            # A child holds no end of another child's pipe: else that one would never see an end.
            process = context.Process(
                target=_serve, args=(theirs, make, [*self._pipes, ours]), daemon=True
            )
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def __len__(self) -> int:
        return len(self._pipes)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop(gently=kind is None)

    def stop(self, *, gently: bool) -> None:
        """End all workers; those that do not end by themselves are killed."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(STOP_S if gently else 0)
            if process.is_alive():
                process.kill()
                process.join()

    def each(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Call a method in every worker at once, with each one's own arguments.

        Raises:
            InfrastructureError: a worker failed or died.
        """
        self.submit(method, arguments)
        return list(self.results(method))

    def submit(self, method: str, arguments: Sequence[tuple[Any, ...]]) -> None:
        """Begin what `each` does; `results` waits for it."""
        for pipe, given in zip(self._pipes, arguments, strict=True):
            with contextlib.suppress(OSError):
                pipe.send((method, given))

    def results(self, method: str) -> Iterator[Any]:
        """Wait for each worker in turn, and give its result.

        Raises:
            InfrastructureError: a worker failed or died.
        """
        for pipe in self._pipes:
            try:
                failed, answer = pipe.recv()
            except (EOFError, OSError) as error:
                raise InfrastructureError(
                    "a worker process died",
                    where=method,
                    next_step="was it short of memory? see dmesg; try --jobs 1",
                ) from error
            if failed:
                raise InfrastructureError(
                    f"a worker process failed:\n{answer}",
                    where=method,
                    next_step="this is a defect of anyclue; please report it",
                )
            yield answer


def _serve(pipe: Connection, make: Callable[[], object], others: Sequence[Connection]) -> None:
    # Ctrl-C goes to the whole group: the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    for other in others:
        other.close()
    # What the objects make is freed by counting references; looking for rings costs a tenth more.
    gc.disable()
    target = make()
    while True:
        try:
            method, arguments = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        try:
            answer: tuple[bool, Any] = (False, getattr(target, method)(*arguments))
        except Exception:  # noqa: BLE001 - told to the parent, whatever it is
            answer = (True, traceback.format_exc())
        try:
            pipe.send(answer)
        except OSError:
            os._exit(0)
