// Every hostile archive is read, fully verified, and dropped into restore/
// before a start. Each time it is accepted as a whole, or refused with a reason
// and without left-overs.

#include <ostream>
#include <regex>

#include "archive/archive_reader.h"
#include "base/text.h"
#include "hostile/hostile_case.h"
#include "hostile/hostile_site.h"
#include "hostile/memory_peak.h"

namespace levelkeep::test {

// Otherwise gtest prints the bytes of the struct.
void PrintTo(const HostileCase& one, std::ostream* out) { *out << one.name; }

namespace {

constexpr uint64_t kMostMemoryBytes = 256 << 20;

// Each archive is made once for all tests, because some take seconds, and kept
// in a file, because memory is counted.
std::string BytesOf(const HostileCase& one) {
  static const TempDir made;
  const std::string path = made.Sub(one.name);
  if (!FileSystem::Posix()->Stat(path).ok()) WriteFile(path, one.bytes());
  return ReadFile(path);
}

class HostileArchiveTest : public HostileSite,
                           public ::testing::WithParamInterface<HostileCase> {
 protected:
  HostileArchiveTest() : bytes_(BytesOf(GetParam())) { ForgetMemoryPeak(); }

  const Entries& Expected() const {
    return GetParam().entries ? *GetParam().entries : SoundEntries();
  }
  static bool Matches(const std::string& text) {
    return std::regex_search(text, std::regex(GetParam().message));
  }
  static void ExpectRefusal(const Status& status) {
    ASSERT_FALSE(status.ok()) << "accepted";
    EXPECT_EQ(status.code(), GetParam().code) << status.ToString();
    EXPECT_TRUE(Matches(status.message())) << status.ToString();
  }
  static void ExpectLittleMemory() {
    if (!kMemoryCounts) return;
    EXPECT_LT(MemoryPeakBytes(), kMostMemoryBytes)
        << FormatBytes(MemoryPeakBytes());
    EXPECT_LT(ChildMemoryPeakBytes(), kMostMemoryBytes)
        << FormatBytes(ChildMemoryPeakBytes());
  }
  // What happened, when, why, and what to do; readable, and safe on a terminal.
  static void ExpectGoodReason(const std::string& reason) {
    EXPECT_TRUE(Matches(reason)) << reason;
    EXPECT_TRUE(reason.starts_with(kDropped)) << reason;
    EXPECT_NE(reason.find("\nwhat to do: "), std::string::npos) << reason;
    EXPECT_LT(reason.size(), 1500u) << reason;
    EXPECT_TRUE(IsValidUtf8(reason));
    for (const char c : reason) {
      EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= ' ') << reason;
    }
  }

  const std::string bytes_;
};

TEST_P(HostileArchiveTest, IsReadOrRefused) {
  const std::string path = temp_.Sub("made.tar.gz");
  WriteFile(path, bytes_);
  auto reader = ArchiveReader::Open(FileSystem::Posix(), path);
  if (reader.ok()) {
    EXPECT_EQ((*reader)->outline().own, GetParam().own);
  }
  const Status status =
      reader.ok() ? (*reader)->Check({}).status() : reader.status();
  if (GetParam().verdict == Verdict::kRefused) {
    ExpectRefusal(status);
  } else {
    EXPECT_TRUE(status.ok()) << status.ToString();
  }
  ExpectLittleMemory();
}

TEST_P(HostileArchiveTest, IsVerifiedOrRefused) {
  const std::string path = temp_.Sub("made.tar.gz");
  WriteFile(path, bytes_);
  const Tree before = TreeOf(temp_.path());
  const auto check =
      NewRestorer()->VerifyFull(path, temp_.Sub("canary"), {}, nullptr);
  if (GetParam().verdict == Verdict::kAccepted ||
      GetParam().verdict == Verdict::kOfElsewhere) {
    ASSERT_TRUE(check.ok()) << check.status().ToString();
    EXPECT_EQ(check->entries, Expected().size());
  } else {
    ExpectRefusal(check.status());
  }
  EXPECT_EQ(TreeOf(temp_.path()), before);
  ExpectLittleMemory();
}

TEST_P(HostileArchiveTest, IsRestoredWholeOrPutAsideOrLeftWithAReason) {
  const DropOutcome outcome = StartWith(bytes_);
  if (GetParam().verdict == Verdict::kAccepted) {
    ASSERT_TRUE(outcome.applied.has_value())
        << (outcome.rejected.empty() ? outcome.refused
                                     : outcome.rejected[0].reason);
    EXPECT_EQ(ReadDb(Live()), Expected());
    EXPECT_TRUE(Exists(Drop("applied/") + kDropped));
  } else if (GetParam().stays) {
    const std::string reason = ExpectLeft(outcome, bytes_);
    EXPECT_TRUE(Matches(reason)) << reason;
    EXPECT_TRUE(IsValidUtf8(reason));
  } else {
    ExpectGoodReason(ExpectRejected(outcome, bytes_));
  }
  ExpectNoLeftOvers();
  ExpectLittleMemory();
}

INSTANTIATE_TEST_SUITE_P(All, HostileArchiveTest,
                         ::testing::ValuesIn(AllHostileCases()),
                         [](const auto& one) { return one.param.name; });

TEST(HostileArchivesTest, AreMany) {
  EXPECT_GE(AllHostileCases().size(), 150u);
}

}  // namespace
}  // namespace levelkeep::test
