#include "base/host_name.h"

#include <algorithm>

#include "base/text.h"

namespace levelkeep {
namespace {

bool IsIPv4(std::string_view host) {
  int parts = 0;
  while (true) {
    const size_t dot = host.find('.');
    const auto number = ParseUint64(host.substr(0, dot));
    if (!number || *number > 255) return false;
    parts++;
    if (dot == std::string_view::npos) return parts == 4;
    host.remove_prefix(dot + 1);
  }
}

}  // namespace

bool IsLoopbackHost(std::string_view host) {
  const std::string lower = Lower(host);
  return lower == "localhost" || lower == "::1" || lower == "[::1]" ||
         (lower.substr(0, 4) == "127." && IsIPv4(lower));
}

std::optional<std::string> HostOfAuthority(std::string_view authority) {
  std::string_view host = authority;
  std::string_view port;
  if (!host.empty() && host[0] == '[') {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
    const bool address = std::all_of(host.begin(), host.end(), [](char c) {
      return c == ':' || c == '.' || (c >= '0' && c <= '9') ||
             (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    });
    if (!address) return std::nullopt;
  } else {
    const size_t colon = host.find(':');
    port = colon == std::string_view::npos ? "" : host.substr(colon);
    host = host.substr(0, colon);
    const bool name = std::all_of(host.begin(), host.end(), [](char c) {
      return c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') ||
             (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    if (!name) return std::nullopt;
  }
  if (host.empty()) return std::nullopt;
  if (!port.empty()) {
    const auto number = ParseUint64(port.substr(1));
    if (port[0] != ':' || !number || *number > 65535) return std::nullopt;
  }
  return Lower(host);
}

}  // namespace levelkeep
