// Bounds of a network's logits over sets of images, sound for real arithmetic and for float32 programs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <hans/core/norm.hpp>
#include <hans/nn/sequential.hpp>

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
///   - crown: linear bounds back from every layer that needs them (Zhang 2018; DeepPoly, Singh 2019).
///   - alpha: the same, then slopes optimised for each margin (Xu 2021).
enum class BoundMethod { ibp, crown_ibp, crown, alpha };
constexpr std::array<std::string_view, 4> enum_names(BoundMethod) { return {"ibp", "crown_ibp", "crown", "alpha"}; }

struct BoundOptions {
  BoundMethod method = BoundMethod::crown;
  Slope slope = Slope::adaptive;
  unsigned steps = 20;  ///< of the optimisation (alpha)
};

/// Lower bounds of the margins z_label - z_j over a set of images.
struct MarginBounds {
  std::size_t classes = 0;
  /// samples x classes: no image of the set has a smaller margin in real arithmetic. NaN: nothing is known; at the
  /// label: infinity.
  std::vector<double> bound;
  /// samples x classes: how far the margin of a float32 evaluation may be from that in real arithmetic, for sums in any
  /// order, with or without FMA (Higham 2002, chapter 3).
  std::vector<double> rounding;

  /// Whether the label wins for every image of the set, in real arithmetic, and for every such float32 evaluation.
  bool real(std::size_t sample) const { return wins(sample, false); }
  bool float32(std::size_t sample) const { return wins(sample, true); }
  /// The smallest bound of a sample (NaN if one is), and the class it belongs to.
  std::size_t closest(std::size_t sample) const;

 private:
  bool wins(std::size_t sample, bool rounded) const;
};

/// Bounds the margins of images (samples x height x width x channels) with these labels over their balls. The bounds of
/// a sample do not depend on the others. Throws Error for a layer that bounds do not know, UsageError for l0, for a
/// negative eps or one that is not a number, and for labels that are no class.
MarginBounds bound_margins(const Sequential& net, const Tensor& images, std::span<const int> labels, const Ball& ball,
                           const BoundOptions& options = {});

}  // namespace hans::nn
