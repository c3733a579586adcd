// The operator's verbs on a real installation, without a server.

#include <filesystem>

#include "cli_fixture.h"
#include "eventstore/lock_holder.h"

namespace levelkeep::cli {
namespace {

using VerbsTest = CliTest;

TEST_F(VerbsTest, CreateSaysWhatItMadeAndHow) {
  AppendEvents(3);
  const Outcome made = RunCli({"create", "--label", "by-hand"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(
      Normalize(made.out),
      "created backup_2024-12-27_120000_by-hand.tar.gz (SIZE, write number "
      "6)\n");
  EXPECT_EQ(made.err, "database is closed: offline snapshot\n");
  EXPECT_EQ(RunCli({"create", "--quiet"}).err, "");
}

TEST_F(VerbsTest, CreateAsJsonHasTheFieldsOfTheApi) {
  AppendEvents(3);
  const auto json = RunCli({"create", "--json"}).json();
  EXPECT_EQ(json.at("success"), true);
  EXPECT_EQ(json.at("name"), "backup_2024-12-27_120000.tar.gz");
  const auto& backup = json.at("backup");
  EXPECT_EQ(backup.at("name"), json.at("name"));
  EXPECT_EQ(backup.at("path"), json.at("backupPath"));
  EXPECT_EQ(backup.at("created"), "2024-12-27T12:00:00.000Z");
  EXPECT_EQ(backup.at("trigger"), "cli");
  EXPECT_EQ(backup.at("manifest").at("lastSequence"), 6);
  EXPECT_EQ(json.at("way"), "offline");
  EXPECT_EQ(json.at("lastSequence"), 6);
  EXPECT_EQ(json.at("size"),
            test::ReadFile(BackupPath(json.at("name"))).size());
}

TEST_F(VerbsTest, CreateFailsClearly) {
  const Outcome none = RunCli({"create"});
  EXPECT_EQ(none.code, 5);
  EXPECT_EQ(Normalize(none.err),
            "error: there is no database in DIR/storage/event_registry_db\n"
            "hint: check STORAGE_DIR and DB_NAME\n");
  AppendEvents(1);
  EXPECT_EQ(RunCli({"create", "--label", "../x"}).code, 2);
  environment_["BACKUP_RESERVE"] = "1152921504606846976";
  EXPECT_EQ(RunCli({"create"}).code, 6);
}

TEST_F(VerbsTest, AcceptLossSaysWhatIsLeftAndGoesOnWithIt) {
  EXPECT_EQ(RunCli({"accept-loss", "--yes"}).code, 5) << "there is no database";
  AppendEvents(3);
  EXPECT_EQ(RunCli({"accept-loss", "--yes"}).code, 5) << "no file is missing";
  std::filesystem::remove(dir_.Sub("storage/event_registry_db/CURRENT"));
  EXPECT_EQ(RunCli({"create"}).code, 3);

  const Outcome asked = RunCli({"accept-loss"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_NE(asked.err.find("--yes"), std::string::npos) << asked.err;
  const Outcome dry = RunCli({"accept-loss", "--dry-run"});
  EXPECT_EQ(Normalize(dry.out),
            "the database in DIR/storage/event_registry_db lacks files that "
            "it needs: CURRENT.\nRemaining: 0 tables, 1 logs.\n"
            "BACKUP_DIR has no backup of this database.\n"
            "The present folder is kept: see levelkeep restore --undo "
            "--list.\n");
  const auto preview = RunCli({"accept-loss", "--dry-run", "--json"}).json();
  EXPECT_EQ(preview.at("logs"), 1);
  EXPECT_EQ(preview.at("rebuilt"), false);

  const auto made = RunCli({"accept-loss", "--yes", "--json"}).json();
  EXPECT_EQ(made.at("success"), true);
  EXPECT_EQ(made.at("lastSequence"), 6);
  EXPECT_TRUE(std::filesystem::exists(made.at("kept").get<std::string>()));
  EXPECT_EQ(RunCli({"create"}).code, 0);
}

TEST_F(VerbsTest, ListIsATableNewestFirst) {
  std::filesystem::create_directory(dir_.Sub("backups"));
  const Outcome none = RunCli({"list"});
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(none.out, "");
  EXPECT_EQ(Normalize(none.err), "no backups in DIR/backups\n");

  AppendEvents(3);
  CreateBackup();
  AppendEvents(2);
  clock_.Advance(std::chrono::hours(30));
  CreateBackup();
  test::WriteFile(BackupPath("backup_2024-12-01_000000.tar.gz"), "not ours");
  ASSERT_EQ(RunCli({"verify", "backup_2024-12-27_120000.tar.gz"}).code, 0);
  const Outcome list = RunCli({"list"});
  EXPECT_EQ(list.code, 0);
  ExpectGolden("list.txt", Normalize(list.out));
  EXPECT_EQ(Normalize(list.err), "3 backups, SIZE\n");
  EXPECT_EQ(RunCli({"list", "--quiet"}).err, "");
}

TEST_F(VerbsTest, ListAsJson) {
  AppendEvents(1);
  const std::string old = CreateBackup();
  const std::string newer = CreateBackup();
  const auto json = RunCli({"list", "--json"}).json();
  EXPECT_EQ(json.at("success"), true);
  EXPECT_EQ(json.at("total"), 2);
  EXPECT_EQ(json.at("backups").at(0).at("name"), newer);
  EXPECT_EQ(json.at("backups").at(1).at("name"), old);
  const auto limited = RunCli({"list", "--json", "--limit", "1"}).json();
  EXPECT_EQ(limited.at("total"), 2);
  EXPECT_EQ(limited.at("backups").size(), 1u);
}

TEST_F(VerbsTest, InspectShowsManifestAndFiles) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  const Outcome shown = RunCli({"inspect", "latest"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  for (const char* part :
       {"created:", "2024-12-27T12:00:00.000Z", "trigger:       cli\n",
        "(offline)", "database:      event_registry_db\n", "write number:  6\n",
        "FILE", "CURRENT"}) {
    EXPECT_NE(shown.out.find(part), std::string::npos) << part << "\n"
                                                       << shown.out;
  }
  for (const std::string& source :
       {name, name.substr(0, name.size() - 8), BackupPath(name)}) {
    const auto json = RunCli({"inspect", source, "--json"}).json();
    EXPECT_EQ(json.at("own"), true);
    EXPECT_EQ(json.at("manifest").at("trigger"), "cli");
    EXPECT_GE(json.at("files").size(), 3u);
  }
}

TEST_F(VerbsTest, InspectReadsForeignArchives) {
  AppendEvents(3);
  ASSERT_EQ(test::Shell("tar czf '" + dir_.Sub("x.tar.gz") + "' -C '" +
                        dir_.Sub("storage") + "' event_registry_db"),
            0);
  const Outcome shown = RunCli({"inspect", dir_.Sub("x.tar.gz")});
  ASSERT_EQ(shown.code, 0) << shown.err;
  EXPECT_NE(shown.out.find("none (not made by LevelKeep)"), std::string::npos);
  EXPECT_NE(shown.out.find("CURRENT"), std::string::npos);
}

TEST_F(VerbsTest, WhatIsMissingOrUnclearIsSaid) {
  AppendEvents(1);
  for (const char* verb : {"inspect", "verify", "restore"}) {
    EXPECT_EQ(RunCli({verb}).code, 2) << verb;
    EXPECT_EQ(RunCli({verb, "backup_2001-01-01_000000.tar.gz"}).code, 5);
    EXPECT_EQ(RunCli({verb, "latest"}).code, 5) << verb;
  }
  CreateBackup();
  CreateBackup();
  const Outcome ambiguous = RunCli({"inspect", "backup_"});
  EXPECT_TRUE(ambiguous.code == 2 || ambiguous.code == 5) << ambiguous.err;
}

TEST_F(VerbsTest, VerifyAtEachDepth) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  for (const char* depth : {"structure", "checksums", "full"}) {
    const Outcome checked = RunCli({"verify", "latest", "--depth", depth});
    ASSERT_EQ(checked.code, 0) << checked.err;
    EXPECT_EQ(checked.out.rfind(name + ": ok, ", 0), 0u) << checked.out;
    const auto json =
        RunCli({"verify", name, "--depth", depth, "--json"}).json();
    EXPECT_EQ(json.at("depth"), depth);
  }
  EXPECT_EQ(RunCli({"verify", name}).out.find("4 keys, write number 6") ==
                std::string::npos,
            false);
  const Outcome odd = RunCli({"verify", name, "--depth", "deep"});
  EXPECT_EQ(odd.code, 2);
  EXPECT_EQ(odd.err,
            "error: --depth is \"deep\": allowed are structure, checksums "
            "and full\n");
  EXPECT_EQ(RunCli({"verify", name, "--all"}).code, 2);
}

TEST_F(VerbsTest, VerifyAllGoesOnAfterADamagedOne) {
  AppendEvents(3);
  const std::string first = CreateBackup();
  const std::string second = CreateBackup();
  const std::string third = CreateBackup();
  FlipByte(BackupPath(second));
  const Outcome all = RunCli({"verify", "--all"});
  EXPECT_EQ(all.code, 3);
  EXPECT_NE(all.out.find(first + ": ok"), std::string::npos);
  EXPECT_NE(all.out.find(second + ": failed"), std::string::npos);
  EXPECT_NE(all.out.find(third + ": ok"), std::string::npos);
  EXPECT_EQ(all.err, "error: 1 of 3 backups are damaged: " + second +
                         "\nhint: make a new backup now: levelkeep create\n");
  const Outcome one = RunCli({"verify", second, "--json"});
  EXPECT_EQ(one.code, 3);
  EXPECT_EQ(one.json().at("code"), "corruption");
  const auto json = RunCli({"verify", "--all", "--json"}).json();
  EXPECT_EQ(json.at("success"), false);
  EXPECT_EQ(json.at("results").size(), 3u);
}

TEST_F(VerbsTest, RestoreUndoAndUndoAgain) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  AppendEvents(4);
  const Outcome restored = RunCli({"restore", name, "--yes"});
  ASSERT_EQ(restored.code, 0) << restored.err;
  EXPECT_EQ(Normalize(restored.out),
            "restored " + name + " (SIZE, write number 6)\n");
  EXPECT_EQ(CountEvents(db_dir()), 3u);
  ASSERT_EQ(RunCli({"restore", "--undo", "--yes"}).code, 0);
  EXPECT_EQ(CountEvents(db_dir()), 7u);
  const Outcome undone = RunCli({"restore", "--undo", "--yes", "--json"});
  ASSERT_EQ(undone.code, 0);
  EXPECT_EQ(undone.json().at("message"), "Undo complete.");
  EXPECT_EQ(CountEvents(db_dir()), 3u);
}

TEST_F(VerbsTest, UndoAllGoesBackToBeforeTheFirstRestore) {
  AppendEvents(1);
  const std::string first = CreateBackup();
  AppendEvents(1);
  const std::string second = CreateBackup();
  AppendEvents(2);
  ASSERT_EQ(RunCli({"restore", first, "--yes"}).code, 0);
  ASSERT_EQ(RunCli({"restore", second, "--yes"}).code, 0);
  const Outcome undone = RunCli({"restore", "--undo-all", "--yes"});
  EXPECT_EQ(undone.code, 0) << undone.err;
  EXPECT_EQ(undone.out, "undone: the database is at write number 8 again\n");
  EXPECT_EQ(CountEvents(db_dir()), 4u);
  const Outcome again = RunCli({"restore", "--undo-all", "--yes"});
  EXPECT_EQ(again.code, 5);
  EXPECT_NE(again.err.find("all restores are undone already"),
            std::string::npos)
      << again.err;
}

TEST_F(VerbsTest, RestoreAsksAPersonAndHearsNo) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  AppendEvents(4);
  const Outcome unasked = RunCli({"restore", name});
  EXPECT_EQ(unasked.code, 2);
  EXPECT_EQ(
      unasked.err,
      "error: restore replaces the database, and nobody can confirm it here\n"
      "hint: pass --yes, or look first with --dry-run\n");
  terminal_ = true;
  const Outcome no = RunCli({"restore", name}, "n\n");
  EXPECT_EQ(no.code, 1);
  EXPECT_NE(no.err.find("Continue? [y/N] "), std::string::npos);
  EXPECT_NE(no.err.find("not confirmed, nothing was changed"),
            std::string::npos);
  EXPECT_EQ(CountEvents(db_dir()), 7u);
  EXPECT_EQ(RunCli({"restore", name, "--json"}).code, 2);
  EXPECT_EQ(RunCli({"restore", name}, "y\n").code, 0);
  EXPECT_EQ(CountEvents(db_dir()), 3u);
}

TEST_F(VerbsTest, ADryRunSaysWhatWouldBeLost) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  AppendEvents(4);
  const Outcome shown = RunCli({"restore", name, "--dry-run"});
  ASSERT_EQ(shown.code, 0) << shown.err;
  ExpectGolden("restore-dry-run.txt", Normalize(shown.out));
  const auto json = RunCli({"restore", name, "--dry-run", "--json"}).json();
  EXPECT_EQ(json.at("dryRun"), true);
  EXPECT_EQ(json.at("lastSequence"), 6);
  EXPECT_EQ(json.at("currentSequence"), 14);
  EXPECT_EQ(json.at("lostWrites"), 8);
  EXPECT_EQ(CountEvents(db_dir()), 7u);
}

TEST_F(VerbsTest, RestoreElsewhereLeavesTheDatabaseAlone) {
  AppendEvents(3);
  CreateBackup();
  AppendEvents(4);
  const std::string target = dir_.Sub("elsewhere");
  const Outcome preview =
      RunCli({"restore", "latest", "--to", target, "--dry-run", "--json"});
  ASSERT_EQ(preview.code, 0) << preview.err;
  EXPECT_EQ(preview.json().at("directory"), target);
  EXPECT_GT(preview.json().at("bytes"), 0);
  EXPECT_FALSE(std::filesystem::exists(target));
  const Outcome extracted = RunCli({"restore", "latest", "--to", target});
  ASSERT_EQ(extracted.code, 0) << extracted.err;
  EXPECT_EQ(CountEvents(target), 3u);
  EXPECT_EQ(CountEvents(db_dir()), 7u);
  const Outcome again = RunCli({"restore", "latest", "--to", target});
  EXPECT_EQ(again.code, 1) << again.err;
  const Outcome refused =
      RunCli({"restore", "latest", "--to", target, "--dry-run"});
  EXPECT_EQ(refused.code, 1) << refused.out;
}

TEST_F(VerbsTest, RestoreOfADamagedBackupTouchesNothing) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  AppendEvents(1);
  FlipByte(BackupPath(name));
  const Outcome refused = RunCli({"restore", name, "--yes", "--json"});
  EXPECT_EQ(refused.code, 3) << refused.err;
  EXPECT_EQ(refused.json().at("code"), "corruption");
  EXPECT_EQ(CountEvents(db_dir()), 4u);
}

TEST_F(VerbsTest, RestoreRefusesContradictions) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"restore", "latest", "--undo"},
        {"restore", "--forget-undo", "--dry-run"},
        {"restore", "--undo", "--to", "x"},
        {"restore", "--undo-all", "--undo"},
        {"restore", "--undo-all", "latest"}}) {
    EXPECT_EQ(RunCli(arguments).code, 2);
  }
  AppendEvents(1);
  EXPECT_EQ(RunCli({"restore", "--undo", "--yes"}).code, 5);
}

