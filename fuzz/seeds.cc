// Writes the start corpus: FOLDER/<fuzzer>/<name>. The product's own encoders
// make all seeds, so that these always have the present format.

#include <cstdio>
#include <filesystem>

#include "base/hash.h"
#include "catalog/database_records.h"
#include "config/settings.h"
#include "corpus.h"
#include "eventstore/event.h"
#include "format/backup_name.h"
#include "format/backup_state.h"
#include "http/request_head.h"
#include "log_builder.h"
#include "restore/drop_history.h"
#include "restore/swap.h"
#include "restore_flags.h"
#include "sample_archive.h"
#include "sample_database.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

std::string Bytes(uint64_t number) {
  std::string bytes;
  PutFixed<uint64_t>(&bytes, number);
  return bytes;
}

Manifest FullManifest() {
  Manifest manifest = SampleManifest({});
  manifest.label = "a \"label\" \xc3\xa4";
  manifest.files.push_back({"000005.ldb", 17, Sha256::Of("17")});
  manifest.files.push_back({"CURRENT", 16, Sha256::Of("16")});
  manifest.events = ManifestEvents{3, 1, 3, "2024-12-27T12:00:00.000Z", ""};
  manifest.previous_name = "backup_2024-12-27_110000.tar.gz";
  manifest.previous_sha256 = std::string(64, 'f');
  return manifest;
}

void AddArchives(const Corpus& corpus) {
  const std::string tiny = MakeOwnArchive(TinyDatabase());
  corpus.Add("own_index", "whole", Chosen(0, tiny));
  corpus.Add("own_index", "toc", Chosen(1, TocText(tiny)));
  corpus.Add("own_index", "manifest", Chosen(2, ManifestText(tiny)));
  corpus.Add("own_index", "changed", Chosen(3, std::string("\1\x80\7", 3)));
  corpus.Add("own_index", "unchanged", Chosen(3, ""));
  for (char what = 0; what < 6; ++what) {
    for (const char lies : {'\1', '\3', '\4'}) {
      const std::string lie({what, '\1', 'x', '\0', '\2', what});
      corpus.Add("own_index",
                 "lie" + std::to_string(int{lies}) + std::to_string(int{what}),
                 Chosen(5, Chosen(lies, lie)));
    }
  }
  corpus.Add("own_index", "toc_alone", Chosen(4, TocText(tiny)));
  Toc toc;
  TocFile large;
  large.name = "event_registry_db/000005.ldb";
  large.size_bytes = 2 * kChunkBytes + 5;
  for (const unsigned offset : {600u, 5000u, 9000u}) {
    large.chunks.push_back({offset, Sha256::Of("x"), 0, 0});
  }
  toc.files.push_back(large);
  corpus.Add("own_index", "toc_chunks", Chosen(4, EncodeToc(toc)));

  corpus.Add("manifest", "small", ManifestText(tiny));
  corpus.Add("manifest", "full", EncodeManifest(FullManifest()));

  const std::string folder = std::string(kDbName) + "/";
  const std::string tar = TarOf(TinyDatabase(), folder) + TarEnd();
  const size_t half = tar.size() / 2;
  corpus.Add("foreign_archive", "whole", Chosen(0, GzipMember(tar)));
  corpus.Add("foreign_archive", "own", Chosen(0, tiny));
  corpus.Add("foreign_archive", "tar", Chosen(1, tar));
  corpus.Add("foreign_archive", "members",
             Chosen(2, Join({tar.substr(0, half), tar.substr(half)})));
  std::string parts;
  for (const auto& [name, content] : TinyDatabase()) {
    parts += Chosen(0, Join({folder + name, content})) +
             std::string(FuzzedBytes::kCut);
  }
  corpus.Add("foreign_archive", "entries", Chosen(3, parts));
}

