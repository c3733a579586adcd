"""The service runs as a user of its own, and root and people work beside it.

Needs root, because only root can act as several users.
"""

import os
import shutil
import stat
import subprocess

import pytest

from harness import Site, binary

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

SERVICE = 40404
PERSON = 40405
AS_SERVICE = ["setpriv", f"--reuid={SERVICE}", f"--regid={SERVICE}",
              "--clear-groups"]
AS_PERSON = ["setpriv", f"--reuid={PERSON}", f"--regid={PERSON}",
             "--clear-groups"]


@pytest.fixture
def site(tmp_path):
    """An installation whose folders belong to the service."""
    # The service needs a way to these folders.
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    site = Site(tmp_path / "site")
    for folder in (site.storage, site.backups, site.restore):
        folder.mkdir()
        os.chown(folder, SERVICE, SERVICE)
    return site


@pytest.fixture
def program(tmp_path):
    """The program in a place where any user may run it."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("levelkeep", "levelkeep-check"):
        shutil.copy(os.path.join(os.path.dirname(binary()), name), programs)
        (programs / name).chmod(0o755)
    return programs / "levelkeep"


@pytest.fixture
def serve(site, program):
    """Starts the service."""
    return lambda **settings: site.serve(prefix=AS_SERVICE, program=program,
                                         **settings)


def strangers(site):
    """Files in the site that do not belong to the service."""
    found = []
    for folder, names, files in os.walk(site.root):
        for name in names + files:
            path = os.path.join(folder, name)
            # The harness has files of its own beside the three folders.
            inside = any(path.startswith(f"{f}/") for f in
                         (site.storage, site.backups, site.restore))
            if inside and os.lstat(path).st_uid != SERVICE:
                found.append(path)
    return found


def readable_by_others(site):
    found = []
    for folder in (site.storage, site.backups, site.restore):
        for here, _, files in os.walk(folder):
            if stat.S_IMODE(os.lstat(here).st_mode) & 0o007 == 0:
                continue
            for name in files:
                path = os.path.join(here, name)
                if stat.S_IMODE(os.lstat(path).st_mode) & 0o004:
                    found.append(path)
    return found


def make_backup(site, serve, label):
    with serve() as server:
        for _ in range(3):
            server.api.post("/api/events", {"type": "hello"}).ok(201)
        made = server.api.post("/api/backup/create", {"label": label})
        return made.ok()["name"]


def last_event(server):
    return server.api.get("/api/events?limit=1").ok()["last"]


def own(site):
    return site.run("own", "--user", SERVICE)


def test_what_root_does_leaves_the_service_at_work(site, serve):
    name = make_backup(site, serve, "first")
    site.run("create", "--label", "by-root").expect(0)
    site.run("verify", "--all").expect(0)
    site.run("pin", name).expect(0)
    site.run("restore", name, "--yes").expect(0)
    site.run("restore", "--undo", "--yes").expect(0)
    site.run("rotate").expect(0)
    assert strangers(site) == []
    with serve() as server:
        assert last_event(server) == 3
        server.api.post("/api/events", {"type": "more"}).ok(201)
        server.api.post("/api/backup/create", {}).ok()
        server.api.post("/api/backup/restore",
                        {"backupName": name}).ok()
        # A backup that root verified counts as verified for the service, too.
        backup = server.api.get(f"/api/backup/{name}").ok()
        assert backup["backup"]["verified"]
    listed = site.run("list", "--json").expect(0).json()["backups"]
    assert {b["name"]: b["verified"] for b in listed}[name]


def test_what_root_serves_can_be_served_by_the_service(site, serve):
    with site.serve() as server:
        server.api.post("/api/events", {"type": "hello"}).ok(201)
        server.api.post("/api/backup/create", {}).ok()
    assert strangers(site) == []
    with serve() as server:
        assert last_event(server) == 1


def test_accepting_a_loss_as_root_leaves_the_service_at_work(site, serve):
    make_backup(site, serve, "first")
    for manifest in [*site.db.glob("MANIFEST-*"), site.db / "CURRENT"]:
        manifest.unlink()
    site.run("accept-loss", "--yes").expect(0)
    assert strangers(site) == []
    with serve() as server:
        assert last_event(server) == 3


def test_nothing_is_readable_by_others_whatever_the_umask(site, serve):
    before = os.umask(0)
    try:
        name = make_backup(site, serve, "first")
        site.run("restore", name, "--yes").expect(0)
    finally:
        os.umask(before)
    # The folders themselves may be open, as a checkout's are.
    for folder in (site.storage, site.backups, site.restore):
        folder.chmod(0o755)
    assert readable_by_others(site) == []


def test_a_database_of_an_older_version_is_closed_to_others(site, serve):
    make_backup(site, serve, "first")
    site.db.chmod(0o755)
    with serve() as server:
        assert stat.S_IMODE(site.db.stat().st_mode) == 0o750
        assert "was open to all users" in server.log()
    with serve() as server:
        assert "was open to all users" not in server.log()


def test_what_an_undo_brings_back_is_closed_to_others(site, serve):
    name = make_backup(site, serve, "first")
    site.db.chmod(0o755)
    site.run("restore", name, "--yes").expect(0)
    with serve() as server:
        server.api.post("/api/backup/undo").ok()
        assert stat.S_IMODE(site.db.stat().st_mode) & 0o007 == 0


@pytest.mark.parametrize("owner", [0, PERSON])
def test_a_drop_that_only_its_owner_can_read(site, serve, tmp_path, owner):
    """The order of the unit and the image: own, then serve."""
    name = make_backup(site, serve, "move")
    other = tmp_path / "kept.tar.gz"
    shutil.copy(site.backups / name, other)
    for folder in (site.storage, site.backups):
        shutil.rmtree(folder)
        folder.mkdir()
        os.chown(folder, SERVICE, SERVICE)
    drop = site.drop(other, name)
    site.drop(site.root / "serve-1.log", "notes.txt")
    for path in (drop, site.restore / "notes.txt"):
        os.chown(path, owner, owner)
        path.chmod(0o600)

    # Without `own`, the start is refused and says what to do.
    refused = serve()
    refused.launch()
    assert refused.process.wait(60) != 0
    assert f"chown {SERVICE}" in refused.log()

    done = own(site).expect(0)
    assert drop.name in done.out
    assert (site.restore / "notes.txt").stat().st_uid == owner
    with serve() as server:
        assert last_event(server) == 3
    assert (site.restore / "applied" / name).is_file()


def test_folders_of_the_host_become_the_services(site, serve):
    """As in a checkout, README.md is tracked there, and stays the host's."""
    for folder in (site.storage, site.backups, site.restore):
        (folder / "README.md").write_text("tracked")
        for path in (folder, folder / "README.md"):
            os.chown(path, PERSON, PERSON)
        folder.chmod(0o755)
    own(site).expect(0)
    with serve() as server:
        server.api.post("/api/events", {"type": "hello"}).ok(201)
        server.api.post("/api/backup/create", {}).ok()
    for folder in (site.storage, site.backups, site.restore):
        assert (folder / "README.md").stat().st_uid == PERSON
    for command in (["ls", site.backups],
                    ["cp", "/etc/hostname", site.restore / "x.txt"]):
        assert run_as(AS_PERSON, command) == 0, command
    assert run_as(AS_PERSON, ["ls", site.storage]) != 0
    assert own(site).expect(0).out == ""


