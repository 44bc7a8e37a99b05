// A strict JSON parser: one pass, bounded depth, nothing that RFC 8259 forbids.
#include <hans/core/json.hpp>

#include <algorithm>
#include <deque>
#include <iterator>

#include <hans/core/error.hpp>
#include "detail/utf8.hpp"

namespace hans {
namespace {

constexpr int deepest = 64;

class JsonParser {
 public:
  explicit JsonParser(std::string_view text) : text_(text), room_((std::size_t{96} << 20) + 16 * text.size()) {}

  Json whole() {
    Json value = one(0);
    skip_space();
    if (at_ < text_.size()) fail("something follows the value");
    return value;
  }

 private:
  Json one(int depth) {
    skip_space();
    switch (peek()) {
      case '{':
        return object(depth + 1);
      case '[':
        return array(depth + 1);
      case '"':
        take(box + sizeof(std::string));
        return Json(string());
      case 't':
        return word("true", Json(true));
      case 'f':
        return word("false", Json(false));
      case 'n':
        return word("null", Json());
      default:
        return number();
    }
  }

  Json object(int depth) {
    enter(depth, sizeof(Json::Object));
    Json::Object all;
    skip_space();
    if (!accept('}')) {
      do {
        skip_space();
        if (peek() != '"') fail("a key in double quotes is wanted");
        std::string key = string();
        skip_space();
        if (!accept(':')) fail("':' is wanted");
        take(2 * sizeof(Json::Object::value_type) + sizeof(std::string_view));
        all.emplace_back(std::move(key), one(depth));
        skip_space();
      } while (accept(','));
      if (!accept('}')) fail("',' or '}' is wanted");
    }
    refuse_repeated(all);
    return Json::object(std::move(all));
  }

  Json array(int depth) {
    enter(depth, sizeof(Json::Array));
    std::deque<Json> items;  // does not move its elements when it grows
    skip_space();
    if (!accept(']')) {
      do {
        take(2 * sizeof(Json));
        items.push_back(one(depth));
        skip_space();
      } while (accept(','));
      if (!accept(']')) fail("',' or ']' is wanted");
    }
    return Json::array({std::move_iterator(items.begin()), std::move_iterator(items.end())});
  }

  void enter(int depth, std::size_t size) {
    if (depth > deepest) fail(text("more than ", deepest, " levels"));
    take(box + size);
    ++at_;
  }

  /// Accounts for approximately `bytes` of memory.
  void take(std::size_t bytes) {
    if (bytes > room_) fail("more values than fit into the memory allowed for a text of this size");
    room_ -= bytes;
  }

  /// Sorts the keys, so that an object of many members costs n log n.
  void refuse_repeated(const Json::Object& members) const {
    std::vector<std::string_view> keys(members.size());
    std::transform(members.begin(), members.end(), keys.begin(),
                   [](const auto& member) { return std::string_view(member.first); });
    std::sort(keys.begin(), keys.end());
    const auto twice = std::adjacent_find(keys.begin(), keys.end());
    if (twice != keys.end()) fail(text("the object before has the key ", in_quotes(*twice), " twice"));
  }

  std::string string() {
    ++at_;
    std::string out;
    for (;;) {
      if (at_ == text_.size()) fail("the string does not end");
      if (accept('"')) return out;
      if (accept('\\')) {
        escape(out);
        continue;
      }
      if (static_cast<unsigned char>(text_[at_]) < 0x20) fail("a control character in a string");
      const std::size_t length = utf8_length(text_, at_);
      if (length == 0) fail("a string that is not UTF-8");
      out += text_.substr(at_, length);
      at_ += length;
    }
  }

  void escape(std::string& out) {
    constexpr std::string_view letters = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::size_t simple = at_ < text_.size() ? letters.find(text_[at_]) : std::string_view::npos;
    if (simple != std::string_view::npos) {
      out += meanings[simple];
      ++at_;
      return;
    }
    if (!accept('u')) fail("an unknown escape");
    std::uint32_t code = four_digits();
    if (code >= 0xdc00 && code <= 0xdfff) fail("the second half of a surrogate pair alone");
    if (code >= 0xd800 && code <= 0xdbff) {
      const std::uint32_t low = accept('\\') && accept('u') ? four_digits() : 0;
      if (low < 0xdc00 || low > 0xdfff) fail("the first half of a surrogate pair alone");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code);
  }

  std::uint32_t four_digits() {
    std::uint32_t code = 0;
    for (int k = 0; k < 4; ++k, ++at_) {
      const std::size_t digit = std::string_view("0123456789abcdefABCDEF").find(peek());
      if (digit == std::string_view::npos) fail("four hexadecimal digits are wanted after \\u");
      code = code * 16 + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    }
    return code;
  }

  Json number() {
    const std::size_t start = at_;
    accept('-');
    if (!accept('0') && !digits()) fail("a value is wanted");
    bool whole = true;
    if (accept('.')) {
      whole = false;
      if (!digits()) fail("digits are wanted after the point");
    }
    if (accept('e') || accept('E')) {
      whole = false;
      if (!accept('+')) accept('-');
      if (!digits()) fail("digits are wanted in the exponent");
    }
    const std::string_view word = text_.substr(start, at_ - start);
    std::int64_t integer = 0;
    std::uint64_t natural = 0;
    double real_number = 0;
    if (whole && word != "-0" && read_number(word, integer)) return Json(integer);
    if (whole && word != "-0" && read_number(word, natural)) return Json(natural);
    if (!read_number(word, real_number)) fail(text("the number ", in_quotes(word), " is beyond what a double holds"));
    return Json(real_number);
  }

  bool digits() {
    const std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ > start;
  }

  Json word(std::string_view wanted, Json value) {
    if (text_.substr(at_, wanted.size()) != wanted) fail("a value is wanted");
    at_ += wanted.size();
    return value;
  }

  void skip_space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }

  /// The next character; 0 at the end, which no rule accepts.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool accept(char wanted) {
    if (at_ == text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void fail(std::string_view what) const {
    const std::string_view before = text_.substr(0, at_);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t column = at_ - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0: the first line
    throw Error(text("JSON, line ", line, ", column ", column, ": ", what));
  }

  static constexpr std::size_t box = 16;  // approximate overhead of an allocation

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t room_;
};

}  // namespace

Json Json::parse(std::string_view text) { return JsonParser(text).whole(); }

}  // namespace hans
