"""What happens in a guest that runs fstests: one run of ``check`` for each test, floors between."""

from __future__ import annotations

import logging
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anyclue.fstests.core.charges import held_kib, is_step
from anyclue.fstests.core.check_output import parse_check, parse_listing
from anyclue.fstests.core.configuration import RESULTS
from anyclue.fstests.core.model import (
    WORST_FIRST,
    CheckCall,
    CheckStatus,
    Part,
    SectionPlan,
    TestId,
    TestPlan,
)
from anyclue.fstests.core.trial_recording import thin_samples
from anyclue.fstests.run.build import IMAGE
from anyclue.fstests.run.journal import TrialJournal
from anyclue.fstests.run.results import keep_results
from anyclue.model.recording import EndReason, Mark, MarkName, Outcome, Reading
from anyclue.model.scenario import Scalar
from anyclue.recordings.procfs import meminfo, zoneinfo
from anyclue.trial.guest.channel import Reply
from anyclue.trial.kernels.modules import LOAD_MODULES
from anyclue.trial.model import SuiteDisk
from anyclue.trial.session import DEVICE, GuestSession, TrialEndedError, last_lines

log = logging.getLogger(__name__)

SUITE_DEVICE = "/dev/vdd"
RESULTS_DEVICE = "/dev/vdk"
PROVENANCE = "fstests"
"""The key of a recording's provenance under which it says which checkout was run."""

SUITE_DIRECTORY = "/var/lib/xfstests"

UNDER_TEST = LOAD_MODULES + ' && mv *.ko "/lib/modules/$(uname -r)/" && depmod'
MOUNT_SUITE = (
    f"mkdir -p /suite /run/upper /run/work {SUITE_DIRECTORY} {RESULTS} && mount -t squashfs -o ro"
    f" {SUITE_DEVICE} /suite && mount -t overlay -o lowerdir=/suite/tree,upperdir=/run/upper,"
    f"workdir=/run/work suite {SUITE_DIRECTORY}"
)
# Pages go from the free list to a per-CPU list between two files now and then.
LEVEL = "for n in 1 2 3; do cat /proc/meminfo /proc/zoneinfo; done"
UNMOUNT = "umount -R /mnt/scratch; umount -R /mnt/test; true"
# Eight writers at a time: a file system may keep a workspace of its compression for each.
WARM_UP = """cd /mnt/test && {
for n in $(seq 8); do yes $n | head -c 2097152 >large.$n & done; wait
for n in $(seq 50); do head -c 1000 large.1 >small.$n; done
sync; echo 3 >/proc/sys/vm/drop_caches; cat large.* >/dev/null; rm -f large.*; sync; }; cd /
"""
# A pipe, and whole blocks written around the guest's page cache.
SEND_RESULTS = (
    f"cd {RESULTS} && tar -b 2048 --format=gnu --hard-dereference -cf - ."
    f" | dd of={RESULTS_DEVICE} bs=1M iflag=fullblock oflag=direct conv=notrunc 2>/dev/null;"
    f" rm -rf {RESULTS} && mkdir {RESULTS}"
)
_ENDED = (CheckStatus.FAILED, CheckStatus.PASSED)
SETTLE_S = 300.0
"""So long may unmounting and coming to rest take, however long the test took."""

MOST_S = 900.0
"""After so long a trial begins no other test of a list: the rest goes on in a fresh guest."""


