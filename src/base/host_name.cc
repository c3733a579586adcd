#include "base/host_name.h"

#include <algorithm>

#include "base/ascii.h"
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

}  // namespace levelkeep
