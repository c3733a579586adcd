#include "format/manifest.h"

#include <gtest/gtest.h>

#include <string>

#include "format/document_fixture.h"

namespace levelkeep {
namespace {

using test::BadDocument;
using test::ExpectCorruption;
using test::Replaced;

Manifest Example() {
  Manifest manifest;
  manifest.id = "00112233445566778899aabbccddeeff";
  manifest.created = ParseTime("2024-12-27T12:00:00.250Z").value();
  manifest.label = "before \"upgrade\"";
  manifest.trigger = "api";
  manifest.hostname = "host-1";
  manifest.levelkeep_version = "0.1.0";
  manifest.snapshot_method = "hot";
  manifest.db_name = "event_registry_db";
  manifest.db_epoch = "ffeeddccbbaa99887766554433221100";
  manifest.comparator = "leveldb.BytewiseComparator";
  manifest.last_sequence = 12345678901234567890u;
  manifest.files = {
      {"CURRENT", 16, Sha256::FromHex(std::string(64, '0')).value()},
      {"000005.ldb", 2097152, Sha256::FromHex(std::string(64, 'f')).value()}};
  manifest.events = ManifestEvents{7, 1, 7, "2024-12-01T00:00:00.000Z", ""};
  manifest.previous_name = "backup_2024-12-27_110000.tar.gz";
  manifest.previous_sha256 = std::string(64, '5');
  manifest.took_ms = 1234;
  manifest.source_bytes = 2097168;
  return manifest;
}

TEST(ManifestTest, TextIsTheContract) {
  const std::string zeros(64, '0');
  const std::string fs(64, 'f');
  const std::string fives(64, '5');
  EXPECT_EQ(EncodeManifest(Example()), R"({
  "format_version": 1,
  "id": "00112233445566778899aabbccddeeff",
  "created": "2024-12-27T12:00:00.250Z",
  "label": "before \"upgrade\"",
  "trigger": "api",
  "hostname": "host-1",
  "levelkeep_version": "0.1.0",
  "snapshot_method": "hot",
  "db": {
    "name": "event_registry_db",
    "epoch": "ffeeddccbbaa99887766554433221100",
    "comparator": "leveldb.BytewiseComparator",
    "last_sequence": 12345678901234567890,
    "files": [
      {"name": "CURRENT", "size": 16, "sha256": ")" +
                                           zeros + R"("},
      {"name": "000005.ldb", "size": 2097152, "sha256": ")" +
                                           fs + R"("}
    ]
  },
  "events": {
    "count": 7,
    "first": 1,
    "last": 7,
    "first_time": "2024-12-01T00:00:00.000Z",
    "last_time": ""
  },
  "previous": {
    "name": "backup_2024-12-27_110000.tar.gz",
    "sha256": ")" + fives + R"("
  },
  "took_ms": 1234,
  "source_bytes": 2097168
}
)");
}

TEST(ManifestTest, DecodesWhatItEncodes) {
  const Manifest original = Example();
  const Result<Manifest> decoded = DecodeManifest(EncodeManifest(original));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->created, original.created);
  EXPECT_EQ(decoded->files.size(), 2u);
  // All other fields: the text is the same again.
  EXPECT_EQ(EncodeManifest(*decoded), EncodeManifest(original));
}

TEST(ManifestTest, OrderTimeIsThereOnlyIfItDiffers) {
  Manifest manifest = Example();
  EXPECT_EQ(EncodeManifest(manifest).find("order_time"), std::string::npos);
  manifest.order_time = manifest.created + std::chrono::hours(1);
  const std::string text = EncodeManifest(manifest);
  EXPECT_NE(text.find("  \"created\": \"2024-12-27T12:00:00.250Z\",\n"
                      "  \"order_time\": \"2024-12-27T13:00:00.250Z\",\n"),
            std::string::npos)
      << text;
  const Result<Manifest> decoded = DecodeManifest(text);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->order_time, manifest.order_time);
  EXPECT_EQ(DecodeManifest(EncodeManifest(Example()))->order_time,
            std::nullopt);
}

TEST(ManifestTest, LargestRecordIsThereOnlyIfItIsKnown) {
  Manifest manifest = Example();
  manifest.largest_record = 0;
  EXPECT_EQ(EncodeManifest(manifest).find("largest_record"), std::string::npos);
  EXPECT_EQ(DecodeManifest(EncodeManifest(manifest))->largest_record, 0u);
  manifest.largest_record = uint64_t{1} << 40;
  const std::string text = EncodeManifest(manifest);
  EXPECT_NE(text.find("\n    \"largest_record\": 1099511627776,\n"),
            std::string::npos)
      << text;
  EXPECT_EQ(DecodeManifest(text)->largest_record, uint64_t{1} << 40);
}

TEST(ManifestTest, LeavesOutWhatIsNotKnown) {
  Manifest manifest = Example();
  manifest.events.reset();
  manifest.previous_name.clear();
  manifest.previous_sha256.clear();
  manifest.files.clear();
  const std::string text = EncodeManifest(manifest);
  EXPECT_EQ(text.find("events"), std::string::npos);
  EXPECT_EQ(text.find("previous"), std::string::npos);
  EXPECT_NE(text.find("\"files\": []"), std::string::npos);
  const Result<Manifest> decoded = DecodeManifest(text);
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_FALSE(decoded->events.has_value());
  EXPECT_EQ(EncodeManifest(*decoded), text);
}

