"""Every file system call of the real program goes wrong once: the process is
killed at it, or it fails with EIO or ENOSPC. The store is the old or the new
one, nothing acknowledged is lost, nothing half done has a final name.

A run takes a random selection; LEVELKEEP_PROCESS_ROUNDS multiplies it, and
1000 is all of them.
"""

import concurrent.futures
import contextlib
import fnmatch
import itertools
import os
import re
import shutil

import pytest

from events import make_events
from harness import Site
from restore_case import (SETTINGS, Case, assert_undo_is_consistent,
                          places_of, state_of)
from store import (assert_archive_sound, assert_gapless, read_events, sha256)
from system_calls import faults_at, points_of, tracing

FAULTS_A_RUN = 24  # of each scenario, times the rounds
KILLED = -9
NOT_LOADED = 127  # the dynamic loader met the fault
# What docs/cli.md promises.
EXIT_CODES = (0, 1, 2, 3, 4, 5, 6)
NO_SPACE = 6


class Outcome:
    def __init__(self, code, text, acknowledged=(), backups=()):
        self.code = code
        self.text = text
        self.acknowledged = list(acknowledged)  # events by sequence
        self.backups = list(backups)            # names that were reported


class Scenario:
    """`copy` gives a fresh installation, `attempt` does the work in it, and
    `check` says what must hold behind it, whatever happened."""

    def __init__(self, folder, seed):
        self.folder = folder
        self.seed = seed
        self._numbers = itertools.count(1)

    def copy_of(self, site):
        root = self.folder / f"copy-{next(self._numbers)}"
        shutil.copytree(site.root, root, symlinks=True)
        return Site(root)

    def tool(self, site, prefix, *arguments, **settings):
        done = site.run(*arguments, prefix=prefix, settings=settings)
        names = re.findall(r"^created (\S+\.tar\.gz)", done.text, re.M)
        return Outcome(done.code, done.text, backups=names)


class Create(Scenario):
    """`levelkeep create` beside two older backups, and the rotation."""

    settings = {"MAX_BACKUPS": 2}

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        self.site = Site(folder / "template")
        made = []
        with self.site.serve(**SETTINGS) as server:
            for number in range(3):
                server.api.append(make_events(seed, f"w{number}", 0, 60))
                if number < 2:
                    made.append(server.api.create()["name"])
        self.oldest, self.newest = made
        self.events = read_events(self.site.db)
        self.known = {name: sha256(self.site.backups / name)
                      for name in self.site.archives()}

    def copy(self):
        return self.copy_of(self.site)

    def attempt(self, site, prefix):
        return self.tool(site, prefix, "create", **self.settings)

    def check(self, site, outcome):
        with site.serve(**SETTINGS):
            site.assert_swept()
        assert read_events(site.db) == self.events
        names = site.archives()
        for name in outcome.backups:
            assert name in names, f"{name} was reported and is gone"
            assert_archive_sound(site.backups / name)
        for name in names:
            if name in self.known:
                assert sha256(site.backups / name) == self.known[name]
            else:
                site.run("verify", name).expect(0)
        gone = set(self.known) - set(names)
        # Rotation takes the oldest, and only behind a new backup.
        assert not gone or (gone == {self.oldest} and len(names) == 2)


class Rotate(Create):
    """`levelkeep rotate` of two backups down to one."""

    def attempt(self, site, prefix):
        return self.tool(site, prefix, "rotate", MAX_BACKUPS=1)

    def check(self, site, outcome):
        with site.serve(**SETTINGS):
            site.assert_swept()
        names = site.archives()
        assert self.newest in names, "the newest was removed"
        for name in names:
            assert sha256(site.backups / name) == self.known[name]


class Restore(Scenario):
    """`levelkeep restore PATH --yes` over a database."""

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        self.case = Case(folder, seed, 60, 90)

    def copy(self):
        return self.case.fresh()

    def attempt(self, site, prefix):
        return self.tool(site, prefix, "restore", self.case.archive, "--yes")

    def check(self, site, outcome):
        state = self.settle(site)
        assert_undo_is_consistent(self.case, site, state)
        if outcome.code == 0:
            assert state == "new", outcome.text
        elif outcome.code != KILLED and "the database is" not in outcome.text:
            # It says itself where it got to, if it got past the swap.
            assert state == "old", outcome.text

    def settle(self, site):
        with site.serve(**SETTINGS):
            site.assert_swept()
        return state_of(self.case, read_events(site.db))


class Undo(Restore):
    """`levelkeep restore --undo --yes`."""

    def copy(self):
        site = self.case.fresh()
        site.run("restore", self.case.archive, "--yes").expect(0)
        return site

    def attempt(self, site, prefix):
        return self.tool(site, prefix, "restore", "--undo", "--yes")

    def check(self, site, outcome):
        state = self.settle(site)
        if outcome.code == 0:
            assert state == "old", outcome.text
        site.run("restore", "--undo", "--yes").expect(0)
        assert {state, state_of(self.case, read_events(site.db))} == {
            "old", "new"}


class Drop(Restore):
    """A start with an archive in restore/."""

    def copy(self):
        site = self.case.fresh()
        site.drop(self.case.archive)
        return site

    def attempt(self, site, prefix):
        return start_and_stop(site, prefix)

    def check(self, site, outcome):
        state = self.settle(site)
        place = places_of(site, self.case.name)
        # One fault must not use up the tries, unless the disk itself said
        # that the archive is no good.
        assert place == (["applied"] if state == "new" else ["rejected"]), (
            state, place)
        if outcome.code == KILLED:
            assert state == "new"
        assert_undo_is_consistent(self.case, site, state)


