"""Drills by the real program: beside a server and without one, killed, on a
full disk, of bad and of foreign archives. Nothing of a drill ever stays."""

import pathlib
import shutil
import subprocess
import time

import pytest

from archives import FOLDER
from events import make_events
from harness import binary, killed_at, wait_until
from mounts import memory_disk
from store import digest_tree

MIB = 1 << 20


def filled(site, seed, count=200, **settings):
    with site.serve(**{"BACKUP_VERIFY": "false", **settings}) as server:
        server.api.append(make_events(seed, "w", 0, count))
        return server.api.create()["name"]


def tree(site):
    """All files and folders, but for the logs, the database's own files, and
    the records that a drill may leave: its own, the verdict, and the digest of
    what was read."""
    allowed = {"drills", "scanned", "verify.lock", "state.lock", "in-use"}
    return {str(path.relative_to(site.root)) for path in site.root.rglob("*")
            if path.name not in allowed and not path.name.endswith(".log")
            and not (path.parent.name == ".levelkeep"
                     and path.suffix == ".json")
            and "/jobs/" not in str(path) and path.parent != site.db}


def recorded(site):
    """How many drills the record has."""
    files = list(site.backups.glob(".levelkeep/databases/*/drills"))
    return files[0].read_text().count(".backup ") if files else 0


def blocking_check(site, allowed=False):
    """A levelkeep-check that waits until the file `allowed` is there."""
    real = pathlib.Path(binary()).with_name("levelkeep-check")
    check = site.root / "check.sh"
    check.write_text(
        f"#!/bin/sh\n[ -e '{site.root}/allowed' ] || {{\n"
        f"  : > '{site.root}/begun'\n  exec sleep 1000\n}}\n"
        f"exec '{real}' \"$@\"\n")
    check.chmod(0o755)
    if allowed:
        (site.root / "allowed").touch()
    return {"LEVELKEEP_CHECK_PROGRAM": check}


def scratch(site):
    return sorted(path.name for path in site.work.glob("scratch-*"))


def test_without_a_server(site, seed):
    name = filled(site, seed)
    before, database = tree(site), digest_tree(site.db)
    told = site.run("drill", "--json").expect(0).json()
    assert told["via"] == "folders" and told["backup"] == name
    assert told["ok"] and told["problem"] is None
    assert told["events"] == 200 and told["entries"] >= 200
    assert told["notCompared"] == [] and not told["rateLimited"]
    assert abs(told["predictedRestoreSeconds"] - told["seconds"]) < 0.001
    assert tree(site) == before and recorded(site) == 1
    assert digest_tree(site.db) == database
    shown = site.run("drill", name[:12]).expect(0).out
    assert shown.startswith(f"{name}: restored on trial, ")
    assert "200 events when it was made" in shown
    assert "\na restore of this database takes about " in shown
    listed = site.run("list", "--json").expect(0).json()["backups"]
    assert listed[0]["status"] == "verified"
    site.run("drill", "nonsense").expect(2)
    site.run("drill", "backup_2020-01-01_000000.tar.gz").expect(5)


def test_beside_a_server(site, seed):
    name = filled(site, seed)
    with site.serve() as server:
        before = tree(site)
        told = site.run("drill", "--json").expect(0).json()
        assert told["via"] == "server" and told["backup"] == name
        health = server.api.health()["backup"]
        assert health["lastDrill"]["at"] == told["at"]
        assert health["lastDrill"]["seconds"] == told["seconds"]
        assert health["degraded"] == []
        jobs = server.api.get("/api/jobs?type=drill").ok()["jobs"]
        assert [job["status"] for job in jobs] == ["completed"]
        assert jobs[0]["result"]["entries"] == str(told["entries"])
        assert server.api.post("/api/drill").ok()["backup"] == name
        assert tree(site) == before
        server.kill9()
    # From the record: equal after a kill, before anything else happens.
    with site.serve() as server:
        again = server.api.health()["backup"]
        assert again["lastDrill"]["backup"] == name
        assert again["predictedRestoreSeconds"] is not None
    assert site.run("jobs", "--json").json()["jobs"][0]["type"] == "drill"


def test_only_the_backups_are_there(site, seed):
    """Another machine, with a copy of the backups and no database."""
    filled(site, seed)
    shutil.rmtree(site.storage)
    shutil.rmtree(site.restore, ignore_errors=True)
    before = tree(site)
    assert site.run("drill", "--json").expect(0).json()["ok"]
    assert tree(site) == before


