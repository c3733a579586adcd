// One drop: opened once, compared with the digests beside it, and the reasons
// why it stays where it is, in words for people.

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

// An open drop: what is looked at is what is checked, applied and moved. A file
// that takes its name meanwhile is another drop.
struct OpenDrop {
  DropIdentity drop;  // of the open file
  std::shared_ptr<File> file;
  std::unique_ptr<ArchiveReader> reader;  // none: it can't be an archive
};

// Opens the file. Its reader is opened by OpenReader.
Result<OpenDrop> OpenDropFile(const RestoreContext& context,
                              const std::string& name);
Status OpenReader(const RestoreContext& context, OpenDrop* drop);

// The names in restore/ of the digests beside it: NAME.sha256, NAME.md5.
Result<std::vector<std::string>> SidecarsOf(const RestoreContext& context,
                                            const std::string& name);
// kCorruption: it is not what a digest beside it says. kNotChecked: what lies
// there is no digest, or can't be read. REQUIRES: it has a reader.
Status CheckDigests(const RestoreContext& context, const OpenDrop& drop,
                    std::stop_token stop);

// After an archive fault: the file looks like a copy of which the rest is
// missing, rather than like a bad archive.
bool IsIncomplete(const OpenDrop& drop);

// --- why it stays
UnrestoredDrop ExplainType(const RestoreContext& context,
                           const std::string& name, FileType type);
UnrestoredDrop ExplainIncomplete(const std::string& name,
                                 const std::string& detail = "");
// It could not be opened, checked or extracted.
UnrestoredDrop ExplainFailure(const RestoreContext& context,
                              const std::string& name, const Status& failure);
// "NAME: REASON (HINT)".
std::string ToSentence(const UnrestoredDrop& drop);

}  // namespace levelkeep

#endif  // LEVELKEEP_RESTORE_DROP_CHECK_H_
