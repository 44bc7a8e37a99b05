// Properties of networks, as VNN-LIB 1 files state them: a box of inputs, and what outputs must not fulfil there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/defenses/refute.hpp>

namespace hans::apps::vnnlib {

using Atom = defenses::OutputCondition;

/// A box of inputs, and the outputs that violate the property there. Decimals need not be doubles, so the box comes
/// twice: a larger one to prove something for, and one of float32 to search in.
struct Case {
  /// Contain every input of the exact box, and the float32 that it rounds to.
  std::vector<double> low, high;
  /// Each float32 from `first` to `last` lies in the exact box, except those of inputs in `between`.
  std::vector<float> first, last;
  /// Inputs with no float32 between their bounds, such as 0.1 <= X_3 <= 0.1, each with a decimal between its bounds:
  /// `first` and `last` are the float32 of that.
  std::map<std::size_t, std::string> between;
  /// The bounds contradict each other: no input at all, so nothing violates the property here. The boxes mean nothing.
  bool empty = false;
  /// Violated where the outputs fulfil every atom (numbers in Property::atoms) of one of these. An empty conjunction is
  /// fulfilled by all outputs.
  std::vector<std::vector<std::uint32_t>> violations;
};

/// "sat": in some case an input of the box has outputs that violate the property; "unsat": none has.
struct Property {
  std::size_t inputs = 0, outputs = 0;
  std::vector<Atom> atoms;
  std::vector<Case> cases;
};

/// The most bytes of a property: 256 MiB.
inline constexpr std::size_t largest_property = std::size_t{1} << 28;

/// Reads a property: declarations of inputs X_0, X_1, ... and outputs Y_0, Y_1, ... by declare-const or declare-fun,
/// and asserts of <= and >=, combined by and/or in any way. Inputs are compared with numbers; outputs also with each
/// other and within sums, differences and multiples by float32 numbers. Takes time and memory proportional to the text
/// and to the disjunctive normal form, which may have a million atoms more than the text. Throws Error with `where`,
/// the line and what is wrong with anything else.
Property read_property(std::string_view text, std::string_view where);

/// True if it is certain that `outputs` violate the property in `where`.
bool violates(const Property& property, const Case& where, std::span<const float> outputs);

}  // namespace hans::apps::vnnlib
