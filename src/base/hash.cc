#include "base/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>
#include <zlib.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"

#ifdef LEVELKEEP_WITH_ISAL
#include <isa-l/crc.h>
#endif

namespace levelkeep {
namespace {

constexpr uint32_t kCrcMaskDelta = 0xa282ead8u;  // LevelDB's log_format

// Memory is exhausted, or the build lacks MD5: there is no digest to return.
void Require(bool done) {
  if (!done) std::abort();
}

// EVP_sha256() would be looked up in OpenSSL's own context at each use, which
// OpenSSL's exit handler destroys while our threads may still work. So the
// algorithms belong to a context of ours, which is never freed (decision 0028).
struct Algorithms {
  Algorithms() {
    OSSL_LIB_CTX* const context = OSSL_LIB_CTX_new();
    Require(context != nullptr);
    md5 = EVP_MD_fetch(context, "MD5", nullptr);
    sha256 = EVP_MD_fetch(context, "SHA2-256", nullptr);
    Require(md5 != nullptr && sha256 != nullptr);
  }
  const EVP_MD* md5 = nullptr;
  const EVP_MD* sha256 = nullptr;
};

const EVP_MD* AlgorithmOf(DigestKind kind) {
  static const Algorithms* const kAlgorithms = new Algorithms;
  return kind == DigestKind::kMd5 ? kAlgorithms->md5 : kAlgorithms->sha256;
}

// Slicing by eight: table k extends a byte by k zero bytes.
using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables MakeCrc32cTables() {
  CrcTables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    }
    tables[0][i] = crc;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t k = 1; k < 8; ++k) {
      const uint32_t before = tables[k - 1][i];
      tables[k][i] = (before >> 8) ^ tables[0][before & 255];
    }
  }
  return tables;
}

constexpr CrcTables kCrc32cTables = MakeCrc32cTables();

uint32_t LittleEndian32(const unsigned char* p) {
  return uint32_t{p[0]} | uint32_t{p[1]} << 8 | uint32_t{p[2]} << 16 |
         uint32_t{p[3]} << 24;
}

uint32_t Crc32cByTable(uint32_t crc, const unsigned char* p, size_t size) {
  const auto& t = kCrc32cTables;
  for (; size >= 8; p += 8, size -= 8) {
    const uint32_t low = LittleEndian32(p) ^ crc;
    const uint32_t high = LittleEndian32(p + 4);
    crc = t[7][low & 255] ^ t[6][low >> 8 & 255] ^ t[5][low >> 16 & 255] ^
          t[4][low >> 24] ^ t[3][high & 255] ^ t[2][high >> 8 & 255] ^
          t[1][high >> 16 & 255] ^ t[0][high >> 24];
  }
  for (; size > 0; ++p, --size) crc = (crc >> 8) ^ t[0][(crc ^ *p) & 255];
  return crc;
}

}  // namespace

void PrepareDigests() { (void)AlgorithmOf(DigestKind::kSha256); }

Digest::Digest(DigestKind kind) : kind_(kind), context_(EVP_MD_CTX_new()) {
  Require(context_ != nullptr);
  Start();
}

Digest::~Digest() { EVP_MD_CTX_free(context_); }

void Digest::Start() {
  Require(EVP_DigestInit_ex(context_, AlgorithmOf(kind_), nullptr) == 1);
}

void Digest::Update(std::string_view data) {
  Require(EVP_DigestUpdate(context_, data.data(), data.size()) == 1);
}

Sha256 Digest::FinishSha256() {
  Sha256 sha256;
  unsigned size = 0;
  Require(kind_ == DigestKind::kSha256 &&
          EVP_DigestFinal_ex(context_, sha256.bytes_.data(), &size) == 1);
  Start();
  return sha256;
}

std::string Digest::FinishHex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
  unsigned size = 0;
  Require(EVP_DigestFinal_ex(context_, bytes.data(), &size) == 1);
  Start();
  return ToHex(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), size));
}

Sha256 Sha256::Of(std::string_view data) {
  Digest digest(DigestKind::kSha256);
  digest.Update(data);
  return digest.FinishSha256();
}