void AddDatabases(const Corpus& corpus) {
  const Files& files = SampleDatabase();
  for (const auto& [name, content] : files) {
    if (name.starts_with("MANIFEST")) {
      corpus.Add("leveldb_manifest", "whole", Chosen(0, content));
      corpus.Add("leveldb_log", "manifest",
                 Bytes(7) + "\1\2\3" + Chosen(0, content));
      std::vector<std::string> edits;
      LogTracker tracker;
      tracker.SetRecordCallback(
          [&](std::string_view edit) { edits.emplace_back(edit); });
      tracker.Feed(content);
      corpus.Add("leveldb_manifest", "edits", Chosen(1, Join(edits)));
    }
    if (name.ends_with(".log")) {
      corpus.Add("leveldb_log", "log",
                 Bytes(99) + "\1\2\3" + Chosen(0, content));
    }
  }
  const std::string cut(FuzzedBytes::kCut);
  corpus.Add("leveldb_log", "fragments",
             Bytes(50) + "\4\5\6" + "\1" + "\2first" + cut + "\3middle" + cut +
                 "\4last" + cut + "\1full");
  corpus.Add("leveldb_log", "records",
             Bytes(40000) + "\xff\xff\xff" + "\2" + "\1small" + cut +
                 "\x40long" + cut + "\xffvery long" + cut + "\1end");

  std::string kinds;
  for (char what = 0; what < 8; ++what) {
    for (char file = 0; file < 5; ++file) {
      const std::string change =
          std::string({what, file, '\0', '\x21', 'x'}) + cut;
      const std::string name = std::to_string(what) + std::to_string(file);
      corpus.Add("store", "opened" + name, Chosen(1, change));
      corpus.Add("store", "each" + name, Chosen(3, change));
      corpus.Add("restore", "own" + name,
                 RestoreSeed(kDatabaseInOurs, kOpens, change));
      corpus.Add("restore", "tar" + name,
                 RestoreSeed(kDatabaseInForeign, kOpens, change));
    }
  }
  corpus.Add("store", "good", Chosen(1, ""));
}

void AddNames(const Corpus& corpus) {
  for (const char* const text :
       {"backup_2024-12-27_120000.tar.gz",
        "backup_2024-12-27_120000-12_label.tar.gz", "MANIFEST-000004",
        "MANIFEST-000004\n", "000005.ldb", "000005.sst", "000008.log",
        "CURRENT", "LOCK", "LOG.old", "a%20b%25", "2024-12-27T12:00:00.123Z",
        "18446744073709551615", "line\nfeed \x1b[0m \xe2\x80\xae"}) {
    corpus.Add("names", Sha256Hex(text).substr(0, 8), Chosen(80, text));
  }
  corpus.Add("names", "sidecar", Chosen(80, std::string(64, 'a') + "  backup"));
}

