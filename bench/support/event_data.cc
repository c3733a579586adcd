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

constexpr std::array<std::string_view, 32> kWords = {
    "account",  "address",  "basket",  "cancelled", "checkout", "confirmed",
    "created",  "credit",   "country", "customer",  "delivery", "discount",
    "expected", "invoice",  "items",   "limit",     "mobile",   "network",
    "notified", "order",    "partner", "payment",   "pending",  "product",
    "profile",  "refund",   "region",  "session",   "shipped",  "stock",
    "updated",  "warehouse"};

constexpr std::array<std::string_view, 6> kTypes = {
    "order.created",  "order.updated", "payment.confirmed",
    "session.opened", "stock.changed", "customer.notified"};

// LevelDB's table builder writes into it.
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

std::string EventGenerator::Next(size_t size) {
  std::string event = R"({"type":")";
  event += kTypes[random_.Below(kTypes.size())];
  event += R"(","id":")" + random_.Hex(24);
  event +=
      R"(","at":)" + std::to_string(1700000000000 + random_.Below(1u << 30));
  event += R"(,"trace":")" + random_.Hex(32) + R"(","data":{)";
  while (event.size() + 2 < size) {
    const uint64_t kind = random_.Below(4);
    event += '"';
    event += kWords[random_.Below(kWords.size())];
    event += R"(":)";
    if (kind == 0) {
      event += '"' + random_.Hex(16) + '"';
    } else if (kind == 1) {
      event += std::to_string(random_.Below(1'000'000));
    } else {
      event += '"';
      event += kWords[random_.Below(kWords.size())];
      event += ' ';
      event += kWords[random_.Below(kWords.size())];
      event += '"';
    }
    event += ',';
  }
  event.resize(size >= 2 ? size - 2 : 0);
  event += "}}";
  event.resize(size);
  return event;
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