def _level(text: str) -> Reading:
    """Return the middle one of some readings of the guest's memory."""
    first = "MemTotal:"
    readings = [
        Reading(t_s=0.0, counters={**meminfo(first + part), **zoneinfo(part)})
        for part in text.split(first)[1:]
    ] or [Reading(t_s=0.0, counters={})]
    return sorted(readings, key=lambda reading: held_kib(reading) or 0.0)[len(readings) // 2]


@dataclass(frozen=True, kw_only=True)
class FstestsSuite:
    """Tests of upstream fstests; a `anyclue.trial.model.Suite`."""

    plan: TestPlan

    round_name = "a test"
    limit_key = "seconds of [fstests.NAME]"

    @property
    def disk(self) -> SuiteDisk:
        """The built tree."""
        return SuiteDisk(artifact=self.plan.suite, file=IMAGE)

    @property
    def provenance(self) -> Mapping[str, str]:
        """Which checkout it is."""
        return {PROVENANCE: self.plan.origin}

    def timeline(self, samples: Sequence[Reading], marks: Sequence[Mark]) -> tuple[Reading, ...]:
        """Return the samples, away from the floors without slab caches."""
        return thin_samples(samples, marks)

    async def run(self, session: GuestSession, place: Path) -> None:
        """Run all tests; raises what `TestRounds.run` does."""
        await TestRounds(session, self.plan, place).run()


class TestRounds:
    """Runs the tests of one trial in a guest, each in a round of its own."""

    __test__ = False

    def __init__(self, session: GuestSession, plan: TestPlan, place: Path) -> None:
        self._session = session
        self._plan = plan
        self._results_disk = place / "results.img"
        self._journal = TrialJournal(place=place, part=plan.part)
        self._section: str | None = None
        self._level: Reading | None = None
        self._moved = False

    async def run(self) -> None:
        """Run all tests; what ran is in the journal from call to call.

        Raises:
            TrialEndedError: the guest cannot run the suite.
            GuestSilentError, GuestGoneError: as the agent's requests.
        """
        session = self._session
        session.begin_round(0)
        await self._set_up()
        await session.mark(MarkName.TRIAL_BEGIN)
        for section in self._plan.sections.values():
            await self._warm_up(section)
        await session.loaded()
        tests = self._plan.tests
        if tests is None:
            tests = await self._list_tests()
        self._journal.planned(tests)
        await session.start_sampling()
        await self._floor()
        latest = time.monotonic() + MOST_S
        runs_again = self._plan.part is Part.LIST and self._plan.passes == 1
        for number, test in enumerate(tests, start=1):
            if self._plan.part is Part.LIST and session.round and time.monotonic() > latest:
                break
            status = await self._run_test(test)
            log.info(
                "%s: %d of %d tests ran, the last was %s: %s",
                *(session.title, number, len(tests), test, status.value),
            )
            if self._moved and runs_again and status in _ENDED:
                status = min(status, await self._run_test(test, again=True), key=WORST_FIRST.index)
            if status is CheckStatus.FAILED and self._plan.stop_at_failure:
                self._journal.stopped()
                break
        await session.end()

    async def _set_up(self) -> None:
        session = self._session
        await session.load_module(UNDER_TEST)
        # The snapshot's clock stood still since it was saved.
        await session.shell(f"date -u -s @{int(time.time())}")
        mounted = await session.shell(MOUNT_SUITE)
        if mounted.status != 0:
            detail = f"fstests cannot be mounted: {mounted.output}"
            raise TrialEndedError(Outcome.LOST, EndReason.SUITE_UNUSABLE, detail)
        for number, section in enumerate(self._plan.sections.values()):
            await session.shell(f"printf %s {shlex.quote(section.config)} >/run/config.{number}")
            fstyp = shlex.quote(section.fstyp)
            known = await session.shell(
                f"grep -qw {fstyp} /proc/filesystems || modprobe {fstyp}"
                f" && grep -qw {fstyp} /proc/filesystems"
            )
            if known.status != 0:
                detail = f"the guest's kernel has no {section.fstyp}"
                raise TrialEndedError(Outcome.NOT_RUN, EndReason.SUITE_UNUSABLE, detail)

    async def _list_tests(self) -> tuple[TestId, ...]:
        """Return the tests that check lists, as often as the passes; note those it leaves out."""
        found: list[TestId] = []
        for section in self._plan.sections:
            reply = await self._run_check(section, ("-n", *self._plan.selection))
            listing = parse_listing(reply.output)
            expunged = [TestId(section=section, test=test) for test in listing.expunged]
            self._journal.left_out(expunged, listing.unknown)
            if not (listing.tests or listing.expunged or listing.unknown):
                detail = f"check lists no tests: {last_lines(reply.output)}"
                raise TrialEndedError(Outcome.NOT_RUN, EndReason.SUITE_UNUSABLE, detail)
            found += [TestId(section=section, test=test) for test in listing.tests]
        return tuple(found) * self._plan.passes

    async def _run_test(self, test: TestId, *, again: bool = False) -> CheckStatus:
        """Run one test and come to rest; return the worst that check said of it."""
        session = self._session
        session.begin_round(session.round + 1)
        call = CheckCall(round=session.round, section=test.section, test=test.test, again=again)
        self._journal.begin(call)
        facts: dict[str, Scalar] = {"test": test.test, "section": test.section}
        await session.mark(MarkName.ROUND_BEGIN, facts)
        arguments = ("-R", "xunit-quiet", *self._plan.arguments, test.test)
        reply = await self._run_check(test.section, arguments)
        session.allow(SETTLE_S)
        await session.settled()
        await session.shell(UNMOUNT)
        await session.shell(SEND_RESULTS)
        kept = keep_results(self._results_disk, test, session.round, self._journal.results)
        self._journal.end(replace(call, status=reply.status, kept=kept), reply.output)
        await session.mark(MarkName.SETTLED)
        facts["quiesced"] = await self._floor()
        await session.end_round(facts)
        statuses = [result.status for result in parse_check(reply.output).results]
        return min(statuses, key=WORST_FIRST.index, default=CheckStatus.LOST)

    async def _floor(self) -> int:
        """Come to rest, and read the floor; return 1 when free memory stood still."""
        quiesced = await self._session.floor()
        level = _level((await self._session.shell(LEVEL)).output)
        before, self._level = self._level or level, level
        self._moved = is_step(before, level, least_kib=self._plan.least_kib)
        return quiesced

    async def _run_check(self, section: str, arguments: tuple[str, ...]) -> Reply:
        if section != self._section:
            await self._make_test_dev(self._plan.sections[section])
            self._section = section
        options = f"HOST_OPTIONS=/run/config.{list(self._plan.sections).index(section)}"
        return await self._session.shell(
            f"cd {SUITE_DIRECTORY} && {options} bash ./check {shlex.join(arguments)}"
        )

    async def _make_test_dev(self, section: SectionPlan) -> None:
        """Make the file system that check expects to find on TEST_DEV."""
        mkfs = shlex.join(("mkfs", "-t", section.fstyp, *shlex.split(section.mkfs), DEVICE))
        made = await self._session.shell(f"wipefs -qa {DEVICE} && {mkfs}")
        if made.status != 0:
            detail = f"{mkfs}: {last_lines(made.output)}"
            raise TrialEndedError(Outcome.NOT_RUN, EndReason.MKFS_FAILED, detail)

    async def _warm_up(self, section: SectionPlan) -> None:
        """Pay before the first floor what a file system pays once; check tells what fails here."""
        await self._make_test_dev(section)
        mount = shlex.join(
            ("mount", "-t", section.fstyp, *shlex.split(section.mount), DEVICE, "/mnt/test")
        )
        await self._session.shell(f"{mount} && {WARM_UP}{UNMOUNT}")
