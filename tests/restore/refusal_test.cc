// Archives that can't be restored. A refused restore leaves nothing behind.

#include "base/text.h"
#include "restore/context.h"
#include "restore/restore_fixture.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

class RefusalTest : public RestoreFixture {
 protected:
  // Stages and expects this error; live database and folders stay unchanged.
  Status ExpectRefused(const std::string& path, StatusCode code,
                       FileSystem* fs = FileSystem::Posix()) {
    auto restorer = Started();
    const std::vector<std::string> before = InWork("");
    restorer.reset();
    restorer = NewRestorer(fs);
    const auto staged = restorer->Stage(path, {}, nullptr);
    EXPECT_EQ(staged.status().code(), code) << staged.status().ToString();
    EXPECT_EQ(InWork(""), before);
    EXPECT_EQ(ReadDb(Live()), kOld);
    return staged.status();
  }
};

TEST_F(RefusalTest, MissingArchive) {
  MakeLive(kOld);
  const Status status =
      ExpectRefused(temp_.Sub("x.tar.gz"), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("x.tar.gz"), std::string::npos);
}

TEST_F(RefusalTest, LinkPipeAndDirectoryInPlaceOfAnArchive) {
  MakeLive(kOld);
  MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  ASSERT_EQ(Shell("cd '" + temp_.path() +
                  "' && ln -s x.tar.gz link.tar.gz && mkfifo pipe.tar.gz && "
                  "mkdir dir.tar.gz"),
            0);
  for (const char* name : {"link.tar.gz", "pipe.tar.gz", "dir.tar.gz"}) {
    const Status status = ExpectRefused(temp_.Sub(name), StatusCode::kRefused);
    EXPECT_NE(status.message().find(name), std::string::npos);
  }
}

TEST_F(RefusalTest, ArchiveThatDoesNotFitNamesTheFigures) {
  MakeLive(kOld);
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  FaultFileSystem fs(FileSystem::Posix());
  fs.set_free_space(options_.reserve_bytes + 100);
  const Status status = ExpectRefused(archive, StatusCode::kNoSpace, &fs);
  EXPECT_NE(status.message().find(FormatBytes(options_.reserve_bytes)),
            std::string::npos)
      << status.message();
  EXPECT_NE(status.hint().find("BACKUP_RESERVE"), std::string::npos);
  for (const std::string& operation : fs.trace()) {
    EXPECT_EQ(operation.find("Create"), std::string::npos)
        << "preflight writes nothing: " << operation;
  }
}

