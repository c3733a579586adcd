"""What an installation does that a crash can interrupt, and what must hold
afterwards. The tests that use these scenarios decide how it crashes.
"""

import contextlib
import itertools
import re
import shutil

from events import make_events
from harness import Site
from restore_case import (SETTINGS, Case, assert_undo_is_consistent,
                          places_of, state_of)
from store import (assert_archive_sound, assert_gapless, read_events, sha256)
from system_calls import faults_at, points_of, tracing

KILLED = -9


class Outcome:
    """What the attempt has reported so far, and what must hold from then on.
    `on_change` is called with this object whenever it has more to tell."""

    def __init__(self, on_change=lambda outcome: None):
        self.code = KILLED      # unless the attempt ends by itself
        self.text = ""
        self.acknowledged = []  # events by sequence
        self.backups = []       # names that were reported
        self.restored = False   # whether a restore was reported
        self.replaced = []      # events that this restore replaced
        self._on_change = on_change

    def acknowledge(self, last):
        self.acknowledged.append(last)
        self._on_change(self)

    def report_backup(self, name):
        self.backups.append(name)
        self._on_change(self)

    def report_restore(self):
        self.restored = True
        self.replaced, self.acknowledged = self.acknowledged, []
        self._on_change(self)

    def end(self, code, text):
        self.code = code
        self.text = text
        self._on_change(self)

    def state(self):
        """All fields, for JSON."""
        return {name: value for name, value in vars(self).items()
                if not name.startswith("_")}

    @classmethod
    def of(cls, state, *on_change):
        """The outcome whose fields state() gave."""
        outcome = cls(*on_change)
        vars(outcome).update(state)
        return outcome


def assert_acknowledged(acknowledged, events):
    assert len(events) >= max(acknowledged, default=0), (
        "an acknowledged event is lost")


class Scenario:
    """`copy` gives a fresh installation, `attempt` does the work in it, and
    `check` says what must hold afterwards, whatever happened."""

    serve_settings = SETTINGS

    def __init__(self, folder, seed):
        self.folder = folder
        self.seed = seed
        self._numbers = itertools.count(1)

    def new_root(self):
        return self.folder / f"copy-{next(self._numbers)}"

    def copy(self, root=None):
        """A fresh installation in `root`, which is not there yet."""
        root = root or self.new_root()
        shutil.copytree(self.site.root, root, symlinks=True)
        return Site(root)

    def attempt(self, site, prefix=(), outcome=None):
        """Does the work, fills `outcome` meanwhile, and returns it."""
        raise NotImplementedError

    def tool(self, outcome, site, prefix, *arguments, **settings):
        outcome = outcome or Outcome()
        done = site.run(*arguments, prefix=prefix, settings=settings)
        for name in re.findall(r"^created (\S+\.tar\.gz)", done.text, re.M):
            outcome.report_backup(name)
        outcome.end(done.code, done.text)
        return outcome

    def life(self, outcome, site, prefix):
        """A start, `use` of the server, and SIGTERM."""
        outcome = outcome or Outcome()
        server = site.serve(prefix=prefix, **self.serve_settings).launch()
        if server.alive_and_ready():
            with contextlib.suppress(Exception):  # it was killed
                self.use(server.api, outcome)
            with contextlib.suppress(ProcessLookupError):
                server.signal(15)
        outcome.end(server.process.wait(60), server.log())
        return outcome

    def use(self, api, outcome):
        """What clients do in a life; by default, nothing."""

    def append(self, api, outcome, writer):
        reply = api.post("/api/events", make_events(self.seed, writer, 0, 5))
        if reply.status == 201:
            outcome.acknowledge(reply.json()["last"])


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

    def attempt(self, site, prefix=(), outcome=None):
        return self.tool(outcome, site, prefix, "create", **self.settings)

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
        # Rotation removes the oldest backup, and only after a new one was made.
        assert not gone or (gone == {self.oldest} and len(names) == 2)


class Rotate(Create):
    """`levelkeep rotate` of two backups down to one."""

    def attempt(self, site, prefix=(), outcome=None):
        return self.tool(outcome, site, prefix, "rotate", MAX_BACKUPS=1)

    def check(self, site, outcome):
        with site.serve(**SETTINGS):
            site.assert_swept()
        names = site.archives()
        assert self.newest in names, "the newest backup was removed"
        for name in names:
            assert sha256(site.backups / name) == self.known[name]


class Drill(Create):
    """`levelkeep drill` of the newer of two backups."""

    def attempt(self, site, prefix=(), outcome=None):
        return self.tool(outcome, site, prefix, "drill")

    def check(self, site, outcome):
        with site.serve(**SETTINGS):
            site.assert_swept()
        assert read_events(site.db) == self.events
        assert {name: sha256(site.backups / name)
                for name in site.archives()} == self.known
        assert outcome.code != 3, "a fault of the disk is no damage"
        listed = site.run("list", "--json").expect(0).json()["backups"]
        assert not [b for b in listed if b["status"] == "damaged"], listed
        site.run("drill").expect(0)
        site.assert_swept()