TEST_F(VerbsTest, AHeldDatabaseIsNotReplacedButCanBeBackedUp) {
  AppendEvents(3);
  const std::string name = CreateBackup();
  const test::LockHolder holder(db_dir() + "/LOCK");
  ASSERT_TRUE(holder.holds());
  const Outcome refused = RunCli({"restore", name, "--yes"});
  EXPECT_EQ(refused.code, 4) << refused.err;
  EXPECT_NE(refused.err.find("pid " + holder.pid()), std::string::npos)
      << refused.err;
  EXPECT_NE(refused.err.find("hint: "), std::string::npos);
  const Outcome made = RunCli({"create", "--json"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.json().at("way"), "external");
}

TEST_F(VerbsTest, RotateExplainsEachDecision) {
  AppendEvents(1);
  for (int i = 0; i < 4; ++i) CreateBackup();
  ASSERT_EQ(RunCli({"verify", "--all"}).code, 0);
  environment_["MAX_BACKUPS"] = "2";
  const Outcome plan = RunCli({"rotate", "--dry-run"});
  ASSERT_EQ(plan.code, 0) << plan.err;
  ExpectGolden("rotate-dry-run.txt", Normalize(plan.out));
  EXPECT_TRUE(plan.err.starts_with(
      "2 would be removed, 2 would stay\n2 more would go by "))
      << plan.err;
  EXPECT_TRUE(plan.err.ends_with(" (UTC), if backups go on and are verified\n"))
      << plan.err;
  EXPECT_EQ(RunCli({"list", "--json"}).json().at("total"), 4);
  const auto json = RunCli({"rotate", "--json"}).json();
  EXPECT_EQ(json.at("kept").size(), 2u);
  EXPECT_EQ(json.at("removed").size(), 2u);
  EXPECT_EQ(RunCli({"list", "--json"}).json().at("total"), 2);
}

TEST_F(VerbsTest, APinnedBackupStaysUntilItIsUnpinned) {
  AppendEvents(1);
  const std::string name = CreateBackup();
  const Outcome pinned = RunCli({"pin", "latest"});
  EXPECT_EQ(pinned.code, 0) << pinned.err;
  EXPECT_EQ(pinned.out, "pinned " + name + "\n");
  EXPECT_NE(RunCli({"list"}).out.find("unverified, pinned"), std::string::npos);
  const Outcome refused = RunCli({"delete", name, "--yes", "--force"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.err, "error: " + name +
                             " is pinned\nhint: unpin it before you delete "
                             "it\n");
  const auto json = RunCli({"unpin", name.substr(0, 12), "--json"}).json();
  EXPECT_EQ(json.at("name"), name);
  EXPECT_EQ(json.at("pinned"), false);
  EXPECT_EQ(RunCli({"delete", name, "--yes"}).code, 0);
  EXPECT_EQ(RunCli({"list", "--json"}).json().at("total"), 0);
}

TEST_F(VerbsTest, DeleteAsksAndKeepsTheNewestVerifiedOne) {
  AppendEvents(1);
  const std::string first = CreateBackup();
  const std::string second = CreateBackup();
  ASSERT_EQ(RunCli({"verify", "--all"}).code, 0);
  const Outcome unasked = RunCli({"delete", first});
  EXPECT_EQ(unasked.code, 2);
  EXPECT_EQ(unasked.err,
            "error: delete removes a backup permanently, and nobody can "
            "confirm it here\n"
            "hint: pass --yes\n");
  EXPECT_EQ(RunCli({"delete", first, "--json"}).code, 2);
  terminal_ = true;
  const Outcome no = RunCli({"delete", first}, "n\n");
  EXPECT_EQ(no.code, 1);
  EXPECT_NE(Normalize(no.err).find(
                first + " (SIZE, verified) will be removed permanently.\n"
                        "Continue? [y/N] "),
            std::string::npos)
      << no.err;
  EXPECT_EQ(RunCli({"delete", second}, "y\n").code, 1);
  terminal_ = false;
  const Outcome newest = RunCli({"delete", second, "--yes", "--json"});
  EXPECT_EQ(newest.code, 1);
  EXPECT_EQ(newest.json().at("code"), "refused");
  EXPECT_EQ(newest.json().at("message"),
            second + " is the newest verified backup");
  EXPECT_EQ(RunCli({"list", "--json"}).json().at("total"), 2);
  const auto gone = RunCli({"delete", second, "--yes", "--force", "--json"});
  EXPECT_EQ(gone.code, 0) << gone.err;
  EXPECT_EQ(gone.json().at("deleted"), true);
  EXPECT_EQ(RunCli({"delete", first, "-y", "--force"}).out,
            "deleted " + first + "\n");
}

// Verbs that only read, or whose effect can be reverted, take the beginning of
// a name.
TEST_F(VerbsTest, WhatReplacesOrRemovesTakesAWholeName) {
  AppendEvents(1);
  const std::string name = CreateBackup();
  const std::string beginning = name.substr(0, name.size() - 8);
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"restore", beginning, "--yes"},
        {"restore", beginning, "--dry-run"},
        {"delete", beginning, "--yes", "--force"}}) {
    const Outcome refused = RunCli(verb);
    EXPECT_EQ(refused.code, 2);
    EXPECT_EQ(refused.err, "error: '" + beginning +
                               "' is only the beginning of a backup's name\n"
                               "hint: give the whole name, e.g. " +
                               name + "\n");
  }
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"inspect", beginning},
        {"verify", beginning},
        {"pin", beginning},
        {"unpin", beginning},
        {"restore", beginning, "--to", dir_.Sub("elsewhere")}}) {
    const Outcome done = RunCli(verb);
    EXPECT_EQ(done.code, 0) << verb[0] << done.err;
    EXPECT_NE(done.out.find(name), std::string::npos)
        << "the name is not shown: " << done.out;
  }
}

