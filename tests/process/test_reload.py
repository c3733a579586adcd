"""SIGHUP: settings that come into force, that need a restart, that are wrong."""

import contextlib
import datetime
import signal
import subprocess
import time

from client import Api
from events import make_events
from harness import binary, die_with_parent, wait_until
from notify import Supervisor

# The environment beats the file, and the harness turns the schedule off there.
OWN_SCHEDULE = ["env", "-u", "AUTO_BACKUP_ENABLED"]


def write_settings(site, **settings):
    text = "".join(f"{name}={value}\n" for name, value in settings.items())
    new = site.root / ".env.new"
    new.write_text(text)
    new.rename(site.root / ".env")


def reload(server, text="[Config]", count=1):
    """Sends SIGHUP, and waits until the log has the text once more."""
    before = server.log().count(text)
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.log().count(text) >= before + count,
               f"{text} in the log:\n{server.log()[-3000:]}")


def next_run(server):
    text = server.api.health()["backup"]["nextRun"]
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_what_changed_is_in_force_and_said(site, seed):
    token = site.root / "token"
    token.write_text("old-secret\n")
    common = {"API_TOKEN_FILE": token, "AUTO_BACKUP_ENABLED": "true"}
    write_settings(site, MAX_BACKUPS=10, AUTO_BACKUP_INTERVAL=3600000,
                   **common)
    with Supervisor(site.root / "notify") as supervisor, \
            site.serve(prefix=OWN_SCHEDULE,
                       NOTIFY_SOCKET=supervisor.address) as server:
        pass_token(server, "old-secret")
        server.api.append(make_events(seed, "w", 0, 10))
        server.api.post("/api/backup/create")
        planned = next_run(server)
        token.write_text("new-secret\n")
        write_settings(site, MAX_BACKUPS=2, AUTO_BACKUP_INTERVAL=3600000,
                       LOG_LEVEL="debug", BACKUP_THREADS=3, LOG_FORMAT="json",
                       **common)
        reload(server, "\"LOG_FORMAT: text -> json, in force now\"")
        log = server.log()
        for line in ("MAX_BACKUPS: 10 -> 2, in force now",
                     "LOG_LEVEL: info -> debug, in force now",
                     "API_TOKEN: changed, in force now",
                     "BACKUP_THREADS: 0 -> 3, needs a restart"):
            assert line in log, log
        assert "secret" not in log
        supervisor.wait("RELOADING=1")
        supervisor.wait("MONOTONIC_USEC=")
        assert len(wait_until(lambda: supervisor.lines("READY=1")[1:],
                              "ready again")) == 1
        assert server.api.get("/api/events").status == 401
        pass_token(server, "new-secret")
        config = server.api.get("/api/backup/status").json()["config"]
        assert config["maxBackups"] == 2 and config["threads"] == 0
        assert abs(next_run(server) - planned) < datetime.timedelta(seconds=2)

        # Another interval counts from the last backup.
        write_settings(site, MAX_BACKUPS=2, AUTO_BACKUP_INTERVAL=7200000,
                       BACKUP_THREADS=3, LOG_LEVEL="debug",
                       LOG_FORMAT="json", **common)
        reload(server, "AUTO_BACKUP_INTERVAL: 3600000 -> 7200000")
        later = next_run(server) - planned
        assert abs(later - datetime.timedelta(hours=1)) < \
            datetime.timedelta(seconds=30)


def pass_token(server, token):
    server.api = Api(server.port, token)


def test_wrong_settings_change_nothing(site, seed):
    write_settings(site, MAX_BACKUPS=7, API_TOKEN="old-secret")
    with site.serve() as server:
        pass_token(server, "old-secret")

        def refused(why):
            reload(server, "nothing was reloaded")
            assert why in server.log().splitlines()[-1] or \
                why in server.log()[-1500:], server.log()
            assert server.api.get("/api/events").status == 200
            status = server.api.get("/api/backup/status").json()
            assert status["config"]["maxBackups"] == 7

        write_settings(site, MAX_BACKUPS=0, API_TOKEN="new-secret")
        refused("MAX_BACKUPS is \"0\"")
        write_settings(site, MAX_BACKUPS=5, BACKUP_MAXIMUM=2)
        refused("BACKUP_MAXIMUM")
        # A host of all addresses needs a token; here, both would change.
        write_settings(site, MAX_BACKUPS=5, API_HOST="0.0.0.0")
        refused("API_TOKEN is not set")
        (site.root / "file").write_text("")
        write_settings(site, MAX_BACKUPS=5, API_TOKEN="new-secret",
                       LOG_DIR=site.root / "file")
        refused("LOG_DIR")
        (site.root / ".env").unlink()
        refused(".env")
        write_settings(site, MAX_BACKUPS=7, API_TOKEN="old-secret")
        reload(server, "no setting has changed")


def test_a_token_cannot_go_while_others_reach_the_server(site):
    write_settings(site, API_HOST="0.0.0.0", API_TOKEN="old-secret")
    with contextlib.ExitStack() as stack:
        server = site.serve().launch()
        stack.callback(server.kill9)
        wait_until(lambda: "[Server] ready" in server.log(), "ready")
        # API_HOST needs a restart, so that the old one is in force.
        write_settings(site, API_HOST="127.0.0.1")
        reload(server, "nothing was reloaded")
        assert "API_TOKEN is not set" in server.log()
        server.stop()


def test_the_file_that_systemd_has_read(site):
    file = site.root / "levelkeep.env"
    folders = "".join(f"{name}_DIR={site.root}/{folder}\n" for name, folder in
                      (("STORAGE", "storage"), ("BACKUP", "backups"),
                       ("RESTORE", "restore")))
    file.write_text(folders + "MAX_BACKUPS=3\n")
    from_file = dict(line.split("=") for line in file.read_text().split())
    with site.serve(LEVELKEEP_SYSTEM_FILE="", LEVELKEEP_ENVIRONMENT_FILE=file,
                    BACKUP_HISTORY_DAYS=4, **from_file) as server:
        file.write_text(folders + "MAX_BACKUPS=4\nBACKUP_HISTORY_DAYS=5\n")
        reload(server, "MAX_BACKUPS: 3 -> 4, in force now")
        assert "BACKUP_HISTORY_DAYS" not in server.log()
        file.unlink()
        reload(server, "nothing was reloaded")


def test_a_worker_reloads_in_the_middle_of_its_pause(site, seed):
    with site.serve(BACKUP_VERIFY="false") as server:
        server.api.append(make_events(seed, "w", 0, 1))
        log = open(site.root / "worker.log", "w")
        write_settings(site, BACKUP_WORKER_POLL_MS=3600000)
        worker = subprocess.Popen(
            [binary(), "worker"], cwd=site.root, env=site.environment(),
            stderr=log, preexec_fn=die_with_parent)
        text = (site.root / "worker.log").read_text
        wait_until(lambda: "Starting with poll interval 3600000ms" in text(),
                   "the worker waits")
        time.sleep(0.2)
        server.api.post("/api/backup/create")
        write_settings(site, BACKUP_WORKER_POLL_MS=100)
        worker.send_signal(signal.SIGHUP)
        wait_until(lambda: "BACKUP_WORKER_POLL_MS: 3600000 -> 100, in force "
                   "now" in text(), text())
        wait_until(lambda: ": completed (job " in text(), "verified")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0, text()
