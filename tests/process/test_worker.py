"""`levelkeep worker`, and `levelkeep health` as a health check."""

import os
import shutil
import signal
import subprocess

from events import make_events
from harness import OPEN, binary, die_with_parent, wait_until


class Worker:
    """`levelkeep worker` in a site; a context manager."""

    def __init__(self, site, prefix=(), **settings):
        self.site = site
        self.prefix = list(prefix)
        self.settings = {"BACKUP_WORKER_POLL_MS": 200, **settings}
        self.log_path = site.root / "worker.log"

    def __enter__(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, binary(), "worker"], cwd=self.site.root,
                env=self.site.environment(self.settings, self.prefix),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent)
        return self

    def __exit__(self, kind, error, trace):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("worker ignores SIGTERM") from None
        if kind is None:
            assert code == 0, self.log()
        else:
            print(self.log())
        return False

    def log(self):
        return self.log_path.read_text(errors="replace")


def backup(site, seed, count=50):
    with site.serve(BACKUP_VERIFY="false") as server:
        server.api.append_all(make_events(seed, "w", 0, count))
        return server.api.create()["name"]


def test_worker_verifies_and_logs_its_tags(site, seed):
    name = backup(site, seed)
    with Worker(site) as worker:
        wait_until(lambda: f"[BackupWorker] {name}: completed" in
                   worker.log(), "the worker's verification", 60)
        assert "[BackupWorker] Starting with poll interval 200ms. " \
            "Storage root: " in worker.log()
        assert f"[BackupWorker] {name}: processing" in worker.log()
    with site.serve() as server:
        entry = server.api.backups()[0]
        assert entry["status"] == "verified" and entry["verified"] is True
    site.assert_swept()


def test_worker_never_opens_the_store(site, seed, folder):
    name = backup(site, seed)
    trace = folder / "trace"
    prefix = ["strace", "-D", "-f", "-qq", "-o", str(trace), "-e",
              f"trace={OPEN}"]
    with Worker(site, prefix) as worker:
        wait_until(lambda: f"{name}: completed" in worker.log(),
                   "the worker's verification", 90)
        descriptors = [
            os.readlink(f"/proc/{worker.process.pid}/fd/{fd}")
            for fd in os.listdir(f"/proc/{worker.process.pid}/fd")]
    opened = [line for line in trace.read_text().splitlines()
              if "event_registry_db" in line and "backups" not in line]
    assert opened == [], "\n".join(opened)
    assert not [d for d in descriptors if d.startswith(str(site.storage))]
    assert name in trace.read_text(), "the trace saw nothing"


def test_worker_runs_beside_a_server_and_without_its_storage(site, seed):
    """As in the compose file, the worker does not mount storage at all."""
    with site.serve(BACKUP_VERIFY="false") as server:
        server.api.append(make_events(seed, "w", 0, 50))
        with Worker(site, STORAGE_DIR=site.root / "not-mounted") as worker:
            name = server.api.create()["name"]
            wait_until(lambda: f"{name}: completed" in worker.log(),
                       "the new backup is verified", 60)
            wait_until(lambda: server.api.backups()[0]["verified"],
                       "the server sees it", 60)
    site.assert_swept()


def test_worker_reports_a_damaged_backup_and_goes_on(site, seed):
    bad = backup(site, seed)
    good = backup(site, seed, 20)
    path = site.backups / bad
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x20
    path.write_bytes(content)
    with Worker(site) as worker:
        wait_until(lambda: f"{good}: completed" in worker.log(),
                   "the good one is verified", 60)
        wait_until(lambda: f"{bad}: failed" in worker.log(),
                   "the bad one is reported", 60)
    listed = {b["name"]: b for b in site.run(
        "list", "--json").expect(0).json()["backups"]}
    assert listed[bad]["status"] in ("damaged", "unreadable")
    assert listed[good]["status"] == "verified"


