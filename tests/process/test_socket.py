"""The program beside a running server: it asks the server over its socket."""

import json
import os
import pathlib
import shutil
import signal
import socket
import stat
import threading
import time

import pytest

from events import make_events
from harness import Site, wait_until


def told_by(result):
    """The object that --json printed."""
    return json.loads(result.out)


def filled(server, seed, count=20):
    server.api.append(make_events(seed, "w", 0, count))


def test_each_verb_is_done_by_the_server(site, seed):
    with site.serve() as server:
        filled(server, seed)
        made = told_by(site.run("create", "--label", "a", "--json").expect(0))
        assert made["via"] == "server"
        assert made["way"] == "hot"
        assert made["backup"]["manifest"]["eventCount"] == 20
        name = made["name"]
        assert told_by(site.run("pin", name, "--json").expect(0))["via"] == \
            "server"
        site.run("unpin", name).expect(0)
        rotated = told_by(site.run("rotate", "--json").expect(0))
        assert rotated["via"] == "server" and len(rotated["kept"]) == 1
        server.api.append(make_events(seed, "w", 20, 5))
        restored = told_by(
            site.run("restore", name, "--yes", "--json").expect(0))
        assert restored["via"] == "server" and restored["applied"]
        assert server.api.head() == 20, "restored live"
        undone = told_by(
            site.run("restore", "--undo", "--yes", "--json").expect(0))
        assert undone["via"] == "server"
        assert server.api.head() == 25
        second = told_by(site.run("create", "--json").expect(0))["name"]
        site.run("delete", second, "--yes", "--force").expect(0)
        jobs = told_by(site.run("jobs", "--json").expect(0))["jobs"]
        kinds = [job["type"] for job in jobs if job["type"] != "verify"]
        assert kinds == ["delete", "create", "undo", "restore", "rotate",
                         "create"]
        assert {job["trigger"] for job in jobs} <= {"cli", "automatic"}
        shown = told_by(site.run("jobs", jobs[0]["id"], "--json").expect(0))
        assert shown["jobs"] == [jobs[0]]
        health = told_by(site.run("health", "--json").expect(0))
        assert health["via"] == "server" and health["status"] == "ok"
    # Without the server the same jobs are read from the folder.
    recorded = told_by(site.run("jobs", "--json").expect(0))
    assert recorded["via"] == "folders"
    assert [job["id"] for job in recorded["jobs"]][-1] == jobs[-1]["id"]
    assert told_by(site.run("create", "--json").expect(0))["via"] == "folders"


def test_a_rotation_follows_the_rules_of_the_server(site, seed):
    with site.serve(MAX_BACKUPS=9) as server:
        filled(server, seed)
        for _ in range(3):
            server.api.create()
        # The variable is the command's own; the server does not know it.
        done = told_by(site.run("rotate", "--json", settings={
            "MAX_BACKUPS": 1}).expect(0))
        assert len(done["kept"]) == 3 and done["removed"] == []
        assert len(site.archives()) == 3
        refused = site.run("rotate", "--max-backups", "1").expect(2)
        assert "can't be obeyed" in refused.err
        assert len(site.archives()) == 3


def test_a_failure_of_the_job_is_the_failure_of_the_verb(site, seed):
    with site.serve() as server:
        filled(server, seed)
        name = server.api.create()["name"]
        site.await_jobs()
        refused = site.run("delete", name, "--yes", "--json").expect(1)
        assert told_by(refused)["code"] == "refused"
        missing = site.run("restore", "backup_2020-01-01_000000.tar.gz",
                           "--yes").expect(5)
        assert "backup_2020-01-01_000000.tar.gz" in missing.err
        assert server.api.head() == 20


def test_a_server_that_hangs_is_never_bypassed(site, seed):
    with site.serve() as server:
        filled(server, seed)
        os.kill(server.process.pid, signal.SIGSTOP)
        try:
            begun = time.monotonic()
            failed = site.run("create").expect(1)
            assert time.monotonic() - begun < 20
            assert "does not answer" in failed.err and "hint:" in failed.err
            assert site.archives() == []
        finally:
            os.kill(server.process.pid, signal.SIGCONT)
        site.run("create").expect(0)


