// GET /metrics: what a Prometheus server reads. docs/metrics.md lists all of
// it.

#ifndef LEVELKEEP_API_METRICS_H_
#define LEVELKEEP_API_METRICS_H_

#include <string>
#include <string_view>
#include <vector>

#include "levelkeep/reports.h"

namespace levelkeep::api {

// What one answer is made of, at one moment.
struct Scrape {
  HealthReport health;
  std::vector<JobTotal> totals;
  std::vector<Job> running;
};

// Takes the samples of one metric and writes them as text.
class Samples {
 public:
  // `name` and `text` must outlive this object.
  Samples(std::string_view name, std::string* text)
      : name_(name), text_(text) {}

  // Adds a sample without labels, or with `labels`: type="create". Values of
  // labels are words without quotes and backslashes.
  void Add(double value) { Add("", "", value); }
  void Add(std::string_view labels, double value) { Add("", labels, value); }
  // Adds NAME_bucket, NAME_sum or NAME_count.
  void Add(std::string_view suffix, std::string_view labels, double value);

 private:
  const std::string_view name_;
  std::string* const text_;
};

// A row of the table. `write` adds the present samples; none if what the metric
// measures does not exist or is not known.
struct Metric {
  const char* name;
  const char* type;  // gauge, counter or histogram
  const char* help;
  void (*write)(const Scrape& scrape, Samples* samples);
};

// All metrics, in the order of the answer. Thread safety: constant.
const std::vector<Metric>& AllMetrics();

// The answer in Prometheus' text format, version 0.0.4. A metric without
// samples is left out.
std::string MetricsText(const Scrape& scrape);

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_METRICS_H_
