// Brackets and words of an S-expression, with their lines.
#include "tokens.hpp"

#include <algorithm>

namespace hans::apps::vnnlib {

Token Tokens::take() {
  if (at_end() || next_.word == "(" || next_.word == ")") refuse("a word");
  return advance();
}

void Tokens::open() {
  if (next_.word != "(") refuse("'('");
  if (depth_ == deepest) fail(next_, "more than ", deepest, " brackets are open");
  if (depth_++ == 0) opened_ = next_.line;
  advance();
}

void Tokens::close() {
  if (!close_if()) refuse("')'");
}

bool Tokens::close_if() {
  if (next_.word != ")") return false;
  --depth_;
  advance();
  return true;
}

Token Tokens::advance() {
  const Token taken = next_;
  next_ = scan();
  return taken;
}

Token Tokens::scan() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == ';') {
      at_ = std::min(text_.find('\n', at_), text_.size());
      if (at_ == text_.size()) break;
      ++line_;
    } else if (c == '\n') {
      ++line_;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      break;
    }
  }
  const std::size_t start = at_;
  const auto in_word = [](char c) { return c > ' ' && c <= '~' && c != '(' && c != ')' && c != ';'; };
  while (at_ < text_.size() && in_word(text_[at_])) ++at_;
  if (at_ == start && at_ < text_.size()) {
    if (text_[at_] != '(' && text_[at_] != ')') {
      fail({{}, line_}, "the byte ", in_quotes(text_.substr(at_, 1)), " is allowed in comments only");
    }
    ++at_;
  }
  return {text_.substr(start, at_ - start), line_};
}

void Tokens::refuse(std::string_view wanted) const {
  if (at_end() && depth_ > 0) fail(next_, "the text ends, but the bracket that line ", opened_, " opens is not closed");
  fail(next_, wanted, " is wanted, not ", in_quotes(next_.word));
}

}  // namespace hans::apps::vnnlib
