"""Mails, webhook, heartbeats and hooks, with real receivers."""

import contextlib
import email
import os
import time

from events import make_events
from harness import wait_until
from receivers import HttpReceiver, MailServer

NO_SPACE = {"BACKUP_RESERVE": "1000T"}


def write_one(server, seed, start=0):
    server.api.append_all(make_events(seed, "w", start, 5))


def create_fails(server):
    assert server.api.post("/api/backup/create").status == 507


def test_mails_go_over_starttls_with_a_login(site, seed, folder):
    with MailServer(folder) as mail:
        settings = mail.settings(BACKUP_EMAIL_TO="a@x.test,b@y.test")
        with site.serve(**settings) as server:
            write_one(server, seed)
            name = server.api.create()["name"]
            mails = mail.wait_for(2)
        assert sorted(one.receivers[0] for one in mails) == [
            "a@x.test", "b@y.test"]
        for one in mails:
            assert one.encrypted and one.user == b"user"
            assert one.sender == "keep@x.test"
            message = email.message_from_bytes(one.text)
            assert message["Subject"] == "Database Backup SUCCESS"
            assert message["Message-ID"] and message["Date"]
            body = message.get_payload(decode=True).decode()
            assert body.startswith(f"Backup completed: {name} (")
            assert "Database:     event_registry_db" in body


def test_mails_go_over_tls_at_once(site, seed, folder):
    with MailServer(folder, at_once=True) as mail:
        with site.serve(**mail.settings(SMTP_TLS="tls"), **NO_SPACE) as server:
            write_one(server, seed)
            create_fails(server)
            one = mail.wait_for(1)[0]
    assert one.encrypted and one.user == b"user"
    message = email.message_from_bytes(one.text)
    assert message["Subject"] == "Database Backup FAILED"
    assert "no space for a backup" in message.get_payload(
        decode=True).decode().replace("\n", " ")


def test_mails_need_a_trusted_certificate(site, seed, folder):
    with MailServer(folder) as mail:
        settings = mail.settings(SMTP_TLS="starttls", SMTP_CA_FILE="")
        with site.serve(**settings) as server:
            write_one(server, seed)
            server.api.create()
            wait_until(lambda: "is not trusted" in server.log(), "the error")
            assert "SMTP_CA_FILE" in server.log()
            assert "geheim" not in server.log()
            reasons = server.api.health()["backup"]["degraded"]
            assert any("mail to a@x.test takes no notification" in reason
                       for reason in reasons), reasons
        assert mail.mails == []


def test_the_webhook_is_signed_and_repeated_with_one_id(site, seed):
    with HttpReceiver((500, 1), 200) as web:
        settings = {"BACKUP_WEBHOOK_URL": web.url + "/hook/T0KEN",
                    "BACKUP_WEBHOOK_SECRET": "key"}
        with site.serve(**settings) as server:
            write_one(server, seed)
            name = server.api.create("a-label")["name"]
            first, second = web.wait_for(2)[:2]
            assert "T0KEN" not in server.log()
    for request in (first, second):
        assert request.is_signed_with("key")
        assert not request.is_signed_with("other")
    assert first.headers["X-LevelKeep-Id"] == second.headers["X-LevelKeep-Id"]
    assert first.body == second.body
    told = first.json()
    assert told["event"] == "success" and told["backup"]["name"] == name
    assert told["job"]["label"] == "a-label"
    assert told["id"] == first.headers["X-LevelKeep-Id"]


def test_a_notice_survives_kill_9_and_comes_at_its_time(site, seed):
    with HttpReceiver((503, 3)) as web:
        settings = {"BACKUP_WEBHOOK_URL": web.url}
        with site.serve(**settings) as server:
            write_one(server, seed)
            server.api.create()
            first = web.wait_for(1)[0]
            refused = time.monotonic()
            wait_until(lambda: "try 1 failed" in server.log(), "the failure")
            server.kill9()
    with HttpReceiver(port=web.port) as web:
        with site.serve(**settings):
            second = web.wait_for(1)[0]
            assert time.monotonic() - refused > 2.5
    assert first.headers["X-LevelKeep-Id"] == second.headers["X-LevelKeep-Id"]
    assert first.json() == second.json()


