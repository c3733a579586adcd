"""LevelKeep's own rows, once for each program that is compared."""

import os

import rows
import workspace


class LevelKeep:
    """One build of LevelKeep: its program and the files for its rows."""

    def __init__(self, name, path, space):
        self.name = name
        self.path = path
        self.space = space
        self.first = os.path.join(space.kept, f"levelkeep-{name}")
        self.archives = os.path.join(space.kept, f"archive-{name}")

    def command(self, verb, storage, backups):
        restore = os.path.join(self.space.out, "drop")
        return (f"{self.path} {verb} --quiet --storage-dir {storage} "
                f"--db-name {workspace.DB_NAME} --backup-dir {backups} "
                f"--restore-dir {restore}")

    def make_archive(self):
        """The archive that the restore rows read, verified in full as
        `levelkeep serve` and `worker` do it in the background."""
        os.makedirs(self.archives)
        self.space.run(self.command("create", self.space.source_dir,
                                    self.archives))
        self.space.run(self.command("verify", self.space.source_dir,
                                    self.archives) + " latest")

    def archive(self):
        names = [name for name in os.listdir(self.archives)
                 if name.endswith(".tar.gz")]
        return os.path.join(self.archives, names[0])

    def make_first(self):
        """Makes the backup from before 1 % was appended."""
        os.makedirs(self.first)
        self.space.run(self.command("create", self.space.grown_dir,
                                    self.first))

    def prepare_second(self):
        target = os.path.join(self.space.out, "backups")
        self.space.run(f"cp -a {self.first} {target}")

    def prepare_installation(self):
        """An installation that has data, to be replaced by a restore."""
        storage = os.path.join(self.space.out, "storage")
        workspace.clone(self.space.source,
                        os.path.join(storage, workspace.DB_NAME))
        # backups/ is empty: the archive is read from its own folder.
        os.makedirs(os.path.join(self.space.out, "backups"))

    def prepare_verified(self):
        """The same, but this installation has verified the archive in full: a
        restore scans an archive that only another installation verified."""
        self.prepare_installation()
        storage = os.path.join(self.space.out, "storage")
        self.space.run(self.command("verify", storage, self.archives) +
                       " latest")


def create_rows(keep, suffix):
    space = keep.space
    backups = os.path.join(space.out, "backups")
    create = keep.command("create", space.source_dir, backups)
    live = os.path.join(os.path.dirname(keep.path), "live_create")
    common = {"build": keep.name, "output": backups,
              "programs": [keep.path]}
    return [
        rows.Row(f"levelkeep-live{suffix}", rows.CREATE,
                 f"LevelKeep, live{suffix}",
                 f"{live} {space.live_dir} {workspace.DB_NAME} {backups}",
                 prepare=space.fresh_live, reads=[space.source],
                 reports=True, **{**common, "programs": [live]}),
        rows.Row(f"levelkeep-offline{suffix}", rows.CREATE,
                 f"LevelKeep, `create`{suffix}", create,
                 reads=[space.source], **common),
        rows.Row(f"levelkeep-stored{suffix}", rows.CREATE,
                 f"LevelKeep, not compressed{suffix}",
                 f"{create} --backup-compression false",
                 reads=[space.source], **common),
        rows.Row(f"levelkeep-second{suffix}", rows.SECOND,
                 f"LevelKeep, second archive{suffix}",
                 keep.command("create", space.grown_dir, backups),
                 prepare=keep.prepare_second,
                 reads=[space.grown, keep.first], **common),
    ]


def restore_rows(keep, suffix, foreign):
    space = keep.space
    storage = os.path.join(space.out, "storage")
    database = os.path.join(storage, workspace.DB_NAME)
    restore = keep.command("restore", storage,
                           os.path.join(space.out, "backups"))
    get = space.program("first_get")
    target = os.path.join(space.out, "new")
    archive = keep.archive()
    common = {"build": keep.name, "programs": [keep.path]}
    return [
        rows.Row(f"levelkeep-restore{suffix}", rows.RESTORE,
                 f"LevelKeep, in place of a database{suffix}",
                 f"{keep.command('restore', storage, keep.archives)} "
                 f"{archive} --yes && {get} {database}",
                 prepare=keep.prepare_verified,
                 reads=[keep.archives], **common),
        rows.Row(f"levelkeep-restore-scan{suffix}", rows.RESTORE,
                 f"LevelKeep, the same, never verified before{suffix}",
                 f"{restore} {archive} --yes && {get} {database}",
                 prepare=keep.prepare_installation,
                 reads=[keep.archives], **common),
        rows.Row(f"levelkeep-restore-to{suffix}", rows.RESTORE,
                 f"LevelKeep, `--to` a new folder{suffix}",
                 f"{restore} {archive} --to {target} && "
                 f"{get} $(dirname \"$(find {target} -name CURRENT)\")",
                 reads=[keep.archives], **common),
        rows.Row(f"levelkeep-restore-foreign{suffix}", rows.RESTORE,
                 f"LevelKeep, archive of `tar czf`{suffix}",
                 f"{restore} {foreign} --yes && {get} {database}",
                 prepare=keep.prepare_installation,
                 reads=[os.path.dirname(foreign)], **common),
        rows.Row(f"levelkeep-verify{suffix}", rows.OTHER,
                 f"LevelKeep, `verify` in full{suffix}",
                 f"{keep.command('verify', storage, keep.archives)} "
                 f"{archive}", reads=[keep.archives], **common),
    ]
