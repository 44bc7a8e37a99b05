// What bounds speak of, and how they are computed.
#pragma once

#include <array>
#include <string_view>

#include <hans/core/norm.hpp>

namespace hans::nn {

/// The images within `eps` of one in the norm (linf, l2, l1) whose features lie between `low` and `high`.
struct Ball {
  Norm norm = Norm::linf;
  float eps = 0;
  float low = 0, high = 1;
};

/// The slope of the line below a ReLU whose input is between l < 0 and u > 0: 1 if u > -l, else 0; 0; 1; or u / (u -
/// l), that of the line above (Wong 2018, also called Fast-Lin; forward it is DeepZ).
enum class Slope { adaptive, zero, one, same };
constexpr std::array<std::string_view, 4> enum_names(Slope) { return {"adaptive", "zero", "one", "same"}; }

/// How bounds are computed:
///   - ibp: intervals from layer to layer (Gowal 2018). The last affine layer is taken together with the margin
///     (elided).
///   - crown_ibp: one pass of linear bounds from the logits back, over intervals (Zhang 2020).
///   - zonotope: affine forms pushed forward (DeepZ, Singh 2018), with all bounds cut by intervals. It is crown with
///     slopes `same`: a ReLU's output is between two parallel lines, which forward make one affine form with one more
///     error term, and back give the same numbers. Functions that are no kink keep the lines of crown.
///   - crown: linear bounds back from every layer that needs them (Zhang 2018; DeepPoly, Singh 2019).
///   - alpha: the same, then slopes optimised for each margin (Xu 2021).
///   - joint: alpha, then again over hidden layers whose bounds have slopes of their own, optimised for each unit and
///     side (alpha-CROWN with all slopes, Xu 2021). Never below alpha; takes tens of times as long.
enum class BoundMethod { ibp, crown_ibp, zonotope, crown, alpha, joint };
constexpr std::array<std::string_view, 6> enum_names(BoundMethod) {
  return {"ibp", "crown_ibp", "zonotope", "crown", "alpha", "joint"};
}

struct BoundOptions {
  BoundMethod method = BoundMethod::crown;
  Slope slope = Slope::adaptive;  ///< zonotope: always `same`
  unsigned steps = 20;            ///< of each optimisation (alpha, joint)
};

}  // namespace hans::nn
