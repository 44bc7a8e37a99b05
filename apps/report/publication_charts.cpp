// The figures of manifests.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "publication.hpp"

namespace hans::apps {
namespace {

using attacks::AttackResult;
using attacks::Evaluation;
using attacks::Norm;

constexpr std::size_t points = 41;  // of a curve that is computed anywhere
constexpr double never = std::numeric_limits<double>::infinity();

/// The distance of the nearest image that misled the model, for each sample that was right; infinity where none did.
std::vector<double> nearest(const Evaluation& found, Norm norm) {
  std::vector<double> all(found.size(), never);
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
    all.push_back(attempt.finding.success ? attempt.finding.distance.of(norm) : never);
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
  Curve curve{name};
  for (std::size_t k = 0; k < points; ++k) {
    const double x = end * static_cast<double>(k) / static_cast<double>(points - 1);
    const auto left = std::ranges::count_if(distances, [x](double d) { return d > x; });
    curve.x.push_back(x);
    curve.y.push_back(attacks::Share(static_cast<std::size_t>(left), distances.size()).value());
  }
  return curve;
}

/// Of each Norm.
constexpr std::array<std::string_view, 4> units{"linf: largest change of a feature", "l2: length of the change",
                                                "l1: sum of the changes", "l0: features changed"};

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

void add_point(Curve& curve, double x, attacks::Share share) {
  const attacks::Interval interval = share.interval();
  curve.x.push_back(x);
  curve.y.push_back(share.value());
  curve.low.push_back(interval.low);
  curve.high.push_back(interval.high);
}

Curve probed_curve(const std::string& name, const attacks::ProbedBall& ball) {
  const double eps = ball.ball.size;
  const std::size_t n = ball.probes.size();
  const auto standing = [&](auto fooled) {
    const auto fallen = static_cast<std::size_t>(std::ranges::count_if(ball.probes, fooled));
    return attacks::Share(n - fallen, n);
  };
  using attacks::BallProbe;
  Curve curve{name};
  add_point(curve, 0, {n, n});
  add_point(curve, eps / 2, standing([](const BallProbe& p) { return p.half_eps; }));
  add_point(curve, eps, standing([](const BallProbe& p) { return p.iterative || p.other_loss; }));
  add_point(curve, 2 * eps, standing([](const BallProbe& p) { return p.double_eps; }));
  return curve;
}

std::vector<std::string> short_names(std::span<const Publication> all) {
  std::vector<std::string> names;
  for (const Publication& one : all) {
    const std::string& model = one.run().plan.subject.model;
    const auto same =
        std::ranges::count(all, model, [](const Publication& other) { return other.run().plan.subject.model; });
    names.push_back(same > 1 ? text(model, " (", one.file, ")") : model);
  }
  return names;
}

/// What is measured in a ball, apart from its radius: equal for the manifests of one `--at`. Empty: the nearest image.
std::string question_but_eps(const Publication& one) {
  const Plan& plan = one.run().plan;
  std::string question = text(plan.subject.model_sha256, plan.subject.data_sha256, plan.slice.whole);
  for (const attacks::Attack& attack : plan.attacks) {
    Spec spec = attack.pinned();
    std::erase_if(spec.items, [](const Spec::Item& item) { return item.key == "eps" || item.key == "alpha"; });
    append(question, text(" ", spec, targets_text(plan.targets, attack)));
  }
  return std::isfinite(one.run().found.attacks.front().budget.size) ? question : "";
}

double ball_of(const Run* run) { return run->found.attacks.front().budget.size; }

/// The runs that measure the same as this one at its radius and others, of equal radii the first; none where it has no
/// radius.
std::vector<const Run*> at_all_radii(std::span<const Publication> all, const Publication& one) {
  const std::string question = question_but_eps(one);
  std::vector<const Run*> runs;
  for (const Publication& other : all) {
    const double radius = ball_of(&other.run());
    const bool same = !question.empty() && question_but_eps(other) == question;
    if (same && std::ranges::find(runs, radius, ball_of) == runs.end()) runs.push_back(&other.run());
  }
  return runs;
}

/// Their robust accuracies.
Curve measured_curve(std::vector<const Run*> runs) {
  std::ranges::stable_sort(runs, {}, ball_of);
  Curve curve{runs.front()->plan.subject.model};
  if (ball_of(runs.front()) > 0) add_point(curve, 0, {runs.front()->found.right, runs.front()->found.right});
  for (const Run* run : runs) add_point(curve, ball_of(run), {run->found.robust, run->found.right});
  return curve;
}

/// The certified part of the right images at each radius of these runs; empty unless there are two radii or more.
Curve certified_curve(const std::string& name, std::span<const Run* const> runs) {
  std::vector<std::pair<double, const CertifiedBall*>> balls;
  for (const Run* run : runs) {
    for (const CertifiedBall& ball : run->certified) balls.emplace_back(double{float{ball.asked.eps}}, &ball);
  }
  std::ranges::stable_sort(balls, {}, &std::pair<double, const CertifiedBall*>::first);
  Curve curve{text(name, ", certified")};
  if (balls.size() < 2) return curve;
  if (balls.front().first > 0) add_point(curve, 0, {runs.front()->found.right, runs.front()->found.right});
  for (const auto& [eps, ball] : balls)
    add_point(curve, eps, {ball->counts().certified().part(), ball->counts().right().part()});
  return curve;
}

Chart eps_chart(std::span<const Publication> all) {
  Chart chart{"Accuracy against eps", "eps", "read correctly, of those that were"};
  const std::vector<std::string> names = short_names(all);
  const Norm norm = all.front().run().found.attacks.front().budget.norm;
  chart.x_label = text("eps in ", enum_name(norm));
  const auto add_certified = [&](const std::string& name, std::span<const Run* const> runs) {
    Curve curve = certified_curve(name, runs);
    if (!curve.x.empty()) chart.curves.push_back(std::move(curve));
  };
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Evaluation& found = all[k].run().found;
    const attacks::Budget& budget = found.attacks.front().budget;
    if (budget.norm != norm) continue;
    const std::vector<const Run*> runs = at_all_radii(all, all[k]);
    if (runs.size() > 1) {
      if (runs.front() != &all[k].run()) continue;
      chart.curves.push_back(measured_curve(runs));
      add_certified(runs.front()->plan.subject.model, runs);
      continue;
    }
    if (std::isinf(budget.size)) {
      const std::vector<double> distances = nearest(found, norm);
      if (largest(distances) > 0) chart.curves.push_back(beyond(names[k], distances, largest(distances) * 1.05));
      add_certified(names[k], std::array{&all[k].run()});
    } else if (const std::vector<attacks::ProbedBall>& balls = all[k].run().probes.balls;
               !balls.empty() && !balls.front().probes.empty()) {
      chart.curves.push_back(probed_curve(names[k], balls.front()));
    }
  }
  return with_range(std::move(chart));
}

Chart cost_chart(std::span<const Publication> all) {
  Chart chart{"Accuracy against cost", "forward passes and gradients for each image", "read correctly"};
  const std::vector<std::string> names = short_names(all);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Evaluation& found = all[k].run().found;
    Curve curve{names[k]};
    add_point(curve, 0, found.of_all(found.right));
    std::vector<bool> robust(found.size());
    for (std::size_t i = 0; i < robust.size(); ++i) robust[i] = found.predictions[i] == found.samples.labels[i];
    std::uint64_t cost = 0;
    for (const AttackResult& result : found.attacks) {
      cost += result.forwards + result.gradients;
      for (std::size_t i = 0; i < robust.size(); ++i) robust[i] = robust[i] && result.robust[i];
      const double each = static_cast<double>(cost) / static_cast<double>(robust.size());
      if (!(each > curve.x.back())) continue;
      add_point(curve, each, found.of_all(static_cast<std::size_t>(std::ranges::count(robust, true))));
    }
    if (curve.x.size() > 1) chart.curves.push_back(std::move(curve));
  }
  return with_range(std::move(chart));
}

