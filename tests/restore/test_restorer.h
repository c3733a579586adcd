// A restorer whose check of a restored database can be replaced each time.

#ifndef LEVELKEEP_TESTS_RESTORE_TEST_RESTORER_H_
#define LEVELKEEP_TESTS_RESTORE_TEST_RESTORER_H_

#include <functional>
#include <stop_token>
#include <string>
#include <utility>

#include "archive/archive_reader.h"
#include "restore/restorer.h"
#include "restore/staging.h"

namespace levelkeep::test {

class TestRestorer : public Restorer {
 public:
  using Progress = std::function<void(double)>;
  using Restorer::Restorer;

  Result<RecoveryOutcome> Recover(const OpenCheck& check = nullptr) {
    return With(check)->Restorer::Recover();
  }
  Result<DropOutcome> ApplyDropped(const OpenCheck& check, std::stop_token stop,
                                   BadDrops bad = BadDrops::kMoveAside) {
    return With(check)->Restorer::ApplyDropped(std::move(stop), bad);
  }
  Result<RestoreOutcome> Apply(const Staged& staged, const OpenCheck& check) {
    return With(check)->Restorer::Apply(staged);
  }
  Result<RestoreOutcome> Undo(const OpenCheck& check,
                              UndoScope scope = UndoScope::kLast) {
    return With(check)->Restorer::Undo(scope);
  }
  Result<RestoreOutcome> TakeBack(const OpenCheck& check) {
    return With(check)->Restorer::TakeBack();
  }

  Result<Staged> Stage(const RestoreSource& source, std::stop_token stop,
                       const Progress& progress) {
    return Restorer::Stage(source, {std::move(stop), progress});
  }
  Result<RestoreOutcome> ExtractTo(const RestoreSource& source,
                                   const std::string& target_dir,
                                   std::stop_token stop,
                                   const Progress& progress) {
    return Restorer::ExtractTo(source, target_dir, {std::move(stop), progress});
  }
  Result<StoreCheck> VerifyFull(const std::string& archive,
                                const std::string& scratch_parent,
                                std::stop_token stop,
                                const Progress& progress) {
    auto reader = ArchiveReader::Open(context_.fs, archive);
    if (!reader.ok()) return reader.status();
    return VerifyArchive(context_, {reader->get(),
                                    reader->get(),
                                    archive,
                                    scratch_parent,
                                    {std::move(stop), progress},
                                    nullptr});
  }

 private:
  TestRestorer* With(const OpenCheck& check) {
    context_.options.open_check = check;
    return this;
  }
};

}  // namespace levelkeep::test

#endif  // LEVELKEEP_TESTS_RESTORE_TEST_RESTORER_H_
