#include <climits>

#include "base/record.h"
#include "gtest/gtest.h"
#include "restore/swap.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

class JournalTest : public ::testing::Test {
 protected:
  JournalTest() {
    context_.fs = FileSystem::Posix();
    context_.options.storage_dir = temp_.path();
    context_.options.db_name = "db";
    EXPECT_TRUE(CreateDirectories(context_.fs, context_.work_dir()).ok());
  }
  TempDir temp_;
  RestoreContext context_;
};

TEST_F(JournalTest, ComesBackAsItWas) {
  Journal journal;
  journal.id = "1234";
  journal.kind = JournalKind::kUndo;
  journal.state = JournalState::kRolledBack;
  journal.incoming = "rollback-1";
  journal.outgoing = "rollback-2";
  journal.old_inode = 5;
  journal.new_inode = 6;
  journal.old_sequence = 7;
  journal.crashes = 2;
  journal.reason = "it did not open";
  journal.reject = true;
  journal.drop = {"x.tar.gz", 8, 9, 10};
  journal.outcome.archive_name = "x.tar.gz";
  journal.outcome.archive_sha256 = "abcd";
  journal.outcome.own = true;
  journal.outcome.epoch = "e";
  journal.outcome.last_sequence = 11;
  journal.outcome.content_bytes = 12;
  ASSERT_TRUE(StoreJournal(context_, journal).ok());
  const auto loaded = LoadJournal(context_);
  ASSERT_TRUE(loaded.ok()) << loaded.status().ToString();
  EXPECT_EQ(loaded->id, journal.id);
  EXPECT_EQ(loaded->kind, journal.kind);
  EXPECT_EQ(loaded->state, journal.state);
  EXPECT_EQ(loaded->incoming, journal.incoming);
  EXPECT_EQ(loaded->outgoing, journal.outgoing);
  EXPECT_EQ(loaded->old_inode, 5u);
  EXPECT_EQ(loaded->new_inode, 6u);
  EXPECT_EQ(loaded->old_sequence, 7u);
  EXPECT_EQ(loaded->crashes, 2u);
  EXPECT_EQ(loaded->reason, journal.reason);
  EXPECT_TRUE(loaded->reject);
  EXPECT_TRUE(loaded->drop.LooksLike(journal.drop));
  EXPECT_EQ(loaded->outcome.archive_sha256, "abcd");
  EXPECT_TRUE(loaded->outcome.own);
  EXPECT_EQ(loaded->outcome.epoch, "e");
  EXPECT_EQ(loaded->outcome.last_sequence, 11u);
  EXPECT_EQ(loaded->outcome.content_bytes, 12u);
  ASSERT_TRUE(RemoveJournal(context_).ok());
  EXPECT_EQ(LoadJournal(context_).status().code(), StatusCode::kNotFound);
}

TEST_F(JournalTest, TellsDatabasesByEpochsOrAsTheOldVersionByInodes) {
  Journal journal;
  journal.incoming = "staging-1";
  journal.outgoing = "rollback-1";
  journal.new_epoch = std::string(32, 'b');
  journal.old_inode = 5;  // not used if there are epochs
  ASSERT_TRUE(StoreJournal(context_, journal).ok());
  auto loaded = LoadJournal(context_);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->new_epoch, journal.new_epoch);
  EXPECT_EQ(loaded->old_inode, 0u);
  EXPECT_FALSE(loaded->had_old());
  journal.old_epoch = std::string(32, 'a');
  ASSERT_TRUE(StoreJournal(context_, journal).ok());
  loaded = LoadJournal(context_);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->old_epoch, journal.old_epoch);
  EXPECT_TRUE(loaded->had_old());
}

TEST_F(JournalTest, StateOfALaterVersionIsCorruption) {
  Journal journal;
  journal.incoming = "staging-1";
  journal.outgoing = "rollback-1";
  ASSERT_TRUE(StoreJournal(context_, journal).ok());
  ASSERT_TRUE(LoadJournal(context_).ok());
  constexpr std::string_view kJournal = "levelkeep journal 1";
  const std::string path = context_.InWork("journal");
  auto record = LoadRecord(context_.fs, path, kJournal);
  ASSERT_TRUE(record.ok());
  record->Set("state", "half-swapped");
  ASSERT_TRUE(StoreRecord(context_.fs, path, kJournal, *record).ok());
  const Status status = LoadJournal(context_).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_EQ(status.message(), path + " has invalid fields");
}

TEST_F(JournalTest, NamesThatLeadElsewhereAreCorruption) {
  const std::string long_name(NAME_MAX + 1, 'a');
  for (const char* name :
       {"", "..", ".", "../x", "a/b", "/etc", long_name.c_str()}) {
    Journal journal;
    journal.incoming = name;
    journal.outgoing = "rollback-1";
    ASSERT_TRUE(StoreJournal(context_, journal).ok());
    EXPECT_EQ(LoadJournal(context_).status().code(), StatusCode::kCorruption)
        << name;
    if (*name == '\0') continue;  // means: no drop
    journal.incoming = "staging-1";
    journal.drop.name = name;
    ASSERT_TRUE(StoreJournal(context_, journal).ok());
    EXPECT_EQ(LoadJournal(context_).status().code(), StatusCode::kCorruption)
        << name << " in restore/";
  }
}

}  // namespace
}  // namespace levelkeep::test
