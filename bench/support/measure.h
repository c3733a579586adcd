// Clocks and the statistics that the reports use.

#ifndef LEVELKEEP_BENCH_SUPPORT_MEASURE_H_
#define LEVELKEEP_BENCH_SUPPORT_MEASURE_H_

#include <functional>
#include <vector>

namespace levelkeep::bench {

// Seconds of a clock; only differences have a meaning.
double WallSeconds();
double ThreadCpuSeconds();   // of the calling thread
double ProcessCpuSeconds();  // of all threads
// Of all processes on this machine, in steps of 10 ms; 0 if the kernel does not
// tell.
double MachineCpuSeconds();

struct Cost {
  double wall = 0;
  double thread_cpu = 0;
  double process_cpu = 0;
  double others_cpu = 0;  // of other processes and the kernel
};
Cost MeasureOnce(const std::function<void()>& work);

// The median; 0 without values.
double Median(std::vector<double> values);
double Max(const std::vector<double>& values);
// The smallest value that at least `share` of `sorted` do not exceed; 0 without
// values. A share of 0.5 gives the median.
double Percentile(const std::vector<double>& sorted, double share);
// The ratio; 0 if `base` is not above 0.
double Ratio(double value, double base);

}  // namespace levelkeep::bench

#endif  // LEVELKEEP_BENCH_SUPPORT_MEASURE_H_
