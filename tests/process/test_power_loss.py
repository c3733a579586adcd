"""The power goes while the real program works on a real file system: the store
is the old or the new one, acknowledged events are there, and nothing half done
has a final name.

A run takes some moments of each scenario, on one kind of file system.
LEVELKEEP_PROCESS_ROUNDS multiplies both; 1000 rounds are all of them.
LEVELKEEP_PROCESS_DISK chooses the kind.
"""

import concurrent.futures
import contextlib
import ctypes
import functools
import os
import random
import threading

import pytest

from crash_scenarios import (Create, Drop, LiveRestore, Outcome, Restore,
                             Rotate, Serve, Undo)
from harness import Site, injected
from mounts import as_root, memory_disk
from power import (BTRFS, EXT4, EXT4_RELAXED, XFS, make_image, mounted,
                   record)
from restore_case import SETTINGS

KINDS = (EXT4, EXT4_RELAXED, XFS, BTRFS)
CUTS_A_RUN = 8  # of each recording, times the rounds
WORKERS = 4
SYNCED = {**SETTINGS, "STORAGE_SYNC": "true"}


class SyncedServe(Serve):
    """The server acknowledges events when they are safe from power loss."""
    serve_settings = SYNCED


class SyncedLiveRestore(LiveRestore):
    serve_settings = SYNCED


class UnsyncedServe(Serve):
    """The server acknowledges events at once, which is the default: power loss
    may take the newest events, but never one in between. Backups are safe."""

    def check(self, site, outcome):
        outcome.acknowledged = []
        super().check(site, outcome)


class Stirrer:
    """Writes the file system at `path` back now and then, as the kernel does
    when it pleases."""

    def __init__(self, path, rng):
        self._pauses = [rng.uniform(0, 0.03) for _ in range(1000)]
        self._folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, kind, error, trace):
        self._stop.set()
        self._thread.join(60)
        os.close(self._folder)

    def _run(self):
        libc = ctypes.CDLL(None)
        for pause in self._pauses:
            if self._stop.wait(pause):
                return
            libc.syncfs(self._folder)


class Power:
    """A scenario on one kind of file system, on disks in memory."""

    def __init__(self, kind, folder, scenario, seed):
        folder.mkdir()
        self.kind = kind
        self.folder = folder
        self.scenario = scenario(folder / "scenario", seed)

    def __str__(self):
        return f"{type(self.scenario).__name__} on {self.kind}"

    def record_attempt(self, prefix=(), stirrer=contextlib.nullcontext):
        """Records what the disk is told while the scenario does its work."""
        image = self.folder / "installed"
        make_image(self.kind, image)
        with mounted(self.kind, image, self.folder / "made") as path:
            self.scenario.copy(path / "site")
        self._forget()

        def attempt(site, outcome):
            self.scenario.attempt(site, prefix, outcome)
            assert outcome.code == 0, outcome.text

        return self._record(image, "attempt", Outcome(), attempt, stirrer)

    def record_recovery(self, image, outcome, stirrer):
        """Records what the disk is told at the next start, from `image`."""
        def attempt(site, _):
            with site.serve(**SETTINGS):
                pass

        return self._record(image, image.name + "-recovery", outcome,
                            attempt, stirrer)

    def _record(self, image, name, outcome, attempt, stirrer):
        def run(path, tell):
            known = Outcome.of(outcome.state(),
                               lambda changed: tell(changed.state()))
            tell(known.state())  # from now on
            with stirrer(path):
                attempt(Site(path / "site"), known)

        try:
            return record(self.kind, image, self.folder / name, run)
        finally:
            self._forget()

    def _forget(self):
        """Makes btrfs forget the devices and identities that it has seen."""
        if self.kind is BTRFS:
            as_root("btrfs", "device", "scan", "--forget")

    def image_at(self, recording, cut, name):
        image = self.folder / name
        recording.image_at(cut, image, random.Random(cut.seed))
        return image

    def check(self, recording, cut, name):
        """Mounts what the cut left, and checks the site there."""
        outcome = Outcome.of(recording.mark_at(cut))
        image = self.image_at(recording, cut, name)
        try:
            with mounted(self.kind, image, self.folder / f"at-{name}") as path:
                self.scenario.check(Site(path / "site"), outcome)
        except BaseException as error:
            error.args = (f"{self}, {cut}, told {outcome.state()}: {error}",)
            raise
        finally:
            image.unlink()
            self._forget()

    def failures(self, recording, cuts):
        """The cuts after which something does not hold, with the errors."""
        found = []
        workers = 1 if self.kind is BTRFS else WORKERS
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            tried = [pool.submit(self.check, recording, cut, f"cut-{number}")
                     for number, cut in enumerate(cuts)]
            for done in concurrent.futures.as_completed(tried):
                if done.exception():
                    found.append(str(done.exception()))
        return found


