// Fast adaptive boundary attack.
#include <hans/attacks/fab.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/attacks/planes.hpp>
#include <hans/attacks/steps.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

double length_of(Norm norm, std::span<const real> values) {
  if (norm == Norm::l2) return length_l2(values);
  if (norm == Norm::l1) return length_l1(values);
  double most = 0;
  for (const real value : values) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

/// In the norm in which a gradient is as long as the distance to its plane is short.
double dual_length_of(Norm norm, std::span<const real> values) {
  return length_of(norm == Norm::linf ? Norm::l1 : norm == Norm::l1 ? Norm::linf : Norm::l2, values);
}

/// A boundary, taken to be a plane: what crossing it raises, how much is missing to it, and in which direction.
struct Boundary {
  double missing = 0;
  std::vector<real> gradient;
};

std::size_t first_but(int label) { return label == 0 ? 1 : 0; }

/// One step of the search: from the image towards the boundary, biased towards the original.
void step(const LabelOracle& sample, const Fab& how, const Boundary& boundary, std::span<real> image) {
  const std::span<const real> original = sample.original();
  const std::size_t n = image.size();
  std::vector<real> here(n);
  std::vector<real> there(n);
  double back = 0;  // what the boundary's function loses from the image to the original
  for (std::size_t i = 0; i < n; ++i) {
    back +=
        static_cast<double>(boundary.gradient[i]) * (static_cast<double>(image[i]) - static_cast<double>(original[i]));
  }
  step_to_plane(image, boundary.gradient, boundary.missing, sample.low(), sample.high(), how.norm, here);
  step_to_plane(original, boundary.gradient, boundary.missing + back, sample.low(), sample.high(), how.norm, there);
  const double from_here = std::max(length_of(how.norm, here), 1e-8);
  const double from_there = std::max(length_of(how.norm, there), 1e-8);
  const real alpha = std::min(static_cast<real>(from_here / (from_here + from_there)), how.alpha_max);
  for (std::size_t i = 0; i < n; ++i) {
    image[i] = (image[i] + how.eta * here[i]) * (1 - alpha) + (original[i] + how.eta * there[i]) * alpha;
  }
}

void start_near(const LabelOracle& sample, const Fab& how, std::uint32_t restart) {
  Stream stream = sample.random("fab", restart);
  const std::span<real> image = sample.image();
  std::vector<real> way(image.size());
  if (how.norm == Norm::linf) {
    for (real& w : way) w = 2 * stream.uniform() - 1;
  } else {
    stream.normals(way);
  }
  const real scale = static_cast<real>(0.5 * sample.budget().size / length_of(how.norm, way));
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = sample.original()[i] + scale * way[i];
}

/// The boundary nearest to the image: the one to `target`, or without it of those to all classes but the label.
Task<Boundary> nearest_boundary(GradientOracle& sample, const Fab& how, const Slope slope,
                                const std::optional<int> target) {
  Boundary best{-static_cast<double>(slope.loss), {slope.gradient.begin(), slope.gradient.end()}};
  if (target) co_return best;
  const std::vector<real> logits(slope.logits.begin(), slope.logits.end());
  const auto label = static_cast<std::size_t>(sample.goal());
  double least = std::abs(best.missing) / (1e-12 + dual_length_of(how.norm, best.gradient));
  for (std::size_t j = first_but(sample.goal()) + 1; j < logits.size(); ++j) {
    if (j == label) continue;
    std::vector<real> weights(logits.size());
    const double missing = -static_cast<double>(difference(logits, static_cast<int>(j), sample.goal(), weights));
    const std::span<const real> gradient = co_await sample.gradient(weights);
    const double distance = std::abs(missing) / (1e-12 + dual_length_of(how.norm, gradient));
    if (distance >= least) continue;
    least = distance;
    best = {missing, {gradient.begin(), gradient.end()}};
  }
  co_return best;
}

/// A run from where the sample's image is, towards one class or, without a target, whichever is nearest.
Task<Stop> run(GradientOracle& sample, const Fab& how, const std::optional<int> target) {
  const std::span<real> image = sample.image();
  const auto loss = [&](std::span<const real> logits, std::span<real> seed) {
    return difference(logits, target ? *target : static_cast<int>(first_but(sample.goal())), sample.goal(), seed);
  };
  Slope slope = co_await sample.slope(image, loss);
  for (unsigned k = 0; k < how.steps; ++k) {
    const Task<Boundary> search = nearest_boundary(sample, how, slope, target);
    const Boundary boundary = co_await search;
    step(sample, how, boundary, image);
    ++sample.note().steps;
    if (k + 1 == how.steps) break;
    slope = co_await sample.slope(image, loss, true);
    if (slope.gradient.empty()) {  // across the boundary: go back some of the way
      for (std::size_t i = 0; i < image.size(); ++i) {
        image[i] = sample.original()[i] + (image[i] - sample.original()[i]) * how.beta;
      }
      slope = co_await sample.slope(image, loss);
    }
  }
  co_await sample.prediction(image);
  co_return Stop::finished;
}

}  // namespace

void Fab::validate() const {
  check_usage(restarts == 1 || eps, "fab: restarts begin at half of eps from the original, so they need an eps");
}

Budget Fab::budget(const Shape& image, data::Box box) const {
  check_fields(*this);
  if (eps) return ball_budget(name, *eps, norm, image, box);
  return {norm, std::numeric_limits<double>::infinity(), box, false};
}

Task<Stop> Fab::search(GradientOracle& sample) const {
  sample.set_reach(std::numeric_limits<double>::infinity());
  const std::span<const real> logits = co_await sample.scores(sample.image());
  std::vector<std::optional<int>> aims{std::nullopt};
  if (targets > 0) {
    const std::vector<int> order = falling(logits);
    aims.assign(order.begin() + 1,
                order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(targets + 1, order.size())));
  }
  std::uint32_t begun = 0;
  for (const std::optional<int> target : aims) {
    for (unsigned restart = 0; restart < restarts; ++restart, ++begun) {
      std::ranges::copy(sample.original(), sample.image().begin());
      if (restart > 0) start_near(sample, *this, begun);
      const Task<Stop> one = run(sample, *this, target);
      co_await one;
    }
  }
  co_return Stop::finished;
}

Crafted Fab::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                        const CraftOptions& options) const {
  check_untargeted(name, goal);
  return craft(*this, model, samples, goal, options);
}

}  // namespace hans::attacks
