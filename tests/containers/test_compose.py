"""docker-compose.yml under a real engine, as its users run it."""

import json
import os
import re
import shutil
import subprocess
import time

import pytest

from client import Api
from engine import SOURCE, run
from harness import wait_until

SERVICE = 10001
PERSON = 40405
PORT = 5050


def as_person(*command):
    return run("setpriv", f"--reuid={PERSON}", f"--regid={PERSON}",
               "--clear-groups", *command, check=False)


class Checkout:
    """A fresh checkout that belongs to a person of the host."""

    def __init__(self, engine, root, program):
        self.engine = engine
        self.root = root
        self.program = program
        self.api = Api(PORT)
        # Only the tracked files, as a clone has them.
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=SOURCE,
                                check=True, stdout=subprocess.PIPE)
        for name in listed.stdout.decode().split("\0"):
            if name and (SOURCE / name).is_file():
                target = root / name
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(SOURCE / name, target)
        for path in [root, *root.rglob("*")]:
            os.lchown(path, PERSON, PERSON)
            path.chmod(0o755 if path.is_dir() else 0o644)

    def compose(self, *arguments, **options):
        program = ["docker-compose"] if self.program == "docker-compose" \
            else ["docker", "compose"]
        return run(*program, *arguments, cwd=self.root,
                   env=self.engine.environment, **options)

    def ready(self):
        try:
            return self.api.get("/readyz", timeout=5).status == 200
        except OSError:
            return False

    def up(self):
        self.compose("up", "-d")
        wait_until(self.ready, "ready")

    def logs(self):
        return self.compose("logs", "--no-color", "app").stdout

    def drop(self, archive, owner, mode):
        target = self.root / "restore" / archive.name
        shutil.copy(archive, target)
        os.utime(target, (time.time() - 3600,) * 2)
        os.chown(target, owner, owner)
        target.chmod(mode)
        return target


@pytest.fixture(params=["docker-compose", "docker compose"])
def site(engine, tmp_path, request):
    if request.param.split() not in engine.compose_programs():
        pytest.skip(f"{request.param} is not installed")
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    root = tmp_path / "levelkeep"
    root.mkdir()
    checkout = Checkout(engine, root, request.param)
    try:
        yield checkout
    finally:
        print(checkout.compose("logs", "--no-color", check=False)
              .stdout[-6000:])
        checkout.compose("down", "-v", check=False)


def events(site, count):
    for _ in range(count):
        site.api.post("/api/events", {"type": "hello"}).ok(201)


def test_a_fresh_checkout_just_works(site):
    site.up()
    events(site, 3)
    name = site.api.create("first")["name"]
    archive = site.root / "backups" / name
    assert archive.stat().st_uid == SERVICE
    # The person lists and drops without sudo, and keeps what git tracks.
    assert name in as_person("ls", site.root / "backups").stdout
    assert as_person("cp", "/etc/hostname",
                     site.root / "restore/note.txt").returncode == 0
    for folder in ("backups", "restore"):
        assert (site.root / folder / "README.md").stat().st_uid == PERSON
        assert (site.root / folder).stat().st_mode & 0o7777 == 0o770
    # The worker, which verifies, never has the database.
    wait_until(lambda: site.api.backups()[0]["verified"], "verified")
    health = site.compose("exec", "-T", "app", "levelkeep", "health")
    assert health.returncode == 0, health.stdout
    inside = site.compose("exec", "-T", "app", "levelkeep", "list").stdout
    assert name in inside
    # The program runs as the service's user, though exec begins as root.
    made = json.loads(site.compose("exec", "-T", "app", "levelkeep", "create",
                                   "--json", "-q").stdout)
    assert (site.root / "backups" / made["name"]).stat().st_uid == SERVICE
    site.compose("exec", "-T", "app", "levelkeep", "verify", made["name"])


def test_the_service_has_no_rights(site):
    site.up()
    for service in ("app", "worker"):
        status = site.compose("exec", "-T", service, "cat",
                              "/proc/1/status").stdout
        assert re.search(rf"^Uid:\s+{SERVICE}\s+{SERVICE}", status, re.M)
        assert re.search(r"^CapEff:\s+0+$", status, re.M), status
        assert re.search(r"^CapBnd:\s+0+$", status, re.M), status
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.M), status


