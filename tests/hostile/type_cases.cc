// Entries that are no plain files, and entries that come twice.

#include "hostile/hostile_case.h"

namespace levelkeep::test {
namespace {

CaseList::Bytes EntryOf(const std::string& name, char type) {
  return [=] { return WithEntry(TarHeader(name, 0, type)); };
}

// An old GNU sparse header: one run of 512 bytes, far after the beginning.
std::string GnuSparse() {
  TarFields fields;
  fields.name = "db/000099.log";
  fields.size = TarOctal(512);
  fields.type = 'S';
  fields.magic = std::string("ustar  \0", 8);
  std::string block = TarBlock(fields);
  block.replace(386, 12, "00004000000\0", 12);
  block.replace(398, 12, "00000001000\0", 12);
  block.replace(483, 12, "00004001000\0", 12);
  return WithTarChecksum(block) + std::string(512, 'x');
}

// The same file in the three forms of pax.
std::string PaxSparse(const std::string& version) {
  const std::string name = "db/000099.log";
  const std::string data(512, 'x');
  if (version == "0.0") {
    return PaxOf(PaxRecord("GNU.sparse.size", "1049088") +
                 PaxRecord("GNU.sparse.numblocks", "1") +
                 PaxRecord("GNU.sparse.offset", "1048576") +
                 PaxRecord("GNU.sparse.numbytes", "512")) +
           TarFile(name, data);
  }
  if (version == "0.1") {
    return PaxOf(PaxRecord("GNU.sparse.size", "1049088") +
                 PaxRecord("GNU.sparse.numblocks", "1") +
                 PaxRecord("GNU.sparse.map", "1048576,512")) +
           TarFile(name, data);
  }
  std::string map = "1\n1048576\n512\n";
  map += TarPad(map.size());
  return PaxOf(PaxRecord("GNU.sparse.major", "1") +
               PaxRecord("GNU.sparse.minor", "0") +
               PaxRecord("GNU.sparse.name", name) +
               PaxRecord("GNU.sparse.realsize", "1049088")) +
         TarFile("db/GNUSparseFile.0/000099.log", map + data);
}

void AddSpecial(CaseList* list) {
  list->Refuse("character_device", EntryOf("db/000099.ldb", '3'),
               "is a device");
  list->Refuse("block_device", EntryOf("db/000099.ldb", '4'), "is a device");
  list->Refuse("device_of_ignored_name", EntryOf("db/LOCK", '3'),
               "is a device");
  list->Refuse(
      "disk_device",
      [] {
        TarFields fields;
        fields.name = "db/000099.ldb";
        fields.size = TarOctal(0);
        fields.type = '4';
        fields.tail = "0000010 0000000";
        return WithEntry(TarBlock(fields));
      },
      "is a device");
  list->Refuse("fifo", EntryOf("db/000099.log", '6'), "is a FIFO");
  list->Refuse(
      "fifo_as_current",
      [] { return WithEntry("", TarHeader("db/CURRENT", 0, '6')); },
      "is a FIFO");
  // tar has no type for sockets; this letter comes from other programs.
  list->Refuse("multi_volume", EntryOf("db/000099.ldb", 'M'), ".");
  // POSIX says that entries of unknown types are plain files.
  list->Accept("unknown_letter", EntryOf("db/LOG", 'Q'));
  list->Accept("unknown_binary", EntryOf("db/LOG", '\x01'));
  list->Accept("unknown_high", EntryOf("db/LOG", '\xff'));
  list->Refuse(
      "current_is_a_directory",
      [] {
        Files files = SoundFiles();
        files.erase("CURRENT");
        return Gzip(TarHeader("db/CURRENT/", 0, '5') + TarOf(files, "db/") +
                    TarEnd());
      },
      "CURRENT is missing");
  // A directory is skipped, even with the name of a table.
  list->Accept("directory_of_a_table", EntryOf("db/000099.ldb", '5'));
  // Type '7' was once a file stored in one piece; now it is like any other
  // file.
  list->Accept("contiguous", [] {
    Files files = SoundFiles();
    const std::string current = files["CURRENT"];
    files.erase("CURRENT");
    return Gzip(TarOf(files, "db/") + TarFile("db/CURRENT", current, '7') +
                TarEnd());
  });
  list->Accept("old_plain_file", [] {
    Files files = SoundFiles();
    const std::string current = files["CURRENT"];
    files.erase("CURRENT");
    return Gzip(TarOf(files, "db/") + TarFile("db/CURRENT", current, '\0') +
                TarEnd());
  });
  list->Accept("modes_and_owners", [] {
    TarFields fields;
    fields.name = "db/LOG";
    fields.size = TarOctal(0);
    fields.mode = "0007777";
    fields.owner = TarBase256(-1).substr(4);
    fields.mtime = TarBase256(INT64_MIN);
    return WithEntry(TarBlock(fields));
  });
}

void AddSparse(CaseList* list) {
  list->Refuse(
      "sparse_gnu", [] { return WithEntry(GnuSparse()); }, "is a sparse file");
  for (const std::string version : {"0.0", "0.1", "1.0"}) {
    std::string name = "sparse_pax_" + version;
    name[name.size() - 2] = '_';
    list->Refuse(
        name, [version] { return WithEntry(PaxSparse(version)); },
        "is a sparse file");
  }
  list->Refuse(
      "sparse_pax_huge",
      [] {
        return WithEntry(
            PaxOf(PaxRecord("GNU.sparse.size", "9000000000000000000") +
                  PaxRecord("GNU.sparse.numblocks", "1") +
                  PaxRecord("GNU.sparse.map", "8999999999999999488,512")) +
            TarFile("db/000099.log", std::string(512, 'x')));
      },
      "is a sparse file");
  list->Refuse(
      "sparse_pax_nonsense",
      [] {
        return WithEntry(PaxOf(PaxRecord("GNU.sparse.map", "7,,x,-1,9") +
                               PaxRecord("GNU.sparse.numblocks", "many")) +
                         TarFile("db/000099.log", std::string(512, 'x')));
      },
      ".");
}

void AddDuplicates(CaseList* list) {
  const std::string twice = "appears twice";
  for (const auto& [label, name] :
       std::map<std::string, std::string>{{"same", "db/CURRENT"},
                                          {"dot", "./db/CURRENT"},
                                          {"two_slashes", "db//CURRENT"},
                                          {"dot_inside", "db/./CURRENT"}}) {
    list->Refuse(
        "twice_" + label,
        [name = name] { return WithEntry(TarFile(name, "MANIFEST-000001\n")); },
        twice);
  }
  list->Refuse(
      "twice_ignored",
      [] { return WithEntry(TarFile("db/LOG", "a") + TarFile("db/LOG", "b")); },
      twice);
  list->Refuse(
      "twice_manifest",
      [] {
        return WithEntry(TarFile("levelkeep-manifest.json", "{}") +
                         TarFile("db/levelkeep-manifest.json", "{}"));
      },
      twice);
  list->Refuse(
      "two_databases", [] { return WithEntry(TarOf(SoundFiles(), "second/")); },
      "outside of db/, which holds the database");
  // Packing "." writes such entries; no folder is made for them.
  list->Accept("directory_twice", [] {
    return WithEntry(TarHeader("db/", 0, '5') + TarHeader("db/", 0, '5'));
  });
}

}  // namespace

void AddTypeCases(std::vector<HostileCase>* cases) {
  CaseList list("type", cases);
  AddSpecial(&list);
  AddSparse(&list);
  AddDuplicates(&list);
}

}  // namespace levelkeep::test
