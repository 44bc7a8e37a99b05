// Distances between images.
#pragma once

#include <array>
#include <string_view>

namespace hans {

/// The largest change, the Euclidean length, the sum of changes, the number of changed features.
enum class Norm { linf, l2, l1, l0 };
constexpr std::array<std::string_view, 4> enum_names(Norm) { return {"linf", "l2", "l1", "l0"}; }

}  // namespace hans