def run_as(prefix, command):
    return subprocess.run([*prefix, *map(str, command)], check=False,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode


def test_own_gives_nothing_that_lies_elsewhere(site, tmp_path):
    """The service, or an attacker as the service, put these links there."""
    secret = tmp_path / "secret"
    secret.write_text("root's")
    (site.backups / ".levelkeep").symlink_to(tmp_path)
    (site.restore / "x.tar.gz").symlink_to(secret)
    os.link(secret, site.restore / "y.tar.gz")
    own(site).expect(0)
    assert secret.stat().st_uid == 0
    assert tmp_path.stat().st_uid == 0


def test_own_follows_no_settings_and_no_link_of_the_service(site, tmp_path):
    """./.env and links on the way are ignored where the service may write."""
    victim = tmp_path / "victim"
    (victim / "backups").mkdir(parents=True)
    os.chown(site.root, SERVICE, SERVICE)
    (site.root / ".env").write_text(f"STORAGE_DIR={victim}\n")
    os.chown(site.root / ".env", SERVICE, SERVICE)
    way = site.root / "way"
    way.symlink_to(victim)
    os.lchown(way, SERVICE, SERVICE)
    done = site.run("own", "--user", SERVICE, settings={
        "BACKUP_DIR": f"{way}/backups"}).expect(0)
    assert "not root's" in done.err
    assert victim.stat().st_uid == 0
    assert (victim / "backups").stat().st_uid == 0
    # A link of root, as /var/lib may be, is as good as a folder.
    os.lchown(way, 0, 0)
    site.run("own", "--user", SERVICE, settings={
        "BACKUP_DIR": f"{way}/backups"}).expect(0)
    assert (victim / "backups").stat().st_uid == SERVICE


def test_root_takes_no_settings_of_others(site):
    file = site.root / ".env"
    file.write_text("MAX_BACKUPS=3\n")
    os.chown(file, SERVICE, SERVICE)
    refused = site.run("config").expect(2)
    assert f".env: it belongs to user {SERVICE}" in refused.err
    assert "3" in site.run("config", "--config", ".env").expect(0).out
    site.run("config", settings={"SUDO_UID": SERVICE}).expect(0)
    site.run("config", prefix=AS_SERVICE).expect(0)


def test_own_gives_digests_whatever_their_case(site):
    drop = site.restore / "x.tar.gz.SHA256"
    drop.write_text("")
    own(site).expect(0)
    assert drop.stat().st_uid == SERVICE


def test_own_says_what_is_wrong(site):
    assert "--user" in site.run("own").expect(2).err
    assert "no user 4294967295" in site.run(
        "own", "--user", 4294967295).expect(2).err
    assert "no user nobody-of-that-name" in site.run(
        "own", "--user", "nobody-of-that-name").expect(2).err
    denied = site.run("own", "--user", PERSON, prefix=AS_SERVICE)
    assert denied.code != 0


def as_installed(site, tmp_path, script):
    """Runs a shell script on a host where the program is installed. It runs in
    a mount namespace of its own: nothing of this host changes."""
    etc, programs = tmp_path / "etc", tmp_path / "installed"
    if not etc.exists():
        subprocess.run(["cp", "-a", "/etc", etc], check=True)
        (etc / "levelkeep").mkdir(exist_ok=True)
        programs.mkdir()
        for name in ("levelkeep", "levelkeep-check"):
            shutil.copy(os.path.join(os.path.dirname(binary()), name), programs)
    (etc / "levelkeep" / "levelkeep.env").write_text(
        f"STORAGE_DIR={site.storage}\nBACKUP_DIR={site.backups}\n"
        f"RESTORE_DIR={site.restore}\n")
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    return subprocess.run(
        ["unshare", "--mount", "sh", "-ec",
         f"mount --bind {etc} /etc; mount --bind {programs} /usr/local/bin\n"
         f"cd {tmp_path}/elsewhere\n{script}"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
        check=False)


def test_the_installed_program_finds_the_service(site, serve, tmp_path):
    name = make_backup(site, serve, "first")
    listed = as_installed(site, tmp_path, "levelkeep list")
    assert listed.returncode == 0, listed.stdout
    assert name in listed.stdout
    assert f"database {site.db}" in listed.stdout
    assert "levelkeep.env is used" in as_installed(
        site, tmp_path, "levelkeep config").stdout
    # The service's folders never mix with those of another installation.
    other = as_installed(site, tmp_path,
                         "BACKUP_DIR=/mnt levelkeep config")
    assert "BACKUP_DIR comes from environment" in other.stdout
    assert str(site.storage) not in other.stdout
    # A copy of the program does not belong to the service's installation.
    copied = as_installed(site, tmp_path,
                          "cp /usr/local/bin/levelkeep .; ./levelkeep config")
    assert str(site.storage) not in copied.stdout
    # A user who may not read the file is told so, and gets no other database.
    (tmp_path / "etc/levelkeep").chmod(0o700)
    denied = as_installed(
        site, tmp_path, f"{' '.join(AS_SERVICE)} levelkeep list")
    assert denied.returncode == 2, denied.stdout
    assert "/etc/levelkeep/levelkeep.env" in denied.stdout
    assert f"user {SERVICE}" in denied.stdout
    # For the service, systemd has read the file.
    told = as_installed(
        site, tmp_path, "export LEVELKEEP_SYSTEM_FILE=\n"
        f"{' '.join(AS_SERVICE)} levelkeep config")
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("verb", ["create", "restore latest --yes", "serve"])
def test_who_may_not_is_told_who_he_is_and_what_to_do(site, serve, program,
                                                      verb):
    make_backup(site, serve, "first")
    site.storage.chmod(0o755)
    site.backups.chmod(0o755)
    denied = subprocess.run(
        [*AS_PERSON, program, *verb.split()], cwd=site.root,
        env=site.environment({"API_PORT": 0}), text=True, timeout=60,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert denied.returncode != 0
    assert f"this process runs as user {PERSON} and may not" in denied.stdout
    assert f"(of user {SERVICE}, mode 0" in denied.stdout
    # The hint takes nothing from the service and opens nothing to everybody.
    assert f"sudo -u '#{SERVICE}' levelkeep" in denied.stdout
    assert "chown" not in denied.stdout
    assert "chmod" not in denied.stdout


def test_a_token_of_the_service_alone_keeps_nobody_from_looking(
        site, serve, program):
    """The settings name the token for all users, but only serve needs it."""
    token = site.root / "token"
    token.write_text("secret\n")
    token.chmod(0o600)
    os.chown(token, SERVICE, SERVICE)
    name = make_backup(site, serve, "first")
    site.backups.chmod(0o755)
    site.root.chmod(0o755)

    def run(*verb, **settings):
        return subprocess.run(
            [*AS_PERSON, program, *verb], cwd=site.root,
            env=site.environment({"API_TOKEN_FILE": token, **settings}),
            text=True, timeout=60, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False)

    assert name in run("list").stdout
    shown = run("config")
    assert shown.returncode == 0, shown.stdout
    assert "(not readable)" in shown.stdout
    for verb in (["serve"], ["config", "--check"]):
        refused = run(*verb, API_PORT=0)
        assert refused.returncode == 2, refused.stdout
        assert f'API_TOKEN_FILE is "{token}"' in refused.stdout
        assert "Permission denied" in refused.stdout
        assert "run this as the service's user, or as root" in refused.stdout
    with serve(API_TOKEN_FILE=token) as server:
        asked = run("health", "--url",
                    f"http://127.0.0.1:{server.port}")
        live = run("health", "--live", "--url",
                   f"http://127.0.0.1:{server.port}")
    assert live.returncode == 0, live.stdout
    assert asked.returncode == 1, asked.stdout
    assert f'hint: API_TOKEN_FILE is "{token}"' in asked.stdout
    assert "Permission denied" in asked.stdout
