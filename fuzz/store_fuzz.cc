// The check of an untrusted database. Our own checks of its files run in this
// process. If they accept the files, LevelDB, which may abort, hang or eat
// memory, opens these in a process of its own, as in the product. Only the
// database may be blamed for what is found, and nothing is changed.

#include <filesystem>

#include "changed_database.h"
#include "check/file_checks.h"
#include "check/overlay_env.h"
#include "restore/context.h"
#include "restore/store_check.h"
#include "sample_database.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

// Thread safety: one thread at a time.
class FilesInMemory : public check::StoreFiles {
 public:
  explicit FilesInMemory(const Files* files) : files_(*files) {}

  Result<std::vector<std::string>> List() const override {
    std::vector<std::string> names;
    for (const auto& [name, content] : files_) names.push_back(name);
    return names;
  }
  Result<FileInfo> Stat(const std::string& name) const override {
    const auto found = files_.find(name);
    if (found == files_.end()) return Status(StatusCode::kNotFound, name);
    FileInfo info;
    info.type = FileType::kRegular;
    info.size_bytes = found->second.size();
    return info;
  }
  Result<std::unique_ptr<ByteSource>> Open(
      const std::string& name) const override {
    const auto found = files_.find(name);
    if (found == files_.end()) return Status(StatusCode::kNotFound, name);
    return NewStringSource(found->second);
  }

 private:
  const Files& files_;
};

void CheckBlame(const Status& status) {
  // No verdict is right, too: too much memory, an unknown compression.
  Require(status.ok() || status.code() == StatusCode::kCorruption ||
              status.code() == StatusCode::kUnsupported ||
              status.code() == StatusCode::kNotChecked,
          "it is the database that is to blame: " + status.ToString());
}

void CheckByProgram(const Files& files, const check::FileFindings& findings,
                    bool each_table) {
  Scratch& scratch = Scratch::Get();
  scratch.Clear();
  RestoreContext context;
  context.fs = FileSystem::Posix();
  context.clock = Clock::System();
  context.options.check_program = LEVELKEEP_CHECK;
  const std::string folder = scratch.Sub("db");
  std::filesystem::create_directory(folder);
  for (const auto& [name, content] : files) {
    WriteFile(folder + "/" + name, content);
  }
  const Files before = ReadTree(scratch.path());
  const auto check = [&](Vouched vouched) {
    auto store = CheckStore(context, folder, scratch.Sub("work"), {}, vouched);
    CheckBlame(store.status());
    Require(ReadTree(scratch.path()) == before,
            "a check leaves the database as it is, and nothing else");
    return store;
  };
  const auto store = check(Vouched::kYes);
  if (each_table) {
    const auto looked_at = check(Vouched::kNo);
    Require(
        !looked_at.ok() || (store.ok() && store->entries == looked_at->entries),
        "where each table is sound, LevelDB finds what we count");
  }
  if (!store.ok()) return;
  Require(store->last_sequence == findings.last_sequence &&
              store->tables == findings.tables &&
              store->torn_tails == findings.torn_tails,
          "the program finds what the checks in this process find");
}

}  // namespace

void Run(FuzzedBytes input) {
  const uint8_t kind = input.Byte();
  const Files files = ChangedDatabase(&input);
  const FilesInMemory store(&files);
  const auto findings = check::FileChecks(&store).Run();
  CheckBlame(findings.status());
  if (findings.ok() && kind % 2 == 1) {
    CheckByProgram(files, *findings, kind % 4 == 3);
  }
}

}  // namespace levelkeep::fuzz
