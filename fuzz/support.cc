#include "support.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.h"

namespace levelkeep::fuzz {
namespace {

namespace fs = std::filesystem;

std::string ParentOfScratch() {
  const char* const chosen = std::getenv("TMPDIR");
  if (chosen != nullptr && *chosen != '\0') return chosen;
  return fs::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
}

}  // namespace

void Require(bool condition, std::string_view sentence) {
  if (condition) return;
  std::fprintf(stderr, "REQUIRED: %.*s\n", static_cast<int>(sentence.size()),
               sentence.data());
  std::abort();
}

void RequireOk(const Status& status, std::string_view sentence) {
  if (status.ok()) return;
  Require(false, std::string(sentence) + ", but: " + status.ToString());
}

uint8_t FuzzedBytes::Byte() {
  if (rest_.empty()) return 0;
  const auto byte = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  return byte;
}

uint64_t FuzzedBytes::Number() {
  uint64_t number = 0;
  for (int i = 0; i < 8; ++i) number |= uint64_t{Byte()} << (8 * i);
  return number;
}

std::string_view FuzzedBytes::Piece() {
  const size_t cut = rest_.find(kCut);
  const std::string_view piece = rest_.substr(0, cut);
  rest_.remove_prefix(cut == rest_.npos ? rest_.size() : cut + kCut.size());
  return piece;
}

std::string_view FuzzedBytes::Rest() {
  const std::string_view piece = rest_;
  rest_ = {};
  return piece;
}

Scratch& Scratch::Get() {
  // Never destroyed: the exit handler below needs it.
  static Scratch* const scratch = [] {
    auto* const made = new Scratch;
    std::atexit([] {
      std::error_code ignored;
      fs::remove_all(Get().path(), ignored);
    });
    return made;
  }();
  return *scratch;
}

Scratch::Scratch() : path_(ParentOfScratch() + "/levelkeep-fuzz-XXXXXX") {
  Require(::mkdtemp(path_.data()) != nullptr, "a scratch folder can be made");
}

std::string Scratch::Sub(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

void Scratch::Clear() {
  for (const fs::directory_entry& entry : fs::directory_iterator(path_)) {
    fs::remove_all(entry.path());
  }
}

void WriteFile(const std::string& path, std::string_view content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(content.data(), static_cast<std::streamsize>(content.size()));
  file.close();
  Require(file.good(), "a file can be written to the scratch folder");
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  Require(file.good(), "a file of the scratch folder can be read");
  return std::move(content).str();
}

Files ReadTree(const std::string& folder) {
  Files files;
  for (const fs::directory_entry& entry :
       fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().string();
    const fs::file_type type = entry.symlink_status().type();
    if (type == fs::file_type::directory) {
      files[path + "/"];
      continue;
    }
    Require(type == fs::file_type::regular,
            "nothing but files and folders is written");
    files[path] = ReadFile(path);
  }
  return files;
}

void BeQuiet() {
  LogOptions options;
  options.level = LogLevel::kOff;
  RequireOk(ConfigureLogging(options), "logging can be turned off");
}

}  // namespace levelkeep::fuzz
