#include "base/host_name.h"

#include <algorithm>

#include "base/text.h"

namespace levelkeep {
namespace {

bool IsIPv4(std::string_view host) {
  const auto parts = Split(host, '.');
  return parts.size() == 4 &&
         std::ranges::all_of(parts, [](std::string_view part) {
           return ParseUint64(part).value_or(256) <= 255;
         });
}

}  // namespace

bool IsLoopbackHost(std::string_view host) {
  const std::string lower = Lower(host);
  return lower == "localhost" || lower == "::1" || lower == "[::1]" ||
         (lower.starts_with("127.") && IsIPv4(lower));
}

std::optional<std::string> HostOfAuthority(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (!host.empty() && host[0] == '[') {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    const bool address = std::ranges::all_of(host, [](char c) {
      return c == ':' || c == '.' || HexDigit(Lower(c)) >= 0;
    });
    if (!address) return std::nullopt;
  } else {
    const size_t colon = host.find(':');
    port = colon == std::string_view::npos ? "" : host.substr(colon);
    host = host.substr(0, colon);
    if (!IsMadeOf(host, ".-_")) return std::nullopt;
  }
  if (host.empty()) return std::nullopt;
  if (!port.empty()) {
    const auto number = ParseUint64(port.substr(1));
    if (port[0] != ':' || !number || *number > 65535) return std::nullopt;
  }
  return Lower(host);
}

}  // namespace levelkeep
