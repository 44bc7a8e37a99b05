// The exact truth about tiny networks of linear layers and relu, in rational arithmetic: what bounds and verdicts are
// tested against.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <hans/nn/sequential.hpp>

#include "rational_testing.hpp"

namespace exact_testing {

struct Minimum {
  Rational value;
  std::vector<Rational> at;  ///< a point of the box with this value
};

/// The exact minimum of sum_j form[j] * logit[j] over the box, and where it is. The network: flatten, linear and relu
/// layers in order, at most 8 inputs. Throws Error for others, an empty box, or numbers that need more than 126 bits;
/// multiples of 1/16 in [-2, 2] in three layers of 8 units do not. Cost: milliseconds for 4-8-8-3.
Minimum minimise(const hans::nn::Sequential& net, std::span<const float> low, std::span<const float> high,
                 std::span<const float> form);

inline Rational exact_minimum(const hans::nn::Sequential& net, std::span<const float> low, std::span<const float> high,
                              std::span<const float> form) {
  return minimise(net, low, high, form).value;
}

/// The exact minimum of logit[label] - logit[j] over the box, for the worst j.
Rational worst_margin(const hans::nn::Sequential& net, std::span<const float> low, std::span<const float> high,
                      std::size_t label);

/// The exact logits at a point.
std::vector<Rational> exact_logits(const hans::nn::Sequential& net, std::span<const Rational> point);

/// A question to a verifier, and its answer.
struct Case {
  std::string kind;          ///< what was planted; one of case_kinds
  hans::nn::Sequential net;  ///< from 2-4-2 to 4-8-8-3 units, input 1 x n x 1; weights: multiples of 1/8 in [-2, 2]
  std::vector<float> image;  ///< multiples of 1/16 in [0, 1]
  float eps;
  std::vector<float> low, high;  ///< the ball of eps around the image, cut with [0, 1]
  std::size_t label;
  Rational worst;  ///< the exact worst margin; often near 0

  bool certified() const { return worst > 0; }
};

/// Half of all cases are certified, in each kind. The kind follows from seed modulo the number of kinds:
inline constexpr std::string_view case_kinds[] = {
    "plain",      //
    "tie",        ///< worst margin exactly 0, or 1/64
    "dead",       ///< units that are never active
    "zero unit",  ///< units with l = u = 0
    "touching",   ///< units whose exact bound in the box is l = 0 or u = 0
    "twins",      ///< two classes with the same weights: the label and another, or two others
    "zeros",      ///< three quarters of the weights are 0
    "point",      ///< eps 0
    "dense",      ///< 4-8-8-3 and the largest eps: most units are unstable
};
Case random_case(std::uint64_t seed);

}  // namespace exact_testing