TEST_F(RefusalTest, ForeignArchiveThatDoesNotFit) {
  MakeLive(kOld);
  const std::string db = temp_.Sub("event_registry_db");
  FillDb(db, {{"k", std::string(300'000, 'x')}});  // a log compresses well
  WriteForeignArchive(db, temp_.Sub("x.tar.gz"));
  FaultFileSystem fs(FileSystem::Posix());
  fs.set_free_space(options_.reserve_bytes + 100'000);
  const Status status =
      ExpectRefused(temp_.Sub("x.tar.gz"), StatusCode::kNoSpace, &fs);
  EXPECT_NE(status.message().find("room for"), std::string::npos)
      << status.message();
}

TEST_F(RefusalTest, OtherComparatorIsRefusedBeforeAnythingIsWritten) {
  MakeLive(kOld);
  ArchiveSpec spec;
  spec.comparator = "my.Comparator";
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew, spec);
  FaultFileSystem fs(FileSystem::Posix());
  const Status status = ExpectRefused(archive, StatusCode::kUnsupported, &fs);
  EXPECT_NE(status.message().find("my.Comparator"), std::string::npos);
  EXPECT_EQ(fs.operations(), 0u);
}

TEST_F(RefusalTest, StoppedStagingLeavesNothing) {
  MakeLive(kOld);
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  auto restorer = Started();
  std::stop_source stop;
  stop.request_stop();
  const auto staged = restorer->Stage(archive, stop.get_token(), nullptr);
  EXPECT_EQ(staged.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(InWork("staging-").size(), 0u);
}

TEST_F(RefusalTest, DatabaseThatFailsTheCheckLeavesNothing) {
  MakeLive(kOld);
  options_.store_checker = [](const std::string&, const std::string&,
                              std::stop_token) -> Result<StoreCheck> {
    return Status(StatusCode::kCorruption, "the check found damage");
  };
  const Status status = ExpectRefused(MakeArchive(temp_.Sub("x.tar.gz"), kNew),
                                      StatusCode::kCorruption);
  EXPECT_NE(status.message().find("the check found damage"), std::string::npos);
}

// --- extraction and verification ---

TEST_F(RefusalTest, ExtractionFillsANewOrAnEmptyDirectory) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  auto restorer = NewRestorer();
  ASSERT_TRUE(FileSystem::Posix()->CreateDirectory(temp_.Sub("empty")).ok());
  for (const char* name : {"fresh", "empty", "deep/er/still"}) {
    const auto outcome =
        restorer->ExtractTo(archive, temp_.Sub(name), {}, nullptr);
    ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
    EXPECT_EQ(outcome->last_sequence, 2u);
    EXPECT_EQ(outcome->epoch.size(), 32u);
    EXPECT_FALSE(outcome->undo_available);
    EXPECT_EQ(ReadDb(temp_.Sub(name)), kNew);
  }
  EXPECT_FALSE(Exists(options_.storage_dir)) << "STORAGE_DIR is not used";
}

TEST_F(RefusalTest, ExtractionNeverWritesOverAnything) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  MakeLive(kOld);
  WriteFile(temp_.Sub("file"), "mine");
  ASSERT_EQ(Shell("ln -s nowhere '" + temp_.Sub("link") + "'"), 0);
  auto restorer = NewRestorer();
  for (const std::string& target :
       {Live(), temp_.Sub("file"), temp_.Sub("link"), temp_.path()}) {
    const auto outcome = restorer->ExtractTo(archive, target, {}, nullptr);
    EXPECT_EQ(outcome.status().code(), StatusCode::kAlreadyExists) << target;
  }
  EXPECT_EQ(ReadDb(Live()), kOld);
  EXPECT_EQ(ReadFile(temp_.Sub("file")), "mine");
}

// A folder can't be renamed over a mount point; /proc is one everywhere.
TEST_F(RefusalTest, ExtractionIntoAMountPointIsRefusedWithTheWayOut) {
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  const Status refused =
      NewRestorer()->ExtractTo(archive, "/proc", {}, nullptr).status();
  EXPECT_EQ(refused.code(), StatusCode::kUnsupported) << refused.ToString();
  EXPECT_NE(refused.message().find("/proc is a mount point"),
            std::string::npos);
  EXPECT_EQ(refused.hint(), "name a folder in it: /proc/" + options_.db_name);
}

TEST_F(RefusalTest, FailedExtractionLeavesNothing) {
  ArchiveSpec spec;
  spec.last_sequence = 99;
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew, spec);
  const auto before = FileSystem::Posix()->List(temp_.path());
  const auto outcome =
      NewRestorer()->ExtractTo(archive, temp_.Sub("target"), {}, nullptr);
  EXPECT_EQ(outcome.status().code(), StatusCode::kCorruption);
  EXPECT_EQ(*FileSystem::Posix()->List(temp_.path()), *before);
}

TEST_F(RefusalTest, VerificationReportsAndLeavesNothing) {
  options_.store_checker = nullptr;  // levelkeep-check itself
  const std::string archive = MakeArchive(temp_.Sub("x.tar.gz"), kNew);
  auto restorer = NewRestorer();
  double done = 0;
  const auto check =
      restorer->VerifyFull(archive, temp_.Sub("scratch"), {},
                           [&](double fraction) { done = fraction; });
  ASSERT_TRUE(check.ok()) << check.status().ToString();
  EXPECT_EQ(done, 1.0);
  EXPECT_EQ(check->entries, 2u);
  EXPECT_EQ(check->last_sequence, 2u);
  EXPECT_TRUE(FileSystem::Posix()->List(temp_.Sub("scratch"))->empty());

  ArchiveSpec wrong;
  wrong.last_sequence = 3;
  const auto bad =
      restorer->VerifyFull(MakeArchive(temp_.Sub("y.tar.gz"), kNew, wrong),
                           temp_.Sub("scratch"), {}, nullptr);
  EXPECT_EQ(bad.status().code(), StatusCode::kCorruption);
  EXPECT_TRUE(FileSystem::Posix()->List(temp_.Sub("scratch"))->empty());
}

TEST_F(RefusalTest, WholeRestoreWorksWithTheRealCheck) {
  options_.store_checker = nullptr;
  MakeLive(kOld);
  MakeArchive(Drop("x.tar.gz"), kNew);
  auto restorer = Started();
  const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  ASSERT_TRUE(outcome->applied.has_value()) << outcome->refused;
  EXPECT_EQ(ReadDb(Live()), kNew);
}

TEST_F(RefusalTest, MissingCheckProgramLeavesTheDropWhereItIs) {
  options_.store_checker = nullptr;
  options_.check_program = temp_.Sub("nowhere");
  MakeLive(kOld);
  MakeArchive(Drop("x.tar.gz"), kNew);
  const auto outcome = Started()->ApplyDropped(OpenAndClose, {});
  ASSERT_TRUE(outcome.ok()) << outcome.status().ToString();
  EXPECT_NE(outcome->refused.find("LEVELKEEP_CHECK_PROGRAM"), std::string::npos)
      << outcome->refused;
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_EQ(ReadDb(Live()), kOld);
}

// --- Prepare ---

TEST_F(RefusalTest, PrepareMakesTheFolders) {
  auto restorer = NewRestorer();
  ASSERT_TRUE(restorer->Prepare().ok());
  EXPECT_TRUE(Exists(Drop("applied")));
  EXPECT_TRUE(Exists(Drop("rejected")));
  EXPECT_EQ(FileSystem::Posix()->Stat(Work())->mode, 0700u);
  EXPECT_FALSE(Exists(Live()));
  EXPECT_TRUE(restorer->Prepare().ok()) << "again is fine";
}

TEST_F(RefusalTest, SecondInstanceIsNamed) {
  auto first = Started();
  auto second = NewRestorer();
  const Status status = second->Prepare();
  EXPECT_EQ(status.code(), StatusCode::kBusy);
  EXPECT_NE(status.message().find("pid"), std::string::npos)
      << status.message();
  first.reset();
  EXPECT_TRUE(second->Prepare().ok());
}

TEST_F(RefusalTest, LinkInPlaceOfTheDatabaseIsRefused) {
  MakeFolders();
  FillDb(temp_.Sub("elsewhere"), kOld);
  ASSERT_EQ(Shell("ln -s ../elsewhere '" + Live() + "'"), 0);
  const Status status = NewRestorer()->Prepare();
  EXPECT_EQ(status.code(), StatusCode::kRefused);
  EXPECT_NE(status.hint().find("STORAGE_DIR"), std::string::npos);
}

TEST_F(RefusalTest, FileInPlaceOfTheDatabaseIsRefused) {
  MakeFolders();
  WriteFile(Live(), "");
  EXPECT_EQ(NewRestorer()->Prepare().code(), StatusCode::kRefused);
}

TEST_F(RefusalTest, FileInPlaceOfTheWorkDirectoryIsRefused) {
  MakeFolders();
  ASSERT_TRUE(CreateDirectories(FileSystem::Posix(), ParentPath(Work())).ok());
  WriteFile(Work(), "");
  EXPECT_EQ(NewRestorer()->Prepare().code(), StatusCode::kRefused);
}

// Reports that one path is on another device.
class TwoDevices : public FaultFileSystem {
 public:
  explicit TwoDevices(std::string path)
      : FaultFileSystem(FileSystem::Posix()), path_(std::move(path)) {}
  Result<FileInfo> Stat(const std::string& path) override {
    auto info = FaultFileSystem::Stat(path);
    if (info.ok() && path == path_) info->device += 1;
    return info;
  }

 private:
  const std::string path_;
};

TEST_F(RefusalTest, DatabaseOnAnotherFileSystemIsRefusedAtTheStart) {
  MakeLive(kOld);
  TwoDevices fs(Live());
  const Status status = NewRestorer(&fs)->Prepare();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.hint().find("not at the database directory"),
            std::string::npos);
}

// The kernel's list with one more line.
class OneMoreMount : public FaultFileSystem {
 public:
  explicit OneMoreMount(std::string point)
      : FaultFileSystem(FileSystem::Posix()), point_(std::move(point)) {}
  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    if (path != "/proc/self/mountinfo") {
      return FaultFileSystem::Open(path, mode);
    }
    const std::string copy = ParentPath(point_) + "/mountinfo";
    WriteFile(copy, "36 35 98:0 /mnt1 " + point_ +
                        " rw,noatime master:1 - ext3 /dev/root rw\n");
    return FaultFileSystem::Open(copy, mode);
  }

 private:
  const std::string point_;
};

