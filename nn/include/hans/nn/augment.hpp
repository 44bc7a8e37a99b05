// Random changes of training images (data augmentation).
#pragma once

#include <cstdint>
#include <string_view>

#include <hans/core/fields.hpp>
#include <hans/core/rng.hpp>
#include <hans/data/dataset.hpp>

namespace hans::nn {

/// Changes an image at random each time training uses it. With `flip`, mirrors it left to right with probability 1/2.
/// Then moves it down and to the right by whole pixels, each uniform in -shift .. shift; uncovered pixels become 0
/// (black). The random numbers are keyed by the sample's position in the data set and the step.
struct Augment {
  unsigned shift = 0;
  bool flip = false;

  static constexpr std::string_view name = "augment";
  static constexpr auto fields() {
    return std::tuple(field("shift", &Augment::shift, "pixels by which an image moves each way at most"),
                      field("flip", &Augment::flip, "mirror half of the images"));
  }

  /// Throws UsageError for anything other than augment:KEY=VALUE,...
  static Augment from_spec(const Spec& spec);
  Spec spec() const { return to_spec(*this); }

  /// Changes the images of a batch for step `step` of the run that `rng` belongs to. Throws UsageError unless `shift`
  /// is less than the images' height and width.
  void apply(data::Samples& batch, Rng rng, std::uint32_t step) const;
};

}  // namespace hans::nn
