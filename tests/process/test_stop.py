"""Backups at a clean stop and before a restore, and verifications that go on
for days, over restarts."""

import json

import pytest

from events import make_events
from faketime import FakeTime
from harness import wait_until

DAY = 86400


def triggers(site):
    """The triggers of all backups, oldest first."""
    listed = json.loads(site.run("list", "--json").expect(0).out)["backups"]
    return [backup["trigger"] for backup in reversed(listed)]


def test_a_clean_stop_makes_a_backup_of_what_is_new(site, seed):
    with site.serve(BACKUP_ON_SHUTDOWN="true") as server:
        server.api.append(make_events(seed, "w", 0, 10))
    assert triggers(site) == ["shutdown"]
    with site.serve(BACKUP_ON_SHUTDOWN="true") as server:
        # The next process verifies it: after a minute, if the stop interrupted
        # the verification.
        wait_until(lambda: server.api.backups()[0]["verified"],
                   "the verification", 150)
    assert triggers(site) == ["shutdown"], "nothing was new"
    with site.serve(BACKUP_ON_SHUTDOWN="true") as server:
        server.api.append(make_events(seed, "w", 10, 5))
        server.kill9()
    assert triggers(site) == ["shutdown"], "a kill is no clean stop"
    with site.serve(BACKUP_ON_SHUTDOWN="true"):
        pass
    assert triggers(site) == ["shutdown", "shutdown"]


def test_a_stop_goes_on_without_its_backup(site, seed):
    with site.serve(BACKUP_ON_SHUTDOWN="true",
                    BACKUP_RESERVE=1 << 60) as server:
        server.api.append(make_events(seed, "w", 0, 10))
    assert "no backup at the stop: no_space" in server.log()
    assert site.archives() == []


def test_a_restore_first_backs_up_what_it_replaces(site, seed):
    settings = {"BACKUP_BEFORE_RESTORE": "true", "MAX_BACKUPS": "1"}
    with site.serve(**settings) as server:
        server.api.append(make_events(seed, "w", 0, 10))
        name = server.api.create()["name"]
        server.api.append(make_events(seed, "w", 10, 5))
        site.run("restore", name, "--yes").expect(0)
        assert server.api.head() == 10
        site.await_jobs()
    assert triggers(site) == ["api", "pre-restore"], "a restore never rotates"
    # Without a server.
    with site.serve(**settings) as server:
        server.api.append(make_events(seed, "x", 10, 7))
    site.run("restore", name, "--yes", settings=settings).expect(0)
    assert triggers(site) == ["api", "pre-restore", "pre-restore"]
    # At a start, of a dropped file.
    with site.serve(**settings) as server:
        server.api.append(make_events(seed, "y", 10, 9))
    site.drop(site.backups / name)
    with site.serve(**settings) as server:
        assert server.api.head() == 10
        site.await_jobs()
    assert triggers(site) == ["api"] + 3 * ["pre-restore"]
    # A start that restores nothing makes none.
    (site.restore / "bad.tar.gz").write_bytes(b"no archive")
    with site.serve(**settings):
        pass
    assert triggers(site) == ["api"] + 3 * ["pre-restore"]


def test_a_database_that_is_damaged_can_be_replaced(site, seed):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 10))
        name = server.api.create()["name"]
    for table in site.db.glob("MANIFEST-*"):
        table.unlink()
    done = site.run("restore", name, "--yes",
                    settings={"BACKUP_BEFORE_RESTORE": "true"}).expect(0)
    assert "was not backed up" in done.err
    with site.serve() as server:
        assert server.api.head() == 10


@pytest.fixture
def clock(folder):
    return FakeTime(folder)


def test_a_verification_above_its_budget_takes_days_and_restarts(
        site, seed, clock):
    with site.serve(BACKUP_VERIFY="false", prefix=clock.prefix) as server:
        for number in range(3):
            server.api.append(make_events(seed, "w", number * 20, 20))
            server.api.create()
    size = max(path.stat().st_size for path in site.backups.glob("*.gz"))
    settings = {"AUTO_BACKUP_ENABLED": "true", "AUTO_BACKUP_INTERVAL": 30 *
                DAY * 1000, "BACKUP_VERIFY": "false",
                "VERIFY_SCHEDULE": "* * * * *", "VERIFY_BUDGET": size // 2}
    verified = []
    for day in range(1, 12):
        with site.serve(prefix=clock.prefix, **settings) as server:
            clock.shift(day * DAY)

            def ended():
                jobs = server.api.get(
                    "/api/jobs?type=verify&limit=1").ok()["jobs"]
                return jobs and jobs[0]["status"] == "completed" and jobs[0]

            wait_until(ended, "the day's verification", 90)
            verified.append(sum(backup["status"] == "verified"
                                for backup in server.api.backups()))
        if verified[-1] == 3:
            break
    assert verified == sorted(verified)
    assert verified[-1] == 3, verified
    assert len(verified) >= 4, "half an archive a day"