def test_a_due_backup_does_not_wait(site, seed):
    filled(site, seed)
    with site.serve(**blocking_check(site), BACKUP_VERIFY="false") as server:
        server.api.append(make_events(seed, "w", 200, 10))
        job = server.api.post("/api/drill",
                              headers={"Prefer": "respond-async"}).ok(202)
        wait_until((site.root / "begun").exists, "the drill opens its copy")
        begun = time.monotonic()
        made = server.api.create()
        assert time.monotonic() - begun < 60
        assert made["name"] in site.archives()
        assert server.api.health()["backup"]["running"] == "drill"
        # A cancel ends it at once, and the next one begins.
        (site.root / "allowed").touch()
        server.api.request("DELETE", f"/api/jobs/{job['id']}").ok(202)
        wait_until(lambda: server.api.get(f"/api/jobs/{job['id']}").ok()
                   ["job"]["status"] == "cancelled", "the cancelled drill ends",
                   20)
        assert scratch(site) == []
        assert server.api.post("/api/drill").ok()["backup"] == made["name"]
        assert server.api.health()["backup"]["degraded"] == []


def test_a_stop_of_the_service_ends_a_drill(site, seed):
    filled(site, seed)
    settings = {**blocking_check(site), "BACKUP_VERIFY": "false"}
    with site.serve(**settings) as server:
        server.api.post("/api/drill",
                        headers={"Prefer": "respond-async"}).ok(202)
        wait_until((site.root / "begun").exists, "the drill opens its copy")
        assert len(scratch(site)) == 1
        server.stop()
    assert scratch(site) == []
    assert recorded(site) == 0


def test_kill_9_in_the_middle_of_a_server(site, seed):
    filled(site, seed)
    before = tree(site)
    with site.serve(**blocking_check(site), BACKUP_VERIFY="false") as server:
        server.api.post("/api/drill",
                        headers={"Prefer": "respond-async"}).ok(202)
        wait_until((site.root / "begun").exists, "the drill opens its copy")
        server.kill9()
    assert len(scratch(site)) == 1, "what the kill left"
    (site.root / "allowed").touch()
    with site.serve(BACKUP_VERIFY="false") as server:
        assert scratch(site) == [], "gone before the server is ready"
        last = server.api.health()["backup"]["lastDrill"]
        assert not last["ok"] and not last["damaged"]
        assert "interrupted" in last["problem"]
        jobs = server.api.get("/api/jobs?type=drill").ok()["jobs"]
        assert [job["status"] for job in jobs] == ["failed"]
        assert server.api.post("/api/drill").ok()["ok"]
        assert server.api.health()["backup"]["degraded"] == []
    left = tree(site) - before
    assert left <= {"begun", "allowed", "check.sh"}, left


@pytest.mark.parametrize("calls,when", [
    ("mkdir", 2), ("mkdir", 3), ("fsync", 1), ("fsync", 3), ("unlink", 1),
    ("rmdir", 1)])
def test_kill_9_of_the_command(site, seed, calls, when):
    """The next drill removes what the killed one left."""
    filled(site, seed)
    site.run("drill").expect(0)
    before = tree(site)
    site.run("drill", prefix=killed_at(calls, when))
    site.run("drill").expect(0)
    # The mark of a dead reader means nothing, and goes with the next start.
    assert {path for path in tree(site) if "/in-use/" not in path} == before
    with site.serve():
        pass
    site.assert_swept()
    assert not [path for path in tree(site) if "/in-use/" in path]


def test_the_disk_is_full(site, seed):
    """No room is told before anything is written, and is no fault of the
    backup."""
    name = filled(site, seed, BACKUP_RESERVE=0)
    moved = site.root / "moved"
    site.storage.rename(moved)
    with memory_disk(site.storage, 8 * MIB):
        shutil.copytree(moved, site.storage, dirs_exist_ok=True)
        before = tree(site)
        told = site.run("drill", "--json",
                        settings={"BACKUP_RESERVE": 64 * MIB}).expect(6).json()
        assert told["code"] == "no_space"
        assert told["message"].startswith(
            f"{name}: not checked: the database needs ")
        assert tree(site) == before
        listed = site.run("list", "--json").expect(0).json()["backups"][0]
        assert listed["status"] == "unverified" and "problem" not in listed
        # Space that vanishes in the middle is no fault of the backup either.
        with open(site.storage / "somebody-elses", "wb") as file:
            file.write(b"x" * (7 * MIB))
        failed = site.run("drill", "--json", settings={"BACKUP_RESERVE": 0})
        assert failed.code in (0, 6), failed.text
        (site.storage / "somebody-elses").unlink()
        assert scratch(site) == []
        assert site.run("drill", settings={"BACKUP_RESERVE": 0}).expect(0)