TEST_F(RefusalTest, BindMountAtTheDatabaseIsRefusedAtTheStart) {
  MakeLive(kOld);
  OneMoreMount here(Live());
  const Status status = NewRestorer(&here)->Prepare();
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_NE(status.message().find("is a mount point"), std::string::npos);
  // A mount point at the parent folder is correct.
  OneMoreMount above(options_.storage_dir);
  EXPECT_TRUE(NewRestorer(&above)->Prepare().ok());
}

TEST(MountPointsTest, AreReadFromTheKernelsList) {
  struct Case {
    const char* text;
    std::vector<std::string> points;
  };
  for (const Case& c : std::vector<Case>{
           {"", {}},
           {"36 35 98:0 /r /a rw - ext4 /dev/x rw\n", {"/a"}},
           {"36 35 98:0 /r /a\\040b\\134c rw - ext4 x rw\n", {"/a b\\c"}},
           {"1 2 0:1 / / rw - x y z\n3 4 0:2 / /proc rw - proc proc rw",
            {"/", "/proc"}},
           {"short line\n", {}},
           {"1 2 3 4 /last", {"/last"}}}) {
    EXPECT_EQ(ParseMountPoints(c.text), c.points) << c.text;
  }
}

}  // namespace
}  // namespace levelkeep::test
