"""The recorder itself: one loop, one tick a sample."""

from __future__ import annotations

import contextlib
import os
import platform
import resource
import shlex
import signal
import sys
import time
from collections.abc import Iterator, Sequence

from .command import STOPS, AttachedProcess, Command
from .errors import RecordError
from .quiesce import Quiesce
from .request import Request, check_request, log, parse_arguments
from .sources import EVERY_TICK, SLOWER, TEST_LINE, ProcFile, open_files, open_log
from .stream import HEADER, STREAM, Stream, write_header

QUIET_BEFORE_S = 1.0
QUIET_AFTER_S = 2.0


def record(request: Request) -> int:
    """Record; return the command's exit status, 0 without a command.

    Raises:
        RecordError: the request is wrong, or nothing can be recorded here.
    """
    check_request(request)
    recorder = Recorder(request)
    with recorder.signals():
        try:
            return recorder.run()
        finally:
            recorder.close()


class Recorder:
    """Files, log, stream and counters of one recording."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._files, unread = open_files()
        if "meminfo" in unread:
            raise RecordError(f"/proc/meminfo cannot be read: {unread['meminfo']}")
        self._log, why = open_log()
        if self._log is None:
            unread["kmsg"] = why
            if request.quiesce:
                raise RecordError(f"--quiesce needs /dev/kmsg: {why}", exit_code=2)
        self._every = {f.name: f.affordable(SLOWER.get(f.name, 0.0)) for f in self._slower()}
        self._due = dict.fromkeys(self._every, 0.0)
        self._stops: list[int] = []
        self._samples = 0
        self._lost = ""
        self._stream = self._open_stream(unread)
        for name, reason in unread.items():
            log(f"cannot read {name}: {reason}")

    def _slower(self) -> list[ProcFile]:
        return [file for file in self._files if file.name not in EVERY_TICK]

    def _open_stream(self, unread: dict[str, str]) -> Stream:
        out = self._request.out
        try:
            os.makedirs(out, exist_ok=True)
            if os.listdir(out):
                raise RecordError(f"{out}: is not empty", "name a new directory", exit_code=2)
            write_header(os.path.join(out, HEADER), self._header(unread))
            return Stream(os.path.join(out, STREAM))
        except OSError as error:
            raise RecordError(
                f"{out}: cannot be written: {error.strerror}",
                "name another directory with --out",
                exit_code=2,
            ) from error

    def _header(self, unread: dict[str, str]) -> dict[str, object]:
        return {
            "command": list(self._request.command),
            "pid": self._request.pid,
            "hz": self._request.hz,
            "every_s": {name: round(seconds, 3) for name, seconds in self._every.items()},
            "unread": unread,
            "quiesce": self._request.quiesce,
            "root": os.geteuid() == 0,
            "release": platform.release(),
            "version": platform.version(),
            "machine": platform.machine(),
            "host": platform.node(),
            "cpus": os.cpu_count(),
            "page_kib": os.sysconf("SC_PAGE_SIZE") // 1024,
            "python": platform.python_version(),
            "begin": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "begin_ns": time.monotonic_ns(),
        }

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Note the signals that end a recording; a signal that was ignored stays so."""
        before = {n: signal.getsignal(n) for n in STOPS}
        try:
            for number, handler in before.items():
                if handler != signal.SIG_IGN:
                    signal.signal(number, lambda caught, _frame: self._stops.append(caught))
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self) -> int:
        """Record from the quiet before to the quiet after."""
        request = self._request
        self._begin_log()
        if request.command:
            self._quiet(QUIET_BEFORE_S)
            if self._stops:
                return self._end("stopped", 128 + self._stops[0])
        target = self._target()
        self._event("begin")
        self._protect()
        status = self._follow(target)
        if status is None:
            return self._end("stopped", 0)
        self._event("command-end", status=status)
        self._quiet(QUIET_AFTER_S)
        return self._end("ended", status)

    def _target(self) -> Command | AttachedProcess:
        request = self._request
        if request.command:
            return Command(request.command, own_group=request.quiesce)
        target = AttachedProcess(request.pid)
        until = f"process {request.pid} ends" if request.pid else "Ctrl-C"
        log(f"recording to {request.out} until {until}")
        return target

    def _follow(self, target: Command | AttachedProcess) -> int | None:
        """Sample until the target has ended; None when we were told to stop before that."""
        quiesce: Quiesce | None = None
        ours = target if isinstance(target, Command) else None
        try:
            for _ in self._ticks():
                status = target.status()
                if status is not None:
                    self._tick()
                    return status
                while self._stops:
                    if ours is None:
                        return None
                    ours.signal(self._stops.pop(0))
                event, over = quiesce.step() if quiesce is not None else ("", False)
                began = self._tick(event)
                quiesce = None if over else quiesce
                if began and quiesce is None and self._request.quiesce:
                    quiesce = Quiesce(ours)
        finally:
            if quiesce is not None:
                quiesce.release()
        return None

    def _quiet(self, seconds: float) -> None:
        """Sample while nothing of ours runs; with ``quiesce`` until there is a floor."""
        quiesce = Quiesce(None) if self._request.quiesce else None
        end = time.monotonic() + seconds
        self._stops.clear()
        for _ in self._ticks():
            event, over = quiesce.step() if quiesce is not None else ("", True)
            ended = time.monotonic() >= end and over
            self._tick(event, whole=ended)
            quiesce = None if over else quiesce
            if ended or self._stops:
                return

    def _ticks(self) -> Iterator[None]:
        """Give the ticks; one that comes late moves the later ones, none is made up for."""
        period = 1.0 / self._request.hz
        due = time.monotonic()
        while True:
            yield
            due = max(due + period, time.monotonic())
            time.sleep(max(due - time.monotonic(), 0.0))

    def _tick(self, event: str = "", *, whole: bool = False) -> bool:
        """Take one sample; return whether a test began since the one before."""
        now = time.monotonic_ns()
        began = self._drain_log(now)
        if event:
            self._stream.event(now, event)
        seconds = now / 1e9
        for file in self._files:
            due = self._due.get(file.name, 0.0)
            if seconds >= due or began or whole or event:
                self._due[file.name] = seconds + self._every.get(file.name, 0.0)
                with contextlib.suppress(OSError):
                    self._stream.add(file.name, now, file.read())
        self._samples += 1
        self._flush()
        return began

    def _begin_log(self) -> None:
        if self._log is None:
            return
        if self._request.command:
            self._log.to_the_end()
        else:
            running = self._log.last_test()
            if running:
                self._stream.add("kmsg-before", time.monotonic_ns(), running)

    def _drain_log(self, now: int) -> bool:
        began = False
        for record in self._log.records() if self._log is not None else ():
            if record is None:
                self._stream.add("kmsg-lost", now, b"")
            else:
                self._stream.add("kmsg", now, record)
                began = began or TEST_LINE in record
        return began

    def _event(self, what: str, **fields: object) -> None:
        self._stream.event(time.monotonic_ns(), what, **fields)
        self._flush()

    def _flush(self) -> None:
        if self._lost:
            return
        try:
            self._stream.flush()
        except OSError as error:
            self._lost = error.strerror or str(error)
            log(f"the recording ends here, the command goes on: {self._lost}")

    def _end(self, why: str, status: int) -> int:
        use = resource.getrusage(resource.RUSAGE_SELF)
        cpu_s = round(use.ru_utime + use.ru_stime, 3)
        self._event("end", why=why, status=status, cpu_s=cpu_s, samples=self._samples)
        if self._lost:
            raise RecordError(
                f"{self._request.out}: the recording is not whole: {self._lost}",
                "free some space, or name another place with --out",
            )
        log(f"{self._samples} samples; next: anyclue report {shlex.quote(self._request.out)}")
        return status

    def _protect(self) -> None:
        """Ask the kernel to end others first when memory runs out; root alone may."""
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("-900")

    def close(self) -> None:
        """Close everything."""
        self._stream.close()
        for file in self._files:
            file.close()
        if self._log is not None:
            self._log.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the recorder's own command line (the zipapp's)."""
    try:
        return record(parse_arguments(arguments))
    except RecordError as error:
        sys.stderr.write(f"anyclue record: error: {error}\n")
        return error.exit_code