def endless_check(site):
    """A check that does not end, and the file in which it writes its pid."""
    pid = site.root / "check.pid"
    check = site.root / "check.sh"
    check.write_text(f"#!/bin/sh\necho $$ > '{pid}.new'\n"
                     f"mv '{pid}.new' '{pid}'\nexec sleep 600\n")
    check.chmod(0o755)
    return str(check), pid


def test_worker_tells_its_state_in_the_middle_of_a_check(site, seed):
    name = backup(site, seed)
    check, pid = endless_check(site)
    with Worker(site, LEVELKEEP_CHECK_PROGRAM=check) as worker:
        wait_until(pid.exists, "the check of the database began", 60)
        for times in (1, 2):
            worker.process.send_signal(signal.SIGUSR1)
            wait_until(lambda: worker.log().count(
                f"state: checking {name}, checked since the start: 0") == times,
                "the state is in the log")
    with Worker(site) as worker:
        wait_until(lambda: f"{name}: completed" in worker.log(),
                   "the verification", 60)
        worker.process.send_signal(signal.SIGUSR1)
        wait_until(lambda: "state: waiting, checked since the start: 1" in worker.log(),
                   "the state is in the log")


def test_killed_worker_leaves_nothing_for_long(site, seed):
    """The next verification removes what a killed worker's check leaves."""
    name = backup(site, seed)
    check, pid = endless_check(site)
    worker = Worker(site, LEVELKEEP_CHECK_PROGRAM=check)
    worker.__enter__()
    try:
        wait_until(pid.exists, "the check of the database began", 60)
    finally:
        worker.process.kill()
        worker.process.wait(30)
    os.kill(int(pid.read_text()), signal.SIGKILL)
    assert list((site.backups / ".levelkeep").rglob("scratch-*"))
    with Worker(site) as worker:
        wait_until(lambda: f"{name}: completed" in worker.log(),
                   "the verification", 60)
    site.assert_swept()


def test_disabled_worker_says_so(site):
    done = site.run("worker", settings={"BACKUP_WORKER_ENABLED": "false"})
    assert done.code == 0, done.text
    assert "BACKUP_WORKER_ENABLED" in done.text


def test_health_verb_is_a_health_check(site, seed):
    with site.serve() as server:
        settings = {"API_PORT": server.port}
        server.api.append(make_events(seed, "w", 0, 5))
        site.run("health", settings=settings).expect(0)
        shown = site.run("health", "--json", settings=settings).expect(0)
        assert shown.json()["status"] == "ok"
        site.run("health", "--url",
                 f"http://127.0.0.1:{server.port}").expect(0)
    down = site.run("health", settings=settings).expect(1)
    assert "error:" in down.err


def test_health_verb_uses_the_token(site):
    token = "correct-horse-battery-staple"
    with site.serve(API_TOKEN=token) as server:
        settings = {"API_PORT": server.port, "API_TOKEN": token}
        url = ("--url", f"http://127.0.0.1:{server.port}")
        site.run("health", *url, settings=settings).expect(0)
        wrong = {**settings, "API_TOKEN": "wrong-wrong-wrong"}
        site.run("health", *url, settings=wrong).expect(1)
        site.run("health", settings=wrong).expect(0)  # over the socket
        server.api.token = None
        reply = server.api.get("/api/backup/list")
        reply.problem(401)
        assert "WWW-Authenticate" in reply.headers
        assert server.api.get("/livez").status == 200
    assert token not in server.log()


def test_health_goes_down_with_the_store(site):
    """Without the backup folder, health does not claim to be well."""
    with site.serve() as server:
        settings = {"API_PORT": server.port}
        shutil.rmtree(site.backups)
        reply = server.api.get("/api/health")
        assert reply.json()["status"] != "ok" or \
            reply.json()["backup"]["count"] == 0
        site.backups.mkdir(exist_ok=True)
        assert site.run("health", settings=settings).code in (0, 1, 7)
