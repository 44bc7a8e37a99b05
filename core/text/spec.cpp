// The SPEC parser: one pass; bounded nesting limits the recursion.
#include <hans/core/spec.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include "detail/meant.hpp"

namespace hans {
namespace {

bool is_alphanumeric(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_name_char(char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; }
bool is_version_char(char c) { return is_name_char(c) || c == '+'; }
bool is_word_char(char c) { return is_version_char(c) || c == '/'; }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

class SpecParser {
 public:
  explicit SpecParser(std::string_view text) : text_(text) {}

  Spec whole() {
    Spec spec = one(0);
    if (at_ < text_.size()) unexpected();
    return spec;
  }

 private:
  Spec one(int depth) {
    Spec spec;
    spec.name = take(is_name_char, "a name");
    if (accept('@')) spec.version = take(is_version_char, "a version");
    if (accept(':')) {
      do {
        item(spec, depth);
      } while (accept(','));
    }
    return spec;
  }

  void item(Spec& spec, int depth) {
    Spec::Item item;
    const std::size_t start = at_;
    item.key = take(is_name_char, "a key");
    if (spec.find(item.key) != nullptr) {
      at_ = start;
      fail(text("the key ", item.key, " stands twice"));
    }
    if (!accept('=')) refuse_key(spec, item.key);
    item.nested = accept('[');
    if (item.nested) {
      if (depth == Spec::deepest) fail(text("more than ", Spec::deepest, " brackets inside each other"));
      const std::size_t inside = at_;
      do {
        one(depth + 1);
        if (at_ == text_.size()) fail("a bracket is not closed");
        if (!accept(']')) unexpected();
      } while (accept("/["));
      item.value = text_.substr(inside, at_ - 1 - inside);
    } else {
      const std::size_t begin = at_;
      item.value = take(is_word_char, text("the value of ", item.key));
      if (accept(':')) refuse_colon(item, text_.substr(begin, text_.find(']', begin) - begin));
    }
    spec.items.push_back(std::move(item));
  }

  bool accept(char wanted) { return accept(std::string_view(&wanted, 1)); }

  bool accept(std::string_view wanted) {
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }

  std::string_view take(bool (*belongs)(char), std::string_view what) {
    const std::size_t start = at_;
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    if (at_ == start) {
      if (at_ < text_.size() && std::string_view("@:=,[]").find(text_[at_]) == std::string_view::npos) unexpected();
      fail(text(what, " is missing"));
    }
    return text_.substr(start, at_ - start);
  }

  /// A ':' behind the value of `item`, which begins `rest`: a SPEC without brackets, or parameters divided by it.
  [[noreturn]] void refuse_colon(const Spec::Item& item, std::string_view rest) {
    --at_;
    const bool number = item.value[0] >= '0' && item.value[0] <= '9';
    if (!number) fail(text("a SPEC as a value stands in brackets: ", item.key, "=[", rest, "]"));
    fail(text("a ',' stands between parameters: ", item.key, "=", item.value, ",", rest.substr(item.value.size() + 1)));
  }

  /// A number without a key: others' decimal sign, or what they put between numbers.
  [[noreturn]] void refuse_key(const Spec& spec, std::string_view key) const {
    if (spec.items.empty() || key.find_first_not_of("0123456789.") != key.npos) {
      fail(text("the key ", key, " has no =VALUE"));
    }
    const Spec::Item& last = spec.items.back();
    const bool several = last.value.find('.') != last.value.npos;
    fail(text("a ',' stands before a key, and ", key, " is none; ",
              several ? "write several numbers as " : "write a decimal point as '.': ", last.key, "=", last.value,
              several ? "/" : ".", key));
  }

  [[noreturn]] void unexpected() const {
    if (is_space(text_[at_])) fail("there is a space");
    constexpr std::string_view marks = "@:=,[]";
    const std::size_t begin = text_.find_last_of(marks, at_) + 1;  // npos + 1 is 0
    const std::string_view word = text_.substr(begin, text_.find_first_of(marks, at_) - begin);
    const std::string meant = marks.find(text_[at_]) == marks.npos ? meant_by(word) : "";
    if (!meant.empty()) fail(text(in_quotes(word), " is no word; did you mean ", meant, "?"));
    fail(text(in_quotes(text_.substr(at_, 1)), " cannot stand here"));
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw UsageError(text("the SPEC ", in_quotes(text_), " is wrong at character ", at_ + 1, ": ", what,
                          "; write NAME[@VERSION][:KEY=VALUE,...] without spaces, a SPEC as a value in [], "
                          "such as fgsm:eps=0.3"));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

const Spec::Item* Spec::find(std::string_view key) const& {
  const auto found = std::find_if(items.begin(), items.end(), [key](const Item& item) { return item.key == key; });
  return found == items.end() ? nullptr : &*found;
}

Spec Spec::parse(std::string_view text) {
  check_usage(text.size() <= longest, "the SPEC ", in_quotes(text), " has ", text.size(), " characters; at most ",
              longest, " are allowed");
  return SpecParser(text).whole();
}

void append(std::string& out, const Spec& spec) {
  append(out, spec.name);
  if (!spec.version.empty()) {
    append(out, '@');
    append(out, spec.version);
  }
  char before = ':';
  for (const Spec::Item& item : spec.items) {
    append(out, before);
    append(out, item.key);
    append(out, item.nested ? "=[" : "=");
    append(out, item.value);
    if (item.nested) append(out, ']');
    before = ',';
  }
}

std::vector<Spec> parse_list(std::string_view text, char separator) {
  std::vector<Spec> all;
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t at = 0; at <= text.size(); ++at) {
    const bool end = at == text.size();
    if (!end && text[at] == '[') ++depth;
    if (!end && text[at] == ']') --depth;
    if (end || (text[at] == separator && depth <= 0)) {
      all.push_back(Spec::parse(text.substr(start, at - start)));
      start = at + 1;
    }
  }
  return all;
}

bool is_spec_word(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), is_word_char);
}

}  // namespace hans
