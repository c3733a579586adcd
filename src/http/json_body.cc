#include "http/json_body.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"

namespace levelkeep::http {

namespace {

constexpr size_t kMaxDepth = 32;

Status BadBody(const std::string& what, const std::string& hint = "") {
  return Status(StatusCode::kInvalidArgument, "the request body " + what, hint);
}

// Builds the tree itself: nlohmann::json's own way to look in while it parses
// goes through all elements of an array again after each one, which takes
// minutes for a MiB of "{},{},…".
class TreeBuilder : public nlohmann::json::json_sax_t {
 public:
  using Json = nlohmann::json;

  explicit TreeBuilder(size_t max_values) : values_left_(max_values) {}

  bool null() override { return Add(nullptr) != nullptr; }
  bool boolean(bool value) override { return Add(value) != nullptr; }
  bool number_integer(int64_t value) override { return Add(value) != nullptr; }
  bool number_unsigned(uint64_t value) override {
    return Add(value) != nullptr;
  }
  bool number_float(double value, const std::string& /*text*/) override {
    return Add(value) != nullptr;
  }
  bool string(std::string& value) override {
    return Add(std::move(value)) != nullptr;
  }
  bool binary(Json::binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return Open(Json::object()); }
  bool start_array(size_t /*size*/) override { return Open(Json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(std::string& name) override {
    const auto [it, inserted] = open_.back()->emplace(name, nullptr);
    if (!inserted) {
      return Fail("has the field \"" + Printable(name) + "\" twice");
    }
    member_ = &*it;
    return true;
  }

  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    const bool syntax =
        dynamic_cast<const Json::parse_error*>(&error) != nullptr;
    return Fail(syntax ? "is not JSON: see byte " + std::to_string(position)
                       : "holds a number that is out of range");
  }

  const Status& problem() const { return problem_; }
  Json Take() { return std::move(root_); }

 private:
  bool Fail(const std::string& what) {
    if (problem_.ok()) problem_ = BadBody(what);
    return false;
  }

  // Where the value is from now on; null if there may be no more.
  Json* Add(Json value) {
    if (values_left_ == 0) {
      Fail("holds too many values");
      return nullptr;
    }
    --values_left_;
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json* const parent = open_.back();
    if (parent->is_array()) {
      parent->push_back(std::move(value));
      return &parent->back();
    }
    *member_ = std::move(value);
    return member_;
  }

  bool Open(Json container) {
    if (open_.size() >= kMaxDepth) {
      return Fail("is nested deeper than 32 levels");
    }
    Json* const added = Add(std::move(container));
    if (added == nullptr) return false;
    open_.push_back(added);
    return true;
  }

  bool Close() {
    open_.pop_back();
    return true;
  }

  size_t values_left_;
  Json root_;
  // Containers that are not complete. No pointer moves: only the innermost
  // one grows.
  std::vector<Json*> open_;
  Json* member_ = nullptr;  // of the innermost object, to be set
  Status problem_;
};

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

Result<nlohmann::json> ParseBody(const std::string& body, size_t max_values) {
  if (IsBlank(body)) return nlohmann::json::object();
  if (!IsValidUtf8(body)) {
    return BadBody("is not UTF-8",
                   "send it as UTF-8; Windows PowerShell does with "
                   "-ContentType \"application/json; charset=utf-8\"");
  }
  // The parser takes it for the end and never looks behind it.
  if (const size_t nul = body.find('\0'); nul != std::string::npos) {
    return BadBody("is not JSON: see byte " + std::to_string(nul + 1));
  }
  TreeBuilder builder(max_values);
  if (!nlohmann::json::sax_parse(body, &builder)) return builder.problem();
  return builder.Take();
}

std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace levelkeep::http
