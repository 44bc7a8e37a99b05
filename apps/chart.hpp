// A chart for a page.
#pragma once

#include <string>
#include <vector>

namespace hans::apps {

/// A line of a chart: shares of one at each x, with the ends of an interval.
struct Curve {
  std::string name;
  std::vector<double> y, low, high;
};

/// Shares against a quantity.
struct Chart {
  std::string title, x_label, y_label;
  std::vector<double> x;      ///< rising, at least two
  std::vector<Curve> curves;  ///< at most two
};

/// The chart as SVG: lines with markers, their intervals as bands, and a legend. Throws Error if a curve has not as
/// many values as there are x, or one is not finite.
std::string svg_chart(const Chart& chart);

}  // namespace hans::apps
