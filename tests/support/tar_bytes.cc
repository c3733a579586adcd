#include "support/tar_bytes.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

namespace levelkeep::test {
namespace {

constexpr size_t kBlockBytes = 512;
constexpr int kGzipWindow = 15 + 16;  // zlib's way to ask for a gzip member

std::string LittleEndian32(uLong value) {
  std::string bytes;
  for (int shift = 0; shift < 32; shift += 8) {
    bytes += static_cast<char>(value >> shift & 0xff);
  }
  return bytes;
}

}  // namespace

struct GzipBuilder::Impl {
  z_stream stream = {};
  std::string out;

  void Deflate(std::string_view content, int flush) {
    std::array<char, 64 << 10> room;
    stream.next_in =
        reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
    stream.avail_in = static_cast<uInt>(content.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(room.data());
      stream.avail_out = static_cast<uInt>(room.size());
      if (deflate(&stream, flush) == Z_STREAM_ERROR) std::abort();
      out.append(room.data(), room.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
};

GzipBuilder::GzipBuilder(int level) : impl_(std::make_unique<Impl>()) {
  if (deflateInit2(&impl_->stream, level, Z_DEFLATED, kGzipWindow, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    std::abort();
  }
}

GzipBuilder::~GzipBuilder() { deflateEnd(&impl_->stream); }

void GzipBuilder::Append(std::string_view content) {
  impl_->Deflate(content, Z_NO_FLUSH);
}

void GzipBuilder::AppendZeros(uint64_t count) {
  const std::string zeros(1 << 20, '\0');
  for (uint64_t left = count; left > 0;) {
    const auto step =
        static_cast<size_t>(std::min<uint64_t>(left, zeros.size()));
    Append(std::string_view(zeros).substr(0, step));
    left -= step;
  }
}

std::string GzipBuilder::Finish() {
  impl_->Deflate("", Z_FINISH);
  return std::move(impl_->out);
}

std::string Gzip(std::string_view content, int level) {
  GzipBuilder builder(level);
  builder.Append(content);
  return builder.Finish();
}

std::string GzipWithHeader(unsigned flags, std::string_view header_rest,
                           std::string_view content) {
  constexpr size_t kFixedBytes = 10;
  std::string member = Gzip(content);
  member[3] = static_cast<char>(flags);
  member.insert(kFixedBytes, header_rest);
  // FHCRC: the lower half of the CRC-32 of all bytes before it.
  if ((flags & 2) != 0) {
    const size_t end = kFixedBytes + header_rest.size();
    const uLong crc = crc32(0, reinterpret_cast<const Bytef*>(member.data()),
                            static_cast<uInt>(end));
    member.insert(end, LittleEndian32(crc).substr(0, 2));
  }
  return member;
}

std::string TarOctal(uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "%011llo",
                static_cast<unsigned long long>(value));
  return text;
}

std::string TarBase256(int64_t value) {
  std::string bytes(12, value < 0 ? '\xff' : '\0');
  for (size_t i = 0; i < 8; ++i) {
    bytes[11 - i] = static_cast<char>(value >> (8 * i) & 0xff);
  }
  if (value >= 0) bytes[0] = '\x80';
  return bytes;
}

std::string WithTarChecksum(std::string block) {
  constexpr size_t kChecksumAt = 148;
  block.replace(kChecksumAt, 8, "        ");
  unsigned sum = 0;
  for (const char c : block) sum += static_cast<unsigned char>(c);
  char octal[16];
  std::snprintf(octal, sizeof octal, "%06o", sum);
  return block.replace(kChecksumAt, 7, octal, 7);
}

std::string TarBlock(const TarFields& fields) {
  std::string block(kBlockBytes, '\0');
  const auto put = [&](size_t at, const std::string& text, size_t room) {
    const size_t size = std::min(text.size(), room);
    block.replace(at, size, text, 0, size);
  };
  put(0, fields.name, 100);
  put(100, fields.mode, 8);
  put(108, fields.owner, 8);
  put(116, fields.owner, 8);
  put(124, fields.size, 12);
  put(136, fields.mtime, 12);
  block[156] = fields.type;
  put(157, fields.link, 100);
  put(257, fields.magic, 8);
  put(329, fields.tail, 16);
  put(345, fields.prefix, 155);
  return WithTarChecksum(std::move(block));
}

std::string TarHeader(const std::string& name, uint64_t size, char type,
                      const std::string& link) {
  TarFields fields;
  fields.name = name;
  fields.size = TarOctal(size);
  fields.type = type;
  fields.link = link;
  return TarBlock(fields);
}

std::string TarPad(size_t content_bytes) {
  return std::string((kBlockBytes - content_bytes % kBlockBytes) % kBlockBytes,
                     '\0');
}

std::string TarFile(const std::string& name, std::string_view content,
                    char type) {
  std::string entry = TarHeader(name, content.size(), type);
  entry += content;
  return entry + TarPad(content.size());
}

std::string TarOf(const Files& files, const std::string& folder) {
  std::string tar;
  for (const auto& [name, content] : files) {
    tar += TarFile(folder + name, content);
  }
  return tar;
}

std::string TarEnd() { return std::string(2 * kBlockBytes, '\0'); }

std::string PaxRecord(std::string_view key, std::string_view value) {
  const std::string body =
      " " + std::string(key) + "=" + std::string(value) + "\n";
  // The length counts its own digits, too.
  for (size_t size = body.size() + 1;; ++size) {
    std::string record = std::to_string(size) + body;
    if (record.size() == size) return record;
  }
}

std::string PaxOf(std::string_view body, char type) {
  return TarFile("pax", body, type);
}

std::string Pax(std::string_view key, std::string_view value, char type) {
  return PaxOf(PaxRecord(key, value), type);
}

std::string GnuLongName(const std::string& name) {
  return TarFile("././@LongLink", name + std::string(1, '\0'), 'L');
}

std::string GnuLongLink(const std::string& target) {
  return TarFile("././@LongLink", target + std::string(1, '\0'), 'K');
}

}  // namespace levelkeep::test