Chart distance_chart(std::span<const Publication> all, Norm norm) {
  Chart chart{text("Distances in ", enum_name(norm)), std::string(units[static_cast<std::size_t>(norm)]),
              "not misled within it"};
  std::vector<std::pair<std::string, std::vector<double>>> rows;
  if (all.size() == 1) {
    for (const AttackResult& result : all.front().run().found.attacks) {
      rows.emplace_back(result.attack.info().name, successes(result, norm));
    }
  } else {
    const std::vector<std::string> names = short_names(all);
    for (std::size_t k = 0; k < all.size(); ++k) rows.emplace_back(names[k], nearest(all[k].run().found, norm));
  }
  double end = 0;
  for (const auto& [name, distances] : rows) end = std::max(end, largest(distances) * 1.05);
  for (const auto& [name, distances] : rows) {
    if (end > 0 && !distances.empty()) chart.curves.push_back(beyond(name, distances, end));
  }
  return with_range(std::move(chart));
}

std::vector<Chart> charts(std::span<const Publication> all) {
  if (all.empty()) return {};
  std::vector<Chart> made{eps_chart(all), cost_chart(all)};
  for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1, Norm::l0}) made.push_back(distance_chart(all, norm));
  std::erase_if(made, [](const Chart& chart) { return chart.curves.empty(); });
  return made;
}

std::vector<Illustration> illustrations(const Certification& one) {
  std::vector<Illustration> made;
  const auto add = [&](const Chart& chart) {
    if (!chart.curves.empty()) made.push_back({chart.title, svg_chart(chart), svg_file(chart)});
  };
  add(ends_chart(one));
  for (const Certification::Radii& radii : one.radii) {
    if (radii.part.found.right().part() == 0) continue;
    add(radii_chart(one, radii));
    const TwoSided histogram = radii_histogram(one, radii);
    made.push_back({histogram.title, svg_two_sided(histogram), svg_two_sided_file(histogram)});
  }
  return made;
}

std::vector<Illustration> illustrations(const Published& all) {
  std::vector<Illustration> made;
  for (const Chart& chart : charts(all.benchmarks)) made.push_back({chart.title, svg_chart(chart), svg_file(chart)});
  for (const Certification& one : all.certified) {
    for (Illustration& figure : illustrations(one)) made.push_back(std::move(figure));
  }
  return made;
}

}  // namespace hans::apps
