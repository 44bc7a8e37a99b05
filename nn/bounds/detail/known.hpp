// What is known of a network's values on sets of images: bounds, lines, and how far floats may be off.
#pragma once

#include <limits>

#include <hans/nn/ball.hpp>
#include "graph.hpp"

namespace hans::nn::bounds {

/// n roundings of relative size `unit` in any order, as one factor (Higham 2002): n u / (1 - n u); infinite from n u =
/// 1 on.
constexpr double gamma(std::size_t n, double unit) {
  const double all = static_cast<double>(n) * unit;
  return all < 1 ? all / (1 - all) : std::numeric_limits<double>::infinity();
}
inline constexpr double unit_of_kernels = std::numeric_limits<real>::epsilon() / 2.0;
inline constexpr double unit_of_float = 0x1p-24;
inline constexpr double smallest_float = 0x1p-149;
/// Is added to masses: a share of it is more than underflow takes.
inline constexpr double least_mass = 0x1p-100;

/// The lines that enclose a function of one number, each array samples x features: lower_slope * z + lower_add <= f(z)
/// <= upper_slope * z + upper_add.
struct Lines {
  Tensor lower_slope, lower_add, upper_slope, upper_add;
};

/// For a maximum: the candidate that is its lower bound, and whether no other can be larger. samples x features.
struct Chosen {
  std::vector<std::uint32_t> candidate;
  std::vector<std::uint8_t> alone;
};

/// Facts about `count` sets of images. All bounds hold for real arithmetic and for every float32 program: one that
/// evaluates each op with at most so many roundings, sums in any order, with or without FMA. What it computes is what
/// the op makes of its operands, plus an error of at most `share` * mass (affine ops) or `own` (others).
struct Known {
  std::size_t count = 0;
  Ball ball;                                   ///< of other norms than linf: also within it
  Tensor centres;                              ///< of those
  std::vector<Tensor> low, high, reach;        ///< per value: bounds, and the larger of their magnitudes
  std::vector<Tensor> mass;                    ///< per affine op that rounds or has an offset: |W| reach + |b|
  std::vector<std::vector<double>> share;      ///< per such op and sample
  std::vector<Tensor> own;                     ///< per other op, samples x features; nothing: exact
  std::vector<std::vector<double>> underflow;  ///< per op and sample: what products below the smallest number lose
  std::vector<Lines> lines;                    ///< per op
  std::vector<Chosen> chosen;                  ///< per op
  std::vector<bool> finite;                    ///< per sample: every bound is a number

  std::span<const real> of(const std::vector<Tensor>& all, std::size_t value, std::size_t sample) const {
    const std::size_t size = all[value].size() / count;
    return all[value].values().subspan(sample * size, size);
  }
};

/// Those of `all` values that an op reads.
std::vector<Tensor> operands_of(const Op& op, const std::vector<Tensor>& all);

/// Sets of images between `low` and `high` (each samples x image), none of them empty or infinite.
Known begin_with_boxes(const Graph& graph, Tensor low, Tensor high);

/// The set of images of each sample: the ball cut with the box.
Known begin_with_images(const Graph& graph, const Tensor& images, const Ball& ball);

/// Sets known.reach[value] from its bounds.
void set_reach(Known& known, std::size_t value);

/// Once the operands' bounds are final: masses, errors, and the lines of a function.
void relax(const Graph& graph, std::size_t k, Slope slope, Known& known, Tape& tape);

/// Then bounds the output of op k by intervals.
void bound_by_intervals(const Graph& graph, std::size_t k, Known& known, Tape& tape);

}  // namespace hans::nn::bounds
