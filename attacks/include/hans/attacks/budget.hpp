// How far an attack may go.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include <hans/core/shape.hpp>
#include <hans/data/dataset.hpp>

namespace hans::attacks {

/// How far an image is from another: largest change, Euclidean length, sum of changes, number of features that changed.
enum class Norm { linf, l2, l1, l0 };
constexpr std::array<std::string_view, 4> enum_names(Norm) { return {"linf", "l2", "l1", "l0"}; }

/// How far an attack may go, fully resolved: ball around the original and range of the features.
struct Budget {
  Norm norm = Norm::linf;
  double size = 0;               ///< eps, or the number of features for l0; infinity: no limit
  data::Box box;                 ///< infinite ends: none
  bool prediction_only = false;  ///< judged by the prediction alone (the @cleverhans-1.0.0 attacks)

  friend bool operator==(const Budget&, const Budget&) = default;
};

/// How far two images of so many features in the box can be from each other.
double diameter(Norm norm, data::Box box, std::size_t features);

/// The range of an attack's settings, or the data's for an end that was left open. Throws UsageError for an empty
/// range.
data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box);

/// The budget of a ball of *eps, or without limit. Throws UsageError if eps exceeds what features in the box can change
/// by in this norm: then it was meant in other units.
Budget budget_of(std::string_view attack, const float* eps, Norm norm, const Shape& image, data::Box box);

}  // namespace hans::attacks
