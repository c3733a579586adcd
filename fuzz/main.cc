// The functions that libFuzzer calls.

#include "support.h"

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  levelkeep::fuzz::BeQuiet();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  levelkeep::fuzz::Run(levelkeep::fuzz::FuzzedBytes(data, size));
  return 0;
}
