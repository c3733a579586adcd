"""Backups under full write load, and moving them to another host."""

import re
import shutil
import tempfile
import threading
import time

import pytest

from conftest import sampled, session_seed
from events import Writers, assert_is_as_sent, make_events
from harness import Site, wait_until
from store import (archive_events, assert_archive_sound, assert_gapless,
                   assert_whole_batches, read_events)

EVENTS = sampled(200_000)
BATCH = 500


class Load:
    """What happened while the writers ran."""

    def __init__(self, root):
        self.site = Site(root)
        self.writers = None
        self.cuts = []  # (acknowledged before, sent after, reply, listing)


@pytest.fixture(scope="module")
def load(request):
    root = tempfile.mkdtemp(prefix="levelkeep-process-")
    request.addfinalizer(lambda: shutil.rmtree(root, ignore_errors=True))
    run = Load(root)
    print(f"seed {session_seed()}")
    with run.site.serve() as server:
        with Writers(server.api, session_seed(), threads=3, batch=BATCH,
                     total=EVENTS) as writers:
            for quarter in (1, 2, 3):
                wait_until(
                    lambda: writers.errors or
                    writers.snapshot()[0] >= EVENTS * quarter // 4,
                    f"{quarter}/4 of the events", 400)
                _, last, _ = writers.snapshot()
                reply = server.api.create(f"load-{quarter}")
                _, _, sent = writers.snapshot()
                run.cuts.append((last, sent, reply))
            writers.join()
            run.writers = writers
        assert writers.errors == []
        assert server.api.head() == EVENTS
        run.listing = server.api.backups()
        run.health = server.api.health()
    return run


@pytest.mark.parametrize("index", [0, 1, 2])
def test_backup_under_load_is_an_exact_prefix(load, index):
    acknowledged_last, sent, reply = load.cuts[index]
    archive = load.site.backups / reply["name"]
    assert_archive_sound(archive)

    events = archive_events(archive)
    print(f"{len(events)} events; acknowledged before {acknowledged_last}, "
          f"sent when it was done {sent}")
    assert_gapless(session_seed(), events)
    assert len(events) >= acknowledged_last, "an acknowledged event is gone"
    assert len(events) <= sent, "the backup holds more than was sent"
    assert_whole_batches(load.writers, events)


def test_all_that_was_acknowledged_is_stored(load):
    events = read_events(load.site.db)
    assert len(events) == EVENTS
    assert_gapless(session_seed(), events)
    assert_whole_batches(load.writers, events)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_create_reply_says_what_is_on_disk(load, index):
    reply = load.cuts[index][2]
    assert reply["success"] is True
    assert re.fullmatch(
        rf"backup_\d{{4}}-\d\d-\d\d_\d{{6}}(-\d+)?_load-{index + 1}\.tar\.gz",
        reply["name"])
    archive = load.site.backups / reply["name"]
    assert reply["backupPath"] == str(archive)
    assert reply["size"] == archive.stat().st_size
    sidecar = (load.site.backups / (reply["name"] + ".sha256")).read_text()
    assert sidecar == f"{reply['sha256']}  {reply['name']}\n"
    assert isinstance(reply["durationMs"], int)
    assert reply["lastSequence"] > 0
    assert archive.stat().st_mode & 0o777 == 0o600


def test_list_shows_the_newest_first(load):
    names = [entry["name"] for entry in load.listing]
    assert names == [cut[2]["name"] for cut in reversed(load.cuts)]
    for entry, cut in zip(load.listing, reversed(load.cuts)):
        assert entry["size"] == cut[2]["size"]
        assert entry["sizeMB"] == f"{entry['size'] / 1048576:.2f}"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            entry["created"])
        assert entry["path"] == cut[2]["backupPath"]
        assert entry["sha256"] == cut[2]["sha256"]
    backup = load.health["backup"]
    assert backup["available"] is True and backup["count"] == 3
    assert backup["latest"]["name"] == names[0]


def test_nothing_temporary_is_left(load):
    load.site.assert_swept()


def test_archive_moves_to_another_installation(load, other_site, seed):
    name = load.cuts[2][2]["name"]
    archive = load.site.backups / name
    expected = archive_events(archive)
    other_site.drop(archive)

    with other_site.serve() as server:
        assert server.api.head() == len(expected)
        first, last = server.api.append(make_events(seed, "moved", 0, 3))
        assert (first, last) == (len(expected) + 1, len(expected) + 3)
    assert (other_site.restore / "applied" / name).is_file()
    assert not (other_site.restore / name).exists()
    after_first_run = read_events(other_site.db)
    assert after_first_run[:-3] == expected

    with other_site.serve() as server:  # the drop is not applied again
        assert server.api.head() == len(expected) + 3
    assert read_events(other_site.db) == after_first_run
    other_site.assert_swept()


def small_site(site, seed, count=300):
    """A site with some events and one backup of them; stopped."""
    with site.serve() as server:
        server.api.append(make_events(seed, "old", 0, count))
        reply = server.api.create()
    return site.backups / reply["name"]


def test_broken_drop_is_put_aside_and_old_data_serve(site, other_site,
                                                     seed):
    archive = small_site(site, seed)
    whole = archive.read_bytes()
    with other_site.serve() as server:
        server.api.append(make_events(seed, "kept", 0, 10))
    broken = other_site.drop(archive, "move.tar.gz")
    damaged = bytearray(whole)
    damaged[len(whole) * 2 // 3] ^= 0x10
    broken.write_bytes(damaged)

    with other_site.serve() as server:
        assert server.api.head() == 10
        for event in server.api.events():
            assert_is_as_sent(seed, event)
    rejected = other_site.restore / "rejected"
    assert (rejected / "move.tar.gz").read_bytes() == damaged
    assert len((rejected / "move.tar.gz.reason.txt").read_text()) > 10
    assert not broken.exists()
    other_site.assert_swept()


def test_drop_that_is_still_being_copied_is_waited_for(site, other_site,
                                                       seed):
    archive = small_site(site, seed)
    whole = archive.read_bytes()
    other_site.restore.mkdir(parents=True)
    target = other_site.restore / archive.name
    begun = threading.Event()

    def copy_slowly():
        with open(target, "wb") as out:
            step = len(whole) // 6 + 1
            for offset in range(0, len(whole), step):
                out.write(whole[offset:offset + step])
                out.flush()
                begun.set()
                time.sleep(0.3)
    copier = threading.Thread(target=copy_slowly)
    copier.start()
    begun.wait(30)
    with other_site.serve() as server:
        copier.join(30)
        assert server.api.head() == 300
    assert list((other_site.restore / "rejected").glob("*")) == []


def test_newest_of_several_drops_wins(site, other_site, seed):
    older = small_site(site, seed, 20)
    with site.serve() as server:
        server.api.append(make_events(seed, "new", 0, 5))
        newer = site.backups / server.api.create()["name"]
    other_site.drop(older)
    other_site.drop(newer)
    with other_site.serve() as server:
        assert server.api.head() == 25
    kept = [path.name for path in other_site.restore.rglob("*.tar.gz")]
    assert sorted(kept) == sorted([older.name, newer.name]), \
        "an archive was lost"
    assert (other_site.restore / "applied" / newer.name).is_file()
