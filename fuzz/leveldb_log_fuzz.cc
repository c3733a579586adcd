// LevelDB's log format, as its reader (ScanLog) and the watcher of its writer
// (LogTracker) see it. The first byte says what is fuzzed:
//   0  the whole file
//   1  fragments with right checksums
//   2  whole records
// Both must find the same records, however the bytes arrive and wherever the
// file ends.

#include <optional>
#include <vector>

#include "base/file_system.h"
#include "dbfiles/log_format.h"
#include "log_builder.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

struct Seen {
  std::vector<std::string> records;
  std::vector<uint64_t> ends;
  uint64_t boundary = 0;
  uint64_t last_sequence = 0;
  bool well_formed = true;
  bool operator==(const Seen&) const = default;
};

// `steps` are the sizes of the pieces, in turn.
Seen Track(std::string_view log, const std::vector<size_t>& steps,
           uint64_t from = 0) {
  LogTracker tracker(from);
  Seen seen;
  tracker.SetRecordCallback([&](std::string_view record) {
    seen.records.emplace_back(record);
    seen.ends.push_back(tracker.boundary());
  });
  log.remove_prefix(from);
  for (size_t i = 0; !log.empty(); ++i) {
    const std::string_view piece = log.substr(0, steps[i % steps.size()]);
    tracker.Feed(piece);
    log.remove_prefix(piece.size());
  }
  seen.boundary = tracker.boundary();
  seen.last_sequence = tracker.last_sequence();
  seen.well_formed = tracker.well_formed();
  return seen;
}

struct Scanned {
  LogScan scan;
  std::vector<std::string> records;
};

Scanned Scan(const std::string& log, bool batches) {
  Scanned scanned;
  const auto source = NewStringSource(log);
  const auto scan =
      ScanLog(*source, log.size(), batches, [&](std::string_view record) {
        scanned.records.emplace_back(record);
        return Status::Ok();
      });
  RequireOk(scan.status(), "a log in memory can be read");
  scanned.scan = *scan;
  Require(scan->records == scanned.records.size(), "records are counted");
  return scanned;
}

void CheckAgreement(const std::string& log, const Seen& seen,
                    const Scanned& scanned) {
  const size_t count = scanned.records.size();
  // The tracker does not check checksums, so that it may find more.
  Require(count <= seen.records.size(), "what ScanLog reads was written");
  for (size_t i = 0; i < count; ++i) {
    Require(scanned.records[i] == seen.records[i],
            "ScanLog reads what was written");
  }
  Require(scanned.scan.boundary == (count == 0 ? 0 : seen.ends[count - 1]),
          "both know where a record ends");
  Require(scanned.scan.boundary <= log.size(), "a boundary is in the file");
  if (scanned.scan.corrupt) return;
  Require(count == seen.records.size(), "both find all records");
  if (!scanned.scan.torn_tail) {
    Require(seen.well_formed, "a whole log is well formed");
  }
}

// A log that is cut holds exactly the records that end before the cut.
void CheckPrefix(const std::string& log, const Seen& seen,
                 const Scanned& scanned, uint64_t cut) {
  const uint64_t size = cut % (log.size() + 1);
  uint64_t expected = 0;
  for (size_t i = 0; i < scanned.records.size() && seen.ends[i] <= size; ++i) {
    expected = seen.ends[i];
  }
  const Scanned prefix = Scan(log.substr(0, size), false);
  Require(prefix.scan.boundary == expected,
          "a cut log holds the records before the cut");
  if (expected == size) {
    Require(!prefix.scan.torn_tail && !prefix.scan.corrupt,
            "a log that is cut between records is whole");
  }
}

void CheckSequences(const std::string& log, const Seen& seen) {
  const Scanned batches = Scan(log, true);
  if (batches.scan.corrupt || batches.scan.records == 0) return;
  Require(batches.scan.last_sequence == seen.last_sequence,
          "both know the last sequence number");
}

// `good_records` becomes the number of its records if that is known.
std::string MakeLog(FuzzedBytes* input, std::optional<size_t>* good_records) {
  LogBuilder builder;
  switch (input->Byte() % 3) {
    case 0:
      builder.AddBytes(input->Rest());
      break;
    case 1:
      while (!input->empty()) {
        const uint8_t type = input->Byte();
        builder.AddFragment(type % 8, input->Piece());
        if (type >= 0xf0) builder.AddBytes(std::string(type & 15, '\0'));
      }
      break;
    default:
      *good_records = 0;
      while (!input->empty()) {
        // Long records, too: blocks are of 32 KiB.
        const size_t longer = size_t{input->Byte()} * 131;
        std::string record(input->Piece());
        if (record.empty()) record = "x";
        const size_t unit = record.size();
        while (record.size() < longer) record += record.substr(0, unit);
        builder.AddRecord(record);
        ++**good_records;
      }
  }
  return builder.log();
}

}  // namespace

void Run(FuzzedBytes input) {
  const uint64_t cut = input.Number();
  const std::vector<size_t> steps = {size_t{input.Byte()} + 1,
                                     size_t{input.Byte()} * 37 + 1,
                                     size_t{input.Byte()} * 257 + 1};
  std::optional<size_t> good_records;
  const std::string log = MakeLog(&input, &good_records);
  const Seen whole = Track(log, {log.size() + 1});
  Require(!good_records || (whole.records.size() == *good_records &&
                            whole.boundary == log.size()),
          "each good record is seen");
  Require(Track(log, steps) == whole, "pieces of a log are the log");
  const Scanned scanned = Scan(log, false);
  CheckAgreement(log, whole, scanned);
  CheckPrefix(log, whole, scanned, cut);
  CheckSequences(log, whole);
  if (whole.ends.empty()) return;
  const size_t middle = cut % whole.ends.size();
  const Seen rest = Track(log, steps, whole.ends[middle]);
  Require(rest.boundary == whole.boundary &&
              rest.records.size() == whole.records.size() - middle - 1,
          "a tracker that starts in the middle sees the rest");
  const Scanned framed = Scan(FrameAsLog(whole.records[middle]), false);
  Require(framed.records.size() == 1 && !framed.scan.torn_tail &&
              framed.records[0] == whole.records[middle],
          "a framed record comes back as it was");
}

}  // namespace levelkeep::fuzz
