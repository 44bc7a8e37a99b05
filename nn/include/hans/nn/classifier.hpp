// The interface between attacks and models.
#pragma once

#include <cstddef>
#include <cstdint>

#include <hans/autodiff/tape.hpp>
#include <hans/core/shape.hpp>

namespace hans::nn {

/// Options of an attack's query.
struct Query {
  /// Selects the random numbers of a random model. They depend only on this and the image, so the same image and draw
  /// give the same bits in any batch.
  std::uint32_t draw = 0;
  /// Treat non-differentiable steps as the identity in the backward pass (BPDA, Athalye 2018).
  bool straight_through = false;
};

/// A model in evaluation mode: maps images to logits. Equal images give equal bits, and no call changes the model.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const Shape& input() const = 0;  ///< height x width x channels of one image
  virtual std::size_t classes() const = 0;

  /// The logits, samples x classes, of images, samples x height x width x channels. Throws Error for other shapes.
  virtual Var logits(const Var& images) const = 0;

  /// The logits with the options of an attack. Equal to logits(), except for the draw of a random model.
  virtual Var logits_for(const Var& images, const Query&) const { return logits(images); }

  /// Whether the logits depend on random numbers. If so, logits() uses draw 0, and verdicts are based on that.
  virtual bool random() const { return false; }

  /// Whether gradients of the logits reach the images. If not (e.g. rounding, or a model that outputs classes instead
  /// of logits), gradient attacks refuse the model.
  virtual bool differentiable() const { return true; }

  /// The batch size per thread for which activations stay in that thread's cache. Several threads then call logits() at
  /// once on different images, each with its own tape. 0 means one call at a time, with all threads sharing its work.
  /// Affects speed only, not the bits.
  virtual std::size_t piece() const { return 0; }
};

}  // namespace hans::nn
