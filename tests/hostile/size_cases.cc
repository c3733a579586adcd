// Sizes and checksums in tar headers, and tars without a right end.

#include <string>

#include "hostile/hostile_case.h"

namespace levelkeep::test {
namespace {

// An ignored file with this size field, and `content` after it.
CaseList::Bytes Sized(const std::string& size,
                      const std::string& content = "x") {
  return [=] {
    TarFields fields;
    fields.name = "db/LOG";
    fields.size = size;
    return WithEntry(TarBlock(fields) + content + TarPad(content.size()));
  };
}

std::string WholeTar() { return TarOf(SoundFiles(), "db/"); }

void AddTarFields(CaseList* list) {
  list->Accept("base256", Sized(TarBase256(3), "abc"));
  list->Accept("octal_with_blanks", Sized("         3 ", "abc"));
  list->Accept("octal_of_12_digits", Sized("000000000003", "abc"));
  list->Refuse("base256_negative", Sized(TarBase256(-512)), ".");
  list->Refuse("base256_minimum", Sized(TarBase256(INT64_MIN)), ".");
  list->Refuse("base256_8_eib", Sized(TarBase256(INT64_MAX)), ".");
  list->Refuse("base256_above_64_bits", Sized(std::string(12, '\xef')), ".");
  list->Refuse("octal_8_gib", Sized("77777777777"), "more than the archive");
  list->Refuse("octal_garbage", Sized("hello world"), ".");
  list->Refuse("octal_negative", Sized("-0000000001"), ".");
  list->Refuse("claims_more_than_there_is", Sized("00000303240"), ".");
  list->Accept("empty_field_means_none", Sized("", ""));
  list->Refuse(
      "table_of_8_eib",
      [] {
        TarFields fields;
        fields.name = "db/000099.ldb";
        fields.size = TarBase256(INT64_MAX);
        return WithEntry(TarBlock(fields) + std::string(512, 'x'));
      },
      "claims|size|big|range|truncated");
  list->Refuse(
      "many_of_4_gib",
      [] {
        std::string tar;
        for (int i = 100; i < 110; ++i) {
          tar += TarHeader("db/" + std::to_string(i) + ".ldb", 4ull << 30);
        }
        return WithEntry(tar);
      },
      "more than the archive can hold");
}

void AddChecksums(CaseList* list) {
  const auto spoilt = [](size_t at, char byte) {
    return [=] {
      std::string block = TarHeader("db/LOG", 0);
      block[at] = byte;
      return WithEntry(block);
    };
  };
  list->Refuse("checksum_wrong", spoilt(149, '7'), ".");
  list->Refuse(
      "checksum_blank",
      [] {
        std::string block = TarHeader("db/LOG", 0);
        block.replace(148, 8, "        ");
        return WithEntry(block);
      },
      ".");
  list->Refuse("name_changed_behind_checksum", spoilt(3, 'X'), ".");
  list->Refuse(
      "header_of_garbage", [] { return WithEntry(std::string(512, '\xa5')); },
      ".");
  list->Accept("magic_missing", [] {
    TarFields fields;
    fields.name = "db/LOG";
    fields.size = TarOctal(0);
    fields.magic = "";
    return WithEntry(TarBlock(fields));
  });
  list->Accept("magic_unknown", [] {
    TarFields fields;
    fields.name = "db/LOG";
    fields.size = TarOctal(0);
    fields.magic = "strange!";
    return WithEntry(TarBlock(fields));
  });
  // Old programs added up signed bytes.
  list->Accept("checksum_signed", [] {
    std::string block = TarHeader("db/LOG", 0);
    block[500] = '\xe4';
    block.replace(148, 8, "        ");
    int sum = 0;
    for (const char c : block) sum += static_cast<signed char>(c);
    char octal[16];
    std::snprintf(octal, sizeof octal, "%06o", static_cast<unsigned>(sum));
    block.replace(148, 7, octal, 7);
    return WithEntry(block);
  });
}

void AddEnds(CaseList* list) {
  const std::string behind = "other bytes behind the end of the tar";
  list->Refuse(
      "end_missing", [] { return Gzip(WholeTar()); }, "without its end marks");
  list->Refuse(
      "end_half", [] { return Gzip(WholeTar() + std::string(512, '\0')); },
      "without its end marks");
  list->Refuse(
      "end_then_garbage",
      [] { return Gzip(WholeTar() + TarEnd() + "garbage"); }, behind);
  list->Refuse(
      "end_then_second_tar",
      [] { return Gzip(WholeTar() + TarEnd() + WholeTar() + TarEnd()); },
      behind);
  list->Refuse(
      "end_then_link",
      [] {
        return Gzip(WholeTar() + TarEnd() + TarHeader("db", 0, '2', "/tmp") +
                    TarEnd());
      },
      behind);
  list->Refuse(
      "zero_block_inside",
      [] {
        return Gzip(WholeTar() + std::string(512, '\0') + TarFile("../x", "x") +
                    TarEnd());
      },
      ".");
  list->Accept("end_padded", [] {
    return Gzip(WholeTar() + TarEnd() + std::string(19 * 512, '\0'));
  });
  list->Accept("end_not_of_whole_blocks", [] {
    return Gzip(WholeTar() + TarEnd() + std::string(100, '\0'));
  });
  list->Refuse(
      "cut_in_header",
      [] { return Gzip(WholeTar() + TarHeader("db/LOG", 5).substr(0, 300)); },
      ".");
  list->Refuse(
      "cut_in_content",
      [] { return Gzip(WholeTar().substr(0, WholeTar().size() - 600)); }, ".");
  list->Refuse(
      "only_ends", [] { return Gzip(TarEnd()); }, "holds no LevelDB database");
  list->Refuse(
      "only_directories",
      [] { return Gzip(TarHeader("db/", 0, '5') + TarEnd()); },
      "holds no LevelDB database");
  list->Refuse(
      "only_ignored", [] { return Gzip(TarFile("db/LOCK", "") + TarEnd()); },
      "holds no LevelDB database");
}

}  // namespace

void AddSizeCases(std::vector<HostileCase>* cases) {
  CaseList list("size", cases);
  AddTarFields(&list);
  AddChecksums(&list);
  AddEnds(&list);
}

}  // namespace levelkeep::test
