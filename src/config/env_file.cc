#include "config/env_file.h"

#include <optional>

#include "base/text.h"

namespace levelkeep {
namespace {

constexpr std::string_view kBlanks = " \t\r";

bool IsKeyChar(char c, bool first) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         (!first && c >= '0' && c <= '9');
}

// Takes the key from the front of the text; empty if there is none.
std::string_view TakeKey(std::string_view* text) {
  size_t size = 0;
  while (size < text->size() && IsKeyChar((*text)[size], size == 0)) ++size;
  const std::string_view key = text->substr(0, size);
  text->remove_prefix(size);
  return key;
}

void SkipBlanks(std::string_view* text) {
  const size_t first = text->find_first_not_of(kBlanks);
  text->remove_prefix(first == std::string_view::npos ? text->size() : first);
}

class Parser {
 public:
  Parser(std::string name,
         const std::map<std::string, std::string>& environment,
         EnvReaders readers)
      : name_(std::move(name)),
        environment_(environment),
        systemd_too_(readers == EnvReaders::kSystemdToo) {}

  EnvFile Parse(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark)) {
      text.remove_prefix(kByteOrderMark.size());
    }
    for (const std::string_view line : Split(text, '\n')) {
      ++line_;
      ParseLine(line);
    }
    return std::move(file_);
  }

 private:
  void ParseLine(std::string_view line) {
    SkipBlanks(&line);
    if (line.empty() || line.front() == '#') return;
    constexpr std::string_view kExport = "export ";
    if (line.starts_with(kExport)) {
      if (systemd_too_) {
        Problem(
            "systemd ignores a line that begins with export: remove the word "
            "export");
      }
      line.remove_prefix(kExport.size());
      SkipBlanks(&line);
    }
    const std::string key(TakeKey(&line));
    SkipBlanks(&line);
    if (key.empty() || line.empty() || line.front() != '=') {
      Problem("not a KEY=VALUE line");
      return;
    }
    line.remove_prefix(1);
    const auto value = ParseValue(key, line);
    if (!value.has_value()) return;
    for (const EnvFile::Entry& entry : file_.entries) {
      if (entry.key != key) continue;
      Problem(key + " was set in line " + std::to_string(entry.line) +
              " already");
      return;
    }
    file_.entries.push_back({key, *value, line_});
  }

  std::optional<std::string> ParseValue(const std::string& key,
                                        std::string_view text) {
    SkipBlanks(&text);
    if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
      return ParseQuoted(key, text);
    }
    size_t end = 0;  // a # begins a comment only after a blank
    while (end < text.size() &&
           !(text[end] == '#' &&
             (end == 0 || kBlanks.find(text[end - 1]) != kBlanks.npos))) {
      ++end;
    }
    if (end < text.size()) RefuseComment(key);
    text = Trim(text.substr(0, end), kBlanks);
    RefuseSigns(key, text, "");
    return Expand(key, text, false);
  }

  std::optional<std::string> ParseQuoted(const std::string& key,
                                         std::string_view text) {
    const char quote = text.front();
    text.remove_prefix(1);
    size_t end = 0;
    while (end < text.size() && text[end] != quote) {
      end += quote == '"' && text[end] == '\\' ? 2 : 1;
    }
    if (end >= text.size()) {
      Problem("the quoted value of " + key + " has no end");
      return std::nullopt;
    }
    std::string_view rest = text.substr(end + 1);
    SkipBlanks(&rest);
    if (!rest.empty() && rest.front() != '#') {
      Problem("there is text after the quoted value of " + key);
      return std::nullopt;
    }
    if (!rest.empty()) RefuseComment(key);
    text = text.substr(0, end);
    if (quote == '\'') return std::string(text);
    RefuseSigns(key, text, "\"\\");
    return Expand(key, text, true);
  }

  void RefuseComment(const std::string& key) {
    if (!systemd_too_) return;
    Problem("systemd reads the comment after the value of " + key +
            " as part of the value: put the comment on its own line");
  }

  // `escaped` has the characters after a backslash that systemd reads as we do.
  void RefuseSigns(const std::string& key, std::string_view text,
                   std::string_view escaped) {
    if (!systemd_too_) return;
    for (size_t i = 0; i < text.size(); ++i) {
      const char next = i + 1 < text.size() ? text[i + 1] : '\0';
      const bool expands = text[i] == '$' && (next == '{' || next == '$');
      const bool escapes =
          text[i] == '\\' && escaped.find(next) == std::string_view::npos;
      if (expands || escapes) {
        Problem(std::string("systemd reads the ") + text[i] +
                " in the value of " + key +
                " differently: put the value in single quotes, or write it "
                "out");
        return;
      }
      if (text[i] == '\\') ++i;
    }
  }

  std::optional<std::string> Expand(const std::string& key,
                                    std::string_view text, bool escapes) {
    std::string value;
    while (!text.empty()) {
      if (escapes && text.front() == '\\') {
        const char c = text[1];  // ParseQuoted made sure that it exists
        value += c == 'n' ? '\n' : c == 't' ? '\t' : c;
        text.remove_prefix(2);
      } else if (text.starts_with("$$")) {
        value += '$';
        text.remove_prefix(2);
      } else if (text.starts_with("${")) {
        text.remove_prefix(2);
        const std::string name(TakeKey(&text));
        if (name.empty() || text.empty() || text.front() != '}') {
          Problem("the value of " + key +
                  " has a ${ that does not begin a ${NAME}");
          return std::nullopt;
        }
        text.remove_prefix(1);
        const auto found = Lookup(name);
        if (!found.has_value()) {
          Problem("the value of " + key + " uses ${" + name +
                  "}, which is not set");
          return std::nullopt;
        }
        value += *found;
      } else {
        value += text.front();
        text.remove_prefix(1);
      }
    }
    return value;
  }

  std::optional<std::string> Lookup(const std::string& name) const {
    const auto found = environment_.find(name);
    if (found != environment_.end()) return found->second;
    for (const EnvFile::Entry& entry : file_.entries) {
      if (entry.key == name) return entry.value;
    }
    return std::nullopt;
  }

  // Never shows a value, which may be a secret.
  void Problem(const std::string& what) {
    file_.problems.push_back("file " + name_ + " line " +
                             std::to_string(line_) + ": " + what);
  }

  const std::string name_;
  const std::map<std::string, std::string>& environment_;
  const bool systemd_too_;
  int line_ = 0;
  EnvFile file_;
};

}  // namespace

EnvFile ParseEnvFile(std::string_view text, const std::string& name,
                     const std::map<std::string, std::string>& environment,
                     EnvReaders readers) {
  return Parser(name, environment, readers).Parse(text);
}

}  // namespace levelkeep
