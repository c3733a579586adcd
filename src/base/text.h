// Small text helpers shared by all modules.

#ifndef LEVELKEEP_BASE_TEXT_H_
#define LEVELKEEP_BASE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace levelkeep {

// Decimal digits only, no sign, no blanks; nothing on overflow.
std::optional<uint64_t> ParseUint64(std::string_view text);
std::string ToHex(std::string_view bytes);
// "1.5 GiB"; for people, never for machines.
std::string FormatBytes(uint64_t bytes);
// Megabytes (2^20) with two decimals, as the users' scripts know `sizeMB`.
std::string FormatMegabytes(uint64_t bytes);
// Printable form of untrusted bytes, at most `limit` characters: control
// characters and invalid UTF-8 become \xNN.
std::string Printable(std::string_view bytes, size_t limit = 80);
// A path as a word of a shell command.
std::string QuotedForShell(std::string_view path);
std::string Join(const std::vector<std::string>& parts,
                 std::string_view separator);
// "a, b, c", of many the first ones; for people.
std::string NamesOf(const std::vector<std::string>& names);
bool IsValidUtf8(std::string_view text);
// Levenshtein distance, for "did you mean".
size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_TEXT_H_
