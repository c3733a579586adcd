#include "support/event_data.h"

#include <array>
#include <cstdio>
#include <string_view>

#include "leveldb/db.h"
#include "leveldb/env.h"
#include "leveldb/options.h"
#include "leveldb/table_builder.h"
#include "leveldb/write_batch.h"

namespace levelkeep::bench {

namespace {

constexpr std::array<std::string_view, 10> kTypes = {
    "user.created",    "user.updated",   "session.opened", "session.closed",
    "order.placed",    "order.paid",     "order.shipped",  "cart.changed",
    "payment.refused", "document.stored"};
constexpr std::array<std::string_view, 16> kNames = {
    "Amelia", "Bruno",  "Chiara", "Dmitri",  "Elena", "Farid",
    "Greta",  "Hugo",   "Ingrid", "Joaquin", "Keiko", "Lukas",
    "Maren",  "Nikhil", "Olga",   "Pavel"};
constexpr std::array<std::string_view, 16> kWords = {
    "invoice",  "warehouse", "customer", "delivered", "pending",  "express",
    "priority", "returned",  "approved", "discount",  "standard", "checkout",
    "address",  "voucher",   "shipment", "renewed"};

// 2024-01-01T00:00:00Z is where the events begin.
constexpr int kMillisecondsPerDay = 86'400'000;

// A file in memory for LevelDB's table builder.
class StringFile : public leveldb::WritableFile {
 public:
  leveldb::Status Append(const leveldb::Slice& data) override {
    contents_.append(data.data(), data.size());
    return leveldb::Status::OK();
  }
  leveldb::Status Close() override { return leveldb::Status::OK(); }
  leveldb::Status Flush() override { return leveldb::Status::OK(); }
  leveldb::Status Sync() override { return leveldb::Status::OK(); }
  std::string Take() { return std::move(contents_); }

 private:
  std::string contents_;
};

constexpr size_t kUsualValueSize = 600;

template <typename Array>
std::string_view Pick(const Array& words, Random* random) {
  return words[random->Below(words.size())];
}

// An event each 40 ms on average, so that a day holds about two million.
std::string TimeOf(uint64_t sequence, Random* random) {
  const uint64_t at = sequence * 40 + random->Below(40);
  const auto day = static_cast<unsigned>(at / kMillisecondsPerDay);
  const auto ms = static_cast<unsigned>(at % kMillisecondsPerDay);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "2024-%02u-%02uT%02u:%02u:%02u.%03uZ",
                1 + day / 28 % 12, 1 + day % 28, ms / 3'600'000,
                ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
  return text.data();
}

void AppendItem(Random* random, std::string* data) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(),
                R"({"sku":"%s","qty":%u,"price":%u.%02u,"note":")",
                random->Hex(12).c_str(),
                static_cast<unsigned>(1 + random->Below(9)),
                static_cast<unsigned>(random->Below(500)),
                static_cast<unsigned>(random->Below(100)));
  *data += text.data();
  data->append(Pick(kWords, random));
  data->push_back(' ');
  data->append(Pick(kWords, random));
  *data += "\"}";
}

}  // namespace

uint64_t Random::Next() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

std::string Random::Hex(size_t digits) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(digits);
  uint64_t bits = 0;
  for (size_t i = 0; i < digits; i++) {
    if (i % 16 == 0) bits = Next();
    text.push_back(kDigits[bits & 15]);
    bits >>= 4;
  }
  return text;
}

std::string EventRecord(uint64_t seed, uint64_t sequence) {
  Random random(seed * 0x2545F4914F6CDD1Du + sequence);
  const size_t target = 200 + random.Below(920);
  const std::string name(Pick(kNames, &random));
  std::string record =
      "{\"sequence\":" + std::to_string(sequence) + ",\"type\":\"" +
      std::string(Pick(kTypes, &random)) + "\",\"stream\":\"user-" +
      std::to_string(random.Below(20'000)) + "\",\"time\":\"" +
      TimeOf(sequence, &random) + "\",\"data\":{\"id\":\"" + random.Hex(32) +
      "\",\"user\":\"" + name + "\",\"ip\":\"10." +
      std::to_string(random.Below(256)) + "." +
      std::to_string(random.Below(256)) + ".7\",\"items\":[";
  bool first = true;
  while (first || record.size() < target) {
    if (!first) record.push_back(',');
    first = false;
    AppendItem(&random, &record);
  }
  return record + "]}}";
}

std::string EventGenerator::Next(size_t size) {
  std::string value;
  while (value.size() < size) value += EventRecord(seed_, ++sequence_);
  value.resize(size);
  return value;
}

std::string EventKey(uint64_t number) {
  std::array<char, 32> text{};
  const int length = std::snprintf(text.data(), text.size(), "evt:%016llu",
                                   static_cast<unsigned long long>(number));
  return std::string(text.data(), static_cast<size_t>(length));
}

std::string RawEvents(size_t size) {
  EventGenerator events(1);
  std::string text;
  text.reserve(size + kUsualValueSize);
  while (text.size() < size) text += events.Next(kUsualValueSize);
  return text;
}

std::string EventTable(size_t size) {
  EventGenerator events(1);
  StringFile file;
  leveldb::TableBuilder builder(leveldb::Options(), &file);
  for (uint64_t i = 0; builder.FileSize() < size; i++) {
    builder.Add(EventKey(i), events.Next(kUsualValueSize));
  }
  builder.Finish();
  return file.Take();
}

Result<uint64_t> FillWithEvents(leveldb::DB* db, uint64_t bytes,
                                size_t value_size, uint64_t first) {
  constexpr int kBatch = 100;
  EventGenerator events(first + 1);
  uint64_t number = first;
  for (uint64_t written = 0; written < bytes;) {
    leveldb::WriteBatch batch;
    for (int i = 0; i < kBatch; i++) {
      batch.Put(EventKey(number++), events.Next(value_size));
    }
    written += kBatch * (value_size + EventKey(0).size());
    const auto status = db->Write(leveldb::WriteOptions(), &batch);
    if (!status.ok()) return Status(StatusCode::kIoError, status.ToString());
  }
  return number;
}

}  // namespace levelkeep::bench
