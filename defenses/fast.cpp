// Fast adversarial training, which undoes catastrophic overfitting.
#include <hans/defenses/fast.hpp>

#include <algorithm>

#include <hans/attacks/pgd.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::defenses {
namespace {

constexpr std::size_t probed_images = 128;   // images, at most
constexpr unsigned probe_attack_steps = 10;  // of PGD in a probe
constexpr real overfitting_fall = 0.2F;      // in accuracy, from which a network has overfitted
constexpr unsigned probes_to_harder = 5;     // after which an overfitted network that has not fallen is attacked harder
constexpr real most_fast_steps = 16;

/// One step, or several after the network has overfitted.
attacks::Pgd fast_attack(const Fast& fast, unsigned steps) {
  const float alpha = *fast.resolved().alpha;
  return {.eps = fast.eps, .steps = steps, .alpha = steps == 1 ? alpha : alpha / 2};
}

/// The number of steps that crafting takes now.
real& attack_steps(nn::Kept& kept) {
  real& steps = kept.at("attack_steps", Tensor::full(Shape{}, 1)).mutable_data()[0];
  check(steps >= 1 && steps <= most_fast_steps, "fast: a checkpoint with ", steps,
        " steps of attack is from another method");
  return steps;
}

/// The images that probes attack: those of the run's first batch.
data::Samples probe_samples(nn::Kept& kept, const data::Samples& batch, std::size_t classes) {
  if (kept.find("probe_images") == nullptr || kept.find("probe_labels") == nullptr) {
    const std::size_t count = std::min(batch.size(), probed_images);
    const std::vector<real> values(batch.labels.begin(), batch.labels.begin() + static_cast<std::ptrdiff_t>(count));
    (void)kept.at("probe_images", batch.images.rows(0, count));
    (void)kept.at("probe_labels", Tensor({count}, values));
  }
  const Tensor &images = *kept.find("probe_images"), &labels = *kept.find("probe_labels");
  data::Samples samples{images, {}, {}, batch.box};
  bool fits = images.shape() == batch.images.shape().without_front().with_front(labels.size());
  for (const real label : labels.values()) {
    fits = fits && label >= 0 && label < static_cast<real>(classes);
    samples.labels.push_back(fits ? static_cast<int>(label) : 0);
    samples.index.push_back(static_cast<std::uint32_t>(samples.index.size()));
  }
  check(fits, "fast: the checkpoint's images for probes, ", images.shape(), ", are not for this network");
  return samples;
}

/// The network's accuracy on the step's batch under an attack.
real accuracy_under(const nn::RunStep& step, const attacks::Pgd& attack, std::string_view purpose) {
  const std::vector<int> found = nn::predict(step.net, attacked(step, attack, purpose), &step.aside);
  return static_cast<real>(nn::count_correct(found, step.batch.labels)) / static_cast<real>(step.batch.size());
}

}  // namespace

Fast Fast::resolved() const {
  Fast copy = *this;
  copy.alpha = alpha.value_or(1.25F * eps);
  return copy;
}

Var Fast::loss(const nn::TrainStep& step) const {
  const Shape image = step.batch.images.shape().without_front();
  (void)attacks::budget_of(name, &eps.value(), Norm::linf, image, step.batch.box);  // refused in its own name
  const auto steps = static_cast<unsigned>(attack_steps(step.kept));
  const Tensor images = attacked(step, fast_attack(*this, steps), name);
  return cross_entropy(step.logits(images), step.batch.labels, static_cast<real>(smoothing));
}

void Fast::after(const nn::RunStep& step, nn::Sequential& net) const {
  const data::Samples samples = probe_samples(step.kept, step.batch, net.classes());
  if ((step.step + 1) % probe != 0 && step.step + 1 != step.steps) return;
  const nn::RunStep probing{net, samples, step.aside, step.rng, step.step, step.steps, step.kept};
  const real single = accuracy_under(probing, fast_attack(*this, 1), "fast.step");
  const real robust = accuracy_under(probing, {.eps = eps, .steps = probe_attack_steps}, "fast.pgd");
  real& best = step.kept.at("best", Tensor(Shape{})).mutable_data()[0];
  const bool overfitted = robust < single - overfitting_fall;
  const bool fallen = overfitted && robust < best - overfitting_fall;
  best = std::max(best, robust);
  const auto keep_or_restore = [&](std::span<const Tensor> now, std::string_view what) {
    std::vector<Tensor> values;
    for (std::size_t k = 0; k < now.size(); ++k) {
      Tensor& good = step.kept.at(text(what, k), now[k]);
      if (!fallen) good = now[k];
      values.push_back(good);
    }
    return values;
  };
  const std::vector<Tensor> weights = keep_or_restore(net.weights(), "weights.");
  const std::vector<Tensor> buffers = keep_or_restore(net.buffers(), "buffers.");
  if (fallen) net.set_weights(weights);
  if (fallen) net.set_buffers(buffers);
  if (!fallen && !(overfitted && (step.step + 1) % (std::uint64_t{probes_to_harder} * probe) == 0)) return;
  real& steps = attack_steps(step.kept);
  steps = std::min(2 * steps, most_fast_steps);
}

}  // namespace hans::defenses
