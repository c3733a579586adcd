// LevelDB's integers: fixed little-endian and variable-length.
// Source of the encoding: LevelDB's util/coding.h.

#ifndef LEVELKEEP_DBFILES_CODING_H_
#define LEVELKEEP_DBFILES_CODING_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace levelkeep {

uint32_t DecodeFixed32(const char* bytes);
uint64_t DecodeFixed64(const char* bytes);
void PutFixed32(std::string* out, uint32_t value);
void PutFixed64(std::string* out, uint64_t value);

void PutVarint64(std::string* out, uint64_t value);
void PutLengthPrefixed(std::string* out, std::string_view value);

// Each function takes its value from the front of `input`. It returns false,
// and leaves `input` in an unspecified state, if the value is incomplete.
bool GetVarint32(std::string_view* input, uint32_t* value);
bool GetVarint64(std::string_view* input, uint64_t* value);
bool GetLengthPrefixed(std::string_view* input, std::string_view* value);

}  // namespace levelkeep

#endif  // LEVELKEEP_DBFILES_CODING_H_
