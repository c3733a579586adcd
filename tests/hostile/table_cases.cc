// Tables and logs whose checksums are right and whose content is not. LevelDB
// crashes on some of them, and believes others.

#include "dbfiles/log_format.h"
#include "hostile/database_case.h"
#include "hostile/memory_peak.h"

namespace levelkeep::test {
namespace {

Spoil OneTable(const KeyValues& entries, const TableLies& lies = {}) {
  return [=](Files* files) {
    *files = CraftedFiles({{TableBytes(entries, lies), entries.front().first,
                            entries.back().first, 0}});
  };
}

Spoil Lying(const std::function<void(TableLies*)>& lie) {
  TableLies lies;
  lie(&lies);
  return OneTable(TwoKeys(), lies);
}

// With sanitizers, the child dies if LevelDB asks for exbibytes.
const char* const kAnyDeath =
    kMemoryCounts
        ? "LevelDB can't (open|read) (the database|table)|made LevelDB|"
          "table .* (begins|ends|holds)"
        : "LevelDB can't (open|read) (the database|table)|made LevelDB|"
          "table .* (begins|ends|holds)|ended without a report";

// Sanitizers do not limit memory: LevelDB unpacks everything and refuses it.
const char* const kUnpacked =
    kMemoryCounts ? "needs more memory than" : kAnyDeath;
const StatusCode kUnpackedCode =
    kMemoryCounts ? StatusCode::kNotChecked : StatusCode::kCorruption;

// A need for more memory than the check may take is no evidence of damage: such
// a large record might be true.
const char* const kHunger = kMemoryCounts ? "needs more memory than"
                                          : "needs more memory than|"
                                            "ended without a report";

void AddKeys(DatabaseCases* list) {
  const std::string order =
      "table .* holds keys that are not in order|"
      "keys are not in order";
  list->InCheckOfForeign("keys_out_of_order",
                         OneTable({{InternalKey("b", 1), "1"},
                                   {InternalKey("a", 2), "2"},
                                   {InternalKey("c", 3), "3"}}),
                         order, {{"b", "1"}, {"c", "3"}});
  list->InCheckOfForeign(
      "key_twice",
      OneTable({{InternalKey("a", 1), "1"}, {InternalKey("a", 1), "2"}}), order,
      {{"a", "1"}});
  list->InCheckOfForeign("older_before_newer",
                         OneTable({{InternalKey("a", 1), "1"},
                                   {InternalKey("a", 2), "2"},
                                   {InternalKey("b", 3), "3"}}),
                         order, {{"a", "1"}, {"b", "3"}});
  list->InCheck(
      "keys_too_short",
      [](Files* files) {
        *files = CraftedFiles({{TableBytes({{"a", "1"}, {"b", "2"}}),
                                InternalKey("a", 1), InternalKey("b", 2), 0}});
      },
      kAnyDeath);
  list->InCheck(
      "key_type_unknown",
      OneTable({{InternalKey("a", 1, 2), "1"}, {InternalKey("b", 2), "2"}}),
      kAnyDeath);
  list->InCheck("key_empty_of_all", Lying([](TableLies* lies) {
                  lies->block = [](std::string* block) {
                    block->replace(0, 3, std::string("\0\0\x0a", 3));
                  };
                }),
                kAnyDeath);
  // Keys newer than the newest write: no reader sees them, and they would hide
  // later writes of the same key.
  list->InCheckOfForeign("key_of_the_future",
                         OneTable({{InternalKey("a", 1), "1"},
                                   {InternalKey("b", 1'000'000), "2"}}),
                         "holds a write .* newer", {{"a", "1"}});
  list->InCheckOfForeign("all_keys_of_the_future",
                         OneTable({{InternalKey("a", uint64_t{1} << 55), "1"}}),
                         "holds a write .* newer", {});
  const CraftedTable low = {
      TableBytes({{InternalKey("a", 1), "1"}, {InternalKey("c", 2), "2"}}),
      InternalKey("a", 1), InternalKey("c", 2), 1};
  const CraftedTable high = {
      TableBytes({{InternalKey("b", 3), "1"}, {InternalKey("d", 4), "2"}}),
      InternalKey("b", 3), InternalKey("d", 4), 1};
  list->InCheck(
      "tables_overlap_on_a_level",
      [=](Files* files) {
        *files = CraftedFiles({low, high});
      },
      "made LevelDB abort");
}

void AddBlocks(DatabaseCases* list) {
  const auto block = [](const std::function<void(std::string*)>& change) {
    return Lying([&](TableLies* lies) { lies->block = change; });
  };
  list->InCheck("block_of_nothing", block([](std::string* b) { b->clear(); }),
                kAnyDeath);
  list->InCheck("block_restarts_maximum", block([](std::string* b) {
                  b->replace(b->size() - 4, 4, "\xff\xff\xff\xff");
                }),
                kAnyDeath);
  list->InCheckOfForeign("block_restart_outside", block([](std::string* b) {
                           b->replace(b->size() - 8, 4, "\xff\xff\xff\x7f");
                         }),
                         kAnyDeath, {});
  list->InCheck("block_key_longer_than_block",
                block([](std::string* b) { b->replace(1, 1, "\x7f"); }),
                kAnyDeath);
  list->InCheck("block_shares_before_begin",
                block([](std::string* b) { b->replace(0, 1, "\x7f"); }),
                kAnyDeath);
  list->InCheck("block_value_of_4_gib", block([](std::string* b) {
                  b->replace(2, 1, "\xff\xff\xff\xff\x0f");
                }),
                kAnyDeath);
  list->InCheck("block_of_garbage",
                block([](std::string* b) { b->assign(4000, '\xa5'); }),
                kAnyDeath);
  const auto packed = [](char compression, const std::string& content) {
    return Lying([&](TableLies* lies) {
      lies->compression = compression;
      lies->block = [content](std::string* b) {
        if (!content.empty()) *b = content;
      };
    });
  };
  // The checksums are right: a program wrote these types on purpose.
  list->InCheck("compression_unknown", packed(77, ""),
                "tables are compressed \\(block type 77\\)",
                StatusCode::kUnsupported);
  list->InCheck("compression_zlib", packed(2, "\x78\x9c and so on"),
                "tables are compressed with zlib \\(block type 2\\)",
                StatusCode::kUnsupported);
  list->InCheck("compression_zstd", packed(2, "\x28\xb5\x2f\xfd and so on"),
                "tables are compressed with zstd \\(block type 2\\)",
                StatusCode::kUnsupported);
  list->InCheck("compression_snappy_of_garbage", packed(1, "hello hello"),
                kAnyDeath);
  list->InCheck("compression_snappy_of_4_gib",
                packed(1, "\xf0\xff\xff\xff\x0fxyz"), kUnpacked, kUnpackedCode);
  list->InCheck("compression_snappy_of_1_gib",
                packed(1, "\x80\x80\x80\x80\x04xyz"), kUnpacked, kUnpackedCode);
}

void AddHandles(DatabaseCases* list) {
  const auto place = [](uint64_t offset, uint64_t size) {
    return Lying([=](TableLies* lies) {
      lies->offset = offset;
      lies->size = size;
      lies->size_is_set = true;
    });
  };
  list->InCheck("handle_behind_the_end", place(1 << 20, 100), kAnyDeath);
  list->InCheck("handle_at_8_eib", place(INT64_MAX, 100), kAnyDeath);
  list->InCheck("handle_at_16_eib", place(UINT64_MAX, 100), kAnyDeath);
  list->InCheck("handle_of_1_gib", place(0, 1 << 30), kUnpacked, kUnpackedCode);
  list->InCheck("handle_of_8_eib", place(0, INT64_MAX), kHunger,
                StatusCode::kNotChecked);
  list->InCheck("handle_of_16_eib", place(0, UINT64_MAX), kAnyDeath);
  list->InCheck("handle_of_nothing", place(0, 0), kAnyDeath);
  list->InCheck("handle_into_the_footer", place(60, 60), kAnyDeath);
  list->InCheck("index_of_garbage", Lying([](TableLies* lies) {
                  lies->index = [](std::string* index) {
                    index->assign(100, '\xa5');
                  };
                }),
                kAnyDeath);
  list->InCheck("index_handle_of_garbage", Lying([](TableLies* lies) {
                  lies->index = [](std::string* index) {
                    index->replace(index->size() - 10, 2, "\xff\xff");
                  };
                }),
                kAnyDeath);
  list->InCheckOfForeign("index_names_block_twice",
                         Lying([](TableLies* lies) { lies->repeat = 2; }),
                         "order", {{"a", "1"}, {"b", "2"}});
  const auto footer = [](const std::string& handles) {
    return Lying([&](TableLies* lies) {
      lies->footer = [handles](std::string* bytes) {
        bytes->replace(0, handles.size(), handles);
      };
    });
  };
  list->InCheck("footer_of_garbage", footer(std::string(40, '\xff')),
                kAnyDeath);
  list->InCheck("footer_index_at_8_eib",
                footer(std::string("\0\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
                                   "\x10",
                                   12)),
                kAnyDeath);
  list->InCheck("footer_index_of_8_eib",
                footer(std::string("\0\x08\0\xff\xff\xff\xff\xff\xff\xff\xff"
                                   "\x7f",
                                   12)),
                kHunger, StatusCode::kNotChecked);
}

Spoil Log(const std::string& bytes) {
  return [bytes](Files* files) { (*files)["000003.log"] = bytes; };
}

void AddBatches(DatabaseCases* list) {
  const std::string batch = BatchBytes(6, {{"c", "3"}});
  list->InCheck("batch_cut", Log(LogBytes({batch.substr(0, batch.size() - 1)})),
                "LevelDB can't (open|read) (the database|table)|damaged");
  list->InCheck("batch_too_short", Log(LogBytes({"hello"})),
                "damaged|can't open");
  list->InCheck("batch_tag_unknown",
                Log(LogBytes({batch.substr(0, 12) + "\x07" + "xyz"})),
                "LevelDB can't (open|read) (the database|table)|damaged");
  std::string count = batch;
  count[8] = '\x7f';
  list->InCheck("batch_count_wrong", Log(LogBytes({count})),
                "LevelDB can't (open|read) (the database|table)|damaged");
  std::string huge = batch.substr(0, 12) + "\x01\xff\xff\xff\xff\x0fx";
  list->InCheck("batch_key_of_4_gib", Log(LogBytes({huge})),
                "LevelDB can't (open|read) (the database|table)|damaged");
  list->InCheck("batch_sequence_back",
                Log(LogBytes({BatchBytes(7, {{"c", "3"}})})),
                "writes are missing");
  list->InCheck("batch_of_0",
                Log(LogBytes({BatchBytes(6, {}), BatchBytes(9, {{"c", "3"}})})),
                "writes are missing|damaged");
  list->InCheck("fragments_without_begin", Log([&] {
                  std::string log = FrameAsLog(batch);
                  log[6] = 3;  // a middle; its checksum is now wrong
                  return log;
                }()),
                "damaged");
}

}  // namespace

void AddTableCases(std::vector<HostileCase>* cases) {
  DatabaseCases list("table", cases, {}, {}, kCraftedSequence);
  AddKeys(&list);
  AddBlocks(&list);
  AddHandles(&list);
  // Deleted and overwritten keys are fine.
  DatabaseCases sound("table_sound", cases, {}, {{"b", "3"}}, kCraftedSequence);
  sound.Accept("deletions", OneTable({{InternalKey("a", 4, kTypeDeletion), ""},
                                      {InternalKey("a", 1), "1"},
                                      {InternalKey("b", 3), "3"},
                                      {InternalKey("b", 2), "2"}}));
}

void AddLogCases(std::vector<HostileCase>* cases) {
  DatabaseCases list("log", cases, CraftedFiles({}), {}, kCraftedSequence);
  AddBatches(&list);
}

}  // namespace levelkeep::test
