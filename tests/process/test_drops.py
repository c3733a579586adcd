"""Drops that can't be restored. If there is no database yet, restarts do not
make an empty one. If there is a database, health names the drop."""

import os
import threading
import time

import pytest

from events import make_events
from test_refusals import NOBODY, as_nobody, owned_by_nobody, reachable

MORE_THAN_ANY_DISK = 1 << 60
_ = reachable  # a fixture


def backup_of(site, seed, count=20):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, count))
        return site.backups / server.api.create()["name"]


def refused_again_and_again(site, dropped, word, **how):
    """Starts three times, as a restart policy does."""
    for _start in range(3):
        server = site.serve(**how).launch()
        server.wait_stopped(code=1)
        log = server.log()
        assert dropped.name in log and word in log, log[-3000:]
        assert "ALLOW_NEW_DATABASE" in log and "hint: " in log
        assert os.path.lexists(dropped), "the drop is gone"
        assert not (site.db / "CURRENT").exists(), "an empty store began"
        assert not list((site.restore / "rejected").glob("*"))
    return log


def damaged(archive):
    content = bytearray(archive.read_bytes())
    content[len(content) // 3] ^= 0x10
    return bytes(content)


def bad_drop(kind, site, archive):
    if kind == "link":
        site.restore.mkdir()
        target = site.restore / "x.tar.gz"
        target.symlink_to("../elsewhere.tar.gz")
        return target
    target = site.drop(archive, "x.TGZ")
    whole = archive.read_bytes()
    if kind == "damaged":
        target.write_bytes(damaged(archive))
    if kind == "incomplete":
        target.write_bytes(whole[:len(whole) // 2])
    if kind == "wrong digest":
        (site.restore / "x.TGZ.sha256").write_text("0" * 64 + "  x.TGZ\n")
    return target


@pytest.mark.parametrize("kind, word, how", [
    ("damaged", "damaged", {}),
    ("incomplete", "incomplete or still being copied", {}),
    ("link", "symbolic link", {}),
    ("wrong digest", "its SHA-256 is not the one in x.TGZ.sha256", {}),
    ("no space", "must stay free", {"BACKUP_RESERVE": MORE_THAN_ANY_DISK}),
])
def test_no_empty_store_in_place_of_a_drop(site, other_site, seed, kind, word,
                                           how):
    archive = backup_of(site, seed)
    dropped = bad_drop(kind, other_site, archive)
    refused_again_and_again(other_site, dropped, word, **how)
    # A person replaces the bad drop.
    dropped.unlink()
    for digest in other_site.restore.glob("*.sha256"):
        digest.unlink()
    other_site.drop(archive)
    with other_site.serve() as server:
        assert len(server.api.events()) == 20
    other_site.assert_swept()


def test_a_new_life_is_said(other_site):
    other_site.restore.mkdir()
    dropped = other_site.restore / "x.tar.gz"
    dropped.write_text("no archive at all")
    refused_again_and_again(other_site, dropped, "not a gzip file")
    with other_site.serve(ALLOW_NEW_DATABASE="true") as server:
        assert server.api.events() == []
        told = server.api.health()["backup"]
        assert [d["name"] for d in told["unrestoredDrops"]] == ["x.tar.gz"]


def test_a_drop_of_another_user(site, other_site, seed, reachable):
    """A drop of another user, mode 0600, as of `sudo cp` or a container."""
    archive = backup_of(site, seed)
    dropped = other_site.drop(archive)
    owned_by_nobody(other_site)
    os.chown(dropped, 0, 0)
    dropped.chmod(0o600)
    how = {"prefix": as_nobody(), "program": reachable}
    log = refused_again_and_again(other_site, dropped, f"user {NOBODY}", **how)
    assert f"chown {NOBODY} " in log
    os.chown(dropped, NOBODY, NOBODY)
    with other_site.serve(**how) as server:
        server.api.append(make_events(seed, "later", 0, 1))
    # Now there is a database: the server starts, and health says what to do.
    again = other_site.drop(archive, "again.tar.gz")
    os.chown(again, 0, 0)
    again.chmod(0o600)
    with other_site.serve(**how) as server:
        assert len(server.api.events()) == 21
        [drop] = server.api.health()["backup"]["unrestoredDrops"]
        assert drop["name"] == "again.tar.gz"
        assert f"user {NOBODY}" in drop["reason"]
        assert f"chown {NOBODY} " in drop["hint"]
        told = other_site.run("health", "--url",
                              f"http://127.0.0.1:{server.port}").expect(7)
        assert "again.tar.gz" in told.out and "chown" in told.out
        again.unlink()
        assert server.api.health()["backup"]["unrestoredDrops"] == []


def test_a_drop_that_comes_while_the_server_runs_is_named_once(site, seed):
    archive = backup_of(site, seed)
    with site.serve() as server:
        site.drop(archive, "later.tar.gz")
        (site.restore / "notes.txt").write_text("not a drop")
        for _look in range(3):
            [drop] = server.api.health()["backup"]["unrestoredDrops"]
            assert drop["reason"] == "it came after the start"
        assert server.log().count("later.tar.gz") == 1
    with site.serve(AUTO_RESTORE_ENABLED="false") as server:
        assert server.api.health()["backup"]["unrestoredDrops"] == []
        assert "later.tar.gz" not in str(server.api.health())
    with site.serve() as server:
        assert server.api.health()["backup"]["unrestoredDrops"] == []
        assert "notes.txt" in server.log()


def test_a_copy_that_stalls_is_not_judged(site, other_site, seed):
    """While cp holds the file open, the start waits, however long cp pauses."""
    archive = backup_of(site, seed)
    whole = archive.read_bytes()
    other_site.restore.mkdir()
    target = other_site.restore / "x.tar.gz"
    finish = threading.Event()
    begun = threading.Event()

    def copy_with_a_pause():
        with open(target, "wb") as out:
            out.write(whole[:len(whole) // 2])
            out.flush()
            begun.set()
            finish.wait(60)
            out.write(whole[len(whole) // 2:])

    copier = threading.Thread(target=copy_with_a_pause)
    copier.start()
    assert begun.wait(30)
    server = other_site.serve().launch()
    try:
        time.sleep(6)  # longer than a size has to stand still
        assert server.process.poll() is None, server.log()
        finish.set()
        copier.join(30)
        server.wait_ready()
        assert len(server.api.events()) == 20
        server.stop()
    finally:
        finish.set()
        copier.join(30)
        server.kill9()
    assert not list((other_site.restore / "rejected").glob("*"))


def test_staged_copies_do_not_pile_up(site, seed):
    archive = backup_of(site, seed)
    with site.serve() as server:
        server.api.append(make_events(seed, "x", 0, 3))
        second = server.api.create()["name"]
        for name in (second, second, archive.name):
            server.api.post("/api/backup/restore",
                            {"backupName": name, "mode": "stage"}).ok()
        assert [p.name for p in site.restore.glob("*.tar.gz")] == \
            [archive.name]
    with site.serve() as server:
        assert len(server.api.events()) == 20
    assert not list((site.restore / "rejected").glob("*"))
