// What an attack needs to know of a model.
#pragma once

#include <cstddef>
#include <cstdint>

#include <hans/autodiff/tape.hpp>
#include <hans/core/shape.hpp>

namespace hans::nn {

/// How an attack asks a model.
struct Asking {
  /// Of a random model: which of its random numbers. They are a function of this and of the image, so the same image
  /// and draw give the same bits, alone and among others.
  std::uint32_t draw = 0;
  /// What lets no gradient through hands it on unchanged instead (BPDA, Athalye 2018).
  bool straight_through = false;
};

/// Maps images to logits, always in evaluation: the same images give the same bits, and nothing about the model
/// changes.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const Shape& input() const = 0;  ///< height x width x channels of one image
  virtual std::size_t classes() const = 0;

  /// Logits, samples x classes, of images, samples x height x width x channels. Throws Error for other shapes.
  virtual Var logits(const Var& images) const = 0;

  /// The logits as an attack asks for them: the same numbers, but for the draw of a random model.
  virtual Var asked(const Var& images, const Asking&) const { return logits(images); }

  /// Whether the logits depend on random numbers. logits() then is draw 0, by which such a model is judged.
  virtual bool random() const { return false; }

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
