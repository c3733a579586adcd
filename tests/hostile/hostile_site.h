// An installation with live data and a hostile archive, and the conditions that
// must hold afterwards.

#ifndef LEVELKEEP_TESTS_HOSTILE_HOSTILE_SITE_H_
#define LEVELKEEP_TESTS_HOSTILE_HOSTILE_SITE_H_

#include <filesystem>
#include <map>
#include <string>

#include "hostile/hostile_case.h"
#include "restore/restore_fixture.h"

namespace levelkeep::test {

// Everything below a folder: kinds, modes and contents by path.
using Tree = std::map<std::string, std::string>;

inline Tree TreeOf(const std::string& root) {
  namespace fs = std::filesystem;
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const fs::file_status status = entry.symlink_status();
    std::string what =
        std::to_string(static_cast<int>(status.type())) + " " +
        std::to_string(static_cast<unsigned>(status.permissions()));
    if (status.type() == fs::file_type::regular) {
      what += " " + Sha256Hex(ReadFile(entry.path()));
    }
    tree[fs::relative(entry.path(), root)] = what;
  }
  return tree;
}

class HostileSite : public RestoreFixture {
 protected:
  static constexpr char kDropped[] = "hostile.tar.gz";

  HostileSite() {
    options_.store_checker = nullptr;  // levelkeep-check itself
    // Made without a child: its parent's memory would count as the child's.
    std::filesystem::create_directory(temp_.Sub("site"));
    std::filesystem::create_directory(temp_.Sub("canary"));
    WriteFile(temp_.Sub("canary/bird"), "here");
    options_.storage_dir = temp_.Sub("site/storage");
    options_.restore_dir = temp_.Sub("site/restore");
    MakeFolders();
    WriteLive();
    live_ = TreeOf(Live());
    outside_ = Outside();
  }
  ~HostileSite() override {
    EXPECT_FALSE(std::filesystem::exists("/tmp/levelkeep-canary"));
    EXPECT_FALSE(std::filesystem::exists("canary"));
  }

  // One start with this archive in the drop folder.
  DropOutcome StartWith(const std::string& archive) {
    WriteFile(Drop(kDropped), archive);
    auto restorer = Started();
    const auto outcome = restorer->ApplyDropped(OpenAndClose, {});
    EXPECT_TRUE(outcome.ok())
        << "an archive must not fail a start: " << outcome.status().ToString();
    return outcome.ok() ? *outcome : DropOutcome();
  }
  // Expects that the archive is rejected, with a note, and that the data did
  // not change. Returns the note.
  std::string ExpectRejected(const DropOutcome& outcome,
                             const std::string& archive) {
    EXPECT_FALSE(outcome.applied.has_value());
    EXPECT_EQ(outcome.refused, "");
    EXPECT_EQ(outcome.rejected.size(), 1u);
    EXPECT_TRUE(TreeOf(Live()) == live_) << "the live data were touched";
    EXPECT_FALSE(Exists(Drop(kDropped)));
    const std::string rejected = Drop("rejected/") + kDropped;
    if (!Exists(rejected)) {
      ADD_FAILURE() << rejected << " is missing";
      return "";
    }
    EXPECT_TRUE(ReadFile(rejected) == archive) << "the archive was changed";
    return ReadFile(rejected + ".reason.txt");
  }
  // Expects that the archive stays in place, and that the data did not change.
  // Returns the reason.
  std::string ExpectLeft(const DropOutcome& outcome,
                         const std::string& archive) {
    EXPECT_FALSE(outcome.applied.has_value());
    EXPECT_NE(outcome.refused, "");
    EXPECT_TRUE(outcome.rejected.empty());
    EXPECT_TRUE(TreeOf(Live()) == live_) << "the live data were touched";
    EXPECT_FALSE(Exists(Drop("rejected/") + kDropped));
    if (!Exists(Drop(kDropped))) {
      ADD_FAILURE() << Drop(kDropped) << " is missing";
      return "";
    }
    EXPECT_TRUE(ReadFile(Drop(kDropped)) == archive)
        << "the archive was changed";
    return outcome.refused;
  }
  // Expects no left-overs, neither in the work folder nor elsewhere.
  void ExpectNoLeftOvers() const {
    for (const char* prefix :
         {"staging-", "scratch-", "trash-", "journal", "attempt"}) {
      EXPECT_EQ(InWork(prefix), std::vector<std::string>()) << prefix;
    }
    EXPECT_EQ(Outside(), outside_);
  }

  // The live database as it is before a start.
  void WriteLive() {
    static const Files* const kFiles = [] {
      const TempDir dir;
      FillDb(dir.Sub("db"), {{"old", "data"}});
      auto* files = new Files();
      const auto names = FileSystem::Posix()->List(dir.Sub("db"));
      for (const std::string& name : *names) {
        (*files)[name] = ReadFile(dir.Sub("db/" + name));
      }
      return files;
    }();
    std::filesystem::remove_all(Live());
    std::filesystem::create_directory(Live());
    for (const auto& [name, content] : *kFiles) {
      WriteFile(Live() + "/" + name, content);
    }
  }

 private:
  // All but the two folders that a start may write to.
  Tree Outside() const {
    Tree tree = TreeOf(temp_.path());
    std::erase_if(tree, [](const auto& entry) {
      return entry.first.starts_with("site/storage") ||
             entry.first.starts_with("site/restore");
    });
    return tree;
  }

  Tree live_;
  Tree outside_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HOSTILE_HOSTILE_SITE_H_
