"""The life of an installation with one of its folders on a file system that
people use. What can't work there is refused at the start and in a dry run, with
the reason; everything else works.

A run takes mergerfs and exFAT; LEVELKEEP_PROCESS_ROUNDS=1000 takes all ten.
"""

import pytest

from conftest import rounds_factor
from events import make_events
from file_systems import KINDS, mounted
from harness import wait_until
from mounts import memory_disk
from store import read_events

ROLES = ("backup", "restore", "storage")
SETTINGS = {"BACKUP_RESERVE": 1 << 20, "BACKUP_VERIFY": "false"}


def taken_kinds():
    return [kind for kind in KINDS if kind.in_ci or rounds_factor() >= 1000]


def put_on(site, role, path):
    """Puts one of the site's folders on the mount."""
    if role == "backup":
        site.backups = path / "backups"
    elif role == "restore":
        site.restore = path / "restore"
    else:
        site.storage = path / "storage"
        site.db = site.storage / site.db.name
        site.work = site.storage / ".levelkeep" / site.db.name
    return {**SETTINGS, "STORAGE_DIR": site.storage,
            "BACKUP_DIR": site.backups, "RESTORE_DIR": site.restore}


def names_below(path):
    return sorted(str(p.relative_to(path)) for p in path.rglob("*"))


def insist(ask):
    """A mount that writes back late changes a file's time after the file was
    closed. A server that reads the file then answers: try again."""
    def answer():
        reply = ask()
        return None if reply.status == 409 else reply
    return wait_until(answer, "no conflict", seconds=30, step=0.2).ok()


def live(site, settings, seed):
    """Create twice, verify, restore, undo, drop, kill."""
    with site.serve(**settings) as server:
        api = server.api
        api.append(make_events(seed, "w", 0, 30))
        name = api.create("one")["name"]
        api.append(make_events(seed, "w", 30, 10))
        second = api.create("two")["name"]
        assert site.archives() == sorted([name, second])
        insist(lambda: api.post(f"/api/backup/{name}/verify",
                                {"depth": "full"}))
        restore = {"backupName": name}
        assert api.post("/api/backup/restore",
                        {**restore, "dryRun": True}).ok()["success"]
        insist(lambda: api.post("/api/backup/restore", restore))
        assert api.head() == 30
        api.post("/api/backup/undo", {}).ok()
        assert api.head() == 40
    site.drop(site.backups / name, "drop.tar.gz")
    with site.serve(**settings) as server:
        assert server.api.head() == 30, "the drop was not applied"
        assert not list((site.restore / "rejected").iterdir())
        assert not (site.restore / "drop.tar.gz").exists()
        server.kill9()
    with site.serve(**settings) as server:
        assert server.api.head() == 30
        statuses = {b["name"]: b["status"] for b in server.api.backups()}
        assert set(statuses) == {name, second}, statuses
        assert "damaged" not in statuses.values()
    site.run("verify", "--all", "--depth", "full", settings=settings).expect(0)
    site.assert_swept()


def refused(site, settings, seed, path, reason):
    """The start is refused and changes nothing; a restore is refused, too."""
    before = names_below(path)
    with pytest.raises(AssertionError):
        with site.serve(**settings):
            pass
    log = site.root / "serve-1.log"
    assert reason in log.read_text() and "local disk" in log.read_text(), \
        log.read_text()
    assert [n for n in names_below(path) if n not in before] == ["storage"]
    # A backup from elsewhere is neither restored nor passed by a dry run.
    elsewhere = {**SETTINGS, "STORAGE_DIR": site.root / "elsewhere",
                 "BACKUP_DIR": site.backups}
    with site.serve(**elsewhere) as server:
        server.api.append(make_events(seed, "w", 0, 30))
        server.api.create()
    for last in ("--dry-run", "--yes"):
        tried = site.run("restore", "latest", "--other-database", last,
                         settings=settings)
        assert tried.code != 0 and reason in tried.err, tried.text
    assert not site.db.exists()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", taken_kinds(), ids=str)
def test_lives_or_is_refused(site, folder, seed, kind, role):
    with memory_disk(folder / "ram", 400 << 20) as ram, \
            mounted(kind, ram) as path:
        settings = put_on(site, role, path)
        if role in kind.refused:
            refused(site, settings, seed, path, kind.refused[role])
        else:
            live(site, settings, seed)