@pytest.mark.parametrize("owner", [0, PERSON])
def test_a_drop_of_somebody_is_applied(site, owner):
    site.up()
    events(site, 3)
    kept = site.root / site.api.create("move")["name"]
    shutil.copy(site.root / "backups" / kept.name, kept)
    events(site, 2)
    # An empty installation, as on another host.
    site.compose("down", "-v")
    shutil.rmtree(site.root / "backups")
    (site.root / "backups").mkdir()
    os.chown(site.root / "backups", PERSON, PERSON)
    site.drop(kept, owner, 0o600)
    site.up()
    assert site.api.head() == 3
    # A restart, the command in the README, applies a drop as well.
    events(site, 4)
    site.drop(kept, owner, 0o600)
    site.compose("restart", "app", "worker")
    wait_until(site.ready, "ready again")
    wait_until(lambda: site.api.head() == 3, "restored")


def test_live_and_staged_restores(site):
    site.up()
    events(site, 3)
    name = site.api.create("first")["name"]
    events(site, 2)
    site.api.post("/api/backup/restore", {"backupName": name}).ok()
    assert site.api.head() == 3
    site.api.post("/api/backup/undo", {}).ok()
    assert site.api.head() == 5
    staged = site.api.post("/api/backup/restore",
                           {"backupName": name, "mode": "stage"}).ok()
    # The report names the command that the next line runs.
    assert staged["restartCommand"] == "docker-compose restart app worker"
    site.compose("restart", "app", "worker")
    wait_until(site.ready, "ready again")
    assert site.api.head() == 3


def test_kill_and_stop(site):
    site.up()
    events(site, 3)
    site.compose("kill", "-s", "KILL", "app")
    site.compose("up", "-d")
    wait_until(site.ready, "ready again")
    assert site.api.head() == 3
    before = time.monotonic()
    site.compose("stop")
    assert time.monotonic() - before < 30
    codes = site.engine.docker("ps", "-a", "--format", "{{.Status}}").stdout
    assert "(137)" not in codes, codes


def test_a_missing_volume_is_no_new_life(site):
    site.up()
    events(site, 3)
    site.api.create("first")
    site.compose("down", "-v")
    site.compose("up", "-d")
    wait_until(lambda: "ALLOW_NEW_DATABASE" in site.logs(), "the ways out")
    assert not site.ready()


def test_little_memory(site):
    override = site.root / "docker-compose.override.yml"
    override.write_text("services:\n  app:\n    mem_limit: 64m\n"
                        "  worker:\n    mem_limit: 64m\n")
    site.up()
    site.api.append_all([{"type": "x", "data": {"t": "y" * 500}}] * 20000)
    name = site.api.create("first")["name"]

    def done(path, body):
        """Tries again while the background verification is in the way."""
        def answered():
            reply = site.api.post(path, body, timeout=300)
            return None if reply.status == 409 else reply.ok()

        wait_until(answered, path)

    done(f"/api/backup/{name}/verify", {"depth": "full"})
    done("/api/backup/restore", {"backupName": name})
    assert site.api.head() == 20000


def test_links_are_not_followed(site):
    secret = site.root / "secret"
    secret.write_text("of the host")
    (site.root / "restore" / "x.tar.gz").symlink_to("/etc/passwd")
    (site.root / "backups" / ".levelkeep").symlink_to("/etc")
    site.compose("up", "-d")
    wait_until(lambda: "symbolic link" in site.logs(), "said")
    owner = site.compose("run", "--rm", "--entrypoint", "stat", "app", "-c",
                         "%u", "/etc/passwd", check=False).stdout
    assert owner.strip().endswith("0"), owner


def test_another_user_of_the_container(site):
    """With `user:` the container hands over no files: the operator has to."""
    override = site.root / "docker-compose.override.yml"
    override.write_text(
        f"services:\n  app:\n    user: \"{PERSON}:{PERSON}\"\n"
        "    tmpfs:\n      - /tmp\n    volumes:\n"
        "      - ./storage:/usr/src/app/storage\n"
        f"  worker:\n    user: \"{PERSON}:{PERSON}\"\n")
    site.up()
    events(site, 1)
    name = site.api.create("mine")["name"]
    assert (site.root / "backups" / name).stat().st_uid == PERSON
