// Verdicts on the numbers of an evaluation: of each attack, and of several together.
#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/core/error.hpp>
#include "detail/rules.hpp"

namespace hans::attacks {
namespace {

bool is_targeted(const Number& number, const Evaluation& evaluation) {
  return is_targeted(evaluation.attacks[number.attacks.front()].attack.info(), evaluation.targets);
}

/// The numbers of one attack: one per radius, or one.
std::vector<Number> numbers_of(const Evaluation& evaluation, std::size_t attack, std::span<const float> radii) {
  const Budget& budget = evaluation.attacks[attack].budget;
  if (std::isfinite(budget.size) || radii.empty()) return {{{attack}, budget}};
  std::vector<Number> all;
  for (const float radius : radii) {
    all.push_back({{attack}, {budget.norm, static_cast<double>(radius), budget.box, budget.prediction_only}, radius});
  }
  return all;
}

/// The probes in a number's ball; empty if there are none. For nearest images of several attacks, each sample has the
/// probe of the attack that came nearest, the first among equals.
std::vector<BallProbe> probes_of(const Number& number, const Evaluation& evaluation, const Probes& probes) {
  if (is_targeted(number, evaluation)) return {};
  std::vector<BallProbe> all;
  std::vector<double> nearest(evaluation.size(), std::numeric_limits<double>::infinity());
  for (const ProbedBall& ball : probes.balls) {
    if (!(ball.ball == number.ball)) continue;
    if (!ball.attack) return ball.probes;
    if (std::ranges::find(number.attacks, *ball.attack) == number.attacks.end()) continue;
    std::vector<double> distances(evaluation.size(), std::numeric_limits<double>::infinity());
    for (const Attempt& attempt : evaluation.attacks[*ball.attack].attempts) {
      if (attempt.finding.evades) distances[attempt.sample] = attempt.finding.distance.of(ball.ball.norm);
    }
    if (all.empty()) all = ball.probes;
    for (std::size_t k = 0; k < all.size(); ++k) {
      const std::size_t sample = probes.samples[k];
      if (distances[sample] >= nearest[sample]) continue;
      nearest[sample] = distances[sample];
      all[k] = ball.probes[k];
    }
  }
  return all;
}

}  // namespace

Verdict Judgement::of_attack(std::size_t attack) const {
  Verdict worst = Verdict::exact;
  for (const Reliability& one : attacks.at(attack)) worst = std::max(worst, one.verdict);
  return worst;
}

Judgement judge_numbers(const Evaluation& evaluation, std::span<const float> radii, Probes probes,
                        std::span<const Proved> proved) {
  const std::vector<ProbedBall> balls = balls_of(evaluation, radii);
  const auto same = [&](const ProbedBall& one, const ProbedBall& other) {
    return one.ball == other.ball && one.attack == other.attack && one.probes.size() == probes.samples.size();
  };
  const bool none = probes.balls.empty() && probes.samples.empty();
  check(none || (std::ranges::equal(probes.balls, balls, same) && probes.model.size() == probes.samples.size()),
        "the probes of ", probes.samples.size(), " samples in ", probes.balls.size(),
        " balls do not fit the evaluation, which has ", balls.size(), " balls");
  for (const std::size_t sample : probes.samples) {
    check(sample < evaluation.size(), "a probe of sample ", sample, " of ", evaluation.size());
  }
  Judgement judgement;
  judgement.probes = std::move(probes);
  const auto judged = [&](Number number) {
    const std::vector<BallProbe> inside = probes_of(number, evaluation, judgement.probes);
    const auto here = std::ranges::find(proved, number.ball.size, &Proved::size);
    return judge_number(evaluation, std::move(number), judgement.probes, inside,
                        here == proved.end() ? nullptr : &*here);
  };
  std::vector<Number> groups;  // by ball and goal
  const auto add = [&](const Number& number) {
    for (Number& group : groups) {
      if (!(group.ball == number.ball) || is_targeted(group, evaluation) != is_targeted(number, evaluation)) continue;
      if (std::ranges::find(group.attacks, number.attacks.front()) == group.attacks.end()) {
        group.attacks.push_back(number.attacks.front());
      }
      if (!group.radius) group.radius = number.radius;
      return;
    }
    groups.push_back(number);
  };
  for (std::size_t k = 0; k < evaluation.attacks.size(); ++k) {
    judgement.attacks.emplace_back();
    for (const Number& number : numbers_of(evaluation, k, radii)) {
      judgement.attacks.back().push_back(judged(number));
      add(number);
    }
  }
  if (!groups.empty()) judgement.verdict = Verdict::exact;
  for (const Number& group : groups) {
    Reliability one = judged(group);
    judgement.verdict = std::max(judgement.verdict, one.verdict);
    if (group.attacks.size() > 1) judgement.together.push_back(std::move(one));
  }
  return judgement;
}

}  // namespace hans::attacks
