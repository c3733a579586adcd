// Paths and links that lead out of the archive.

#include "hostile/hostile_case.h"

namespace levelkeep::test {
namespace {

// A file of that name after the database.
CaseList::Bytes FileNamed(const std::string& name) {
  return [name] { return WithEntry(TarFile(name, "x")); };
}

// The same, with a name that is too long for a plain header.
CaseList::Bytes FileWithLongName(const std::string& name) {
  return [name] {
    return WithEntry(Pax("path", name) + TarFile("innocent", "x"));
  };
}

// A link with this target before the database, and then `behind`.
CaseList::Bytes LinkBefore(const std::string& name, char type,
                           const std::string& target,
                           const std::string& behind = "") {
  return [=] { return WithEntry(behind, TarHeader(name, 0, type, target)); };
}

CaseList::Bytes LinkBehind(const std::string& name, char type,
                           const std::string& target) {
  return [=] { return WithEntry(TarHeader(name, 0, type, target)); };
}

void AddAbsolute(CaseList* list) {
  const std::string absolute = "has an absolute path";
  list->Refuse("absolute", FileNamed("/000099.ldb"), absolute);
  list->Refuse("absolute_canary", FileNamed("/tmp/levelkeep-canary/000099.ldb"),
               absolute);
  list->Refuse("absolute_two_slashes", FileNamed("//000099.ldb"), absolute);
  list->Refuse("absolute_share", FileNamed("//host/share/000099.ldb"),
               absolute);
  list->Refuse("absolute_proc", FileNamed("/proc/self/root/000099.ldb"),
               absolute);
  list->Refuse(
      "absolute_directory",
      [] { return WithEntry(TarHeader("/tmp/x/", 0, '5')); }, absolute);
  list->Refuse(
      "absolute_by_prefix",
      [] {
        TarFields fields;
        fields.prefix = "/tmp/levelkeep-canary";
        fields.name = "000099.ldb";
        fields.size = TarOctal(0);
        return WithEntry(TarBlock(fields));
      },
      absolute);
}

void AddParent(CaseList* list) {
  const std::string out = "leads out of the archive";
  list->Refuse("parent_first", FileNamed("../000099.ldb"), out);
  list->Refuse("parent_inside", FileNamed("db/../../000099.ldb"), out);
  list->Refuse("parent_back_again", FileNamed("db/../db/000099.ldb"), out);
  list->Refuse("parent_last", FileNamed("db/.."), out);
  list->Refuse("parent_only", FileNamed(".."), out);
  list->Refuse("parent_deep",
               FileNamed("db/../../../../../../../tmp/000099.ldb"), out);
  list->Refuse("parent_two_slashes", FileNamed("db/..//000099.ldb"), out);
  list->Refuse("parent_behind_dot", FileNamed("./../000099.ldb"), out);
  list->Refuse(
      "parent_directory", [] { return WithEntry(TarHeader("../x/", 0, '5')); },
      out);
  list->Refuse(
      "parent_by_prefix",
      [] {
        TarFields fields;
        fields.prefix = "db/..";
        fields.name = "../000099.ldb";
        fields.size = TarOctal(0);
        return WithEntry(TarBlock(fields));
      },
      out);
  list->Refuse("parent_of_ignored", FileNamed("../LOG"), out);
  // Only a component of exactly two dots leads out.
  list->Refuse("three_dots", FileNamed("db/.../000099.ldb"),
               "outside of db/, which holds the database");
  list->Refuse("dots_and_blank", FileNamed("db/.. /000099.ldb"),
               "outside of db/");
}

void AddStrange(CaseList* list) {
  const std::string stranger = "is not a file of a LevelDB database";
  list->Refuse("empty", FileNamed(""), "has no name that can be read");
  list->Refuse("dot", FileNamed("."), "has no name that can be read");
  list->Refuse("two_dots_slashes", FileNamed("././."),
               "has no name that can be read");
  list->Refuse("backslash", FileNamed("db\\000099.ldb"), stranger);
  list->Refuse("backslash_parent", FileNamed("..\\..\\000099.ldb"), stranger);
  list->Refuse("drive", FileNamed("C:\\db\\000099.ldb"), stranger);
  list->Refuse("drive_slash", FileNamed("C:/db/000099.ldb"), "outside of db/");
  list->Refuse("windows_share", FileNamed("\\\\host\\share\\000099.ldb"),
               stranger);
  list->Refuse("home", FileNamed("~/000099.ldb"), "outside of db/");
  list->Refuse("shell", FileNamed("db/$(touch canary).ldb"), stranger);
  list->Refuse("option", FileNamed("--checkpoint-action=exec=sh"), stranger);
  list->Refuse("file_as_folder", FileNamed("db/CURRENT/000099.ldb"),
               "outside of db/");
  list->Refuse("other_folder", FileNamed("other/000099.ldb"),
               "outside of db/, which holds the database");
  list->Refuse("deeper", FileNamed("db/db/000099.ldb"), "outside of db/");
  list->Refuse("top", FileNamed("000099.ldb"), "outside of db/");
  // A tar of a whole STORAGE_DIR has such a folder: it is skipped as a whole.
  list->Accept("work_folder", FileNamed(".levelkeep/db/journal"));
  list->Accept("work_folder_with_a_database",
               FileNamed(".levelkeep/db/rollback-1/CURRENT"));
  list->Refuse("like_a_work_folder", FileNamed(".levelkeeper/x"), stranger);
  list->Refuse("backup_folder", FileNamed("backups/x.tar.gz"), stranger);
  list->Refuse("trailing_blank", FileNamed("db/000099.ldb "), stranger);
  list->Refuse("leading_blank", FileNamed("db/ 000099.ldb"), stranger);
  // For tar, a name that ends in a slash is a directory, which has no content.
  list->Accept("trailing_slash",
               [] { return WithEntry(TarHeader("db/000099.ldb/", 0)); });
  list->Accept("many_slashes", [] {
    return Gzip(TarOf(SoundFiles(), "./db//.///") + TarEnd());
  });
  list->Accept("folder_deep", [] {
    std::string folder;
    for (int i = 0; i < 40; ++i) folder += "a/";
    return Gzip(TarOf(SoundFiles(), folder) + TarEnd());
  });
}

void AddNulAndLong(CaseList* list) {
  // No reader uses the bytes after a NUL.
  list->Accept("nul_in_header", [] {
    return WithEntry(TarFile(std::string("db/LOG\0/../../x", 15), "hello"));
  });
  list->Accept("nul_in_pax",
               FileWithLongName(std::string("db/LOG\0/../../x", 15)));
  list->Refuse("nul_first_in_pax", FileWithLongName(std::string("\0x", 2)),
               "no name|innocent");
  list->Refuse(
      "long_gnu",
      [] {
        return WithEntry(GnuLongName("db/" + std::string(600, 'x')) +
                         TarFile("y", "x"));
      },
      "has a long name");
  list->Refuse("long_pax", FileWithLongName("db/" + std::string(5000, 'x')),
               "has a long name");
  list->Refuse("long_pax_100_kb",
               FileWithLongName("db/" + std::string(100'000, 'x')),
               "has a long name");
  list->Refuse("long_pax_3_mb",
               FileWithLongName("db/" + std::string(3 << 20, 'x')),
               "tar archive");
  list->Refuse("long_of_parents", FileWithLongName([] {
                 std::string name;
                 for (int i = 0; i < 100; ++i) name += "../";
                 return name + "000099.ldb";
               }()),
               "leads out of the archive");
  list->Refuse("long_of_folders", FileWithLongName([] {
                 std::string name;
                 for (int i = 0; i < 300; ++i) name += "a/";
                 return name + "000099.ldb";
               }()),
               "has a long name");
}

}  // namespace

void AddPathCases(std::vector<HostileCase>* cases) {
  CaseList list("path", cases);
  AddAbsolute(&list);
  AddParent(&list);
  AddStrange(&list);
  AddNulAndLong(&list);
}

void AddLinkCases(std::vector<HostileCase>* cases) {
  CaseList list("link", cases);
  const std::string symbolic = "is a symbolic link";
  const std::string hard = "is a hard link";
  const std::string canary = "/tmp/levelkeep-canary";
  list.Refuse("folder_outside", LinkBefore("db", '2', canary), symbolic);
  list.Refuse("folder_outside_and_through",
              LinkBefore("db", '2', canary, TarFile("db/000099.ldb", "x")),
              symbolic);
  list.Refuse("folder_parent", LinkBefore("db/", '2', "../.."), symbolic);
  list.Refuse("file_outside", LinkBehind("db/000099.ldb", '2', "/etc/passwd"),
              symbolic);
  list.Refuse("file_parent", LinkBehind("db/000099.ldb", '2', "../../x"),
              symbolic);
  list.Refuse("current", LinkBefore("db/CURRENT", '2', "MANIFEST-000004"),
              symbolic);
  list.Refuse("ignored_name", LinkBehind("db/LOCK", '2', canary), symbolic);
  list.Refuse("to_itself", LinkBehind("db/000099.ldb", '2', "000099.ldb"),
              symbolic);
  list.Refuse("without_target", LinkBehind("db/000099.ldb", '2', ""), symbolic);
  list.Refuse(
      "chain",
      LinkBefore("a", '2', "b",
                 TarHeader("b", 0, '2', canary) + TarFile("a/000099.ldb", "x")),
      symbolic);
  list.Refuse(
      "with_content",
      [] {
        return WithEntry(TarHeader("db/000099.ldb", 3, '2', "x") + "abc" +
                         TarPad(3));
      },
      symbolic);
  list.Refuse(
      "target_by_pax",
      [canary] {
        return WithEntry(Pax("linkpath", canary) +
                         TarHeader("db/000099.ldb", 0, '2', "x"));
      },
      symbolic);
  list.Refuse(
      "target_by_gnu",
      [canary] {
        return WithEntry(GnuLongLink(canary) +
                         TarHeader("db/000099.ldb", 0, '2', "x"));
      },
      symbolic);
  list.Refuse("hard_outside", LinkBehind("db/000099.ldb", '1', "/etc/passwd"),
              hard);
  list.Refuse("hard_inside", LinkBehind("db/000099.ldb", '1', "db/CURRENT"),
              hard);
  list.Refuse("hard_before_target",
              LinkBefore("db/000099.ldb", '1', "db/CURRENT"), hard);
  list.Refuse("hard_parent", LinkBehind("db/000099.ldb", '1', "../x"), hard);
  list.Refuse("hard_chain",
              LinkBefore("db/000098.ldb", '1', "db/000099.ldb",
                         TarHeader("db/000099.ldb", 0, '1', "db/000098.ldb")),
              hard);
  list.Refuse(
      "hard_with_content",
      [] {
        return WithEntry(TarHeader("db/000099.ldb", 3, '1', "db/x") + "abc" +
                         TarPad(3));
      },
      hard);
  list.Refuse(
      "hard_to_symbolic",
      LinkBefore("s", '2', canary, TarHeader("db/000099.ldb", 0, '1', "s")),
      symbolic);
  // A plain file stays a plain file, even if pax names a target.
  list.Accept("target_of_plain_file", [] {
    return WithEntry(Pax("linkpath", "/etc/passwd") + TarFile("db/LOG", "x"));
  });
}

}  // namespace levelkeep::test
