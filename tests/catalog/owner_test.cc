// Which backups count for a database: pure functions over made-up entries.

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "catalog/entries.h"
#include "catalog/listing.h"
#include "catalog/retention.h"

namespace levelkeep::test {
namespace {

const std::string kOurs(32, 'a');
const std::string kTheirs(32, 'b');

CatalogEntry Of(const std::string& id, CatalogEntry entry) {
  entry.manifest->db_id = id;
  return entry;
}
CatalogEntry Verified(CatalogEntry entry) {
  return WithRecord(std::move(entry), true, VerifyDepth::kFull);
}

Owner Us(bool alone = true) {
  return Owner{.known = true, .id = kOurs, .alone = alone};
}

Listing ListOf(const std::vector<CatalogEntry>& entries, const Owner& owner) {
  std::vector<Listing::Entry> shared;
  for (const CatalogEntry& entry : entries) {
    shared.push_back(std::make_shared<const CatalogEntry>(entry));
  }
  return Listing(std::move(shared), owner);
}

// The names of the backups that are removed.
std::vector<std::string> Removed(const Listing& listing, int max, int now,
                                 int days = 0) {
  RetentionPolicy policy;
  policy.max_backups = max;
  policy.verification_expected = false;
  policy.history = std::chrono::days(days);
  std::vector<std::string> names;
  for (const auto& decision :
       DecideRetention(RetentionItems(listing), policy, Hour(now))) {
    if (!decision.keep) names.push_back(decision.name);
  }
  return names;
}

TEST(OwnerTest, OthersAreListedAndCountForNothing) {
  const CatalogEntry own = Verified(Of(kOurs, Entry(1)));
  CatalogEntry other = Verified(Of(kTheirs, Entry(2)));
  other.size_bytes = 100;
  CatalogEntry bad =
      WithRecord(Of(kTheirs, Entry(3)), false, VerifyDepth::kFull);
  const Listing listing = ListOf({own, other, bad}, Us());
  EXPECT_EQ(listing.size(), 3u);
  EXPECT_EQ(listing.count(), 1u);
  EXPECT_EQ(listing.total_bytes(), 0u);
  EXPECT_TRUE(listing.bad().empty());
  EXPECT_EQ(listing.newest_usable()->name, own.name);
  EXPECT_EQ(listing.newest_good()->name, own.name);
  EXPECT_EQ(listing.newest_verified()->name, own.name);
  EXPECT_TRUE(
      Removed(ListOf({Of(kOurs, Entry(5)), other, bad}, Us()), 1, 9).empty());
}

TEST(OwnerTest, NamelessOnesAreOursWhileWeAreAlone) {
  const CatalogEntry nameless = Entry(2);
  const CatalogEntry own = Of(kOurs, Entry(1));
  EXPECT_EQ(ListOf({own, nameless}, Us()).newest_usable()->name, nameless.name);
  // Another database is remembered, or its backups are there.
  const Listing remembered = ListOf({own, nameless}, Us(/*alone=*/false));
  EXPECT_EQ(remembered.newest_usable()->name, own.name);
  EXPECT_EQ(remembered.count(), 2u) << "it is still listed and counted";
  const Listing shared = ListOf({own, nameless, Of(kTheirs, Entry(3))}, Us());
  EXPECT_EQ(shared.newest_usable()->name, own.name);
  EXPECT_TRUE(
      Removed(
          ListOf({Of(kOurs, Entry(5)), nameless, Of(kTheirs, Entry(3))}, Us()),
          1, 9)
          .empty());
}

TEST(OwnerTest, WhoKnowsNoDatabaseSeesAllAndRemovesNothing) {
  const std::vector<CatalogEntry> one = {Of(kOurs, Entry(1)),
                                         Of(kOurs, Entry(2)), Entry(3)};
  const Listing listing = ListOf(one, Owner());
  EXPECT_EQ(listing.newest_usable()->name, one[2].name);
  EXPECT_FALSE(listing.ambiguous());
  EXPECT_TRUE(Removed(listing, 1, 9).empty());

  const Listing two = ListOf({one[0], Of(kTheirs, Entry(2))}, Owner());
  EXPECT_EQ(two.newest_usable(), nullptr);
  EXPECT_TRUE(two.ambiguous());
  EXPECT_EQ(two.count(), 2u);
}

// A database that is about to get its identity.
TEST(OwnerTest, ADatabaseWithoutIdentityOwnsWhatNamesNone) {
  const Owner fresh{.known = true, .id = "", .alone = true};
  const CatalogEntry nameless = Entry(1);
  EXPECT_EQ(ListOf({nameless}, fresh).newest_usable()->name, nameless.name);
  EXPECT_EQ(ListOf({nameless, Of(kTheirs, Entry(2))}, fresh).newest_usable(),
            nullptr);
}

TEST(HistoryTest, TheLastVerifiedOneOfAnEndedHistoryStaysForAWhile) {
  const std::vector<CatalogEntry> entries = {
      Verified(Of(kOurs, Entry(1, 10, "old"))),
      Verified(Of(kOurs, Entry(2, 20, "old"))), Of(kOurs, Entry(3, 30, "old")),
      Verified(Of(kOurs, Entry(24, 5, "new"))),
      Verified(Of(kOurs, Entry(25, 6, "new")))};
  const Listing listing = ListOf(entries, Us());
  // The days count from the first backup of the next history, not from the age
  // of the backup itself.
  const std::vector<std::string> others = {entries[2].name, entries[0].name};
  EXPECT_EQ(Removed(listing, 2, 24 + 24 - 1, /*days=*/1), others);
  EXPECT_EQ(Removed(listing, 2, 24 + 24, /*days=*/1),
            (std::vector<std::string>{entries[2].name, entries[1].name,
                                      entries[0].name}));
  EXPECT_EQ(Removed(listing, 2, 20, /*days=*/1), others)
      << "a clock set back removes nothing";
}

// The sequence of a logical backup counts keys: it falls when keys are deleted.
TEST(LogicalTest, IsOrderedByItsTime) {
  CatalogEntry more = Of(kOurs, Entry(1, 1000, "e"));
  CatalogEntry fewer = Of(kOurs, Entry(2, 400, "e"));
  more.manifest->snapshot_method = fewer.manifest->snapshot_method = "logical";
  const CatalogEntry hot = Of(kOurs, Entry(3, 2000, "e"));
  const CatalogEntry hot_earlier = Of(kOurs, Entry(0, 1500, "e"));
  const Listing listing = ListOf({more, fewer, hot, hot_earlier}, Us());
  EXPECT_EQ(Names(listing),
            (std::vector<std::string>{hot.name, fewer.name, more.name,
                                      hot_earlier.name}));
  EXPECT_EQ(listing.NewestOfEpoch("e")->name, hot.name);
  EXPECT_EQ(ListOf({more, fewer}, Us()).NewestOfEpoch("e"), nullptr);
}

}  // namespace
}  // namespace levelkeep::test
