// Small text helpers for all modules. Only ASCII letters, digits and blanks
// count as such, whatever the locale is.

#ifndef LEVELKEEP_BASE_TEXT_H_
#define LEVELKEEP_BASE_TEXT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace levelkeep {

// Decimal digits only, no sign, no blanks; no value on overflow.
std::optional<uint64_t> ParseUint64(std::string_view text);
std::string ToHex(std::string_view bytes);
// "1.5 GiB"; for people only, because it is rounded.
std::string FormatBytes(uint64_t bytes);
// "less than 0.1 s", "0.3 s", "12 s", "3 min 5 s", "2 h 10 min"
std::string FormatSeconds(double seconds);
// Megabytes (2^20) with two decimals, the format of `sizeMB` in the users'
// scripts.
std::string FormatMegabytes(uint64_t bytes);
// Printable form of untrusted bytes, at most `limit` characters: control
// characters and invalid UTF-8 become \xNN.
std::string Printable(std::string_view bytes, size_t limit = 80);
// A path in the form of one word of a shell command.
std::string QuotedForShell(std::string_view path);
std::string Join(const std::vector<std::string>& parts,
                 std::string_view separator);
// "a, b, c" for people; a long list is cut.
std::string NamesOf(const std::vector<std::string>& names);
bool IsValidUtf8(std::string_view text);
// Levenshtein distance, for "did you mean".
size_t EditDistance(std::string_view a, std::string_view b);
// The most similar of the known names, at most `most_edits` away; or "".
std::string Nearest(std::string_view text,
                    const std::vector<std::string>& known, size_t most_edits);

inline char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = Lower(c);
  return lower;
}

// The text without `blanks` at both ends.
inline std::string_view Trim(std::string_view text,
                             std::string_view blanks = " \t") {
  const size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// True if the text is empty or only blanks, as an unset variable in a script
// gives.
inline bool IsBlank(std::string_view text) {
  return Trim(text, " \t\r\n").empty();
}

// The parts between the separators; they may be empty. There is one part more
// than separators. The parts point into `text`.
inline std::vector<std::string_view> Split(std::string_view text,
                                           char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// True if the text has only letters, digits and characters of `others`, or is
// empty.
inline bool IsMadeOf(std::string_view text, std::string_view others) {
  return std::all_of(text.begin(), text.end(), [others](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || others.find(c) != others.npos;
  });
}

inline bool IsAsciiControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// The value of a lower-case hexadecimal digit; -1 for any other character.
inline int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte that begins the text as two lower-case hexadecimal digits; -1 if it
// begins with anything else.
inline int HexByte(std::string_view text) {
  if (text.size() < 2) return -1;
  const int high = HexDigit(text[0]);
  const int low = HexDigit(text[1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// True if the text is exactly `digits` lower-case hexadecimal digits.
inline bool IsLowerHex(std::string_view text, size_t digits) {
  return text.size() == digits &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return HexDigit(c) >= 0; });
}

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_TEXT_H_
