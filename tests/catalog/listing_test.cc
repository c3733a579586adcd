#include "catalog/listing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "catalog/entries.h"

namespace levelkeep {
namespace {

using test::Entry;
using test::Hour;
using test::Names;
using test::ToListing;
using test::WithRecord;

std::vector<std::string> Sorted(const std::vector<CatalogEntry>& entries) {
  return Names(ToListing(entries));
}

TEST(ListingTest, NewestFirstByTime) {
  EXPECT_EQ(Sorted({Entry(1), Entry(3), Entry(2)}),
            Names({Entry(3), Entry(2), Entry(1)}));
}

TEST(ListingTest, ClockSetBackDoesNotReorderOneEpoch) {
  // Sequence 20 was made when the clock was three hours behind.
  const auto a = Entry(5, 10, "e"), b = Entry(2, 20, "e"),
             c = Entry(3, 30, "e");
  EXPECT_EQ(Sorted({a, b, c}), Names({c, b, a}));
}

TEST(ListingTest, EpochsAreOrderedByTime) {
  // After a restore, sequences may start lower.
  const auto a = Entry(1, 500, "old"), b = Entry(2, 600, "old"),
             c = Entry(3, 550, "new");
  EXPECT_EQ(Sorted({b, c, a}), Names({c, b, a}));
}

// The clock was ahead at first, and was set right around a restore.
TEST(ListingTest, BackupMadeByAClockSetBackIsTheNewestAllTheSame) {
  std::vector<CatalogEntry> entries = {Entry(500, 10, "old"),
                                       Entry(510, 20, "old")};
  for (int hour = 1; hour <= 3; ++hour) {
    auto made = Entry(hour, static_cast<uint64_t>(10 + hour), "new");
    made.manifest->order_time =
        ToListing(entries).OrderTimeAt(made.manifest->created);
    ASSERT_TRUE(made.manifest->order_time) << hour;
    EXPECT_GT(*made.manifest->order_time, Hour(510));
    EXPECT_EQ(made.created(), Hour(hour));
    entries.push_back(made);
    EXPECT_EQ(Sorted(entries).front(), made.name);
  }
  // The backups of the next histories are newest too, before and after the
  // clock reaches the old times.
  auto later = Entry(4, 1, "next");
  later.manifest->order_time = ToListing(entries).OrderTimeAt(later.created());
  entries.push_back(later);
  EXPECT_EQ(Sorted(entries).front(), later.name);
  entries.push_back(Entry(511, 1, "last"));
  EXPECT_EQ(Sorted(entries).front(), entries.back().name);
}

TEST(ListingTest, ClockThatIsRightNeedsNoOrderTime) {
  EXPECT_EQ(ToListing({}).OrderTimeAt(Hour(1)), std::nullopt);
  const Listing listing = ToListing({Entry(1), Entry(3), Entry(2)});
  EXPECT_EQ(listing.OrderTimeAt(Hour(3)), std::nullopt);
  EXPECT_EQ(listing.OrderTimeAt(Hour(4)), std::nullopt);
  const auto millis = std::chrono::milliseconds(1);
  EXPECT_EQ(listing.OrderTimeAt(Hour(3) - millis), Hour(3) + millis);
  // An order time in the manifest counts, too.
  auto ahead = Entry(2);
  ahead.manifest->order_time = Hour(9);
  EXPECT_EQ(ToListing({ahead}).OrderTimeAt(Hour(8)), Hour(9) + millis);
  ahead.manifest->order_time = Hour(1);  // before its own time
  EXPECT_EQ(ToListing({ahead}).OrderTimeAt(Hour(1)), Hour(2) + millis);
}

TEST(ListingTest, BehindTheEndOfTimeNothingIsOrdered) {
  auto entry = Entry(1);
  entry.manifest->created = kLatestTime;
  EXPECT_EQ(ToListing({entry}).OrderTimeAt(Hour(1)), std::nullopt);
  entry.manifest->created = kLatestTime - std::chrono::milliseconds(1);
  EXPECT_EQ(ToListing({entry}).OrderTimeAt(Hour(1)), kLatestTime);
}

TEST(ListingTest, ForeignOnesAreOrderedByTheTimeInTheirName) {
  auto foreign = Entry(2);
  foreign.manifest.reset();
  foreign.foreign = true;
  const auto a = Entry(1, 1, "e"), b = Entry(3, 2, "e");
  EXPECT_EQ(Sorted({foreign, a, b}), Names({b, foreign, a}));
}

TEST(ListingTest, CounterBreaksTies) {
  auto a = Entry(1, 7, "e"), b = a, c = a;
  b.parsed.counter = 2;
  b.name = FormatBackupName(b.parsed);
  c.parsed.counter = 10;
  c.name = FormatBackupName(c.parsed);
  EXPECT_EQ(Sorted({c, a, b}), Names({c, b, a}));
}

TEST(ListingTest, DoesNotDependOnTheOrderOfTheInput) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 500; round++) {
    std::vector<CatalogEntry> entries;
    for (int i = 0; i < 12; i++) {
      auto entry = Entry(static_cast<int>(random() % 6), random() % 5,
                         std::string(random() % 3, 'e'));
      entry.parsed.counter = i + 1;
      entry.name = FormatBackupName(entry.parsed);
      entries.push_back(entry);
    }
    const auto once = Sorted(entries);
    std::shuffle(entries.begin(), entries.end(), random);
    EXPECT_EQ(Sorted(entries), once);
    const Listing listing = ToListing(entries);
    for (size_t i = 0; i < entries.size(); i++) {
      for (size_t j = i + 1; j < entries.size(); j++) {
        const Manifest& newer = *listing.entries()[i]->manifest;
        const Manifest& older = *listing.entries()[j]->manifest;
        if (newer.db_epoch != older.db_epoch || newer.db_epoch.empty()) {
          continue;
        }
        EXPECT_GE(newer.last_sequence, older.last_sequence);
      }
    }
  }
}

