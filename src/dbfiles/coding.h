// LevelDB's integers: fixed little-endian and variable-length.
// Source of the encoding: LevelDB's util/coding.h.

#ifndef LEVELKEEP_DBFILES_CODING_H_
#define LEVELKEEP_DBFILES_CODING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace levelkeep {

// `Number` is uint32_t or uint64_t.
template <typename Number>
Number DecodeFixed(const char* bytes) {
  Number value = 0;
  for (size_t i = 0; i < sizeof(Number); i++) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= static_cast<Number>(byte) << (8 * i);
  }
  return value;
}
template <typename Number>
void PutFixed(std::string* out, Number value) {
  for (size_t i = 0; i < sizeof(Number); i++) {
    out->push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
}

void PutVarint64(std::string* out, uint64_t value);
void PutLengthPrefixed(std::string* out, std::string_view value);

// Each function takes its value from the front of `input`. It returns false,
// and leaves `input` in an unspecified state, if the value is incomplete.
bool GetVarint32(std::string_view* input, uint32_t* value);
bool GetVarint64(std::string_view* input, uint64_t* value);
bool GetLengthPrefixed(std::string_view* input, std::string_view* value);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_CODING_H_
