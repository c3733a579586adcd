// Files of KEY=VALUE lines; private to src/config.

#ifndef LEVELKEEP_CONFIG_ENV_FILE_H_
#define LEVELKEEP_CONFIG_ENV_FILE_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace levelkeep {

struct EnvFile {
  struct Entry {
    std::string key;
    std::string value;
    int line = 0;
  };
  std::vector<Entry> entries;         // in the file's order
  std::vector<std::string> problems;  // "file .env line 3: …"
};

// Blank lines and lines that begin with # are skipped; "export " before a
// key is fine. A value is
//   plain      up to the line's end or a # after a blank, blanks cut off
//   'single'   taken as it is
//   "double"   with \" \\ \n \t
// In plain and double-quoted values ${NAME} is replaced by the environment's
// or an earlier line's value (unknown: a problem), $$ is a dollar sign, and
// any other dollar sign stands for itself.
// `name` is how problems call the file.
//
// With kSystemdToo a file that systemd reads as an EnvironmentFile= as well:
// what it would read as another value, or not at all, is a problem. That is
// "export ", a # behind a value, ${NAME} and $$, and most backslashes.
enum class EnvReaders { kOursOnly, kSystemdToo };
EnvFile ParseEnvFile(std::string_view text, const std::string& name,
                     const std::map<std::string, std::string>& environment,
                     EnvReaders readers = EnvReaders::kOursOnly);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_ENV_FILE_H_
