"""`levelkeep job run`: beside a server, while the application is down, and for
the worker."""

import json
import os
import shutil

import pytest

from events import make_events
from harness import wait_until
from test_worker import Worker

NEVER = 24 * 3600 * 1000  # of BACKUP_WORKER_POLL_MS


def run_job(site, name, *options):
    return json.loads(
        site.run("job", "run", name, "--json", *options).expect(0).out)


def filled(site, seed, backups=0, **settings):
    """A database with events and backups that nobody has verified."""
    with site.serve(BACKUP_VERIFY="false", **settings) as server:
        for number in range(max(backups, 1)):
            server.api.append(make_events(seed, "w", number * 10, 10))
            if number < backups:
                server.api.create()


def shown(site, identifier):
    jobs = json.loads(
        site.run("jobs", identifier, "--json").expect(0).out)["jobs"]
    return jobs[0]


def test_a_running_server_does_the_job(site, seed):
    with site.serve() as server:
        server.api.append(make_events(seed, "w", 0, 10))
        made = run_job(site, "backup-database")
        assert made["via"] == "server"
        assert made["job"]["status"] == "completed"
        assert site.archives() == [made["job"]["result"]["backup"]]
        assert run_job(site, "rotate-backups")["job"]["type"] == "rotate"
        verified = run_job(site, "verify-backups")["job"]
        assert verified["type"] == "verify"
        assert verified["message"] in ("1 backup is sound",
                                       "0 backups are sound")
        begun = run_job(site, "backup-database", "--no-wait")["job"]
        wait_until(lambda: shown(site, begun["id"])["status"] == "completed",
                   "the job that nobody waited for", 60)
        drilled = run_job(site, "drill-backup")["job"]
        assert drilled["type"] == "drill"
        text = site.run("job", "run", "rotate-backups").expect(0).out
        assert text == "rotate-backups: 0 backups were removed\n"


def test_a_job_that_came_while_the_application_was_down_runs_at_the_start(
        site, seed):
    filled(site, seed)
    kept = run_job(site, "backup-database")
    assert kept["via"] == "folders"
    assert kept["job"]["status"] == "pending"
    assert site.archives() == []
    identifier = kept["job"]["id"]
    assert shown(site, identifier)["status"] == "pending"
    with site.serve(AUTO_BACKUP_ENABLED="false"):
        wait_until(lambda: len(site.archives()) == 1, "the kept job", 60)
        wait_until(lambda: shown(site, identifier)["status"] == "completed",
                   "the end of the kept job", 60)
        assert shown(site, identifier)["trigger"] == "cli"
    # It runs once.
    with site.serve(AUTO_BACKUP_ENABLED="false"):
        site.await_jobs()
    assert len(site.archives()) == 1


def test_the_store_is_watched_by_the_kernel(site, seed):
    """An embedder without a socket: the job comes through the folder."""
    with site.serve(AUTO_BACKUP_ENABLED="false",
                    BACKUP_WORKER_POLL_MS=NEVER) as server:
        server.api.append(make_events(seed, "w", 0, 10))
        os.unlink(site.work / "control.sock")
        for count in (1, 2, 3):
            kept = run_job(site, "backup-database")
            assert kept["via"] == "folders"
            wait_until(lambda: len(site.archives()) == count,
                       "a job that the kernel told of", 30)
            server.api.append(make_events(seed, "w", count * 10, 10))


def test_the_worker_takes_the_jobs_that_need_no_database(site, seed):
    filled(site, seed, backups=3)
    with Worker(site, BACKUP_VERIFY="false", MAX_BACKUPS=2,
                BACKUP_WORKER_POLL_MS=200) as worker:
        wait_until(lambda: worker.log().count(": completed") == 3,
                   "the first verifications", 60)
        rotation = run_job(site, "rotate-backups")["job"]["id"]
        wait_until(lambda: shown(site, rotation)["status"] == "completed",
                   "the rotation", 60)
        assert len(site.archives()) == 2
        verification = run_job(site, "verify-backups")["job"]["id"]
        wait_until(lambda: shown(site, verification)["status"] == "completed",
                   "the verification", 60)
        assert shown(site, verification)["message"] == "2 backups are sound"
        backup = run_job(site, "backup-database")["job"]["id"]
        again = run_job(site, "verify-backups")["job"]["id"]
        wait_until(lambda: shown(site, again)["status"] == "completed",
                   "the second verification", 60)
        # The worker never opens the database.
        assert shown(site, backup)["status"] == "pending"
        assert len(site.archives()) == 2


def test_the_worker_rotates_only_what_it_can_judge(site, seed, folder):
    """Whether a restore can be undone stands beside the database."""
    filled(site, seed, backups=2)
    rotation = run_job(site, "rotate-backups")["job"]["id"]
    (folder / "elsewhere").mkdir()
    with Worker(site, MAX_BACKUPS=1,
                STORAGE_DIR=str(folder / "elsewhere")) as worker:
        wait_until(lambda: worker.log().count(": completed") == 2,
                   "the verifications", 60)
    assert shown(site, rotation)["status"] == "pending"
    assert len(site.archives()) == 2


def test_worker_once_does_kept_jobs(site, seed):
    filled(site, seed, backups=3)
    site.run("worker", "--once").expect(0)
    rotation = run_job(site, "rotate-backups")["job"]["id"]
    site.run("worker", "--once", settings={"MAX_BACKUPS": 2}).expect(0)
    assert shown(site, rotation)["status"] == "completed"
    assert len(site.archives()) == 2
    verification = run_job(site, "verify-backups")["job"]["id"]
    done = site.run("worker", "--once").expect(0)
    assert shown(site, verification)["status"] == "completed"
    assert "1 verified, 0 damaged" in done.out


@pytest.mark.parametrize("arguments, code, message", [
    (["job"], 2, "job needs an action"),
    (["job", "walk"], 2, "job needs an action"),
    (["job", "run"], 2, "job run needs the name of a job"),
    (["job", "run", "backup-databases"], 2, "there is no job"),
])
def test_wrong_words_are_named(site, seed, arguments, code, message):
    filled(site, seed)
    failed = site.run(*arguments).expect(code)
    assert message in failed.err
    jobs = json.loads(site.run("jobs", "--json").expect(0).out)["jobs"]
    assert all(job["status"] != "pending" for job in jobs)


def test_without_a_managed_database_nothing_is_kept(site):
    failed = site.run("job", "run", "backup-database").expect(5)
    assert "no server has managed it" in failed.err
    assert not (site.root / "backups" / ".levelkeep" / "databases").exists()


def test_the_copy_of_a_database_asks_the_original_for_nothing(
        site, seed, folder):
    filled(site, seed)
    shutil.copytree(site.storage, folder / "copy")
    failed = site.run("job", "run", "backup-database", "--storage-dir",
                      folder / "copy").expect(1)
    assert "is a copy of the database in" in failed.err
    with site.serve(AUTO_BACKUP_ENABLED="false"):
        site.await_jobs()
    assert site.archives() == []


def test_without_the_backup_volume_nothing_is_kept(site, seed, folder):
    filled(site, seed)
    os.rename(site.root / "backups", folder / "away")
    site.run("job", "run", "backup-database").expect(5)
    assert not (site.root / "backups").exists()
