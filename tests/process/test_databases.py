"""Several databases, copies, and databases that were put back."""

import shutil
import threading

import pytest

from events import make_events
from harness import Site, wait_until


@pytest.fixture
def pair(site, tmp_path):
    """Two installations with one BACKUP_DIR; the second one's settings."""
    other = Site(tmp_path / "other")
    other.backups = site.backups
    return site, other, {"BACKUP_DIR": site.backups}


def names(api):
    return [b["name"] for b in api.get("/api/backup/list").ok()["backups"]]


def backup_health(api):
    return api.health()["backup"]


def test_two_installations_share_a_backup_folder(pair, seed):
    first, second, settings = pair
    # Without verification: rotation keeps the newest verified backup, whatever
    # the count, and which backup that is would be a matter of time.
    few = {"MAX_BACKUPS": 2, "BACKUP_VERIFY": "false"}
    with first.serve(**few) as one, second.serve(**few, **settings) as two:
        one.api.append(make_events(seed, "one", 0, 30))
        two.api.append(make_events(seed, "two", 0, 10))
        # Both at the same time: no server waits for the other one's backups.
        made = {}

        def make(server, key):
            made[key] = [server.api.create(key)["name"] for _ in range(4)]

        threads = [threading.Thread(target=make, args=(one, "one")),
                   threading.Thread(target=make, args=(two, "two"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(first.archives()) == sorted(
            made["one"][-2:] + made["two"][-2:])
        for server, own, theirs in ((one, "one", "two"), (two, "two", "one")):
            listed = server.api.get("/api/backup/list").ok()["backups"]
            assert {b["name"] for b in listed if b.get("otherDatabase")} == \
                set(made[theirs][-2:])
            latest = server.api.get("/api/backup/latest").ok()["backup"]
            assert latest["name"] == made[own][-1]
            health = backup_health(server.api)
            assert health["count"] == 2
            assert health["latest"]["name"] == made[own][-1]

        theirs = made["one"][-1]
        kept = two.api.events()
        for mode in ("live", "stage"):
            refused = two.api.post("/api/backup/restore",
                                   {"backupName": theirs, "mode": mode})
            assert refused.status == 409
            assert refused.json()["code"] == "other_database"
        assert two.api.events() == kept
        refused = two.api.request("DELETE", f"/api/backup/{theirs}?force=true")
        assert (refused.status, refused.json()["code"]) == (
            409, "other_database")
        asked = {"backupName": theirs, "dryRun": True}
        refused = two.api.post("/api/backup/restore", asked)
        assert (refused.status, refused.json()["code"]) == (
            409, "other_database")
        preview = two.api.post("/api/backup/restore", {
            **asked, "otherDatabase": True}).ok()
        assert preview["otherDatabase"] is True
        two.api.post("/api/backup/restore", {
            "backupName": theirs, "otherDatabase": True}).ok()
        assert len(two.api.events()) == 30
        # The data are restored, but this is still the second database.
        assert two.api.create("after")["name"] in names(two.api)
        assert backup_health(two.api)["latest"]["label"] == "after"
        two.api.request("DELETE", 
            f"/api/backup/{theirs}?force=true&otherDatabase=true").ok()
        assert theirs not in first.archives()
    # The tool refuses the same.
    refused = second.run("restore", made["one"][-2], "--yes",
                         settings=settings).expect(1)
    assert "backup of another database" in refused.err
    second.run("delete", made["one"][-2], "--yes", "--force",
               settings=settings).expect(1)
    second.run("restore", made["one"][-2], "--yes", "--other-database",
               settings=settings).expect(0)
    assert "of another database" in second.run(
        "list", settings=settings).expect(0).out


def test_a_missing_database_is_not_begun_anew(site, seed):
    with site.serve(MAX_BACKUPS=1) as server:
        server.api.append(make_events(seed, "w", 0, 30))
        real = server.api.create("real")["name"]
        wait_until(lambda: server.api.get(
            f"/api/backup/{real}").ok()["backup"]["verified"], "verified")
    site.storage.rename(site.root / "not-mounted")
    refused = site.serve().launch()
    refused.wait_stopped(code=1)
    for way_out in ("mount", "restore", "ALLOW_NEW_DATABASE"):
        assert way_out in refused.log()
    assert site.archives() == [real]
    # Each way out works.
    with site.serve(ALLOW_NEW_DATABASE="true", MAX_BACKUPS=1) as server:
        assert server.api.events() == []
        server.api.append(make_events(seed, "new", 0, 3))
        for _ in range(3):
            server.api.create("new")
    with site.serve(MAX_BACKUPS=1) as server:
        assert len(server.api.events()) == 3, "the new database is there"
    shutil.rmtree(site.storage)
    site.run("restore", real, "--yes").expect(0)
    with site.serve() as server:
        assert len(server.api.events()) == 30
    shutil.rmtree(site.storage)
    (site.root / "not-mounted").rename(site.storage)
    with site.serve() as server:
        assert len(server.api.events()) == 30


def test_a_database_that_was_put_back_loses_no_backup(site, seed):
    with site.serve(MAX_BACKUPS=2) as server:
        server.api.append(make_events(seed, "w", 0, 10))
        server.api.create("base")
    shutil.copytree(site.storage, site.root / "volume-snapshot")
    with site.serve(MAX_BACKUPS=2) as server:
        epoch = server.api.get("/api/events").ok()["epoch"]
        server.api.append(make_events(seed, "future", 0, 50))
        future = server.api.create("future")["name"]
        wait_until(lambda: server.api.get(
            f"/api/backup/{future}").ok()["backup"]["verified"], "verified")
    shutil.rmtree(site.storage)
    shutil.copytree(site.root / "volume-snapshot", site.storage)
    with site.serve(MAX_BACKUPS=2) as server:
        api = server.api
        assert "begins a new history" in server.log()
        assert api.get("/api/events").ok()["epoch"] != epoch
        assert any("new history" in reason
                   for reason in backup_health(api)["degraded"])
        api.append(make_events(seed, "life", 0, 5))
        preview = api.post("/api/backup/restore", {
            "backupName": "latest", "dryRun": True}).ok()
        assert preview["lostWritesExact"] is False
        made = [api.create(f"new{i}")["name"] for i in range(4)]
        assert set(made[-2:]) <= set(site.archives())
        assert future in site.archives(), "the last backup of that history"
        assert api.get("/api/backup/latest").ok()["backup"]["name"] == made[-1]
        api.append(make_events(seed, "life", 5, 7))
        assert backup_health(api)["unsavedWrites"] > 0
        wait_until(lambda: backup_health(api)["degraded"] == [], "a verified "
                   "backup of the new history")


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_restart_is_no_fork(site, seed, how):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 10))
        first = server.api.create("first")["name"]
        server.api.append(make_events(seed, "w", 10, 10))
        server.api.post("/api/backup/restore", {"backupName": first}).ok()
        epoch = server.api.get("/api/events").ok()["epoch"]
        server.api.append(make_events(seed, "v", 0, 5))
        if how == "killed":
            server.kill9()
    with site.serve() as server:
        assert server.api.get("/api/events").ok()["epoch"] == epoch
        assert not any("history" in reason
                       for reason in backup_health(server.api)["degraded"])
        server.api.post("/api/backup/undo").ok()
        assert len(server.api.events()) == 20
    with site.serve() as server:
        assert len(server.api.events()) == 20
        assert "new history" not in server.log()


def test_a_copy_that_lives_beside_the_original_is_another_one(pair, seed):
    first, second, settings = pair
    with first.serve(MAX_BACKUPS=2) as one:
        one.api.append(make_events(seed, "w", 0, 10))
    shutil.copytree(first.storage, second.storage)
    # Without verification: rotation keeps the newest verified backup, whatever
    # the count, and which backup that is would be a matter of time.
    few = {"MAX_BACKUPS": 2, "BACKUP_VERIFY": "false"}
    with first.serve(**few) as one, second.serve(**few, **settings) as two:
        assert "it is a copy of the database in" in two.log()
        one.api.append(make_events(seed, "one", 0, 3))
        two.api.append(make_events(seed, "two", 0, 30))
        made = [one.api.create("one")["name"] for _ in range(2)]
        for _ in range(4):
            two.api.create("two")
        assert set(made) <= set(first.archives())
        assert one.api.get("/api/backup/latest").ok()["backup"]["name"] == \
            made[-1]
    # If one starts after the other has ended, it is a move: no copy lives.
    shutil.rmtree(second.storage)
    shutil.copytree(first.storage, second.storage)
    with second.serve(MAX_BACKUPS=2, **settings) as two:
        assert two.api.get("/api/backup/latest").ok()["backup"]["name"] == \
            made[-1]
        assert "new history" not in two.log()


def test_two_databases_under_one_storage_folder(site, seed):
    other = {"DB_NAME": "other_db", "RESTORE_DIR": site.root / "restore-other",
             "BACKUP_DIR": site.root / "backups-other"}
    with site.serve() as one, site.serve(**other) as two:
        for server, count in ((one, 10), (two, 20)):
            server.api.append(make_events(seed, "w", 0, count))
            server.api.create("kept")
            server.api.append(make_events(seed, "w", count, 5))
            server.api.post("/api/backup/restore",
                            {"backupName": "latest"}).ok()
    # An undo concerns only its own database.
    site.run("restore", "--undo", "--yes", settings=other).expect(0)
    with site.serve() as one, site.serve(**other) as two:
        assert len(one.api.events()) == 10
        assert len(two.api.events()) == 25
        one.api.post("/api/backup/undo").ok()
        assert len(one.api.events()) == 15


def test_a_move_with_an_archive_keeps_the_identity(site, tmp_path, seed):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 10))
        name = server.api.create("moved")["name"]
    new_host = Site(tmp_path / "new-host")
    new_host.drop(site.backups / name)
    with new_host.serve() as server:
        assert len(server.api.events()) == 10
        assert server.api.create("there")["name"]
    assert (new_host.db / "DATABASE_ID").read_text()[:32] == \
        (site.db / "DATABASE_ID").read_text()[:32]


def test_a_drop_of_another_database_is_a_wish(pair, seed):
    first, second, settings = pair
    with first.serve() as one:
        one.api.append(make_events(seed, "one", 0, 10))
        theirs = one.api.create("one")["name"]
    with second.serve(**settings) as two:
        two.api.append(make_events(seed, "two", 0, 20))
        own = two.api.create("two")["name"]
    identity = (second.db / "DATABASE_ID").read_text()[:32]
    second.drop(first.backups / theirs)
    with second.serve(**settings) as two:
        assert len(two.api.events()) == 10
        assert "ANOTHER database" in two.log()
        assert two.api.get("/api/backup/latest").ok()["backup"]["name"] == own
        two.api.post("/api/backup/undo").ok()
        assert len(two.api.events()) == 20
    assert (second.db / "DATABASE_ID").read_text()[:32] == identity
