// Names that people, terminals and file systems read differently.

#include "hostile/hostile_case.h"

namespace levelkeep::test {
namespace {

CaseList::Bytes Named(const std::string& name) {
  return [name] { return WithEntry(TarFile(name, "x")); };
}

// The whole database in a folder of this name.
CaseList::Bytes Folder(const std::string& folder) {
  return [folder] {
    std::string tar;
    for (const auto& [name, content] : SoundFiles()) {
      tar += Pax("path", folder + "/" + name) + TarFile("x", content);
    }
    return Gzip(tar + TarEnd());
  };
}

// The sound database with one file renamed.
CaseList::Bytes Renamed(const std::string& from, const std::string& to) {
  return [=] {
    Files files = SoundFiles();
    files[to] = files[from];
    files.erase(from);
    return Foreign(files);
  };
}

void AddStrangers(CaseList* list) {
  const std::string stranger = "is not a file of a LevelDB database";
  list->Refuse("newline", Named("db/000099.ldb\n"), "\\\\x0a.*" + stranger);
  list->Refuse("escape_sequence", Named("db/\x1b[2J\x1b[31m.ldb"),
               "\\\\x1b.*" + stranger);
  list->Refuse("bell_and_backspace", Named("db/\x07\x08.ldb"),
               "\\\\x07\\\\x08");
  list->Refuse("invalid_utf8", Named("db/\xff\xfe.ldb"), "\\\\xff\\\\xfe");
  list->Refuse("overlong_parent", Named("db/\xc0\xae\xc0\xae/000099.ldb"),
               "outside of db/");
  list->Refuse("right_to_left",
               Named("db/\xe2\x80\xae"
                     "bdl.990000"),
               stranger);
  list->Refuse("zero_width", Named("db/000099\xe2\x80\x8b.ldb"), stranger);
  list->Refuse("fullwidth_digits", Named("db/\xef\xbc\x91\xef\xbc\x92.ldb"),
               stranger);
  list->Refuse("fullwidth_dots", Named("\xef\xbc\x8e\xef\xbc\x8e/000099.ldb"),
               "outside of db/");
  list->Refuse("upper_case_suffix", Named("db/000099.LDB"), stranger);
  list->Refuse("lower_case_current", Named("db/current"), stranger);
  list->Refuse("mixed_case_manifest", Named("db/Manifest-000004"), stranger);
  list->Refuse("case_of_folder", Named("DB/000099.ldb"), "outside of db/");
  list->Refuse("program", Named("db/run.sh"), stranger);
  list->Refuse("number_signed", Named("db/+99.ldb"), stranger);
  list->Refuse("number_hexadecimal", Named("db/0x99.ldb"), stranger);
  list->Refuse("number_above_64_bits", Named("db/99999999999999999999999.ldb"),
               stranger);
  list->Refuse("two_suffixes", Named("db/000099.ldb.gz"), stranger);
}

void AddFolders(CaseList* list) {
  list->Accept("folder_utf8", Folder("d\xc3\xa4ten/\xe2\x98\x83"));
  list->Accept("folder_not_utf8", Folder("d\xe4ten"));
  list->Accept("folder_newline", Folder("a\nb"));
  list->Accept("folder_escape", Folder("a\x1b[2Jb"));
  list->Accept("folder_of_256", Folder(std::string(256, 'x')));
  // For people and some file systems one folder; for us two folders.
  list->Refuse(
      "normalization",
      [] {
        Files rest = SoundFiles();
        const std::string current = rest["CURRENT"];
        rest.erase("CURRENT");
        return Gzip(TarOf(rest, "d\xc3\xa4/") +
                    TarFile("da\xcc\x88/CURRENT", current) + TarEnd());
      },
      "which holds the database");
}

// LevelDB takes 7.log for the log number 7, and then opens 000007.log.
void AddNumbers(CaseList* list) {
  list->RefuseInCheck(
      "table_without_zeros",
      [] {
        Files files = SoundFiles();
        for (const auto& [name, content] : SoundFiles()) {
          if (name.ends_with(".ldb")) {
            files[name.substr(4)] = content;
            break;
          }
        }
        return Foreign(files);
      },
      "not how LevelDB spells|twice");
  list->RefuseInCheck(
      "log_without_zeros",
      [] {
        Files files = SoundFiles();
        for (const auto& [name, content] : SoundFiles()) {
          if (name.ends_with(".log")) {
            files[name.substr(4)] = content;
          }
        }
        return Foreign(files);
      },
      "not how LevelDB spells|twice");
  list->RefuseInCheck(
      "log_with_more_zeros",
      [] {
        Files files = SoundFiles();
        for (const auto& [name, content] : SoundFiles()) {
          if (name.ends_with(".log")) {
            files["0000" + name] = "";
          }
        }
        return Foreign(files);
      },
      "not how LevelDB spells|twice");
  list->Refuse(
      "manifest_without_zeros",
      [] {
        Files files = SoundFiles();
        for (const auto& [name, content] : SoundFiles()) {
          if (!name.starts_with("MANIFEST-")) continue;
          files["MANIFEST-" + std::to_string(std::stoi(name.substr(9)))] =
              content;
          files.erase(name);
        }
        return Foreign(files);
      },
      "MANIFEST-.*missing");
}

}  // namespace

void AddNameCases(std::vector<HostileCase>* cases) {
  CaseList list("name", cases);
  AddStrangers(&list);
  AddFolders(&list);
  AddNumbers(&list);
  list.Refuse("current_renamed", Renamed("CURRENT", "CURRENT "),
              "is not a file of a LevelDB database");
}

}  // namespace levelkeep::test
