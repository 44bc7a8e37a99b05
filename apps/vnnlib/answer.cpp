// Answers to properties, as VNN-COMP wants them.
#include "answer.hpp"

#include <cmath>

#include <hans/core/error.hpp>
#include "decimal.hpp"

namespace hans::apps::vnnlib {

std::string counterexample_text(const Case& where, std::span<const float> inputs, std::span<const float> outputs) {
  check(inputs.size() == where.first.size(), "a counterexample of ", inputs.size(), " inputs to a property of ",
        where.first.size());
  std::string out = "(";
  const auto add = [&out](char letter, std::size_t index, std::string_view number) {
    append(out, text(out.size() == 1 ? "" : "\n ", '(', letter, '_', index, ' ', number, ')'));
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check(inputs[i] >= where.first[i] && inputs[i] <= where.last[i], "the counterexample's X_", i, " = ", inputs[i],
          " is outside ", where.first[i], " to ", where.last[i]);
    const auto between = where.between.find(i);
    add('X', i, between == where.between.end() ? exact_text(double{inputs[i]}) : between->second);
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    check(std::isfinite(outputs[i]), "the counterexample's Y_", i, " = ", outputs[i], " is no number to print");
    add('Y', i, exact_text(double{outputs[i]}));
  }
  return out + ")";
}

std::string result_text(Answer answer, std::string_view counterexample) {
  check((answer == Answer::sat) != counterexample.empty(), "a counterexample belongs to sat, and only to it");
  return text(enum_names(answer)[static_cast<std::size_t>(answer)], '\n', counterexample,
              counterexample.empty() ? "" : "\n");
}

}  // namespace hans::apps::vnnlib
