// Documents that were changed, and the refusals that a decoder must give.

#ifndef LEVELKEEP_TESTS_FORMAT_DOCUMENT_FIXTURE_H_
#define LEVELKEEP_TESTS_FORMAT_DOCUMENT_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>

#include "levelkeep/status.h"

namespace levelkeep::test {

inline std::string Replaced(std::string text, const std::string& what,
                            const std::string& by) {
  const size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

struct BadDocument {
  std::string what;
  std::string text;
  std::string message;  // a part of it
};

inline void ExpectCorruption(const Status& status, const BadDocument& bad) {
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << bad.what;
  EXPECT_NE(status.message().find(bad.message), std::string::npos)
      << bad.what << ": " << status.message();
}

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_FORMAT_DOCUMENT_FIXTURE_H_
