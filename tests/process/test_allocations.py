"""Each of the program's first allocations fails once: it says that there is
no memory, or gets on without; it never dies of it, and the store stays whole.

A run takes a random selection; LEVELKEEP_PROCESS_ROUNDS multiplies it, and
1000 is all of the first 4,000 of each (a create needs some 3,300).

Some ends are none of ours: nlohmann::json 3.11 allocates in its destructor,
which must not throw; LevelDB stays locked, so that the program ends itself; in
LevelDB's own thread nobody catches. They are aborts, and recognized by the
place of the allocation. (What else nlohmann::json does is ours to avoid:
operator[] leaves a null pointer in what was null when it found no memory, so
that an object of ours starts as one.)
"""

import bisect
import functools
import http.client
import os
import re
import shutil
import signal
import subprocess

import pytest

from events import make_events
from harness import binary, wait_until
from restore_case import (SETTINGS, Case, assert_undo_is_consistent,
                          state_of)
from store import read_events

FIRST = 4000
OF_A_REQUEST = 2000
A_RUN = 12
EXIT_CODES = (0, 1, 2, 3, 4, 5, 6, 7)


def library():
    path = os.environ.get("LEVELKEEP_FAILING_ALLOCATION")
    assert path and os.path.exists(path), (
        "set LEVELKEEP_FAILING_ALLOCATION to levelkeep-failing-allocation's "
        "library")
    return path


def chosen(rng, rounds, last=FIRST):
    count = min(last, rounds(A_RUN))
    return sorted(rng.sample(range(1, last + 1), count))


@functools.cache
def symbols():
    """Addresses and names of the program's functions, by address."""
    lines = subprocess.run(["nm", "-Cn", "--defined-only", binary()],
                           capture_output=True, text=True, check=True,
                           timeout=120).stdout.splitlines()
    found = [line.split(" ", 2) for line in lines if line[:1] != " "]
    return ([int(address, 16) for address, _, _ in found],
            [name for _, _, name in found])


def place_of(trace):
    """The program's function that asked for the memory."""
    found = re.search(r"/levelkeep\(\+0x([0-9a-f]+)\)", trace)
    assert found, trace[-3000:]
    addresses, names = symbols()
    return names[bisect.bisect_right(addresses, int(found.group(1), 16)) - 1]


def in_json_destructor(trace):
    return re.match(r"nlohmann::.*::(json_value::destroy|~basic_json)\(",
                    place_of(trace)) is not None


def run_failing(site, number, *arguments):
    """Runs a verb; None if it needs fewer allocations than that."""
    done_file = site.root / "allocation-failed"
    done = site.run(*arguments, settings={
        **SETTINGS, "LD_PRELOAD": library(),
        "LEVELKEEP_TEST_FAIL_ALLOCATION": number,
        "LEVELKEEP_TEST_FAIL_TRACE": 1,
        "LEVELKEEP_TEST_FAIL_DONE": done_file})
    if not done_file.exists():
        done.expect(0)
        return None
    if done.code == -signal.SIGABRT and in_json_destructor(done.err):
        return done
    assert done.code in EXIT_CODES, (
        f"allocation {number}: exit code {done.code}\n{done.text[-3000:]}")
    if done.code > 0:
        assert re.search(r"error: \S", done.text), done.text
    return done


@pytest.fixture
def case(folder, seed):
    return Case(folder, seed, 60, 90)


def test_create(case, rng, rounds):
    failed = 0
    for number in chosen(rng, rounds):
        site = case.fresh()
        done = run_failing(site, number, "create")
        site.run("verify", "--all").expect(0)
        if done and done.code == 0:
            assert site.archives()
        failed += done is not None and done.code != 0
        # Nothing of it is left but what the next start sweeps.
        site.run("create").expect(0)
        assert read_events(site.db) == case.old
        shutil.rmtree(site.root)
    print(f"{failed} of them failed the create")


def test_restore(case, rng, rounds):
    failed = 0
    for number in chosen(rng, rounds):
        site = case.fresh()
        done = run_failing(site, number, "restore", case.archive, "--yes")
        state = state_of(case, read_events(site.db))
        if done is None or done.code == 0:
            assert state == "new"
        failed += state == "old"
        with site.serve(**SETTINGS):
            site.assert_swept()
        state = state_of(case, read_events(site.db))
        assert_undo_is_consistent(case, site, state)
        shutil.rmtree(site.root)
    print(f"{failed} of them failed the restore")


