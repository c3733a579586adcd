// Small archives that become large: bombs, and very many of something small.

#include <cstdio>
#include <cstdlib>

#include "dbfiles/coding.h"
#include "dbfiles/database_files.h"
#include "dbfiles/log_format.h"
#include "hostile/database_case.h"

namespace levelkeep::test {
namespace {

constexpr int kMany = 100'000;
constexpr uint64_t kMiB = 1 << 20;

// The sound database and then an entry of `bytes` zeros.
CaseList::Bytes ZerosIn(const std::string& name, uint64_t bytes) {
  return [=] {
    GzipBuilder gzip(9);
    gzip.Append(TarOf(SoundFiles(), "db/"));
    gzip.Append(TarHeader(name, bytes));
    gzip.AppendZeros(bytes);
    gzip.Append(TarEnd());
    return gzip.Finish();
  };
}

// The sound database and very many entries.
CaseList::Bytes Many(const std::function<std::string(int)>& entry,
                     int count = kMany) {
  return [=] {
    GzipBuilder gzip(1);
    gzip.Append(TarOf(SoundFiles(), "db/"));
    for (int i = 0; i < count; ++i) gzip.Append(entry(i));
    gzip.Append(TarEnd());
    return gzip.Finish();
  };
}

std::string Numbered(const char* format, int number) {
  char text[600];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

void AddBombs(CaseList* list) {
  // The ratio is possible with deflate; LevelDB does not know the table.
  list->Accept("zeros_in_a_stray_table", ZerosIn("db/000001.ldb", 200 * kMiB));
  list->Accept("zeros_in_an_ignored_file", ZerosIn("db/LOG", 200 * kMiB));
  list->Refuse("zeros_in_the_manifest",
               ZerosIn("db/MANIFEST-000001", 65 * kMiB), "larger than 64",
               StatusCode::kUnsupported);
  list->Refuse("zeros_in_our_manifest",
               ZerosIn("levelkeep-manifest.json", 65 * kMiB), "too large");
  list->Refuse(
      "blanks_in_our_manifest",
      [] {
        GzipBuilder gzip(9);
        gzip.Append(TarOf(SoundFiles(), "db/"));
        gzip.Append(TarHeader("levelkeep-manifest.json", 60 * kMiB));
        const std::string blanks(1 << 20, ' ');
        for (int i = 0; i < 60; ++i) gzip.Append(blanks);
        gzip.Append(TarEnd());
        return gzip.Finish();
      },
      "holds too much");
  list->Accept("zeros_behind_the_end", [] {
    GzipBuilder gzip(9);
    gzip.Append(TarOf(SoundFiles(), "db/") + TarEnd());
    gzip.AppendZeros(200 * kMiB);
    return gzip.Finish();
  });
  list->Refuse(
      "claim_of_8_eib",
      [] {
        return WithEntry(Pax("size", "9223372036854775807") +
                         TarHeader("db/000099.ldb", 0));
      },
      "claims|more than|range|size|truncated|big");
}

void AddMany(CaseList* list) {
  list->Accept("100_000_ignored_files", Many([](int i) {
                 return TarHeader(Numbered("db/._%d", i), 0);
               }));
  list->Accept("100_000_directories", Many([](int i) {
                 return TarHeader(Numbered("d%d/", i), 0, '5');
               }));
  list->Refuse("100_000_and_a_stranger", Many([](int i) {
                 return TarHeader(i + 1 < kMany ? Numbered("db/._%d", i)
                                                : std::string("db/run.sh"),
                                  0);
               }),
               "is not a file of a LevelDB database");
  list->Accept(
      "1_000_stray_tables",
      Many([](int i) { return TarHeader(Numbered("db/9%06d.ldb", i), 0); },
           1000));
  list->Refuse("too_many_ignored_files",
               Many(
                   [](int i) {
                     // Long paths that all differ.
                     return Pax("path", Numbered("db/%0400d/._x", i)) +
                            TarHeader("x", 0);
                   },
                   300'000),
               "more than .* entries");
}

// Repeats `what` up to `bytes`: content that no reader of a document needs.
std::string Repeated(const std::string& what, size_t bytes) {
  std::string text;
  text.reserve(bytes);
  while (text.size() + what.size() < bytes) text += what;
  return text;
}

CaseList::Bytes WithToc(const std::string& what, size_t bytes) {
  return [=] {
    OwnLies lies;
    lies.toc_text = [&](std::string* text) {
      text->insert(1, "\"x\":[" + Repeated(what + ",", bytes) + what + "],");
    };
    return OwnArchive(SoundFiles(), kSoundSequence, lies);
  };
}

CaseList::Bytes WithManifest(const std::string& what, size_t bytes) {
  return [=] {
    OwnLies lies;
    lies.manifest_text = [&](std::string* text) {
      text->insert(1, "\"x\":[" + Repeated(what + ",", bytes) + what + "],");
    };
    return OwnArchive(SoundFiles(), kSoundSequence, lies);
  };
}

void AddDocuments(CaseList* list) {
  const std::string too_much = "holds too much|too long";
  list->Refuse("toc_of_numbers", WithToc("1", 60 * kMiB), too_much);
  list->Refuse("toc_of_objects", WithToc("{\"a\":{}}", 60 * kMiB), too_much);
  list->Refuse("toc_of_text",
               WithToc("\"" + std::string(1000, 'x') + "\"", 60 * kMiB),
               too_much);
  list->Refuse("manifest_of_numbers", WithManifest("1", 60 * kMiB), too_much);
  list->Refuse("manifest_of_arrays", WithManifest("[[]]", 60 * kMiB), too_much);
  list->Refuse(
      "manifest_of_one_text",
      [] {
        OwnLies lies;
        lies.manifest_text = [](std::string* text) {
          text->insert(1, "\"x\":\"" + std::string(60 * kMiB, 'x') + "\",");
        };
        return OwnArchive(SoundFiles(), kSoundSequence, lies);
      },
      too_much);
  list->Refuse("toc_above_64_mib", WithToc("1", 65 * kMiB),
               "too long|holds too much");
  list->Refuse(
      "toc_of_270_000_entries",
      [] {
        OwnLies lies;
        lies.toc = [](Toc* toc) {
          TocFile empty;
          empty.sha256 = Sha256::Of("");
          for (int i = 0; i < 270'000; ++i) {
            empty.name = Numbered("event_registry_db/9%d.ldb", i);
            toc->files.push_back(empty);
          }
          std::swap(toc->files[5], toc->files.back());
        };
        return OwnArchive(SoundFiles(), kSoundSequence, lies);
      },
      ".");
}

void AddManyOfOurs(CaseList* list) {
  list->Accept("of_1_000_files", [] {
    Files files = SoundFiles();
    for (int i = 0; i < 1000; ++i) {
      files[Numbered("9%06d.ldb", i)] = "";
    }
    return OwnArchive(files, kSoundSequence);
  });
}

// A record for a large MANIFEST: it names millions of tables, or removes them.
std::string EditOf(const std::function<void(int, std::string*)>& append,
                   size_t bytes) {
  VersionEdit edit;
  edit.comparator = "leveldb.BytewiseComparator";
  edit.log_number = 3;
  edit.next_file_number = 1'000'000'000;
  edit.last_sequence = 5;
  std::string record = edit.Encode();
  for (int i = 0; record.size() < bytes; ++i) append(i, &record);
  return record;
}

// A record of 30 MiB only, because FrameAsLog holds its record three times.
void Manifest60(DatabaseCases* list, const std::string& name,
                const std::function<void(int, std::string*)>& append) {
  const auto spoil = [append](Files* files) {
    (*files)["MANIFEST-000002"] = FrameAsLog(EditOf(append, 30 * kMiB));
  };
  list->BeforeCheck(name, spoil, "MANIFEST");
}

void AddLargeManifests(DatabaseCases* list) {
  Manifest60(list, "manifest_of_tables", [](int i, std::string* record) {
    TableMeta table;
    table.number = static_cast<uint64_t>(i) + 10;
    table.smallest = table.largest = InternalKey("", 1);
    table.AppendTo(record);
  });
  Manifest60(list, "manifest_of_removals", [](int i, std::string* record) {
    *record += '\x06';
    PutVarint64(record, 0);
    PutVarint64(record, static_cast<uint64_t>(i));
  });
  Manifest60(list, "manifest_of_pointers", [](int, std::string* record) {
    *record += std::string(
        "\x05\0\x08"
        "12345678",
        11);
  });
}

// One block of writes that no reader sees; the index names it again and again,
// so LevelDB reads on and on and never returns.
void AddEndless(DatabaseCases* list) {
  list->InCheckOfForeignOnly(
      "endless_index",
      [](Files* files) {
        KeyValues entries;
        for (int i = 0; i < 20'000; ++i) {
          entries.emplace_back(
              InternalKey(Numbered("%07d", i), uint64_t{1} << 50), "");
        }
        TableLies lies;
        lies.repeat = 100'000;
        *files =
            CraftedFiles({{TableBytes(entries, lies), entries.front().first,
                           entries.back().first, 0}});
      },
      "newer than the newest");
}

}  // namespace

void AddLargeCases(std::vector<HostileCase>* cases) {
  CaseList list("large", cases);
  AddBombs(&list);
  AddMany(&list);
  CaseList own("large_own", cases, /*own=*/true);
  AddDocuments(&own);
  AddManyOfOurs(&own);
  DatabaseCases databases("large", cases, CraftedFiles({}), {},
                          kCraftedSequence);
  AddLargeManifests(&databases);
  AddEndless(&databases);
}

}  // namespace levelkeep::test