std::optional<Sha256> Sha256::FromHex(std::string_view hex) {
  Sha256 sha256;
  if (hex.size() != 2 * sha256.bytes_.size()) return std::nullopt;
  for (size_t i = 0; i < sha256.bytes_.size(); ++i) {
    const int byte = HexByte(hex.substr(2 * i));
    if (byte < 0) return std::nullopt;
    sha256.bytes_[i] = static_cast<unsigned char>(byte);
  }
  return sha256;
}

std::string Sha256::Hex() const {
  return ToHex(std::string_view(reinterpret_cast<const char*>(bytes_.data()),
                                bytes_.size()));
}

std::string Sha256Hex(std::string_view data) { return Sha256::Of(data).Hex(); }

uint32_t PortableCrc32(uint32_t crc, std::string_view data) {
  return static_cast<uint32_t>(
      ::crc32_z(crc, reinterpret_cast<const Bytef*>(data.data()), data.size()));
}

std::string HmacSha256Hex(std::string_view key, std::string_view data) {
  constexpr size_t kBlockBytes = 64;
  constexpr char kInner = 0x36;
  constexpr char kOuter = 0x5c;
  const auto bytes_of = [](const std::string& hex) {
    std::string bytes;
    for (size_t i = 0; i < hex.size(); i += 2) {
      bytes += static_cast<char>(HexByte(std::string_view(hex).substr(i)));
    }
    return bytes;
  };
  std::string block =
      key.size() > kBlockBytes ? bytes_of(Sha256Hex(key)) : std::string(key);
  block.resize(kBlockBytes, '\0');
  const auto padded = [&block](char pad) {
    std::string text = block;
    for (char& c : text) c = static_cast<char>(c ^ pad);
    return text;
  };
  const std::string inner =
      Sha256Hex(padded(kInner).append(data.data(), data.size()));
  return Sha256Hex(padded(kOuter) + bytes_of(inner));
}

uint32_t PortableCrc32c(uint32_t crc, std::string_view data) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  return ~Crc32cByTable(~crc, bytes, data.size());
}

#ifdef LEVELKEEP_WITH_ISAL
uint32_t Crc32(uint32_t crc, std::string_view data) {
  return crc32_gzip_refl(
      crc, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

uint32_t Crc32c(uint32_t crc, std::string_view data) {
  // ISA-L's function takes an int, does not invert, and does not write.
  constexpr size_t kLargest = size_t{1} << 30;
  crc = ~crc;
  while (!data.empty()) {
    const std::string_view part = data.substr(0, kLargest);
    auto* bytes =
        reinterpret_cast<unsigned char*>(const_cast<char*>(part.data()));
    crc = crc32_iscsi(bytes, static_cast<int>(part.size()), crc);
    data.remove_prefix(part.size());
  }
  return ~crc;
}
#else
uint32_t Crc32(uint32_t crc, std::string_view data) {
  return PortableCrc32(crc, data);
}

uint32_t Crc32c(uint32_t crc, std::string_view data) {
  return PortableCrc32c(crc, data);
}
#endif

uint32_t MaskCrc32c(uint32_t crc) {
  return (crc >> 15 | crc << 17) + kCrcMaskDelta;
}

uint32_t UnmaskCrc32c(uint32_t masked) {
  const uint32_t rotated = masked - kCrcMaskDelta;
  return rotated >> 17 | rotated << 15;
}

uint64_t DamageChecksum(std::string_view data) {
  // Works in parts that stay in the cache between the two checksums.
  constexpr size_t kPart = 64u << 10;
  uint32_t crc32 = 0;
  uint32_t crc32c = 0;
  while (!data.empty()) {
    const std::string_view part = data.substr(0, kPart);
    crc32 = Crc32(crc32, part);
    crc32c = Crc32c(crc32c, part);
    data.remove_prefix(part.size());
  }
  return uint64_t{crc32} << 32 | crc32c;
}

std::string RandomId() {
  std::array<char, 16> bytes;
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count =
        ::getrandom(bytes.data() + done, bytes.size() - done, 0);
    if (count < 0) {
      Require(errno == EINTR);
      continue;
    }
    done += static_cast<size_t>(count);
  }
  return ToHex(std::string_view(bytes.data(), bytes.size()));
}

bool ConstantTimeEquals(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace levelkeep
