// The figures of certificates.
#include <algorithm>

#include "certification.hpp"

namespace hans::apps {
namespace {

/// Certified and attacked accuracy over the same x, from shares of all images.
Chart both_ends(std::string title, Norm norm) {
  Chart chart{std::move(title), text("eps in ", enum_name(norm)), "share of all images"};
  chart.curves = {{"certified"}, {"attacked"}};
  chart.shaded = true;
  return chart;
}

void add_ends(Chart& chart, double x, attacks::Share certified, attacks::Share attacked) {
  chart.x.push_back(x);
  chart.curves[0].y.push_back(certified.value());
  chart.curves[1].y.push_back(attacked.value());
}

/// Without curves unless there are two x.
Chart or_nothing(Chart chart) {
  if (chart.x.size() < 2) chart.curves.clear();
  if (chart.curves.empty()) chart.shaded = false;
  for (Curve& curve : chart.curves) curve.x = chart.x;
  return chart;
}

}  // namespace

std::vector<std::uint32_t> distinct_radii(const RadiiFound& found) {
  std::vector<std::uint32_t> all;
  for (const Radius& one : found.all) {
    if (one.certified) all.push_back(*one.certified);
    if (one.attacked) all.push_back(*one.attacked);
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

EndsAt ends_at(const RadiiFound& found, std::uint32_t radius) {
  const auto count = [&](auto stands) {
    return attacks::Share(static_cast<std::size_t>(std::ranges::count_if(found.all, stands)), found.all.size());
  };
  return {count([&](const Radius& one) { return one.certified && *one.certified >= radius; }),
          count([&](const Radius& one) { return one.right() && (!one.attacked || *one.attacked > radius); })};
}

Chart ends_chart(const Certification& one) {
  Chart chart = both_ends("Certified and attacked accuracy against eps", one.norm);
  if (!one.balls.empty() && float{one.balls.front().counts.asked.eps} > 0) add_ends(chart, 0, one.right, one.right);
  std::size_t radii = 0;
  for (const auto& [file, ball] : one.balls) {
    const double eps = double{float{ball.asked.eps}};
    if (!chart.x.empty() && chart.x.back() == eps) continue;  // of equal radii the first
    add_ends(chart, eps, ball.certified(), ball.attacked());
    ++radii;
  }
  if (radii < 2) chart.x.clear();
  return or_nothing(std::move(chart));
}

Chart radii_chart(const Certification& one, const Certification::Radii& radii) {
  Chart chart = both_ends("Certified and attacked accuracy against eps, from all radii", one.norm);
  std::vector<std::uint32_t> steps{0};  // in front of each change, at it and behind it
  for (const std::uint32_t radius : distinct_radii(radii.part.found)) {
    for (const std::uint32_t step : {radius > 0 ? radius - 1 : 0, radius, radius + 1}) {
      if (step > steps.back()) steps.push_back(step);
    }
  }
  for (const std::uint32_t step : steps) {
    const EndsAt ends = ends_at(radii.part.found, step);
    add_ends(chart, static_cast<double>(step) / radii_per_unit, ends.certified, ends.attacked);
  }
  return or_nothing(std::move(chart));
}

TwoSided radii_histogram(const Certification& one, const Certification::Radii& radii) {
  const RadiusBins bins = radius_bins(radii.part.found);
  TwoSided histogram{"Radii of all right images",
                     text("radius in ", enum_name(one.norm)),
                     {"largest certified radius", "smallest attacked radius"}};
  const auto both = [](const RadiusBins::Counts& counts) { return BothSides{counts.certified, counts.attacked}; };
  for (const std::size_t k : places(bins.counts.size() + 1)) histogram.edges.push_back(radius_text(k * bins.width));
  for (const RadiusBins::Counts& counts : bins.counts) histogram.bars.push_back(both(counts));
  histogram.none = both(bins.none);
  return histogram;
}

}  // namespace hans::apps
