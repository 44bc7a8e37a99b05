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
  const Climb climb(loss, sample);
  const real step = alpha.value_or(2.5F * sample.eps() / static_cast<float>(steps));
  for (unsigned restart = 0; restart < restarts; ++restart) {
    std::ranges::copy(sample.original(), image.begin());
    if (start == Start::random) start_in_ball(sample, "pgd", restart);
    if (start == Start::bright) start_at_end(sample, 1);
    if (start == Start::dark) start_at_end(sample, -1);
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
