// The gzip layer of foreign archives.

#include <cstdint>

#include "hostile/hostile_case.h"

namespace levelkeep::test {
namespace {

constexpr unsigned kText = 1;
constexpr unsigned kHeaderCrc = 2;
constexpr unsigned kExtra = 4;
constexpr unsigned kName = 8;
constexpr unsigned kComment = 16;

std::string SoundTar() { return TarOf(SoundFiles(), "db/") + TarEnd(); }

// The sound archive, changed.
CaseList::Bytes Changed(const std::function<void(std::string*)>& change) {
  return [change] {
    std::string archive = Gzip(SoundTar());
    change(&archive);
    return archive;
  };
}

CaseList::Bytes CutTo(size_t bytes) {
  return Changed([bytes](std::string* archive) { archive->resize(bytes); });
}

CaseList::Bytes CutBy(size_t bytes) {
  return Changed([bytes](std::string* archive) {
    archive->resize(archive->size() - bytes);
  });
}

CaseList::Bytes Flagged(unsigned flags, const std::string& rest) {
  return [=] { return GzipWithHeader(flags, rest, SoundTar()); };
}

CaseList::Bytes Only(const std::string& bytes) {
  return [bytes] { return bytes; };
}

void AddCuts(CaseList* list) {
  const std::string none = "not a gzip file";
  const std::string cut = "cut short|damaged|wrong";
  list->RefuseCut("empty", CutTo(0), none);
  list->RefuseCut("one_byte", CutTo(1), none);
  list->RefuseCut("only_magic", CutTo(2), "cut short");
  list->RefuseCut("cut_in_header", CutTo(9), "cut short");
  list->RefuseCut("only_header", CutTo(10), "cut short");
  list->RefuseCut("cut_in_first_block", CutTo(11), "cut short");
  list->RefuseCut("cut_in_the_middle", Changed([](std::string* archive) {
                    archive->resize(archive->size() / 2);
                  }),
                  "cut short");
  list->RefuseCut("cut_before_trailer", CutBy(8), "cut short");
  list->RefuseCut("cut_in_crc", CutBy(6), "cut short");
  list->RefuseCut("cut_before_length", CutBy(4), "cut short");
  list->RefuseCut("cut_last_byte", CutBy(1), "cut short");
  list->RefuseCut(
      "cut_in_extra",
      [] {
        return GzipWithHeader(kExtra,
                              std::string("\xff\xff"
                                          "abc",
                                          5),
                              "")
            .substr(0, 15);
      },
      "cut short");
  list->RefuseCut(
      "cut_in_name",
      [] { return std::string("\x1f\x8b\x08\x08\0\0\0\0\0\x03name", 14); },
      "cut short");
}

void AddTrailers(CaseList* list) {
  const std::string wrong = "compressed data or its checksum is wrong";
  list->Refuse("crc_wrong",
               Changed([](std::string* a) { (*a)[a->size() - 8] ^= 1; }),
               wrong);
  list->Refuse("length_wrong",
               Changed([](std::string* a) { (*a)[a->size() - 1] ^= 1; }),
               wrong);
  list->Refuse("block_type_unknown",
               Changed([](std::string* a) { (*a)[10] = '\x07'; }), wrong);
  list->Refuse("stored_length_wrong",
               Only(std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03"
                                "\x01\x05\x00\x00\x00hello",
                                20)),
               wrong);
  list->Refuse("distance_before_begin",
               // Fixed codes: a match of three bytes, a thousand bytes back.
               Only(std::string("\x1f\x8b\x08\0\0\0\0\0\0\x03"
                                "\x03\x14\x7f\x00\x00\x00\x00\x00\x00\x00\x00",
                                21)),
               wrong);
  list->Refuse("bit_flipped",
               Changed([](std::string* a) { (*a)[a->size() / 3] ^= 0x10; }),
               ".");
}

void AddBehind(CaseList* list) {
  const std::string behind = "other bytes behind the gzip data";
  list->Refuse("byte_behind", Changed([](std::string* a) { *a += 'x'; }),
               "cut short|" + behind);
  list->Refuse("text_behind",
               Changed([](std::string* a) { *a += "hello, I am behind it"; }),
               behind);
  list->Refuse("zeros_behind",
               Changed([](std::string* a) { a->append(1024, '\0'); }), behind);
  list->Accept("empty_member_behind",
               Changed([](std::string* a) { *a += Gzip(""); }));
  list->Accept("empty_members_1000_behind", Changed([](std::string* a) {
                 for (int i = 0; i < 1000; ++i) *a += Gzip("");
               }));
  list->Refuse("member_of_text_behind",
               Changed([](std::string* a) { *a += Gzip("hello"); }),
               "other bytes behind the end of the tar");
  list->Refuse("member_of_tar_behind",
               Changed([](std::string* a) { *a += Gzip(SoundTar()); }),
               "other bytes behind the end of the tar");
  list->RefuseCut("broken_member_behind", Changed([](std::string* a) {
                    *a += Gzip("x").substr(0, 15);
                  }),
                  "cut short");
  list->Accept("cut_into_members", [] {
    const std::string tar = SoundTar();
    return Gzip(tar.substr(0, 700)) + Gzip("") + Gzip(tar.substr(700, 1)) +
           Gzip(tar.substr(701));
  });
  list->Accept("member_for_each_byte", [] {
    const std::string tar = SoundTar();
    std::string archive;
    for (const char c : tar.substr(0, 3000)) archive += Gzip({&c, 1}, 1);
    return archive + Gzip(tar.substr(3000));
  });
}

void AddGzipHeaders(CaseList* list) {
  list->Accept("text_flag", Flagged(kText, ""));
  list->Accept("name", Flagged(kName, std::string("backup.tar\0", 11)));
  list->Accept("name_that_leads_out",
               Flagged(kName, std::string("../../etc/passwd\0", 17)));
  list->Accept("comment_of_controls",
               Flagged(kComment, std::string("\x1b[2J\n\r\x07\0", 8)));
  list->Accept("extra", Flagged(kExtra, std::string("\x04\0abcd", 6)));
  list->Accept("extra_of_64_kib",
               Flagged(kExtra, "\xff\xff" + std::string(65'535, 'e')));
  list->Accept("header_crc",
               Flagged(kHeaderCrc | kName, std::string("x\0", 2)));
  list->Refuse("name_without_end",
               Flagged(kName, std::string(5000, 'n') + '\0'),
               "gzip header has an endless name");
  list->Refuse("comment_without_end",
               Flagged(kComment, std::string(5000, 'c') + '\0'),
               "gzip header has an endless name");
  list->Refuse(
      "header_crc_wrong",
      [] {
        std::string archive = GzipWithHeader(kHeaderCrc, "", SoundTar());
        archive[10] = static_cast<char>(archive[10] ^ 1);
        return archive;
      },
      "gzip header has a wrong checksum");
  for (const unsigned bit : {5u, 6u, 7u}) {
    list->Refuse("flag_reserved_" + std::to_string(bit), Flagged(1u << bit, ""),
                 "gzip header of an unknown kind");
  }
  list->Refuse("method_unknown", Changed([](std::string* a) { (*a)[2] = 7; }),
               "gzip header of an unknown kind");
  // Bytes like our footer, but in the wrong place, make no archive of ours.
  list->RefuseCut(
      "our_footer_before_it",
      [] {
        return std::string(
                   "\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0"
                   "0000000000000000STARGZ"
                   "\x01\0\0\xff\xff\0\0\0\0\0\0\0\0",
                   51) +
               Gzip("hello");
      },
      ".");
}

void AddOtherKinds(CaseList* list) {
  const std::string none = "not a gzip file";
  list->Refuse(
      "plain_tar", [] { return SoundTar(); }, none);
  list->Refuse("plain_text", Only("this is no archive at all"), none);
  list->Refuse("zip", Only(std::string("PK\x03\x04", 4) + "rest"), none);
  list->Refuse("xz",
               Only(std::string("\xfd"
                                "7zXZ\0rest",
                                10)),
               none);
  list->Refuse("zstd", Only("\x28\xb5\x2f\xfdrest"), none);
  list->Refuse("bzip2", Only("BZh91AY&SYrest"), none);
  list->Refuse("compress", Only("\x1f\x9drest"), none);
  list->Refuse(
      "gzip_of_nothing", [] { return Gzip(""); }, ".");
  list->Refuse(
      "gzip_of_text", [] { return Gzip("hello\n"); }, "[Tt]ar|format");
  list->Refuse(
      "gzip_of_gzip", [] { return Gzip(Gzip(SoundTar())); }, "[Tt]ar|format");
  list->Refuse(
      "gzip_of_gzip_of_gzip", [] { return Gzip(Gzip(Gzip(SoundTar()))); },
      "[Tt]ar|format");
  list->Refuse(
      "gzip_of_zip", [] { return Gzip("PK\x03\x04" + std::string(600, 'x')); },
      "[Tt]ar|format");
}

}  // namespace

void AddGzipCases(std::vector<HostileCase>* cases) {
  CaseList list("gzip", cases);
  AddCuts(&list);
  AddTrailers(&list);
  AddBehind(&list);
  AddGzipHeaders(&list);
  AddOtherKinds(&list);
}

}  // namespace levelkeep::test
