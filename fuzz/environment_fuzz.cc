// Files of KEY=VALUE lines and the settings made from them. Each problem names
// its line and never shows a secret; settings come back from their own text.

#include <set>

#include "config/env_file.h"
#include "config/loader.h"
#include "support.h"

namespace levelkeep::fuzz {
namespace {

// No key and no ${NAME} can hold this mark, so that only a value shows it.
constexpr std::string_view kMark = "%SECRET%";

using Entry = SettingsLoader::Entry;

std::string WithoutMark(std::string text) {
  for (size_t at; (at = text.find(kMark)) != text.npos;) {
    text.erase(at, kMark.size());
  }
  return text;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines(1);
  for (const char c : text) {
    c == '\n' ? (void)lines.emplace_back() : lines.back().push_back(c);
  }
  return lines;
}

// REQUIRES: `line` begins with "file NAME line ".
bool NamesALine(const std::string& line, const std::string& start,
                size_t lines) {
  if (!line.starts_with(start)) return false;
  const int number = std::atoi(line.c_str() + start.size());
  return number >= 1 && static_cast<size_t>(number) <= lines;
}

void CheckFile(const EnvFile& file, const std::string& text) {
  const size_t lines = Lines(text).size();
  for (const std::string& problem : file.problems) {
    Require(NamesALine(problem, "file .env line ", lines),
            "a problem of a file names its line");
    Require(problem.find(kMark) == problem.npos,
            "a problem of a file shows no value");
  }
  std::set<std::string> keys;
  int before = 0;
  for (const EnvFile::Entry& entry : file.entries) {
    Require(keys.insert(entry.key).second, "a key is set once");
    Require(!entry.key.empty() &&
                entry.key.find_first_of("= \t\n$%") == entry.key.npos,
            "a key is a name");
    Require(entry.line > before, "lines are in order");
    before = entry.line;
  }
  Require(static_cast<size_t>(before) <= lines, "a line is in the file");
}

// Entries as the program makes them, with a mark in every secret only.
std::vector<Entry> EntriesOf(const EnvFile& file, std::string_view secret) {
  std::vector<Entry> entries;
  for (const EnvFile::Entry& entry : file.entries) {
    std::string value = WithoutMark(entry.value);
    const SettingRow* const row = FindSettingRow(entry.key);
    if (row != nullptr && row->info.secret) {
      if (row->Has(entry.key)) {
        // A URL stays one, if it is one.
        const bool url = entry.key.ends_with("_URL");
        value = url ? value + std::string(kMark) : std::string(kMark) + value;
      } else if (value == "present") {
        value = Scratch::Get().Sub("secret");
        WriteFile(value, std::string(kMark) + std::string(secret));
      } else if (!value.empty()) {
        value = Scratch::Get().Sub("missing");
      }
    }
    entries.push_back(
        {entry.key, value, "file .env line " + std::to_string(entry.line)});
  }
  return entries;
}

// Gives settings that the input has set again, as the text that the program
// shows.
void CheckRoundTrip(const LoadedSettings& loaded) {
  std::vector<Entry> entries;
  for (const SettingOrigin& origin : loaded.origins) {
    if (origin.value_masked == "********" || origin.value_masked.empty()) {
      continue;
    }
    entries.push_back({origin.name, origin.value_masked, "flag"});
  }
  SettingsLoader loader(FileSystem::Posix(), SettingsLoader::Scope::kProgram);
  loader.AddLayer(entries, SettingsLoader::Unknown::kProblem);
  const auto again = loader.Finish();
  RequireOk(again.status(), "settings can be read as they are shown");
  for (size_t i = 0; i < loaded.origins.size(); ++i) {
    const std::string& value = loaded.origins[i].value_masked;
    if (value == "********" || value.empty()) continue;
    Require(again->origins[i].value_masked == value,
            "settings come back as they were");
  }
}

void CheckProblems(const std::string& message) {
  Require(message.find(kMark) == message.npos, "no problem shows a secret");
  for (const std::string& line : Lines(message)) {
    Require(!line.empty(), "a problem says what is wrong");
    // Settings that contradict each other can stand in several lines.
    const std::string first = line.substr(0, line.find_first_of(": "));
    Require(line.find("file .env line ") != line.npos ||
                FindSettingRow(first) != nullptr,
            "a problem names a line, or the setting that contradicts: " + line);
  }
}

}  // namespace

void Run(FuzzedBytes input) {
  const uint8_t flags = input.Byte();
  const std::string secret(input.Piece());
  const std::string text(input.Rest());
  const std::map<std::string, std::string> environment = {
      {"HOME", "/root"}, {"MARK", std::string(kMark)}};
  const EnvFile file = ParseEnvFile(text, ".env", environment);
  CheckFile(file, text);

  constexpr SettingsLoader::Unknown kUnknown[] = {
      SettingsLoader::Unknown::kProblem, SettingsLoader::Unknown::kOursOnly,
      SettingsLoader::Unknown::kTyposOnly};
  SettingsLoader loader(FileSystem::Posix(),
                        flags % 2 == 0 ? SettingsLoader::Scope::kProgram
                                       : SettingsLoader::Scope::kEmbedded);
  loader.AddLayer(EntriesOf(file, secret), kUnknown[flags / 2 % 3]);
  const auto loaded = loader.Finish();
  if (!loaded.ok()) {
    CheckProblems(loaded.status().message());
    return;
  }
  for (const SettingOrigin& origin : loaded->origins) {
    Require(origin.value_masked.find(kMark) == origin.value_masked.npos,
            "no secret is shown");
  }
  for (const std::string& note : loaded->notes) {
    Require(note.find(kMark) == note.npos, "no note shows a secret");
  }
  CheckRoundTrip(*loaded);
}

}  // namespace levelkeep::fuzz
