"""The folders of one comparison, and the databases in it."""

import os
import shutil
import subprocess

DB_NAME = "event_registry_db"
# LevelDB and RocksDB write these once and never change them.
IMMUTABLE = (".ldb", ".sst")


class Problem(Exception):
    """An error that a user can understand and mend; ends the program."""


def say(text):
    print(text, flush=True)


def clean_environment(root):
    """Settings and caches of the user must not change what is measured."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C.UTF-8",
        "HOME": root,
        "RESTIC_PASSWORD_FILE": os.path.join(root, "password"),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
    }


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def tree_bytes(path):
    """Bytes of the files below `path`; a file with two names counts once."""
    if os.path.isfile(path):
        return os.path.getsize(path)
    seen = {}
    for folder, _, names in os.walk(path):
        for name in names:
            found = os.lstat(os.path.join(folder, name))
            seen[(found.st_dev, found.st_ino)] = found.st_size
    return sum(seen.values())


def warm(path):
    """Reads all files, so that every program finds them in the page cache."""
    buffer = bytearray(1 << 20)
    for folder, _, names in os.walk(path):
        for name in names:
            with open(os.path.join(folder, name), "rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass


def clone(source, target):
    """A copy of a database whose immutable files are hard links."""
    remove(target)
    os.makedirs(target)
    for name in os.listdir(source):
        old = os.path.join(source, name)
        new = os.path.join(target, name)
        if name.endswith(IMMUTABLE):
            os.link(old, new)
        else:
            shutil.copy2(old, new)


class Workspace:
    """All paths of a comparison, below one temporary folder."""

    def __init__(self, root, bin_dir, size):
        self.root = root
        self.bin_dir = bin_dir
        self.size = size
        self.env = clean_environment(root)
        self.source_dir = os.path.join(root, "source")
        self.source = os.path.join(self.source_dir, DB_NAME)
        # A database that grew by 1 % after its first backup.
        self.grown_dir = os.path.join(root, "grown")
        self.grown = os.path.join(self.grown_dir, DB_NAME)
        # An application's own database, opened and written to.
        self.live_dir = os.path.join(root, "live")
        self.live = os.path.join(self.live_dir, DB_NAME)
        self.rocks = os.path.join(root, "rocks")
        self.rocks_grown = os.path.join(root, "rocks-grown")
        # Made once: archives to restore, first backups to add to.
        self.kept = os.path.join(root, "kept")
        # The output of the row that is being measured.
        self.out = os.path.join(root, "out")
        for path in (self.source_dir, self.grown_dir, self.live_dir,
                     self.kept):
            os.makedirs(path)
        with open(os.path.join(root, "password"), "w",
                  encoding="utf-8") as file:
            file.write("benchmark\n")

    def program(self, name):
        return os.path.join(self.bin_dir, name)

    def has_program(self, name):
        return os.access(self.program(name), os.X_OK)

    def run(self, command):
        """Runs a command that is not measured, a line for bash."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command], env=self.env,
            cwd=self.root, stdin=subprocess.DEVNULL, text=True,
            capture_output=True, check=False)
        if done.returncode != 0:
            raise Problem(f"a preparation failed: {command}\n"
                          f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def fresh_out(self):
        remove(self.out)
        os.makedirs(self.out)

    def fresh_live(self):
        clone(self.source, self.live)

    def make_source(self):
        self.run(f"{self.program('make_database')} {self.source} "
                 f"--size {self.size}")

    def make_grown(self):
        """A copy that `append_to_grown` changes later, at the same path."""
        self.run(f"cp -r {self.source} {self.grown}")

    def append_to_grown(self):
        self.run(f"{self.program('make_database')} {self.grown} --append "
                 f"--size {max(self.size // 100, 1)}")

    def make_rocks(self):
        self.fresh_live()
        self.run(f"{self.program('rocksdb_peer')} load {self.live} "
                 f"{self.rocks}")
        remove(self.live)

    def append_to_rocks(self):
        clone(self.rocks, self.rocks_grown)
        copy = os.path.join(self.root, "grown-copy")
        clone(self.grown, copy)
        self.run(f"{self.program('rocksdb_peer')} load {copy} "
                 f"{self.rocks_grown}")
        remove(copy)