def chosen(rng, values, count):
    return rng.sample(values, min(count, len(values)))


def chosen_kinds(rng, count):
    wanted = os.environ.get("LEVELKEEP_PROCESS_DISK")
    return chosen(rng, [kind for kind in KINDS
                        if wanted in (None, kind.name)], count)


def chosen_stirrer(rng):
    """Chooses who writes back: the kernel now and then, or only the program."""
    return rng.choice((contextlib.nullcontext,
                       functools.partial(Stirrer, rng=rng)))


def assert_none(failures):
    assert not failures, (f"{len(failures)} failed:\n"
                          + "\n".join(sorted(failures)[:20]))


@pytest.fixture
def memory(folder):
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(device):
            pytest.skip(f"no file system can be recorded: no {device}")
    with memory_disk(folder / "memory", "3g") as path:
        yield path


@pytest.mark.parametrize("scenario", (
    Create, Rotate, Restore, Undo, Drop, SyncedServe, UnsyncedServe,
    SyncedLiveRestore))
def test_power_goes_at_any_moment(memory, seed, rng, rounds, scenario):
    failures = []
    for kind in chosen_kinds(rng, rounds(1)):
        power = Power(kind, memory / kind.name, scenario, seed)
        recording = power.record_attempt(stirrer=chosen_stirrer(rng))
        every = recording.cuts(f"{seed}/{kind}")
        cuts = chosen(rng, every, rounds(CUTS_A_RUN))
        failures += power.failures(recording, cuts)
        print(f"{power}: {len(cuts)} of {len(every)} cuts")
    assert_none(failures)


@pytest.mark.parametrize("scenario", (Restore, Undo, Drop,
                                      SyncedLiveRestore))
def test_power_goes_again_during_recovery(memory, seed, rng, rounds,
                                          scenario):
    failures = []
    for kind in chosen_kinds(rng, rounds(1)):
        power = Power(kind, memory / kind.name, scenario, seed)
        recording = power.record_attempt(stirrer=chosen_stirrer(rng))
        every = recording.cuts(f"{seed}/{kind}")
        firsts = chosen(rng, every, rounds(2))
        tried = 0
        for number, first in enumerate(firsts):
            image = power.image_at(recording, first, f"first-{number}")
            recovery = power.record_recovery(
                image, Outcome.of(recording.mark_at(first)),
                chosen_stirrer(rng))
            cuts = chosen(rng, recovery.cuts(f"{seed}/{kind}/{first}"),
                          min(rounds(2), CUTS_A_RUN))
            failures += power.failures(recovery, cuts)
            tried += len(cuts)
            recovery.remove()
        print(f"{power}: {len(firsts)} of {len(every)} cuts, {tried} of the "
              "recoveries behind them")
    assert_none(failures)


@pytest.mark.parametrize("scenario", (Create, Restore, SyncedServe))
def test_a_program_that_does_not_sync_is_found_out(memory, seed, scenario):
    """The other tests would find a program that loses data."""
    power = Power(EXT4, memory / "ext4", scenario, seed)
    recording = power.record_attempt(prefix=injected(
        "fsync,fdatasync,sync_file_range", "retval=0"))
    told = [cut for cut in recording.cuts(str(seed))
            if recording.mark_at(cut)["code"] == 0]
    assert power.failures(recording, told[:2]), "a loss was not noticed"
