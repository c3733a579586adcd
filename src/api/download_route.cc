#include <memory>
#include <optional>

#include "api/routes.h"
#include "base/file_system.h"
#include "http/byte_range.h"

namespace levelkeep::api {

namespace {

using http::ByteRange;
using http::RangeKind;

// Archives never change under their name, so without a digest size and time
// tell versions apart well enough.
std::string EtagOf(const BackupInfo& backup, const FileInfo& info) {
  if (!backup.sha256.empty()) return "\"" + backup.sha256 + "\"";
  return "\"" + std::to_string(info.size_bytes) + "-" +
         std::to_string(info.mtime_ns) + "\"";
}

ByteRange WantedRange(const Request& request, const std::string& etag,
                      uint64_t size) {
  const ByteRange whole{RangeKind::kWhole, 0, size};
  const std::string* range = request.FindHeader("range");
  // A range is for GET only (RFC 9110, section 14.2).
  if (range == nullptr || request.method != "GET") return whole;
  // If-Range: the client has parts of another version; dates are not
  // compared, so they count as another one.
  const std::string* condition = request.FindHeader("if-range");
  if (condition != nullptr && *condition != etag) return whole;
  return http::ParseRange(*range, size);
}

// The answer that the conditions call for instead of the backup, if any.
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
  auto file = FileSystem::Posix()->Open(backup->path, OpenMode::kRead);
  if (!file.ok()) return ErrorResponse(file.status());
  const auto info = (*file)->Stat();
  if (!info.ok()) return ErrorResponse(info.status());

  const std::string etag = EtagOf(*backup, *info);
  auto conditional = CheckConditions(request, etag);
  Response response = conditional.value_or(Response());
  response.headers["ETag"] = etag;
  response.headers["Accept-Ranges"] = "bytes";
  if (conditional) return response;
  const ByteRange range = WantedRange(request, etag, info->size_bytes);
  const std::string total = std::to_string(info->size_bytes);
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
  // Names of backups need no quoting.
  response.headers["Content-Disposition"] =
      "attachment; filename=\"" + backup->name + "\"";
  response.file = std::move(*file);
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
