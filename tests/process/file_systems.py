"""File systems that people use, each mounted by its own program.

Mounting needs root. A missing program fails the test: the group test of
scripts/install-packages.sh has mergerfs and exFAT, the group mounts has all of
them.
"""

import contextlib
import dataclasses
import os
import socket
import subprocess

import pytest

from harness import die_with_parent, wait_until
from mounts import AS_ROOT, as_root

IMAGE_SIZE = 100 << 20
MOUNT_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Kind:
    """`mount(kind, data, path)` mounts such a file system of folder `data`."""
    name: str
    mount: object
    # For each folder's role that is refused there: a part of the reason.
    refused: dict = dataclasses.field(default_factory=dict)
    in_ci: bool = False

    def __str__(self):
        return self.name


def run(*command, text_input=None):
    done = subprocess.run([*AS_ROOT, *map(str, command)], text=True,
                          input=text_input, capture_output=True,
                          timeout=MOUNT_SECONDS)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def folders(data, *names):
    made = [data / name for name in names]
    for path in made:
        path.mkdir(parents=True)
    return made


def mount_bindfs(data, path):
    run("bindfs", data, path)


def mount_gocryptfs(data, path):
    options = ("-q", "-extpass", "echo pw")
    # Little work for the key, which protects nothing here.
    run("gocryptfs", *options, "-init", "-scryptn", "10", data)
    run("gocryptfs", *options, "-allow_other", data, path)


def mount_encfs(data, path):
    run("encfs", "--standard", "--extpass=echo pw", data, path, "--", "-o",
        "allow_other", text_input="yes\nyes\n")


def mount_mergerfs(data, path):
    one, two = folders(data, "one", "two")
    # With use_ino, the inode of a folder follows from its name.
    run("mergerfs", "-o", "use_ino,allow_other,minfreespace=0", f"{one}:{two}", path)


def mount_unionfs(data, path):
    one, two = folders(data, "one", "two")
    run("unionfs-fuse", "-o", "cow,allow_other", f"{one}=RW:{two}=RO", path)


def mount_fuse_overlayfs(data, path):
    low, up, work = folders(data, "low", "up", "work")
    run("fuse-overlayfs", "-o",
        f"lowerdir={low},upperdir={up},workdir={work},allow_other", path)


def make_disk(data, *mkfs):
    """An image with the file system that `mkfs` makes."""
    image = data / "disk"
    with open(image, "wb") as file:
        file.truncate(IMAGE_SIZE)
    run(*mkfs, image)
    return image


def mount_ntfs(data, path):
    run("ntfs-3g", "-o", "allow_other", make_disk(data, "mkntfs", "-q", "-F"),
        path)


def mount_exfat(data, path):
    device = run("losetup", "--find", "--show",
                 make_disk(data, "mkfs.exfat")).strip()
    try:
        run("mount.exfat-fuse", "-o", "allow_other", device, path)
    finally:
        # The device stays until it is not mounted any more.
        run("losetup", "--detach", device)


def mount_rclone(data, path):
    run("rclone", "mount", "--vfs-cache-mode", "writes", "--config",
        "/dev/null", "--cache-dir", data.parent / "rclone-cache",
        "--allow-other", "--daemon", f":local:{data}", path)


def mount_sshfs(data, path):
    """Mounts with an OpenSSH server behind a socket, which needs no keys."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        client = subprocess.Popen(
            [*AS_ROOT, "sshfs", "-f", "-o", f"directport={port},allow_other",
             f"127.0.0.1:{data}", str(path)], preexec_fn=die_with_parent)
        listener.settimeout(MOUNT_SECONDS)
        connection, _ = listener.accept()
    with connection:
        server = subprocess.Popen(
            [*AS_ROOT, "/usr/lib/openssh/sftp-server"], stdin=connection,
            stdout=connection, preexec_fn=die_with_parent)
    return [client, server]


MOVES = "a folder can't be renamed with the files in it"
KINDS = (
    Kind("mergerfs", mount_mergerfs, in_ci=True),
    Kind("exfat", mount_exfat, in_ci=True),
    Kind("bindfs", mount_bindfs),
    Kind("gocryptfs", mount_gocryptfs),
    Kind("encfs", mount_encfs),
    Kind("unionfs", mount_unionfs),
    Kind("fuse-overlayfs", mount_fuse_overlayfs),
    Kind("ntfs", mount_ntfs),
    Kind("rclone", mount_rclone, refused={"storage": MOVES}),
    Kind("sshfs", mount_sshfs),
)


def is_mounted(path):
    return as_root("mountpoint", "-q", path).returncode == 0


@contextlib.contextmanager
def mounted(kind, folder):
    """The path of a new file system of that kind; removed afterwards."""
    data, path = folders(folder, f"{kind}-data", f"{kind}-mount")
    if not os.access("/dev/fuse", os.F_OK):
        pytest.skip("there is no /dev/fuse")
    programs = kind.mount(data, path) or []
    try:
        wait_until(lambda: is_mounted(path), f"{kind} is mounted",
                   MOUNT_SECONDS)
        as_root("chmod", "0777", path)
        yield path
    finally:
        as_root("umount", "--lazy", path)
        for program in programs:
            program.wait(MOUNT_SECONDS)
