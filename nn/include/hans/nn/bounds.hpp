// Bounds of a network's logits over sets of images, sound for real arithmetic and for float32 programs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <hans/nn/ball.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// Lower bounds of the margins z_label - z_j over a set of images.
struct MarginBounds {
  std::size_t classes = 0;
  /// samples x classes: no image of the set has a smaller margin in real arithmetic. NaN: nothing is known; at the
  /// label: infinity.
  std::vector<double> bound;
  /// samples x classes: the same for the margin that any float32 program computes: one with the stored weights, sums in
  /// any order, with or without FMA (Higham 2002, chapter 3). Never larger.
  std::vector<double> float32_bound;

  /// Whether the label wins for every image of the set, in real arithmetic, and in every such program.
  bool real(std::size_t sample) const { return wins(bound, sample); }
  bool float32(std::size_t sample) const { return wins(float32_bound, sample); }
  /// The smallest bound of a sample (NaN if one is), and the class it belongs to.
  std::size_t closest(std::size_t sample) const;

 private:
  bool wins(const std::vector<double>& all, std::size_t sample) const;
};

/// Bounds the margins of images (samples x height x width x channels) with these labels over their balls. The bounds of
/// a sample do not depend on the others. Throws Error for a layer that bounds do not know, UsageError for l0, for a
/// negative eps or one that is not a number, and for labels that are no class.
MarginBounds bound_margins(const Sequential& net, const Tensor& images, std::span<const int> labels, const Ball& ball,
                           const BoundOptions& options = {});

}  // namespace hans::nn
