#include "http/json_body.h"

#include <set>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace levelkeep::http {

namespace {

constexpr int kMaxDepth = 32;

Status BadBody(const std::string& what, const std::string& hint = "") {
  return Status(StatusCode::kInvalidArgument, "the request body " + what, hint);
}

// Watches a parse for what nlohmann::json itself lets pass.
class Strictness {
 public:
  bool Accept(int depth, nlohmann::json::parse_event_t event,
              const nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (!problem_.ok()) return false;
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        // `depth` counts what is around this one.
        if (depth >= kMaxDepth) {
          problem_ = BadBody("is nested deeper than 32 levels");
        } else {
          keys_.emplace_back();
        }
        break;
      case Event::object_end:
      case Event::array_end:
        keys_.pop_back();
        break;
      case Event::key: {
        const auto& key = parsed.get_ref<const std::string&>();
        if (!keys_.back().insert(key).second) {
          const std::string shown = Printable(key);
          problem_ = BadBody("has the field \"" + shown + "\" twice");
        }
        break;
      }
      case Event::value:
        break;
    }
    return problem_.ok();
  }

  const Status& problem() const { return problem_; }

 private:
  std::vector<std::set<std::string>> keys_;  // of the open containers
  Status problem_;
};

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

Result<nlohmann::json> ParseBody(const std::string& body) {
  if (IsBlank(body)) return nlohmann::json::object();
  if (!IsValidUtf8(body)) {
    return BadBody("is not UTF-8",
                   "send it as UTF-8; Windows PowerShell does with "
                   "-ContentType \"application/json; charset=utf-8\"");
  }
  // nlohmann::json takes a NUL for the end of the text.
  if (const size_t nul = body.find('\0'); nul != std::string::npos) {
    return BadBody("is not JSON: see byte " + std::to_string(nul + 1));
  }
  Strictness strictness;
  try {
    nlohmann::json json = nlohmann::json::parse(
        body, [&strictness](int depth, nlohmann::json::parse_event_t event,
                            nlohmann::json& parsed) {
          return strictness.Accept(depth, event, parsed);
        });
    if (!strictness.problem().ok()) return strictness.problem();
    return json;
  } catch (const nlohmann::json::parse_error& error) {
    if (!strictness.problem().ok()) return strictness.problem();
    return BadBody("is not JSON: see byte " + std::to_string(error.byte));
  } catch (const nlohmann::json::exception&) {
    if (!strictness.problem().ok()) return strictness.problem();
    return BadBody("holds a number that is out of range");
  }
}

std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace levelkeep::http
