// The log format: a tracker, which sees a log while it is written, and a scan
// of the file must agree, for every cut and every damage.

#include "dbfiles/log_format.h"

#include <random>
#include <string>
#include <vector>

#include "base/hash.h"
#include "dbfiles/coding.h"
#include "gtest/gtest.h"

namespace levelkeep {
namespace {

// A write batch with its header; `size` bytes in all.
std::string Batch(uint64_t sequence, uint32_t count, size_t size) {
  std::string batch;
  PutFixed<uint64_t>(&batch, sequence);
  PutFixed<uint32_t>(&batch, count);
  while (batch.size() < size) {
    batch.push_back(static_cast<char>('a' + batch.size() % 26));
  }
  return batch;
}

std::string Fragment(int type, std::string_view payload) {
  const char type_byte = static_cast<char>(type);
  std::string out;
  PutFixed<uint32_t>(&out,
                     MaskCrc32c(Crc32c(Crc32c(0, {&type_byte, 1}), payload)));
  out.push_back(static_cast<char>(payload.size() & 0xff));
  out.push_back(static_cast<char>(payload.size() >> 8));
  out.push_back(type_byte);
  return out.append(payload);
}

// Writes records as LevelDB's writer does, block by block.
class Writer {
 public:
  void Add(std::string_view record) {
    bool first = true;
    do {
      const size_t room = kLogBlockSize - log_.size() % kLogBlockSize;
      if (room < kLogHeaderSize) {
        log_.append(room, '\0');
        continue;
      }
      const std::string_view payload = record.substr(
          0, std::min<size_t>(record.size(), room - kLogHeaderSize));
      record.remove_prefix(payload.size());
      const bool last = record.empty();
      log_ += Fragment(first ? (last ? 1 : 2) : (last ? 4 : 3), payload);
      if (last) break;
      first = false;
    } while (true);
    boundaries_.push_back(log_.size());
  }
  const std::string& log() const { return log_; }
  // Offsets after each record.
  const std::vector<uint64_t>& boundaries() const { return boundaries_; }

