// Runs an attack on many samples at once, each independent of the others.
#include <hans/attacks/driver.hpp>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/pieces.hpp>

namespace hans::attacks {
namespace {

using detail::Sample;

constexpr std::string_view no_gradient =
    "no gradient of the model's logits reaches the image (it rounds, or its output is a class), so an attack that "
    "follows gradients cannot be used; bpda may help";

/// The state of one drive() call, shared by its threads.
class Drive {
 public:
  Drive(const nn::Classifier& model, const data::Samples& samples, const Goal& goal, const CraftOptions& options,
        const Budget& budget, const std::function<Task<Stop>(GradientOracle&)>& begin)
      : model_(model),
        samples_(samples),
        goal_(goal),
        options_(options),
        budget_(budget),
        begin_(begin),
        draws_(model.random() ? std::max(options.draws, 1U) : 1),
        finished_(options.progress) {
    made_.images = Tensor(samples.images.shape(), samples.images.values());
    made_.notes.resize(samples.size());
    images_ = made_.images.mutable_data();
  }

  Crafted run() {
    Tape own;
    Tape& tape = options_.tape == nullptr ? own : *options_.tape;
    tape.clear();  // its contents may belong to other weights
    const nn::Cut cut = nn::cut(model_, samples_.size());
    const std::size_t flows = cut.apart ? std::min(thread_count(), cut.pieces) : std::min<std::size_t>(cut.pieces, 1);
    try {
      nn::on_tapes(flows, tape, [&](Tape& flow_tape, std::size_t) { flow(flow_tape, cut.size); });
    } catch (...) {
      tape.clear();
      throw;
    }
    tape.clear();
    for (const Note& note : made_.notes) {
      made_.forwards += note.forwards;
      made_.gradients += note.gradients;
    }
    return std::move(made_);
  }

 private:
  /// A sample in work.
  struct Work {
    Sample sample;
    GradientOracle oracle{sample};
    Task<Stop> task;
    Turn turn;
    unsigned max_forwards = 0, max_gradients = 0;
    double distance = 0;  // of the kept image
    bool moved = false;   // a gradient was not zero
    bool ended = false;
  };
  using Works = std::vector<std::unique_ptr<Work>>;

  /// Keeps `together` samples in work until none are left.
  void flow(Tape& tape, std::size_t together) {
    try {
      Works works;
      do {
        const std::size_t old = works.size();
        while (works.size() < together) {
          const std::size_t next = next_.fetch_add(1, std::memory_order_relaxed);
          if (next >= samples_.size()) break;
          works.push_back(prepared(next));
        }
        parallel_for(works.size() - old, [&](std::size_t k) { start(*works[old + k]); });
        if (std::ranges::any_of(works, [](const auto& work) { return !work->ended; })) ask(tape, works);
        const std::size_t ended = std::erase_if(works, [](const auto& work) { return work->ended; });
        if (ended > 0) finished_.add(ended);
        check(!options_.cancelled || !options_.cancelled(), "cancelled");
      } while (!works.empty() || next_.load(std::memory_order_relaxed) < samples_.size());
    } catch (...) {
      next_ = samples_.size();  // the other threads take no more samples
      throw;
    }
  }

  std::unique_ptr<Work> prepared(std::size_t row) {
    auto work = std::make_unique<Work>();
    const std::size_t features = model_.input().elements();
    Sample& sample = work->sample;
    sample.original = samples_.images.values().subspan(row * features, features);
    sample.image = {images_ + row * features, features};
    sample.shape = &model_.input();
    sample.classes = model_.classes();
    sample.label = samples_.labels[row];
    sample.goal = goal_.of(row);
    sample.targeted = goal_.targeted;
    sample.index = samples_.index[row];
    sample.seed = options_.seed;
    sample.budget = budget_;
    if (!options_.eps.empty()) sample.budget.size = static_cast<double>(options_.eps[row]);
    sample.note = &made_.notes[row];
    const Note before = options_.before.empty() ? Note{} : options_.before[row];
    work->max_forwards = options_.max_forwards - std::min(before.forwards, options_.max_forwards);
    work->max_gradients = options_.max_gradients - std::min(before.gradients, options_.max_gradients);
    sample.low.resize(features);
    sample.high.resize(features);
    if (!options_.mask.empty()) sample.mask = options_.mask.subspan(row * features % options_.mask.size(), features);
    return work;
  }

  void start(Work& work) {
    work.oracle.set_radius(work.sample.budget.size);
    work.task = begin_(work.oracle);
    work.task.begin(work.turn);
    go_on(work);
  }

  /// Resumes the attack until its next question or its end.
  void go_on(Work& work) {
    work.sample.asks = Sample::Asks::nothing;
    if (work.sample.waiting) work.turn.next = std::exchange(work.sample.waiting, {});
    while (work.turn.next) std::exchange(work.turn.next, {}).resume();
    if (work.task.done()) {
      const Stop stop = work.task.result();
      const bool flat = stop == Stop::finished && work.sample.note->gradients > 0 && !work.moved;
      return end(work, flat ? Stop::zero_gradient : stop);
    }
    const Note& note = *work.sample.note;
    const bool backward = work.sample.asks != Sample::Asks::scores;
    const bool forward = work.sample.asks != Sample::Asks::gradient;
    if ((forward && draws_ > work.max_forwards - note.forwards) ||
        (backward && draws_ > work.max_gradients - note.gradients)) {
      end(work, Stop::budget);
    }
  }

