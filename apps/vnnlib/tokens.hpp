// Brackets and words of an S-expression, with their lines.
#pragma once

#include <cstddef>
#include <string_view>

#include <hans/core/error.hpp>

namespace hans::apps::vnnlib {

struct Token {
  std::string_view word;  // "(" and ")" too; empty at the end of the text
  std::size_t line = 1;
};

/// Reads a text from its start to its end. Whatever it does not find is an Error with `where` and the line. Comments
/// run from ';' to the end of the line and may hold any bytes.
class Tokens {
 public:
  Tokens(std::string_view text, std::string_view where) : text_(text), where_(where), next_(scan()) {}

  bool at_end() const { return next_.word.empty(); }
  std::size_t text_size() const { return text_.size(); }
  const Token& peek() const { return next_; }

  /// Takes a word.
  Token take();
  /// Takes '('; at most `deepest` may be open.
  void open();
  void close();
  bool close_if();

  template <class... Parts>
  [[noreturn]] void fail(const Token& at, const Parts&... parts) const {
    throw Error(text(where_, ", line ", at.line, ": ", parts...));
  }

  static constexpr std::size_t deepest = 100;

 private:
  Token scan();
  Token advance();
  [[noreturn]] void refuse(std::string_view wanted) const;

  std::string_view text_, where_;
  std::size_t at_ = 0, line_ = 1;
  std::size_t depth_ = 0, opened_ = 0;  // brackets open, and the line of the outermost
  Token next_;
};

}  // namespace hans::apps::vnnlib
