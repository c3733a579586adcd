// What the chain of backups proves: pure functions without disk access. Each
// manifest names the backup before it, with its SHA-256; the ledger of removed
// backups has the same of those that are gone.

#ifndef LEVELKEEP_CATALOG_CHAIN_H_
#define LEVELKEEP_CATALOG_CHAIN_H_

#include <string>
#include <vector>

#include "base/clock.h"
#include "catalog/removal_ledger.h"

namespace levelkeep {

// What is known of one backup that is present. Value type.
struct ChainItem {
  std::string name;
  std::string epoch;
  std::string sha256;           // of its sidecar; empty: there is none
  std::string recorded_sha256;  // as LevelKeep recorded when it was made
  std::string previous_name, previous_sha256;
  std::string problem;  // why its manifest says nothing; empty: it does
  std::string damage;   // why its verification failed; empty: it did not
};

enum class ChainStatus {
  kProven,      // present, and all that names it agrees
  kRemoved,     // gone, as the ledger says
  kMissing,     // gone, and LevelKeep did not remove it
  kConflict,    // something that names it contradicts it
  kUnprovable,  // nothing proves or disproves it
};

// The words of the JSON: "proven", "rotated", "missing", "contradicting",
// "unprovable".
std::string_view ChainWord(ChainStatus status);

struct ChainLink {
  std::string name;
  std::string epoch = {};  // empty: not known
  ChainStatus status = ChainStatus::kUnprovable;
  std::string detail = {};  // a sentence

  bool operator==(const ChainLink&) const = default;
};

// A link for each backup that is present, in the ledger, or named by one of
// these; newest first, by the time in the name. `items` are of one database.
//
// Present: proven if its digest is what it was when it was made, or what a
// later backup says, and nothing contradicts that. The newest one is named by
// nobody yet. Gone: removed if the ledger has it, with the digest that a later
// backup says; missing if the ledger would have it. A backup that is older than
// the ledger, or has no digest, can't be proven.
std::vector<ChainLink> JudgeChain(const std::vector<ChainItem>& items,
                                  const Removals& removals);

}  // namespace levelkeep

#endif  // LEVELKEEP_CATALOG_CHAIN_H_
