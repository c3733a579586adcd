// The rules that keep one backup for each day, week, month and year.

#ifndef LEVELKEEP_CATALOG_RETENTION_BUCKETS_H_
#define LEVELKEEP_CATALOG_RETENTION_BUCKETS_H_

#include <array>
#include <chrono>
#include <vector>

#include "catalog/retention.h"
#include "catalog/retention_candidate.h"

namespace levelkeep {

bool HasBuckets(const RetentionPolicy& policy);

// RetentionCandidate::buckets of a backup that was made on `day`.
std::array<std::chrono::sys_days, kBucketKinds> BucketsOf(
    std::chrono::sys_days day);

// Keeps what the policy's buckets want. `latest` is sorted by day and time,
// latest first. `explain`: some of them want reasons.
void KeepBuckets(const std::vector<RetentionCandidate*>& latest,
                 const RetentionPolicy& policy, std::chrono::sys_days today,
                 bool explain);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_RETENTION_BUCKETS_H_
