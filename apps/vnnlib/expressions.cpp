// Declarations of variables, and linear expressions in them.
#include "expressions.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hans::apps::vnnlib {
namespace {

constexpr std::size_t longest_number = 1200;  // a double that is written exactly may have 1,077

}  // namespace

Decimal Literal::exact() const {
  Decimal out = *read_decimal(word);
  out.negative = out.negative != negated;
  return out;
}

std::string Literal::written() const {
  if (!negated) return std::string(word);
  return word.front() == '-' ? std::string(word.substr(1)) : text('-', word);
}

void Linear::negate() {
  for (auto& [index, coefficient] : inputs) coefficient = -coefficient;
  for (auto& [index, coefficient] : outputs) coefficient = -coefficient;
  constant = constant.negative();
}

std::size_t Expressions::Kind::count(std::string_view where) const {
  const std::size_t all = declared.size();
  check(all > 0, where, ": no ", name, " is declared; write (declare-const ", letter, "_0 Real)");
  const auto gap = std::find(declared.begin(), declared.end(), false) - declared.begin();
  check(gap == static_cast<std::ptrdiff_t>(all), where, ": ", letter, '_', all - 1, " is declared, but not ", letter,
        '_', gap);
  return all;
}

std::pair<std::size_t, std::size_t> Expressions::counts(std::string_view where) const {
  return {inputs_.count(where), outputs_.count(where)};
}

/// The kind and number of X_3 or Y_0; no kind if it is neither.
std::pair<Expressions::Kind*, std::uint64_t> Expressions::variable(std::string_view word) {
  std::uint64_t index = 0;
  const std::string_view digits = word.substr(std::min<std::size_t>(2, word.size()));
  if (!read_number(digits, index) || (digits.size() > 1 && digits.front() == '0')) return {nullptr, 0};
  return {word.starts_with("X_") ? &inputs_ : word.starts_with("Y_") ? &outputs_ : nullptr, index};
}

void Expressions::declare(bool function) {
  const Token name = tokens_.take();
  const auto [kind, index] = variable(name.word);
  if (kind == nullptr) {
    tokens_.fail(name, in_quotes(name.word), " is neither an input X_0, X_1, ... nor an output Y_0, Y_1, ...");
  }
  if (kind->has(index)) tokens_.fail(name, in_quotes(name.word), " is declared twice");
  // A declaration takes more than one byte, so a larger number would leave a gap.
  if (index >= tokens_.text_size()) {
    tokens_.fail(name, in_quotes(name.word), ": a text of ", tokens_.text_size(), " bytes cannot declare all ",
                 kind->name, "s up to it");
  }
  if (index >= kind->declared.size()) kind->declared.resize(index + 1);
  kind->declared[index] = true;
  if (function) {
    tokens_.open();
    tokens_.close();
  }
  const Token sort = tokens_.take();
  if (sort.word != "Real") tokens_.fail(sort, in_quotes(name.word), " must be Real, not ", in_quotes(sort.word));
  tokens_.close();
}

Linear Expressions::take() {
  if (tokens_.peek().word != "(") return single(tokens_.take());
  tokens_.open();
  const Token sign = tokens_.take();
  if (sign.word == "*") {
    const Linear a = take(), b = take();
    tokens_.close();
    return a.is_number() ? product(a, b, sign) : product(b, a, sign);
  }
  const bool minus = sign.word == "-";
  if (!minus && sign.word != "+") {
    tokens_.fail(sign, in_quotes(sign.word), " is no operation that is read: +, - and * are");
  }
  Linear out = take();
  const bool alone = tokens_.close_if();
  if (minus) out.negate();
  if (alone) return out;
  do add(out, take(), sign);
  while (!tokens_.close_if());
  if (minus) out.negate();  // a - b - c = -(-a + b + c)
  return out;
}

Linear Expressions::single(const Token& token) {
  Linear out;
  const auto [kind, index] = variable(token.word);
  if (kind != nullptr) {
    if (!kind->has(index)) tokens_.fail(token, in_quotes(token.word), " is not declared");
    (kind == &inputs_ ? out.inputs : out.outputs).emplace_back(index, 1.0F);
    return out;
  }
  if (token.word.size() > longest_number) {
    tokens_.fail(token, in_quotes(token.word), " has more than ", longest_number, " characters");
  }
  if (!read_decimal(token.word)) tokens_.fail(token, in_quotes(token.word), " is neither a variable nor a number");
  const std::optional<Enclosure> value = enclose(token.word);
  if (!value) tokens_.fail(token, in_quotes(token.word), " is beyond what a double holds");
  out.constant = {token.word, false, *value};
  return out;
}

Linear Expressions::product(const Linear& number, Linear variable, const Token& at) const {
  auto& terms = variable.inputs.empty() ? variable.outputs : variable.inputs;
  const bool one = variable.inputs.size() + variable.outputs.size() == 1 && variable.constant.is_zero();
  if (!number.is_number() || !one || std::abs(terms.front().second) != 1) {
    tokens_.fail(at, "* takes a number and a variable");
  }
  const auto [low, high] = number.constant.value;
  const float factor = std::abs(low) <= std::numeric_limits<float>::max() ? static_cast<float>(low) : 0;
  if (low != high || factor != low) {
    tokens_.fail(at, "the coefficient ", in_quotes(number.constant.word),
                 " is no float32; multiply the comparison by a number that makes it one");
  }
  terms.front().second *= factor;
  return variable;
}

void Expressions::add(Linear& sum, const Linear& other, const Token& at) const {
  sum.inputs.insert(sum.inputs.end(), other.inputs.begin(), other.inputs.end());
  sum.outputs.insert(sum.outputs.end(), other.outputs.begin(), other.outputs.end());
  if (other.constant.is_zero()) return;
  if (!sum.constant.is_zero()) tokens_.fail(at, "two numbers in one comparison; write what they come to");
  sum.constant = other.constant;
}

}  // namespace hans::apps::vnnlib
