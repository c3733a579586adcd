"""config --check and dry runs refuse and warn as the act itself would: in the
same words, with the same exit code, and without any change.

Needs root, because only root can act as several users.
"""

import json
import os
import re
import resource
import shutil
import subprocess

import pytest

from harness import COMMAND_SECONDS, die_with_parent
from test_owners import (AS_SERVICE, SERVICE, make_backup,  # noqa: F401
                         program, serve, site)
from test_surroundings import fill, limited

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def run(site, program):  # noqa: F811
    """Runs a verb, as the service unless told otherwise."""
    def run_verb(*arguments, prefix=(), user=AS_SERVICE, **settings):
        return subprocess.run(
            [*user, *prefix, str(program), *map(str, arguments)],
            cwd=site.root, env=site.environment(settings), text=True,
            timeout=COMMAND_SECONDS, check=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=die_with_parent)
    return run_verb


def tree(site):  # noqa: F811
    found = {}
    for top in (site.storage, site.backups, site.restore):
        for folder, names, files in os.walk(top):
            for path in [folder, *(os.path.join(folder, n)
                                   for n in names + files)]:
                info = os.lstat(path)
                found[path] = (info.st_mode, info.st_uid, info.st_size,
                               info.st_mtime_ns)
    return found


def without_ids(text):
    """Replaces names that a trial makes."""
    return re.sub(r"\.levelkeep-[0-9a-f]+", ".levelkeep-ID", text)


def error_of(done):
    return without_ids(done.stderr[done.stderr.rindex("error: "):])


def assert_refused_alike(judged, done):
    assert done.returncode != 0
    assert judged.returncode == done.returncode, judged.stderr
    assert error_of(judged) == error_of(done)


def json_of(done):
    return json.loads(done.stdout)


def roots(path, mode):
    os.chown(path, 0, 0)
    path.chmod(mode)


def replace_by_file(path):
    shutil.rmtree(path, ignore_errors=True)
    path.write_text("")
    os.chown(path, SERVICE, SERVICE)


def replace_by_folder(path):
    path.unlink()
    path.mkdir()
    os.chown(path, SERVICE, SERVICE)


def left_by_root(path):
    """Makes a folder that no other user can look into or remove."""
    path.mkdir()
    (path / "x").write_text("")
    roots(path, 0o700)


def written_by_root(path):
    path.write_text("")
    roots(path, 0o600)


def replace_by_link(site):  # noqa: F811
    shutil.move(site.work.parent, site.root / "elsewhere")
    site.work.parent.symlink_to(site.root / "elsewhere")


STORAGE = {
    "work-folder-is-a-file": lambda s: replace_by_file(s.work.parent),
    "work-folder-is-a-link": replace_by_link,
    "work-folder-is-roots": lambda s: roots(s.work.parent, 0o755),
    "databases-work-folder-is-roots": lambda s: roots(s.work, 0o755),
    "databases-work-folder-is-closed": lambda s: roots(s.work, 0o700),
    "instance-lock-is-roots":
        lambda s: roots(s.work / "instance.lock", 0o600),
    "instance-lock-is-a-folder":
        lambda s: replace_by_folder(s.work / "instance.lock"),
    "journal-is-roots": lambda s: written_by_root(s.work / "journal"),
    "undo-is-roots": lambda s: written_by_root(s.work / "undo"),
    "left-over-is-roots":
        lambda s: left_by_root(s.work / ("trash-" + "a" * 32)),
    "applied-is-roots": lambda s: roots(s.restore / "applied", 0o700),
    "drops-are-roots": lambda s: roots(s.restore, 0o700),
    "applied-is-a-file": lambda s: replace_by_file(s.restore / "applied"),
}

DATABASE = {
    "table-is-roots": lambda s: roots(next(s.db.glob("*.ldb")), 0o600),
    "current-is-roots": lambda s: roots(s.db / "CURRENT", 0o600),
    "identity-is-roots": lambda s: roots(s.db / "BACKUP_ID", 0o600),
    "lock-is-roots": lambda s: roots(s.db / "LOCK", 0o600),
    "database-is-roots": lambda s: roots(s.db, 0o755),
    "records-are-roots":
        lambda s: roots(s.backups / ".levelkeep" / "databases", 0o700),
    "create-lock-is-roots":
        lambda s: roots(s.backups / ".levelkeep" / "create.lock", 0o600),
}


