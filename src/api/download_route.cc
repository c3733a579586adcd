#include <memory>
#include <optional>
#include <utility>

#include "api/routes.h"
#include "base/file_system.h"
#include "http/request_head.h"

namespace levelkeep::api {

namespace {

using http::ByteRange;
using http::RangeKind;

// Reads the bytes of a backup for the server.
class DownloadSource : public ByteSource {
 public:
  explicit DownloadSource(std::unique_ptr<BackupReader> reader)
      : reader_(std::move(reader)) {}
  Result<size_t> ReadAt(uint64_t offset, char* buffer,
                        size_t size) const override {
    return reader_->ReadAt(offset, buffer, size);
  }

 private:
  const std::unique_ptr<BackupReader> reader_;
};

ByteRange WantedRange(const Request& request, const std::string& etag,
                      uint64_t size) {
  const ByteRange whole{RangeKind::kWhole, 0, size};
  const std::string* range = request.FindHeader("range");
  // Only GET has ranges (RFC 9110, section 14.2).
  if (range == nullptr || request.method != "GET") return whole;
  // If-Range: the client may have parts of another version; a date is not
  // compared and counts as another version.
  const std::string* condition = request.FindHeader("if-range");
  if (condition != nullptr && *condition != etag) return whole;
  return http::ParseRange(*range, size);
}

// The answer that the conditions require instead of the backup, if any.
std::optional<Response> CheckConditions(const Request& request,
                                        const std::string& etag) {
  const std::string* match = request.FindHeader("if-match");
  if (match != nullptr &&
      !http::EtagListed(*match, etag, http::EtagComparison::kStrong)) {
    return ErrorResponse(412, "precondition_failed",
                         "the backup is not the version of If-Match",
                         "download it from the beginning");
  }
  const std::string* none_match = request.FindHeader("if-none-match");
  if (none_match != nullptr && http::EtagListed(*none_match, etag)) {
    Response response;
    response.status = 304;
    response.content_type = "";
    return response;
  }
  return std::nullopt;
}

Response Download(BackupManager* manager, const Call& call) {
  const Request& request = call.request();
  const auto backup = FindNamed(manager, call.name(), /*latest_too=*/true);
  if (!backup.ok()) return ErrorResponse(backup.status());
  auto reader = manager->OpenBackup(backup->name);
  if (!reader.ok()) return ErrorResponse(reader.status());
  const uint64_t size = (*reader)->size_bytes();
  const std::string etag = "\"" + (*reader)->version() + "\"";
  auto conditional = CheckConditions(request, etag);
  Response response = conditional.value_or(Response());
  response.headers["ETag"] = etag;
  response.headers["Accept-Ranges"] = "bytes";
  if (conditional) return response;
  const ByteRange range = WantedRange(request, etag, size);
  const std::string total = std::to_string(size);
  if (range.kind == RangeKind::kUnsatisfiable) {
    response = ErrorResponse(416, "range_not_satisfiable",
                             "the range begins beyond the end of the backup",
                             "the backup has " + total + " bytes");
    response.headers["Content-Range"] = "bytes */" + total;
    response.headers["Accept-Ranges"] = "bytes";
    return response;
  }
  if (range.kind == RangeKind::kPart) {
    response.status = 206;
    response.headers["Content-Range"] =
        "bytes " + std::to_string(range.offset) + "-" +
        std::to_string(range.offset + range.size - 1) + "/" + total;
  }
  response.content_type = "application/octet-stream";
  // Backup names need no quoting.
  response.headers["Content-Disposition"] =
      "attachment; filename=\"" + backup->name + "\"";
  response.file = std::make_shared<DownloadSource>(std::move(*reader));
  response.file_offset = range.offset;
  response.file_size = range.size;
  return response;
}

}  // namespace

std::vector<Route> DownloadRoutes(BackupManager* manager) {
  return {
      {.method = "GET",
       .path = "/api/backup/download/{name}",
       .summary = "the archive itself; `latest` works as a name",
       .scope = Scope::kRead,
       .answers = {200, 206, 304, 404, 412, 416},
       .handler = [=](const Call& call) { return Download(manager, call); }},
  };
}

}  // namespace levelkeep::api
