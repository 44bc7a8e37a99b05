// How far an attack may go.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <hans/core/norm.hpp>
#include <hans/core/shape.hpp>
#include <hans/data/dataset.hpp>

namespace hans::attacks {

using hans::Norm;

/// How far an attack may go: a ball around the original, and the range of the features.
struct Budget {
  Norm norm = Norm::linf;
  double size = 0;               ///< eps, or the number of features for l0; infinity: no limit
  data::Box box;                 ///< infinite ends: unbounded
  bool prediction_only = false;  ///< judged by the prediction alone (the @cleverhans-1.0.0 attacks)

  friend bool operator==(const Budget&, const Budget&) = default;
};

/// The largest distance between two images of `features` features in the box.
double diameter(Norm norm, data::Box box, std::size_t features);

/// The box from clip_min to clip_max; where one is left open, the end of `box`. Throws UsageError for an empty range.
data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box);

/// The ball of radius *eps in the box, of infinite radius if eps is null. Throws UsageError if eps is negative, or
/// larger than any change the box allows: then it was meant in other units.
Budget budget_of(std::string_view attack, const float* eps, Norm norm, const Shape& image, data::Box box);

}  // namespace hans::attacks
