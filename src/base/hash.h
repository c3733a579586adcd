// Digests and random identifiers (OpenSSL, getrandom).

#ifndef LEVELKEEP_BASE_HASH_H_
#define LEVELKEEP_BASE_HASH_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct evp_md_ctx_st;  // OpenSSL's EVP_MD_CTX

namespace levelkeep {

// 32 bytes, small enough for lists of 100,000 files in memory. Value type.
class Sha256 {
 public:
  Sha256() = default;  // all zeros
  static Sha256 Of(std::string_view data);
  // No value unless the text is 64 lower-case hex digits.
  static std::optional<Sha256> FromHex(std::string_view hex);
  std::string Hex() const;

  friend bool operator==(const Sha256&, const Sha256&) = default;

 private:
  friend class Digest;
  std::array<unsigned char, 32> bytes_ = {};
};

enum class DigestKind { kSha256, kMd5 };

// If this was called, or a Digest was made, before exit(), digests work until
// the process has ended, also in threads that run while it exits. Costs less
// than a millisecond, once. Thread safety: any thread.
void PrepareDigests();

// Thread safety: one thread at a time.
class Digest {
 public:
  explicit Digest(DigestKind kind);
  ~Digest();
  Digest(const Digest&) = delete;
  Digest& operator=(const Digest&) = delete;
  void Update(std::string_view data);
  // The digest as lower-case hex. The object starts over afterwards.
  std::string FinishHex();
  // The digest as a value; starts over as FinishHex. REQUIRES: kSha256.
  Sha256 FinishSha256();

 private:
  void Start();

  const DigestKind kind_;
  evp_md_ctx_st* const context_;
};

std::string Sha256Hex(std::string_view data);
// HMAC-SHA256 (RFC 2104) as lower-case hex.
std::string HmacSha256Hex(std::string_view key, std::string_view data);
// CRC-32 of gzip (RFC 1952), continued from `crc` (0 at the start).
uint32_t Crc32(uint32_t crc, std::string_view data);
// CRC-32C (Castagnoli), continued from `crc`.
uint32_t Crc32c(uint32_t crc, std::string_view data);
// The implementations without ISA-L: equal results, but slower.
uint32_t PortableCrc32(uint32_t crc, std::string_view data);
uint32_t PortableCrc32c(uint32_t crc, std::string_view data);
// LevelDB's masking of a CRC-32C.
uint32_t MaskCrc32c(uint32_t crc);
uint32_t UnmaskCrc32c(uint32_t masked);
// CRC-32 and CRC-32C in one number: finds damage, but gives no protection
// against intended changes.
uint64_t DamageChecksum(std::string_view data);

// 32 lower-case hex digits from the kernel's random source.
std::string RandomId();
// True if length and content are equal. The time depends on the lengths only.
bool ConstantTimeEquals(std::string_view a, std::string_view b);

}  // namespace levelkeep

#endif  // LEVELKEEP_BASE_HASH_H_
