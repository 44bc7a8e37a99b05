// Lines that enclose a function of one number.
#include "detail/curves.hpp"

#include <algorithm>

namespace hans::nn::bounds {
namespace {

constexpr std::size_t cells = 64;

struct Point {
  double x, y;
};

/// The slope of the lower hull of the points over `middle`.
double slope_below(std::span<const Point> points, double middle) {
  std::vector<Point> hull;
  for (const Point& next : points) {
    while (hull.size() > 1) {
      const Point &a = hull[hull.size() - 2], &b = hull.back();
      if ((b.y - a.y) * (next.x - a.x) < (next.y - a.y) * (b.x - a.x)) break;
      hull.pop_back();
    }
    hull.push_back(next);
  }
  for (std::size_t k = 1; k < hull.size(); ++k) {
    if (hull[k].x >= middle) return (hull[k].y - hull[k - 1].y) / (hull[k].x - hull[k - 1].x);
  }
  return 0;
}

/// The line of that slope below all points; `slack` lower.
Line line_below(std::span<const Point> points, double middle, double slack) {
  const real slope = static_cast<real>(slope_below(points, middle));
  double add = std::numeric_limits<double>::infinity(), size = 0;
  for (const Point& point : points) {
    const double product = double{slope} * point.x;
    add = std::min(add, point.y - product);
    size = std::max(size, std::abs(product) + std::abs(point.y));
  }
  return {slope, below(add - slack - size * 0x1p-48)};
}

}  // namespace

Enclosure enclosure_of(const Curve& curve, real low, real high) {
  std::vector<real> grid;
  for (std::size_t k = 0; k <= cells; ++k) {
    const double share = static_cast<double>(k) / cells;
    grid.push_back(static_cast<real>(double{low} * (1 - share) + double{high} * share));
  }
  for (const double place : curve.breaks) grid.push_back(static_cast<real>(place));
  std::erase_if(grid, [&](real x) { return !(x >= low && x <= high); });
  grid.push_back(low);
  grid.push_back(high);
  std::ranges::sort(grid);
  grid.erase(std::unique(grid.begin(), grid.end()), grid.end());
  std::vector<real> values(grid.size());
  curve.evaluate(grid, values);

  std::vector<Point> points, turned;
  double largest = 0;
  for (std::size_t k = 0; k < grid.size(); ++k) {
    points.push_back({double{grid[k]}, double{values[k]}});
    turned.push_back({double{grid[k]}, -double{values[k]}});
    largest = std::max(largest, std::abs(points[k].y));
  }
  const double slack = curve.departure(grid) + curve.error(low, high, largest);
  const double middle = (double{low} + double{high}) / 2;
  Enclosure all;
  all.lower = line_below(points, middle, slack);
  const Line line = line_below(turned, middle, slack);
  all.upper = {-line.slope, -line.add};
  const auto lower = [](const Point& a, const Point& b) { return a.y < b.y; };
  all.low = below(std::ranges::min_element(points, lower)->y - slack);
  all.high = above(std::ranges::max_element(points, lower)->y + slack);
  return all;
}

}  // namespace hans::nn::bounds
