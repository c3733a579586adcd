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

// Blank lines and lines that begin with # are skipped; "export " before a key
// is allowed. A value is
//   plain      up to the line's end or a # after a blank, without outer blanks
//   'single'   used unchanged
//   "double"   with \" \\ \n \t
// In plain and double-quoted values ${NAME} is replaced by the environment's or
// an earlier line's value (unknown: a problem), $$ is a dollar sign, and any
// other dollar sign stays as it is.
// `name` is the file's name in problems.
//
// kSystemdToo is for a file that systemd also reads as an EnvironmentFile=:
// text that systemd would read differently or not at all is a problem, namely
// "export ", a # after a value, ${NAME} and $$, and most backslashes.
enum class EnvReaders { kOursOnly, kSystemdToo };
EnvFile ParseEnvFile(std::string_view text, const std::string& name,
                     const std::map<std::string, std::string>& environment,
                     EnvReaders readers = EnvReaders::kOursOnly);

}  // namespace levelkeep

#endif  // LEVELKEEP_CONFIG_ENV_FILE_H_
