// Lies in the footer and in the table of contents of archives of our format:
// one field after the other.

#include <cstdlib>

#include "hostile/hostile_case.h"
#include "hostile/own_archive.h"

namespace levelkeep::test {
namespace {

CaseList::Bytes With(const OwnLies& lies) {
  return [lies] { return OwnArchive(SoundFiles(), kSoundSequence, lies); };
}

CaseList::Bytes WithToc(const std::function<void(Toc*)>& change) {
  OwnLies lies;
  lies.toc = change;
  return With(lies);
}

CaseList::Bytes WithTocText(const std::function<void(std::string*)>& change) {
  OwnLies lies;
  lies.toc_text = change;
  return With(lies);
}

CaseList::Bytes Text(const std::string& text) {
  return WithTocText([text](std::string* toc) { *toc = text; });
}

// The first `what` in the text becomes `by`.
CaseList::Bytes Replaced(const std::string& what, const std::string& by) {
  return WithTocText([=](std::string* toc) {
    const size_t at = toc->find(what);
    if (at == std::string::npos) std::abort();
    toc->replace(at, what.size(), by);
  });
}

CaseList::Bytes WithOffset(const std::function<void(uint64_t*)>& change) {
  OwnLies lies;
  lies.footer = change;
  return With(lies);
}

CaseList::Bytes WithArchive(const std::function<void(std::string*)>& change) {
  OwnLies lies;
  lies.archive = change;
  return With(lies);
}

void AddVersionAndShape(CaseList* list) {
  const std::string json = "not a well-formed JSON object";
  list->Refuse("version_2", Replaced("\"version\":1", "\"version\":2"),
               "version");
  list->Refuse("version_text", Replaced("\"version\":1", "\"version\":\"1\""),
               "version");
  list->Refuse("version_missing", Replaced("\"version\":1,", ""), "version");
  list->Refuse("entries_missing", Text("{\"version\":1}"), "entries");
  list->Refuse("entries_an_object", Text("{\"version\":1,\"entries\":{}}"),
               "entries");
  list->Refuse("entries_empty", Text("{\"version\":1,\"entries\":[]}"), ".");
  list->Refuse("entries_of_numbers", Text("{\"version\":1,\"entries\":[1,2]}"),
               ".");
  list->Refuse("entries_null", Text("{\"version\":1,\"entries\":null}"),
               "entries");
  list->Refuse("text_empty", Text(""), "empty");
  list->Refuse("text_no_json", Text("hello"), json);
  list->Refuse("text_array", Text("[]"), json);
  list->Refuse("text_byte_order_mark", WithTocText([](std::string* toc) {
                 *toc = "\xef\xbb\xbf{" + *toc;
               }),
               json);
  list->Refuse("text_behind",
               WithTocText([](std::string* toc) { *toc += "{}"; }), json);
  list->Refuse("text_cut", WithTocText([](std::string* toc) {
                 toc->resize(toc->size() / 2);
               }),
               json);
  list->Refuse("text_invalid_utf8", Replaced("CURRENT", "CURRENT\xff"), json);
  list->Refuse("text_comment", Replaced("{\"version\"", "/**/{\"version\""),
               json);
  list->Refuse(
      "depth_100_000",
      Replaced("{\"version\"", "{\"x\":" + std::string(100'000, '[') +
                                   std::string(100'000, ']') + ",\"version\""),
      json);
  list->Refuse(
      "depth_100_000_in_entry",
      Replaced("{\"name\"", "{\"x\":" + std::string(100'000, '[') +
                                std::string(100'000, ']') + ",\"name\""),
      json);
  list->Accept("depth_5",
               Replaced("{\"version\"", "{\"x\":[[[[1]]]],\"version\""));
  list->Accept("field_unknown", Replaced("{\"name\"", "{\"x\":1,\"name\""));
  // If a field appears twice, the last one counts; here it is the true one.
  list->Accept("field_twice", Replaced("{\"name\"", "{\"size\":7,\"name\""));
  list->Refuse("field_twice_last_lies",
               Replaced("\"type\":\"reg\"",
                        "\"type\":\"reg\",\"name\":\"x\",\"name\":\"../x\""),
               "not listed in the manifest");
  list->Refuse("entries_twice", Replaced("\n]}", "\n],\"entries\":[]}"), ".");
}

void AddNames(CaseList* list) {
  const auto named = [](const std::string& name) {
    return WithToc([name](Toc* toc) { toc->files[0].name = name; });
  };
  const std::string stranger = "is not listed in the manifest";
  list->Refuse("name_other", named("event_registry_db/000099.ldb"), stranger);
  list->Refuse("name_out", named("../000099.ldb"), stranger);
  list->Refuse("name_absolute", named("/tmp/levelkeep-canary/000099.ldb"),
               stranger);
  list->Refuse("name_other_folder", named("x/000005.ldb"), stranger);
  list->Refuse("name_empty", named(""), "can't be the name of a file");
  list->Refuse("name_nul", Replaced("{\"name\":\"", "{\"name\":\"\\u0000"),
               "can't be the name of a file");
  list->Refuse("name_number", Replaced("{\"name\":\"", "{\"name\":1,\"x\":\""),
               "name");
  list->Refuse("name_twice", WithToc([](Toc* toc) {
                 toc->files[0].name = toc->files[1].name;
               }),
               "appears twice");
  list->Refuse("name_of_a_megabyte", named(std::string(1 << 20, 'x')),
               "holds too much");
  list->Refuse("manifest_renamed",
               WithToc([](Toc* toc) { toc->files.back().name = "x"; }),
               "the last entry is not levelkeep-manifest.json");
  list->Refuse("manifest_first", WithToc([](Toc* toc) {
                 std::swap(toc->files.front(), toc->files.back());
               }),
               ".");
  list->Refuse("manifest_only", WithToc([](Toc* toc) {
                 toc->files.erase(toc->files.begin(), toc->files.end() - 1);
               }),
               "which the archive does not hold");
  list->Refuse("entry_missing",
               WithToc([](Toc* toc) { toc->files.erase(toc->files.begin()); }),
               "which the archive does not hold");
  list->Refuse("entry_more", WithToc([](Toc* toc) {
                 TocFile more;
                 more.name = "event_registry_db/000099.ldb";
                 more.sha256 = Sha256::Of("");
                 toc->files.insert(toc->files.begin(), more);
               }),
               stranger);
  list->Refuse(
      "entries_swapped",
      WithToc([](Toc* toc) { std::swap(toc->files[0], toc->files[1]); }), ".");
  for (const std::string type :
       {"dir", "symlink", "hardlink", "char", "fifo"}) {
    list->Refuse("type_" + type,
                 Replaced("\"type\":\"reg\"", "\"type\":\"" + type + "\""),
                 "type is not");
  }
  list->Refuse("type_chunk_first",
               Replaced("\"type\":\"reg\"", "\"type\":\"chunk\""),
               "does not follow its file");
}

void AddTocFields(CaseList* list) {
  const auto sized = [](const std::string& size) {
    return Replaced("\"size\":", "\"size\":" + size + ",\"x\":");
  };
  list->Refuse("size_one_more",
               WithToc([](Toc* toc) { ++toc->files[0].size_bytes; }),
               "disagree about");
  list->Refuse("size_zero", sized("0"), ".");
  list->Refuse("size_negative", sized("-1"), "size");
  list->Refuse("size_fraction", sized("1.5"), "size");
  list->Refuse("size_text", sized("\"1\""), "size");
  list->Refuse("size_8_eib", sized("9223372036854775807"), ".");
  list->Refuse("size_16_eib", sized("18446744073709551615"), ".");
  list->Refuse("size_above_64_bits", sized("99999999999999999999"), "size");
  list->Refuse("size_overflow", sized("1e400"), ".");
  list->Refuse("time_of_one_entry",
               Replaced("2024-12-27T12:00:00Z", "2024-12-27T12:00:01Z"),
               "modtime");
  list->Refuse("time_no_time", Replaced("2024-12-27T12:00:00Z", "yesterday"),
               "modtime");
  list->Refuse("time_of_all",
               WithToc([](Toc* toc) { toc->mtime_seconds += 60; }),
               "tar header of");
  list->Refuse("digest_wrong", WithToc([](Toc* toc) {
                 toc->files[0].sha256 = Sha256::Of("x");
               }),
               "contradict each other");
  list->Refuse("digests_wrong", WithToc([](Toc* toc) {
                 toc->files[0].sha256 = Sha256::Of("x");
                 toc->files[0].chunks[0].sha256 = Sha256::Of("x");
               }),
               "disagree about");
  list->Refuse("digests_swapped", WithToc([](Toc* toc) {
                 std::swap(toc->files[0].sha256, toc->files[1].sha256);
                 std::swap(toc->files[0].chunks[0].sha256,
                           toc->files[1].chunks[0].sha256);
               }),
               "disagree about");
  list->Refuse("digest_short",
               Replaced("\"digest\":\"sha256:", "\"digest\":\"sha256:0"),
               "is not a SHA-256");
  list->Refuse("digest_md5", Replaced("sha256:", "md5:"), "is not a SHA-256");
  list->Refuse("digest_missing", Replaced("\"digest\"", "\"digets\""),
               "digest");
  list->Refuse("digest_of_manifest", WithToc([](Toc* toc) {
                 toc->files.back().sha256 = Sha256::Of("x");
                 toc->files.back().chunks[0].sha256 = Sha256::Of("x");
               }),
               "manifest.json has a wrong SHA-256");
  list->Refuse("size_of_manifest",
               WithToc([](Toc* toc) { --toc->files.back().size_bytes; }), ".");
}

void AddOffsets(CaseList* list) {
  const auto moved = [](const std::function<void(Toc*, uint64_t*)>& move) {
    return WithToc([move](Toc* toc) {
      move(toc, &toc->files[1].chunks[0].archive_offset);
    });
  };
  list->Refuse("offset_one_more", moved([](Toc*, uint64_t* at) { ++*at; }),
               ".");
  list->Refuse("offset_one_less", moved([](Toc*, uint64_t* at) { --*at; }),
               ".");
  list->Refuse("offset_one", moved([](Toc*, uint64_t* at) { *at = 1; }),
               "offsets don't rise");
  list->Refuse("offset_zero", moved([](Toc*, uint64_t* at) { *at = 0; }),
               "offset");
  list->Refuse("offset_of_the_one_before", moved([](Toc* toc, uint64_t* at) {
                 *at = toc->files[0].chunks[0].archive_offset;
               }),
               "offsets don't rise");
  list->Refuse("offset_overlaps", moved([](Toc* toc, uint64_t* at) {
                 *at = toc->files[0].chunks[0].archive_offset + 1;
               }),
               ".");
  list->Refuse("offset_behind_the_toc", WithToc([](Toc* toc) {
                 toc->files.back().chunks[0].archive_offset = 1 << 30;
               }),
               "an offset behind itself");
  list->Refuse("offset_8_eib", WithToc([](Toc* toc) {
                 toc->files.back().chunks[0].archive_offset = INT64_MAX;
               }),
               "an offset behind itself");
  list->Refuse("offset_16_eib", WithToc([](Toc* toc) {
                 toc->files.back().chunks[0].archive_offset = UINT64_MAX;
               }),
               "an offset behind itself");
  list->Refuse("offsets_all_equal", WithToc([](Toc* toc) {
                 for (TocFile& file : toc->files) {
                   for (TocChunk& chunk : file.chunks)
                     chunk.archive_offset = 99;
                 }
               }),
               "offsets don't rise");
  list->Refuse(
      "chunk_offset",
      Replaced(",\"chunkDigest\"", ",\"chunkOffset\":7,\"chunkDigest\""),
      "don't cover the file");
  list->Refuse("chunk_size",
               Replaced(",\"chunkDigest\"", ",\"chunkSize\":7,\"chunkDigest\""),
               "don't cover the file");
  list->Refuse("chunk_digest", WithToc([](Toc* toc) {
                 toc->files[0].chunks[0].sha256 = Sha256::Of("x");
               }),
               "contradict each other");
  list->Refuse("chunk_more", WithToc([](Toc* toc) {
                 TocChunk more = toc->files[0].chunks[0];
                 ++more.archive_offset;
                 toc->files[0].chunks.push_back(more);
               }),
               "don't cover the file|too many chunks");
}

void AddFooters(CaseList* list) {
  list->Refuse("offset_zero", WithOffset([](uint64_t* at) { *at = 0; }), ".");
  list->Refuse("offset_less", WithOffset([](uint64_t* at) { --*at; }),
               "gzip header");
  list->Refuse("offset_more", WithOffset([](uint64_t* at) { ++*at; }),
               "gzip header");
  list->Refuse("offset_of_itself", WithArchive([](std::string* a) {
                 a->resize(a->size() - kFooterBytes);
                 *a += EncodeFooter(a->size());
               }),
               "points behind the end");
  list->Refuse("offset_8_eib",
               WithOffset([](uint64_t* at) { *at = INT64_MAX; }),
               "points behind the end");
  list->Refuse("offset_16_eib",
               WithOffset([](uint64_t* at) { *at = UINT64_MAX; }),
               "points behind the end");
  list->RefuseCut("missing", WithArchive([](std::string* a) {
                    a->resize(a->size() - kFooterBytes);
                  }),
                  "a LevelKeep archive whose end")
      .own = false;
  list->Refuse("twice", WithArchive([](std::string* a) {
                 *a += a->substr(a->size() - kFooterBytes);
               }),
               "between table of contents and footer");
  list->Refuse(
      "alone", [] { return EncodeFooter(0); }, "points behind the end");
  list->RefuseCut("upper_case_digits", WithArchive([](std::string* a) {
                    a->replace(a->size() - kFooterBytes + 16, 1, "A");
                  }),
                  "a LevelKeep archive whose end|gzip|tar")
      .own = false;
  list->Refuse("byte_behind", WithArchive([](std::string* a) { *a += 'x'; }),
               "cut short|behind")
      .own = false;
  list->Refuse("archive_behind", WithArchive([](std::string* a) { *a += *a; }),
               ".");
  list->Refuse("garbage_before", WithArchive([](std::string* a) {
                 a->insert(a->size() - kFooterBytes, "x");
               }),
               "between table of contents and footer");
  // The footer of one of our archives after a foreign archive.
  list->Refuse(
      "behind_foreign", [] { return WithEntry("") + EncodeFooter(0); }, ".");
}

}  // namespace

void AddFooterCases(std::vector<HostileCase>* cases) {
  CaseList list("footer", cases, /*own=*/true);
  AddFooters(&list);
}

void AddTocCases(std::vector<HostileCase>* cases) {
  CaseList list("toc", cases, /*own=*/true);
  list.Accept("sound", With({}));
  AddVersionAndShape(&list);
  AddNames(&list);
  AddTocFields(&list);
  AddOffsets(&list);
}

}  // namespace levelkeep::test
