// How the host benchmarks are started and report their results: as a table for
// people, and as JSON for programs.

#ifndef LEVELKEEP_BENCH_SUPPORT_REPORT_H_
#define LEVELKEEP_BENCH_SUPPORT_REPORT_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "levelkeep/status.h"

namespace levelkeep::bench {

using Json = nlohmann::ordered_json;

// A table whose columns are as wide as their widest cell. The first column is
// aligned left, the others right.
// Thread safety: one thread at a time.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);
  void AddRow(std::vector<std::string> cells);  // as many as the header
  void Print() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string Fixed(double value, int digits);
std::string Milliseconds(double seconds);  // "1.234"
std::string Microseconds(double seconds);  // "12.3"
std::string TimesRatio(double ratio);      // "1.03x"

// The options that every benchmark has; it adds its own to the CLI::App.
// Thread safety: one thread at a time.
class Benchmark {
 public:
  Benchmark(const std::string& name, const std::string& description);

  CLI::App* app() { return &app_; }
  // A size such as 100MB or 2560MB (of 1024 each), no fractions.
  void AddSize(const std::string& option, uint64_t* bytes,
               const std::string& description);
  // An empty folder for this run, gone when the benchmark ends.
  const std::string& scratch_dir() const { return scratch_dir_; }
  Json* result() { return &result_; }

  // Parses, runs `body` and writes the JSON file if one is asked for. Returns
  // the exit code for main().
  int Run(int argc, char** argv, const std::function<Status()>& body);

 private:
  Status RunInScratch(const std::function<Status()>& body);
  Status WriteJson() const;

  const std::string name_;
  CLI::App app_;
  std::string parent_dir_ = ".";
  std::string json_path_;
  std::string scratch_dir_;
  Json result_;
};

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_SUPPORT_REPORT_H_
