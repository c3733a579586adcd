// A directory that lives as long as the test that uses it.

#ifndef LEVELKEEP_TESTS_SUPPORT_TEMP_DIR_H_
#define LEVELKEEP_TESTS_SUPPORT_TEMP_DIR_H_

#include <string>
#include <string_view>

namespace levelkeep::test {

class TempDir {
 public:
  TempDir();   // under $TMPDIR or /tmp; aborts the test program on failure
  ~TempDir();  // removes it with all content
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }
  std::string Sub(std::string_view name) const;  // path()/name

 private:
  std::string path_;
};

// Whole files, for tests only; abort on failure.
void WriteFile(const std::string& path, std::string_view contents);
std::string ReadFile(const std::string& path);
// Runs a shell command, returns its exit code, and its output in `output`.
int Shell(const std::string& command, std::string* output = nullptr);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_TEMP_DIR_H_
