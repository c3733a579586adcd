// Drops that are still being copied, drops that are replaced while they are
// checked, and the files beside drops.

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "base/unique_fd.h"
#include "restore/drop_fixture.h"
#include "restore/drop_history.h"
#include "support/fault_file_system.h"

namespace levelkeep::test {
namespace {

class DropCopyTest : public DropFolderFixture {
 protected:
  void ExpectIncomplete(const std::string& name) {
    const DropOutcome outcome = Start();
    EXPECT_FALSE(outcome.applied.has_value());
    EXPECT_TRUE(outcome.rejected.empty());
    EXPECT_NE(outcome.refused.find("incomplete or still being copied"),
              std::string::npos)
        << outcome.refused;
    EXPECT_TRUE(Exists(Drop(name)));
    EXPECT_EQ(ReadDb(Live()), kOldEvents);
  }
  std::string Foreign() {
    const std::string db = temp_.Sub("event_registry_db");
    FillDb(db, kNewEvents);
    WriteForeignArchive(db, temp_.Sub("foreign"));
    return ReadFile(temp_.Sub("foreign"));
  }
};

TEST_F(DropCopyTest, PartOfAnArchiveStays) {
  const std::string own =
      ReadFile(MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents));
  for (const std::string& whole : {own, Foreign()}) {
    for (const size_t size : {whole.size() - 1, whole.size() - 9,
                              whole.size() / 2, size_t{20}, size_t{0}}) {
      SCOPED_TRACE(size);
      WriteFile(Drop("x.tar.gz"), whole.substr(0, size));
      ExpectIncomplete("x.tar.gz");
    }
    WriteFile(Drop("x.tar.gz"), whole);
    ASSERT_TRUE(Start().applied.has_value());
    std::filesystem::remove_all(Live());
    FillDb(Live(), kOldEvents);
  }
}

// Cuts at each length; a cut between two gzip members leaves no partial member.
TEST_F(DropCopyTest, EachPartOfAnArchiveOfOursStays) {
  const std::string whole =
      ReadFile(MakeArchive(temp_.Sub("x.tar.gz"), kNewEvents));
  for (size_t size = 2; size < whole.size(); size += 13) {
    SCOPED_TRACE(size);
    WriteFile(Drop("x.tar.gz"), whole.substr(0, size));
    ExpectIncomplete("x.tar.gz");
    if (HasFailure()) break;
  }
}

// Some programs give a copy its final size first.
TEST_F(DropCopyTest, ZerosAtTheEndAreACopyThatIsToBeFilled) {
  const std::string whole = Foreign();
  WriteFile(Drop("x.tar.gz"),
            whole.substr(0, whole.size() / 2) + std::string(8192, '\0'));
  ExpectIncomplete("x.tar.gz");
  WriteFile(Drop("x.tar.gz"), std::string(4096, '\0'));
  ExpectIncomplete("x.tar.gz");
}

// An uncompressed tar also ends in zeros; the file is complete, but not gzip.
TEST_F(DropCopyTest, OtherFilesThatEndInZerosAreRejected) {
  for (const std::string& begin :
       {std::string("db/CURRENT"), std::string("x")}) {
    WriteFile(Drop("x.tar.gz"), begin + std::string(8192, '\0'));
    EXPECT_NE(ReasonFor(Start(), "x.tar.gz").find("not a gzip file"),
              std::string::npos);
  }
}

TEST_F(DropCopyTest, OneThatSomebodyWritesIsWaitedFor) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  UniqueFd writer(::open(Drop("x.tar.gz").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_TRUE(writer.valid());
  const auto file =
      FileSystem::Posix()->Open(Drop("x.tar.gz"), OpenMode::kRead);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE((*file)->HasWriter()) << "does this file system have no leases?";
  ExpectIncomplete("x.tar.gz");
  clock_.on_sleep = [&](int) { writer = UniqueFd(); };
  EXPECT_TRUE(Start().applied.has_value());
}

// Replaces the drop with another file after the n-th time it was opened.
class Replacing : public FaultFileSystem {
 public:
  Replacing(std::string path, std::string other, int nth)
      : FaultFileSystem(FileSystem::Posix()),
        path_(std::move(path)),
        other_(std::move(other)),
        left_(nth) {}
  Result<std::unique_ptr<File>> Open(const std::string& path,
                                     OpenMode mode) override {
    auto file = FaultFileSystem::Open(path, mode);
    if (path == path_ && --left_ == 0) {
      EXPECT_TRUE(FileSystem::Posix()->Rename(other_, path_).ok());
    }
    return file;
  }

 private:
  const std::string path_;
  const std::string other_;
  int left_;
};

TEST_F(DropCopyTest, OneThatReplacesAnOpenOneIsAnotherDrop) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  const Entries other = {{"another", "drop"}};
  MakeArchive(Drop(".other"), other);
  ASSERT_EQ(Shell("touch -d 2031-01-01 '" + Drop(".other") + "'"), 0);
  // The first opening is the wait, the second one is the read.
  Replacing fs(Drop("x.tar.gz"), Drop(".other"), 2);
  ASSERT_TRUE(Start(&fs).applied.has_value());
  EXPECT_EQ(ReadDb(Live()), kNewEvents) << "the opened drop is applied";
  EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  EXPECT_FALSE(Exists(Drop("applied/x.tar.gz")));
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_EQ(ReadDb(Live()), other);
  EXPECT_FALSE(Start().applied.has_value()) << "each drop is applied once";
}

// --- digests ---

class DropDigestTest : public DropCopyTest {
 protected:
  void Beside(const std::string& suffix, const std::string& text) {
    WriteFile(Drop("x.tar.gz" + suffix), text);
  }
  std::string Sha256() { return Sha256Hex(ReadFile(Drop("x.tar.gz"))); }
};

TEST_F(DropDigestTest, RightOnesTravelToApplied) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  std::string md5;
  ASSERT_EQ(Shell("md5sum < '" + Drop("x.tar.gz") + "'", &md5), 0);
  Beside(".sha256", Sha256() + "  backup_of_another_name.tar.gz\n");
  Beside(".MD5", "MD5 (x.tar.gz) = " + md5.substr(0, 32) + "\n");
  ASSERT_TRUE(Start().applied.has_value());
  EXPECT_TRUE(Exists(Drop("applied/x.tar.gz.sha256")));
  EXPECT_TRUE(Exists(Drop("applied/x.tar.gz.MD5")));
  EXPECT_FALSE(Exists(Drop("x.tar.gz.sha256")));
}