def test_a_damaged_archive(site, seed):
    name = filled(site, seed)
    path = site.backups / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    before = tree(site)
    told = site.run("drill", name, "--json").expect(3).json()
    assert told["code"] == "corruption"
    assert tree(site) == before and recorded(site) == 1
    listed = site.run("list", "--json").expect(0).json()["backups"][0]
    assert listed["status"] == "damaged"
    with site.serve(BACKUP_VERIFY="false") as server:
        health = server.api.health()["backup"]
        assert any(reason.startswith(f"the last drill, of {name}, did not "
                                     "succeed: ")
                   for reason in health["degraded"])
        problem = server.api.post("/api/drill",
                                  {"backup": name}).problem(422)
        assert problem["code"] == "corruption"
        assert server.api.head() == 200, "the database is untouched"


def test_a_foreign_archive(site, seed):
    filled(site, seed)
    name = "backup_2030-01-01_000000.tar.gz"
    subprocess.run(["tar", "czf", site.backups / name, "-C", site.storage,
                    FOLDER], check=True)
    before = tree(site)
    told = site.run("drill", name, "--json").expect(0).json()
    assert told["entries"] >= 200 and told["events"] == 0
    assert "has no manifest" in told["notCompared"][0]
    # Like a verification, it writes the digest that was missing.
    assert tree(site) == before | {f"backups/{name}.sha256"}
    assert "has no manifest" in site.run("drill", name).expect(0).out


def test_without_levelkeep_check(site, seed):
    name = filled(site, seed)
    before = tree(site)
    settings = {"LEVELKEEP_CHECK_PROGRAM": site.root / "missing"}
    told = site.run("drill", "--json", settings=settings).expect(7).json()
    assert told["code"] == "not_checked" and name in told["message"]
    assert tree(site) == before
    listed = site.run("list", "--json").expect(0).json()["backups"][0]
    assert listed["status"] == "unverified" and "problem" not in listed


def test_a_schedule_is_listed_and_checked(site):
    told = site.run("schedule", "--json", settings={
        "DRILL_SCHEDULE": "0 3 * * 0", "SCHEDULE_TZ": "UTC",
        "AUTO_BACKUP_ENABLED": "true"}).expect(0).json()
    drill = [one for one in told["schedules"] if one["name"] == "drill"][0]
    assert drill["plan"] == "0 3 * * 0 UTC" and len(drill["next"]) == 10
    bad = site.run("schedule", settings={"DRILL_SCHEDULE": "0 0 31 4 *"})
    assert "DRILL_SCHEDULE" in bad.expect(2).err


def test_the_rate_limit_holds(site, seed):
    name = filled(site, seed)
    size = (site.backups / name).stat().st_size
    begun = time.monotonic()
    told = site.run("drill", "--json",
                    settings={"BACKUP_RATE_LIMIT": size}).expect(0).json()
    assert time.monotonic() - begun >= 0.8
    assert told["rateLimited"] and told["predictedRestoreSeconds"] is None


def test_a_restore_comes_first(site, seed):
    name = filled(site, seed)
    site.run("verify", name).expect(0)
    with site.serve(**blocking_check(site), BACKUP_VERIFY="false") as server:
        server.api.append(make_events(seed, "w", 200, 10))
        job = server.api.post("/api/drill",
                              headers={"Prefer": "respond-async"}).ok(202)
        wait_until((site.root / "begun").exists, "the drill opens its copy")
        restored = server.api.post("/api/backup/restore",
                                   {"backupName": name}).ok()
        assert restored["applied"] and server.api.head() == 200
        (site.root / "allowed").touch()
        wait_until(lambda: server.api.get(f"/api/jobs/{job['id']}").ok()
                   ["job"]["status"] == "completed", "the drill runs again")
        assert scratch(site) == []


def test_the_priority_is_that_of_verifications(site, seed):
    """The check of a drill runs as SCHED_BATCH with nice 10, or SCHED_IDLE."""
    filled(site, seed)
    check = site.root / "check.sh"
    real = pathlib.Path(binary()).with_name("levelkeep-check")
    check.write_text(f"#!/bin/sh\ncut -d' ' -f19,41 /proc/$$/stat "
                     f"> '{site.root}/priority'\nexec '{real}' \"$@\"\n")
    check.chmod(0o755)
    for priority, expected in (("low", ["10", "3"]), ("idle", ["0", "5"])):
        site.run("drill", settings={"LEVELKEEP_CHECK_PROGRAM": check,
                                    "BACKUP_PRIORITY": priority}).expect(0)
        nice, policy = (site.root / "priority").read_text().split()
        assert policy == expected[1], (priority, nice, policy)
        assert priority == "idle" or nice == expected[0]