class Recovery(Drop):
    """The start behind a restore that was killed in its middle."""

    KILLS = ("rename", "renameat2", "fsync")

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        trace = folder / "restore.trace"
        site = self.case.fresh()
        Restore.attempt(self, site, tracing(trace))
        kills = [fault for fault in faults_at(points_of(trace, site.root))
                 if fault.name == "KILL" and fault.point.call in self.KILLS]
        self._next = itertools.cycle(
            [fault for fault in kills if self.leaves_a_journal(fault)])

    def crashed(self, fault):
        site = self.case.fresh()
        Restore.attempt(self, site, fault.prefix())
        return site

    def leaves_a_journal(self, fault):
        return (self.crashed(fault).work / "journal").exists()

    def copy(self):
        # Made anew: the journal knows the folders by their inodes.
        return self.crashed(next(self._next))

    def check(self, site, outcome):
        state = self.settle(site)
        assert_undo_is_consistent(self.case, site, state)


def start_and_stop(site, prefix):
    """A start, and SIGTERM once it is ready."""
    server = site.serve(prefix=prefix, **SETTINGS).launch()
    if server.alive_and_ready():
        server.signal(15)
    return Outcome(server.process.wait(60), server.log())


class Serve(Scenario):
    """A life of the server: start, events, a backup, events, SIGTERM."""

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        self.site = Site(folder / "template")
        with self.site.serve(**SETTINGS) as server:
            server.api.append(make_events(seed, "base", 0, 60))
            server.api.create()
        self.known = {name: sha256(self.site.backups / name)
                      for name in self.site.archives()}

    def copy(self):
        return self.copy_of(self.site)

    def attempt(self, site, prefix):
        server = site.serve(prefix=prefix, **SETTINGS).launch()
        outcome = Outcome(None, "")
        if server.alive_and_ready():
            with contextlib.suppress(Exception):  # it was killed
                self.use(server.api, outcome)
            with contextlib.suppress(ProcessLookupError):
                server.signal(15)
        outcome.code = server.process.wait(60)
        outcome.text = server.log()
        return outcome

    def use(self, api, outcome):
        for number in range(3):
            reply = api.post("/api/events",
                             make_events(self.seed, f"w{number}", 0, 5))
            if reply.status == 201:
                outcome.acknowledged.append(reply.json()["last"])
            if number == 1:
                reply = api.post("/api/backup/create", {})
                if reply.status == 200:
                    outcome.backups.append(reply.json()["name"])

    def check(self, site, outcome):
        with site.serve(**SETTINGS):
            site.assert_swept()
        events = read_events(site.db)
        assert_gapless(self.seed, events)
        assert len(events) >= max(outcome.acknowledged, default=60), (
            "an acknowledged event is lost")
        names = site.archives()
        for name, digest in self.known.items():
            assert sha256(site.backups / name) == digest
        for name in outcome.backups:
            assert name in names, f"{name} was reported and is gone"
        for name in set(names) - set(self.known):
            site.run("verify", name).expect(0)


def try_fault(scenario, fault):
    site = scenario.copy()
    outcome = scenario.attempt(site, fault.prefix())
    try:
        if outcome.code == KILLED:
            assert fault.name == "KILL", "who killed it?"
        elif outcome.code == NOT_LOADED:
            assert "shared libraries" in outcome.text, outcome.text
        else:
            assert outcome.code in EXIT_CODES, outcome.code
            # A write that fails may be the one of the message.
            if outcome.code != 0 and fault.point.call != "write":
                assert re.search(r"error: \S", outcome.text), outcome.text
                if outcome.code == NO_SPACE:
                    assert "hint: " in outcome.text, outcome.text
        scenario.check(site, outcome)
    except BaseException:
        print(f"--- {fault}: exit code {outcome.code}\n"
              f"{outcome.text[-3000:]}")
        raise
    shutil.rmtree(site.root)
    return outcome.code == KILLED


@pytest.mark.parametrize("kind", (Create, Rotate, Restore, Undo, Drop,
                                  Recovery, Serve))
def test_each_call_goes_wrong_once(folder, seed, rng, rounds, kind):
    scenario = kind(folder, seed)
    trace = folder / "trace"
    site = scenario.copy()
    outcome = scenario.attempt(site, tracing(trace))
    assert outcome.code == 0, outcome.text
    scenario.check(site, outcome)
    every = faults_at(points_of(trace, site.root))
    chosen = rng.sample(every, min(len(every), rounds(FAULTS_A_RUN)))
    wanted = os.environ.get("LEVELKEEP_PROCESS_FAULT")
    if wanted:  # "EIO at fsync#3", "KILL at *"
        chosen = [fault for fault in every
                  if fnmatch.fnmatchcase(str(fault), wanted)]
    failures = []
    kills = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        tried = {pool.submit(try_fault, scenario, fault): fault
                 for fault in chosen}
        for done in concurrent.futures.as_completed(tried):
            try:
                kills += done.result()
            except BaseException as error:
                failures.append(f"{tried[done]}: {error}")
    print(f"{kind.__name__}: {len(chosen)} of {len(every)} faults, "
          f"{kills} of them killed the program")
    assert not failures, (f"{len(failures)} failed "
                          f"(LEVELKEEP_PROCESS_FAULT repeats one):\n"
                          + "\n".join(sorted(failures)[:20]))