// Regression: the verbs said "no backups", or nothing at all, and ended with 0.
TEST_F(VerbsTest, AMissingFolderIsNoFolderWithoutBackups) {
  AppendEvents(1);
  for (const std::vector<std::string>& verb :
       {std::vector<std::string>{"list"},
        {"verify", "--all"},
        {"verify", "latest"},
        {"inspect", "latest"},
        {"rotate"},
        {"rotate", "--dry-run"},
        {"worker", "--once"},
        {"pin", "latest"},
        {"unpin", "latest"},
        {"delete", "latest", "--yes"},
        {"restore", "latest", "--yes"},
        {"restore", "latest", "--dry-run"}}) {
    const Outcome outcome = RunCli(verb);
    EXPECT_EQ(outcome.code, 5) << verb[0];
    EXPECT_EQ(Normalize(outcome.err)
                  .rfind("error: BACKUP_DIR (DIR/backups) does not exist\n", 0),
              0u)
        << verb[0] << " " << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(dir_.Sub("backups"))) << verb[0];
  }
  std::filesystem::create_directory(dir_.Sub("backups"));
  const Outcome none = RunCli({"verify", "--all"});
  EXPECT_EQ(none.code, 0);
  EXPECT_EQ(Normalize(none.err), "no backups in DIR/backups\n");
}

TEST_F(VerbsTest, PinAndDeleteNameWhatIsWrong) {
  AppendEvents(1);
  const std::string name = CreateBackup();
  for (const char* verb : {"pin", "unpin", "delete"}) {
    const Outcome what = RunCli({verb});
    EXPECT_EQ(what.code, 2);
    EXPECT_NE(what.err.find("no backup is named"), std::string::npos);
    EXPECT_EQ(RunCli({verb, "backup_2001-01-01_000000.tar.gz"}).code, 5);
    // A path is no name: these verbs take only backups in BACKUP_DIR.
    EXPECT_EQ(RunCli({verb, BackupPath(name)}).code, 2);
  }
  EXPECT_EQ(RunCli({"list", "--json"}).json().at("total"), 1);
}

}  // namespace
}  // namespace levelkeep::cli
