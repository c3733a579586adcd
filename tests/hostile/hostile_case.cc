#include "hostile/hostile_case.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <utility>

#include "base/file_system.h"
#include "dbfiles/database_files.h"
#include "leveldb/db.h"
#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

constexpr int kSessions = 3;
constexpr int kWritesEach = 10;

// LevelDB turns the log of a session into a table when the next one begins:
// three sessions make two tables and a log.
Files BuildSoundFiles(Entries* entries) {
  const TempDir dir;
  const std::string path = dir.Sub("db");
  for (int session = 0; session < kSessions; ++session) {
    leveldb::Options options;
    options.create_if_missing = true;
    // With compression, the version of Snappy would decide whether the two
    // tables have the same size.
    options.compression = leveldb::kNoCompression;
    leveldb::DB* raw = nullptr;
    if (!leveldb::DB::Open(options, path, &raw).ok()) std::abort();
    const std::unique_ptr<leveldb::DB> db(raw);
    for (int i = 0; i < kWritesEach; ++i) {
      const std::string key = "event:" + std::to_string(10 * session + i + 100);
      const std::string value = "{\"session\":" + std::to_string(session) +
                                ",\"number\":" + std::to_string(i) + "}";
      if (!db->Put(leveldb::WriteOptions(), key, value).ok()) std::abort();
      (*entries)[key] = value;
    }
  }
  Files files;
  const auto names = FileSystem::Posix()->List(path);
  for (const std::string& name : *names) {
    if (!IsBackedUp(ParseDbFileName(name).kind)) continue;
    files[name] = ReadFile(path + "/" + name);
  }
  return files;
}

const std::pair<Files, Entries>& Sound() {
  static const auto* const kSound = [] {
    auto* sound = new std::pair<Files, Entries>();
    sound->first = BuildSoundFiles(&sound->second);
    return sound;
  }();
  return *kSound;
}

}  // namespace

HostileCase& CaseList::Add(const std::string& name, Bytes bytes,
                           Verdict verdict) {
  HostileCase added;
  added.name = group_ + "_" + name;
  added.bytes = std::move(bytes);
  added.verdict = verdict;
  added.own = own_;
  cases_->push_back(std::move(added));
  return cases_->back();
}

HostileCase& CaseList::Accept(const std::string& name, Bytes bytes) {
  return Add(name, std::move(bytes), Verdict::kAccepted);
}

HostileCase& CaseList::SoundElsewhere(const std::string& name, Bytes bytes,
                                      const std::string& message) {
  HostileCase& added = Add(name, std::move(bytes), Verdict::kOfElsewhere);
  added.message = message;
  added.stays = true;
  return added;
}

HostileCase& CaseList::Refuse(const std::string& name, Bytes bytes,
                              const std::string& message, StatusCode code) {
  HostileCase& added = Add(name, std::move(bytes), Verdict::kRefused);
  added.message = message;
  added.code = code;
  added.stays =
      code == StatusCode::kUnsupported || code == StatusCode::kNotChecked;
  return added;
}

HostileCase& CaseList::RefuseCut(const std::string& name, Bytes bytes,
                                 const std::string& message) {
  HostileCase& added = Refuse(name, std::move(bytes), message);
  added.stays = true;
  return added;
}

HostileCase& CaseList::RefuseInCheck(const std::string& name, Bytes bytes,
                                     const std::string& message,
                                     StatusCode code) {
  HostileCase& added = Refuse(name, std::move(bytes), message, code);
  added.verdict = Verdict::kRefusedByCheck;
  return added;
}

const Files& SoundFiles() { return Sound().first; }

const Entries& SoundEntries() { return Sound().second; }

std::string WithEntry(const std::string& behind, const std::string& before) {
  return Gzip(before + TarOf(SoundFiles(), "db/") + behind + TarEnd());
}

std::string Foreign(const Files& files) {
  return Gzip(TarOf(files, "db/") + TarEnd());
}

const std::vector<HostileCase>& AllHostileCases() {
  static const auto* const kCases = [] {
    auto* cases = new std::vector<HostileCase>();
    AddPathCases(cases);
    AddLinkCases(cases);
    AddTypeCases(cases);
    AddPaxCases(cases);
    AddSizeCases(cases);
    AddNameCases(cases);
    AddGzipCases(cases);
    AddFooterCases(cases);
    AddTocCases(cases);
    AddManifestCases(cases);
    AddFramingCases(cases);
    AddDatabaseCases(cases);
    AddVersionCases(cases);
    AddTableCases(cases);
    AddLogCases(cases);
    AddLargeCases(cases);
    std::set<std::string> names;
    for (const HostileCase& one : *cases) {
      if (names.insert(one.name).second) continue;
      std::fprintf(stderr, "two cases are called %s\n", one.name.c_str());
      std::abort();
    }
    return cases;
  }();
  return *kCases;
}

}  // namespace levelkeep::test
