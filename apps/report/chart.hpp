// A chart for a page.
#pragma once

#include <string>
#include <vector>

namespace hans::apps {

/// A line of a chart: shares of one at each x, perhaps with the ends of an interval.
struct Curve {
  std::string name;
  std::vector<double> y = {}, low = {}, high = {};  ///< low and high empty: no interval
  std::vector<double> x = {};                       ///< empty: the chart's
};

inline constexpr std::size_t most_curves = 8;

/// Shares against a quantity.
struct Chart {
  std::string title, x_label, y_label;
  std::vector<double> x = {};      ///< rising, at least two: from where to where, and those of curves without their own
  std::vector<Curve> curves = {};  ///< at most most_curves
  bool shaded = false;             ///< the area between the first two curves
};

/// The chart as SVG: lines, up to 12 values with markers, some of more, their intervals as bands, a legend, and the
/// same in words for programs that read it aloud. Throws Error if a curve has not as many values as x, or one is not
/// finite.
std::string svg_chart(const Chart& chart);

/// The same as a file of its own, with its colours.
std::string svg_file(const Chart& chart);

}  // namespace hans::apps