  void end(Work& work, Stop stop) {
    Sample& sample = work.sample;
    if (!sample.kept.empty()) {
      std::ranges::copy(work.sample.kept, sample.image.begin());
    } else {
      // No image was kept. This one may have moved since its last question, or be outside the ball.
      if (sample.reach > sample.budget.size) work.oracle.set_radius(sample.budget.size);
      work.oracle.project(sample.image);
    }
    for (std::size_t i = 0; i < sample.image.size(); ++i) {
      if (sample.image[i] == sample.original[i]) sample.image[i] = sample.original[i];  // restores the sign of zero
    }
    sample.note->stop = stop;
    work.task = {};
    work.ended = true;
  }

  /// Answers the questions of all samples: one forward pass for each draw, then the backward passes asked for.
  void ask(Tape& tape, const Works& works) {
    const std::size_t features = model_.input().elements();
    const std::size_t classes = model_.classes();
    std::vector<Work*> asking;
    bool slopes = false;
    for (const auto& work : works) {
      if (work->ended) continue;
      asking.push_back(work.get());
      slopes = slopes || work->sample.asks == Sample::Asks::slope;
    }
    tape.rewind();
    Tensor images = tape.make(model_.input().with_front(asking.size()));
    real* const first = images.mutable_data();
    parallel_for(asking.size(), [&](std::size_t k) {
      asking[k]->oracle.project(asking[k]->sample.question);
      std::ranges::copy(asking[k]->sample.question, first + k * features);
    });
    const Var input = slopes ? tape.watch(images) : tape.constant(images);
    std::vector<Var> logits;
    for (std::uint32_t draw = 1; draw <= draws_; ++draw) {
      logits.push_back(model_.logits_for(input, {draw, options_.straight_through}));
      check(!slopes || !options_.straight_through || logits.back().tracked(), no_gradient);
    }
    const Tensor all_logits = mean(tape, logits);
    const std::vector<int> predictions = nn::predictions(all_logits);
    parallel_for(asking.size(), [&](std::size_t k) {
      asking[k]->sample.logits = all_logits.values().subspan(k * classes, classes);
      asking[k]->sample.prediction = predictions[k];
      take_logits(*asking[k], logits, k);
    });
    const auto wants = [](const Work* work) { return !work->ended && work->sample.asks == Sample::Asks::gradient; };
    std::vector<unsigned char> wanted(asking.size());
    while (std::ranges::any_of(asking, wants)) {
      for (std::size_t k = 0; k < asking.size(); ++k) wanted[k] = wants(asking[k]) ? 1 : 0;
      Tensor found;
      for (std::size_t draw = 0; draw < logits.size(); ++draw) {
        Tensor seed = tape.full(logits[draw].shape(), 0);
        for (std::size_t k = 0; k < asking.size(); ++k) {
          if (wanted[k] == 0) continue;
          // A loss has weights for each draw; other gradients have one set for all.
          const std::span<const real> weights = asking[k]->sample.weights;
          const std::span<const real> own = weights.subspan(weights.size() == classes ? 0 : draw * classes, classes);
          std::ranges::copy(own, seed.mutable_data() + k * classes);
        }
        Tensor one;
        tape.gradients(logits[draw], seed, {&input, 1}, {&one, 1});
        if (draw == 0) {
          found = std::move(one);
        } else {
          add_to(found, one);
        }
      }
      divide_by(found, draws_);
      real* const all = found.mutable_data();
      parallel_for(asking.size(), [&](std::size_t k) {
        if (wanted[k] != 0) take_gradient(*asking[k], {all + k * features, features});
      });
    }
  }

  /// The mean of the logits of all draws.
  static Tensor mean(Tape& tape, std::span<const Var> logits) {
    if (logits.size() == 1) return logits[0].value();
    Tensor sum = tape.full(logits[0].shape(), 0);
    for (const Var& one : logits) add_to(sum, one.value());
    divide_by(sum, static_cast<unsigned>(logits.size()));
    return sum;
  }
  static void add_to(Tensor& sum, const Tensor& more) {
    real* const to = sum.mutable_data();
    for (std::size_t i = 0; i < sum.size(); ++i) to[i] += more.data()[i];
  }
  static void divide_by(Tensor& sum, unsigned count) {
    if (count == 1) return;
    for (real& value : sum.mutable_values()) value /= static_cast<real>(count);
  }

