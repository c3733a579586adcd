// The middle of the writer: many workers, one order. Private to archive.

#ifndef LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_
#define LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_

#include <vector>

#include "archive/archive_sink.h"
#include "archive/archive_writer.h"
#include "format/toc.h"
#include "levelkeep/status.h"

namespace levelkeep {

// Appends all inputs to `sink`, and moves the names out of `inputs`. `files`
// gets one entry per input, in order; `summary` gets what was reused and what
// could not be.
Status WriteInputs(std::vector<ArchiveInput>* inputs,
                   const ArchiveWriteOptions& options, ArchiveSink* sink,
                   std::vector<TocFile>* files, ArchiveSummary* summary);

}  // namespace levelkeep

#endif  // LEVELKEEP_ARCHIVE_WRITE_PIPELINE_H_