class Restore(Scenario):
    """`levelkeep restore PATH --yes` over a database."""

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        self.case = Case(folder, seed, 60, 90)
        self.site = self.case.template

    def attempt(self, site, prefix=(), outcome=None):
        return self.tool(outcome, site, prefix, "restore",
                         self.case.archive, "--yes")

    def check(self, site, outcome):
        state = self.settle(site)
        assert_undo_is_consistent(self.case, site, state)
        if outcome.code == 0:
            assert state == "new", outcome.text
        elif outcome.code != KILLED and "the database is" not in outcome.text:
            # An attempt that got past the swap names the state in its message.
            assert state == "old", outcome.text

    def settle(self, site):
        with site.serve(**SETTINGS):
            site.assert_swept()
        return state_of(self.case, read_events(site.db))


class Undo(Restore):
    """`levelkeep restore --undo --yes`."""

    def copy(self, root=None):
        site = super().copy(root)
        site.run("restore", self.case.archive, "--yes").expect(0)
        return site

    def attempt(self, site, prefix=(), outcome=None):
        return self.tool(outcome, site, prefix, "restore", "--undo", "--yes")

    def check(self, site, outcome):
        state = self.settle(site)
        if outcome.code == 0:
            assert state == "old", outcome.text
        site.run("restore", "--undo", "--yes").expect(0)
        assert {state, state_of(self.case, read_events(site.db))} == {
            "old", "new"}


class Drop(Restore):
    """A start with an archive in restore/."""

    def copy(self, root=None):
        site = super().copy(root)
        site.drop(self.case.archive)
        return site

    def attempt(self, site, prefix=(), outcome=None):
        return self.life(outcome, site, prefix)

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
    """A start after a restore that was killed in its middle."""

    KILLS = ("rename", "renameat2", "fsync")

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        trace = folder / "restore.trace"
        site = Scenario.copy(self)
        Restore.attempt(self, site, tracing(trace))
        kills = [fault for fault in faults_at(points_of(trace, site.root))
                 if fault.name == "KILL" and fault.point.call in self.KILLS]
        self._next = itertools.cycle(
            [fault for fault in kills if self.leaves_a_journal(fault)])

    def crashed(self, fault, root=None):
        site = Scenario.copy(self, root)
        Restore.attempt(self, site, fault.prefix())
        return site

    def leaves_a_journal(self, fault):
        return (self.crashed(fault).work / "journal").exists()

    def copy(self, root=None):
        # Each copy is made anew: the journal knows the folders by their inodes.
        return self.crashed(next(self._next), root)

    def check(self, site, outcome):
        state = self.settle(site)
        assert_undo_is_consistent(self.case, site, state)


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

    def attempt(self, site, prefix=(), outcome=None):
        return self.life(outcome, site, prefix)

    def use(self, api, outcome):
        for number in range(3):
            self.append(api, outcome, f"w{number}")
            if number == 1:
                reply = api.post("/api/backup/create", {})
                if reply.status == 200:
                    outcome.report_backup(reply.json()["name"])

    def check(self, site, outcome):
        with site.serve(**SETTINGS):
            site.assert_swept()
        events = read_events(site.db)
        assert_gapless(self.seed, events)
        assert_acknowledged(outcome.acknowledged or [60], events)
        names = site.archives()
        for name, digest in self.known.items():
            assert sha256(site.backups / name) == digest
        for name in outcome.backups:
            assert name in names, f"{name} was reported and is gone"
        for name in set(names) - set(self.known):
            site.run("verify", name).expect(0)


class LiveRestore(Restore):
    """A running server: events, a restore through the API, events."""

    def copy(self, root=None):
        return self.case.with_backup(super().copy(root))

    def attempt(self, site, prefix=(), outcome=None):
        return self.life(outcome, site, prefix)

    def use(self, api, outcome):
        for number in range(2):
            self.append(api, outcome, f"before{number}")
        reply = api.post("/api/backup/restore", {"backupName": self.case.name})
        if reply.status == 200:
            outcome.report_restore()
            self.append(api, outcome, "behind")

    def check(self, site, outcome):
        with site.serve(**SETTINGS):
            site.assert_swept()
        events = read_events(site.db)
        if not outcome.restored and self.begins_with(self.case.old, events):
            assert_acknowledged(outcome.acknowledged, events)
            return
        assert self.begins_with(self.case.new, events), (
            "neither old nor new, or a confirmed restore is gone")
        if outcome.restored:
            assert_acknowledged(outcome.acknowledged, events)
        site.run("restore", "--undo", "--yes").expect(0)
        undone = read_events(site.db)
        assert self.begins_with(self.case.old, undone)
        assert_acknowledged(outcome.replaced if outcome.restored
                            else outcome.acknowledged, undone)

    def begins_with(self, first, events):
        assert_gapless(self.seed, events)
        return events[:len(first)] == first
