"""SIGKILL while a restore runs: the store is the old one or the new one."""

import concurrent.futures
import shutil
import threading
import time

import pytest

from harness import FSYNC, MKDIR, RENAME, UNLINK, killed_at
from restore_case import (SETTINGS, Case, assert_undo_is_consistent,
                          settle_drop, state_of)
from store import read_events

FAMILIES = {"rename": RENAME, "fsync": FSYNC, "unlink": UNLINK,
            "mkdir": MKDIR}


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_kill_at_each_call_of_a_restore_by_the_tool(folder, seed, family):
    case = Case(folder, seed, 60, 90)
    states = []
    for occurrence in range(1, 200):
        site = case.fresh()
        done = site.run("restore", case.archive, "--yes",
                        prefix=killed_at(FAMILIES[family], occurrence))
        with site.serve(**SETTINGS):
            site.assert_swept()
        state = state_of(case, read_events(site.db))
        states.append(state)
        if done.code not in (0, -9):  # levelkeep-check was killed
            assert state == "old", done.text
        assert_undo_is_consistent(case, site, state)
        shutil.rmtree(site.root)
        if done.code == 0:
            assert state == "new"
            break
    else:
        raise AssertionError("a restore never got through")
    print(f"{family}: {len(states) - 1} kills, then {states}")


def drop_killed(case, family, occurrence):
    """One crash at a start, then a start; False if the first did not crash."""
    site = case.fresh()
    site.drop(case.archive)
    server = site.serve(prefix=killed_at(FAMILIES[family], occurrence),
                        **SETTINGS).launch()
    killed = not server.alive_and_ready()
    server.kill9()
    state = settle_drop(case, site)
    assert state == "new", "one crash must not use up the tries"
    if occurrence % 4 == 1:
        assert_undo_is_consistent(case, site, state)
    shutil.rmtree(site.root)
    return killed


@pytest.mark.parametrize("family", ("fsync", "rename"))
def test_kill_at_calls_of_a_dropped_restore(folder, seed, rounds, family):
    """The starts run side by side: each waits for the drop to stand still."""
    case = Case(folder, seed, 60, 90)
    step = max(1, 2 // rounds(1))
    kills = 0
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for first in range(1, 200, 4 * step):
            killed = list(pool.map(
                lambda occurrence: drop_killed(case, family, occurrence),
                range(first, first + 4 * step, step)))
            kills += sum(killed)
            if not all(killed):
                break
        else:
            raise AssertionError("a start never got through")
    print(f"{family}: {kills} kills")
    assert kills > 3


def test_kill_again_and_again_during_recovery(folder, seed, rng, rounds):
    """The recovery itself crashes, at random calls."""
    case = Case(folder, seed, 60, 90)
    for number in range(rounds(3)):
        site = case.fresh()
        site.drop(case.archive)
        trail = []
        for _ in range(4):
            call = rng.choice((RENAME, FSYNC))
            occurrence = rng.randrange(1, 14)
            server = site.serve(prefix=killed_at(call, occurrence),
                                **SETTINGS).launch()
            killed = not server.alive_and_ready()
            trail.append((call, occurrence, killed))
            if not killed:
                server.kill9()
            state_of(case, read_events(site.db))
        print(f"round {number}: {trail}")
        state = settle_drop(case, site)
        assert_undo_is_consistent(case, site, state)
        shutil.rmtree(site.root)


def test_kill_at_any_time_of_a_dropped_restore(folder, seed, rng, rounds):
    case = Case(folder, seed, 3000, 12_000)
    states = []
    for number in range(rounds(4)):
        site = case.fresh()
        site.drop(case.archive)
        server = site.serve(**SETTINGS).launch()
        # Mostly after the wait for a file that might still be growing.
        delay = rng.choice((0, 2, 2)) + rng.uniform(0, 0.9)
        time.sleep(delay)
        server.kill9()
        state_of(case, read_events(site.db))
        states.append((round(delay, 3), settle_drop(case, site)))
        assert_undo_is_consistent(case, site, states[-1][1])
        shutil.rmtree(site.root)
    print(states)


def restore_quietly(api, name, replies):
    try:
        replies.append(api.post("/api/backup/restore", {
            "backupName": name, "otherDatabase": True}).status)
    except Exception:
        pass  # the server was killed; what is on disk decides


def check_after_live_crash(case, site, replies):
    with site.serve(**SETTINGS):
        site.assert_swept()
    state = state_of(case, read_events(site.db))
    assert state == "new" or 200 not in replies, "a confirmed restore is gone"
    assert_undo_is_consistent(case, site, state)
    shutil.rmtree(site.root)
    return state


def test_kill_at_any_time_of_a_live_restore(folder, seed, rng, rounds):
    case = Case(folder, seed, 3000, 12_000)
    states = []
    for number in range(rounds(6)):
        site = case.with_backup(case.fresh())
        replies = []
        with site.serve(**SETTINGS) as server:
            thread = threading.Thread(target=restore_quietly, args=(
                server.api, case.name, replies))
            thread.start()
            delay = rng.uniform(0, 0.5)
            time.sleep(delay)
            server.kill9()
            thread.join(60)
        states.append((round(delay, 3), replies,
                       check_after_live_crash(case, site, replies)))
    print(states)


@pytest.mark.parametrize("family", ("fsync", "rename"))
def test_kill_at_each_call_of_a_live_restore(folder, seed, family):
    case = Case(folder, seed, 60, 90)
    kills = []
    for occurrence in range(1, 200):
        site = case.with_backup(case.fresh())
        replies = []
        server = site.serve(prefix=killed_at(FAMILIES[family],
                                             occurrence), **SETTINGS).launch()
        if server.alive_and_ready():
            restore_quietly(server.api, case.name, replies)
        if replies:
            assert replies == [200]
            server.kill9()
        else:
            server.process.wait(60)
        kills.append(check_after_live_crash(case, site, replies))
        if replies:
            break
    else:
        raise AssertionError("a restore never got through")
    print(f"{family}: {len(kills) - 1} kills, then {kills}")


def test_kill_during_an_undo(folder, seed):
    case = Case(folder, seed, 60, 90)
    case.template.run("restore", case.archive, "--yes").expect(0)
    for calls in (RENAME, FSYNC):
        for occurrence in range(1, 100):
            site = case.fresh()
            undo = site.run("restore", "--undo", "--yes",
                            prefix=killed_at(calls, occurrence))
            with site.serve(**SETTINGS):
                site.assert_swept()
            state = state_of(case, read_events(site.db))
            if undo.code == 0:
                assert state == "old"
                shutil.rmtree(site.root)
                break
            # Whatever the state is, an undo leads to the other one.
            site.run("restore", "--undo", "--yes").expect(0)
            other = state_of(case, read_events(site.db))
            assert other != state
            shutil.rmtree(site.root)
        else:
            raise AssertionError("an undo never got through")
        print(f"{calls}: {occurrence - 1} kills")
