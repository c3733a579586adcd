// Cases that differ in the files of the database only.

#ifndef LEVELKEEP_TESTS_HOSTILE_DATABASE_CASE_H_
#define LEVELKEEP_TESTS_HOSTILE_DATABASE_CASE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "hostile/hostile_case.h"
#include "hostile/own_archive.h"
#include "hostile/table_bytes.h"

namespace levelkeep::test {

using Spoil = std::function<void(Files*)>;

// Each case comes as a foreign archive and as one of ours (own_…), because
// these have different readers.
class DatabaseCases {
 public:
  DatabaseCases(const std::string& group, std::vector<HostileCase>* cases,
                Files files, Entries entries, uint64_t last_sequence)
      : foreign_(group, cases),
        own_(group + "_own", cases, /*own=*/true),
        files_(std::move(files)),
        entries_(std::move(entries)),
        last_sequence_(last_sequence) {}

  // Opening and scanning the database finds the damage.
  void InCheck(const std::string& name, const Spoil& spoil,
               const std::string& message,
               StatusCode code = StatusCode::kCorruption) {
    foreign_.RefuseInCheck(name, ForeignOf(spoil), message, code);
    Own(name, spoil, message, code);
  }
  // In a foreign archive, reading it finds the damage. Our archives have right
  // digests, so only the check finds it.
  void BeforeCheck(const std::string& name, const Spoil& spoil,
                   const std::string& message,
                   StatusCode code = StatusCode::kCorruption) {
    foreign_.Refuse(name, ForeignOf(spoil), message, code);
    Own(name, spoil, message, code);
  }
  // Found by the check of each table by itself, which is done for archives
  // without our digests. With our digests only a scan is done, and it sees
  // `entries`.
  void InCheckOfForeign(const std::string& name, const Spoil& spoil,
                        const std::string& message, const Entries& entries) {
    foreign_.RefuseInCheck(name, ForeignOf(spoil), message);
    AcceptOwn(name, spoil, entries);
  }
  void InCheckOfForeignOnly(const std::string& name, const Spoil& spoil,
                            const std::string& message) {
    foreign_.RefuseInCheck(name, ForeignOf(spoil), message);
  }
  // A database with its own comparator. Our archive is refused, because its
  // manifest does not name that comparator.
  void OfElsewhere(const std::string& name, const Spoil& spoil,
                   const std::string& message, const Entries& entries) {
    foreign_.SoundElsewhere(name, ForeignOf(spoil), message).entries = entries;
    Own(name, spoil, message, StatusCode::kCorruption);
  }
  void Accept(const std::string& name, const Spoil& spoil) {
    AcceptForeign(name, spoil, entries_);
    AcceptOwn(name, spoil, entries_);
  }
  // Only as a foreign archive: the manifest of ours would have to lie.
  void AcceptForeign(const std::string& name, const Spoil& spoil,
                     const Entries& entries) {
    foreign_.Accept(name, ForeignOf(spoil)).entries = entries;
  }

 private:
  void AcceptOwn(const std::string& name, const Spoil& spoil,
                 const Entries& entries) {
    own_.Accept(name, OwnOf(spoil)).entries = entries;
  }
  void Own(const std::string& name, const Spoil& spoil,
           const std::string& message, StatusCode code) {
    own_.RefuseInCheck(name, OwnOf(spoil), message, code);
  }
  CaseList::Bytes ForeignOf(const Spoil& spoil) const {
    return [files = files_, spoil]() mutable {
      Files spoilt = files;
      spoil(&spoilt);
      return Foreign(spoilt);
    };
  }
  CaseList::Bytes OwnOf(const Spoil& spoil) const {
    return [files = files_, spoil, sequence = last_sequence_] {
      Files spoilt = files;
      spoil(&spoilt);
      return OwnArchive(spoilt, sequence);
    };
  }

  CaseList foreign_;
  CaseList own_;
  const Files files_;
  const Entries entries_;
  const uint64_t last_sequence_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_HOSTILE_DATABASE_CASE_H_
