// The program that opens databases which nobody trusts yet, for applications
// whose database has a comparator of its own.
//
//   int main(int argc, char** argv) {
//     static const MyComparator comparator;
//     return levelkeep::RunCheck(argc, argv, &comparator);
//   }
//
// Name that program in BackupOptions::Verification::check_program, or in
// LEVELKEEP_CHECK_PROGRAM for `levelkeep`. Without it, every key of such a
// database is read all the same, but their order is not judged: the report of
// a verification says so.

#ifndef LEVELKEEP_CHECK_H_
#define LEVELKEEP_CHECK_H_

namespace leveldb {
class Comparator;
}

namespace levelkeep {

// All that levelkeep-check is: main() calls it first and returns what it
// returns. `comparator` is taken for databases that name it, may be null and
// must live until the process ends. It limits memory and processor time of the
// process, lowers its priority, and as a rule ends it by itself.
// Exit codes: 0 the database is good, 1 it is not or could not be checked (the
// report on standard output says which), 2 wrong arguments.
// Thread safety: once, before any other thread is started.
int RunCheck(int argc, char** argv, const leveldb::Comparator* comparator);

}  // namespace levelkeep

#endif  // LEVELKEEP_CHECK_H_
