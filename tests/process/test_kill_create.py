"""SIGKILL while a backup is made: no acknowledged event is lost, no unfinished
file is left, no bad archive has a final name."""

import hashlib
import threading
import time

from events import Writers, make_events
from harness import FSYNC, OPEN, RENAME, UNLINK, killed_at
from store import (archive_events, assert_archive_sound, assert_gapless,
                   read_events)

# Slow enough that a kill after a random time hits every phase.
SLOW = {"BACKUP_RATE_LIMIT": 12 << 20, "BACKUP_VERIFY": "false",
        "MAX_BACKUPS": 50}


def create_quietly(api, done):
    try:
        reply = api.post("/api/backup/create", {"label": "round"})
        if reply.status == 200:
            done.append(reply.json()["name"])
    except OSError:
        pass  # the server was killed; what is on disk decides
    except Exception:  # half a reply
        pass


def check_folder(site, known):
    """Only sound archives have final names; older ones are unchanged."""
    names = site.archives()
    for name, digest in known.items():
        assert name in names, f"backup {name} disappeared"
        assert digest_of(site.backups / name) == digest
    for name in names:
        if name not in known:
            site.run("verify", name, "--depth", "full").expect(0)
            known[name] = digest_of(site.backups / name)
    sidecars = {path.name[:-len(".sha256")]
                for path in site.backups.glob("*.sha256")}
    assert sidecars <= set(names), "a sidecar without its archive"


def digest_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_kill_at_any_time_of_a_create(site, seed, rng, rounds):
    with site.serve() as server:
        server.api.append_all(make_events(seed, "base", 0, 16_000))
        begin = time.monotonic()
        slow = server.api.create()["name"]
        took = time.monotonic() - begin
    known = {slow: digest_of(site.backups / slow)}
    acknowledged = 16_000
    confirmed = set()
    for number in range(rounds(10)):
        with site.serve(**SLOW) as server:
            site.assert_swept()  # what the last kill left is gone
            assert server.api.head() >= acknowledged
            writers = Writers(server.api, seed, threads=1, batch=50,
                              first_number=1_000_000 * (number + 1))
            done = []
            create = threading.Thread(target=create_quietly,
                                      args=(server.api, done))
            delay = rng.uniform(0, 1.6 + took)
            with writers:
                create.start()
                time.sleep(delay)
                server.kill9()
            create.join(60)
            confirmed.update(done)
            acknowledged = max(acknowledged, writers.last)
        print(f"round {number}: killed after {delay:.3f} s, "
              f"confirmed {done}, acknowledged {acknowledged}")
        assert confirmed <= set(site.archives()), "a confirmed backup is gone"
    with site.serve(**SLOW) as server:
        site.assert_swept()
    check_folder(site, known)
    for name in confirmed:
        assert_archive_sound(site.backups / name)
    events = read_events(site.db)
    assert len(events) >= acknowledged, "an acknowledged event is lost"
    assert_gapless(seed, events)
    newest = site.archives()[-1]
    assert_gapless(seed, archive_events(site.backups / newest))
    site.assert_swept()


def create_killed(site, calls, occurrence, settings):
    """Kills at that call of a start or create; False if the call never came."""
    server = site.serve(prefix=killed_at(calls, occurrence), **settings)
    server.launch()
    if not server.alive_and_ready():
        return True  # already at start: a crash like any other
    done = []
    create_quietly(server.api, done)
    if done:
        server.kill9()
    else:
        server.process.wait(60)
    return not done


def test_kill_at_each_durable_call_of_a_create(site, seed, rounds):
    settings = {"BACKUP_VERIFY": "false", "MAX_BACKUPS": 100}
    with site.serve(**settings) as server:
        server.api.append(make_events(seed, "w", 0, 400))
        first = server.api.create()["name"]
    known = {first: digest_of(site.backups / first)}
    for calls, step in ((RENAME, 1), (FSYNC, 1), (UNLINK, 1), (OPEN, 17)):
        kills = 0
        for occurrence in range(1, rounds(600), step):
            if not create_killed(site, calls, occurrence, settings):
                break
            kills += 1
            with site.serve(**settings) as server:
                site.assert_swept()
                assert server.api.head() == 400
        else:
            raise AssertionError(f"no create got past all {calls}")
        print(f"{calls}: {kills} kills")
        assert kills > 0, "strace killed nothing: does it work here?"
    check_folder(site, known)
    assert_gapless(seed, read_events(site.db))
