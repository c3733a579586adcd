// ParseJson, ParseJsonInOrder and ParseJsonList.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "base/text.h"

namespace levelkeep {
namespace {

using nlohmann::json;

// Of a document with a list, besides the list: honest ones have some twenty
// members.
constexpr JsonRules kListRules = {8, 10'000, 1u << 20, false};

// Builds the tree, but for the elements of `list`, from what nlohmann::json
// reads. Its own way to look in while it parses goes through all elements of
// an array again after each one, which takes minutes for a MiB of "{},{},…".
class TreeBuilder final : public json::json_sax_t {
 public:
  TreeBuilder(const JsonRules& rules, const JsonList* list)
      : rules_(rules),
        list_(list),
        element_(list != nullptr ? list->fields
                                 : std::vector<std::string_view>()) {}

  bool Parse(std::string_view text) {
    if (text.size() > rules_.max_text_bytes && HasLongToken(text)) {
      return FailTooMuch("holds too long a string");
    }
    // The parser takes it for the end and never looks behind it.
    const size_t nul = text.find('\0');
    const bool good =
        nul == std::string_view::npos
            ? json::sax_parse(text, this)
            : Fail("is not JSON: see byte " + std::to_string(nul + 1));
    if (!good && !IsValidUtf8(text)) problem_ = "is not UTF-8";
    return good;
  }

  const std::string& problem() const { return problem_; }
  // More was to be kept than the rules allow.
  bool too_much() const { return too_much_; }
  json TakeRoot() { return std::move(root_); }
  const Status& elements() const { return elements_; }

  bool null() override { return Scalar(nullptr); }
  bool boolean(bool value) override { return Scalar(value); }
  bool number_integer(int64_t value) override { return Scalar(value); }
  bool number_float(double value, const std::string& /*text*/) override {
    return Scalar(value);
  }
  bool number_unsigned(uint64_t value) override {
    if (!InElement()) return Scalar(value);
    element_.SetUint(field_, value);
    return true;
  }
  bool string(std::string& value) override {
    if (InElement()) {
      element_.SetText(field_, value);
      return true;
    }
    return (list_depth_ != 0 || CountText(value)) && Scalar(std::move(value));
  }
  bool binary(json::binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return Open(json::object()); }
  bool start_array(size_t /*size*/) override { return Open(json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(std::string& name) override {
    if (list_depth_ != 0) {
      if (InElement()) field_ = element_.FieldOf(name);
      return true;
    }
    if (!CountText(name)) return false;
    const auto [it, inserted] = open_.back()->emplace(name, nullptr);
    if (!inserted && rules_.unique_names) {
      return Fail("has the field \"" + Printable(name) + "\" twice");
    }
    member_ = &*it;
    on_path_ = list_ != nullptr && depth_ == matched_ + 1 &&
               depth_ <= list_->path.size() && name == list_->path[depth_ - 1];
    return true;
  }

  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    const bool syntax = dynamic_cast<const json::parse_error*>(&error);
    return Fail(syntax ? "is not JSON: see byte " + std::to_string(position)
                       : "holds a number that is out of range");
  }

 private:
  // A string, a number or blanks, which the parser gathers in memory: more of
  // them than of text. No token holds a quote but at its ends.
  bool HasLongToken(std::string_view text) const {
    size_t begin = 0;
    bool escaped = false;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"' && !escaped) {
        if (i - begin > rules_.max_text_bytes) return true;
        begin = i;
      }
      escaped = text[i] == '\\' && !escaped;
    }
    return text.size() - begin > rules_.max_text_bytes;
  }

  bool Fail(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  bool FailTooMuch(std::string problem) {
    too_much_ = true;
    return Fail(std::move(problem));
  }

  // Directly inside an element of the list.
  bool InElement() const {
    return list_depth_ != 0 && depth_ == list_depth_ + 1;
  }

  bool CountText(std::string_view text) {
    text_bytes_ += text.size();
    return text_bytes_ <= rules_.max_text_bytes ||
           FailTooMuch("holds too much text");
  }

  template <typename Value>
  bool Scalar(Value&& value) {
    if (list_depth_ == 0) return Add(std::forward<Value>(value)) != nullptr;
    if (InElement()) {
      element_.SetOther(field_);
    } else if (depth_ == list_depth_) {
      element_.Clear(/*is_object=*/false);
      TakeElement();
    }
    return true;
  }

  bool Open(json container) {
    if (depth_ == rules_.max_depth) {
      return Fail("is nested deeper than " + std::to_string(rules_.max_depth) +
                  " levels");
    }
    ++depth_;
    if (list_depth_ != 0) {
      if (depth_ == list_depth_ + 1) element_.Clear(container.is_object());
      if (depth_ == list_depth_ + 2) element_.SetOther(field_);
      return true;
    }
    const bool on_path = std::exchange(on_path_, false);
    json* const added = Add(std::move(container));
    if (added == nullptr) return false;
    if (on_path && depth_ == list_->path.size() + 1 && added->is_array()) {
      list_depth_ = depth_;
      elements_ = Status::Ok();
      list_->begin();
      return true;
    }
    if (on_path && added->is_object()) ++matched_;
    open_.push_back(added);
    return true;
  }

  bool Close() {
    --depth_;
    if (list_depth_ == 0) {
      open_.pop_back();
      matched_ = std::min(matched_, depth_ > 0 ? depth_ - 1 : 0);
    } else if (depth_ + 1 == list_depth_) {
      list_depth_ = 0;
    } else if (depth_ == list_depth_) {
      TakeElement();
    }
    return true;
  }

  void TakeElement() {
    if (elements_.ok()) elements_ = list_->take(element_);
  }

  // Where the value is from now on; null if there may be no more.
  json* Add(json value) {
    if (++values_ > rules_.max_values) {
      FailTooMuch("holds too many values");
      return nullptr;
    }
    on_path_ = false;
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    json* const parent = open_.back();
    if (parent->is_array()) {
      parent->push_back(std::move(value));
      return &parent->back();
    }
    *member_ = std::move(value);
    return member_;
  }

  const JsonRules& rules_;
  const JsonList* const list_;  // may be null
  json root_;
  // Containers that are not complete. No pointer moves: only the innermost
  // one grows.
  std::vector<json*> open_;
  json* member_ = nullptr;  // of the innermost object, to be set
  size_t depth_ = 0;
  size_t matched_ = 0;     // open objects below the root that are on the path
  bool on_path_ = false;   // so is the value that comes next
  size_t list_depth_ = 0;  // depth inside the list; 0 outside of it
  size_t field_ = 0;
  size_t values_ = 0;
  size_t text_bytes_ = 0;
  bool too_much_ = false;
  std::string problem_;
  JsonElement element_;
  Status elements_;
};

}  // namespace

Result<json> ParseJson(std::string_view text, std::string_view subject,
                       const JsonRules& rules) {
  TreeBuilder builder(rules, nullptr);
  if (builder.Parse(text)) return builder.TakeRoot();
  return Status(StatusCode::kCorruption,
                std::string(subject) + " " + builder.problem());
}

Result<nlohmann::ordered_json> ParseJsonInOrder(std::string_view text,
                                                std::string_view subject,
                                                const JsonRules& rules) {
  const Result<json> strict = ParseJson(text, subject, rules);
  if (!strict.ok()) return strict.status();
  return nlohmann::ordered_json::parse(text);
}

Result<json> ParseJsonList(std::string_view text, std::string_view subject,
                           const JsonList& list, Status* elements) {
  TreeBuilder builder(kListRules, &list);
  const bool good = builder.Parse(text);
  if (builder.too_much()) {
    return Status(StatusCode::kCorruption,
                  std::string(subject) + " holds too much besides its list",
                  "no LevelKeep writes that: this looks like an attack");
  }
  json root = builder.TakeRoot();
  if (!good || !root.is_object()) {
    return Status(StatusCode::kCorruption, std::string(subject) +
                                               " is not a well-formed JSON "
                                               "object");
  }
  *elements = builder.elements();
  return root;
}

}  // namespace levelkeep
