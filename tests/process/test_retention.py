"""Which backups the program keeps, by real archives of other days.

libfaketime tells the program when it is.
"""

import calendar
import contextlib
import datetime
import http.client
import math
import random
import time

import pytest

from events import make_events
from faketime import FakeTime

EXAMPLE = {"BACKUP_DAILY_RETENTION": 7, "BACKUP_WEEKLY_RETENTION": 4,
           "BACKUP_MONTHLY_RETENTION": 3, "SCHEDULE_TZ": "UTC"}
# The reference's worked example, on Wednesday, 15 January 2025.
EXAMPLE_KEEPS = {
    "2025-01-15", "2025-01-14", "2025-01-13", "2025-01-12", "2025-01-11",
    "2025-01-10", "2025-01-09",                                # daily, 7
    "2025-01-05", "2024-12-29", "2024-12-22",                  # and Sundays
    "2025-01-01", "2024-12-01", "2024-11-01"}                  # and firsts
# Besides those: neighbours of each, and what is too old.
OTHERS = ["2024-10-01", "2024-10-31", "2024-11-02", "2024-11-30", "2024-12-02",
          "2024-12-15", "2024-12-21", "2024-12-23", "2024-12-28", "2024-12-30",
          "2024-12-31", "2025-01-02", "2025-01-03", "2025-01-04", "2025-01-06",
          "2025-01-07", "2025-01-08"]


class Calendar(FakeTime):
    def at(self, moment):
        """Sets the clock to "2025-01-15 01:00", in UTC."""
        wanted = datetime.datetime.strptime(moment, "%Y-%m-%d %H:%M")
        # Never before that moment, at most a second after it.
        self.shift(math.ceil(calendar.timegm(wanted.timetuple()) -
                             time.time()))


@pytest.fixture
def clock(folder):
    return Calendar(folder)


def make_at(site, clock, seed, moments, **settings):
    """A verified backup at each of these times; returns their names."""
    names = []
    with site.serve(prefix=clock.prefix, MAX_BACKUPS=1000,
                    BACKUP_VERIFY="false", **settings) as server:
        for number, moment in enumerate(moments):
            clock.at(moment)
            server.api.append(make_events(seed, "w", number, 1))
            names.append(server.api.create()["name"])
    site.run("verify", "--all", "--depth", "checksums",
             prefix=clock.prefix).expect(0)
    return names


def plan(site, clock, settings):
    return site.run("rotate", "--dry-run", "--json", prefix=clock.prefix,
                    settings=settings).expect(0).json()


def kept(answer):
    return {entry["name"] for entry in answer["kept"]}


def test_worked_example_of_the_reference(site, seed, clock):
    days = sorted(EXAMPLE_KEEPS | set(OTHERS))
    make_at(site, clock, seed, [day + " 00:00" for day in days])
    clock.at("2025-01-15 01:00")
    answer = plan(site, clock, EXAMPLE)
    by_day = {entry["name"][7:17]: entry["reasons"]
              for entry in answer["kept"]}
    assert set(by_day) == EXAMPLE_KEEPS and len(by_day) == 13
    assert by_day["2025-01-12"] == ["daily 4 of 7 (2025-01-12)",
                                    "weekly 1 of 4 (week of 2025-01-06)"]
    assert by_day["2024-11-01"] == ["monthly 3 of 3 (2024-11)"]
    gone = {entry["name"][7:17]: entry["reasons"]
            for entry in answer["removed"]}
    assert gone["2024-12-02"] == [
        "beyond BACKUP_DAILY_RETENTION=7", "beyond BACKUP_WEEKLY_RETENTION=4",
        "another backup stays for 2024-12"]
    assert len(site.archives()) == len(days), "a dry run removes nothing"

    # Backups came about daily: the pace of the forecast.
    coming = {entry["name"][7:17]: entry["date"][:10]
              for entry in answer["forecast"]}
    assert coming["2025-01-09"] == "2025-01-16"
    assert coming["2024-12-22"] == "2025-01-19"
    assert "2025-01-01" not in coming
    assert answer["forecastUntil"].startswith("2025-02-14")

    rotated = site.run("rotate", "--json", prefix=clock.prefix,
                       settings=EXAMPLE).expect(0).json()
    assert kept(rotated) == kept(answer)
    assert {name[7:17] for name in site.archives()} == EXAMPLE_KEEPS

    # MAX_BACKUPS alone acts where no other rule is set.
    assert len(kept(plan(site, clock, {}))) == 10
    assert len(kept(plan(site, clock, {**EXAMPLE, "MAX_BACKUPS": 2}))) == 13


