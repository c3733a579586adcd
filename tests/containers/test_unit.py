"""The unit under real systemd, in a container, with real accounts."""

import time

import pytest

from engine import SOURCE
from harness import wait_until

IMAGE = """FROM levelkeep
USER root
RUN apt-get update && apt-get install -y --no-install-recommends systemd \
    systemd-sysv dbus curl procps && rm -rf /var/lib/apt/lists/*
# What `cmake --install` makes besides the component of the image.
COPY levelkeep.env /etc/levelkeep/
RUN userdel levelkeep && rm -rf /usr/src/app \
 && systemd-sysusers /usr/local/lib/sysusers.d/levelkeep.conf \
 && useradd --create-home alice
HEALTHCHECK NONE
STOPSIGNAL SIGRTMIN+3
ENTRYPOINT ["/lib/systemd/systemd"]
CMD ["--unit=multi-user.target"]
"""
API = "http://127.0.0.1:5050"
STATE = "/var/lib/levelkeep"


class Host:
    def __init__(self, engine, name):
        self.engine = engine
        self.name = name

    def sh(self, script, check=True, user="root"):
        return self.engine.docker("exec", "-u", user, "-w", "/tmp", self.name,
                                  "sh", "-c", script, check=check)

    def out(self, script, **options):
        return self.sh(script, **options).stdout

    def start(self):
        self.sh("systemctl start levelkeep")
        wait_until(lambda: self.sh(f"curl -sf {API}/readyz", check=False)
                   .returncode == 0, "ready")

    def events(self, count):
        for _ in range(count):
            self.sh(f"curl -sf -X POST {API}/api/events "
                    "-d '{\"type\":\"hello\"}'")

    def last(self):
        answer = self.out(f"curl -sf '{API}/api/events?limit=1'")
        return int(answer.split('"last":')[1].split("}")[0].split(",")[0])


@pytest.fixture
def host(engine, tmp_path):
    (tmp_path / "Dockerfile").write_text(IMAGE)
    (tmp_path / "levelkeep.env").write_bytes(
        (SOURCE / "packaging/levelkeep.env").read_bytes())
    engine.docker("build", "--network", "host", "-t", "lkunit", tmp_path,
                  timeout=1800)
    name = "lkunit"
    capabilities = ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH"]
    engine.docker(
        "run", "-d", "--name", name,
        *[a for c in capabilities for a in ("--cap-add", c)],
        "--security-opt", "seccomp=unconfined",
        "--security-opt", "apparmor=unconfined", "--cgroupns=host",
        "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw",
        "--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec",
        "lkunit")
    made = Host(engine, name)
    try:
        wait_until(lambda: made.out("systemctl is-system-running",
                                    check=False).strip()
                   in ("running", "degraded"), "systemd is up")
        yield made
    finally:
        print(made.out("journalctl -u levelkeep --no-pager | tail -60",
                       check=False))
        engine.docker("rm", "-f", name, check=False)


def test_a_service_and_its_administrator(host):
    host.start()
    host.events(3)
    made = host.out(f"curl -sf -X POST {API}/api/backup/create "
                    "-d '{\"label\":\"first\"}'")
    name = made.split('"name":"')[1].split('"')[0]

    # Root may use the program in any directory.
    listed = host.out("levelkeep list")
    assert name in listed and f"database {STATE}/storage" in listed
    host.sh("levelkeep create --label by-root")
    host.sh("levelkeep verify --all")
    assert f"{STATE}/storage" in host.out("levelkeep config")
    host.events(2)
    host.sh("systemctl stop levelkeep && levelkeep restore " + name + " --yes")
    foreign = host.out(f"find {STATE} ! -user levelkeep")
    assert foreign == "", foreign
    host.start()
    assert host.last() == 3

    # Other users see no data.
    denied = host.sh("levelkeep list", check=False, user="alice")
    assert denied.returncode != 0 and name not in denied.stdout
    assert host.sh(f"ls {STATE}/storage", check=False,
                   user="alice").returncode != 0

    # A drop that root copied and that only root can read.
    host.events(1)
    host.sh(f"install -m 0600 -o root {STATE}/backups/{name} {STATE}/restore/"
            f" && touch -d -1hour {STATE}/restore/{name}")
    host.sh("systemctl restart levelkeep")
    wait_until(lambda: host.sh(f"curl -sf {API}/readyz", check=False)
               .returncode == 0, "ready")
    assert host.last() == 3

    # systemd knows what the service does, and a reload reads the file again.
    assert "listening on http://" in host.out(
        "systemctl show -p StatusText levelkeep")
    host.sh("echo MAX_BACKUPS=7 >> /etc/levelkeep/levelkeep.env"
            " && systemctl reload levelkeep")
    wait_until(lambda: "MAX_BACKUPS: 10 -> 7, in force now" in host.out(
        "journalctl -u levelkeep --no-pager"), "reloaded")

    # Killed, the service comes back by itself. A stop ends within its time.
    host.sh("systemctl kill -s KILL levelkeep")
    time.sleep(1)
    wait_until(lambda: host.sh(f"curl -sf {API}/readyz", check=False)
               .returncode == 0, "back")
    before = time.monotonic()
    host.sh("systemctl stop levelkeep")
    assert time.monotonic() - before < 30
    assert "inactive" in host.out("systemctl is-active levelkeep",
                                  check=False)
