"""Cron schedules beside other people's: croniter, and systemd's calendar.

levelkeep-cron-runs says when an expression runs. croniter 1.3 is a judge in UTC
only, because its times are wrong where clocks change, and only where its rule
for the two day fields is Vixie cron's. systemd-analyze is a judge wherever both
syntaxes can say the same; on days on which clocks change it has other rules.
"""

import datetime
import os
import pathlib
import re
import shutil
import subprocess
import zoneinfo

import pytest
from croniter import CroniterBadDateError, croniter

from harness import COMMAND_SECONDS, binary

UTC = datetime.timezone.utc
FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
DAY, WEEKDAY = 2, 4
DAY_NAMES = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
         "Asia/Kathmandu", "America/Santiago")
CRONITER_EXPRESSIONS = 6500
SYSTEMD_EXPRESSIONS = 1500
SYSTEMD_BATCH = 50     # expressions for one process, all with one time
RUNS = 3               # of each expression


class Field:
    """A random field: a list of (first, last, step), or of one star."""

    def __init__(self, rng, first, last, star_chance):
        self.first, self.last = first, last
        self.star = rng.random() < star_chance
        if self.star:
            step = rng.choice((1, 1, 1, rng.randint(2, last - first + 1)))
            self.parts = [(first, last, step)]
            return
        self.parts = []
        for _ in range(rng.choice((1, 1, 2, 3))):
            low = rng.randint(first, last)
            high = rng.choice((low, rng.randint(low, last)))
            step = rng.choice((1, rng.randint(1, last - first + 1)))
            self.parts.append((low, high, step if high > low else 1))

    def values(self):
        return {value for low, high, step in self.parts
                for value in range(low, high + 1, step)}

    def covers_all(self):
        return len({value % 7 if self.last == 7 else value
                    for value in self.values()}) == \
            len(range(self.first, self.last + (self.last != 7)))

    def cron(self):
        if self.star:
            return "*" + self.step_text(self.parts[0][2])
        return ",".join(
            str(low) if low == high else
            f"{low}-{high}" + self.step_text(step)
            for low, high, step in self.parts)

    def systemd(self):
        if self.last == 7:
            return ",".join(DAY_NAMES[value] for value in self.values()) + " "
        if self.star and self.parts[0][2] == 1:
            return "*"
        # Never 0/15: systemd 252 goes on past the last hour to 30 o'clock.
        return ",".join(
            str(low) if low == high else
            f"{low}..{high}" + self.step_text(step)
            for low, high, step in self.parts)

    @staticmethod
    def step_text(step):
        return "" if step == 1 else f"/{step}"


class Expression:
    """A random expression in both syntaxes."""

    def __init__(self, rng):
        chances = (0.3, 0.4, 0.6, 0.7, 0.6)
        self.fields = [Field(rng, first, last, chance)
                       for (first, last), chance in zip(FIELDS, chances)]
        self.text = " ".join(field.cron() for field in self.fields)

    def days(self):
        return self.fields[DAY], self.fields[WEEKDAY]

    def croniter_agrees(self):
        """croniter takes a day field for unrestricted if it has all values;
        Vixie cron does so if it begins with a star. And from a month without
        day 29, 30 or 31, croniter leaps over the first days of the next."""
        day = self.fields[DAY]
        if not day.covers_all() and max(day.values()) > 28:
            return False
        return all(day.star == day.covers_all() for day in self.days()) or \
            any(day.star and day.covers_all() for day in self.days())

    def systemd(self, zone):
        """The calendar specification: its weekday and date must both match."""
        minute, hour, day, month, weekday = \
            (field.systemd() for field in self.fields)
        if self.fields[WEEKDAY].covers_all():
            weekday = ""
        return f"{weekday}*-{month}-{day} {hour}:{minute}:00 {zone}"

    def systemd_agrees(self):
        return any(day.star for day in self.days())


def random_time(rng):
    """A minute of the years 1975 to 2099, which both judges know."""
    return datetime.datetime(1975, 1, 1, tzinfo=UTC) + \
        datetime.timedelta(minutes=rng.randrange(125 * 365 * 24 * 60))


