#include "eventstore/event.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace levelkeep {
namespace {

nlohmann::json Nested(int depth) {
  nlohmann::json json = 1;
  for (int i = 0; i < depth; ++i) {
    nlohmann::json outer = nlohmann::json::array();
    outer.push_back(std::move(json));
    json = std::move(outer);
  }
  return json;
}

TEST(EventKeyTest, SortsLikeTheSequenceAndParsesBack) {
  const std::vector<uint64_t> sequences = {
      1, 2, 9, 10, 99, 100, 4294967296, std::numeric_limits<uint64_t>::max()};
  std::string previous;
  for (const uint64_t sequence : sequences) {
    const std::string key = EventKey(sequence);
    EXPECT_LT(previous, key);
    EXPECT_EQ(ParseEventKey(key), sequence);
    previous = key;
  }
  EXPECT_EQ(EventKey(17), "event:00000000000000000017");
}

TEST(EventKeyTest, KeysOfOthersAreNotOurs) {
  for (const char* key :
       {"", "event:", "event:17", "event:0000000000000000001x",
        "event:000000000000000000017", "event:00000000000000000000",
        "event:99999999999999999999", "Event:00000000000000000017",
        "event:+0000000000000000017", "event:1703678400000:abc"}) {
    EXPECT_FALSE(ParseEventKey(key).has_value()) << key;
  }
}

TEST(EventTest, IsWrittenAsPeopleReadIt) {
  const NewEvent event{"user.created", "users", {{"name", "Zo\u00eb"}}};
  EXPECT_EQ(EncodeEvent(17, "2024-12-27T12:00:00.000Z", EncodeEventBody(event)),
            "{\"sequence\":17,\"type\":\"user.created\",\"stream\":\"users\","
            "\"time\":\"2024-12-27T12:00:00.000Z\","
            "\"data\":{\"name\":\"Zo\u00eb\"}}");
}

TEST(EventTest, AnyDataComesBackUnchanged) {
  const std::vector<nlohmann::json> values = {
      nullptr,
      true,
      -1,
      18446744073709551615u,
      0.1,
      "",
      std::string("a\0b\n\"\\", 6),
      nlohmann::json::array(),
      nlohmann::json::object(),
      {{"nested", {1, {{"deep", nullptr}}}}},
      Nested(kMaxEventDataDepth)};
  for (const nlohmann::json& value : values) {
    const NewEvent event{"t", "", value};
    ASSERT_TRUE(ValidateEvent(event).ok());
    const std::string record =
        EncodeEvent(5, "2024-12-27T12:00:00.000Z", EncodeEventBody(event));
    const auto decoded = DecodeEvent(5, record);
    ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
    EXPECT_EQ(decoded->data, value);
    EXPECT_EQ(decoded->sequence, 5u);
    EXPECT_EQ(decoded->time, "2024-12-27T12:00:00.000Z");
    EXPECT_EQ(EncodeEvent(*decoded), record);
  }
}

TEST(EventTest, RefusesWhatItCouldNotReadBack) {
  const std::string longest(kMaxEventNameLength, 'x');
  std::string accents;
  for (size_t i = 0; i < kMaxEventNameLength; ++i) accents += "\u00e9";
  EXPECT_TRUE(ValidateEvent({longest, longest, nullptr}).ok());
  EXPECT_TRUE(ValidateEvent({accents, "", nullptr}).ok());

  struct Case {
    NewEvent event;
    const char* message;
  };
  const Case cases[] = {
      {{"", "", nullptr}, "\"type\" must be a string of 1 to 200 characters"},
      {{longest + "x", "", nullptr},
       "\"type\" must be a string of 1 to 200 characters"},
      {{"t", longest + "x", nullptr},
       "\"stream\" must be a string of 0 to 200 characters"},
      {{"a\nb", "", nullptr}, "\"type\" must not hold control characters"},
      {{"t", "\x7f", nullptr}, "\"stream\" must not hold control characters"},
      {{"\xff", "", nullptr}, "\"type\" is not valid UTF-8"},
      {{"t", "", Nested(kMaxEventDataDepth + 1)},
       "\"data\" is nested deeper than 31 levels"},
      {{"t", "", Nested(5000)}, "\"data\" is nested deeper than 31 levels"},
  };
  for (const Case& c : cases) {
    const Status status = ValidateEvent(c.event);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), c.message);
  }
}

