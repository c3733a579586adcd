"""Bad requests, bad configuration and bad folders get a clear no, early."""

import os
import shutil
import subprocess
import threading

import pytest

from events import make_events
from harness import binary, wait_until
from store import digest_tree, read_events

NOBODY = 65534
MORE_THAN_ANY_DISK = 1 << 60


def filled(site, seed, count=50):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, count))
        return server.api.create()["name"]


@pytest.mark.parametrize("name", [
    "../backup_2024-12-27_120000.tar.gz",
    "..", "/etc/passwd", "backups/../../x.tar.gz",
    "backup_2024-12-27_120000.tar.gz/../../x",
    "backup_2024-12-27_120000.tar.gz\u0000.png",
    "..\\..\\x.tar.gz", "", "a" * 5000])
def test_api_takes_only_backup_names(site, seed, name):
    good = filled(site, seed)
    with site.serve() as server:
        reply = server.api.post("/api/backup/restore", {"backupName": name})
        reply.problem(400, 404, 422)
        assert b"root:" not in reply.body
        assert server.api.head() == 50
        assert [b["name"] for b in server.api.backups()] == [good]


@pytest.mark.parametrize("path", [
    "/api/backup/..%2f..%2fetc%2fpasswd",
    "/api/backup/download/..%2f..%2f..%2fetc%2fpasswd",
    "/api/backup/download/%2e%2e/%2e%2e/etc/passwd",
    "/api/backup/download/../../../etc/passwd",
    "/api/backup/download/backup_2024-12-27_120000.tar.gz%00",
    "/api/backup/no-such-backup.tar.gz"])
def test_paths_do_not_leave_the_folder(site, seed, path):
    filled(site, seed)
    with site.serve() as server:
        reply = server.api.get(path)
        reply.problem(400, 404)
        assert b"root:" not in reply.body


@pytest.mark.parametrize("body", [
    b"{", b"[]", b'"x"', b'{"backupName":', b'{"backupName":5}',
    b'{"backupName":"a","backupName":"b"}', b"\xff\xfe{}",
    b"[" * 100_000])
def test_malformed_bodies_are_400(site, body):
    with site.serve() as server:
        reply = server.api.request(
            "POST", "/api/backup/restore", body,
            {"Content-Type": "application/json"})
        reply.problem(400, 413)
        assert server.api.get("/livez").status == 200


def test_bad_labels_make_no_file(site, seed):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 1))
        for label in ("../x", "a/b", "x" * 65, "-x", "é", ".hidden",
                      "x.tar.gz", "a\nb"):
            reply = server.api.post("/api/backup/create", {"label": label})
            reply.problem(400)
        server.api.post("/api/backup/create", {"label": 5}).problem(400)
    assert site.archives() == []
    site.assert_swept()


def test_one_job_at_a_time_and_the_second_hears_which(site, seed):
    with site.serve() as server:
        server.api.append_all(make_events(seed, "w", 0, 8000))
    with site.serve(BACKUP_RATE_LIMIT=1_500_000) as server:
        replies = []
        thread = threading.Thread(target=lambda: replies.append(
            server.api.post("/api/backup/create")))
        thread.start()
        wait_until(lambda: list(site.backups.glob(".levelkeep-*.part")),
                   "the first backup began")
        problem = server.api.post("/api/backup/rotate").problem(409)
        assert "a backup has been running since" in problem["detail"]
        # Reading goes on meanwhile, and so do appends.
        assert server.api.health()["backup"]["available"] is True
        server.api.append(make_events(seed, "x", 0, 1))
        # A second create waits, and its backup holds what was written before.
        # After 10 s the client is told to come back.
        second = server.api.post("/api/backup/create")
        while second.status == 409:
            second = server.api.post("/api/backup/create")
        thread.join(300)
        first = replies[0].ok()
        assert second.ok()["lastSequence"] > first["lastSequence"]
    site.assert_swept()


