#include "dbfiles/coding.h"

#include <limits>

namespace levelkeep {
void PutVarint64(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>((value & 0x7f) | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

void PutLengthPrefixed(std::string* out, std::string_view value) {
  PutVarint64(out, value.size());
  out->append(value);
}

bool GetVarint64(std::string_view* input, uint64_t* value) {
  *value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (input->empty()) return false;
    const uint64_t byte = static_cast<unsigned char>(input->front());
    input->remove_prefix(1);
    // The tenth byte has room for only one bit of the value.
    if (shift == 63 && byte > 1) return false;
    *value |= (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return true;
  }
  return false;
}

bool GetVarint32(std::string_view* input, uint32_t* value) {
  uint64_t wide = 0;
  if (!GetVarint64(input, &wide)) return false;
  if (wide > std::numeric_limits<uint32_t>::max()) return false;
  *value = static_cast<uint32_t>(wide);
  return true;
}

bool GetLengthPrefixed(std::string_view* input, std::string_view* value) {
  uint32_t size = 0;
  if (!GetVarint32(input, &size) || input->size() < size) return false;
  *value = input->substr(0, size);
  input->remove_prefix(size);
  return true;
}

}  // namespace levelkeep
