#include "support/temp_dir.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace levelkeep::test {
namespace {

[[noreturn]] void Die(const std::string& what, const std::string& path) {
  std::fprintf(stderr, "test support: cannot %s %s\n", what.c_str(),
               path.c_str());
  std::abort();
}

}  // namespace

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  path_ = base != nullptr && *base != '\0' ? base : "/tmp";
  path_ += "/levelkeep_test_XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) Die("create", path_);
}

TempDir::~TempDir() {
  namespace fs = std::filesystem;
  std::error_code error;
  // Tests take permissions away. Without these, nothing could be removed.
  fs::permissions(path_, fs::perms::owner_all, fs::perm_options::add, error);
  for (fs::recursive_directory_iterator it(path_, error), end;
       !error && it != end; it.increment(error)) {
    if (it->is_directory(error) && !it->is_symlink(error)) {
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add,
                      error);
    }
  }
  fs::remove_all(path_, error);
}

std::string TempDir::Sub(std::string_view name) const {
  return path_ + "/" + std::string(name);
}

void WriteFile(const std::string& path, std::string_view contents) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  file.close();
  if (!file) Die("write", path);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string contents;
  // In blocks: byte by byte takes seconds under a sanitizer.
  char block[1 << 16];
  while (file.read(block, sizeof block) || file.gcount() > 0) {
    contents.append(block, static_cast<size_t>(file.gcount()));
  }
  if (!file.eof() || file.bad()) Die("read", path);
  return contents;
}

int Shell(const std::string& command, std::string* output) {
  FILE* pipe = ::popen(command.c_str(), "re");
  if (pipe == nullptr) Die("run", command);
  std::string text;
  char buffer[4096];
  for (size_t count;
       (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
    text.append(buffer, count);
  }
  const int status = ::pclose(pipe);
  if (output != nullptr) *output = text;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace levelkeep::test