def test_no_space_is_said_before_anything_is_written(site, seed):
    name = filled(site, seed)
    full = {"BACKUP_RESERVE": MORE_THAN_ANY_DISK}
    with site.serve(**full) as server:
        problem = server.api.post("/api/backup/create").problem(507)
        assert "space" in (problem["code"] + problem["detail"])
        server.api.post("/api/backup/restore",
                        {"backupName": name}).problem(507)
        assert server.api.head() == 50
        server.api.append(make_events(seed, "x", 0, 1))
    before = digest_tree(site.db)
    told = site.run("create", settings=full).expect(6)
    assert "space" in told.err and "hint:" in told.err
    site.run("restore", name, "--yes", settings=full).expect(6)
    assert digest_tree(site.db) == before
    assert site.archives() == [name]
    site.assert_swept()


def test_drop_without_space_keeps_the_archive_and_the_old_data(
        site, other_site, seed):
    name = filled(site, seed)
    with other_site.serve() as server:
        server.api.append(make_events(seed, "kept", 0, 5))
    other_site.drop(site.backups / name)
    with other_site.serve(BACKUP_RESERVE=MORE_THAN_ANY_DISK) as server:
        assert server.api.head() == 5
    assert list(other_site.restore.rglob(name)), "the archive was lost"
    assert not (other_site.restore / "applied" / name).exists()
    other_site.assert_swept()


def test_all_bad_settings_are_named_at_once(site):
    bad = {"AUTO_BACKUP_INTERVAL": "abc", "MAX_BACKUPS": "0",
           "API_PORT": "99999", "BACKUP_COMPRESSION_LEVEL": "9",
           "BACKUP_THREADS": "-3"}
    for verb in ("serve", "create", "config"):
        refused = site.run(verb, *(["--check"] if verb == "config" else []),
                           settings=bad).expect(2)
        for name, value in bad.items():
            assert name in refused.text, f"{name} is not named"
            assert value in refused.text, f"{name}'s value is not shown"
    assert sorted(p.name for p in site.root.iterdir()) == []


@pytest.mark.parametrize("settings, words", [
    ({"API_HOST": "0.0.0.0"}, ["API_TOKEN"]),
    ({"API_TOKEN": ""}, ["API_TOKEN"]),
    ({"BACKUP_ENCRYPT": "true"}, ["BACKUP_ENCRYPT"]),
    ({"BACKUP_RESERV": "5"}, ["BACKUP_RESERVE"]),
    ({"BACKUP_DIR": "a", "BACKUP_STORAGE_DIR": "b"},
     ["BACKUP_DIR", "BACKUP_STORAGE_DIR"]),
])
def test_settings_that_would_surprise_stop_the_start(site, settings, words):
    refused = site.run("serve", settings=settings).expect(2)
    for word in words:
        assert word in refused.err


@pytest.mark.parametrize("setting", ["BACKUP_DIR", "RESTORE_DIR",
                                     "STORAGE_DIR"])
def test_file_in_the_place_of_a_folder_is_named(site, setting):
    (site.root / "taken").write_text("I am a file")
    refused = site.run("serve", settings={setting: site.root / "taken",
                                          "API_PORT": 1})
    assert refused.code in (1, 2), refused.text
    assert "taken" in refused.err and "error:" in refused.err
    assert (site.root / "taken").read_text() == "I am a file"


def test_port_in_use_is_a_clear_refusal(site, other_site):
    with site.serve() as server:
        refused = other_site.run("serve", settings={
            "API_PORT": server.port})
        assert refused.code in (1, 4), refused.text
        assert str(server.port) in refused.err


def as_nobody():
    """A command prefix that drops root; empty if the test is not root."""
    if os.getuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
            "--clear-groups", "--no-new-privs"]


