// A machine with a simulated disk, on which a start of LevelKeep finds whatever
// a fuzzer left, and on which calls fail and the power goes.

#ifndef LEVELKEEP_FUZZ_RESTORE_WORLD_H_
#define LEVELKEEP_FUZZ_RESTORE_WORLD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "restore/test_restorer.h"
#include "restore_flags.h"
#include "support.h"
#include "support/auto_clock.h"
#include "support/simulated_disk.h"

namespace levelkeep::fuzz {

// The fault in one life of the application; then the power goes.
struct Fault {
  FaultKind kind = kNoFault;
  uint64_t at = 0;    // the operation, modulo their number
  uint64_t loss = 0;  // the seed of SimulatedState::LosePower
};
struct Interruptions {
  Fault first;
  Fault second;  // of the next life
};
// Reads two times four bytes: kind, place (little-endian), loss.
Interruptions TakeInterruptions(FuzzedBytes* input);

// The results of one start.
struct Life {
  Status status;  // of the first step that failed
  RecoveryOutcome recovered;
  DropOutcome drops;
  uint64_t operations = 0;
};

// The part of levelkeep-check that comes before it asks LevelDB.
Result<StoreCheck> CheckFiles(FileSystem* fs, const std::string& db_dir);
void WriteFolder(FileSystem* fs, const std::string& folder, const Files& files);

// The same input makes the same world, operation by operation, because random
// numbers come from FixedRandom.
// Thread safety: one thread at a time.
class World {
 public:
  // Makes a live database, a foreign file beside it, and a file outside.
  explicit World(uint8_t flags);

  std::string Storage() const { return "/srv/storage"; }
  std::string Live() const;
  std::string Work() const;
  std::string Drop() const { return "/srv/restore"; }
  // The archive that a start finds.
  std::string Dropped() const;
  bool Is(WorldFlags flag) const { return (flags_ & flag) != 0; }
  // The files of the live database at first; empty if there is none.
  const Files& old() const { return old_; }

  // --- the first state
  void Write(const std::string& path, std::string_view content);
  // Writes a folder with these files.
  void WriteAll(const std::string& folder, const Files& files);
  FileInfo Stat(const std::string& path);
  // Makes everything durable; Rewind leads back to this state.
  void Seal();

  // --- lives
  void Rewind();
  // Does what a start of the application does: Prepare, Recover, ApplyDropped.
  Life Start();
  // Starts once or twice with these ends. REQUIRES: an uninterrupted start
  // takes `operations`.
  void StartInto(const Interruptions& interruptions, uint64_t operations);
  // A restorer on a good disk, prepared.
  std::unique_ptr<test::TestRestorer> NewRestorer();

  // --- the present state
  // Files by names within the folder, without LevelDB's lock; empty without the
  // folder. Requires that the folder holds nothing but files.
  Files Content(const std::string& folder) const;
  // One line for each path: the state that a second start must not change.
  Files Lines() const { return disk_.Save().Describe(); }
  // The content of every file below the folder, by path.
  Files Below(const std::string& folder) const;
  // Nothing but the three folders has changed.
  void CheckOutside() const;
  // Nothing unfinished is left in the work folder.
  void CheckTidy() const;
  // Whether a database with this content is in the work folder.
  bool IsKept(const Files& content) const;
  Result<StoreCheck> Check(const std::string& db_dir) {
    return CheckFiles(disk_.file_system(), db_dir);
  }

 private:
  void StartInto(const Fault& fault, uint64_t operations);

  const uint8_t flags_;
  test::SimulatedDisk disk_;
  test::AutoClock clock_;
  RestorerOptions options_;
  Files old_;
  test::SimulatedState first_;
};

// Without BACKUP_ID, which every restore makes anew. Requires a valid one.
Files WithoutId(Files content);

}  // namespace levelkeep::fuzz

#endif  // LEVELKEEP_FUZZ_RESTORE_WORLD_H_
