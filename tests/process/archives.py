"""Archives that no backup program would make, and damaged ones.

Each maker takes a folder with a sound database (closed) or a sound archive
of ours and writes one bad archive.
"""

import gzip
import io
import pathlib
import struct
import tarfile

FOLDER = "event_registry_db"


def database_files(database):
    return {path.name: path.read_bytes()
            for path in sorted(pathlib.Path(database).iterdir())
            if path.is_file() and path.name not in ("LOCK", "LOG", "LOG.old",
                                                    "BACKUP_ID")}


class Tar:
    """A .tar.gz in the making."""

    def __init__(self, target):
        self._tar = tarfile.open(target, "w:gz", compresslevel=1,
                                 format=tarfile.GNU_FORMAT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._tar.close()

    def file(self, name, content):
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.mode = 0o600
        self._tar.addfile(info, io.BytesIO(content))

    def special(self, name, kind, link=""):
        info = tarfile.TarInfo(name)
        info.type = kind
        info.linkname = link
        info.mode = 0o644
        info.devmajor, info.devminor = 1, 3
        self._tar.addfile(info)

    def claim(self, name, size, source):
        """An entry of that size; without a source, only its header."""
        info = tarfile.TarInfo(name)
        info.size = size
        if source is not None:
            self._tar.addfile(info, source)
        else:
            header = info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")
            self._tar.fileobj.write(header + bytes(4096))

    def database(self, files, folder=FOLDER):
        for name, content in files.items():
            self.file(f"{folder}/{name}", content)


def _with_extra(add):
    def make(target, files, _archive):
        with Tar(target) as tar:
            tar.database(files)
            add(tar)
    return make


def _only(choose):
    def make(target, files, _archive):
        with Tar(target) as tar:
            tar.database(choose(files))
    return make


def _without(prefix):
    return _only(lambda files: {n: c for n, c in files.items()
                                if not n.startswith(prefix)})


def _without_a_table(files):
    table = next(n for n in files if n.endswith(".ldb"))
    return {n: c for n, c in files.items() if n != table}


def _with_short_table(files):
    table = next(n for n in files if n.endswith(".ldb"))
    return {n: c[:-10] if n == table else c for n, c in files.items()}


def _with_flipped_table(files):
    """One bit within the first block: size and names are right."""
    table = next(n for n in files if n.endswith(".ldb"))
    content = bytearray(files[table])
    content[20] ^= 0x40
    return {**files, table: bytes(content)}


def _with_bad_manifest(files):
    name = next(n for n in files if n.startswith("MANIFEST-"))
    content = bytearray(files[name])
    content[len(content) // 2] ^= 0x01
    return {**files, name: bytes(content)}


def _with_bad_current(files):
    return {**files, "CURRENT": b"../../etc/passwd\n"}


def _crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _wrong_comparator(_files):
    """A new database whose MANIFEST names another key order."""
    name = b"idb_cmp1"
    edit = bytes([1, len(name)]) + name + bytes([2, 3, 9, 0, 3, 4, 4, 0])
    crc = _crc32c(b"\x01" + edit)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    record = struct.pack("<IHB", masked, len(edit), 1) + edit
    return {"CURRENT": b"MANIFEST-000002\n", "MANIFEST-000002": record,
            "000003.log": b""}


class _Zeros:
    def read(self, size):
        return bytes(size)


def _bomb(target, files, _archive):
    """One table is a hundred MB of zeros, packed into a tenth of a percent."""
    table = next(n for n in files if n.endswith(".ldb"))
    with Tar(target) as tar:
        tar.database({n: c for n, c in files.items() if n != table})
        tar.claim(f"{FOLDER}/{table}", 100 << 20, _Zeros())


def _size_lie(target, files, _archive):
    """A header that promises four exbibytes."""
    with Tar(target) as tar:
        tar.database(files)
        tar.claim(f"{FOLDER}/999999.ldb", 1 << 62, None)


def _truncated(share):
    def make(target, _files, archive):
        content = archive.read_bytes()
        target.write_bytes(content[:int(len(content) * share)])
    return make


def _flipped(share):
    def make(target, _files, archive):
        content = bytearray(archive.read_bytes())
        content[int(len(content) * share)] ^= 0x10
        target.write_bytes(content)
    return make


def _foreign_truncated(target, files, _archive):
    with Tar(target) as tar:
        tar.database(files)
    content = target.read_bytes()
    target.write_bytes(content[:len(content) - 6])  # gzip's CRC is torn off


def _text(target, _files, _archive):
    target.write_bytes(b"this is no archive at all\n" * 20)


def _gzip_text(target, _files, _archive):
    target.write_bytes(gzip.compress(b"no tar in here\n" * 200))


def _empty(target, _files, _archive):
    target.write_bytes(b"")


def _plain_tar(target, files, _archive):
    with tarfile.open(target, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{FOLDER}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def _two_folders(target, files, _archive):
    with Tar(target) as tar:
        tar.database(files)
        tar.database(files, "second_db")


def _duplicate(tar):
    tar.file(f"{FOLDER}/CURRENT", b"MANIFEST-000001\n")


BAD = {
    "symlink": _with_extra(lambda tar: tar.special(
        f"{FOLDER}/000099.ldb", tarfile.SYMTYPE, "/etc/passwd")),
    "hardlink": _with_extra(lambda tar: tar.special(
        f"{FOLDER}/000099.ldb", tarfile.LNKTYPE, f"{FOLDER}/CURRENT")),
    "device": _with_extra(lambda tar: tar.special(
        f"{FOLDER}/000099.ldb", tarfile.CHRTYPE)),
    "fifo": _with_extra(lambda tar: tar.special(
        f"{FOLDER}/000099.log", tarfile.FIFOTYPE)),
    "dot-dot": _with_extra(lambda tar: tar.file(
        f"{FOLDER}/../../000099.ldb", b"x")),
    "absolute": _with_extra(lambda tar: tar.file(
        "/tmp/levelkeep-escape/000099.ldb", b"x")),
    "stranger": _with_extra(lambda tar: tar.file(
        f"{FOLDER}/run.sh", b"#!/bin/sh\n")),
    "duplicate": _with_extra(_duplicate),
    "two-folders": _two_folders,
    "no-current": _without("CURRENT"),
    "no-manifest": _without("MANIFEST-"),
    "no-table": _only(_without_a_table),
    "short-table": _only(_with_short_table),
    "flipped-table": _only(_with_flipped_table),
    "bad-manifest": _only(_with_bad_manifest),
    "bad-current": _only(_with_bad_current),
    "comparator": _only(_wrong_comparator),
    "bomb": _bomb,
    "size-lie": _size_lie,
    "truncated-early": _truncated(0.3),
    "truncated-late": _truncated(0.97),
    "flipped-early": _flipped(0.2),
    "flipped-late": _flipped(0.8),
    "foreign-truncated": _foreign_truncated,
    "text": _text,
    "gzip-text": _gzip_text,
    "empty": _empty,
    "plain-tar": _plain_tar,
}


def make_bad(kind, target, files, archive):
    target = pathlib.Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    BAD[kind](target, files, pathlib.Path(archive))
    return target
