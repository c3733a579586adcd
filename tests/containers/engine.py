"""A Docker engine of the tests' own, with the image built from this tree.

Needs root: it starts dockerd with its own socket and data below a temporary
folder and removes all of it. debootstrap makes the image that the Dockerfile
starts from, with packages from this host's own mirror: nothing is pulled.
"""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from harness import wait_until

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BASE = "debian:bookworm-slim"
SUITE = "bookworm"


def run(*command, check=True, timeout=300, **options):
    done = subprocess.run([str(c) for c in command], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=timeout, check=False, **options)
    if check:
        assert done.returncode == 0, f"{command}: {done.stdout[-4000:]}"
    return done


def mirror():
    """The package mirror that the host's apt sources name."""
    for path in [*pathlib.Path("/etc/apt/sources.list.d").glob("*.sources"),
                 *pathlib.Path("/etc/apt/sources.list.d").glob("*.list"),
                 pathlib.Path("/etc/apt/sources.list")]:
        text = path.read_text() if path.is_file() else ""
        found = re.search(r"^(?:URIs:|deb(?:\s+\[[^]]*\])?)\s+(\S+://\S+)",
                          text, re.M)
        if found:
            return found.group(1)
    return "http://deb.debian.org/debian"


class Engine:
    """A running engine for `docker` and `docker-compose`; a context manager."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="lkdocker."))
        self.socket = self.root / "docker.sock"
        self.environment = {**os.environ,
                            "DOCKER_HOST": f"unix://{self.socket}",
                            "COMPOSE_INTERACTIVE_NO_CLI": "1"}
        self.process = None

    def __enter__(self):
        with open(self.root / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/dockerd", "--data-root", self.root / "data",
                 "--exec-root", self.root / "exec", "-H",
                 f"unix://{self.socket}", "--pidfile", self.root / "pid",
                 "--storage-driver", "vfs"], stdout=log, stderr=log)
        try:
            wait_until(lambda: self.docker("version", check=False)
                       .returncode == 0, "the engine answers")
            self.make_base()
            self.docker("build", "--network", "host", "-t", "levelkeep",
                        SOURCE, timeout=3600)
        except BaseException:
            print((self.root / "log").read_text(errors="replace")[-4000:])
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        running = self.docker("ps", "-q", check=False).stdout.split()
        if running:
            self.docker("kill", *running, check=False)
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        # Unmounts what the engine mounted: network namespaces and layers.
        for line in pathlib.Path("/proc/mounts").read_text().splitlines():
            if line.split()[1].startswith(str(self.root)):
                run("umount", "--lazy", line.split()[1], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def make_base(self):
        tree = self.root / "base"
        run("debootstrap", "--variant=minbase", SUITE, tree, mirror(),
            timeout=1800)
        # In the image, apt reaches the mirror as it does on this host.
        for extra in pathlib.Path("/etc/apt/apt.conf.d").glob("99*"):
            shutil.copy(extra, tree / "etc/apt/apt.conf.d")
        packed = self.root / "base.tar"
        run("tar", "-C", tree, "-cf", packed, ".", timeout=600)
        self.docker("import", packed, BASE, timeout=600)
        shutil.rmtree(tree)
        packed.unlink()

    def docker(self, *arguments, **options):
        return run("docker", *arguments, env=self.environment, **options)

    def compose_programs(self):
        """docker-compose, and the plugin of docker where it is installed."""
        programs = [["docker-compose"]]
        if self.docker("compose", "version", check=False).returncode == 0:
            programs.append(["docker", "compose"])
        return programs