def test_list(case, rng, rounds):
    site = case.with_backup(case.fresh())
    for number in chosen(rng, rounds):
        done = run_failing(site, number, "list", "--json")
        if done and done.code > 0:
            assert done.json()["exitCode"] == done.code, done.text
        (site.root / "allocation-failed").unlink(missing_ok=True)


REQUESTS = {
    "list": lambda api, n: api.get("/api/backup/list"),
    "health": lambda api, n: api.get("/api/health"),
    "create": lambda api, n: api.post("/api/backup/create", {}),
    "events": lambda api, n: api.post(
        "/api/events", make_events(n, "w", 0, 3)),
    "read": lambda api, n: api.get("/api/events?after=0&limit=3"),
    "restore": lambda api, n: api.post(
        "/api/backup/restore", {"backupName": "latest", "dryRun": True}),
}


def arm(trigger, number):
    """For the next connection; 0: nothing fails."""
    whole = trigger.with_suffix(".new")
    whole.write_text(str(number))
    whole.rename(trigger)


def answer_of(api, name, number):
    """The reply, or None where the connection ended without one."""
    try:
        return REQUESTS[name](api, number)
    except (OSError, http.client.HTTPException):
        return None


def in_leveldbs_thread(trace):
    """The outermost function, but for the C library's, is LevelDB's."""
    found = re.findall(r"/(levelkeep|libleveldb\.so)[^/(]*\(", trace)
    return bool(found) and found[-1] == "libleveldb.so"


def assert_others_fault(server):
    """The server is dead: by the last failure, and not in code of ours."""
    server.process.wait(timeout=30)
    trace = server.log()
    assert server.process.returncode == -signal.SIGABRT, trace[-3000:]
    last = trace[trace.rindex("(_Zn"):]  # operator new, new[]
    if "out of memory inside of LevelDB" in last:
        assert "/libleveldb.so" in last, trace[-3000:]
    elif not in_leveldbs_thread(last):
        assert in_json_destructor(last), (place_of(last), trace[-3000:])
    server.expected_end = True


def added_by(name, answer):
    """How many events may be there more than before."""
    if name != "events":
        return (0,)
    return (3,) if answer is not None and answer.status == 201 else (0, 3)


def try_requests(site, name, numbers):
    """One server lives through all of them, unless others' code ends it.
    Returns how many failed, and the numbers that are left."""
    trigger = site.root / "fail-allocation"
    failed = 0
    server = site.serve(LD_PRELOAD=library(), LEVELKEEP_TEST_FAIL_FILE=trigger,
                        LEVELKEEP_TEST_FAIL_TRACE=1, **SETTINGS)
    with server:
        while numbers:
            number = numbers.pop()
            count = server.api.head()
            arm(trigger, number)
            answer = answer_of(server.api, name, number)
            failed += answer is None or answer.status >= 500
            expected = added_by(name, answer)
            try:
                wait_until(lambda: not trigger.exists(),
                           "the request's accept")
                arm(trigger, 0)  # the next connection is spared
                assert server.api.get("/livez").status == 200
                assert server.api.health()["status"] in ("ok", "degraded")
                added = server.api.head() - count
            except (OSError, http.client.HTTPException):
                assert_others_fault(server)
                break
            assert added in expected, (number, added, answer and answer.body)
    if server.process.returncode != 0:
        trigger.unlink(missing_ok=True)
        with site.serve(**SETTINGS) as again:
            added = again.api.head() - count
        assert added in expected, (number, added, answer and answer.body)
    return failed, numbers


@pytest.mark.parametrize("name", sorted(REQUESTS))
def test_request(case, rng, rounds, name):
    site = case.with_backup(case.fresh())
    numbers = chosen(rng, rounds, OF_A_REQUEST)
    if name in ("events", "read"):
        # All of them: what they leave behind matters, and they take seconds.
        numbers = list(range(1, OF_A_REQUEST + 1))
    failed = servers = 0
    while numbers:
        more, numbers = try_requests(site, name, numbers)
        failed += more
        servers += 1
    print(f"{failed} requests failed, {servers} servers")
    site.run("verify", "--all").expect(0)