TEST_F(DropDigestTest, WrongOneRejectsAndTravelsAlong) {
  for (const char* suffix : {".sha256", ".md5"}) {
    MakeArchive(Drop("x.tar.gz"), kNewEvents);
    const size_t digits = std::string(suffix) == ".md5" ? 32 : 64;
    Beside(suffix, std::string(digits, 'a') + " *x.tar.gz\r\n");
    const DropOutcome outcome = Start();
    EXPECT_EQ(ReasonFor(outcome, "x.tar.gz"),
              std::string("its ") + (digits == 32 ? "MD5" : "SHA-256") +
                  " is not the one in x.tar.gz" + suffix);
    EXPECT_EQ(ReadDb(Live()), kOldEvents);
    EXPECT_TRUE(Exists(Drop(std::string("rejected/x.tar.gz") + suffix)));
    EXPECT_FALSE(Exists(Drop(std::string("x.tar.gz") + suffix)));
    std::filesystem::remove_all(Drop("rejected"));
  }
}

TEST_F(DropDigestTest, PartOfAnArchiveIsIncompleteFirst) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  Beside(".sha256", Sha256());
  const std::string whole = ReadFile(Drop("x.tar.gz"));
  WriteFile(Drop("x.tar.gz"), whole.substr(0, whole.size() / 2));
  ExpectIncomplete("x.tar.gz");
  WriteFile(Drop("x.tar.gz"), whole);
  EXPECT_TRUE(Start().applied.has_value());
}

TEST_F(DropDigestTest, WhatIsNoDigestIsSaidAndNothingApplied) {
  MakeArchive(Drop("x.tar.gz"), kNewEvents);
  for (const std::string& text :
       {std::string("404 Not Found"), std::string(),
        std::string(63, 'a') + "  x.tar.gz", std::string(100'000, 'a')}) {
    Beside(".sha256", text);
    const DropOutcome outcome = Start();
    EXPECT_FALSE(outcome.applied.has_value());
    EXPECT_NE(outcome.refused.find("x.tar.gz.sha256 "), std::string::npos)
        << outcome.refused;
    EXPECT_TRUE(Exists(Drop("x.tar.gz")));
  }
  std::filesystem::remove(Drop("x.tar.gz.sha256"));
  EXPECT_TRUE(Start().applied.has_value());
}

// --- long names ---

TEST_F(DropCopyTest, NamesOfTheGreatestLengthAreMoved) {
  for (const std::string& letter :
       {std::string("x"), std::string("\xc3\xa4")}) {
    std::string name;
    while (name.size() + letter.size() + 7 <= 255) name += letter;
    name += ".tar.gz";
    MakeArchive(Drop("first"), kNewEvents);
    for (int round = 1; round <= 2; ++round) {
      ASSERT_EQ(Shell("cp '" + Drop("first") + "' '" + Drop(name) + "'"), 0);
      ASSERT_TRUE(Start().applied.has_value());
      const std::string place = NumberedDropName(name, round);
      EXPECT_TRUE(Exists(Drop("applied/" + place))) << place;
      EXPECT_TRUE(Exists(Drop("applied/" + place + ".applied.txt")));
      EXPECT_FALSE(Exists(Drop(name)));
    }
    WriteFile(Drop(name), std::string(100, 'x'));
    EXPECT_EQ(Start().rejected.size(), 1u);
    EXPECT_TRUE(
        Exists(Drop("rejected/" + NumberedDropName(name, 1) + ".reason.txt")));
    ASSERT_TRUE(Started()->StageForRestart(Drop("first")).ok());
    std::filesystem::rename(Drop("first"), temp_.Sub(name));
    ASSERT_TRUE(Started()->StageForRestart(temp_.Sub(name)).ok());
    EXPECT_TRUE(Start().applied.has_value());
  }
}

}  // namespace
}  // namespace levelkeep::test