TEST(ListingTest, CountsWhatHealthAsksFor) {
  auto damaged = WithRecord(Entry(9, 90, "new"), false, VerifyDepth::kFull);
  auto unreadable = Entry(8);
  unreadable.manifest.reset();
  auto foreign = Entry(7);
  foreign.manifest.reset();
  foreign.foreign = true;
  const auto checked =
      WithRecord(Entry(6, 60, "new"), true, VerifyDepth::kStructure);
  const auto verified =
      WithRecord(Entry(5, 50, "old"), true, VerifyDepth::kFull);
  std::vector<CatalogEntry> entries = {
      verified, foreign, Entry(4, 40, "old"), damaged, unreadable, checked};
  for (CatalogEntry& entry : entries) entry.size_bytes = 7;
  const Listing listing = ToListing(entries);
  EXPECT_EQ(listing.size(), 6u);
  EXPECT_EQ(listing.total_bytes(), 42u);
  EXPECT_EQ(listing.newest_good()->name, foreign.name);
  EXPECT_EQ(listing.newest_usable()->name, checked.name);
  EXPECT_EQ(listing.newest_verified()->name, verified.name);
  EXPECT_EQ(listing.NewestOfEpoch("new")->name, checked.name);
  EXPECT_EQ(listing.NewestOfEpoch("old")->name, verified.name);
  EXPECT_EQ(listing.NewestOfEpoch("none"), nullptr);
  ASSERT_EQ(listing.bad().size(), 2u);
  EXPECT_EQ(listing.bad()[0]->name, damaged.name);
  EXPECT_EQ(listing.bad()[1]->name, unreadable.name);
}

TEST(ListingTest, AnEmptyOneHasNothing) {
  const Listing listing;
  EXPECT_TRUE(listing.empty());
  EXPECT_EQ(listing.newest_good(), nullptr);
  EXPECT_EQ(listing.newest_usable(), nullptr);
  EXPECT_EQ(listing.newest_verified(), nullptr);
  EXPECT_EQ(listing.NewestOfEpoch(""), nullptr);
}

}  // namespace
}  // namespace levelkeep
