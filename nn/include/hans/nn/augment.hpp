// Training images that are changed at random.
#pragma once

#include <cstdint>
#include <string_view>

#include <hans/core/fields.hpp>
#include <hans/core/rng.hpp>
#include <hans/data/dataset.hpp>

namespace hans::nn {

/// Each time an image is learnt from it is first mirrored left to right with probability 1/2, if `flip`, and then moved
/// by whole pixels, down and to the right by numbers that are uniform in -shift .. shift; what comes in is 0 (black).
/// The random numbers are keyed by the sample's place in the data set and the step.
struct Augment {
  unsigned shift = 0;
  bool flip = false;

  static constexpr std::string_view name = "augment";
  static constexpr auto fields() {
    return std::tuple(field("shift", &Augment::shift, "pixels by which an image moves each way at most"),
                      field("flip", &Augment::flip, "mirror half of the images"));
  }

  /// Throws UsageError for anything but augment:KEY=VALUE,...
  static Augment from_spec(const Spec& spec);
  Spec spec() const { return to_spec(*this); }

  /// Changes the images of a batch, for this step of a run with these random numbers. Throws UsageError if `shift` is
  /// not below their height and width.
  void apply(data::Samples& batch, Rng rng, std::uint32_t step) const;
};

}  // namespace hans::nn
