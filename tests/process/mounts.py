"""Real file systems of a test's own. Mounting needs root or sudo."""

import contextlib
import ctypes
import os
import subprocess

import pytest

from harness import wait_until

AS_ROOT = [] if os.geteuid() == 0 else ["sudo", "-n"]
_CLONE_NEWNS = 0x20000


def _see_mounts_alone():
    """No other process sees our mounts, and they vanish with this process,
    however it ends. Without this all works, but a killed run leaves mounts."""
    if ctypes.CDLL(None).unshare(_CLONE_NEWNS) == 0:
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)


if os.geteuid() == 0:
    _see_mounts_alone()


def as_root(*command):
    """Runs `command` as root; where that is not allowed, `mount` fails."""
    return subprocess.run([*AS_ROOT, *map(str, command)], text=True,
                          capture_output=True, timeout=120)


def mount(path, *arguments):
    """Runs `mount ARGUMENTS PATH`; the caller deals with a failure."""
    path.mkdir(parents=True, exist_ok=True)
    return as_root("mount", *arguments, path)


def unmount(path):
    """Waits until no process uses it: one that was just killed may still do."""
    wait_until(lambda: as_root("umount", path).returncode == 0,
               f"{path} could be unmounted", seconds=30)


@contextlib.contextmanager
def memory_disk(path, size):
    """A tmpfs at `path` that belongs to this user."""
    done = mount(path, "-t", "tmpfs", "-o",
                 f"size={size},mode=0777,uid={os.geteuid()}",
                 "levelkeep-test")
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted: {done.stderr.strip()}")
    try:
        yield path
    finally:
        as_root("umount", "--lazy", path)
