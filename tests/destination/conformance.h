// The behaviour that every destination must have. A new one adds a row to
// Kinds() and passes all tests of this folder's conformance_*_test.cc.

#ifndef LEVELKEEP_TESTS_DESTINATION_CONFORMANCE_H_
#define LEVELKEEP_TESTS_DESTINATION_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file_system.h"
#include "base/hash.h"
#include "destination/faulty_destination.h"
#include "destination/folder_destination.h"
#include "destination/kept_record.h"
#include "destination/wrapped_destination.h"
#include "support/auto_clock.h"
#include "support/fault_file_system.h"
#include "support/made_up_bytes.h"
#include "support/temp_dir.h"

namespace levelkeep::test {

// A place for objects, empty at first.
class Place {
 public:
  virtual ~Place() = default;
  // Opens it as another process would.
  virtual std::unique_ptr<Destination> Open() = 0;
};

class FolderPlace : public Place {
 public:
  std::unique_ptr<Destination> Open() override {
    return std::make_unique<FolderDestination>(FileSystem::Posix(),
                                               dir_.path());
  }

 private:
  TempDir dir_;
};

// Like exFAT: no links, no exchange, no rename that does not replace.
class PlainFolderPlace : public Place {
 public:
  PlainFolderPlace() : fs_(FileSystem::Posix()) { fs_.set_plain_names(true); }
  std::unique_ptr<Destination> Open() override {
    return std::make_unique<FolderDestination>(&fs_, dir_.path());
  }

 private:
  TempDir dir_;
  FaultFileSystem fs_;
};

// A clock whose sleepers may be of several threads.
class NoWaitClock : public Clock {
 public:
  Time Now() override { return Time(); }
  std::chrono::steady_clock::time_point SteadyNow() override {
    return std::chrono::steady_clock::time_point(
        std::chrono::milliseconds(slept_.load()));
  }
  bool SleepFor(std::chrono::milliseconds duration,
                std::stop_token stop) override {
    slept_ += duration.count();
    return !stop.stop_requested();
  }

 private:
  std::atomic<int64_t> slept_ = 0;
};

// Each third call fails, and the caller does not notice.
class RetryingPlace : public Place {
 public:
  std::unique_ptr<Destination> Open() override {
    auto faulty = std::make_unique<FaultyDestination>(folder_.Open());
    faulty->FailEvery(3);
    return std::make_unique<RetryingDestination>(std::move(faulty), &clock_);
  }

 private:
  FolderPlace folder_;
  NoWaitClock clock_;
};

class LimitedPlace : public Place {
 public:
  std::unique_ptr<Destination> Open() override {
    return std::make_unique<LimitedDestination>(folder_.Open(), &clock_,
                                                1u << 20);
  }

 private:
  FolderPlace folder_;
  NoWaitClock clock_;
};

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Place>()> make;
};

template <typename T>
Kind KindOf(const char* name) {
  return {name, [] { return std::make_unique<T>(); }};
}

inline std::vector<Kind> Kinds() {
  return {
      KindOf<FolderPlace>("Folder"),
      KindOf<PlainFolderPlace>("PlainFolder"),
      KindOf<RetryingPlace>("Retrying"),
      KindOf<LimitedPlace>("Limited"),
  };
}

// Gives its bytes up to an offset, and then fails or is stopped.
class EndingSource : public ByteSource {
 public:
  EndingSource(const std::string& bytes, uint64_t end,
               std::function<void()> at_end = nullptr)
      : bytes_(bytes), end_(end), at_end_(std::move(at_end)) {}
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    if (offset + size > end_) {
      if (!at_end_) return Status(StatusCode::kNoSpace, "it can't be read");
      at_end_();
    }
    size = std::min<size_t>(size, bytes_.size() - offset);
    bytes_.copy(buffer, size, offset);
    return size;
  }

 private:
  const std::string& bytes_;
  const uint64_t end_;
  const std::function<void()> at_end_;
};

class ConformanceTest : public ::testing::TestWithParam<Kind> {
 protected:
  ConformanceTest()
      : place_(GetParam().make()),
        destination_(place_->Open()),
        abilities_(destination_->abilities()) {}

  Result<StoredObject> Put(const std::string& name, const std::string& bytes,
                           std::vector<SharedRange> shared = {}) {
    const auto source = NewStringSource(bytes);
    return destination_->Put(
        name, {source.get(), bytes.size(), Sha256Hex(bytes), std::move(shared)},
        nullptr, Work());
  }

  Result<std::string> ReadObject(const StoredObject& object) {
    auto source = destination_->Open(object.name, object.version, Work());
    if (!source.ok()) return source.status();
    std::string bytes(object.size_bytes + 1, '\0');
    const auto count = (*source)->ReadAt(0, bytes.data(), bytes.size());
    if (!count.ok()) return count.status();
    bytes.resize(*count);
    return bytes;
  }

  Result<std::string> ReadNow(const std::string& name) {
    const auto object = destination_->Stat(name, Work());
    if (!object.ok()) return object.status();
    return ReadObject(*object);
  }

  std::vector<std::string> ListedNames() {
    const auto objects = place_->Open()->List(Work());
    EXPECT_TRUE(objects.ok()) << objects.status().ToString();
    std::vector<std::string> names;
    if (!objects.ok()) return names;
    for (const StoredObject& object : *objects) names.push_back(object.name);
    return names;
  }

  const std::unique_ptr<Place> place_;
  const std::unique_ptr<Destination> destination_;
  const Abilities abilities_;
};

using Names = std::vector<std::string>;

inline std::string NameOf(const ::testing::TestParamInfo<Kind>& kind) {
  return kind.param.name;
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_DESTINATION_CONFORMANCE_H_
