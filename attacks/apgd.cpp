// Auto-PGD: projected gradient descent that sets its own step size.
#include <hans/attacks/apgd.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/steps.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

/// The settings that both attacks share.
struct Climbing {
  unsigned steps;
  float rho;
  bool large_eps;
};

unsigned share_of_steps(double share, unsigned steps) {
  return std::max(static_cast<unsigned>(share * static_cast<double>(steps)), 1U);
}

void anywhere_in_ball(const LabelOracle& sample, double eps, std::uint32_t restart, std::span<real> image) {
  Stream stream = sample.random("apgd", restart);
  const std::vector<real> way = random_direction(stream, sample.budget().norm, image.size());
  double scale = 1;  // l1: a standard normal step, cut by the projection
  if (sample.budget().norm != Norm::l1) scale = eps / (length(sample.budget().norm, way) + 1e-12);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = sample.original()[i] + static_cast<real>(scale) * way[i];
  if (sample.budget().norm == Norm::l1) project_l1(sample.original(), sample.low(), sample.high(), eps, image);
}

/// Takes a step of this size and projects; in l1 along the features with the largest `density` share of |gradient|.
void climb_step(const LabelOracle& sample, std::span<const real> gradient, double size, double density,
                std::span<real> image) {
  const std::size_t n = image.size();
  if (sample.budget().norm != Norm::l1) return step_up(sample, gradient, static_cast<real>(size), image);
  std::vector<real> sizes(n);
  for (std::size_t i = 0; i < n; ++i) sizes[i] = std::abs(gradient[i]);
  const double place = std::clamp((1 - density) * static_cast<double>(n), 0.0, static_cast<double>(n - 1));
  const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(place);
  std::nth_element(sizes.begin(), middle, sizes.end());
  const real least = *middle;
  double chosen = 0;
  for (const real g : gradient) chosen += g != 0 && std::abs(g) >= least ? 1 : 0;
  if (chosen == 0) return;
  const real share = static_cast<real>(size / chosen);
  for (std::size_t i = 0; i < n; ++i) {
    if (std::abs(gradient[i]) < least || gradient[i] == 0) continue;
    image[i] += gradient[i] > 0 ? share : -share;
  }
  project_l1(sample.original(), sample.low(), sample.high(), sample.reach(), image);
  sample.project(image);
}

double changed_features(std::span<const real> original, std::span<const real> image) {
  double count = 0;
  for (std::size_t i = 0; i < image.size(); ++i) count += image[i] != original[i] ? 1 : 0;
  return count;
}

/// One run from the sample's image in a ball of radius eps. Sets the sample's image to the best found.
Task<Stop> climb_from(GradientOracle& sample, const Climb climb, const Climbing how, const double eps,
                      const bool begun) {
  const std::span<real> image = sample.image();
  const std::size_t n = image.size();
  const bool l1 = sample.budget().norm == Norm::l1;
  const double first_size = (l1 ? 1 : 2) * eps;
  double size = first_size;
  unsigned interval = l1 ? share_of_steps(0.04, how.steps) : share_of_steps(0.22, how.steps);
  const unsigned least_interval = share_of_steps(0.06, how.steps);
  const unsigned shorter = share_of_steps(0.03, how.steps);

  Slope slope = co_await sample.slope(image, climb);
  std::vector<real> gradient(slope.gradient.begin(), slope.gradient.end());
  std::vector<real> best(image.begin(), image.end());
  std::vector<real> best_gradient = gradient;
  real best_loss = slope.loss;
  std::vector<real> before(image.begin(), image.end());  // the image before the last step
  std::vector<real> moved(n);
  std::vector<real> losses(how.steps + 1);  // after each step; the first is 0
  real best_at_check = best_loss;
  bool reduced_at_check = true;
  double density = 0.2;  // l1: share of the features that a step moves
  double changed_at_check = static_cast<double>(n);
  if (begun) {
    changed_at_check = changed_features(sample.original(), image);
    density = changed_at_check / static_cast<double>(n) / 1.5;
  }

  unsigned since = 0;
  for (unsigned k = 0; k < how.steps; ++k) {
    std::ranges::copy(image, moved.begin());
    climb_step(sample, gradient, size, density, moved);
    if (!l1) {
      const real part = k > 0 ? real{0.75F} : real{1};
      for (std::size_t i = 0; i < n; ++i) {
        const real momentum = image[i] - before[i];
        moved[i] = image[i] + (moved[i] - image[i]) * part + momentum * (1 - part);
      }
    }
    std::ranges::copy(image, before.begin());
    std::ranges::copy(moved, image.begin());
    slope = co_await sample.slope(image, climb);
    ++sample.note().steps;
    std::ranges::copy(slope.gradient, gradient.begin());
    losses[k + 1] = slope.loss;
    if (slope.loss > best_loss) {
      best_loss = slope.loss;
      std::ranges::copy(image, best.begin());
      std::ranges::copy(gradient, best_gradient.begin());
    }
    if (++since < interval) continue;
    since = 0;
    bool go_back = false;
    if (l1) {
      const double now = changed_features(sample.original(), best);
      go_back = now / changed_at_check < 0.95;
      density = now / static_cast<double>(n) / 1.5;
      size = std::clamp(go_back ? first_size : size / 1.5, first_size / 10, first_size);
      changed_at_check = now;
    } else {
      unsigned rises = 0;
      for (unsigned j = k + 1 - interval; j <= k; ++j) rises += losses[j + 1] > losses[j] ? 1U : 0U;
      const bool oscillates =
          static_cast<double>(rises) <= static_cast<double>(interval) * static_cast<double>(how.rho);
      go_back = oscillates || (!reduced_at_check && best_at_check >= best_loss);
      reduced_at_check = go_back;
      best_at_check = best_loss;
      if (go_back) size /= 2;
      interval = interval > shorter + least_interval ? interval - shorter : least_interval;
    }
    if (go_back) {
      std::ranges::copy(best, image.begin());
      std::ranges::copy(best_gradient, gradient.begin());
    }
  }
  std::ranges::copy(best, image.begin());
  co_return Stop::finished;
}