@pytest.fixture
def used(site, serve):  # noqa: F811
    """A backup of a site that was served twice, so that it has a table."""
    name = make_backup(site, serve, "first")
    with serve():
        pass
    assert list(site.db.glob("*.ldb"))
    return name


@pytest.mark.parametrize("obstacle", [*STORAGE, *DATABASE])
def test_the_configuration_is_checked_as_the_start_does(
        site, run, used, obstacle):  # noqa: F811
    assert run("config", "--check").returncode == 0
    {**STORAGE, **DATABASE}[obstacle](site)
    before = tree(site)
    judged = run("config", "--check")
    assert tree(site) == before
    started = run("serve", API_PORT=0)
    assert_refused_alike(judged, started)
    if "-roots" in obstacle:
        assert f"this process runs as user {SERVICE} and may not" \
            in judged.stderr
        assert f"chown {SERVICE} " in judged.stderr


def test_a_folder_for_logs_that_cannot_be_written_is_refused(
        site, run, used):  # noqa: F811
    logs = site.root / "logs"
    logs.mkdir()
    roots(logs, 0o755)
    judged = run("config", "--check", LOG_DIR=logs)
    started = run("serve", API_PORT=0, LOG_DIR=logs)
    assert_refused_alike(judged, started)
    assert "LOG_DIR" in error_of(judged)


def test_the_work_folder_is_checked_before_there_is_a_database(
        site, run):  # noqa: F811
    site.work.parent.mkdir()
    before = tree(site)
    judged = run("config", "--check")
    assert tree(site) == before
    started = run("serve", API_PORT=0)
    assert_refused_alike(judged, started)


@pytest.mark.parametrize("obstacle", STORAGE)
def test_a_dry_run_is_refused_as_the_restore(site, run, used,
                                             obstacle):  # noqa: F811
    assert run("restore", used, "--dry-run").returncode == 0
    STORAGE[obstacle](site)
    before = tree(site)
    judged = run("restore", used, "--dry-run")
    assert tree(site) == before
    assert_refused_alike(judged, run("restore", used, "--yes"))


def without_jobs(entries):
    """Without the record of a failed job, which a refused restore leaves, and
    the folder of marks, in which it had one."""
    return {path: entry for path, entry in entries.items()
            if "/jobs" not in path and not path.endswith("/in-use")}


def test_a_dry_run_of_a_stage_is_refused_as_the_stage(
        site, serve, used):  # noqa: F811
    def ask(server, dry_run):
        return server.api.post("/api/backup/restore", {
            "backupName": used, "mode": "stage", "dryRun": dry_run})

    with serve() as server:
        # A stage needs this folder, a live restore does not.
        roots(site.restore, 0o755)
        before = tree(site)
        judged = ask(server, True)
        assert tree(site) == before
        done = ask(server, False)
        assert without_jobs(tree(site)) == without_jobs(before)
        assert done.status >= 400
        assert judged.status == done.status
        detail = without_ids(judged.problem(done.status)["detail"])
        assert str(site.restore) in detail
        assert detail == without_ids(done.problem(done.status)["detail"])
        live = server.api.post("/api/backup/restore", {
            "backupName": used, "mode": "live", "dryRun": True})
        assert live.status == 200


def test_a_stage_without_the_check_is_refused_in_its_dry_run(
        serve, used, program):  # noqa: F811
    """A stage is refused even if the backup was scanned: the start scans it."""
    with serve() as server:
        server.api.post(f"/api/backup/{used}/verify", {"depth": "full"}).ok()
        os.remove(program.parent / "levelkeep-check")
        for mode, status in (("live", 200), ("stage", None)):
            request = {"backupName": used, "mode": mode}
            judged = server.api.post("/api/backup/restore",
                                     {**request, "dryRun": True})
            if status is None:
                done = server.api.post("/api/backup/restore", request)
                assert done.status >= 400
                status = done.status
            assert judged.status == status, mode


