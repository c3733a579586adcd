// An Env with which LevelDB uses a SimulatedDisk: it makes the same calls that
// LevelDB 1.23's own Env makes on a real disk.
//
// Link levelkeep_test_leveldb.

#ifndef LEVELKEEP_TESTS_SUPPORT_LEVELDB_SIMULATED_ENV_H_
#define LEVELKEEP_TESTS_SUPPORT_LEVELDB_SIMULATED_ENV_H_

#include <string>
#include <vector>

#include "leveldb/env.h"
#include "support/simulated_disk.h"

namespace levelkeep::test {

// Threads and time are those of the system.
// Thread safety: all methods may be called concurrently.
class SimulatedEnv : public leveldb::EnvWrapper {
 public:
  // `disk` outlives this object and every DB opened with it.
  explicit SimulatedEnv(SimulatedDisk* disk)
      : leveldb::EnvWrapper(leveldb::Env::Default()), disk_(disk) {}

  leveldb::Status NewSequentialFile(const std::string& path,
                                    leveldb::SequentialFile** file) override;
  leveldb::Status NewRandomAccessFile(
      const std::string& path, leveldb::RandomAccessFile** file) override;
  leveldb::Status NewWritableFile(const std::string& path,
                                  leveldb::WritableFile** file) override;
  leveldb::Status NewAppendableFile(const std::string& path,
                                    leveldb::WritableFile** file) override;
  bool FileExists(const std::string& path) override;
  leveldb::Status GetChildren(const std::string& directory,
                              std::vector<std::string>* names) override;
  leveldb::Status RemoveFile(const std::string& path) override;
  leveldb::Status CreateDir(const std::string& path) override;
  leveldb::Status RemoveDir(const std::string& path) override;
  leveldb::Status GetFileSize(const std::string& path, uint64_t* size) override;
  leveldb::Status RenameFile(const std::string& source,
                             const std::string& target) override;
  leveldb::Status LockFile(const std::string& path,
                           leveldb::FileLock** lock) override;
  leveldb::Status UnlockFile(leveldb::FileLock* lock) override;
  leveldb::Status NewLogger(const std::string& path,
                            leveldb::Logger** logger) override;

 private:
  int Open(const std::string& path, int flags, SimulatedDisk::Handle* handle);

  SimulatedDisk* const disk_;
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_LEVELDB_SIMULATED_ENV_H_