/// A run from a random start, or with large_eps one in each of three balls that shrink to the budget's.
Task<Stop> climb_anew(GradientOracle& sample, const Climb climb, const Climbing how, const std::uint32_t restart) {
  const double eps = sample.budget().size;
  if (!how.large_eps) {
    anywhere_in_ball(sample, eps, restart, sample.image());
    co_return co_await climb_from(sample, climb, how, eps, false);
  }
  const auto part = static_cast<unsigned>(std::ceil(0.3 * static_cast<double>(how.steps)));
  sample.set_radius(3 * eps);
  anywhere_in_ball(sample, 3 * eps, restart, sample.image());
  for (unsigned stage = 0; stage < 3; ++stage) {
    const double radius = (3 - stage) * eps;
    sample.set_radius(radius);
    project_l1(sample.original(), sample.low(), sample.high(), radius, sample.image());
    Climbing part_of = how;
    part_of.steps = stage < 2 ? part : how.steps - 2 * part;
    const Task<Stop> stage_run = climb_from(sample, climb, part_of, radius, true);
    co_await stage_run;
  }
  co_return Stop::finished;
}

void check_large_eps(bool large_eps, Norm norm, unsigned steps) {
  check_usage(!large_eps || norm == Norm::l1, "large_eps=true is for norm=l1");
  check_usage(!large_eps || steps >= 5, "large_eps=true divides the steps by three; it needs 5 at least");
}

}  // namespace

void Apgd::validate() const { check_large_eps(large_eps, norm, steps); }
void ApgdT::validate() const { check_large_eps(large_eps, norm, steps); }

Task<Stop> Apgd::search(GradientOracle& sample) const {
  Climb climb(loss, sample);
  if (loss == Loss::kl) {
    const std::span<const real> logits = co_await sample.scores(sample.image());
    climb.depart_from(logits);
  }
  for (unsigned restart = 0; restart < restarts; ++restart) {
    const Task<Stop> begun = climb_anew(sample, climb, {steps, rho, large_eps}, restart);
    co_await begun;
  }
  co_return Stop::finished;
}

Task<Stop> ApgdT::search(GradientOracle& sample) const {
  const std::span<const real> logits = co_await sample.scores(sample.image());
  const std::vector<int> order = falling(logits);
  std::uint32_t begun = 0;
  for (std::size_t target = 1; target <= classes && target < order.size(); ++target) {
    for (unsigned restart = 0; restart < restarts; ++restart) {
      const Climb climb(Loss::dlr, sample.goal(), order[target]);
      const Task<Stop> one = climb_anew(sample, climb, {steps, rho, large_eps}, begun++);
      co_await one;
    }
  }
  co_return Stop::finished;
}

void Apgd::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, loss, goal.targeted, class_count);
}

void ApgdT::check_goal(const Goal&, std::size_t class_count) const {
  check_classes(name, Loss::dlr, true, class_count);
}

}  // namespace hans::attacks
