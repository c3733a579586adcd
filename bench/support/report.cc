#include "support/report.h"

#include <stdlib.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"

namespace levelkeep::bench {

namespace {

Json Machine() {
  utsname system{};
  ::uname(&system);
  Json machine;
  machine["cores"] = std::thread::hardware_concurrency();
  machine["kernel"] = std::string(system.release);
  machine["architecture"] = std::string(system.machine);
  machine["compiler"] = std::string(__VERSION__);
#ifdef NDEBUG
  machine["assertions"] = false;
#else
  machine["assertions"] = true;
#endif
  return machine;
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) {
  rows_.push_back(std::move(header));
}

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  rows_.push_back(std::move(cells));
}

void TextTable::Print() const {
  std::vector<size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); i++) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const auto& row : rows_) {
    std::string line = row[0] + std::string(widths[0] - row[0].size(), ' ');
    for (size_t i = 1; i < row.size(); i++) {
      line += std::string(widths[i] - row[i].size() + 2, ' ') + row[i];
    }
    std::puts(line.c_str());
  }
  std::fflush(stdout);
}

std::string Fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string Milliseconds(double seconds) { return Fixed(seconds * 1e3, 3); }
std::string Microseconds(double seconds) { return Fixed(seconds * 1e6, 1); }
std::string TimesRatio(double ratio) { return Fixed(ratio, 3) + "x"; }

Benchmark::Benchmark(const std::string& name, const std::string& description)
    : name_(name), app_(description, name) {
  app_.add_option("--dir", parent_dir_,
                  "folder in which a scratch folder is made")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app_.add_option("--json", json_path_, "write the results to this file too");
}

void Benchmark::AddSize(const std::string& option, uint64_t* bytes,
                        const std::string& description) {
  app_.add_option(option, *bytes, description)
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
}

int Benchmark::Run(int argc, char** argv, const std::function<Status()>& body) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_.exit(error);
  }
  LogOptions quiet;
  quiet.level = LogLevel::kWarn;
  Status status = ConfigureLogging(quiet);
  // A wrong path shows now, before minutes of measuring.
  if (status.ok() && !json_path_.empty()) status = WriteJson();
  if (status.ok()) {
    result_["benchmark"] = name_;
    result_["version"] = LevelKeepVersion();
    result_["time"] = FormatTime(Clock::System()->Now());
    result_["machine"] = Machine();
    status = RunInScratch(body);
  }
  if (status.ok() && !json_path_.empty()) status = WriteJson();
  if (status.ok()) return 0;
  std::cerr << name_ << ": " << status.ToString() << "\n";
  return 1;
}

Status Benchmark::RunInScratch(const std::function<Status()>& body) {
  std::string pattern = parent_dir_ + "/levelkeep-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) {
    return Status(StatusCode::kIoError,
                  "cannot make a scratch folder in " + parent_dir_,
                  "choose a writable folder with --dir");
  }
  scratch_dir_ = pattern;
  Status status;
  try {
    status = body();
  } catch (const std::exception& error) {
    status = Status(StatusCode::kInternal, error.what());
  }
  std::error_code ignored;
  std::filesystem::remove_all(scratch_dir_, ignored);
  return status;
}

Status Benchmark::WriteJson() const {
  std::ofstream file(json_path_);
  file << result_.dump(2) << "\n";
  file.close();
  if (file) return Status::Ok();
  return Status(StatusCode::kIoError, "cannot write " + json_path_,
                "see whether its folder exists and is writable");
}

}  // namespace levelkeep::bench
