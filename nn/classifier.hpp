// What an attack needs to know of a model.
#pragma once

#include <cstddef>

#include <hans/autodiff/tape.hpp>
#include <hans/core/shape.hpp>

namespace hans::nn {

/// Maps images to logits, always in evaluation: the same images give the same bits, and nothing about the model
/// changes.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const Shape& input() const = 0;  ///< height x width x channels of one image
  virtual std::size_t classes() const = 0;

  /// Logits, samples x classes, of images, samples x height x width x channels. Throws Error for other shapes.
  virtual Var logits(const Var& images) const = 0;

  /// Whether a gradient of the logits reaches the images. If not, as behind a rounding or where the output is a class
  /// instead of logits, attacks that follow gradients refuse the model.
  virtual bool differentiable() const { return true; }

  /// How many images should go through it together on one thread, while other threads take other images: so many that
  /// what it computes of them stays in that thread's cache. logits() is then called by several threads at the same
  /// time, each with a tape of its own. 0: all threads share the work on the same images, one call at a time. Changes
  /// no bits.
  virtual std::size_t piece() const { return 0; }
};

}  // namespace hans::nn