  /// Takes the model's answer for image k, and keeps the image if it reaches the goal.
  void take_logits(Work& work, std::span<const Var> logits, std::size_t k) {
    Sample& sample = work.sample;
    sample.note->forwards += draws_;
    check(sample.prediction != nn::no_prediction, "the logits of sample ", sample.index,
          " hold a value that is not a number");
    if (work.oracle.reached(sample.prediction) && !options_.to_the_end && keep(work)) {
      return end(work, sample.targeted ? Stop::target_reached : Stop::misclassified);
    }
    if (sample.asks != Sample::Asks::slope) return go_on(work);
    sample.weights.assign(draws_ * sample.classes, 0);
    sample.loss_value = 0;
    for (std::size_t draw = 0; draw < draws_; ++draw) {
      const std::size_t classes = sample.classes;
      sample.loss_value += sample.climb(sample.loss, logits[draw].value().values().subspan(k * classes, classes),
                                        std::span(sample.weights).subspan(draw * classes, classes));
    }
    if (draws_ > 1) sample.loss_value /= static_cast<real>(draws_);
    check(!std::isnan(sample.loss_value), "the loss of sample ", sample.index, " is not a number");
    sample.note->loss = sample.loss_value;
    sample.gradient = {};
    if (sample.unless_reached && work.oracle.reached(sample.prediction)) return go_on(work);
    sample.asks = Sample::Asks::gradient;
  }

  /// Keeps an image that reached the goal if it is the best so far. Returns whether the search is over, as in a finite
  /// budget.
  bool keep(Work& work) {
    Sample& sample = work.sample;
    const bool any_will_do = std::isfinite(sample.budget.size);
    if (!any_will_do || !sample.budget.prediction_only) {
      const double distance = distances(sample.original, sample.question).of(sample.budget.norm);
      if (distance > sample.budget.size || (!sample.kept.empty() && distance >= work.distance)) return false;
      work.distance = distance;
    }
    sample.kept.assign(sample.question.begin(), sample.question.end());
    return any_will_do;
  }

  void take_gradient(Work& work, std::span<real> gradient) {
    Sample& sample = work.sample;
    sample.note->gradients += draws_;
    for (std::size_t i = 0; i < sample.mask.size(); ++i) {
      if (!sample.mask[i]) gradient[i] = 0;
    }
    real most = 0;
    bool wrong = false;
    for (const real g : gradient) {
      most = std::max(most, std::abs(g));
      wrong = wrong || std::isnan(g);
    }
    check(!wrong, "the gradient of sample ", sample.index, " is not a number");
    sample.note->gradient_norm = most;
    work.moved = work.moved || most > 0;
    sample.gradient = gradient;
    go_on(work);
  }

  const nn::Classifier& model_;
  const data::Samples& samples_;
  const Goal& goal_;
  const CraftOptions& options_;
  const Budget& budget_;
  const std::function<Task<Stop>(GradientOracle&)>& begin_;
  const unsigned draws_;
  Crafted made_;
  real* images_ = nullptr;
  nn::Finished finished_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace

void LabelOracle::project(std::span<real> image) const {
  if (sample_.budget.prediction_only) return;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const real moved = image[i] < sample_.low[i] ? sample_.low[i] : image[i];
    image[i] = moved > sample_.high[i] ? sample_.high[i] : moved;
  }
  shrink(sample_.original, sample_.budget.norm, sample_.reach, image);
}

void LabelOracle::set_radius(double size) const {
  sample_.reach = size;
  Budget within = sample_.budget;
  within.size = size;
  bounds(sample_.original, within, sample_.low, sample_.high);
  for (std::size_t i = 0; i < sample_.mask.size(); ++i) {
    if (!sample_.mask[i]) sample_.low[i] = sample_.high[i] = sample_.original[i];
  }
}

void check_call(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options, Knowledge knowledge) {
  check(knowledge != Knowledge::gradients || model.differentiable() || options.straight_through, no_gradient);
  check(samples.images.shape() == model.input().with_front(samples.size()), "the model takes images of ", model.input(),
        "; ", samples.size(), " labels came with images of shape ", samples.images.shape());
  check(samples.index.size() == samples.size(), samples.size(), " labels came with ", samples.index.size(),
        " positions");
  check_labels(samples, model.classes());
  check(goal.classes.size() == 1 || goal.classes.size() == samples.size(), "a goal for ", goal.classes.size(),
        " samples does not fit ", samples.size());
  for (const int wanted : goal.classes) {
    check(wanted >= 0 && static_cast<std::size_t>(wanted) < model.classes(), "the class ", wanted,
          " is not one of the ", model.classes(), " classes 0 to ", model.classes() - 1);
  }
  const std::size_t features = model.input().elements();
  check(options.eps.empty() || options.eps.size() == samples.size(), "eps for ", options.eps.size(), " samples of ",
        samples.size());
  check(options.before.empty() || options.before.size() == samples.size(), "earlier notes on ", options.before.size(),
        " samples of ", samples.size());
  check(options.mask.empty() || options.mask.size() == features || options.mask.size() == features * samples.size(),
        "a mask of ", options.mask.size(), " features fits neither one image of ", features, " nor ", samples.size());
}

Crafted drive(const nn::Classifier& model, const data::Samples& samples, const Goal& goal, const CraftOptions& options,
              const Budget& budget, Knowledge knowledge, const std::function<Task<Stop>(GradientOracle&)>& begin) {
  check_call(model, samples, goal, options, knowledge);
  return Drive(model, samples, goal, options, budget, begin).run();
}

}  // namespace hans::attacks
