// The figures of manifests.
#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/apps/publication.hpp>

namespace hans::apps {
namespace {

using attacks::AttackResult;
using attacks::Evaluation;
using attacks::Norm;

constexpr std::size_t points = 41;  // of a curve that is computed anywhere
constexpr std::size_t most_curves = 8;

double share(std::size_t part, std::size_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

void add(Curve& curve, double x, std::size_t part, std::size_t whole) {
  const attacks::Interval interval = attacks::wilson(part, whole);
  curve.x.push_back(x);
  curve.y.push_back(share(part, whole));
  curve.low.push_back(interval.low);
  curve.high.push_back(interval.high);
}

/// The distance of the nearest image that misled the model, for each sample that was right; infinity where none did.
std::vector<double> nearest(const Evaluation& found, Norm norm) {
  constexpr double never = std::numeric_limits<double>::infinity();
  std::vector<double> all(found.samples.size(), never);
  for (const AttackResult& result : found.attacks) {
    for (const attacks::Attempt& attempt : result.attempts) {
      if (!attempt.finding.evades) continue;
      all[attempt.sample] = std::min(all[attempt.sample], attempt.finding.distance.of(norm));
    }
  }
  std::vector<double> right;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (found.predictions[i] == found.samples.labels[i]) right.push_back(all[i]);
  }
  return right;
}

std::vector<double> successes(const AttackResult& result, Norm norm) {
  std::vector<double> all;
  for (const attacks::Attempt& attempt : result.attempts) {
    all.push_back(attempt.finding.success ? attempt.finding.distance.of(norm)
                                          : std::numeric_limits<double>::infinity());
  }
  return all;
}

double largest(std::span<const double> distances) {
  double most = 0;
  for (const double distance : distances) {
    if (std::isfinite(distance)) most = std::max(most, distance);
  }
  return most;
}

/// The share of `distances` beyond each of the points from 0 to `end`.
Curve beyond(const std::string& name, std::span<const double> distances, double end) {
  Curve curve{name, {}, {}, {}};
  for (std::size_t k = 0; k < points; ++k) {
    const double x = end * static_cast<double>(k) / static_cast<double>(points - 1);
    const auto left = std::ranges::count_if(distances, [x](double d) { return d > x; });
    curve.x.push_back(x);
    curve.y.push_back(share(static_cast<std::size_t>(left), distances.size()));
  }
  return curve;
}

/// The accuracy that the probes found at 0, half, whole and double eps.
Curve probed_curve(const std::string& name, const Evaluation& found) {
  const double eps = found.attacks.front().budget.size;
  const std::size_t n = found.probes.size();
  const auto standing = [&](auto fooled) {
    return n - static_cast<std::size_t>(std::ranges::count_if(found.probes, fooled));
  };
  Curve curve{name, {}, {}, {}};
  add(curve, 0, n, n);
  add(curve, eps / 2, standing([](const attacks::Probe& p) { return p.half_eps; }), n);
  add(curve, eps, standing([](const attacks::Probe& p) { return p.iterative || p.other_loss; }), n);
  add(curve, 2 * eps, standing([](const attacks::Probe& p) { return p.double_eps; }), n);
  return curve;
}

std::string_view unit_of(Norm norm) {
  switch (norm) {
    case Norm::linf:
      return "linf: largest change of a feature";
    case Norm::l2:
      return "l2: length of the change";
    case Norm::l1:
      return "l1: sum of the changes";
    case Norm::l0:
      break;
  }
  return "l0: features changed";
}

/// From 0 to where the last curve ends; without curves the chart is to be left out.
Chart with_range(Chart chart) {
  double end = 0;
  for (const Curve& curve : chart.curves) end = std::max(end, curve.x.back());
  if (end > 0) chart.x = {0, end};
  if (!(end > 0)) chart.curves.clear();
  if (chart.curves.size() > most_curves) chart.curves.resize(most_curves);
  return chart;
}

}  // namespace

std::vector<std::string> short_names(std::span<const Publication> all) {
  std::vector<std::string> names;
  for (const Publication& one : all) {
    const auto same = std::ranges::count_if(all, [&](const Publication& other) {
      return other.benchmark().subject.model == one.benchmark().subject.model;
    });
    const std::string& model = one.benchmark().subject.model;
    names.push_back(same > 1 ? text(model, " (", one.file, ")") : model);
  }
  return names;
}

Chart eps_chart(std::span<const Publication> all) {
  Chart chart{"Accuracy against eps", "eps", "read correctly, of those that were", {}, {}};
  const std::vector<std::string> names = short_names(all);
  const Norm norm = all.front().benchmark().found.attacks.front().budget.norm;
  chart.x_label = text("eps in ", enum_name(norm));
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Evaluation& found = all[k].benchmark().found;
    const attacks::Budget& budget = found.attacks.front().budget;
    if (budget.norm != norm) continue;
    if (std::isinf(budget.size)) {
      const std::vector<double> distances = nearest(found, norm);
      if (largest(distances) > 0) chart.curves.push_back(beyond(names[k], distances, largest(distances) * 1.05));
    } else if (all[k].reliability.ball) {
      chart.curves.push_back(probed_curve(names[k], found));
    }
  }
  return with_range(std::move(chart));
}

Chart cost_chart(std::span<const Publication> all) {
  Chart chart{"Accuracy against cost", "forward passes and gradients for each image", "read correctly", {}, {}};
  const std::vector<std::string> names = short_names(all);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Evaluation& found = all[k].benchmark().found;
    Curve curve{names[k], {}, {}, {}};
    add(curve, 0, found.right, found.samples.size());
    std::vector<bool> robust(found.samples.size());
    for (std::size_t i = 0; i < robust.size(); ++i) robust[i] = found.predictions[i] == found.samples.labels[i];
    std::uint64_t cost = 0;
    for (const AttackResult& result : found.attacks) {
      cost += result.forwards + result.gradients;
      for (std::size_t i = 0; i < robust.size(); ++i) robust[i] = robust[i] && result.robust[i];
      const double each = static_cast<double>(cost) / static_cast<double>(robust.size());
      if (!(each > curve.x.back())) continue;
      add(curve, each, static_cast<std::size_t>(std::ranges::count(robust, true)), robust.size());
    }
    if (curve.x.size() > 1) chart.curves.push_back(std::move(curve));
  }
  return with_range(std::move(chart));
}

Chart distance_chart(std::span<const Publication> all, Norm norm) {
  Chart chart{text("Distances in ", enum_name(norm)), std::string(unit_of(norm)), "not misled within it", {}, {}};
  std::vector<std::pair<std::string, std::vector<double>>> rows;
  if (all.size() == 1) {
    for (const AttackResult& result : all.front().benchmark().found.attacks) {
      rows.emplace_back(result.attack.info().name, successes(result, norm));
    }
  } else {
    const std::vector<std::string> names = short_names(all);
    for (std::size_t k = 0; k < all.size(); ++k) rows.emplace_back(names[k], nearest(all[k].benchmark().found, norm));
  }
  double end = 0;
  for (const auto& [name, distances] : rows) end = std::max(end, largest(distances) * 1.05);
  for (const auto& [name, distances] : rows) {
    if (end > 0 && !distances.empty()) chart.curves.push_back(beyond(name, distances, end));
  }
  return with_range(std::move(chart));
}

std::vector<Chart> charts(std::span<const Publication> all) {
  std::vector<Chart> made{eps_chart(all), cost_chart(all)};
  for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1, Norm::l0}) made.push_back(distance_chart(all, norm));
  std::erase_if(made, [](const Chart& chart) { return chart.curves.empty(); });
  return made;
}

}  // namespace hans::apps