def test_a_dead_socket_is_in_nobodys_way(site, seed):
    with site.serve() as server:
        filled(server, seed)
        server.kill9()
    control = site.work / "control.sock"
    assert stat.S_ISSOCK(control.stat().st_mode)
    made = told_by(site.run("create", "--json").expect(0))
    assert made["via"] == "folders" and made["way"] == "offline"
    with site.serve() as server:
        assert told_by(site.run("create", "--json").expect(0))["via"] == \
            "server"
        # A second server is refused, and does not cut off the first one.
        site.run("serve", settings={"API_PORT": 0}).expect(4)
        assert told_by(site.run("create", "--json").expect(0))["via"] == \
            "server"
        assert server.api.head() == 20
    assert not control.exists(), "a stopped server leaves no socket"


def test_a_copy_is_not_managed_by_the_server_of_its_original(site, seed):
    with site.serve() as server:
        filled(server, seed)
        copy = Site(site.root / "copy")
        shutil.copytree(site.storage, copy.storage,
                        ignore=shutil.ignore_patterns("*.sock", "LOCK"))
        assert "socket " in (copy.work / "instance.lock").read_text()
        made = told_by(copy.run("create", "--json").expect(0))
        assert made["via"] == "folders"
        assert site.archives() == [] and len(copy.archives()) == 1
        assert server.api.head() == 20


def test_a_long_path_has_its_socket_in_the_runtime_folder(site, seed):
    deep = Site(site.root / ("d" * 60) / ("e" * 60))
    runtime = site.root / "run"
    runtime.mkdir(mode=0o700)
    with deep.serve(XDG_RUNTIME_DIR=runtime) as server:
        filled(server, seed)
        sockets = list(runtime.iterdir())
        assert len(sockets) == 1 and stat.S_ISSOCK(sockets[0].stat().st_mode)
        assert stat.S_IMODE(sockets[0].stat().st_mode) == 0o600
        # The program finds it without the variable.
        assert told_by(deep.run("create", "--json").expect(0))["via"] == \
            "server"
    assert list(runtime.iterdir()) == []


def test_what_is_no_socket_is_not_removed(site, seed):
    site.work.mkdir(parents=True)
    (site.work / "control.sock").write_text("of a person")
    runtime = site.root / "run"
    runtime.mkdir(mode=0o700)
    with site.serve(XDG_RUNTIME_DIR=runtime) as server:
        filled(server, seed)
        assert told_by(site.run("create", "--json").expect(0))["via"] == \
            "server"
    assert (site.work / "control.sock").read_text() == "of a person"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_another_user_is_refused(site, seed):
    for folder in (site.root, *site.root.parents):
        if folder != pathlib.Path("/") and folder.owner() == "root":
            folder.chmod(folder.stat().st_mode | 0o055)
    runtime = site.root / "run"
    runtime.mkdir(mode=0o755)
    (site.storage / ".levelkeep").mkdir(parents=True)
    with site.serve(XDG_RUNTIME_DIR=runtime) as server:
        filled(server, seed)
        for folder in (site.storage, site.work.parent, site.work):
            folder.chmod(0o755)
        (site.work / "instance.lock").chmod(0o644)
        refused = site.run("rotate", prefix=(
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
        assert refused.code != 0
        assert "another user" in refused.err, refused.err
        assert server.api.head() == 20


def test_without_a_port_the_server_listens_at_its_socket_alone(site, seed):
    server = site.serve(API_PORT="none")
    server.launch()
    try:
        wait_until(lambda: site.run("health", settings={
            "API_PORT": "none"}).code == 0, "healthy")
        from harness import listening_port
        assert listening_port(server.process.pid) is None
        site.run("create").expect(0)
        assert len(site.archives()) == 1
    finally:
        server.stop()
    gone = site.run("health", settings={"API_PORT": "none"}).expect(1)
    assert "API_PORT is none" in gone.err


class OtherVersion(threading.Thread):
    """A server whose protocol this program does not know."""

    def __init__(self, path, answer):
        super().__init__(daemon=True)
        self.answer = answer
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(8)
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                if not connection.recv(65536):
                    continue  # somebody looked whether we listen
                body = self.answer.encode()
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s"
                    % (len(body), body))


def test_another_version_asks_for_a_restart_of_the_service(site, seed):
    with site.serve() as server:
        filled(server, seed)
    status = site.work.stat()
    mark = f"{status.st_dev}:{status.st_ino}"
    path = site.work / "control.sock"
    (site.work / "instance.lock").write_text(f"socket {path}\n")
    other = OtherVersion(path, json.dumps(
        {"success": True, "protocol": 99, "version": "9.9.9",
         "workFolder": mark}))
    refused = site.run("create").expect(1)
    assert "9.9.9" in refused.err and "restart the service" in refused.err
    assert site.archives() == []
    other.socket.close()
