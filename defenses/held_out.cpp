// Images held out of training: what the network makes of them after each epoch, and the best of its weights.
#include <hans/defenses/held_out.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/bounds.hpp>
#include <hans/nn/evaluate.hpp>
#include "detail/interval_training.hpp"

namespace hans::defenses {
namespace {

constexpr std::size_t figures = 3;  // clean, certified, attacked

double share(std::size_t part, std::size_t all) { return static_cast<double>(part) / static_cast<double>(all); }

/// The share that intervals certify, or none if they do not pass a layer.
std::optional<double> certified_share(const nn::Sequential& net, const data::Samples& samples, float eps) {
  try {
    const nn::MarginBounds bounds =
        nn::bound_margins(net, samples.images, samples.labels, {Norm::linf, eps, samples.box.lo, samples.box.hi},
                          {nn::BoundMethod::ibp, nn::Slope::adaptive, 0});
    std::size_t proved = 0;
    for (std::size_t k = 0; k < samples.size(); ++k) proved += bounds.real(k) && bounds.float32(k) ? 1U : 0U;
    return share(proved, samples.size());
  } catch (const MemoryError&) {
    throw;
  } catch (const Error&) {
    return {};
  }
}

HeldOutFigures figures_of(const nn::Sequential& net, const HeldOut& held_out, std::uint64_t seed) {
  const data::Samples& samples = held_out.samples;
  if (held_out.eps == 0) {
    const std::vector<int> predictions = nn::predict(net, samples.images);
    return {share(nn::count_correct(predictions, samples.labels), samples.size())};
  }
  const attacks::Attack pgd = attacks::Pgd{.eps = held_out.eps, .steps = 10};
  const attacks::Evaluation found = attacks::evaluate(net, samples, {&pgd, 1}, {.seed = seed});
  return {share(found.right, samples.size()), certified_share(net, samples, held_out.eps),
          share(found.attacks[0].robust_count, samples.size())};
}

/// A training method that looks at held-out images after each epoch.
class Watched final : public nn::Loss::Method {
 public:
  Watched(nn::Loss inner, HeldOut held_out, std::uint32_t epoch_steps)
      : inner_(std::move(inner)), held_out_(std::move(held_out)), epoch_steps_(epoch_steps) {}

  std::string record() const override {
    if (held_out_.select == Select::last) return inner_.spec();
    return text(inner_.spec(), " select=", enum_name(held_out_.select), " within=", held_out_.eps);
  }
  Var losses(const nn::TrainStep& step) const override { return inner_(step); }
  void before(const nn::RunStep& step, std::span<Tensor> gradients) const override {
    inner_.method().before(step, gradients);
  }
  void after(const nn::RunStep& step, nn::Sequential& net) const override {
    inner_.method().after(step, net);
    if ((step.step + 1) % epoch_steps_ != 0) return;
    const std::size_t epoch = step.step / epoch_steps_, epochs = step.steps / epoch_steps_;
    const HeldOutFigures now = figures_of(net, held_out_, 0);
    Tensor& history = step.kept.at("held_out", Tensor::full({epochs, figures}, -1));
    real* const row = history.mutable_data() + epoch * figures;
    row[0] = static_cast<real>(now.clean);
    row[1] = static_cast<real>(now.certified.value_or(-1));
    row[2] = static_cast<real>(now.attacked.value_or(-1));
    if (held_out_.select != Select::last) keep_best(step, net, row[static_cast<std::size_t>(held_out_.select) - 1]);
    if (held_out_.shown) held_out_.shown(read(history, epoch + 1));
  }

 private:
  static std::vector<HeldOutFigures> read(const Tensor& history, std::size_t epochs) {
    const auto known = [](real value) { return value < 0 ? std::optional<double>() : double{value}; };
    std::vector<HeldOutFigures> all;
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
      const real* const row = history.data() + epoch * figures;
      all.push_back({double{row[0]}, known(row[1]), known(row[2])});
    }
    return all;
  }

  /// Keeps the weights if they are better than all before, and at the end of the run gives the best ones back.
  void keep_best(const nn::RunStep& step, nn::Sequential& net, real value) const {
    check(value >= 0, "the held-out images cannot be selected by ", enum_name(held_out_.select),
          ": a layer of the network has no interval bounds; use --select attacked");
    Tensor& best = step.kept.at("held_out.best", Tensor::full({1}, -1));
    const bool better = value > best.data()[0], last = step.step + 1 == step.steps;
    const auto exchange = [&](std::span<const Tensor> tensors, std::span<const std::string> names) {
      std::vector<Tensor> all;
      for (std::size_t k = 0; k < tensors.size(); ++k) {
        Tensor& kept = step.kept.at(text("held_out.best.", names[k]), tensors[k]);
        if (better) kept = tensors[k];
        all.push_back(kept);
      }
      return all;
    };
    const std::vector<Tensor> weights = exchange(net.weights(), net.weight_names());
    const std::vector<Tensor> buffers = exchange(net.buffers(), net.buffer_names());
    if (better) best.mutable_data()[0] = value;
    if (!last) return;
    net.set_weights(weights);
    net.set_buffers(buffers);
  }

  nn::Loss inner_;
  HeldOut held_out_;
  std::uint32_t epoch_steps_;
};

}  // namespace

nn::FitOptions watching(nn::FitOptions options, HeldOut held_out, std::size_t size) {
  const std::size_t held = held_out.samples.size();
  check_usage(held > 0 && held < size, "of ", size, " images, 1 to ", size - 1, " can be held out, not ", held);
  check_usage(held_out.select == Select::last || held_out.select == Select::clean || held_out.eps > 0,
              "a selection by ", enum_name(held_out.select), " needs the radius of a ball");
  if (held_out.eps != 0) check_radius("held-out images", held_out.eps, held_out.samples);
  options.held_out = held;
  const std::size_t steps = (size - held + options.batch - 1) / options.batch;
  options.loss =
      nn::Loss(std::make_shared<Watched>(options.loss, std::move(held_out), static_cast<std::uint32_t>(steps)));
  return options;
}

}  // namespace hans::defenses