def test_a_receiver_that_hangs_delays_nobody(site, seed):
    with HttpReceiver("hang") as dead, HttpReceiver() as beat:
        with site.serve(BACKUP_WEBHOOK_URL=dead.url,
                        BACKUP_HEARTBEAT_URL=beat.url + "/id") as server:
            for number in range(2):
                write_one(server, seed, 5 * number)
                server.api.create()
            beat.wait_for(4)
            dead.wait_for(1)
            begin = time.monotonic()
            server.stop()
            assert time.monotonic() - begin < 8
    assert beat.paths() == ["/id/start", "/id"] * 2


def test_heartbeats_of_backup_and_verification_are_apart(site, seed):
    with HttpReceiver() as beat, HttpReceiver() as verify:
        settings = {"BACKUP_HEARTBEAT_URL": beat.url + "/b",
                    "VERIFY_HEARTBEAT_URL": verify.url + "/v"}
        with site.serve(**settings) as server:
            write_one(server, seed)
            server.api.create()
            verify.wait_for(2)
        with site.serve(**settings, **NO_SPACE) as server:
            write_one(server, seed, 5)
            create_fails(server)
            beat.wait_for(4)
        with site.serve(AUTO_BACKUP_ENABLED="true", AUTO_BACKUP_INTERVAL=1000,
                        **settings) as server:
            server.api.create()
            # Then nothing changes: what is skipped is a success.
            wait_until(lambda: beat.paths()[-2:] == ["/b", "/b"],
                       "a skipped backup", 30)
    assert beat.paths()[:4] == ["/b/start", "/b", "/b/start", "/b/fail"]
    assert verify.paths()[:2] == ["/v/start", "/v"]
    assert not any("fail" in path for path in verify.paths())


def test_failure_and_recovery_are_told_across_a_restart(site, seed):
    with HttpReceiver() as web:
        settings = {"BACKUP_WEBHOOK_URL": web.url}
        with site.serve(**settings, **NO_SPACE) as server:
            write_one(server, seed)
            create_fails(server)
            web.wait_for(1)
        with site.serve(**settings) as server:
            server.api.create()
            web.wait_for(2)
    events = [request.json()["event"] for request in web.requests]
    assert events == ["failure", "recovered"]


def hook_settings(folder, **more):
    notes = folder / "notes"
    return notes, {
        "BACKUP_HOOK_PRE": f"echo pre $LEVELKEEP_LABEL >> {notes}",
        "BACKUP_HOOK_POST": f"echo post $LEVELKEEP_STATUS "
                            f"$LEVELKEEP_BACKUP_NAME [$SMTP_PASSWORD"
                            f"$API_TOKEN] >> {notes}", **more}


def lines_of(notes):
    return notes.read_text().splitlines() if notes.exists() else []


def test_hooks_run_around_each_backup(site, seed, folder):
    notes, settings = hook_settings(folder, API_TOKEN="geheim")
    with site.serve(**settings) as server:
        write_one(server, seed)
        name = server.api.create("one")["name"]
        wait_until(lambda: len(lines_of(notes)) == 2, "the post hook")
    assert lines_of(notes) == ["pre one", f"post success {name} []"]
    with site.serve(**settings, **NO_SPACE) as server:
        write_one(server, seed, 5)
        create_fails(server)
        wait_until(lambda: len(lines_of(notes)) == 4, "the post hook")
    assert lines_of(notes)[3] == "post failure []"