 private:
  std::string log_;
  std::vector<uint64_t> boundaries_;
};

LogScan Scan(const std::string& log, bool batches = true,
             std::vector<std::string>* records = nullptr) {
  const auto source = NewStringSource(log);
  const Result<LogScan> scan = ScanLog(*source, log.size(), batches,
                                       [&](std::string_view record) -> Status {
                                         if (records != nullptr)
                                           records->emplace_back(record);
                                         return Status::Ok();
                                       });
  EXPECT_TRUE(scan.ok()) << scan.status().ToString();
  return scan.ok() ? *scan : LogScan();
}

// Record sizes around every edge of a block.
std::vector<size_t> EdgeSizes() {
  const size_t room = kLogBlockSize - kLogHeaderSize;
  return {12,       13,           100,           room - 12,
          room - 8, room - 7,     room - 6,      room - 1,
          room,     room + 1,     room + 7,      2 * room - 1,
          2 * room, 2 * room + 1, 3 * room + 50, 100000};
}

Writer EdgeLog(std::vector<std::string>* records) {
  Writer writer;
  uint64_t sequence = 1;
  for (int round = 0; round < 3; round++) {
    for (const size_t size : EdgeSizes()) {
      const uint32_t count = 1 + static_cast<uint32_t>(size % 7);
      records->push_back(Batch(sequence, count, size));
      sequence += count;
      writer.Add(records->back());
    }
  }
  return writer;
}

TEST(ScanLogTest, ReadsRecordsOfAllSizes) {
  std::vector<std::string> written, read;
  const Writer writer = EdgeLog(&written);
  const LogScan scan = Scan(writer.log(), true, &read);
  EXPECT_EQ(read, written);
  EXPECT_EQ(scan.boundary, writer.log().size());
  EXPECT_EQ(scan.records, written.size());
  EXPECT_EQ(scan.first_sequence, 1u);
  EXPECT_GT(scan.last_sequence, written.size());
  EXPECT_FALSE(scan.torn_tail);
  EXPECT_FALSE(scan.corrupt);
  EXPECT_FALSE(scan.sequence_gap);
}

TEST(ScanLogTest, AnEmptyLogIsWhole) {
  const LogScan scan = Scan("");
  EXPECT_EQ(scan.boundary, 0u);
  EXPECT_FALSE(scan.torn_tail);
  EXPECT_FALSE(scan.corrupt);
}

TEST(ScanLogTest, EveryCutEndsAtTheLastWholeRecord) {
  std::vector<std::string> records;
  const Writer writer = EdgeLog(&records);
  std::mt19937 random(7);
  for (uint64_t cut = 0; cut <= writer.log().size();
       cut += 1 + random() % 99733) {
    uint64_t expected = 0;
    for (const uint64_t boundary : writer.boundaries()) {
      if (boundary <= cut) expected = boundary;
    }
    const LogScan scan = Scan(writer.log().substr(0, cut));
    ASSERT_EQ(scan.boundary, expected) << "cut at " << cut;
    ASSERT_FALSE(scan.corrupt) << "cut at " << cut;
    // The rest is a torn record, or zeros up to the next block.
    const uint64_t room =
        (kLogBlockSize - expected % kLogBlockSize) % kLogBlockSize;
    const bool trailer = room < kLogHeaderSize && cut <= expected + room;
    ASSERT_EQ(scan.torn_tail, cut != expected && !trailer) << "cut at " << cut;
  }
}

TEST(ScanLogTest, EveryCutOfASmallLogIsTornUnlessItIsABoundary) {
  Writer writer;
  writer.Add(Batch(1, 1, 20));
  writer.Add(Batch(2, 1, 30));
  for (size_t cut = 0; cut <= writer.log().size(); cut++) {
    const bool boundary = cut == 0 || cut == writer.boundaries()[0] ||
                          cut == writer.boundaries()[1];
    const LogScan scan = Scan(writer.log().substr(0, cut));
    EXPECT_EQ(scan.torn_tail, !boundary) << cut;
    EXPECT_FALSE(scan.corrupt) << cut;
  }
}

TEST(ScanLogTest, EveryFlippedBitIsFoundAndNothingAfterItIsBelieved) {
  Writer writer;
  writer.Add(Batch(1, 1, 25));
  writer.Add(Batch(2, 2, 40));
  writer.Add(Batch(4, 1, 25));
  const uint64_t second = writer.boundaries()[0];
  const uint64_t third = writer.boundaries()[1];
  for (uint64_t at = second; at < third; at++) {
    for (int bit = 0; bit < 8; bit++) {
      std::string log = writer.log();
      log[at] = static_cast<char>(log[at] ^ (1 << bit));
      const LogScan scan = Scan(log);
      EXPECT_EQ(scan.boundary, second) << at << "." << bit;
      EXPECT_EQ(scan.last_sequence, 1u);
      // A longer length may reach beyond the end, like that of a torn record.
      EXPECT_TRUE(scan.corrupt || scan.torn_tail) << at << "." << bit;
      if (at != second + 4 && at != second + 5) {
        EXPECT_TRUE(scan.corrupt) << at << "." << bit;
      }
    }
  }
}

TEST(ScanLogTest, FragmentsInTheWrongOrderAreCorrupt) {
  const std::string payload = Batch(1, 1, 20);
  const std::string whole = Fragment(1, payload);
  const struct {
    const char* what;
    std::string log;
    uint64_t boundary;
  } cases[] = {
      {"middle first", Fragment(3, payload), 0},
      {"last first", Fragment(4, payload), 0},
      {"full inside a record", Fragment(2, payload) + whole, 0},
      {"first inside a record", Fragment(2, payload) + Fragment(2, payload), 0},
      {"unknown type", whole + Fragment(5, payload), whole.size()},
      {"type 0 with bytes", whole + Fragment(0, payload), whole.size()},
      {"too long for its block",
       whole + std::string("\0\0\0\0\xff\xff\1", 7) + payload, whole.size()},
      {"too short for a batch", whole + Fragment(1, "short"), whole.size()},
  };
  for (const auto& c : cases) {
    const LogScan scan = Scan(c.log);
    EXPECT_TRUE(scan.corrupt) << c.what;
    EXPECT_FALSE(scan.torn_tail) << c.what;
    EXPECT_EQ(scan.boundary, c.boundary) << c.what;
  }
}

// Pages that were lost in a power loss read as zeros.
TEST(ScanLogTest, ZerosToTheEndAreATornTailButZerosBeforeDataAreDamage) {
  const std::string whole = Fragment(1, Batch(1, 1, 20));
  const LogScan tail = Scan(whole + std::string(100000, '\0'));
  EXPECT_TRUE(tail.torn_tail);
  EXPECT_FALSE(tail.corrupt);
  EXPECT_EQ(tail.boundary, whole.size());
  const LogScan hole = Scan(whole + std::string(70000, '\0') + whole);
  EXPECT_TRUE(hole.corrupt);
  EXPECT_FALSE(hole.torn_tail);
  EXPECT_EQ(hole.boundary, whole.size());
}

TEST(ScanLogTest, SeesGapsInSequenceNumbers) {
  const struct {
    std::vector<std::pair<uint64_t, uint32_t>> batches;
    bool gap;
  } cases[] = {
      {{{1, 1}, {2, 3}, {5, 1}}, false},
      {{{700, 2}, {702, 1}}, false},
      {{{1, 0}, {1, 1}, {2, 0}, {2, 2}}, false},  // empty batches
      {{{1, 1}, {3, 1}}, true},
      {{{5, 2}, {6, 1}}, true},
      {{{5, 1}, {5, 1}}, true},
  };
  for (const auto& c : cases) {
    Writer writer;
    for (const auto& [sequence, count] : c.batches) {
      writer.Add(Batch(sequence, count, 30));
    }
    const LogScan scan = Scan(writer.log());
    EXPECT_EQ(scan.sequence_gap, c.gap);
    EXPECT_EQ(scan.first_sequence, c.batches[0].first);
  }
}

// A scan without a receiver keeps no record in memory: a create scans logs
// whose batches may be larger than its memory.
TEST(ScanLogTest, FindsTheSameWithoutTakingRecords) {
  std::string log;
  for (const size_t size : {12u, 40'000u, 13u, 200'000u}) {
    // One batch in each log, because FrameAsLog begins a file.
    std::string batch(size, 'x');
    batch.replace(0, 12, std::string("\x07\0\0\0\0\0\0\0\x02\0\0\0", 12));
    log = FrameAsLog(batch);
    const auto source = NewStringSource(log);
    const auto taken = ScanLog(*source, log.size(), true,
                               [](std::string_view) { return Status::Ok(); });
    const auto scanned = ScanLog(*source, log.size(), true, nullptr);
    ASSERT_TRUE(taken.ok() && scanned.ok());
    EXPECT_EQ(scanned->boundary, taken->boundary);
    EXPECT_EQ(scanned->records, 1u);
    EXPECT_EQ(scanned->first_sequence, 7u);
    EXPECT_EQ(scanned->last_sequence, 8u);
    EXPECT_FALSE(scanned->corrupt || scanned->torn_tail);
  }
}

TEST(ScanLogTest, StopsWithTheErrorOfItsCaller) {
  Writer writer;
  writer.Add(Batch(1, 1, 20));
  writer.Add(Batch(2, 1, 20));
  const auto source = NewStringSource(writer.log());
  int calls = 0;
  const Result<LogScan> scan =
      ScanLog(*source, writer.log().size(), true, [&](std::string_view) {
        calls++;
        return Status(StatusCode::kCancelled, "enough");
      });
  EXPECT_EQ(scan.status().code(), StatusCode::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST(ScanLogTest, ALogShorterThanPromisedIsAnError) {
  const auto source = NewStringSource("short");
  EXPECT_FALSE(ScanLog(*source, 100, true, nullptr).ok());
}

TEST(FrameAsLogTest, IsReadBackWhole) {
  for (const size_t size : EdgeSizes()) {
    const std::string record = Batch(9, 1, size);
    std::vector<std::string> read;
    const std::string log = FrameAsLog(record);
    const LogScan scan = Scan(log, true, &read);
    ASSERT_EQ(read.size(), 1u) << size;
    EXPECT_EQ(read[0], record);
    EXPECT_EQ(scan.boundary, log.size());
  }
  EXPECT_EQ(Scan(FrameAsLog(""), false).records, 1u);
}

TEST(LogTrackerTest, FollowsAnyPartitionOfTheBytes) {
  std::vector<std::string> written;
  const Writer writer = EdgeLog(&written);
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    std::mt19937 random(seed);
    std::vector<std::string> read;
    LogTracker tracker;
    tracker.SetRecordCallback(
        [&](std::string_view record) { read.emplace_back(record); });
    std::string_view rest = writer.log();
    uint64_t fed = 0;
    while (!rest.empty()) {
      const size_t size = std::min<size_t>(
          rest.size(), seed == 1 ? 1 + random() % 10 : random() % 50000);
      tracker.Feed(rest.substr(0, size));
      rest.remove_prefix(size);
      fed += size;
      ASSERT_LE(tracker.boundary(), fed);
      ASSERT_TRUE(tracker.well_formed());
    }
    EXPECT_EQ(read, written);
    EXPECT_EQ(tracker.boundary(), writer.log().size());
    EXPECT_EQ(tracker.last_sequence(), Scan(writer.log()).last_sequence);
  }
}

TEST(LogTrackerTest, AgreesWithTheScanAtEveryCut) {
  std::vector<std::string> records;
  const Writer writer = EdgeLog(&records);
  std::mt19937 random(11);
  LogTracker tracker;
  for (uint64_t fed = 0; fed < writer.log().size();) {
    const uint64_t size =
        std::min<uint64_t>(writer.log().size() - fed, 1 + random() % 9000);
    tracker.Feed(std::string_view(writer.log()).substr(fed, size));
    fed += size;
    const LogScan scan = Scan(writer.log().substr(0, fed));
    ASSERT_EQ(tracker.boundary(), scan.boundary) << fed;
    ASSERT_EQ(tracker.last_sequence(), scan.last_sequence) << fed;
  }
}

TEST(LogTrackerTest, GoesOnFromTheEndOfAnExistingLog) {
  Writer writer;
  for (uint64_t i = 1; i < 400; i++) writer.Add(Batch(i, 1, 500));
  for (const size_t known : {size_t{0}, size_t{63}, size_t{64}, size_t{397}}) {
    const uint64_t start = writer.boundaries()[known];
    LogTracker tracker(start);
    EXPECT_EQ(tracker.boundary(), start);
    tracker.Feed(std::string_view(writer.log()).substr(start));
    EXPECT_TRUE(tracker.well_formed());
    EXPECT_EQ(tracker.boundary(), writer.log().size());
    EXPECT_EQ(tracker.last_sequence(), 399u);
  }
}

TEST(LogTrackerTest, NoticesWhatIsNotALogAndKeepsItsBoundary) {
  const std::string whole = Fragment(1, Batch(1, 1, 20));
  for (const std::string& bad :
       {Fragment(3, "x"), Fragment(4, "x"), Fragment(0, "x"), Fragment(9, "x"),
        std::string("\0\0\0\0\xff\xff\1", 7)}) {
    LogTracker tracker;
    tracker.Feed(whole);
    tracker.Feed(bad);
    tracker.Feed(whole);
    EXPECT_FALSE(tracker.well_formed());
    EXPECT_EQ(tracker.boundary(), whole.size());
  }
}

}  // namespace
}  // namespace levelkeep
