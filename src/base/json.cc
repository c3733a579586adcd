#include "base/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/status_macros.h"
#include "base/text.h"

namespace levelkeep {
namespace {

using nlohmann::json;

Status BadField(const char* field, const char* problem) {
  return Status(StatusCode::kCorruption,
                "field \"" + std::string(field) + "\" " + problem);
}

Result<const json*> Member(const json& object, const char* name) {
  if (!object.is_object()) return BadField(name, "is not in a JSON object");
  const auto found = object.find(name);
  if (found == object.end()) return BadField(name, "is missing");
  return &*found;
}

// A member of the type for which nlohmann::json returns a pointer.
template <typename Value>
Result<Value> Typed(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  const Value* const value = member->get_ptr<const Value*>();
  if (value == nullptr) return BadField(name, "has a wrong type");
  return *value;
}

template <typename Json>
std::string Dump(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

// The limits of a document without its list, and of one element: valid ones
// have about twenty members.
constexpr JsonRules kListRules = {8, 10'000, 1u << 20, false};

// Builds the tree from the events of nlohmann::json; complete elements of
// `list` are removed from it. The library's own callback during parsing would
// walk over all elements of an array after each new one, which takes minutes
// for a MiB of "{},{},…".
class TreeBuilder final : public json::json_sax_t {
 public:
  // `list` may be null.
  TreeBuilder(const JsonRules& rules, const JsonList* list)
      : rules_(rules), list_(list) {}

  bool Parse(std::string_view text) {
    if (text.size() > rules_.max_text_bytes && HasLongToken(text)) {
      return FailTooMuch("holds too long a string");
    }
    // The parser takes a NUL for the end and ignores the text after it.
    const size_t nul = text.find('\0');
    const bool good =
        nul == std::string_view::npos
            ? json::sax_parse(text, this)
            : Fail("is not JSON: see byte " + std::to_string(nul + 1));
    if (!good && !IsValidUtf8(text)) problem_ = "is not UTF-8";
    return good;
  }

  const std::string& problem() const { return problem_; }
  // True if the text exceeded the rules.
  bool too_much() const { return too_much_; }
  json TakeRoot() { return std::move(root_); }
  const Status& elements() const { return elements_; }

  bool null() override { return Scalar(nullptr); }
  bool boolean(bool value) override { return Scalar(value); }
  bool number_integer(int64_t value) override { return Scalar(value); }
  bool number_float(double value, const std::string& /*text*/) override {
    return Scalar(value);
  }
  bool number_unsigned(uint64_t value) override { return Scalar(value); }
  bool string(std::string& value) override {
    return CountText(value) && Scalar(std::move(value));
  }
  bool binary(json::binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return Open(json::object()); }
  bool start_array(size_t /*size*/) override { return Open(json::array()); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }

  bool key(std::string& name) override {
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
  // True for a token (string, number or blanks) that is too long, because the
  // parser keeps it in memory. Tokens contain no quotes, except at their ends.
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

  bool CountText(std::string_view text) {
    text_bytes_ += text.size();
    return text_bytes_ <= rules_.max_text_bytes ||
           FailTooMuch("holds too much text");
  }

  template <typename Value>
  bool Scalar(Value&& value) {
    if (Add(std::forward<Value>(value)) == nullptr) return false;
    if (depth_ > 0 && depth_ == list_depth_) HandOut();
    return true;
  }

  bool Open(json container) {
    if (depth_ == rules_.max_depth) {
      return Fail("is nested deeper than " + std::to_string(rules_.max_depth) +
                  " levels");
    }
    ++depth_;
    const bool on_path = std::exchange(on_path_, false);
    json* const added = Add(std::move(container));
    if (added == nullptr) return false;
    open_.push_back(added);
    if (on_path && depth_ == list_->path.size() + 1 && added->is_array()) {
      list_depth_ = depth_;
      elements_ = Status::Ok();
      values_before_ = values_;
      text_before_ = text_bytes_;
      list_->begin();
    } else if (on_path && added->is_object()) {
      ++matched_;
    }
    return true;
  }

  bool Close() {
    open_.pop_back();
    --depth_;
    if (depth_ + 1 == list_depth_) list_depth_ = 0;
    matched_ = std::min(matched_, depth_ > 0 ? depth_ - 1 : 0);
    if (depth_ > 0 && depth_ == list_depth_) HandOut();
    return true;
  }

  // Removes a complete element of the list from the tree and passes it on.
  void HandOut() {
    json* const list = open_.back();
    if (elements_.ok()) elements_ = list_->take(list->back());
    list->clear();
    values_ = values_before_;
    text_bytes_ = text_before_;
  }

  // The place of the stored value; null if there are too many values.
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
  const JsonList* const list_;
  json root_;
  // Containers that are not complete. The pointers stay valid, because only the
  // innermost container grows.
  std::vector<json*> open_;
  json* member_ = nullptr;  // of the innermost object, to be set
  size_t depth_ = 0;
  size_t matched_ = 0;     // open objects below the root that are on the path
  bool on_path_ = false;   // the next value is on the path
  size_t list_depth_ = 0;  // depth inside the list; 0: outside
  size_t values_ = 0;
  size_t text_bytes_ = 0;
  size_t values_before_ = 0;  // before the list
  size_t text_before_ = 0;
  bool too_much_ = false;
  std::string problem_;
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

Result<std::string> RequireText(const json& object, const char* name) {
  return Typed<std::string>(object, name);
}

Result<std::string> OptionalText(const json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return std::string();
  return RequireText(object, name);
}

Result<std::string> RequireHex(const json& object, const char* name,
                               size_t digits) {
  LEVELKEEP_ASSIGN_OR_RETURN(std::string text, RequireText(object, name));
  if (IsLowerHex(text, digits)) return text;
  return BadField(name, "is not a hex number of the right length");
}

Result<uint64_t> RequireUint(const json& object, const char* name) {
  return Typed<uint64_t>(object, name);
}

Result<uint64_t> OptionalUint(const json& object, const char* name) {
  if (object.is_object() && !object.contains(name)) return uint64_t{0};
  return RequireUint(object, name);
}

Result<int64_t> RequireInt(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  const auto* number = member->get_ptr<const int64_t*>();
  // A number without a sign may be too large for int64_t.
  if (number != nullptr && (*number >= 0 || !member->is_number_unsigned())) {
    return *number;
  }
  return BadField(name, "has a wrong type");
}

Result<bool> RequireBool(const json& object, const char* name) {
  return Typed<bool>(object, name);
}

Result<const json*> RequireObject(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  if (!member->is_object()) return BadField(name, "has a wrong type");
  return member;
}

Status RequireList(const json& object, const char* name) {
  LEVELKEEP_ASSIGN_OR_RETURN(const json* member, Member(object, name));
  return member->is_array() ? Status::Ok() : BadField(name, "has a wrong type");
}

std::string DumpJson(const json& value, int indent) {
  return Dump(value, indent);
}

std::string DumpJson(const nlohmann::ordered_json& value, int indent) {
  return Dump(value, indent);
}

void AppendQuoted(std::string_view value, std::string* text) {
  // Has no early end, so that compilers can test many bytes at once.
  unsigned odd = 0;
  for (const char c : value) {
    odd |= static_cast<unsigned>(c < ' ') | static_cast<unsigned>(c > '~') |
           static_cast<unsigned>(c == '"') | static_cast<unsigned>(c == '\\');
  }
  if (odd == 0) {
    *text += '"';
    *text += value;
    *text += '"';
  } else {
    *text += Dump(json(value), -1);
  }
}

}  // namespace levelkeep
