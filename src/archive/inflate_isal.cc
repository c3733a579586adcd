#if defined(LEVELKEEP_WITH_ISAL)

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <cstdint>

#include "archive/inflate.h"

namespace levelkeep {

struct MemberInflater::Engine {
  inflate_state state;
};

MemberInflater::MemberInflater() : engine_(std::make_unique<Engine>()) {
  Reset();
}

MemberInflater::~MemberInflater() = default;

void MemberInflater::Reset() {
  isal_inflate_init(&engine_->state);
  // No header; the trailer is read and compared by the library.
  engine_->state.crc_flag = ISAL_GZIP_NO_HDR_VER;
}

MemberInflater::Outcome MemberInflater::Inflate(std::string_view* input,
                                                char* output,
                                                size_t output_size,
                                                size_t* written) {
  inflate_state& state = engine_->state;
  const size_t offered = std::min<size_t>(input->size(), 1u << 30);
  const size_t room = std::min<size_t>(output_size, 1u << 30);
  state.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(input->data()));
  state.avail_in = static_cast<uint32_t>(offered);
  state.next_out = reinterpret_cast<uint8_t*>(output);
  state.avail_out = static_cast<uint32_t>(room);
  const int code = isal_inflate(&state);
  *written = 0;
  // For some damaged data it counts more than it was given.
  if (state.avail_in > offered || state.avail_out > room) {
    return Outcome::kDamaged;
  }
  input->remove_prefix(offered - state.avail_in);
  *written = room - state.avail_out;
  if (code < 0 || code > ISAL_OUT_OVERFLOW) return Outcome::kDamaged;
  if (state.block_state == ISAL_BLOCK_FINISH) return Outcome::kMemberEnd;
  if (state.avail_out == 0) return Outcome::kNeedsOutput;
  return state.avail_in == 0 ? Outcome::kNeedsInput : Outcome::kDamaged;
}

}  // namespace levelkeep

#endif  // LEVELKEEP_WITH_ISAL
