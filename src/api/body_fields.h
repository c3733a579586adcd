// Typed access to the fields of a request body, with errors that name them.

#ifndef LEVELKEEP_API_BODY_FIELDS_H_
#define LEVELKEEP_API_BODY_FIELDS_H_

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "http/message.h"
#include "levelkeep/status.h"

namespace levelkeep::api {

// Collects the first problem; check status() when all fields were read.
// Thread safety: one thread at a time.
class BodyFields {
 public:
  explicit BodyFields(const http::Request& request);

  // null counts as absent. A wrong type is a problem.
  std::string String(const std::string& name, std::string fallback = "");
  bool Bool(const std::string& name, bool fallback);
  bool Has(const std::string& name) const;
  // Every other field is a problem, with the name that was probably meant.
  void AllowOnly(std::initializer_list<std::string_view> names);
  // Others are ignored, as users' scripts may send more, unless one looks
  // like a slip of the pen: "dryrun" must not become a real restore.
  void RefuseMisspelled(std::initializer_list<std::string_view> names);
  const Status& status() const { return status_; }

 private:
  void Fail(const std::string& message, const std::string& hint = "");
  const nlohmann::json* Find(const std::string& name) const;

  nlohmann::json json_;
  Status status_;
};

}  // namespace levelkeep::api

#endif  // LEVELKEEP_API_BODY_FIELDS_H_
