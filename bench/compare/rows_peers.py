"""The rows of all programs but LevelKeep."""

import os

import rows
import workspace


def piped(compressor, space, target):
    return (f"tar cf - -C {space.source_dir} {workspace.DB_NAME} | "
            f"{compressor} > {target}")


def archive_rows(space):
    """Tools that make one file or one folder from the database."""
    file = os.path.join(space.out, "archive")
    sync = f"&& sync -f {file}"
    database = f"-C {space.source_dir} {workspace.DB_NAME}"
    table = [
        ("tar-gz", "`tar czf`", ["tar", "gzip"], f"tar czf {file} {database}"),
        ("bsdtar", "`bsdtar -czf`", ["bsdtar"],
         f"bsdtar -czf {file} {database}"),
        ("pigz-6", "`tar \\| pigz -6`", ["pigz"],
         piped("pigz -6", space, file)),
        ("pigz-1", "`tar \\| pigz -1`", ["pigz"],
         piped("pigz -1", space, file)),
        ("igzip", "`tar \\| igzip -1`", ["igzip"],
         piped("igzip -1 -c", space, file)),
        ("zstd", "`tar \\| zstd -1 -T2`", ["zstd"],
         piped("zstd -q -1 -T2 -c", space, file)),
        ("tar", "`tar cf`", ["tar"], f"tar cf {file} {database}"),
        ("cp", "`cp -r`", ["cp"], f"cp -r {space.source} {file}"),
    ]
    made = [rows.Row(ident, rows.CREATE, title, f"{command} {sync}",
                     programs=programs, peer=ident, reads=[space.source],
                     output=file)
            for ident, title, programs, command in table]
    copy = space.program("logical_copy")
    floor = space.program("isal_floor")
    made.append(rows.Row(
        "logical", rows.CREATE, "iterator \\| gzip -1 of the records",
        f"{copy} {space.live} {file} {sync}", programs=[copy],
        peer="logical", prepare=space.fresh_live, reads=[space.source],
        output=file))
    made.append(rows.Row(
        "isal-floor", rows.CREATE, "ISA-L alone, nothing written (floor)",
        f"{floor} {space.source}", programs=[floor], peer="isal-floor",
        reads=[space.source], reports=True))
    return made


class Repository:
    """A peer that adds to a repository of its own: restic, borg, RocksDB."""

    def __init__(self, space, name, folder, programs, init, backup):
        self.space = space
        self.name = name
        self.programs = programs
        self.init = init  # a line for bash
        self.backup = backup  # makes a line for bash from the database's path
        self.path = os.path.join(space.out, folder)
        self.saved = os.path.join(space.kept, folder)

    def prepare_empty(self):
        os.makedirs(self.path)
        self.space.run(self.init)

    def keep_first(self, database):
        """Makes the backup before the append and keeps it for all rounds.

        Two repositories with the same folder share that backup.
        """
        if os.path.exists(self.saved):
            return
        self.space.fresh_out()
        self.prepare_empty()
        self.space.run(self.backup(database))
        os.rename(self.path, self.saved)

    def prepare_second(self):
        self.space.run(f"cp -a {self.saved} {self.path}")

    def row(self, section, title, database, prepare):
        ident = self.name if section == rows.CREATE else f"{self.name}-second"
        reads = [database] + ([self.saved] if section == rows.SECOND else [])
        return rows.Row(
            ident, section, title,
            f"{self.backup(database)} && sync -f {self.path}",
            programs=self.programs, peer=self.name, prepare=prepare,
            reads=reads, output=self.path)

    def first_row(self, title, database):
        return self.row(rows.CREATE, title, database, self.prepare_empty)

    def second_row(self, title, database):
        return self.row(rows.SECOND, title, database, self.prepare_second)


def restic(space):
    path = os.path.join(space.out, "restic")
    call = f"restic -q -r {path}/repo --cache-dir {path}/cache"
    return Repository(space, "restic", "restic", ["restic"], f"{call} init",
                      lambda database: f"{call} backup {database}")


def borg(space):
    path = os.path.join(space.out, "borg")
    # borg's caches are beside the repository, to be kept and put back with it.
    call = f"BORG_BASE_DIR={path}/base borg"
    return Repository(
        space, "borg", "borg", ["borg"], f"{call} init -e none {path}/repo",
        lambda database: f"{call} create --compression lz4 "
        f"{path}/repo::$(date +%s%N) {database}")


def rocksdb(space, threads):
    path = os.path.join(space.out, "rocksdb")
    peer = space.program("rocksdb_peer")
    return Repository(
        space, f"rocksdb-{threads}", "rocksdb", [peer], f"mkdir {path}/backups",
        lambda database: f"{peer} backup {database} {path}/backups "
        f"--threads {threads}")


def checkpoint_row(space):
    path = os.path.join(space.out, "checkpoint")
    peer = space.program("rocksdb_peer")
    return rows.Row(
        "rocksdb-checkpoint", rows.CREATE,
        "RocksDB Checkpoint (hard links, no copy)",
        f"{peer} checkpoint {space.rocks} {path} && sync -f {path}",
        programs=[peer], peer="rocksdb-checkpoint", reads=[space.rocks],
        output=path)


def restore_rows(space, own, foreign):
    """`own` is LevelKeep's archive, `foreign` that of `tar czf`."""
    out = space.out
    end = (f"&& sync -f {out} && "
           f"{space.program('first_get')} {out}/{workspace.DB_NAME}")
    table = [
        ("tar-gz", "`tar xzf` (LevelKeep's archive)", ["tar", "gzip"],
         f"tar xzf {own} -C {out}", own),
        ("tar-gz-own", "`tar xzf` (archive of `tar czf`)", ["tar", "gzip"],
         f"tar xzf {foreign} -C {out}", foreign),
        ("pigz", "`pigz -d \\| tar x`", ["pigz"],
         f"pigz -dc {own} | tar x -C {out}", own),
        ("igzip", "`igzip -d \\| tar x`", ["igzip"],
         f"igzip -d -c {own} | tar x -C {out}", own),
        ("igzip-foreign", "`igzip -d \\| tar x` (archive of `tar czf`)",
         ["igzip"], f"igzip -d -c {foreign} | tar x -C {out}", foreign),
        ("bsdtar", "`bsdtar xf`", ["bsdtar"],
         f"bsdtar xf {own} -C {out}", own),
        ("cp", "`cp -r`", ["cp"], f"cp -r {space.source} {out}/", None),
    ]
    return [rows.Row(f"{ident}-restore", rows.RESTORE, title,
                     f"{command} {end}", programs=programs, peer=ident,
                     reads=[os.path.dirname(archive) if archive
                            else space.source])
            for ident, title, programs, command, archive in table]


def rocksdb_restore_row(space, threads, repository):
    peer = space.program("rocksdb_peer")
    target = os.path.join(space.out, "new")
    return rows.Row(
        f"rocksdb-{threads}-restore", rows.RESTORE,
        f"RocksDB restore, {threads} thread{'s' if threads > 1 else ''}",
        f"{peer} restore {repository}/backups {target} --threads {threads} "
        f"&& sync -f {target}", programs=[peer], peer=f"rocksdb-{threads}",
        reads=[repository])
