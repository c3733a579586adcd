// levelkeep-check for databases with a comparator of the application's own: see
// examples/check, and BackupOptions::Verification::check_program.

#ifndef LEVELKEEP_CHECK_H_
#define LEVELKEEP_CHECK_H_

namespace leveldb {
class Comparator;
}

namespace levelkeep {

// Does all of levelkeep-check; call it once, first in main(), which returns its
// result: 0 if the database is good, 1 if it is not or could not be checked
// (standard output says which), 2 for wrong arguments. `comparator` may be null
// and must live until the process ends; it serves databases that name it. The
// call limits memory, time and priority of the process, and may end it.
int RunCheck(int argc, char** argv, const leveldb::Comparator* comparator);

}  // namespace levelkeep

#endif  // LEVELKEEP_CHECK_H_
