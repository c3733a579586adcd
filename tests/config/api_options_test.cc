#include <gtest/gtest.h>

#include "levelkeep/options.h"

namespace levelkeep::http {
namespace {

TEST(ApiOptionsTest, ValidatesAllAtOnce) {
  EXPECT_TRUE(ApiOptions().Validate().ok());
  ApiOptions bad;
  bad.host = "a b";
  bad.port = 65536;
  bad.token = "with blank";
  bad.allowed_hosts = {"fine.example", "not/fine", "[::1]:5050", "::1", ""};
  const Status status = bad.Validate();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "API_HOST is \"a b\": allowed is a host name or address\n"
            "API_PORT is \"65536\": allowed is 0 to 65535, or none\n"
            "API_TOKEN is not usable: allowed is 1 to 4096 visible ASCII "
            "characters without blanks\n"
            "API_ALLOWED_HOSTS has \"not/fine\": allowed are host names and "
            "addresses, IPv6 ones in brackets\n"
            "API_ALLOWED_HOSTS has \"::1\": allowed are host names and "
            "addresses, IPv6 ones in brackets\n"
            "API_ALLOWED_HOSTS has \"\": allowed are host names and addresses, "
            "IPv6 ones in brackets");
}

TEST(ApiOptionsTest, PublicAddressNeedsATokenOrAWord) {
  for (const char* host : {"0.0.0.0", "::", "192.168.1.5", "myhost"}) {
    ApiOptions options;
    options.host = host;
    EXPECT_EQ(options.Validate().code(), StatusCode::kRefused) << host;
    options.token = std::string("t");
    EXPECT_TRUE(options.Validate().ok()) << host;
    options.token.clear();
    options.allow_anonymous = true;
    EXPECT_TRUE(options.Validate().ok()) << host;
  }
  for (const char* host :
       {"127.0.0.1", "127.1.2.3", "localhost", "::1", "[::1]"}) {
    ApiOptions options;
    options.host = host;
    EXPECT_TRUE(options.Validate().ok()) << host;
  }
}

}  // namespace
}  // namespace levelkeep::http
