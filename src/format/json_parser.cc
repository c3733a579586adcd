// ParseJsonObject: a document in pieces, one array of it element by element.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "format/json_fields.h"

namespace levelkeep {
namespace {

using nlohmann::json;

constexpr size_t kMaxDepth = 8;
// Of what is kept as a tree, besides the elements that are handed out: some
// twenty members in honest documents. A tree takes up to fifty times the
// memory of its text, so that a hostile one must not be built.
constexpr size_t kMaxKeptValues = 10'000;
constexpr size_t kMaxKeptTextBytes = 1u << 20;
// Of a string, a number or blanks, which the parser gathers.
constexpr size_t kMaxTokenBytes = 1u << 20;

// Hands out the characters of a text; ends early when it can't be read.
class Characters {
 public:
  explicit Characters(TextPieces* text) : text_(*text) { Refill(); }

  bool AtEnd() const { return piece_.empty() || too_long_; }
  char Front() const { return piece_.front(); }
  void Advance() {
    piece_.remove_prefix(1);
    if (++token_bytes_ > kMaxTokenBytes) too_long_ = true;
    if (piece_.empty()) Refill();
  }
  // The parser has taken what it gathered.
  void EndToken() { token_bytes_ = 0; }
  const Status& status() const { return status_; }
  bool too_long() const { return too_long_; }

 private:
  void Refill() {
    Result<std::string_view> next = text_.Next();
    if (next.ok()) {
      piece_ = *next;
    } else {
      status_ = next.status();
    }
  }

  TextPieces& text_;
  std::string_view piece_;
  Status status_;
  size_t token_bytes_ = 0;
  bool too_long_ = false;
};

class CharacterIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = char;

  CharacterIterator() = default;  // the end
  explicit CharacterIterator(Characters* characters)
      : characters_(characters) {}

  // The parser would take a NUL for the end of the text, and whatever is
  // behind it would go unread: it gets another character that JSON lacks.
  char operator*() const {
    const char front = characters_->Front();
    return front == '\0' ? '\x01' : front;
  }
  CharacterIterator& operator++() {
    characters_->Advance();
    return *this;
  }
  CharacterIterator operator++(int) {
    const CharacterIterator before = *this;
    characters_->Advance();
    return before;
  }
  friend bool operator==(const CharacterIterator& a,
                         const CharacterIterator& b) {
    return a.AtEnd() == b.AtEnd();
  }
  friend bool operator!=(const CharacterIterator& a,
                         const CharacterIterator& b) {
    return !(a == b);
  }

 private:
  bool AtEnd() const { return characters_ == nullptr || characters_->AtEnd(); }

  Characters* characters_ = nullptr;
};

// Keeps the document as a tree, but for the elements of `array`.
class Builder final : public nlohmann::json_sax<json> {
 public:
  Builder(const ElementwiseArray& array, Characters* characters)
      : array_(array), characters_(*characters), element_(array.fields) {}

  ParsedObject Take() { return {std::move(root_), std::move(failure_)}; }
  // More was to be kept than any honest document has.
  bool too_much() const { return too_much_; }

  bool null() override { return Scalar(nullptr); }
  bool boolean(bool value) override { return Scalar(value); }
  bool number_integer(number_integer_t value) override { return Scalar(value); }
  bool number_float(number_float_t value, const string_t&) override {
    return Scalar(value);
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (!InField()) return Scalar(value);
    characters_.EndToken();
    element_.SetUint(field_, value);
    return true;
  }
  bool string(string_t& value) override {
    if (!InField()) return Scalar(value);
    characters_.EndToken();
    element_.SetText(field_, value);
    return true;
  }
  bool binary(binary_t&) override { return false; }  // JSON has none

  bool start_object(std::size_t) override { return Open(json::object()); }
  bool end_object() override { return Close(); }
  bool start_array(std::size_t) override { return Open(json::array()); }
  bool end_array() override { return Close(); }

