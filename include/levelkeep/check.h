// The program that opens databases which nobody trusts yet, for applications
// whose database has a comparator of its own:
//
//   int main(int argc, char** argv) {
//     static const MyComparator comparator;
//     return levelkeep::RunCheck(argc, argv, &comparator);
//   }
//
// Name it in BackupOptions::Verification::check_program. Without it, every key
// of such a database is read all the same, but their order is not judged.

#ifndef LEVELKEEP_CHECK_H_
#define LEVELKEEP_CHECK_H_

namespace leveldb {
class Comparator;
}

namespace levelkeep {

// All that levelkeep-check is: main() calls it first and returns what it
// returns: 0 the database is good, 1 it is not or could not be checked
// (standard output says which), 2 wrong arguments. `comparator` is taken for
// databases that name it, may be null and must live until the process ends,
// whose memory, processor time and priority it limits; it may end it by itself.
// Thread safety: once, before any other thread is started.
int RunCheck(int argc, char** argv, const leveldb::Comparator* comparator);

}  // namespace levelkeep

#endif  // LEVELKEEP_CHECK_H_
