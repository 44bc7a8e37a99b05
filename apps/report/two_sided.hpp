// A histogram of two quantities in the same intervals: one above the axis, one below it.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace hans::apps {

/// Counts above and below the axis.
using BothSides = std::array<std::size_t, 2>;

struct TwoSided {
  std::string title, x_label;
  std::array<std::string, 2> names;     ///< what is above, and what below
  std::vector<std::string> edges = {};  ///< of the bars: one more than there are bars
  std::vector<BothSides> bars = {};     ///< at least one
  BothSides none = {};                  ///< apart from the bars: what has no such quantity
};

/// The histogram as SVG, for a page and as a file of its own. Each count stands at its bar. Throws Error if edges and
/// bars do not fit.
std::string svg_two_sided(const TwoSided& histogram);
std::string svg_two_sided_file(const TwoSided& histogram);

}  // namespace hans::apps