  bool key(string_t& name) override {
    characters_.EndToken();
    if (array_depth_ != 0) {
      if (InField()) field_ = element_.FieldOf(name);
      return true;
    }
    if (!Keep(name.size())) return false;
    slot_ = &(*open_.back())[name];
    on_path_ = depth_ == matched_ + 1 && depth_ <= array_.path.size() &&
               name == array_.path[depth_ - 1];
    return true;
  }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception&) override {
    return false;
  }

 private:
  // Directly inside an element of the array.
  bool InField() const {
    return array_depth_ != 0 && depth_ == array_depth_ + 1;
  }

  // Counts what is put into the tree.
  bool Keep(size_t text_bytes) {
    kept_text_bytes_ += text_bytes;
    too_much_ =
        ++kept_values_ > kMaxKeptValues || kept_text_bytes_ > kMaxKeptTextBytes;
    return !too_much_;
  }

  template <typename Value>
  bool Scalar(Value&& value) {
    characters_.EndToken();
    if (array_depth_ == 0) {
      json kept(std::forward<Value>(value));
      const auto* text = kept.template get_ptr<const json::string_t*>();
      if (!Keep(text != nullptr ? text->size() : 0)) return false;
      Place(std::move(kept));
    } else if (InField()) {
      element_.SetOther(field_);
    } else if (depth_ == array_depth_) {
      element_.Clear(/*is_object=*/false);
      TakeElement();
    }
    return true;
  }

  bool Open(json container) {
    characters_.EndToken();
    if (depth_ == kMaxDepth) return false;
    if (array_depth_ == 0 && !Keep(0)) return false;
    ++depth_;
    if (array_depth_ != 0) {
      if (depth_ == array_depth_ + 1) element_.Clear(container.is_object());
      if (depth_ == array_depth_ + 2) element_.SetOther(field_);
      return true;
    }
    const bool on_path = std::exchange(on_path_, false);
    json* const placed = Place(std::move(container));
    if (on_path && depth_ == array_.path.size() + 1 && placed->is_array()) {
      array_depth_ = depth_;
      failure_ = Status::Ok();
      array_.begin();
      return true;
    }
    if (on_path && placed->is_object()) ++matched_;
    open_.push_back(placed);
    return true;
  }

  bool Close() {
    characters_.EndToken();
    --depth_;
    if (array_depth_ == 0) {
      open_.pop_back();
      matched_ = std::min(matched_, depth_ > 0 ? depth_ - 1 : 0);
    } else if (depth_ + 1 == array_depth_) {
      array_depth_ = 0;
    } else if (depth_ == array_depth_) {
      TakeElement();
    }
    return true;
  }

  void TakeElement() {
    if (failure_.ok()) failure_ = array_.take(element_);
  }

  json* Place(json value) {
    on_path_ = false;
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  const ElementwiseArray& array_;
  Characters& characters_;
  json root_;
  std::vector<json*> open_;  // of the tree
  json* slot_ = nullptr;     // of the member whose value comes next
  size_t depth_ = 0;
  size_t matched_ = 0;      // open objects below the root that are on the path
  bool on_path_ = false;    // so is the value that comes next
  size_t array_depth_ = 0;  // depth inside the array; 0 outside of it
  size_t field_ = 0;
  size_t kept_values_ = 0;
  size_t kept_text_bytes_ = 0;
  bool too_much_ = false;
  FlatObject element_;
  Status failure_;
};

}  // namespace

Result<ParsedObject> ParseJsonObject(TextPieces* text, std::string_view what,
                                     const ElementwiseArray& array) {
  Characters characters(text);
  Builder builder(array, &characters);
  const bool well_formed = json::sax_parse(CharacterIterator(&characters),
                                           CharacterIterator(), &builder);
  if (!characters.status().ok()) return characters.status();
  if (characters.too_long() || builder.too_much()) {
    return Status(StatusCode::kCorruption,
                  std::string(what) + " holds too much besides its list",
                  "no LevelKeep writes that: this looks like an attack");
  }
  ParsedObject parsed = builder.Take();
  if (!well_formed || !parsed.root.is_object()) {
    return Status(StatusCode::kCorruption,
                  std::string(what) + " is not a well-formed JSON object");
  }
  return parsed;
}

}  // namespace levelkeep
