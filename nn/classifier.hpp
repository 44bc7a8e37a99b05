// What an attack needs to know of a model.
#pragma once

#include <cstddef>

#include <hans/autodiff/tape.hpp>
#include <hans/core/shape.hpp>

namespace hans::nn {

/// Maps images to logits, always in evaluation: the same images give the same bits, and nothing about the model
/// changes. Several threads may use one at the same time, each with a tape of its own.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const Shape& input() const = 0;  ///< height x width x channels of one image
  virtual std::size_t classes() const = 0;

  /// Logits, samples x classes, of images, samples x height x width x channels. Throws Error for other shapes.
  virtual Var logits(const Var& images) const = 0;
};

}  // namespace hans::nn
