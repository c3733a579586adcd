#include "http/url.h"

#include "base/ascii.h"
#include "base/text.h"

namespace levelkeep::http {

namespace {

std::optional<std::string> Decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = HexDigit(Lower(text[i + 1]));
      const int low = HexDigit(Lower(text[i + 2]));
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return std::nullopt;
    decoded += c;
  }
  if (!IsValidUtf8(decoded)) return std::nullopt;
  return decoded;
}

bool ParseQuery(std::string_view text,
                std::map<std::string, std::string>* query,
                std::string* repeated) {
  for (const std::string_view pair : Split(text, '&')) {
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    const auto name = Decode(pair.substr(0, equals), true);
    const auto value = Decode(
        equals == std::string_view::npos ? "" : pair.substr(equals + 1), true);
    if (!name || !value) return false;
    if (query->emplace(*name, *value).second) continue;
    if (repeated != nullptr) *repeated = *name;
    return false;
  }
  return true;
}

}  // namespace

std::optional<Target> ParseTarget(std::string_view target,
                                  std::string* repeated) {
  if (target.empty() || target[0] != '/') return std::nullopt;
  if (target.find('#') != std::string_view::npos) return std::nullopt;
  const size_t question = target.find('?');
  const auto path = Decode(target.substr(0, question), false);
  if (!path) return std::nullopt;
  Target result;
  result.path = *path;
  if (question != std::string_view::npos &&
      !ParseQuery(target.substr(question + 1), &result.query, repeated)) {
    return std::nullopt;
  }
  return result;
}

std::string HostInUrl(const std::string& host) {
  const bool bare =
      host.find(':') != std::string::npos && !host.starts_with('[');
  return bare ? "[" + host + "]" : host;
}

}  // namespace levelkeep::http
