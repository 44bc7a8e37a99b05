// How far each image is certified, and from where on it is fooled.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hans/defenses/certify.hpp>
#include "figures.hpp"
#include "sentence.hpp"

namespace hans::apps {

/// Radii are multiples of 1/1024, which are exact as float32.
inline constexpr unsigned radii_per_unit = 1024;

/// The largest of them that images of this shape can differ by, up to 2^14.
float largest_radius(Norm norm, data::Box box, const Shape& image);

/// What is known of one image, in 1/1024.
struct Radius {
  std::uint32_t index = 0;
  int label = 0, prediction = 0;
  std::optional<std::uint32_t> certified = {};  ///< the largest radius known to be certified
  std::optional<std::uint32_t> attacked = {};   ///< the smallest radius known to hold an adversarial image

  bool right() const { return prediction == label; }
};

/// The radii of some images.
struct RadiiFound {
  std::vector<Radius> all;
  std::size_t late = 0;  ///< images with a verdict that a clock cut short
  double seconds = 0;

  attacks::Share right() const {
    return {static_cast<std::size_t>(std::ranges::count_if(all, &Radius::right)), all.size()};
  }
};

/// Certifies within `radius` as often as bisection asks, at most about 2 log2(1024 * diameter) times for each image,
/// until no certified radius and no radius without an adversarial image can be raised by a step. With a complete method
/// and enough nodes the two ends are one step apart. A wrong image has neither. `most`: the largest radius to try;
/// `asked` gives the options for a radius. `shown` gets the images done, by the share of the work.
RadiiFound find_radii(const nn::Sequential& net, const data::Samples& samples, float most,
                      const std::function<defenses::CertifyOptions(float radius)>& asked,
                      const std::function<void(std::size_t done)>& shown);

/// Adds what was found of more images.
void extend(RadiiFound& found, const RadiiFound& more);

/// One entry for each image.
Json radii_json(const RadiiFound& found);

/// The image of such an entry. Throws Error for a radius that is none.
Radius read_radius(const Json& entry);

/// How many right images have their radii in each interval: from k * width to (k + 1) * width, in 1/1024.
struct RadiusBins {
  struct Counts {
    std::size_t certified = 0, attacked = 0;
  };
  std::uint32_t width = 1;          ///< a power of 2
  std::vector<Counts> counts = {};  ///< at most 13; at least one
  Counts none = {};                 ///< images without such a radius
};
RadiusBins radius_bins(const RadiiFound& found);

/// "0.0625".
std::string radius_text(std::uint64_t steps);

/// How many images have their radius in each interval, and the medians of the right images.
std::string radii_text(const RadiiFound& found);

}  // namespace hans::apps
