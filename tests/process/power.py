"""Cuts the power of a real file system.

The file system lies on a loop device of a disk that remembers in which order
it was written (recorded_disk.cc). From this record, the tests make what such a
disk may hold when the power goes at any moment: all writes before the last
flush, and any part of the later writes, in sectors. The kernel then mounts the
result, as it does after a real power loss.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import shutil
import struct
import subprocess

from harness import binary, die_with_parent, wait_until
from mounts import AS_ROOT, as_root, mount, unmount

# Room for the default BACKUP_RESERVE of 256 MiB; the images have holes.
DISK_SIZE = 640 << 20
# A disk writes a sector whole or not at all. btrfs's superblock needs that.
SECTOR = 4096
_HEAD = struct.Struct("<c7xQQ")


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file system."""
    name: str
    make: tuple  # mkfs
    options: str = "defaults"

    def __str__(self):
        return self.name


EXT4 = Kind("ext4", ("mkfs.ext4", "-q", "-F"))
# Without what ext4 does for programs that forget an fsync before a rename, and
# with data that may reach the disk after the names of their files.
EXT4_RELAXED = Kind("ext4-relaxed", EXT4.make,
                    "data=writeback,noauto_da_alloc")
# Without nouuid, the kernel would not mount two copies at a time.
XFS = Kind("xfs", ("mkfs.xfs", "-q", "-f"), "nouuid")
BTRFS = Kind("btrfs", ("mkfs.btrfs", "-q", "-f"))


@dataclasses.dataclass(frozen=True)
class Record:
    kind: str  # W write, Z zeroes, F flush, M mark
    offset: int
    length: int
    data: bytes


def read_records(path):
    log = path.read_bytes()
    records, at = [], 0
    while at < len(log):
        kind, offset, length = _HEAD.unpack_from(log, at)
        at += _HEAD.size
        kind = kind.decode()
        data = b""
        if kind in "WM":
            data = log[at:at + length]
            assert len(data) == length, "half a record"
            at += length
        records.append(Record(kind, offset, length, data))
    return records


@dataclasses.dataclass(frozen=True)
class Cut:
    """The moment before record `at`. `lost` is what becomes of writes since
    the last flush: "nothing" is lost, "everything", or a "random" part, by
    `seed`."""
    at: int
    lost: str
    seed: str

    def __str__(self):
        return f"power off before record {self.at}, {self.lost} lost"


class Recording:
    """What a disk was told, and the image that it began with."""

    def __init__(self, base, records):
        self._base = base
        self._records = records
        # The records before the first mark do not belong to the attempt.
        self._first = 1 + next(number for number, record in enumerate(records)
                               if record.kind == "M")

    def cuts(self, seed):
        """Every moment at which the disk, or what was promised, changes."""
        cuts = []
        for at in range(self._first, len(self._records) + 1):
            kind = self._records[at - 1].kind
            if kind in "WZ":
                cuts.append(Cut(at, "nothing", seed))
                cuts.append(Cut(at, "random", f"{seed}/{at}"))
            elif kind == "M":
                cuts.append(Cut(at, "everything", seed))
        return cuts

    def mark_at(self, cut):
        """The last mark before the cut."""
        return next(json.loads(record.data)
                    for record in reversed(self._records[:cut.at])
                    if record.kind == "M")

    def remove(self):
        """Frees the image."""
        self._base.unlink()

    def image_at(self, cut, path, random):
        """Makes the image of the disk at that moment."""
        subprocess.run(["cp", "--sparse=always", str(self._base), str(path)],
                       check=True)
        before = self._records[:cut.at]
        flushed = max((n for n, record in enumerate(before)
                       if record.kind == "F"), default=0)
        with open(path, "r+b", buffering=0) as image:
            for record in before[:flushed]:
                _write(image, record, 0, record.length)
            for record in before[flushed:]:
                if cut.lost == "nothing":
                    _write(image, record, 0, record.length)
                elif cut.lost == "random" and record.kind in "WZ":
                    for first, end in _arriving(record, random):
                        _write(image, record, first, end)


def _arriving(record, random):
    """The ranges of a write that arrive: all of it, nothing, or some sectors
    (the first ones, the last ones, or any)."""
    inner = range(record.offset // SECTOR + 1,
                  -(-(record.offset + record.length) // SECTOR))
    edges = [0, *(n * SECTOR - record.offset for n in inner), record.length]
    sectors = list(zip(edges, edges[1:]))
    middle = random.randrange(len(sectors) + 1)
    return random.choice((
        sectors, sectors, [], [], sectors[:middle], sectors[middle:],
        [sector for sector in sectors if random.random() < 0.5]))


def _write(image, record, first, end):
    if record.kind not in "WZ":
        return
    image.seek(record.offset + first)
    if record.kind == "W":
        image.write(record.data[first:end])
    else:
        image.write(bytes(end - first))


def make_image(kind, path):
    with open(path, "wb") as image:
        image.truncate(DISK_SIZE)
    # The tools may be in folders that the user's PATH does not have.
    path_of_tools = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    subprocess.run([*kind.make, str(path)], check=True, capture_output=True,
                   timeout=120, env={**os.environ, "PATH": path_of_tools})


@contextlib.contextmanager
def mounted(kind, image, path):
    """Mounts the file system of `image` at `path`; it belongs to this user."""
    done = mount(path, "-t", kind.name.split("-")[0],
                 "-o", f"loop,{kind.options}", image)
    assert done.returncode == 0, (
        f"{kind} does not mount: {done.stderr.strip()}")
    try:
        if AS_ROOT:
            as_root("chown", "--reference", path.parent, path)
        yield path
    finally:
        unmount(path)


@contextlib.contextmanager
def recorded(image, folder):
    """A disk that begins as a copy of `image`; yields (disk, mark, log)."""
    folder.mkdir()
    own, log, files = folder / "image", folder / "log", folder / "files"
    subprocess.run(["cp", "--sparse=always", str(image), str(own)],
                   check=True)
    files.mkdir()
    program = pathlib.Path(binary()).with_name("levelkeep-recorded-disk")
    process = subprocess.Popen(
        [*AS_ROOT, str(program), str(own), str(log), str(files)],
        stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
    try:
        wait_until(lambda: (files / "mark").exists()
                   or process.poll() is not None, "the recorded disk")
        assert process.poll() is None, "the recorded disk ended"
        yield files / "disk", files / "mark", log
    finally:
        if process.poll() is None:
            unmount(files)
            assert process.wait(30) == 0, "not all was recorded"


def record(kind, image, folder, attempt):
    """Mounts a copy of `image` and calls attempt(path, tell) there, where
    tell(value) notes what holds from then on. Returns the Recording."""
    with recorded(image, folder) as (disk, mark, log):
        def tell(value):
            with open(mark, "r+b", buffering=0) as file:
                file.write(json.dumps(value).encode())

        with mounted(kind, disk, folder / "mounted") as path:
            attempt(path, tell)
        records = read_records(log)
    shutil.rmtree(folder)
    return Recording(image, records)
