// Answers to properties, as VNN-COMP wants them.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "property.hpp"

namespace hans::apps::vnnlib {

/// sat: a counterexample was found; unsat: there is none; timeout: the time was up before either was known.
enum class Answer { unsat, sat, unknown, timeout };
constexpr std::array<std::string_view, 4> enum_names(Answer) { return {"unsat", "sat", "unknown", "timeout"}; }

/// The assignment ((X_0 0.25) ... (Y_0 -1.5) ...), one variable a line. Each number is the exact decimal of the
/// float32, so it lies in the exact box; where the box has no float32, it is a decimal in the box that rounds to the
/// float32. Throws Error if an input is outside the box of `where`, or a number is not finite.
std::string counterexample_text(const Case& where, std::span<const float> inputs, std::span<const float> outputs);

/// The content of a result file: the answer, and after "sat" the `counterexample`.
std::string result_text(Answer answer, std::string_view counterexample = {});

}  // namespace hans::apps::vnnlib