def test_files_above_the_limit_are_refused_before_anything_is_read(
        site, run, rng):  # noqa: F811
    fill(site.db, 3000, 400, rng)
    for path in (site.db, *site.db.iterdir()):
        os.chown(path, SERVICE, SERVICE)
    assert run("create").returncode == 0
    prefix = limited(resource.RLIMIT_FSIZE, 16 << 10)
    for act, question in ((["--yes"], ["--dry-run"]),
                          (["--to", site.storage / "to"],
                           ["--to", site.storage / "to", "--dry-run"])):
        before = tree(site)
        judged = run("restore", "latest", *question, prefix=prefix)
        assert tree(site) == before
        done = run("restore", "latest", *act, prefix=prefix)
        assert done.returncode == 1
        assert judged.returncode == 1
        assert error_of(judged) == error_of(done)
        assert "ulimit -f" in error_of(judged)


def test_a_backup_folder_that_can_not_be_written_is_a_warning(
        site, run, serve, used):  # noqa: F811
    roots(site.backups, 0o755)
    judged = run("config", "--check")
    assert judged.returncode == 0
    assert "warning: no backups can be made: BACKUP_DIR (" in judged.stderr
    assert f"chown {SERVICE} {site.backups}" in judged.stderr
    with serve() as server:
        assert "no backups can be made: BACKUP_DIR" in server.log()


WARNINGS = {
    "levelkeep-check is not at": {"LEVELKEEP_CHECK_PROGRAM": "/nonexistent"},
    "may open only a few files": {
        "prefix": limited(resource.RLIMIT_NOFILE, 24)},
    "backups will fail until this limit is raised": {
        "prefix": limited(resource.RLIMIT_FSIZE, 1 << 10)},
}


@pytest.mark.parametrize("warning", WARNINGS)
def test_the_configuration_is_warned_of_what_the_start_warns_of(
        site, run, serve, used, warning):  # noqa: F811
    how = WARNINGS[warning]
    judged = run("config", "--check", **how)
    assert judged.returncode == 0
    lines = [line for line in judged.stderr.splitlines()
             if line.startswith("warning: ")]
    assert len(lines) == 1 and warning in lines[0]
    told = lines[0].removeprefix("warning: ")
    asked = json_of(run("config", "--check", "--json", **how))
    assert asked["success"] is True
    assert asked["warnings"] == [told]
    prefix = [*AS_SERVICE, *how.get("prefix", ())]
    settings = {k: v for k, v in how.items() if k != "prefix"}
    server = site.serve(prefix=prefix, program=serve().command[-1],
                        **settings)
    with server:
        assert told in server.log()


def test_a_dry_run_warns_of_what_the_start_warns_of(run, used):
    """The backup is scanned, so that it can be restored without the check."""
    assert run("verify", used).returncode == 0
    for warning, how in WARNINGS.items():
        if "backups will fail" in warning:
            continue  # the restore fails, too: see above
        for verb in (["restore", used], ["restore", "--undo"]):
            asked = run(*verb, "--dry-run", **how)
            if asked.returncode == 5:  # nothing was restored yet
                assert run("restore", used, "--yes").returncode == 0
                asked = run(*verb, "--dry-run", **how)
            assert asked.returncode == 0, asked.stderr
            lines = [line for line in asked.stderr.splitlines()
                     if line.startswith("warning: ")]
            assert len(lines) == 1 and warning in lines[0]
            told = json_of(run(*verb, "--dry-run", "--json", **how))
            assert [f"warning: {w}" for w in told["warnings"]] == lines


def test_where_nothing_is_wrong_nothing_is_warned_of(run, used):
    for verb in (["config", "--check"], ["restore", used, "--dry-run"]):
        assert "warning: " not in run(*verb).stderr
        assert json_of(run(*verb, "--json"))["warnings"] == []
