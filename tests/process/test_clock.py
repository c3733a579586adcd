"""Somebody sets the clock, by years, while the server runs.

libfaketime tells the program another time of day; the steady clock stays.
"""

import datetime
import time

import pytest

from events import make_events
from faketime import FakeTime
from harness import wait_until
from store import archive_events, assert_gapless

YEAR_SECONDS = 366 * 86400


class Clock(FakeTime):
    """A clock that is set by whole years."""

    years = 0

    def set(self, years):
        """Sets the clock so many years from now, also for a running program."""
        self.years = years
        self.shift(years * YEAR_SECONDS)

    def until(self, stamp):
        """Seconds from now to `stamp`, which the program made."""
        now = time.time() + self.years * YEAR_SECONDS
        then = datetime.datetime.fromisoformat(
            stamp.replace("Z", "+00:00")).timestamp()
        return then - now

    def assert_is(self, stamp):
        """`stamp`, which the program made, is about now."""
        assert abs(self.until(stamp)) < 3601, (stamp, self.years)


@pytest.fixture
def clock(folder):
    return Clock(folder)


def create(api):
    """A backup, made after any backup of the timer that may be at work."""
    def made():
        reply = api.post("/api/backup/create", {})
        return None if reply.status == 409 else reply.ok()

    return wait_until(made, "a backup")["name"]


def newest(api):
    health = api.health()["backup"]
    listed = api.backups()[0]
    assert health["latest"]["name"] == listed["name"]
    assert health["unsavedSeconds"] is None or health["unsavedSeconds"] >= 0
    assert health["degraded"] == []
    return listed


def next_run(api):
    return api.health()["backup"]["nextRun"]


def test_timer_goes_on_and_the_newest_stays_the_newest(site, seed, clock):
    settings = {"AUTO_BACKUP_ENABLED": "true", "AUTO_BACKUP_INTERVAL": 1500,
                "MAX_BACKUPS": 20}
    count = 0

    def append(api):
        nonlocal count
        api.append(make_events(seed, "w", count, 5))
        count += 5

    with site.serve(prefix=clock.prefix, **settings) as server:
        for years in (0, 10, -10, 3):
            clock.set(years)
            append(server.api)
            name = create(server.api)
            entry = newest(server.api)
            assert entry["name"] == name
            clock.assert_is(entry["created"])
            append(server.api)
            before = set(site.archives())
            wait_until(lambda: set(site.archives()) - before,
                       "a backup by the timer")
            (scheduled,) = set(site.archives()) - before
            assert newest(server.api)["name"] == scheduled
            assert_gapless(seed, archive_events(site.backups / scheduled))
            assert len(archive_events(site.backups / scheduled)) == count


def test_a_clock_that_is_set_makes_one_backup_at_most(site, seed, clock):
    """A clock set forward looks like a machine that slept: one backup, at once.
    A clock set back neither makes a backup nor puts one off."""
    settings = {"AUTO_BACKUP_ENABLED": "true",
                "AUTO_BACKUP_INTERVAL": 3_600_000}
    with site.serve(prefix=clock.prefix, **settings) as server:
        server.api.append(make_events(seed, "w", 0, 5))
        made = [create(server.api)]
        server.api.append(make_events(seed, "w", 5, 5))
        clock.set(-10)
        clock.assert_is(next_run(server.api))
        clock.set(10)
        wait_until(lambda: len(site.archives()) == 2, "a run at once")
        wait_until(lambda: clock.until(next_run(server.api)) > 1800,
                   "a schedule that counts from that run")
        made = site.archives()
        server.api.append(make_events(seed, "w", 10, 5))
        for years in (-10, 10):
            clock.set(years)
            # Longer than the schedule waits between two looks.
            time.sleep(12)
            assert site.archives() == made
            clock.assert_is(next_run(server.api))
    # Nor at a start: a backup from the future counts as made just now.
    clock.set(-20)
    names = site.archives()
    with site.serve(prefix=clock.prefix, **settings) as server:
        time.sleep(1)
        assert site.archives() == names
        clock.assert_is(next_run(server.api))


def test_backups_behind_a_restore_outlive_those_of_the_future(site, seed,
                                                              clock):
    """The clock was wrong and is set right, then a backup is restored: rotation
    removes the old history's backups first, whatever their dates say."""
    settings = {"MAX_BACKUPS": 3, "BACKUP_VERIFY": "false"}
    clock.set(10)
    with site.serve(prefix=clock.prefix, **settings) as server:
        for number in range(3):
            server.api.append(make_events(seed, "before", number, 1))
            old = create(server.api)
        clock.set(0)
        server.api.append(make_events(seed, "before", 3, 1))
        health = server.api.health()["backup"]
        assert health["unsavedWrites"] > 0
        assert health["unsavedSeconds"] is None, "the age is unknown"
        server.api.post("/api/backup/restore", {"backupName": old}).ok()
        made = []
        for number in range(3):
            server.api.append(make_events(seed, "behind", number, 1))
            made.append(create(server.api))
            entry = newest(server.api)
            assert entry["name"] == made[-1]
            clock.assert_is(entry["created"])
        listed = [entry["name"] for entry in server.api.backups()]
        # The restored one stays as long as the restore can be undone.
        assert listed == made[::-1] + [old], \
            "backups of the future pushed them out"
