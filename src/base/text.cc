#include "base/text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <numeric>
#include <utility>

namespace levelkeep {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";

struct CodePoint {
  uint32_t value = 0;
  size_t length = 0;  // 0: not UTF-8 (RFC 3629)
};

CodePoint DecodeFirst(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  size_t length = 0;
  uint32_t value = 0;
  uint32_t smallest = 0;
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2, value = first & 0x1f, smallest = 0x80;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3, value = first & 0x0f, smallest = 0x800;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4, value = first & 0x07, smallest = 0x10000;
  } else {
    return {};
  }
  if (text.size() < length) return {};
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < smallest || value > 0x10ffff || surrogate) return {};
  return {value, length};
}

// True for control characters, characters that reorder or break a line on a
// terminal, and invisible ones: two different names must not look alike.
bool IsControl(uint32_t value) {
  struct Range {
    uint32_t first;
    uint32_t last;
  };
  constexpr Range kRanges[] = {
      {0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},     {0x61c, 0x61c},
      {0x200b, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f}, {0xfeff, 0xfeff},
      {0xfff9, 0xfffb}, {0xe0000, 0xe007f},  // tags
  };
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [value](const Range& range) {
                       return value >= range.first && value <= range.last;
                     });
}

std::string EscapeBytes(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "\\x";
    text += ToHex(std::string_view(&c, 1));
  }
  return text;
}

}  // namespace

std::optional<uint64_t> ParseUint64(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::string ToHex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

std::string FormatSeconds(double seconds) {
  constexpr double kTenth = 0.1, kTen = 10, kMinute = 60, kHour = 3600;
  if (seconds < kTenth) return "less than 0.1 s";
  std::array<char, 64> text{};
  const auto whole = std::lround(seconds);
  if (seconds < kTen) {
    std::snprintf(text.data(), text.size(), "%.1f s", seconds);
  } else if (seconds < kMinute) {
    std::snprintf(text.data(), text.size(), "%.0f s", seconds);
  } else if (seconds < kHour) {
    return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) +
           " s";
  } else {
    return std::to_string(whole / 3600) + " h " +
           std::to_string(whole % 3600 / 60) + " min";
  }
  return text.data();
}

// Uses integers only, because printf's decimal point depends on the host's
// locale.
std::string FormatBytes(uint64_t bytes) {
  constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  for (unsigned i = 0;; ++i) {
    const unsigned shift = 10 * (i + 1);
    const uint64_t whole = bytes >> shift;
    // Ten binary digits after the point are enough for one decimal.
    const uint64_t below = (bytes >> (shift - 10)) & 1023;
    const uint64_t tenths = whole * 10 + (below * 10 + 512) / 1024;
    if (tenths >= 10240 && i + 1 < std::size(kUnits)) continue;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) +
           " " + kUnits[i];
  }
}

std::string FormatMegabytes(uint64_t bytes) {
  constexpr uint64_t kMegabyte = uint64_t{1} << 20;
  const uint64_t hundredths =
      (bytes / kMegabyte) * 100 +
      ((bytes % kMegabyte) * 100 + kMegabyte / 2) / kMegabyte;
  const std::string digits = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + "." +
         (digits.size() == 1 ? "0" : "") + digits;
}

std::string Printable(std::string_view bytes, size_t limit) {
  std::string text;
  size_t characters = 0;
  // The position for a cut at which "..." still fits.
  size_t cut = 0;
  const size_t dots = std::min<size_t>(limit, 3);
  while (!bytes.empty()) {
    const CodePoint next = DecodeFirst(bytes);
    const size_t length = std::max<size_t>(next.length, 1);
    const bool plain = next.length > 0 && !IsControl(next.value);
    const std::string piece = plain ? std::string(bytes.substr(0, length))
                                    : EscapeBytes(bytes.substr(0, length));
    const size_t width = plain ? 1 : piece.size();
    if (characters + width > limit) {
      text.resize(cut);
      return text.append(dots, '.');
    }
    text += piece;
    characters += width;
    if (characters + dots <= limit) cut = text.size();
    bytes.remove_prefix(length);
  }
  return text;
}

std::string QuotedForShell(std::string_view path) {
  if (!path.empty() && IsMadeOf(path, "/._-")) return std::string(path);
  std::string quoted = "'";
  for (const char c : path) {
    quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return Printable(quoted + "'", 600);
}

std::string Join(const std::vector<std::string>& parts,
                 std::string_view separator) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

std::string NamesOf(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  std::string text;
  for (size_t i = 0; i < names.size() && i < kShown; ++i) {
    text += (i == 0 ? "" : ", ") + Printable(names[i], 100);
  }
  if (names.size() > kShown) {
    text += " and " + std::to_string(names.size() - kShown) + " more";
  }
  return text;
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = DecodeFirst(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  // One row of the classic table; row[j] is the distance between a's first i
  // characters and b's first j.
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::string Nearest(std::string_view text,
                    const std::vector<std::string>& known, size_t most_edits) {
  std::string nearest;
  size_t least = most_edits + 1;
  for (const std::string& name : known) {
    const size_t edits = EditDistance(text, name);
    if (edits < least) nearest = name;
    least = std::min(edits, least);
  }
  return nearest;
}

}  // namespace levelkeep
