"""Without memory, the program ends with a message and otherwise as by a crash:
no acknowledged event is lost, and the next start goes on.

The address space is limited: from a size in which the program does not even
load up to a size in which it lacks nothing.
"""

import http.client
import re
import resource
import signal

import pytest

from events import make_events
from restore_case import SETTINGS, Case
from store import read_events

MIB = 1 << 20
LIMITS = 16
BATCH = 500
NOT_LOADED = 127  # the system's loader fails, before the program begins


@pytest.fixture
def case(folder, seed):
    return Case(folder, seed, 60, 90)


def run_limited(site, bytes_, *arguments):
    done = site.run(*arguments, prefix=("prlimit", f"--as={bytes_}"),
                    settings=SETTINGS)
    if done.code == NOT_LOADED:
        assert "shared libraries" in done.err, done.text
    elif done.code == -signal.SIGABRT:
        # Before main: the libraries allocate when they are loaded. Even the
        # exception may find no memory.
        assert re.search("instance of 'St9bad_alloc'|terminate called without",
                         done.err), done.text
        assert not done.out, done.text
    elif done.code != 0:
        assert done.code in range(1, 8), (bytes_, done.code, done.text[-3000:])
        assert re.search(r"error: \S", done.err), done.text
    return done


def smallest(site, *arguments):
    """The smallest limit, to a quarter of a MiB, with which it succeeds."""
    low, high = 1 * MIB, 4096 * MIB
    while high - low > MIB // 4:
        middle = (low + high) // 2
        if run_limited(site, middle, *arguments).code == 0:
            high = middle
        else:
            low = middle
    return high


def test_create_under_each_limit(case, rng, rounds):
    site = case.fresh()
    enough = smallest(site, "create")
    made = len(site.archives())
    failed = 0
    for _ in range(rounds(LIMITS)):
        done = run_limited(site, rng.randrange(enough // 2, enough), "create")
        failed += done.code != 0
        # Every backup is sound, and the database is unchanged.
        site.run("verify", "--all").expect(0)
        assert read_events(site.db) == case.old
    assert made > 0 and failed > 0
    site.run("create").expect(0)
    assert not site.left_overs()


def test_json_has_an_object_for_it(case):
    site = case.fresh()
    enough = smallest(site, "create")
    ends = [run_limited(site, enough - i * enough // 80, "create", "--json")
            for i in range(1, 40)]
    short = [done for done in ends if "not enough memory" in done.err]
    assert short, [done.text for done in ends]
    for done in short:
        assert done.json()["exitCode"] == done.code == 1, done.text
        assert "memory limit" in done.json()["hint"]


def address_space(server):
    with open(f"/proc/{server.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def work(server, seed):
    """Appends and creates; returns how many events were acknowledged."""
    acknowledged = 0
    for first in range(0, 3 * BATCH, BATCH):
        try:
            answer = server.api.post(
                "/api/events", make_events(seed, "w", first, BATCH))
            acknowledged += BATCH if answer.status == 201 else 0
            server.api.post("/api/backup/create", {})
        except (OSError, http.client.HTTPException):
            pass
    return acknowledged


def test_server_under_each_limit(case, seed):
    with case.fresh().serve(**SETTINGS) as server:
        used = address_space(server)
    ended = 0
    for room in range(-40, 120, 8):
        site = case.fresh()
        server = site.serve(
            prefix=("prlimit", f"--as={used + room * MIB}"), **SETTINGS)
        server.launch()
        acknowledged = 0
        if server.alive_and_ready():
            acknowledged = work(server, seed)
        if server.process.poll() is None:
            server.signal(signal.SIGTERM)  # it may end for want of memory yet
            server.process.wait(60)
        if server.process.returncode == 1:
            ended += "error: not enough memory" in server.log()
        assert server.process.returncode in (0, 1, NOT_LOADED), server.log()
        with site.serve(**SETTINGS) as again:
            added = again.api.head() - len(case.old)
            # Batches without an answer may be there, but only as a whole.
            assert added in range(acknowledged, 3 * BATCH + 1, BATCH), room
        site.run("verify", "--all").expect(0)
    assert ended > 0, "no server ran out of memory"
