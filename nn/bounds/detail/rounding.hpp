// The rounding of float32 programs.
#pragma once

#include "rows.hpp"

namespace hans::nn::bounds {

/// How far a float32 evaluation may be from real arithmetic on any image of the sets. Sums may be taken in any order,
/// with or without FMA, in products of the stored weights; activations err by `curve_error` at most.
class FloatError {
 public:
  FloatError(const Graph& graph, const Known& known, Tape& tape);

  /// Of linear forms of the logits, which nobody computes: errors that logits share cancel.
  std::vector<double> of(const Rows& rows, Tape& tape) const;

 private:
  const Graph& graph_;
  Tensor logits_;                ///< samples x logits: the error of each
  std::vector<double> softmax_;  ///< per sample: what a softmax may take from a difference of logits before it is a tie
  /// If the last op is affine with one operand: the operand's error, and what the op adds.
  Tensor before_, own_;
};

}  // namespace hans::nn::bounds