TEST(EventTest, DamagedRecordsSayWhatIsWrong) {
  struct Case {
    const char* record;
    const char* message;
  };
  const Case cases[] = {
      {"[]", "event 5 is damaged: it is not an object"},
      {"", "event 5 is damaged: it is not JSON: see byte 1"},
      {"{\"sequence\":-5}", "event 5 is damaged: it has no sequence number"},
      {"{\"sequence\":6}", "event 5 is damaged: it says that it is event 6"},
      {"{\"sequence\":5,\"type\":\"t\",\"stream\":1,\"time\":\"x\",\"data\":1}",
       "event 5 is damaged: a member is missing or not a string"},
      {"{\"sequence\":5,\"type\":\"t\",\"stream\":\"\",\"time\":\"x\"}",
       "event 5 is damaged: a member is missing or not a string"},
      {"{\"sequence\":5,\"type\":\"t\",\"stream\":\"\",\"time\":\"x\","
       "\"data\":1}",
       "event 5 is damaged: its time is malformed"},
  };
  for (const Case& c : cases) {
    const auto event = DecodeEvent(5, c.record);
    EXPECT_EQ(event.status().code(), StatusCode::kCorruption) << c.record;
    EXPECT_EQ(event.status().message(), c.message);
  }
  EXPECT_EQ(DecodeEvent(5, "{\"sequence\":5").status().code(),
            StatusCode::kCorruption);
}

TEST(EventHeadTest, RoundTripsAndRefusesOthers) {
  EXPECT_EQ(EncodeEventHead(17), "{\"format\":1,\"last\":17}");
  const auto last = DecodeEventHead("{\"format\":1,\"last\":17}");
  ASSERT_TRUE(last.ok());
  EXPECT_EQ(*last, 17u);

  for (const char* record :
       {"", "17", "[]", "{\"last\":17}", "{\"format\":1}",
        "{\"format\":1,\"last\":-1}", "{\"format\":\"1\",\"last\":1}"}) {
    EXPECT_EQ(DecodeEventHead(record).status().code(), StatusCode::kCorruption)
        << record;
  }
  const Status newer = DecodeEventHead("{\"format\":2,\"last\":1}").status();
  EXPECT_EQ(newer.code(), StatusCode::kUnsupported);
  EXPECT_EQ(newer.message(),
            "the events have format 2, but this version knows format 1");
}

TEST(CheckedRecordTest, OwnRecordsPassAsTheyAre) {
  for (const char* data :
       {"null", "1", "-2.5", "\"a\"", "[]", "{}", "true",
        R"({"a":[1,{"sequence":2,"type":3}],"data":[[]]})"}) {
    const std::string record =
        R"({"sequence":7,"type":"t","stream":"","time":"2024-12-27T12:00:00.000Z","data":)" +
        std::string(data) + "}";
    const auto text = CheckedRecord(7, record);
    ASSERT_TRUE(text.ok()) << text.status().ToString();
    EXPECT_EQ(*text, record);
    EXPECT_EQ(EncodeEvent(*DecodeEvent(7, record)), record);
  }
}

TEST(CheckedRecordTest, RecordsOfOthersBecomeOneLineInOurOrder) {
  const auto text = CheckedRecord(
      7,
      "{\n \"data\": {\"b\": 1,\r\n\"a\": 2}, \"type\":\"t\",\"stream\":\"s\","
      "\"time\":\"2024-12-27T12:00:00.000Z\",\"sequence\":7}");
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(
      *text,
      R"({"sequence":7,"type":"t","stream":"s","time":"2024-12-27T12:00:00.000Z","data":{"a":2,"b":1}})");
}

TEST(CheckedRecordTest, DamageIsNamedAsByDecodeEvent) {
  const std::string tail =
      R"("stream":"","time":"2024-12-27T12:00:00.000Z","data":1})";
  const std::string cases[] = {
      "",
      "{",
      "[]",
      "7",
      R"({"sequence":8,"type":"t",)" + tail,
      R"({"sequence":7,"type":1,)" + tail,
      R"({"sequence":"7","type":"t",)" + tail,
      R"({"sequence":7,"type":{},)" + tail,
      R"({"sequence":7,)" + tail,
      R"({"sequence":7,"type":"t",)" + tail + "x",
      R"({"sequence":7,"type":"\ud800",)" + tail,
  };
  for (const std::string& record : cases) {
    const auto text = CheckedRecord(7, record);
    const auto event = DecodeEvent(7, record);
    ASSERT_FALSE(text.ok()) << record;
    EXPECT_EQ(text.status().code(), StatusCode::kCorruption);
    EXPECT_EQ(text.status().message(), event.status().message()) << record;
  }
}

// Of a record that begins like ours, only this is checked: the rest is JSON, in
// one line.
TEST(CheckedRecordTest, NothingThatIsNoJsonGoesOut) {
  const std::string begin = R"({"sequence":7,"type":"t",)";
  EXPECT_TRUE(CheckedRecord(7, begin + R"("time":"x"})").ok());
  for (const char* rest :
       {"", "}", R"("data":1)", R"("data":[1})", "\"data\":\"\xff\"}",
        R"("data":1} )"
        "{}"}) {
    EXPECT_EQ(CheckedRecord(7, begin + rest).status().code(),
              StatusCode::kCorruption)
        << rest;
  }
}

}  // namespace
}  // namespace levelkeep
