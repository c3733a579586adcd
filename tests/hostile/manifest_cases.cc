// Lies in levelkeep-manifest.json, whose digest is right each time, and tar
// framing that contradicts the table of contents.

#include <cstdlib>

#include "hostile/hostile_case.h"
#include "hostile/own_archive.h"

namespace levelkeep::test {
namespace {

CaseList::Bytes With(const OwnLies& lies) {
  return [lies] { return OwnArchive(SoundFiles(), kSoundSequence, lies); };
}

CaseList::Bytes Manifested(const std::function<void(Manifest*)>& change) {
  OwnLies lies;
  lies.manifest = change;
  return With(lies);
}

CaseList::Bytes Text(const std::function<void(std::string*)>& change) {
  OwnLies lies;
  lies.manifest_text = change;
  return With(lies);
}

CaseList::Bytes Replaced(const std::string& what, const std::string& by) {
  return Text([=](std::string* text) {
    const size_t at = text->find(what);
    if (at == std::string::npos) std::abort();
    text->replace(at, what.size(), by);
  });
}

// A manifest in which the field has this JSON value.
CaseList::Bytes Field(const std::string& name, const std::string& value) {
  const std::string quoted = "\"" + name + "\": ";
  return Replaced(quoted, quoted + value + ", \"x\": ");
}

CaseList::Bytes Missing(const std::string& name) {
  return Replaced("\"" + name + "\"", "\"x-" + name + "\"");
}

void AddVersions(CaseList* list) {
  const std::string newer = "format_version .*reads only up to 1";
  list->Refuse("version_2", Field("format_version", "2"), newer,
               StatusCode::kUnsupported);
  list->Refuse("version_huge", Field("format_version", "18446744073709551615"),
               newer, StatusCode::kUnsupported);
  list->Refuse("version_0", Field("format_version", "0"), "format_version");
  list->Refuse("version_negative", Field("format_version", "-1"),
               "format_version");
  list->Refuse("version_fraction", Field("format_version", "1.5"),
               "format_version");
  list->Refuse("version_text", Field("format_version", "\"1\""),
               "format_version");
  list->Refuse("version_missing", Missing("format_version"), "format_version");
  // In a newer format, the rest may mean anything.
  list->Refuse("version_2_and_nothing_else", Text([](std::string* text) {
                 *text = "{\"format_version\": 2}";
               }),
               newer, StatusCode::kUnsupported);
}

void AddShape(CaseList* list) {
  const std::string json = "not a well-formed JSON object";
  const auto text = [](const std::string& whole) {
    return Text([whole](std::string* manifest) { *manifest = whole; });
  };
  list->Refuse("text_no_json", text("hello"), json);
  list->Refuse("text_empty_object", text("{}"), "format_version");
  list->Refuse("text_array", text("[1]"), json);
  list->Refuse("text_nul", text(std::string("{\0}", 3)), json);
  list->Refuse("text_empty", text(""), "impossible size");
  list->Refuse("text_cut",
               Text([](std::string* m) { m->resize(m->size() - 3); }), json);
  list->Refuse("text_behind", Text([](std::string* m) { *m += "x"; }), json);
  list->Refuse("text_invalid_utf8", Replaced("\"host\"", "\"host\xc3\x28\""),
               json);
  list->Refuse("depth_100_000",
               Replaced("{\n", "{\"x\":" + std::string(100'000, '[') +
                                   std::string(100'000, ']') + ","),
               json);
  list->Refuse("files_twice",
               Replaced("\"files\": [", "\"files\": [], \"files\": [{}, "),
               ".");
  list->Accept("files_twice_last_is_true",
               Replaced("\"files\": [", "\"files\": [1], \"files\": ["));
  list->Refuse("db_twice",
               Replaced("\"took_ms\"", "\"db\": {\"files\": []}, \"took_ms\""),
               ".");
}

void AddManifestFields(CaseList* list) {
  for (const std::string name : {"id", "created", "trigger", "snapshot_method",
                                 "took_ms", "source_bytes", "db", "epoch",
                                 "comparator", "last_sequence", "files"}) {
    list->Refuse("without_" + name, Missing(name), name);
    list->Refuse("null_" + name, Field(name, "null"), name);
  }
  list->Refuse("id_short", Field("id", "\"aa\""), "id");
  list->Refuse("id_out", Field("id", "\"../../../../../../../../etc/passwd\""),
               "id");
  list->Refuse("created_no_time", Field("created", "\"yesterday\""), "created");
  list->Refuse("created_negative", Field("created", "-1"), "created");
  list->Refuse("created_beyond_all",
               Field("created", "\"9999-12-31T23:59:59.999Z\""),
               "\"created\" is not a time");
  list->Accept("created_far_future",
               Field("created", "\"2199-12-31T23:59:59.999Z\""));
  const auto with_order_time = [](const std::string& value) {
    return Replaced("\"took_ms\"",
                    "\"order_time\": " + value + ", \"took_ms\"");
  };
  list->Refuse("order_time_no_time", with_order_time("\"tomorrow\""),
               "\"order_time\" is not a time");
  list->Refuse("order_time_number", with_order_time("1"), "order_time");
  list->Refuse("order_time_beyond_all",
               with_order_time("\"2262-01-01T00:00:00.000Z\""),
               "\"order_time\" is not a time");
  list->Accept("order_time_long_ago",
               with_order_time("\"1678-01-01T00:00:00.000Z\""));
  list->Accept("order_time_at_the_end",
               with_order_time("\"2261-12-31T23:59:59.999Z\""));
  list->Accept("host_of_controls",
               Field("hostname", "\"\\u001b[2J\\n\\u0000\""));
  list->Accept("label_out", Field("label", "\"../../../etc\""));
  list->Refuse("label_number", Field("label", "5"), "label");
  list->Accept("trigger_unknown", Field("trigger", "\"hello\""));
  list->Accept("events_absurd",
               Replaced("\"took_ms\"",
                        "\"events\": {\"count\": 18446744073709551615, "
                        "\"first\": 9, \"last\": 1}, \"took_ms\""));
  list->Refuse("events_text",
               Replaced("\"took_ms\"", "\"events\": \"many\", \"took_ms\""),
               "events");
  list->Refuse("events_negative",
               Replaced("\"took_ms\"",
                        "\"events\": {\"count\": -1, \"first\": 1, "
                        "\"last\": 1}, \"took_ms\""),
               "count");
  list->Refuse("previous_digest",
               Replaced("\"took_ms\"",
                        "\"previous\": {\"name\": \"x\", \"sha256\": \"y\"}, "
                        "\"took_ms\""),
               "sha256");
}

void AddDatabase(CaseList* list) {
  for (const auto& [label, name] :
       std::map<std::string, std::string>{{"empty", ""},
                                          {"dot", "."},
                                          {"parent", ".."},
                                          {"path", "a/b"},
                                          {"absolute", "/tmp"}}) {
    list->Refuse("folder_" + label,
                 Manifested([name = name](Manifest* m) { m->db_name = name; }),
                 "can't be the name of a database folder");
  }
  list->Refuse("folder_nul",
               Replaced("\"name\": \"event", "\"name\": \"\\u0000event"),
               "can't be the name of a database folder|not listed");
  list->Refuse("folder_other",
               Manifested([](Manifest* m) { m->db_name = "other"; }),
               "not listed in the manifest");
  // A restore need not find out this lie: it can't use the database anyway.
  list->RefuseInCheck("comparator_other", Manifested([](Manifest* m) {
                        m->comparator = "idb_cmp1";
                      }),
                      "(comparator is|manifest says) idb_cmp1")
      .stays = true;
  list->RefuseInCheck("comparator_of_controls",
                      Field("comparator", "\"\\u001b[2J\\n\""),
                      "(comparator is|manifest says) \\\\x1b")
      .stays = true;
  for (const uint64_t sequence : {uint64_t{0}, kSoundSequence - 1,
                                  kSoundSequence + 1, uint64_t{UINT64_MAX}}) {
    list->RefuseInCheck(
        "sequence_" + std::to_string(sequence),
        Manifested([sequence](Manifest* m) { m->last_sequence = sequence; }),
        "ends at write number 30, but its manifest says");
  }
}

void AddFiles(CaseList* list) {
  const std::string disagree = "manifest and table of contents disagree about";
  const std::string none = "which the archive does not hold";
  list->Refuse("file_less",
               Manifested([](Manifest* m) { m->files.pop_back(); }),
               "is not listed in the manifest");
  list->Refuse("file_more", Manifested([](Manifest* m) {
                 m->files.push_back({"000099.ldb", 1, Sha256()});
               }),
               none);
  list->Refuse("files_none", Manifested([](Manifest* m) { m->files.clear(); }),
               "is not listed in the manifest");
  list->Refuse("file_twice",
               Manifested([](Manifest* m) { m->files.push_back(m->files[0]); }),
               "is listed twice");
  list->Refuse("file_size",
               Manifested([](Manifest* m) { ++m->files[0].size_bytes; }),
               disagree);
  list->Refuse("file_digest", Manifested([](Manifest* m) {
                 m->files[0].sha256 = Sha256::Of("x");
               }),
               disagree);
  list->Refuse("file_digests_swapped", Manifested([](Manifest* m) {
                 std::swap(m->files[0].sha256, m->files[1].sha256);
               }),
               disagree);
  list->Refuse("file_names_swapped", Manifested([](Manifest* m) {
                 std::swap(m->files[0].name, m->files[1].name);
               }),
               disagree);
  for (const auto& [label, name] :
       std::map<std::string, std::string>{{"out", "../000005.ldb"},
                                          {"stranger", "run.sh"},
                                          {"lock", "LOCK"},
                                          {"escape", "\x1b[2J.ldb"}}) {
    list->Refuse("file_name_" + label, Manifested([name = name](Manifest* m) {
                   m->files[0].name = name;
                 }),
                 "is not a database file");
  }
  list->Refuse("file_size_negative",
               Replaced("\"size\": ", "\"size\": -1, \"x\": "), "size");
  list->Refuse("file_digest_short",
               Replaced("\"sha256\": \"", "\"sha256\": \"0"), "sha256");
}

// --- the tar around the files ---

CaseList::Bytes Header(const std::function<void(std::string*)>& change) {
  OwnLies lies;
  lies.header = [change](const std::string& name, std::string* header) {
    if (name != "CURRENT") return;
    change(header);
    *header = WithTarChecksum(*header);
  };
  return With(lies);
}

void AddHeaders(CaseList* list) {
  const std::string wrong = "tar header of .* does not agree";
  list->Refuse("header_name", Header([](std::string* h) { (*h)[0] = 'X'; }),
               wrong);
  list->Refuse("header_name_out",
               Header([](std::string* h) { h->replace(0, 6, "../../"); }),
               wrong);
  list->Refuse("header_link", Header([](std::string* h) {
                 (*h)[156] = '2';
                 h->replace(157, 4, "/tmp");
               }),
               wrong);
  list->Refuse("header_directory",
               Header([](std::string* h) { (*h)[156] = '5'; }), wrong);
  list->Refuse("header_size", Header([](std::string* h) { (*h)[134] = '7'; }),
               wrong);
  list->Refuse("header_time", Header([](std::string* h) { (*h)[146] = '7'; }),
               wrong);
  OwnLies two;
  two.header = [](const std::string& name, std::string* header) {
    if (name == "CURRENT") *header = TarFile("../x", "") + *header;
  };
  list->Refuse("header_of_another_entry_before", With(two), wrong);
  OwnLies pax;
  pax.header = [](const std::string& name, std::string* header) {
    if (name == "CURRENT") *header = Pax("path", "../x") + *header;
  };
  list->Refuse("header_renamed_by_pax", With(pax), wrong);
  OwnLies sum;
  sum.header = [](const std::string& name, std::string* header) {
    if (name == "CURRENT") (*header)[149] = '7';
  };
  list->Refuse("header_checksum", With(sum), wrong);
}

CaseList::Bytes Content(const std::function<void(std::string*)>& change) {
  OwnLies lies;
  lies.content = [change](const std::string& name, std::string* bytes) {
    if (name == "CURRENT") change(bytes);
  };
  return With(lies);
}

CaseList::Bytes Packed(const std::function<void(std::string*)>& change) {
  OwnLies lies;
  lies.member = [change](const std::string& name, std::string* bytes) {
    if (name == "CURRENT") change(bytes);
  };
  return With(lies);
}

void AddMembers(CaseList* list) {
  list->Refuse("content_other", Content([](std::string* c) { (*c)[0] ^= 1; }),
               "SHA-256 of chunk 0 is wrong");
  list->Refuse("content_shorter",
               Content([](std::string* c) { c->resize(c->size() - 1); }),
               "shorter than stated");
  list->Refuse("content_longer",
               Content([](std::string* c) { c->append(512, '\0'); }),
               "longer than stated");
  list->Refuse("padding_not_zero",
               Content([](std::string* c) { c->back() = 'x'; }),
               "padding is not zero");
  list->Refuse("hidden_entry_in_padding",
               Content([](std::string* c) { *c += TarFile("../x", "x"); }),
               "longer than stated");
  list->Refuse("member_between",
               Packed([](std::string* m) { *m += OwnMember(""); }), ".");
  list->Refuse("hidden_entry_between", Packed([](std::string* m) {
                 *m += OwnMember(TarFile("../x", "x"));
               }),
               ".");
  list->Refuse("bytes_between", Packed([](std::string* m) { *m += "hello"; }),
               ".");
  list->Refuse("member_crc",
               Packed([](std::string* m) { (*m)[m->size() - 8] ^= 1; }),
               "compressed data or its checksum is wrong");
  list->Refuse("member_with_a_name", Packed([](std::string* m) {
                 (*m)[3] = 8;
                 m->insert(10, std::string("x\0", 2));
               }),
               "not a gzip header of LevelKeep");
  list->Refuse("member_is_a_bomb", Packed([](std::string* m) {
                 GzipBuilder bomb(9);
                 bomb.AppendZeros(300 << 20);
                 *m = OwnMember("").substr(0, 10) + bomb.Finish().substr(10);
               }),
               "SHA-256|longer than stated|padding");
  const auto toc_tar = [](const std::function<void(std::string*)>& change) {
    OwnLies lies;
    lies.toc_tar = change;
    return With(lies);
  };
  list->Refuse("toc_end_marks",
               toc_tar([](std::string* t) { t->resize(t->size() - 512); }),
               "has invalid tar framing");
  list->Refuse("toc_zeros_more",
               toc_tar([](std::string* t) { t->append(512, '\0'); }),
               "has invalid tar framing");
  list->Refuse("toc_entry_behind", toc_tar([](std::string* t) {
                 t->insert(t->size() - 1024, TarFile("../x", "x"));
               }),
               "has invalid tar framing");
  list->Refuse("toc_renamed", toc_tar([](std::string* t) { (*t)[0] = 'X'; }),
               "tar header of stargz.index.json");
  list->Refuse("toc_is_a_bomb",
               toc_tar([](std::string* t) { t->append(200 << 20, '\0'); }),
               "too long|not framed");
}

// --- packed again by another program ---

void AddPackedAgain(CaseList* list) {
  const auto again = [](const std::function<void(Files*, std::string*)>& lie) {
    return [lie] {
      std::string manifest;
      OwnLies take;
      take.manifest_text = [&](std::string* text) { manifest = *text; };
      (void)OwnArchive(SoundFiles(), kSoundSequence, take);
      Files files = SoundFiles();
      lie(&files, &manifest);
      return Gzip(TarOf(files, "db/") +
                  TarFile("levelkeep-manifest.json", manifest) + TarEnd());
    };
  };
  const std::string contradicts = "contradicts the archive";
  list->Accept("unchanged", again([](Files*, std::string*) {}));
  list->Refuse("changed", again([](Files* files, std::string*) {
                 std::string& content = files->begin()->second;
                 content[20] = static_cast<char>(content[20] ^ 1);
               }),
               contradicts);
  list->Refuse("more", again([](Files* files, std::string*) {
                 (*files)["000099.ldb"] = "x";
               }),
               contradicts);
  list->Refuse("newer", again([](Files*, std::string* manifest) {
                 *manifest = "{\"format_version\": 2}";
               }),
               "reads only up to 1", StatusCode::kUnsupported);
  list->Refuse("no_json",
               again([](Files*, std::string* manifest) { *manifest = "x"; }),
               "well-formed");
  list->RefuseCut(
      "two_gzip_members_and_a_manifest",
      [] {
        const std::string tar = TarOf(SoundFiles(), "db/");
        return Gzip(tar.substr(0, 1024)) +
               Gzip(tar.substr(1024) +
                    TarFile("levelkeep-manifest.json", "{}") + TarEnd());
      },
      "a LevelKeep archive whose end");
  list->Accept("toc_in_foreign",
               [] { return WithEntry(TarFile("stargz.index.json", "{}")); });
}

}  // namespace

void AddManifestCases(std::vector<HostileCase>* cases) {
  CaseList list("manifest", cases, /*own=*/true);
  AddVersions(&list);
  AddShape(&list);
  AddManifestFields(&list);
  AddDatabase(&list);
  AddFiles(&list);
  CaseList packed_again("packed_again", cases);
  AddPackedAgain(&packed_again);
}

void AddFramingCases(std::vector<HostileCase>* cases) {
  CaseList list("framing", cases, /*own=*/true);
  AddHeaders(&list);
  AddMembers(&list);
}

}  // namespace levelkeep::test
