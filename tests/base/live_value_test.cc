#include "base/live_value.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace levelkeep {
namespace {

TEST(LiveValueTest, OldReferencesStayAsTheyWere) {
  LiveValue<std::string> value("one");
  const std::string& first = value.Get();
  for (int i = 0; i < 100; ++i) value.Set("number " + std::to_string(i));
  EXPECT_EQ(first, "one");
  EXPECT_EQ(value.Get(), "number 99");
}

TEST(LiveValueTest, ReadersSeeWholeValues) {
  LiveValue<std::string> value(std::string(100, '0'));
  std::jthread writer([&value] {
    for (int i = 1; i < 200; ++i) {
      value.Set(std::string(100, static_cast<char>('0' + i % 10)));
    }
  });
  for (int i = 0; i < 2000; ++i) {
    const std::string& seen = value.Get();
    ASSERT_EQ(seen, std::string(100, seen[0]));
  }
}

}  // namespace
}  // namespace levelkeep
