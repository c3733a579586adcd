// Extension headers: pax records and GNU long names that change, or pretend
// to change, the entry after them.

#include "hostile/hostile_case.h"

namespace levelkeep::test {
namespace {

// The sound database, with CURRENT renamed to `name` and `before` before it.
std::string CurrentRenamed(const std::string& before,
                           const std::string& name = "innocent") {
  Files files = SoundFiles();
  const std::string current = files["CURRENT"];
  files.erase("CURRENT");
  return Gzip(TarOf(files, "db/") + before + TarFile(name, current) + TarEnd());
}

CaseList::Bytes Renamed(const std::string& before) {
  return [before] { return CurrentRenamed(before); };
}

// A pax header with this body before an ignored file.
CaseList::Bytes Body(const std::string& body, char type = 'x') {
  return [=] { return WithEntry(PaxOf(body, type) + TarFile("db/LOG", "x")); };
}

void AddNames(CaseList* list) {
  list->Accept("path", Renamed(Pax("path", "db/CURRENT")));
  list->Accept("path_twice", Renamed(PaxOf(PaxRecord("path", "../x") +
                                           PaxRecord("path", "db/CURRENT"))));
  list->Accept("gnu_name", Renamed(GnuLongName("db/CURRENT")));
  list->Accept("gnu_name_twice",
               Renamed(GnuLongName("../x") + GnuLongName("db/CURRENT")));
  list->Refuse("path_out", Renamed(Pax("path", "../CURRENT")), "leads out");
  list->Refuse("path_absolute", Renamed(Pax("path", "/tmp/CURRENT")),
               "absolute path");
  list->Refuse("path_empty", Renamed(Pax("path", "")), ".");
  list->Refuse("gnu_name_out", Renamed(GnuLongName("../CURRENT")), "leads out");
  list->Refuse("gnu_name_absolute", Renamed(GnuLongName("/tmp/CURRENT")),
               "absolute path");
  list->Refuse("gnu_name_empty", Renamed(GnuLongName("")), ".");
  // Only one of two names is used and checked.
  list->Accept("gnu_and_pax_disagree",
               Renamed(GnuLongName("db/CURRENT") + Pax("path", "../CURRENT")));
  list->Accept("pax_and_gnu_disagree",
               Renamed(Pax("path", "db/CURRENT") + GnuLongName("../CURRENT")));
  // A global name would apply to every entry; it is ignored.
  list->Accept("global_comment",
               [] { return WithEntry("", Pax("comment", "hello", 'g')); });
  list->Accept("global_path_is_ignored",
               [] { return WithEntry("", Pax("path", "../x", 'g')); });
  list->Accept("global_size_is_ignored",
               [] { return WithEntry("", Pax("size", "5", 'g')); });
}

void AddSizes(CaseList* list) {
  const std::string content = "hello";
  const auto with = [](const std::string& size) {
    return [size] {
      return WithEntry(Pax("size", size) + TarFile("db/LOG", "hello"));
    };
  };
  list->Accept("size_right", with("5"));
  list->Accept("size_for_header", [] {
    TarFields fields;
    fields.name = "db/LOG";
    fields.size = TarOctal(0);
    return WithEntry(Pax("size", "5") + TarBlock(fields) + "hello" + TarPad(5));
  });
  list->Refuse(
      "size_smaller_hides_a_header",
      [] {
        // 512 bytes of content that are a header themselves.
        return WithEntry(Pax("size", "0") +
                         TarFile("db/LOG", TarHeader("../000099.ldb", 0)));
      },
      "leads out");
  list->Refuse("size_larger", with("100000"), ".");
  list->Refuse("size_negative", with("-1"), ".");
  list->Refuse("size_8_eib", with("9223372036854775807"), ".");
  list->Refuse("size_above_64_bits", with("99999999999999999999999"), ".");
  list->Refuse("size_no_number", with("many"), ".");
  list->Refuse("size_hexadecimal", with("0x5"), ".");
}

void AddRecords(CaseList* list) {
  // Records that can't be read are skipped; the header after them states its
  // own name and size.
  list->Accept("record_without_length", Body(" path=db/x\n"));
  list->Accept("record_length_zero", Body("0 path=db/x\n"));
  list->Accept("record_length_negative", Body("-12 path=db/x\n"));
  list->Accept("record_length_short", Body("5 path=db/LOG\n"));
  list->Accept("record_length_long", Body("5000 path=db/LOG\n"));
  list->Accept("record_length_huge",
               Body("99999999999999999999999999 path=db/LOG\n"));
  list->Accept("record_without_newline", Body("15 path=db/LOG.."));
  list->Accept("record_without_equals", Body("8 hello\n"));
  list->Accept("record_garbage", Body(std::string("\0\xff\x80garbage", 10)));
  list->Accept("record_unknown", Body(PaxRecord("LEVELKEEP.x", "1")));
  list->Accept("records_10_000", [] {
    std::string body;
    for (int i = 0; i < 10'000; ++i) body += PaxRecord("comment", "hello");
    return WithEntry(PaxOf(body) + TarFile("db/LOG", "x"));
  });
  list->Refuse("header_of_2_mb",
               Body(PaxRecord("path", std::string(2 << 20, 'x'))), ".");
  list->Refuse(
      "header_claims_2_gb",
      [] {
        return WithEntry(TarHeader("pax", 2ull << 30, 'x') +
                         std::string(2048, 'x'));
      },
      ".");
  list->Refuse(
      "gnu_name_claims_2_gb",
      [] {
        return WithEntry(TarHeader("././@LongLink", 2ull << 30, 'L') +
                         std::string(2048, 'x'));
      },
      ".");
  list->Refuse(
      "header_without_entry", [] { return WithEntry(Pax("path", "db/LOG")); },
      ".");
  list->Refuse(
      "gnu_name_without_entry", [] { return WithEntry(GnuLongName("db/LOG")); },
      ".");
  list->Refuse(
      "headers_nested_1000",
      [] {
        std::string many;
        for (int i = 0; i < 1000; ++i) many += Pax("comment", "x");
        return WithEntry(many + TarFile("../x", "x"));
      },
      ".");
  list->Accept("binary_names", [] {
    return WithEntry(
        PaxOf(PaxRecord("hdrcharset", "BINARY") + PaxRecord("path", "db/LOG")) +
        TarFile("innocent", "x"));
  });
  list->Accept("times_and_attributes", [] {
    return WithEntry(
        PaxOf(PaxRecord("mtime", "-99999999999999999999.5") +
              PaxRecord("uid", "99999999999999999999") +
              PaxRecord("SCHILY.xattr.security.capability", "\x01\x02") +
              PaxRecord("LIBARCHIVE.xattr.user.x", "%%%not base64") +
              PaxRecord("SCHILY.acl.access", "user:root:rwx")) +
        TarFile("db/LOG", "x"));
  });
}

}  // namespace

void AddPaxCases(std::vector<HostileCase>* cases) {
  CaseList list("pax", cases);
  AddNames(&list);
  AddSizes(&list);
  AddRecords(&list);
}

}  // namespace levelkeep::test
