// MANIFESTs whose checksums are right and whose numbers are absurd.

#include "dbfiles/coding.h"
#include "dbfiles/log_format.h"
#include "hostile/database_case.h"

namespace levelkeep::test {
namespace {

CraftedTable TwoKeysTable() {
  return {TableBytes(TwoKeys()), InternalKey("a", 1), InternalKey("b", 2), 0};
}

Spoil Edited(const std::function<void(VersionEdit*)>& change) {
  return [change](Files* files) {
    *files = CraftedFiles({TwoKeysTable()}, change);
  };
}

// Further edits after the first.
Spoil WithEdits(const std::vector<VersionEdit>& edits) {
  return [edits](Files* files) {
    for (const VersionEdit& edit : edits) {
      (*files)["MANIFEST-000002"] += FrameAsLog(edit.Encode());
    }
  };
}

// These bytes as a further record.
Spoil WithRecord(const std::string& record) {
  return [record](Files* files) {
    (*files)["MANIFEST-000002"] += FrameAsLog(record);
  };
}

void AddNumbers(DatabaseCases* list) {
  list->BeforeCheck("next_file_0",
                    Edited([](VersionEdit* e) { e->next_file_number = 0; }),
                    "not below the next file number");
  list->InCheck("next_file_maximum", Edited([](VersionEdit* e) {
                  e->next_file_number = UINT64_MAX;
                }),
                "next file number");
  list->BeforeCheck("log_number_maximum",
                    Edited([](VersionEdit* e) { e->log_number = UINT64_MAX; }),
                    "log .*missing");
  list->InCheck("previous_log_maximum", Edited([](VersionEdit* e) {
                  e->previous_log_number = UINT64_MAX;
                }),
                "log .*missing|previous log");
  list->InCheck("sequence_beyond_56_bits", Edited([](VersionEdit* e) {
                  e->last_sequence = uint64_t{1} << 56;
                }),
                "write number");
  list->InCheck("sequence_maximum",
                Edited([](VersionEdit* e) { e->last_sequence = UINT64_MAX; }),
                "write number");
  const std::string newer = "newer than the newest one|ends at write number";
  VersionEdit back;
  back.last_sequence = 1;
  list->InCheck("sequence_goes_back", WithEdits({back}), newer);
  list->InCheck("sequence_below_the_table",
                Edited([](VersionEdit* e) { e->last_sequence = 1; }), newer);
  list->BeforeCheck("table_size_maximum", Edited([](VersionEdit* e) {
                      e->added_tables[0].size_bytes = UINT64_MAX;
                    }),
                    "bytes instead of");
  list->BeforeCheck("table_number_maximum", Edited([](VersionEdit* e) {
                      e->added_tables[0].number = UINT64_MAX;
                    }),
                    "next file number");
  list->InCheck("own_number_not_given_out", Edited([](VersionEdit* e) {
                  e->added_tables.clear();
                  e->next_file_number = 1;
                }),
                "MANIFEST-000002 has a number that was not given out");
}

void AddContradictions(DatabaseCases* list) {
  VersionEdit again;
  again.added_tables.push_back(
      {0, 5, 100, InternalKey("a", 1), InternalKey("b", 1)});
  list->BeforeCheck("table_added_twice", WithEdits({again}), "added twice");
  VersionEdit gone;
  gone.removed_tables = {{3, 5}};
  list->BeforeCheck("table_removed_from_other_level", WithEdits({gone}),
                    "removed from a level that lacks it");
  VersionEdit comparator;
  comparator.comparator = "other";
  list->BeforeCheck("comparator_changes", WithEdits({comparator}),
                    "changes the comparator");
  const Entries entries = {{"a", "1"}, {"b", "2"}};
  list->OfElsewhere("comparator_foreign",
                    Edited([](VersionEdit* e) { e->comparator = "idb_cmp1"; }),
                    "comparator is idb_cmp1", entries);
  list->OfElsewhere("comparator_of_controls",
                    Edited([](VersionEdit* e) { e->comparator = "\x1b[2J\n"; }),
                    "comparator is \\\\x1b", entries);
  list->OfElsewhere("comparator_of_a_megabyte",
                    [](Files* files) {
                      *files = CraftedFiles({}, [](VersionEdit* e) {
                        e->comparator = std::string(20'000, 'c');
                      });
                    },
                    "comparator is c+", {});
  list->BeforeCheck(
      "level_7", Edited([](VersionEdit* e) { e->added_tables[0].level = 7; }),
      "bad added table");
  list->BeforeCheck("key_too_short", Edited([](VersionEdit* e) {
                      e->added_tables[0].smallest = "a";
                    }),
                    "bad added table");
  list->BeforeCheck("tag_unknown", WithRecord("\x0a\x01"), "bad tag");
  list->BeforeCheck("tag_8_of_old", WithRecord("\x08\x01"), "bad tag");
  std::string endless(1, '\x02');
  endless += std::string(11, '\xff');
  list->BeforeCheck("number_endless", WithRecord(endless), "bad log number");
  list->BeforeCheck("name_longer_than_record",
                    WithRecord("\x01\xff\xff\xff\xff\x0fx"),
                    "bad comparator name");
  list->BeforeCheck("without_comparator",
                    Edited([](VersionEdit* e) { e->comparator.reset(); }),
                    "never states its comparator");
  list->BeforeCheck("without_log_number",
                    Edited([](VersionEdit* e) { e->log_number.reset(); }),
                    "never states its log number");
  list->BeforeCheck(
      "without_next_file",
      [](Files* files) {
        *files = CraftedFiles(
            {}, [](VersionEdit* e) { e->next_file_number.reset(); });
      },
      "never states its next file number");
  list->BeforeCheck("without_sequence",
                    Edited([](VersionEdit* e) { e->last_sequence.reset(); }),
                    "never states its last write number");
}

// Get uses the range of a table: entries outside of the range are lost.
void AddRanges(DatabaseCases* list) {
  const Entries entries = {{"a", "1"}, {"b", "2"}};
  list->InCheckOfForeign("range_too_narrow", Edited([](VersionEdit* e) {
                           e->added_tables[0].largest = InternalKey("a", 1);
                         }),
                         "table 000005.ldb ends", entries);
  list->InCheckOfForeign("range_begins_later", Edited([](VersionEdit* e) {
                           e->added_tables[0].smallest = InternalKey("b", 2);
                         }),
                         "table 000005.ldb begins", entries);
  list->InCheckOfForeign("range_reversed", Edited([](VersionEdit* e) {
                           std::swap(e->added_tables[0].smallest,
                                     e->added_tables[0].largest);
                         }),
                         "table 000005.ldb ends before it begins", entries);
}

}  // namespace

void AddVersionCases(std::vector<HostileCase>* cases) {
  DatabaseCases list("version", cases, CraftedFiles({TwoKeysTable()}),
                     {{"a", "1"}, {"b", "2"}}, kCraftedSequence);
  list.Accept("sound", [](Files*) {});
  AddNumbers(&list);
  AddContradictions(&list);
  AddRanges(&list);
}

}  // namespace levelkeep::test
