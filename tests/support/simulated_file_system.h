// The FileSystem of a SimulatedDisk. Private to support/simulated_*.

#ifndef LEVELKEEP_TESTS_SUPPORT_SIMULATED_FILE_SYSTEM_H_
#define LEVELKEEP_TESTS_SUPPORT_SIMULATED_FILE_SYSTEM_H_

#include <memory>

#include "base/file_system.h"

namespace levelkeep::test {

class SimulatedDisk;

// `disk` outlives it. It makes the same errors of an errno as the real one.
std::unique_ptr<FileSystem> NewSimulatedFileSystem(SimulatedDisk* disk);

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_SUPPORT_SIMULATED_FILE_SYSTEM_H_
