// Linear bounds of linear forms, computed from a value back to the images.
#pragma once

#include "known.hpp"

namespace hans::nn::bounds {

/// A kink whose input is held on one side: sign * z >= 0. `multiplier` >= 0 is the Lagrange multiplier of that (beta).
struct Split {
  std::uint32_t op = 0, unit = 0;
  real sign = 1;
  real multiplier = 0;
};

/// Linear forms of a value, each over the set of images of one sample.
struct Rows {
  std::size_t value = 0;
  std::vector<std::uint32_t> sample;
  /// rows x features of the value; or empty, and row i is `sign` at units[i], 0 elsewhere.
  Tensor forms = {};
  std::vector<std::size_t> units = {};
  real sign = 1;
  /// Per op: rows x features, the slopes of the lines below a convex kink; empty: those of Known.
  std::vector<Tensor> slopes = {};
  std::vector<std::vector<Split>> splits = {};  ///< per row; empty: none

  std::size_t size() const { return sample.size(); }
};

/// The result of a pass.
struct Lower {
  std::vector<double> bound;    ///< of each form on its set, in real arithmetic (under its splits)
  std::vector<double> float32;  ///< the same for every float32 program (see Known)
  Tensor at_images;             ///< rows x image: the coefficients of the images
  std::vector<Tensor> nu;       ///< per op that is not affine: the coefficients of its output, if they were kept
};

/// Bounds the forms from below (CROWN, Zhang 2018): each function is replaced by the line that bounds it, the lower one
/// where its coefficient is positive, else the upper one. Goes back to value `stop` (0: the images), whose bounds in
/// `known` then decide. Rounding errors are bounded a priori and subtracted: each coefficient by the roundings that it
/// may hold times the magnitudes that it multiplies. Needs known.lines and masses of all ops on the way.
Lower lower_bounds(const Graph& graph, const Known& known, const Rows& rows, bool keep, std::size_t stop, Tape& tape);

/// The images of the sets where the bounds are attained: rows x image. For linf only.
Tensor minimisers(const Known& known, const Rows& rows, const Lower& lower);

/// The value of each op's operand when `points` pass the lines that a pass used (of affine ops: nothing): what moves
/// the bound, if a slope changes.
std::vector<Tensor> replay(const Graph& graph, const Known& known, const Rows& rows, const Lower& lower,
                           const Tensor& points, Tape& tape);

}  // namespace hans::nn::bounds
