// hans bench: whole steps of networks, and attacks.
#include "bench.hpp"

#include <algorithm>
#include <memory>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/pieces.hpp>
#include <hans/nn/trainer.hpp>

namespace hans::apps {
namespace {

/// Random images with random labels, more than one batch of them.
data::Samples random_samples(const nn::Sequential& net, std::size_t count, std::uint64_t seed) {
  data::Samples made;
  made.images = bench_noise(net.input().with_front(count), seed, "bench/images");
  Stream stream = Rng(seed).stream("bench/labels");
  for (std::size_t i = 0; i < count; ++i) {
    made.labels.push_back(static_cast<int>(stream.below(static_cast<std::uint32_t>(net.classes()))));
    made.index.push_back(static_cast<std::uint32_t>(i));
  }
  return made;
}

/// A network at work: one batch behind the other, as fit, predict and the attacks do it.
class Worker {
 public:
  Worker(const nn::Sequential& net, const data::Samples& samples, std::size_t batch, std::uint64_t seed)
      : net_(net), samples_(samples), batch_(batch), trainer_(net_, optimizer_, nn::cross_entropy_loss(), Rng(seed)) {}

  void train() { trainer_.step(next(), step_++); }

  void infer() {
    on_pieces([&](Tape& tape, const data::Samples& images) { net_.logits(tape.constant(images.images)); });
  }

  void xgrad() {
    on_pieces([&](Tape& tape, const data::Samples& images) {
      const auto loss = [&](const Var& seen) { return cross_entropy(net_.logits(seen), images.labels); };
      value_and_grad(tape, loss, images.images);
    });
  }

 private:
  template <class Work>
  void on_pieces(Work work) {
    const data::Samples batch = next();
    const auto piece = [&](Tape& tape, std::size_t first, std::size_t count) { work(tape, batch.rows(first, count)); };
    nn::for_pieces(net_, batch_, tape_, piece, batch_);
  }

  data::Samples next() {
    if (first_ + batch_ > samples_.size()) first_ = 0;
    first_ += batch_;
    return samples_.rows(first_ - batch_, batch_);
  }

  nn::Sequential net_;
  data::Samples samples_;
  std::size_t batch_, first_ = 0;
  std::uint32_t step_ = 0;
  nn::Optimizer optimizer_ = nn::Sgd{};
  nn::Trainer trainer_;
  Tape tape_;
};

/// A network and what it is attacked on, made when the first attack wants it.
class Victim {
 public:
  explicit Victim(const BenchPlan& plan) : plan_(plan) {}

  const nn::Sequential& net() {
    prepare();
    return *net_;
  }

  /// The first images of the test part.
  data::Samples images() {
    prepare();
    return test_.first(plan_.attacked_images);
  }

  /// The first that the network reads rightly, and each of them to all the other classes.
  std::pair<data::Samples, std::vector<int>> attempts() {
    const data::Samples all = images();
    const std::vector<int> found = nn::predict(net(), all.images);
    std::vector<std::size_t> which;
    std::vector<int> targets;
    const std::size_t others = net().classes() - 1;
    for (std::size_t i = 0; i < all.size() && which.size() < plan_.attacked_by_jsma * others; ++i) {
      if (found[i] != all.labels[i]) continue;
      for (std::size_t target = 0; target <= others; ++target) {
        if (static_cast<int>(target) == all.labels[i]) continue;
        which.push_back(i);
        targets.push_back(static_cast<int>(target));
      }
    }
    check(!which.empty(), "the trained network reads no image correctly");
    return {all.select(which), targets};
  }

 private:
  void prepare() {
    if (net_) return;
    const data::Dataset train = data::load("mnist-5k/train");
    test_ = data::load("mnist-5k/test");
    nn::Sequential net = nn::make_model(plan_.attacked, Rng(plan_.seed));
    nn::fit(net, train, {.epochs = plan_.attacked_epochs, .seed = plan_.seed});
    net_ = std::make_unique<nn::Sequential>(std::move(net));
  }

  BenchPlan plan_;
  data::Dataset test_;
  std::unique_ptr<nn::Sequential> net_;
};

Job attack_job(const BenchPlan& plan, const std::shared_ptr<Victim>& victim, const attacks::Attack& attack,
               bool targeted) {
  const std::string spec = text(attack.spec());
  const auto prepare = [=](Figure& figure) -> std::function<void()> {
    auto [samples, targets] = targeted ? victim->attempts() : std::pair{victim->images(), std::vector<int>{}};
    const attacks::Goal goal = targeted ? towards(std::move(targets)) : away_from(samples.labels);
    const auto work = [victim, attack, goal, images = std::move(samples)] {
      return attack(victim->net(), images, goal);
    };
    const attacks::Crafted made = work();
    figure.count = static_cast<double>(made.notes.size());
    figure.flop = static_cast<double>(made.forwards + made.gradients) * step_flop(victim->net(), Step::infer);
    return [work] { work(); };
  };
  return {
      {.section = Section::attacks,
       .names = Json::object({{"attack", spec}, {"model", plan.attacked}, {"trained_epochs", plan.attacked_epochs}}),
       .label = text(spec, targeted ? ", each image to all other classes" : ""),
       .unit = targeted ? "attempts" : "images"},
      prepare};
}

}  // namespace

double step_flop(const nn::Sequential& net, Step step) {
  double forward = 0, first = 0;
  for (const LayerProduct& layer : products_of(net, 1)) {
    const double flop = 2 * multiply_adds(layer.conv);
    if (forward == 0) first = flop;
    forward += flop;
  }
  return step == Step::train ? 3 * forward - first : step == Step::infer ? forward : 2 * forward;
}

std::vector<Job> step_jobs(const BenchPlan& plan) {
  static constexpr std::size_t images = 4096;
  std::vector<Job> jobs;
  for (const NamedModel& model : plan.models) {
    const nn::Sequential& net = model.model.net;
    for (const std::size_t batch : plan.step_batches) {
      for (const Step step : {Step::train, Step::infer, Step::xgrad}) {
        const std::string_view name = enum_name(step);
        const auto prepare = [net, batch, step, seed = plan.seed](Figure&) -> std::function<void()> {
          constexpr std::array works{&Worker::train, &Worker::infer, &Worker::xgrad};
          const auto worker =
              std::make_shared<Worker>(net, random_samples(net, std::max(batch, images), seed), batch, seed);
          return [worker, work = works[static_cast<std::size_t>(step)]] { (worker.get()->*work)(); };
        };
        jobs.push_back({{.section = Section::steps,
                         .names = Json::object({{"model", model.name}, {"step", name}, {"batch", batch}}),
                         .label = text(model.name, ", batch ", batch, ", ", name),
                         .flop = static_cast<double>(batch) * step_flop(net, step),
                         .count = static_cast<double>(batch),
                         .unit = "images"},
                        prepare});
      }
    }
  }
  return jobs;
}

std::vector<Job> attack_jobs(const BenchPlan& plan) {
  const auto victim = std::make_shared<Victim>(plan);
  const attacks::Jsma jsma{.gamma = 0.145F}, on_logits{.gamma = 0.145F, .of = attacks::Of::logits};
  return {attack_job(plan, victim, attacks::Fgsm{.eps = 0.3F}, false), attack_job(plan, victim, jsma, true),
          attack_job(plan, victim, on_logits, true)};
}

}  // namespace hans::apps