def test_days_are_those_of_the_zone(site, seed, clock):
    moments = ["2025-03-01 08:30", "2025-03-01 09:30", "2025-03-01 10:30",
               "2025-03-01 11:30", "2025-03-01 12:30"]
    names = make_at(site, clock, seed, moments)

    def days_of(zone):
        settings = {"BACKUP_DAILY_RETENTION": 2, "SCHEDULE_TZ": zone}
        return [name[18:22] for name in names
                if name in kept(plan(site, clock, settings))]

    assert days_of("UTC") == ["1230"]
    assert days_of("Pacific/Tongatapu") == ["1030", "1230"], "13 hours ahead"
    assert days_of("Pacific/Honolulu") == ["0930", "1230"], "10 hours behind"
    # Without SCHEDULE_TZ it is the zone of TZ.
    settings = {"BACKUP_DAILY_RETENTION": 2, "TZ": "Pacific/Tongatapu"}
    assert kept(plan(site, clock, settings)) == {names[2], names[4]}
    refused = site.run("rotate", settings={**settings, "TZ": "CET-1CEST"})
    assert "SCHEDULE_TZ is not set" in refused.expect(2).err
    assert site.archives() == names


def test_backups_of_the_future_stay_and_are_named(site, seed, clock):
    future, first, second = make_at(
        site, clock, seed,
        ["2026-04-01 00:00", "2025-03-01 00:00", "2025-03-02 00:00"])
    settings = {"BACKUP_DAILY_RETENTION": 1, "SCHEDULE_TZ": "UTC"}
    clock.at("2025-03-02 01:00")
    site.run("rotate", prefix=clock.prefix, settings=settings).expect(0)
    assert site.archives() == [second, future]
    with site.serve(prefix=clock.prefix, **settings) as server:
        degraded = server.api.health()["backup"]["degraded"]
    assert any(f"{future} is dated in the future" in why for why in degraded)


def test_what_is_downloaded_stays_until_that_ends(site, rng):
    """Another process rotates while a client of the server reads slowly."""
    settings = {"MAX_BACKUPS": 1, "BACKUP_VERIFY": "false"}
    with site.serve(**{**settings, "MAX_BACKUPS": 9}) as server:
        data = random.Random(rng.random())
        for number in range(40):
            server.api.append([{"type": "big", "stream": "s", "data":
                                {"payload": data.randbytes(450_000).hex()}}])
        old = server.api.create()["name"]
        new = server.api.create()["name"]
        # Without its socket, the program works beside the server.
        (site.work / "control.sock").unlink()
        client = http.client.HTTPConnection("127.0.0.1", server.port, 30)
        with contextlib.closing(client):
            client.request("GET", f"/api/backup/download/{old}")
            answer = client.getresponse()
            assert answer.status == 200
            answer.read(1000)
            rotated = site.run("rotate", "--json", settings=settings)
            reasons = {entry["name"]: entry["reasons"]
                       for entry in rotated.expect(0).json()["kept"]}
            assert reasons[old] == ["in use"], reasons
            assert site.archives() == sorted([old, new])
            answer.close()
        assert not rotate_until_gone(site, settings, old)
        assert site.archives() == [new]


def rotate_until_gone(site, settings, name):
    """Rotates until the server has noticed that its client is gone."""
    end = time.monotonic() + 30
    while name in site.archives() and time.monotonic() < end:
        site.run("rotate", settings=settings).expect(0)
        time.sleep(0.1)
    return name in site.archives()
