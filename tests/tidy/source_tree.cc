#include "tidy/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <regex>

#include "support/temp_dir.h"

namespace levelkeep::test {
namespace {

// The end of the literal or comment at `start`; `start` if there is none.
size_t EndOfInert(std::string_view text, size_t start) {
  const std::string_view rest = text.substr(start);
  const auto until = [&](std::string_view end, size_t from) {
    const size_t found = text.find(end, start + from);
    return found == text.npos ? text.size() : found + end.size();
  };
  if (rest.starts_with("//")) {
    const size_t end = text.find('\n', start);
    return end == text.npos ? text.size() : end;
  }
  if (rest.starts_with("/*")) return until("*/", 2);
  if (rest.starts_with("R\"")) {
    const size_t paren = rest.find('(');
    if (paren == rest.npos) return text.size();
    return until(")" + std::string(rest.substr(2, paren - 2)) + "\"", paren);
  }
  const bool digit_separator =
      rest.front() == '\'' && start > 0 && std::isalnum(text[start - 1]) != 0;
  if ((rest.front() != '"' && rest.front() != '\'') || digit_separator) {
    return start;
  }
  size_t end = start + 1;
  while (end < text.size() && text[end] != rest.front() && text[end] != '\n') {
    end += text[end] == '\\' ? 2 : 1;
  }
  return std::min(end + 1, text.size());
}

// Literals keep their quotes, so that the code's shape stays visible.
void Blank(std::string* text, size_t start, size_t end) {
  const bool literal = (*text)[start] != '/';
  for (size_t i = start; i < end; ++i) {
    const bool edge = literal && (i == start || i + 1 == end);
    if ((*text)[i] != '\n' && !edge) (*text)[i] = ' ';
  }
}

}  // namespace

std::string SourceFile::Module() const {
  const size_t first = path.find('/');
  if (first == path.npos) return "";
  const size_t second = path.find('/', first + 1);
  if (second == path.npos) return "";
  return path.substr(first + 1, second - first - 1);
}

std::vector<SourceFile> ReadSources(const std::string& root,
                                    const std::vector<std::string>& folders) {
  namespace fs = std::filesystem;
  std::vector<SourceFile> files;
  for (const std::string& folder : folders) {
    const fs::path top = fs::path(root) / folder;
    if (!fs::exists(top)) continue;
    for (fs::recursive_directory_iterator it(top), end; it != end; ++it) {
      const fs::directory_entry& entry = *it;
      // A test's packages from a package manager are not ours.
      if (entry.path().filename() == "node_modules") {
        it.disable_recursion_pending();
        continue;
      }
      const std::string extension = entry.path().extension().string();
      if (!entry.is_regular_file()) continue;
      if (extension != ".h" && extension != ".cc") continue;
      const std::string path = entry.path().string();
      files.push_back({fs::relative(path, root).string(), ReadFile(path)});
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::vector<std::string> SplitLines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string CodeOnly(std::string_view text) {
  std::string code(text);
  for (size_t i = 0; i < text.size();) {
    const size_t end = EndOfInert(text, i);
    if (end == i) {
      ++i;
      continue;
    }
    Blank(&code, i, end);
    i = end;
  }
  return code;
}

std::vector<Include> IncludesOf(std::string_view text) {
  static const std::regex kInclude(
      "\\s*#\\s*include\\s*([\"<])([^\">]+)[\">].*");
  std::vector<Include> includes;
  int number = 0;
  for (const std::string& line : SplitLines(text)) {
    ++number;
    std::smatch match;
    if (!std::regex_match(line, match, kInclude)) continue;
    includes.push_back({number, match[2], match[1] == "\""});
  }
  return includes;
}

std::vector<std::string> FindLines(
    const SourceFile& file,
    const std::function<bool(const std::string& code)>& is_bad) {
  std::vector<std::string> found;
  int number = 0;
  for (const std::string& line : SplitLines(CodeOnly(file.text))) {
    ++number;
    if (!is_bad(line)) continue;
    found.push_back(file.path + ":" + std::to_string(number) + ": " +
                    SplitLines(file.text)[static_cast<size_t>(number - 1)]);
  }
  return found;
}

std::vector<std::string> FindLongFunctions(const SourceFile& file,
                                           int most_lines) {
  // A body begins in a line that ends with ") {" or ") const … {", or with
  // the "{" of an initializer list, and ends with a "}" in the same column
  // as the declaration.
  static const std::regex kBegin("( {0,2})[A-Za-z~\\[].*\\).*\\{$");
  static const std::regex kContinued(" {4,}.*\\).*\\{$");
  static const std::regex kNoFunction(
      " *(namespace|class|struct|enum|union|extern|if|for|while|switch|do|else)"
      "\\b.*");
  const auto lines = SplitLines(CodeOnly(file.text));
  std::vector<std::string> found;
  size_t start = 0;  // of the last line with at most two blanks before it
  for (size_t i = 0; i < lines.size(); ++i) {
    const size_t indent = lines[i].find_first_not_of(' ');
    if (indent == std::string::npos) continue;
    if (indent <= 2) start = i;
    const std::string& head = lines[start];
    if (std::regex_match(head, kNoFunction)) continue;
    const bool begins = std::regex_match(lines[i], kBegin) ||
                        (start + 12 > i && start != i &&
                         std::regex_match(lines[i], kContinued) &&
                         head.find('(') != std::string::npos &&
                         head.find('{') == std::string::npos);
    if (!begins) continue;
    const std::string end = std::string(head.find_first_not_of(' '), ' ') + "}";
    size_t last = i;
    while (last + 1 < lines.size() && lines[last] != end) ++last;
    const auto count = static_cast<int>(last - start + 1);
    if (count > most_lines) {
      found.push_back(file.path + ":" + std::to_string(start + 1) + ": " +
                      std::to_string(count) + " lines");
    }
    i = last;
  }
  return found;
}

}  // namespace levelkeep::test