def our_runs(cases):
    """The runs of (expression, zone, time): lists of times, or the error."""
    program = pathlib.Path(binary()).parent / "levelkeep-cron-runs"
    lines = "".join(
        f"{expression.text}|{zone}|{time:%Y-%m-%dT%H:%M:%SZ}|{RUNS}\n"
        for expression, zone, time in cases)
    done = subprocess.run([program], input=lines, text=True, check=True,
                          stdout=subprocess.PIPE, timeout=COMMAND_SECONDS)
    answers = done.stdout.splitlines()
    assert len(answers) == len(cases)
    return [line if line.startswith("error: ") else
            [datetime.datetime.fromisoformat(word.replace("Z", "+00:00"))
             for word in line.split()] for line in answers]


def made(rng, count, wanted):
    """Random expressions that `wanted` takes."""
    expressions = []
    while len(expressions) < count:
        expression = Expression(rng)
        if wanted(expression):
            expressions.append(expression)
    return expressions


def test_croniter_gives_the_same_runs_in_utc(rng):
    cases = [(expression, "UTC", random_time(rng)) for expression in
             made(rng, CRONITER_EXPRESSIONS, Expression.croniter_agrees)]
    refused = 0
    for (expression, _, time), ours in zip(cases, our_runs(cases)):
        judge = croniter(expression.text, time.timestamp())
        try:
            theirs = [datetime.datetime.fromtimestamp(judge.get_next(), UTC)
                      for _ in range(RUNS)]
        except CroniterBadDateError:
            assert "it never happens" in ours, (expression.text, time, ours)
            refused += 1
            continue
        assert ours == theirs, f"{expression.text} after {time}"
    assert refused < CRONITER_EXPRESSIONS / 10


def systemd_runs(specifications, time):
    """The next runs of several specifications, by one process; None where
    systemd gives up."""
    done = subprocess.run(
        ["systemd-analyze", "calendar", f"--iterations={RUNS}",
         f"--base-time={time:%Y-%m-%d %H:%M:%S} UTC", *specifications],
        env={**os.environ, "TZ": "UTC", "LC_ALL": "C"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=COMMAND_SECONDS)
    assert "Failed to parse" not in done.stderr, done.stderr
    given_up = set(re.findall(r"Failed to determine next elapse for '(.+)': "
                              "Resource deadlock avoided", done.stderr))
    found = re.compile(r"(?:Next elapse|Iter\. #\d+): \w+ ([-\d]+ [:\d]+) UTC")
    answers = [[datetime.datetime.fromisoformat(run + "+00:00")
                for run in found.findall(block)]
               for block in done.stdout.split("Normalized form: ")[1:]]
    assert len(answers) == sum(text not in given_up for text in specifications)
    following = iter(answers)
    return [None if text in given_up else next(following)
            for text in specifications]


def clocks_change(time, zone):
    """Whether the zone's clocks change on this local day, or beside it."""
    return len({(time + datetime.timedelta(hours=hours)).astimezone(
        zone).utcoffset() for hours in range(-36, 37, 4)}) > 1


def same_on_usual_days(case, ours, theirs):
    """The number of runs that both have, on days without a change."""
    expression, zone, time = case
    what = f"{expression.text} in {zone} after {time}"
    if isinstance(ours, str):
        assert "it never happens" in ours and theirs == [], what
        return 0
    rules = zoneinfo.ZoneInfo(zone)
    pairs = list(zip(*([run for run in runs if not clocks_change(run, rules)]
                       for runs in (ours, theirs))))
    assert all(a == b for a, b in pairs), (what, ours, theirs)
    return len(pairs)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None,
                    reason="systemd-analyze is not installed")
def test_systemd_gives_the_same_runs(rng):
    expressions = made(rng, SYSTEMD_EXPRESSIONS, Expression.systemd_agrees)
    compared = 0
    for first in range(0, SYSTEMD_EXPRESSIONS, SYSTEMD_BATCH):
        time = random_time(rng)
        cases = [(expression, rng.choice(ZONES), time)
                 for expression in expressions[first:first + SYSTEMD_BATCH]]
        judged = systemd_runs([expression.systemd(zone)
                               for expression, zone, _ in cases], time)
        for case, ours, theirs in zip(cases, our_runs(cases), judged):
            if theirs is not None:
                compared += same_on_usual_days(case, ours, theirs)
    assert compared > SYSTEMD_EXPRESSIONS