void AddCron(const Corpus& corpus) {
  int number = 0;
  for (const char* const text :
       {"30 2 * * *", "*/15 1-2 29 2 7", "0,30 8-18/2 1,15 JAN-MAR *",
        "* * */2 * MON-FRI", "@hourly", "0 0 31 4 *", "5/10 * * * *"}) {
    // 2026-03-28T00:00:00Z in nanoseconds.
    const std::string time = Bytes(uint64_t{1774656000} * 1'000'000'000);
    corpus.Add("cron", std::to_string(number), Chosen(number % 4, time + text));
    ++number;
  }
}

// The lines between title and checksum of a record file.
std::string Lines(const std::string& path) {
  const std::string text = ReadFile(path);
  const size_t begin = text.find('\n') + 1;
  return text.substr(begin, text.rfind("crc32c ") - begin);
}

void AddRestoreRecords(const Corpus& corpus) {
  RestoreContext context;
  context.fs = FileSystem::Posix();
  context.clock = Clock::System();
  context.options.storage_dir = Scratch::Get().Sub("records");
  context.options.db_name = kDbName;
  std::filesystem::create_directories(context.work_dir());
  int number = 0;
  for (const JournalState state :
       {JournalState::kReady, JournalState::kSwapped, JournalState::kCommitted,
        JournalState::kRolledBack}) {
    for (const JournalKind kind : {JournalKind::kRestore, JournalKind::kUndo}) {
      Journal journal;
      journal.id = std::string(32, 'a');
      journal.kind = kind;
      journal.state = state;
      journal.incoming = "staging-1";
      journal.outgoing = "rollback-" + journal.id;
      journal.old_inode = 77777;
      journal.new_inode = 88888;
      journal.reason = "why not";
      journal.drop.name = "any.tar.gz";
      journal.outcome.archive_name = "any.tar.gz";
      RequireOk(StoreJournal(context, journal), "a journal can be stored");
      const std::string lines = Lines(context.InWork("journal"));
      const std::string name = "journal" + std::to_string(number++);
      corpus.Add("records", name, Chosen(0, lines));
    }
  }
  UndoRecord undo;
  undo.directory = "rollback-1";
  undo.sequence = 17;
  undo.archive = "any.tar.gz";
  undo.earlier = {"rollback-0"};
  RequireOk(StoreUndo(context, undo), "an undo record can be stored");
  corpus.Add("records", "undo", Chosen(1, Lines(context.InWork("undo"))));
  DropEntry entry;
  entry.drop.name = "any.tar.gz";
  entry.when = "2024-12-27T12:00:00.000Z";
  entry.verdict = DropVerdict::kRejected;
  entry.reason = "it is damaged";
  constexpr size_t kCrcSize = 9;  // including the blank
  corpus.Add("records", "history",
             Chosen(8, EncodeDropEntry(entry).substr(kCrcSize)));
}

void AddRecords(const Corpus& corpus) {
  BackupState state;
  state.pinned = true;
  corpus.Add("records", "pinned", Chosen(4, EncodeBackupState(state)));
  state.verification.emplace();
  state.verification->message = "a digest is wrong";
  state.size_bytes = 17;
  state.sha256 = std::string(64, 'a');
  corpus.Add("records", "verified", Chosen(4, EncodeBackupState(state)));

  ReuseRecord reuse;
  reuse.archive = "backup_2024-12-27_120000.tar.gz";
  reuse.db_epoch = std::string(32, 'a');
  reuse.writer = "isa-l-1";
  ReusableFile file;
  file.archived.name = "000005.ldb";
  file.archived.size_bytes = kChunkBytes + 1;
  file.archived.chunks.resize(2);
  reuse.files.push_back(file);
  const std::string text = EncodeReuseRecord(reuse);
  corpus.Add("records", "reuse", Chosen(5, text.substr(0, text.size() - 65)));

  Event event;
  event.sequence = 17;
  event.type = "order.placed";
  event.stream = "orders";
  event.time = "2024-12-27T12:00:00.000Z";
  event.data = {{"amount", 17.5}, {"lines", {1, nullptr, true, "x"}}};
  corpus.Add("records", "event", Chosen(6, EncodeEvent(event)));
  corpus.Add("records", "event_key", Chosen(7, EventKey(17)));
  corpus.Add("records", "event_head", Chosen(7, EncodeEventHead(17)));
  corpus.Add("records", "mounts",
             Chosen(9, "22 27 0:21 / /a\\040b rw - tmpfs tmpfs rw\n"));
}

void AddEnvironment(const Corpus& corpus) {
  std::string all = "# every setting\n";
  for (const SettingInfo& info : AllSettings()) {
    const std::string value = info.name.ends_with("_URL")
                                  ? "https://a.example/b?c"
                              : info.name == "SMTP_USER" ? "user"
                              : info.secret              ? "%SECRET%0123456789"
                                                         : info.default_value;
    all += info.name + "=" + value + "\n";
  }
  for (const char flags : {'\0', '\1', '\2', '\4'}) {
    corpus.Add("environment", "all" + std::to_string(int{flags}),
               Chosen(flags, Join({"secret", all})));
  }
  corpus.Add("environment", "syntax",
             Chosen(2, Join({"from a file\n",
                             "export A='single ${A}'\nB=\"d\\n\\\"${A}\" # c\n"
                             "C=plain $$ ${HOME}#x # comment\nD=${D}\nA=2\n"
                             "API_TOKEN_FILE=present\nMAX_BACKUP=3\n"
                             "BACKUP_ENCRYPT=true\nnonsense\nE='open\n"})));
}

// A message with a head of these lines, and a body.
std::string Message(const std::vector<std::string>& lines,
                    const std::string& body = "") {
  std::string text;
  for (const std::string& line : lines) text += line + "\r\n";
  return text + "\r\n" + body;
}

std::vector<std::string> Requests() {
  const std::string get = "GET / HTTP/1.1";
  const std::string host = "Host: a";
  return {
      Message({"GET /api/health?a=1&b=%20 HTTP/1.1", "Host: localhost:5050"}),
      Message({"POST /api/backup/create HTTP/1.1", "Host: [::1]:5050",
               "Authorization: Bearer token-0123456789", "Content-Length: 19"},
              "{\"label\":\"a label\"}"),
      Message({"POST /x HTTP/1.1", "Host: backup.example",
               "Transfer-Encoding: chunked", "Origin: http://backup.example"},
              "5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"),
      Message({"PUT /y HTTP/1.1", host, "Expect: 100-continue",
               "Connection: close", "Content-Length: 2"},
              "ab"),
      "\r\n" + Message({"HEAD / HTTP/1.0", "Connection: keep-alive",
                        "Range: bytes=0-", "If-None-Match: \"a\", W/\"b\""}),
      // At the limits of the request line and of the head.
      Message({"GET /" +
                   std::string(http::kMaxRequestLineBytes - get.size(), 'a') +
                   " HTTP/1.1",
               host}),
      Message({get, host, "X: " + std::string(http::kMaxHeadBytes, 'x')}),
  };
}

void AddRequests(const Corpus& corpus) {
  const std::string start = std::string(1, '\0') + "\x05\x03";
  const std::vector<std::string> requests = Requests();
  for (size_t i = 0; i < requests.size(); ++i) {
    corpus.Add("http_request", "request" + std::to_string(i),
               start + requests[i]);
  }
  corpus.Add("http_request", "pipeline",
             start + requests[0] + requests[1] + requests[2] + requests[4]);
  corpus.Add("http_request", "authority", Chosen(1, "[::1]:5050"));
  corpus.Add("http_request", "target", Chosen(2, "/api/backup/a%2fb?c=d+e&f"));
  corpus.Add("http_request", "range", Chosen(3, Bytes(1000) + "bytes=10-20"));
  corpus.Add("http_request", "suffix", Chosen(3, Bytes(1000) + "bytes=-20"));
  corpus.Add("http_request", "body",
             Chosen(4, "{\"a\":[1,2.5,{\"b\":null}],\"c\":\"\\u00e4\"}"));
  corpus.Add("http_request", "date", Chosen(5, Bytes(1735300800)));
}

void AddAll(const std::string& folder) {
  const Corpus corpus(folder);
  AddArchives(corpus);
  AddDatabases(corpus);
  AddNames(corpus);
  AddRestoreRecords(corpus);
  AddRecords(corpus);
  AddEnvironment(corpus);
  AddCron(corpus);
  AddRequests(corpus);
  AddRestores(corpus);
  AddHostileArchives(corpus);
}

}  // namespace
}  // namespace levelkeep::fuzz

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: levelkeep-fuzz-seeds FOLDER\n");
    return 2;
  }
  levelkeep::fuzz::BeQuiet();
  levelkeep::fuzz::AddAll(argv[1]);
  return 0;
}
