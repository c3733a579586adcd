"""Backups by the clock, rotation, and the end of the process."""

import contextlib
import signal
import threading
import time

from events import Writers, make_events
from harness import wait_until
from store import archive_events, assert_archive_sound, assert_gapless

EVERY_SECOND = {"AUTO_BACKUP_ENABLED": "true", "AUTO_BACKUP_INTERVAL": 1000}


def test_timer_makes_backups_and_keeps_max_backups(site, seed):
    seen = set()

    def enough():
        assert writers.errors == []
        seen.update(site.archives())
        return len(seen) >= 6
    with site.serve(MAX_BACKUPS=3, **EVERY_SECOND) as server:
        # Few and small writes: only the number of backups is to grow.
        with Writers(server.api, seed, threads=1, batch=2,
                     pause=0.02) as writers:
            wait_until(enough, "six backups by the timer", 240, 0.05)
        entries = server.api.backups()
        assert {entry["trigger"] for entry in entries} <= {
            "scheduled", "shutdown"}

        def rotated():
            return len(site.archives()) <= 3
        wait_until(rotated, "rotation down to three", 60)
        assert server.api.health()["backup"]["count"] <= 4
    remaining = site.archives()
    assert 1 <= len(remaining) <= 4
    assert max(seen) in remaining or max(remaining) > max(seen)
    for name in remaining:
        assert_archive_sound(site.backups / name)
        assert_gapless(seed, archive_events(site.backups / name))
    orphans = {p.name[:-7] for p in site.backups.glob("*.sha256")} - \
        set(remaining)
    assert not orphans, "a sidecar outlived its archive"
    site.assert_swept()


def test_timer_skips_when_nothing_changed(site, seed):
    with site.serve(**EVERY_SECOND) as server:
        server.api.append(make_events(seed, "w", 0, 10))
        wait_until(lambda: len(site.archives()) >= 1, "the first backup")

        def covered():  # all that was written is in a backup
            return server.api.health()["backup"]["count"] >= 1 and \
                len(archive_events(
                    site.backups / site.archives()[-1])) == 10
        wait_until(covered, "a backup of all ten events", 60, 0.2)
        names = site.archives()
        time.sleep(3.5)
        assert site.archives() == names, "unchanged data were saved again"
        server.api.append(make_events(seed, "w", 10, 1))
        wait_until(lambda: len(site.archives()) > len(names),
                   "a backup after the next write", 60)


def test_newest_verified_backup_survives_rotation(site, seed):
    """Unverified backups do not push out the one that is verified."""
    settings = {"MAX_BACKUPS": 1, "BACKUP_VERIFY": "false"}
    with site.serve(**settings) as server:
        server.api.append(make_events(seed, "w", 0, 10))
        good = server.api.create("good")["name"]
        server.api.post(f"/api/backup/{good}/verify",
                        {"depth": "full"}).ok()
        for number in range(3):
            server.api.append(make_events(seed, "x", number, 1))
            newest = server.api.create()["name"]
        assert good in site.archives(), "the verified backup was removed"
        assert newest in site.archives(), "the newest backup was removed"
        server.api.post(f"/api/backup/{newest}/verify",
                        {"depth": "full"}).ok()
        server.api.post("/api/backup/rotate", {}).ok()
        assert site.archives() == [newest]


def test_one_catch_up_backup_after_downtime(site, seed):
    settings = {"AUTO_BACKUP_ENABLED": "true", "AUTO_BACKUP_INTERVAL": 3000}
    with site.serve() as server:  # the timer is off
        server.api.append(make_events(seed, "w", 0, 10))
        first = server.api.create()["name"]
        server.api.append(make_events(seed, "w", 10, 10))
    time.sleep(3.2)  # the interval passes while no server runs
    with site.serve(**settings) as server:
        wait_until(lambda: len(site.archives()) >= 2, "the catch-up backup",
                   60)
        time.sleep(2)
        assert len(site.archives()) == 2, "a burst instead of one run"
    caught_up = [n for n in site.archives() if n != first][0]
    assert len(archive_events(site.backups / caught_up)) == 20


def big(server, seed, events=24_000):
    server.api.append_all(make_events(seed, "big", 0, events))


def test_sigterm_during_a_backup(site, seed, rng):
    """Exit code 0 within 30 s, no half archive, all data there."""
    with site.serve() as server:
        big(server, seed)
    # A backup that would take some minutes.
    slow = {"BACKUP_RATE_LIMIT": 100_000}
    with site.serve(**slow) as server:
        statuses = []

        def create():
            try:
                statuses.append(
                    server.api.post("/api/backup/create").status)
            except OSError as error:
                statuses.append(str(error))
        thread = threading.Thread(target=create)
        thread.start()

        def running():
            return list(site.backups.glob(".levelkeep-*.part"))
        wait_until(running, "the backup began")
        time.sleep(rng.uniform(0, 0.5))
        begin = time.monotonic()
        server.stop()
        print(f"stopped in {time.monotonic() - begin:.2f} s: {statuses}")
        thread.join(30)
        assert statuses and statuses[0] != 200
    assert site.archives() == []
    site.assert_swept()
    with site.serve() as server:
        assert server.api.head() == 24_000


def test_second_signal_ends_at_once(site, seed):
    with site.serve() as server:
        big(server, seed, 4000)
    with site.serve(BACKUP_RATE_LIMIT=50_000) as server:
        def create():
            with contextlib.suppress(OSError):  # no answer comes
                server.api.post("/api/backup/create")
        thread = threading.Thread(target=create)
        thread.start()
        wait_until(lambda: list(site.backups.glob(".levelkeep-*.part")),
                   "the backup began")
        server.signal(signal.SIGTERM)
        server.signal(signal.SIGINT)
        # If the first signal has ended it already, that is an orderly end.
        assert server.process.wait(30) in (0, 130)
        thread.join(30)
    with site.serve() as server:
        assert server.api.head() == 4000
        site.assert_swept()


def test_sighup_stops_no_server(site, seed):
    with site.serve() as server:
        server.signal(signal.SIGHUP)
        server.api.append(make_events(seed, "w", 0, 1))
        assert server.api.head() == 1
