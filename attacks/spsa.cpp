// Simultaneous perturbation stochastic approximation.
#include <hans/attacks/spsa.hpp>

#include <limits>

#include <hans/attacks/descent.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {

Task<Stop> Spsa::search(ScoreOracle& sample) const {
  const std::span<real> image = sample.image();
  const std::size_t n = image.size();
  const Climb climb(loss, sample);
  std::vector<real> signs(n);
  std::vector<real> probe(n);
  std::vector<real> gradient(n);
  Descent adam(n, rate);
  for (unsigned k = 0; k < steps; ++k) {
    Stream stream = sample.random(name, k);
    std::ranges::fill(gradient, real{0});
    sample.set_radius(std::numeric_limits<double>::infinity());  // probes may leave the ball
    for (unsigned pair = 0; pair < pairs; ++pair) {
      for (real& sign : signs) sign = stream.below(2) == 0 ? real{-1} : real{1};
      real difference_of_losses = 0;
      for (const real way : {real{1}, real{-1}}) {
        for (std::size_t i = 0; i < n; ++i) probe[i] = image[i] + way * delta * signs[i];
        const std::span<const real> logits = co_await sample.scores(probe);
        difference_of_losses += way * climb.value(logits);
      }
      for (std::size_t i = 0; i < n; ++i) gradient[i] -= difference_of_losses * signs[i];
    }
    const real scale = 1 / (2 * delta * static_cast<real>(pairs));
    for (real& g : gradient) g *= scale;
    adam.step(gradient, image);
    sample.set_radius(sample.budget().size);
    project_to(sample, sample.budget().size, image);
    co_await sample.prediction(image);
    ++sample.note().steps;
  }
  co_return Stop::finished;
}

void Spsa::check_goal(const Goal& goal, std::size_t class_count) const {
  check_classes(name, loss, goal.targeted, class_count);
}

}  // namespace hans::attacks
