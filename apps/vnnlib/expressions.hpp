// Declarations of variables, and linear expressions in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "decimal.hpp"
#include "tokens.hpp"

namespace hans::apps::vnnlib {

/// A number as a text writes it, or its negative. Refers to the text.
struct Literal {
  std::string_view word = "0";
  bool negated = false;
  Enclosure value{};

  Literal negative() const { return {word, !negated, {0 - value.high, 0 - value.low}}; }
  bool is_zero() const { return value.low == 0 && value.high == 0; }
  Decimal exact() const;
  /// The number as a decimal that needs no negation.
  std::string written() const;
};

/// The sum of coefficient times variable, plus a constant. A variable may occur more than once.
struct Linear {
  std::vector<std::pair<std::size_t, float>> inputs, outputs;
  Literal constant{};

  bool is_number() const { return inputs.empty() && outputs.empty(); }
  void negate();
};

/// The variables of a text, and expressions in them. Throws Error with the line of anything else.
class Expressions {
 public:
  explicit Expressions(Tokens& tokens) : tokens_(tokens) {}

  /// Takes the rest of a declaration: (declare-const X_0 Real), or, of functions, (declare-fun X_0 () Real).
  void declare(bool function);
  /// How many inputs and outputs are declared. Throws Error, without a line, if that is none or if numbers are missing.
  std::pair<std::size_t, std::size_t> counts(std::string_view where) const;

  /// Takes a number, a variable or +, - or * of such.
  Linear take();
  /// Adds `other`, found `at`. Two numbers are refused: their sum might be rounded.
  void add(Linear& sum, const Linear& other, const Token& at) const;

 private:
  struct Kind {
    char letter;
    std::string_view name;
    std::vector<bool> declared{};

    bool has(std::uint64_t index) const { return index < declared.size() && declared[index]; }
    std::size_t count(std::string_view where) const;
  };

  std::pair<Kind*, std::uint64_t> variable(std::string_view word);
  Linear single(const Token& token);
  Linear product(const Linear& number, Linear variable, const Token& at) const;

  Tokens& tokens_;
  Kind inputs_{'X', "input"}, outputs_{'Y', "output"};
};

}  // namespace hans::apps::vnnlib
