// Bounds of a network's logits over sets of images, sound for real arithmetic and for float32 programs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <hans/nn/ball.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

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
