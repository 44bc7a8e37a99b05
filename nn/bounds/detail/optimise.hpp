// Optimised linear bounds: slopes below unstable kinks, and multipliers of splits.
#pragma once

#include <compare>
#include <limits>
#include <optional>

#include "rows.hpp"

namespace hans::nn::bounds {

/// A kink of the network.
struct KinkAt {
  std::uint32_t op = 0, unit = 0;
  friend auto operator<=>(const KinkAt&, const KinkAt&) = default;
};

/// The convex kinks of a sample whose input may have either sign, in order of op and unit.
std::vector<KinkAt> unstable_kinks(const Graph& graph, const Known& known, std::size_t sample);

/// How many of them are behind others, so that their bounds depend on slopes.
std::size_t units_behind_kinks(const Graph& graph, std::span<const KinkAt> kinks);

/// sign * z for a unit z of a value.
struct Unit {
  std::size_t value = 0, unit = 0;
  real sign = 1;
};

/// A linear form of the logits, or a unit, on the set of images of a sample, perhaps under splits, and the best bound
/// found.
struct Form {
  std::uint32_t sample = 0;
  std::vector<real> form;  ///< per logit
  double constant = 0;     ///< is added to the form
  std::vector<std::uint8_t> slopes =
      {};  ///< per unstable kink, in 1/255 of the way from `left` to `right`; empty: adaptive
  std::vector<Split> splits = {};
  double bound = -std::numeric_limits<double>::infinity();    ///< in real arithmetic
  double float32 = -std::numeric_limits<double>::infinity();  ///< for every float32 program; never larger
  double cost = 0;  ///< what the lines above unstable kinks take from the bound: splits win at most about that
  std::optional<KinkAt> branch = {};  ///< the kink to split next; none if all are split
  Tensor point = {};                  ///< the image where the bound is attained
  std::optional<Unit> unit = {};      ///< is bounded, not `form`

  bool done() const { return float32 > 0; }
};

/// The logits' difference z_label - z_other.
std::vector<real> margin_form(std::size_t classes, std::size_t label, std::size_t other);

/// The forms as rows. Either all are of logits, or all of units of one value, with one sign.
Rows rows_of(const Graph& graph, std::span<const Form* const> forms);
Rows rows_of(const Graph& graph, std::span<const Form> forms);

/// `steps` steps of projected Adam that start with this rate; with 0 steps bounds are only computed.
struct Climb {
  unsigned steps = 0;
  real rate = 0;
  bool until_done = true;  ///< leave out forms that are done
};
/// A bound that stays as it is gets furthest in 20 steps by the first; branching that goes on from its slopes leaves
/// fewer images unknown after the second (measured: lirpa_mnist_a_adv at 0.3, rsl18a at 0.1, locuslab at 0.1).
inline constexpr real rate_of_an_end = real{0.25F}, rate_of_a_start = real{0.1F};

/// Raises the bounds of forms by optimising their slopes and multipliers (alpha-CROWN, Xu 2021; beta-CROWN, Wang 2021).
/// Keeps the best of each. The result of a form does not depend on the others. `kinks`: unstable_kinks() of each
/// sample, of those that the forms see.
void improve(const Graph& graph, const Known& known, std::span<const std::vector<KinkAt>> kinks,
             std::span<Form* const> forms, const Climb& climb, Tape& tape);

}  // namespace hans::nn::bounds
