// Rules for the sources that the compiler does not know. Each failure names the
// lines concerned.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>

#include "support/temp_dir.h"
#include "tidy/source_tree.h"

namespace levelkeep::test {
namespace {

using Problems = std::vector<std::string>;

const std::string& Root() {
  static const std::string* const kRoot = new std::string(LEVELKEEP_SOURCE_DIR);
  return *kRoot;
}

std::vector<SourceFile> Sources(const std::vector<std::string>& folders) {
  auto files = ReadSources(Root(), folders);
  EXPECT_GT(files.size(), 4u) << "the sources are not where they should be";
  return files;
}

std::string Lines(const Problems& problems) {
  std::string text;
  for (const std::string& problem : problems) text += problem + "\n";
  return text;
}

void Append(Problems more, Problems* problems) {
  problems->insert(problems->end(), more.begin(), more.end());
}

bool IsAnyOf(const std::string& text, const std::vector<std::string>& starts) {
  return std::any_of(starts.begin(), starts.end(), [&](const auto& start) {
    return text.starts_with(start);
  });
}

// The modules that each module may know, besides itself.
const std::map<std::string, std::set<std::string>>& Layers() {
  static const auto* const kLayers =
      new std::map<std::string, std::set<std::string>>{
          {"base", {}},
          {"net", {"base"}},
          {"dbfiles", {"base"}},
          {"config", {"jobs", "base"}},
          {"snapshot", {"dbfiles", "base"}},
          {"format", {"dbfiles", "base"}},
          {"archive", {"format", "dbfiles", "base"}},
          {"destination", {"base"}},
          {"catalog", {"destination", "archive", "format", "dbfiles", "base"}},
          {"restore", {"archive", "format", "dbfiles", "base"}},
          {"engine",
           {"snapshot", "archive", "destination", "catalog", "restore",
            "config", "jobs", "format", "dbfiles", "base"}},
          {"jobs", {"base"}},
          {"notify", {"net", "base"}},
          {"manager",
           {"engine", "jobs", "notify", "config", "snapshot", "catalog",
            "restore", "format", "dbfiles", "base"}},
          {"http", {"base"}},
          {"eventstore", {"manager", "dbfiles", "base"}},
          {"api", {"http", "eventstore", "manager", "jobs", "config", "base"}},
          {"check", {"archive", "format", "dbfiles", "base"}},
          {"cli",
           {"api", "eventstore", "http", "manager", "jobs", "notify", "engine",
            "snapshot", "archive", "catalog", "restore", "config", "format",
            "dbfiles", "base"}},
      };
  return *kLayers;
}

// The module that a public header belongs to. Headers of values belong to base,
// which all modules may know.
std::string OwnerOf(const std::string& header) {
  if (header == "levelkeep/backup_manager.h") return "manager";
  if (header == "levelkeep/http.h") return "api";
  if (header == "levelkeep/check.h") return "check";
  return "base";
}

TEST(TidyTest, IncludesPointDownwardOnly) {
  Problems problems;
  for (const SourceFile& file : Sources({"src"})) {
    const std::string module = file.Module();
    const auto allowed = Layers().find(module);
    if (allowed == Layers().end()) {
      problems.push_back(file.path + ": module " + module +
                         " is not in the table of layers");
      continue;
    }
    for (const Include& include : IncludesOf(file.text)) {
      const std::string first =
          include.target.substr(0, include.target.find('/'));
      if (first != "levelkeep" && !Layers().contains(first)) continue;
      const std::string target =
          first == "levelkeep" ? OwnerOf(include.target) : first;
      if (target == module || allowed->second.contains(target)) continue;
      problems.push_back(file.path + ":" + std::to_string(include.line) + ": " +
                         module + " may not know " + include.target);
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

TEST(TidyTest, PublicHeadersKnowPublicHeadersOnly) {
  Problems problems;
  for (const SourceFile& file : Sources({"include"})) {
    for (const Include& include : IncludesOf(file.text)) {
      if (include.quoted &&
          !IsAnyOf(include.target, {"levelkeep/", "leveldb/"})) {
        problems.push_back(file.path + ": " + include.target);
      }
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

TEST(TidyTest, EachLibraryIsKnownInItsPlaceOnly) {
  const struct {
    std::vector<std::string> headers;  // beginnings of their names
    std::vector<std::string> places;
  } kRules[] = {
      {{"archive.h", "archive_entry.h"}, {"src/archive/"}},
      {{"httplib.h"}, {"src/http/server", "src/api/mount", "src/cli/"}},
      {{"leveldb/"},
       {"src/snapshot/", "src/restore/", "src/engine/", "src/manager/",
        "src/eventstore/", "src/check/", "src/cli/"}},
      // levelkeep::http is installed without the event store.
      {{"eventstore/"}, {"src/eventstore/", "src/api/events/", "src/cli/"}},
      {{"openssl/", "spdlog/"}, {"src/base/"}},
      {{"CLI/"}, {"src/cli/arguments.cc"}},
      {{"curl/"}, {"src/net/"}},
      {{"cctz/"}, {"src/base/time_zone", "src/jobs/cron"}},
      {{"isa-l"}, {"src/base/hash.cc", "src/archive/"}},
  };
  Problems problems;
  for (const SourceFile& file : Sources({"src"})) {
    for (const Include& include : IncludesOf(file.text)) {
      for (const auto& rule : kRules) {
        if (IsAnyOf(include.target, rule.headers) &&
            !IsAnyOf(file.path, rule.places)) {
          problems.push_back(file.path + ": " + include.target);
        }
      }
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

TEST(TidyTest, OnlyOneDoorLeadsToTheDisk) {
  const std::vector<std::string> kMayTouchTheDisk = {
      "src/base/posix_",            // the file system itself
      "src/base/process.cc",        // /dev/null for a child, /proc/self/exe
      "src/base/log.cc",            // fstat of standard error
      "src/check/",                 // a process of its own around LevelDB
      "src/snapshot/snapshot_env",  // implements LevelDB's Env
  };
  static const std::regex kCall(
      "(^|[^A-Za-z0-9_.>])(std::)?"
      "(fopen|freopen|tmpfile|mkstemp|open|openat|creat|unlink|unlinkat|remove|"
      "rename|renameat2?|mkdir|rmdir|link|linkat|symlink|chmod|fchmodat?|"
      "truncate|ftruncate|fsync|fdatasync|sync_file_range|opendir)\\s*\\(");
  static const std::regex kStream("\\b[io]?fstream\\b");
  // Names of paths may be computed, but the disk may not be asked.
  static const std::regex kFilesystem("\\bfilesystem::(?!path\\b|absolute\\b)");
  Problems problems;
  for (const SourceFile& file : Sources({"src"})) {
    if (IsAnyOf(file.path, kMayTouchTheDisk)) continue;
    Append(FindLines(file,
                     [](const std::string& code) {
                       return std::regex_search(code, kCall) ||
                              std::regex_search(code, kStream) ||
                              std::regex_search(code, kFilesystem);
                     }),
           &problems);
  }
  EXPECT_EQ(Lines(problems), "");
}

// An included source would be compiled twice. (The build includes sources, many
// at a time.)
TEST(TidyTest, NobodyIncludesASource) {
  Problems problems;
  for (const SourceFile& file : Sources({"src", "include", "tests", "fuzz"})) {
    for (const Include& include : IncludesOf(file.text)) {
      if (!include.target.ends_with(".cc")) continue;
      problems.push_back(file.path + ": " + include.target);
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

// Threads may be at work while the process exits and objects with static
// storage are destroyed. So such objects of the library have no destructor:
// they are made with new and never deleted. The program runs alone then.
TEST(TidyTest, NothingStaticIsDestroyedAtExit) {
  static const std::regex kObject(
      "^(const |inline const |\\s+static (const )?)(std::)?(string|vector|map|"
      "set|unordered_map|regex|function|shared_ptr|unique_ptr|mutex|jthread|"
      "thread)\\b[^()&*]* [A-Za-z_]+( =|;|\\{)");
  Problems problems;
  for (const SourceFile& file : Sources({"src"})) {
    if (file.Module() == "cli" || file.Module() == "check") continue;
    Append(FindLines(file,
                     [](const std::string& code) {
                       return std::regex_search(code, kObject);
                     }),
           &problems);
  }
  EXPECT_EQ(Lines(problems), "");
}

// A forked copy of a process that runs LevelDB can hang, and system() forks.
TEST(TidyTest, NobodyForksOrDetaches) {
  static const std::regex kCall(
      "(^|[^A-Za-z0-9_])(fork|vfork|system|popen)\\s*\\(|\\.detach\\(");
  Problems problems;
  for (const SourceFile& file : Sources({"src", "include"})) {
    Append(FindLines(file,
                     [](const std::string& code) {
                       return std::regex_search(code, kCall);
                     }),
           &problems);
  }
  EXPECT_EQ(Lines(problems), "");
}

// base/json.h has the one strict parser, and a writer that accepts any bytes.
TEST(TidyTest, JsonIsReadAndWrittenInBase) {
  static const std::regex kCall("\\.dump\\(|json::(parse|sax_parse)\\(");
  Problems problems;
  for (const SourceFile& file : Sources({"src"})) {
    if (file.Module() == "base") continue;
    Append(FindLines(file,
                     [](const std::string& code) {
                       return std::regex_search(code, kCall);
                     }),
           &problems);
  }
  EXPECT_EQ(Lines(problems), "");
}

// The module that a header says it is private to; empty if it says nothing.
std::string PrivateTo(const SourceFile& header) {
  static const std::regex kPrivate(
      "Private to(?:\\s|//)+(?:the(?:\\s|//)+)?([a-z]+)");
  std::smatch found;
  if (!std::regex_search(header.text, found, kPrivate)) return "";
  return found[1] == "module" ? header.Module() : found[1].str();
}

TEST(TidyTest, PrivateHeadersAreOfTheirModuleOnly) {
  SourceFile header;
  header.path = "src/base/x.h";
  header.text = "// Long. Private\n// to the module.";
  EXPECT_EQ(PrivateTo(header), "");
  header.text = "// Long. Private to\n// the module.";
  EXPECT_EQ(PrivateTo(header), "base");

  std::map<std::string, std::string> owners;  // by path as it is included
  Problems problems;
  const std::vector<SourceFile> files = Sources({"src"});
  for (const SourceFile& file : files) {
    if (!file.IsHeader() || PrivateTo(file).empty()) continue;
    owners[file.path.substr(std::string("src/").size())] = file.Module();
    if (PrivateTo(file) == file.Module()) continue;
    problems.push_back(file.path + ": says that it is private to " +
                       PrivateTo(file));
  }
  EXPECT_GT(owners.size(), 7u);
  for (const SourceFile& file : files) {
    for (const Include& include : IncludesOf(file.text)) {
      const auto owner = owners.find(include.target);
      if (owner == owners.end() || owner->second == file.Module()) continue;
      problems.push_back(file.path + ": " + include.target + " is private to " +
                         owner->second);
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

std::string GuardOf(std::string path) {
  for (const char* top : {"include/", "src/"}) {
    if (path.starts_with(top)) path.erase(0, std::string(top).size());
  }
  std::string guard = path.starts_with("levelkeep/") ? "" : "LEVELKEEP_";
  for (const char c : path) {
    guard += std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  }
  return guard + "_";
}

TEST(TidyTest, HeadersHaveTheGuardOfTheirPath) {
  EXPECT_EQ(GuardOf("src/base/log.h"), "LEVELKEEP_BASE_LOG_H_");
  EXPECT_EQ(GuardOf("include/levelkeep/http.h"), "LEVELKEEP_HTTP_H_");
  Problems problems;
  for (const SourceFile& file : Sources({"src", "include", "tests", "fuzz"})) {
    if (!file.IsHeader()) continue;
    const std::string guard = GuardOf(file.path);
    const bool good = file.text.find("#ifndef " + guard + "\n#define " + guard +
                                     "\n") != std::string::npos &&
                      file.text.ends_with("#endif  // " + guard + "\n");
    if (!good) problems.push_back(file.path + ": expected " + guard);
  }
  EXPECT_EQ(Lines(problems), "");
}

// Programmers who embed LevelKeep read all of these headers: twenty minutes.
TEST(TidyTest, TheInterfaceStaysSmall) {
  size_t lines = 0;
  for (const SourceFile& file : Sources({"include"})) {
    lines += SplitLines(file.text).size();
  }
  EXPECT_LE(lines, 850u);
}

TEST(TidyTest, FilesAndFunctionsStaySmall) {
  constexpr size_t kMostLines = 500;
  constexpr int kMostFunctionLines = 60;
  Problems problems;
  for (const SourceFile& file : Sources({"src", "fuzz"})) {
    const size_t lines = SplitLines(file.text).size();
    if (lines > kMostLines) {
      problems.push_back(file.path + ": " + std::to_string(lines) + " lines");
    }
    Append(FindLongFunctions(file, kMostFunctionLines), &problems);
  }
  // A test function may be long, as a table is; its file may not.
  for (const SourceFile& file : Sources({"tests"})) {
    const size_t lines = SplitLines(file.text).size();
    if (lines <= kMostLines) continue;
    problems.push_back(file.path + ": " + std::to_string(lines) + " lines");
  }
  EXPECT_EQ(Lines(problems), "");
}

TEST(TidyTest, NothingIsLeftForLater) {
  // The patterns are in pieces, so that this file does not find itself.
  static const std::regex kMark(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X)\\b");
  // A test that needs root, or another user, may skip itself.
  static const std::regex kSwitchedOff(
      "\\bDISABLED"
      "_|GTEST"
      "_SKIP(?!\\(\\) << \"needs (root|another user than root)\")|"
      "[Pp]laceholder u"
      "ntil");
  Problems problems;
  for (const SourceFile& file : Sources({"src", "include", "tests", "fuzz"})) {
    int number = 0;
    for (const std::string& line : SplitLines(file.text)) {
      ++number;
      if (std::regex_search(line, kMark) ||
          std::regex_search(line, kSwitchedOff)) {
        problems.push_back(file.path + ":" + std::to_string(number) + ": " +
                           line);
      }
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

TEST(TidyTest, NothingNamesTheMachineItWasWrittenOn) {
  Problems problems;
  for (const SourceFile& file :
       Sources({"src", "include", "tests", "fuzz", "bench", "examples"})) {
    if (file.text.find(Root() + "/") != std::string::npos) {
      problems.push_back(file.path);
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

// A folder's program is made of all its *_test.cc; a folder that is not in the
// list would never run.
TEST(TidyTest, EveryTestIsRegistered) {
  const std::string list = ReadFile(Root() + "/tests/CMakeLists.txt");
  std::set<std::string> folders;
  for (const SourceFile& file : Sources({"tests"})) {
    if (!file.path.ends_with("_test.cc")) continue;
    folders.insert(file.Module());
  }
  EXPECT_GT(folders.size(), 2u);
  for (const std::string& folder : folders) {
    EXPECT_TRUE(list.find("levelkeep_test(" + folder) != list.npos ||
                list.find("add_subdirectory(" + folder + ")") != list.npos)
        << "tests/" << folder;
  }
}

// The paths of this repository that a page names: in links, and in code that
// begins with one of the repository's folders.
std::vector<std::string> PathsIn(const std::string& page,
                                 const std::string& text) {
  static const std::regex kLink("\\]\\(([^)#\\s]+)(#[^)]*)?\\)");
  static const std::regex kCode(
      "`(?:\\./)?((?:src|include|tests|docs|scripts|bench|examples|fuzz|"
      "packaging|cmake)/[A-Za-z0-9_./-]+)`");
  static const std::regex kScript(
      "(?:^|[\\s`(])(?:\\./)?(scripts/[A-Za-z0-9_.-]+)");
  std::vector<std::string> paths;
  const auto each = [&](const std::regex& pattern, const auto& take) {
    for (std::sregex_iterator it(text.begin(), text.end(), pattern), end;
         it != end; ++it) {
      take((*it)[1].str());
    }
  };
  each(kLink, [&](const std::string& target) {
    if (target.find("://") != target.npos) return;
    if (target.starts_with("mailto:")) return;
    const auto parent = std::filesystem::path(page).parent_path();
    paths.push_back((parent / target).lexically_normal().string());
  });
  const auto take = [&](std::string path) {
    while (path.back() == '.') path.pop_back();  // the end of a sentence
    paths.push_back(path);
  };
  each(kCode, take);
  each(kScript, take);
  return paths;
}

TEST(TidyTest, FindsThePathsOfAPage) {
  EXPECT_EQ(PathsIn("docs/a.md",
                    "[x](b.md#y) `src/base/log.h` run\n"
                    "scripts/test.sh. [z](https://example.com)"),
            (std::vector<std::string>{"docs/b.md", "src/base/log.h",
                                      "scripts/test.sh"}));
}

TEST(TidyTest, EveryPathInTheDocsExists) {
  namespace fs = std::filesystem;
  std::vector<std::string> pages;
  for (const auto& entry : fs::directory_iterator(Root())) {
    if (entry.path().extension() == ".md") {
      pages.push_back(entry.path().filename().string());
    }
  }
  for (const auto& entry : fs::recursive_directory_iterator(Root() + "/docs")) {
    if (entry.path().extension() == ".md") {
      pages.push_back(fs::relative(entry.path(), Root()).string());
    }
  }
  Problems problems;
  for (const std::string& page : pages) {
    const std::string text = ReadFile(Root() + "/" + page);
    for (const std::string& path : PathsIn(page, text)) {
      if (!fs::exists(fs::path(Root()) / path)) {
        problems.push_back(page + ": " + path + " does not exist");
      }
    }
  }
  EXPECT_EQ(Lines(problems), "");
}

}  // namespace
}  // namespace levelkeep::test