def owned_by_nobody(site):
    if os.getuid() == 0:
        for path in [site.root, *site.root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


@pytest.fixture
def reachable(folder):
    """A copy of the programs that another user may execute."""
    tools = folder / "bin"
    tools.mkdir(mode=0o755)
    origin = os.path.dirname(binary())
    for name in ("levelkeep", "levelkeep-check"):
        shutil.copy(os.path.join(origin, name), tools / name)
        (tools / name).chmod(0o755)
    return tools / "levelkeep"


def run_as_nobody(site, program, *arguments):
    return subprocess.run(
        [*as_nobody(), str(program), *map(str, arguments)], cwd=site.root,
        env=site.environment({"API_PORT": 1}), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=120)


def owned_by_us(site):
    if os.getuid() == 0:
        for path in [site.root, *site.root.rglob("*")]:
            os.chown(path, 0, 0, follow_symlinks=False)


def test_unwritable_storage_is_named(site, seed, reachable):
    filled(site, seed)
    owned_by_nobody(site)
    site.work.chmod(0o500)
    site.storage.chmod(0o500)
    done = run_as_nobody(site, reachable, "serve")
    assert done.returncode == 1, (done.returncode, done.stderr)
    assert "storage" in done.stderr and "error:" in done.stderr
    site.storage.chmod(0o700)
    site.work.chmod(0o700)
    owned_by_us(site)
    assert len(read_events(site.db)) == 50


def test_unwritable_backups_are_named_and_degrade_health(site, seed,
                                                         reachable):
    """The store goes on without backups, and health says so."""
    filled(site, seed)
    owned_by_nobody(site)
    site.backups.chmod(0o500)
    with site.serve(prefix=as_nobody(), program=reachable) as server:
        problem = server.api.post("/api/backup/create").problem(500)
        assert "backups" in problem["detail"], problem
        assert problem["hint"], problem
        backup = server.api.health()["backup"]
        assert any("backups" in reason for reason in backup["degraded"]), \
            backup
        server.api.append(make_events(seed, "x", 0, 1))
        assert server.api.get("/livez").status == 200
    site.backups.chmod(0o700)
    assert len(site.archives()) == 1
    site.assert_swept()


def test_read_only_drop_folder_applies_its_archive_once(
        site, other_site, seed, reachable):
    """On a read-only mount, the archive can't be moved away."""
    name = filled(site, seed)
    other_site.drop(site.backups / name)
    (other_site.restore / "applied").mkdir()
    (other_site.restore / "rejected").mkdir()
    owned_by_nobody(other_site)
    for folder in ("applied", "rejected", "."):
        (other_site.restore / folder).chmod(0o500)
    for start in range(2):
        with other_site.serve(prefix=as_nobody(),
                              program=reachable) as server:
            assert server.api.head() == 50 + start
            server.api.append(make_events(seed, "more", start, 1))
    assert (other_site.restore / name).is_file()
    for folder in (".", "applied", "rejected"):
        (other_site.restore / folder).chmod(0o700)


def test_create_into_an_unwritable_folder(site, seed, reachable):
    name = filled(site, seed)
    owned_by_nobody(site)
    site.backups.chmod(0o500)
    done = run_as_nobody(site, reachable, "create")
    assert done.returncode == 1, done.stderr
    assert "backups" in done.stderr and "hint:" in done.stderr
    site.backups.chmod(0o700)
    assert site.archives() == [name]


def test_a_missing_folder_of_the_server_is_no_fault_of_the_caller(site, seed):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 5))
        name = server.api.create()["name"]
        wait_until(lambda: server.api.backups()[0]["verified"], "verified")
        aside = site.root / "aside"
        site.restore.rename(aside)
        restore = {"backupName": name, "mode": "stage"}
        server.api.post("/api/backup/restore", restore).problem(500)
        aside.rename(site.restore)
        site.backups.rename(aside)
        site.backups.write_text("a file in its place")
        server.api.post("/api/backup/create").problem(500)
        server.api.get("/api/backup/list").problem(500)
        site.backups.unlink()
        aside.rename(site.backups)
        server.api.get("/api/backup/list?after=x").problem(400)
        server.api.post("/api/backup/restore",
                        {"backupName": "backup_2024-12-27_120000.tar.gz"}
                        ).problem(404)
