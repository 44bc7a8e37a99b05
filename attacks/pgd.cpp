// Projected gradient descent.
#include <hans/attacks/pgd.hpp>

#include <hans/attacks/steps.hpp>

namespace hans::attacks {

Pgd Pgd::resolved(data::Box) const {
  Pgd copy = *this;
  if (!copy.alpha) copy.alpha = 2.5F * eps / static_cast<float>(steps);
  return copy;
}

Task<Stop> Pgd::search(GradientOracle& sample) const {
  const std::span<real> image = sample.image();
  Climb climb(loss, sample);
  if (loss == Loss::kl) {
    const std::span<const real> logits = co_await sample.scores(image);
    climb.depart_from(logits);
  }
  const real step = alpha.value_or(2.5F * sample.eps() / static_cast<float>(steps));
  for (unsigned restart = 0; restart < restarts; ++restart) {
    std::ranges::copy(sample.original(), image.begin());
    if (start == Start::random) start_in_ball(sample, "pgd", restart);
    if (start == Start::bright) start_at_extreme(sample, 1);
    if (start == Start::dark) start_at_extreme(sample, -1);
    if (start == Start::gaussian) {
      std::vector<real> way(image.size());
      sample.random(name, restart).normals(way);
      for (std::size_t i = 0; i < image.size(); ++i) image[i] += real{0.001F} * way[i];
    }
    for (unsigned k = 0; k < steps; ++k) {
      const Slope slope = co_await sample.slope(image, climb);
      step_up(sample, slope.gradient, step, image);
      ++sample.note().steps;
    }
    co_await sample.prediction(image);
  }
  co_return Stop::finished;
}

void Pgd::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, loss, goal.targeted, class_count);
}

}  // namespace hans::attacks
