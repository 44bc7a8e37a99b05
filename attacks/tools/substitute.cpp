// Substitute models: gradients for attacks on a model that only gives classes.
#include <hans/attacks/substitute.hpp>

#include <algorithm>

#include <hans/attacks/ball.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/pieces.hpp>

namespace hans::attacks {
namespace {

/// Moves each image by `step` towards its class (away, if negative).
Tensor jacobian_augmented(const nn::Sequential& net, const Tensor& images, const std::vector<int>& labels, real step,
                          data::Box box) {
  Tensor made(images.shape(), images.values());
  const std::size_t features = images.shape().row_elements();
  real* const to = made.mutable_data();
  Tape tape;
  nn::for_pieces(net, labels.size(), tape, [&](Tape& own, std::size_t first, std::size_t count) {
    const Var input = own.watch(images.rows(first, count));
    const Var loss = cross_entropy(net.logits(input), std::span(labels).subspan(first, count));
    Tensor gradient;
    own.gradients(loss, Tensor::full(loss.shape(), 1), {&input, 1}, {&gradient, 1});
    for (std::size_t i = 0; i < gradient.size(); ++i) {  // the loss falls as the output of the class rises
      real& value = to[first * features + i];
      value = std::clamp(value - step * sign(gradient.data()[i]), real{box.lo}, real{box.hi});
    }
  });
  return made;
}

}  // namespace

nn::Sequential train_substitute(const nn::Classifier& oracle, nn::Sequential start, const data::Samples& samples,
                                const SubstituteOptions& options) {
  check(start.input() == oracle.input() && start.classes() == oracle.classes(), "the substitute takes images of ",
        start.input(), " and knows ", start.classes(), " classes, the model ", oracle.input(), " and ",
        oracle.classes());
  check(samples.images.shape().without_front() == oracle.input(), "the model takes images of ", oracle.input(),
        ", not ", samples.images.shape());
  check(options.period > 0, "the step turns round after a period of rounds, not after 0");
  std::vector<float> pixels(samples.images.values().begin(), samples.images.values().end());
  std::vector<int> labels = nn::predict(oracle, samples.images);
  for (unsigned round = 0; round < options.rounds; ++round) {
    if (round > 0) {
      const Tensor known(samples.images.shape().without_front().with_front(labels.size()),
                         std::vector<real>(pixels.begin(), pixels.end()));
      const bool back = (round - 1) / options.period % 2 != 0;
      const real step = back ? -options.lambda : options.lambda;
      const Tensor more = jacobian_augmented(start, known, labels, step, samples.box);
      const std::vector<int> answers = nn::predict(oracle, more);
      pixels.insert(pixels.end(), more.values().begin(), more.values().end());
      labels.insert(labels.end(), answers.begin(), answers.end());
    }
    if (options.progress) options.progress(round, labels.size());
    nn::FitOptions fit = options.fit;
    fit.seed = options.fit.seed + round;
    nn::fit(start, data::Dataset("substitute", oracle.input(), pixels, labels, oracle.classes()), fit);
  }
  return start;
}

}  // namespace hans::attacks
