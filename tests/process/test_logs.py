"""The log: JSON for every input, secrets, moved files, full disks."""

import json
import os
import re
import signal
import subprocess
import time

from events import make_events
from harness import binary, die_with_parent, wait_until
from mounts import memory_disk

SECRET = "s3cret-of-this-test"
JOB = r"\d{8}-\d{6}-\d{3}-[0-9a-f]{8}"


def files_of(folder):
    return sorted(folder.glob("levelkeep_*.log"))


def today(folder):
    return (folder / time.strftime("levelkeep_%Y-%m-%d.log", time.gmtime()))


def test_each_line_is_json_and_jobs_have_ids(site, seed):
    site.restore.mkdir()
    # Names that a log line might not survive.
    for name in (b"a\nb\".tar.gz", b"\xff\xfe\\.tar.gz", b"\x1b[31m.txt"):
        with open(os.path.join(os.fsencode(site.restore), name), "wb") as file:
            file.write(b"no archive")
        os.utime(os.path.join(os.fsencode(site.restore), name), (0, 0))
    logs = site.root / "logs"
    with site.serve(LOG_FORMAT="json", LOG_LEVEL="trace",
                    LOG_DIR=logs, ALLOW_NEW_DATABASE="true") as server:
        server.api.append(make_events(seed, "w", 0, 10))
        server.api.post("/api/backup/create")
        server.api.get("/api/events?x=%0a%ff%22", timeout=10)
        wait_until(lambda: server.api.backups()[0]["status"] == "verified",
                   "the backup is verified")
    lines = [json.loads(line) for file in files_of(logs)
             for line in file.read_bytes().splitlines()]
    for line in lines:
        assert {"time", "level", "tag", "message"} <= set(line) <= \
            {"time", "level", "tag", "message", "job"}
    # Standard error has the same lines, and the line of the ready server.
    shown = [json.loads(line) for line in
             server.log_path.read_bytes().splitlines()
             if line.startswith(b"{")]
    assert len(shown) == len(lines) > 10
    created = [line for line in lines
               if re.search(r"^backup_.*: created", line["message"])]
    assert created and re.fullmatch(JOB, created[0]["job"]), lines
    assert created[0]["tag"] == "BackupManager"
    assert not [line for line in lines if line["tag"] == "Server"
                and "job" in line]


def test_no_secret_is_in_any_line(site, seed):
    token = site.root / "token"
    token.write_text(SECRET + "\n")
    for settings in ({"API_TOKEN": SECRET}, {"API_TOKEN_FILE": token}):
        with site.serve(LOG_LEVEL="trace", **settings) as server:
            server.api.token = SECRET
            for call in (server.api.health, server.api.backups):
                call()
            server.api.post("/api/backup/create")
            server.api.get("/api/events?token=" + "x")
            server.api.token = SECRET + "-wrong"
            assert server.api.get("/api/events").status == 401
            server.signal(signal.SIGUSR1)
            server.signal(signal.SIGHUP)
            wait_until(lambda: "no setting has changed" in server.log() and
                       "state:" in server.log(), server.log())
        assert SECRET not in server.log()
        shown = site.run("config", settings=settings)
        assert SECRET not in shown.text and "********" in shown.text
        shown = site.run("config", "--json", settings=settings)
        assert SECRET not in shown.text
        # A value that is refused, too.
        wrong = site.run("config", settings={"API_TOKEN": SECRET + " x"})
        assert wrong.code == 2 and SECRET not in wrong.text


def test_logrotate_and_retention(site):
    logs = site.root / "logs"
    logs.mkdir()
    old = logs / "levelkeep_2020-01-01.log"
    foreign = logs / "levelkeep_2020-01-01.log.1.gz"
    for file in (old, foreign):
        file.write_text("x")
    with site.serve(LOG_DIR=logs, LOG_RETENTION_DAYS=1000,
                    LOG_LEVEL="debug") as server:
        assert not old.exists() and foreign.exists()
        server.api.health()
        moved = today(logs).rename(logs / "moved")
        server.signal(signal.SIGHUP)
        wait_until(lambda: files_of(logs) and "no setting has changed" in
                   files_of(logs)[-1].read_text(), "a new file")
        assert "[Server] ready" in moved.read_text()
        files_of(logs)[-1].unlink()
        time.sleep(1.1)
        server.api.health()
        wait_until(lambda: files_of(logs), "noticed within a second")


def test_a_full_disk_stops_nothing_and_lost_lines_are_counted(site):
    with memory_disk(site.root / "small", "64k") as disk, \
            site.serve(LOG_DIR=disk, LOG_LEVEL="debug") as server:
        (disk / "ballast").write_bytes(b"x" * (40 << 10))
        sent = 0
        while "lines can't be written to the log file" not in server.log():
            assert server.api.health()
            sent += 1
            assert sent < 5000
        for _ in range(20):
            server.api.health()
        (disk / "ballast").unlink()
        server.api.health()
        told = wait_until(lambda: re.search(
            r"\[Log\] (\d+) lines could not be written to ", server.log()),
            "the lost lines are told")
        assert int(told.group(1)) >= 20
        (file,) = files_of(disk)
        assert told.group(0) in file.read_text()
        # What the file lacks is on standard error.
        lacking = [line for line in server.log().splitlines()
                   if "/api/health" in line and line not in file.read_text()]
        assert len(lacking) >= 20


def test_the_journal_gets_priorities(site):
    """JOURNAL_STREAM names the stream that is standard error."""
    read, write = os.pipe()
    with os.fdopen(read) as journal, os.fdopen(write, "w") as stream:
        status = os.fstat(stream.fileno())
        for named, expected in ((f"{status.st_dev}:{status.st_ino}", "<6>["),
                                ("1:1", "20")):
            subprocess.run([binary(), "worker", "--once", "--verbose"],
                           cwd=site.root, stderr=stream, timeout=60,
                           env=site.environment({
                               "JOURNAL_STREAM": named, "BACKUP_DIR":
                               site.root, "BACKUP_WORKER_ENABLED": "false"}),
                           preexec_fn=die_with_parent, check=True)
            assert journal.readline().startswith(expected)