TEST(ManifestTest, TextThatIsNotUtf8DoesNotThrow) {
  Manifest manifest = Example();
  manifest.hostname = "h\xff\xfe";
  const Result<Manifest> decoded = DecodeManifest(EncodeManifest(manifest));
  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(decoded->hostname, "h\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(ManifestTest, IgnoresUnknownFields) {
  const std::string text = Replaced(
      EncodeManifest(Example()),
      "\"id\":", "\"color\": {\"x\": [1, null, true, -2, 0.5]}, \"id\":");
  EXPECT_TRUE(DecodeManifest(text).ok());
}

TEST(ManifestTest, NewerFormatIsRefusedBeforeAnythingElseIsRead) {
  const Result<Manifest> decoded = DecodeManifest(R"({"format_version": 2})");
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.status().code(), StatusCode::kUnsupported);
  EXPECT_EQ(decoded.status().message(),
            "levelkeep-manifest.json: the backup has format_version 2, but "
            "this LevelKeep reads only up to 1");
  EXPECT_FALSE(decoded.status().hint().empty());
}

TEST(ManifestTest, RefusesWhatIsNoManifest) {
  const std::string good = EncodeManifest(Example());
  const std::string deep(100000, '[');
  const BadDocument cases[] = {
      {"nothing", "", "not a well-formed JSON object"},
      {"cut", good.substr(0, good.size() - 5), "not a well-formed"},
      {"more behind", good + "{}", "not a well-formed"},
      {"NUL behind", good + std::string(1, '\0'), "not a well-formed"},
      {"more behind a NUL", good + std::string("\0{}", 3), "not a well-formed"},
      {"an array", "[]", "not a well-formed"},
      {"deep", "{\"a\":" + deep + "}", "not a well-formed"},
      {"version missing", Replaced(good, "format_version", "x"),
       "\"format_version\" is missing"},
      {"version text", Replaced(good, ": 1,", ": \"1\","),
       "\"format_version\" has a wrong type"},
      {"version 0", Replaced(good, ": 1,", ": 0,"), "format_version is 0"},
      {"negative version", Replaced(good, ": 1,", ": -1,"), "wrong type"},
      {"id short", Replaced(good, "0011", "11"), "\"id\" is not a hex"},
      {"id upper case", Replaced(good, "aabb", "AABB"), "\"id\" is not a hex"},
      {"created", Replaced(good, "2024-12-27T12", "2024-13-27T12"),
       "\"created\" is not a time"},
      {"order time",
       Replaced(good, "\"label\"", "\"order_time\": \"soon\", \"label\""),
       "\"order_time\" is not a time: soon"},
      {"trigger missing", Replaced(good, "\"trigger\"", "\"t\""),
       "\"trigger\" is missing"},
      {"label number", Replaced(good, "\"before \\\"upgrade\\\"\"", "3"),
       "\"label\" has a wrong type"},
      {"db missing", Replaced(good, "\"db\"", "\"d\""), "\"db\" is missing"},
      {"db name path", Replaced(good, "\"event_registry_db\"", "\"../x\""),
       "can't be the name of a database folder"},
      {"db name empty", Replaced(good, "\"event_registry_db\"", "\"\""),
       "can't be the name of a database folder"},
      {"sequence float", Replaced(good, "12345678901234567890", "1.5"),
       "\"last_sequence\" has a wrong type"},
      {"sequence too big",
       Replaced(good, "12345678901234567890", "123456789012345678901"),
       "\"last_sequence\" has a wrong type"},
      {"files object", Replaced(good, "\"files\": [", "\"files\": 1, \"f\": ["),
       "\"files\" has a wrong type"},
      {"file path", Replaced(good, "\"CURRENT\"", "\"../CURRENT\""),
       "\"../CURRENT\" is not a database file"},
      {"file foreign", Replaced(good, "\"CURRENT\"", "\"passwd\""),
       "is not a database file"},
      {"file lock", Replaced(good, "\"CURRENT\"", "\"LOCK\""),
       "is not a database file"},
      {"file size", Replaced(good, "\"size\": 16", "\"size\": -16"),
       "\"size\" has a wrong type"},
      {"file digest", Replaced(good, "0\"}", "\"}"), "\"sha256\" is not a hex"},
      {"file twice", Replaced(good, "\"000005.ldb\"", "\"CURRENT\""),
       "\"CURRENT\" is listed twice"},
      {"events", Replaced(good, "\"count\"", "\"c\""), "\"count\" is missing"},
      {"previous", Replaced(good, "55\"", "\""), "\"sha256\" is not a hex"},
  };
  for (const BadDocument& bad : cases) {
    ExpectCorruption(DecodeManifest(bad.text).status(), bad);
  }
}

TEST(ManifestTest, NoPrefixOfAManifestIsOne) {
  const std::string good = EncodeManifest(Example());
  // All but the longest prefix, which lacks only the final line end.
  for (size_t size = 0; size + 1 < good.size(); ++size) {
    EXPECT_FALSE(DecodeManifest(good.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace levelkeep
