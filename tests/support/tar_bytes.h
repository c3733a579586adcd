// gzip and tar as other tools, or attackers, make them: byte by byte, so that
// no library corrects them.

#ifndef LEVELKEEP_TESTS_SUPPORT_TAR_BYTES_H_
#define LEVELKEEP_TESTS_SUPPORT_TAR_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace levelkeep::test {

using Files = std::map<std::string, std::string>;  // flat name -> content

// --- gzip ---

// One gzip member as gzip(1) would make it.
std::string Gzip(std::string_view content, int level = 6);

// A gzip member whose content is too large for memory.
class GzipBuilder {
 public:
  explicit GzipBuilder(int level = 6);
  ~GzipBuilder();
  void Append(std::string_view content);
  void AppendZeros(uint64_t count);
  std::string Finish();  // the member; use it once

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A header with these flags (such as FEXTRA) and these bytes after its fixed
// part, then `content` as Gzip makes it.
std::string GzipWithHeader(unsigned flags, std::string_view header_rest,
                           std::string_view content);

// --- tar ---

// The fields of a ustar header as they are in the block. A value that is longer
// than its field is cut.
struct TarFields {
  std::string name;
  std::string size;  // 12 bytes; TarOctal, TarBase256 or anything
  char type = '0';
  std::string link;
  std::string magic = std::string("ustar\00000", 8);
  std::string prefix;
  std::string mode = "0000644";
  std::string owner = "0000000";
  std::string mtime = "14733515300";
  std::string tail;  // at byte 329: device numbers; "" leaves zeros
};

std::string TarOctal(uint64_t value);
// GNU's form of numbers that are negative or too large for octal digits.
std::string TarBase256(int64_t value);
// A header block with a right checksum.
std::string TarBlock(const TarFields& fields);
// The same block with a right checksum.
std::string WithTarChecksum(std::string block);
std::string TarHeader(const std::string& name, uint64_t size, char type = '0',
                      const std::string& link = "");
// Zeros up to the next block.
std::string TarPad(size_t content_bytes);
// Header, content, padding.
std::string TarFile(const std::string& name, std::string_view content,
                    char type = '0');
// All files below `folder` ("" or "x/").
std::string TarOf(const Files& files, const std::string& folder);
std::string TarEnd();  // the two blocks of zeros

// --- headers that change the next entry ---

// "25 path=…\n", with its length.
std::string PaxRecord(std::string_view key, std::string_view value);
// A pax header with this body; type 'g' is for all entries that follow.
std::string PaxOf(std::string_view body, char type = 'x');
std::string Pax(std::string_view key, std::string_view value, char type = 'x');
std::string GnuLongName(const std::string& name);
std::string GnuLongLink(const std::string& target);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_TAR_BYTES_H_
