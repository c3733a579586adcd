#include "peers/event_data.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <string_view>

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

// SplitMix64: small, well mixed from any seed (Steele and others, 2014).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  uint64_t Below(uint64_t bound) { return Next() % bound; }
  template <typename Array>
  std::string_view Pick(const Array& words) {
    return words[Below(words.size())];
  }
  std::string Hex(size_t digits) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    uint64_t bits = 0;
    for (size_t i = 0; i < digits; ++i) {
      if (i % 16 == 0) bits = Next();
      text.push_back(kDigits[bits & 15]);
      bits >>= 4;
    }
    return text;
  }

 private:
  uint64_t state_;
};

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
  data->append(random->Pick(kWords));
  data->push_back(' ');
  data->append(random->Pick(kWords));
  *data += "\"}";
}

}  // namespace

std::string EventRecord(uint64_t seed, uint64_t sequence) {
  Random random(seed * 0x2545F4914F6CDD1Du + sequence);
  const size_t target = 200 + random.Below(920);
  const std::string name(random.Pick(kNames));
  std::string record =
      "{\"sequence\":" + std::to_string(sequence) + ",\"type\":\"" +
      std::string(random.Pick(kTypes)) + "\",\"stream\":\"user-" +
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

}  // namespace levelkeep::bench