def test_a_failed_pre_hook_marks_the_backup_or_stops_it(site, seed, folder):
    notes, settings = hook_settings(folder)
    settings["BACKUP_HOOK_PRE"] = "echo broken >&2; exit 3"
    warning = "the pre hook ended with code 3"
    with HttpReceiver() as web:
        settings["BACKUP_WEBHOOK_URL"] = web.url
        with site.serve(**settings) as server:
            write_one(server, seed)
            assert server.api.create()["warning"] == warning
            assert server.api.backups()[0]["warning"] == warning
            assert web.wait_for(1)[0].json()["warning"] == warning
            assert "its output: broken" in server.log()
            assert server.api.backups()[0]["status"] in (
                "verified", "unverified")
        listed = site.run("list").expect(0)
        assert f"warning: {warning}" in listed.err
        with site.serve(HOOK_PRE_REQUIRED="true", **settings) as server:
            write_one(server, seed, 5)
            problem = server.api.post("/api/backup/create").problem(409)
            assert warning in problem["detail"]
            wait_until(lambda: len(lines_of(notes)) == 2, "the post hook")
    assert len(site.archives()) == 1
    assert lines_of(notes)[1].startswith("post failure")


def test_a_hook_that_hangs_ends_with_its_children(site, seed, folder):
    notes, settings = hook_settings(folder, BACKUP_HOOK_TIMEOUT=1)
    settings["BACKUP_HOOK_PRE"] = "(sleep 317; true) & sleep 317"
    with site.serve(**settings) as server:
        write_one(server, seed)
        begin = time.monotonic()
        server.api.create()
        assert 1 <= time.monotonic() - begin < 8
        assert "did not end within" in server.api.backups()[0]["warning"]
        wait_until(lambda: lines_of(notes), "the post hook")
        assert not [pid for pid in os.listdir("/proc") if pid.isdigit()
                    and command_of(pid) == b"sleep\x00317\x00"]


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""


def test_the_post_hook_of_a_killed_server_runs_at_the_next_start(
        site, seed, folder):
    notes, settings = hook_settings(folder)
    settings["BACKUP_HOOK_PRE"] = f"echo frozen >> {notes}; sleep 20"
    with HttpReceiver() as beat:
        settings["BACKUP_HEARTBEAT_URL"] = beat.url
        with site.serve(**settings, BACKUP_HOOK_TIMEOUT=300) as server:
            write_one(server, seed)
            begin_create(server)
            wait_until(lambda: lines_of(notes), "the pre hook")
            server.kill9()
        with site.serve(**settings) as server:
            wait_until(lambda: len(lines_of(notes)) == 2, "the post hook")
            beat.wait_for(2)
    assert lines_of(notes) == ["frozen", "post interrupted []"]
    assert beat.paths() == ["/start", "/fail"]


def begin_create(server):
    """Asks for a backup and does not wait for the answer."""
    with contextlib.suppress(OSError):
        server.api.request("POST", "/api/backup/create", timeout=0.5)


def test_create_without_a_server_tells_and_leaves_the_rest(
        site, seed, folder):
    with site.serve() as server:
        write_one(server, seed)
    notes, settings = hook_settings(folder)
    with HttpReceiver() as beat, HttpReceiver((503, 3)) as web:
        settings.update(BACKUP_HEARTBEAT_URL=beat.url,
                        BACKUP_WEBHOOK_URL=web.url)
        begin = time.monotonic()
        site.run("create", settings=settings).expect(0)
        assert time.monotonic() - begin < 10
        assert beat.paths() == ["/start", "/"]
        assert lines_of(notes)[1].startswith("post success")
        assert len(web.requests) == 1
        web.answers = [200]
        with site.serve(BACKUP_WEBHOOK_URL=web.url):
            web.wait_for(2)
    first, second = web.requests
    assert first.headers["X-LevelKeep-Id"] == second.headers["X-LevelKeep-Id"]


def test_the_worker_has_a_heartbeat_of_its_own(site, seed):
    with site.serve(BACKUP_VERIFY="false") as server:
        write_one(server, seed)
        server.api.create()
    with HttpReceiver() as verify, HttpReceiver() as beat:
        site.run("worker", "--once", settings={
            "VERIFY_HEARTBEAT_URL": verify.url + "/v",
            "BACKUP_HEARTBEAT_URL": beat.url + "/b"}).expect(0)
    assert verify.paths() == ["/v/start", "/v"]
    assert beat.paths() == []
