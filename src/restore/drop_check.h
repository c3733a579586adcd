// One drop: it is opened once and compared with the digests beside it. If it is
// not restored, the reasons are explained to people.

#ifndef LEVELKEEP_RESTORE_DROP_CHECK_H_
#define LEVELKEEP_RESTORE_DROP_CHECK_H_

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "archive/archive_reader.h"
#include "base/file_system.h"
#include "levelkeep/reports.h"
#include "levelkeep/status.h"
#include "restore/context.h"
#include "restore/drop_identity.h"

namespace levelkeep {

// An open drop. The same open file is checked, applied and moved; a file that
// takes its name meanwhile is another drop.
struct OpenDrop {
  DropIdentity drop;  // of the open file
  std::shared_ptr<File> file;
  std::unique_ptr<ArchiveReader> reader;  // null: the file is not an archive
};

// Opens the file. OpenReader then opens its reader.
Result<OpenDrop> OpenDropFile(const RestoreContext& context,
                              const std::string& name);
Status OpenReader(const RestoreContext& context, OpenDrop* drop);

// The names in restore/ of the drop's digest files: NAME.sha256, NAME.md5.
Result<std::vector<std::string>> SidecarsOf(const RestoreContext& context,
                                            const std::string& name);
// kCorruption: the drop differs from a digest beside it. kNotChecked: a digest
// file is malformed or can't be read. REQUIRES: `drop` has a reader.
Status CheckDigests(const RestoreContext& context, const OpenDrop& drop,
                    std::stop_token stop);

// Call after an archive fault. True if the file looks like an unfinished copy
// rather than a bad archive.
bool IsIncomplete(const OpenDrop& drop);

// --- why a drop is not restored
UnrestoredDrop ExplainType(const RestoreContext& context,
                           const std::string& name, FileType type);
UnrestoredDrop ExplainIncomplete(const std::string& name,
                                 const std::string& detail = "");
// The drop could not be opened, checked or extracted.
UnrestoredDrop ExplainFailure(const RestoreContext& context,
                              const std::string& name, const Status& failure);
// "NAME: REASON (HINT)".
std::string ToSentence(const UnrestoredDrop& drop);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_CHECK_H_
