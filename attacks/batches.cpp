// How attacks go through their samples.
#include <hans/attacks/batches.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/pieces.hpp>

namespace hans::attacks {
namespace {

void check_goal(const nn::Classifier& model, const data::Samples& samples, const Goal& goal) {
  check(model.differentiable(),
        "no gradient of the model's logits reaches the image (it rounds, or its output is a class), so an attack that "
        "follows gradients cannot be used");
  check(samples.images.shape() == model.input().with_front(samples.size()), "the model takes images of ", model.input(),
        "; ", samples.size(), " labels came with images of shape ", samples.images.shape());
  check(samples.index.size() == samples.size(), samples.size(), " labels came with ", samples.index.size(),
        " positions");
  check(goal.classes.size() == 1 || goal.classes.size() == samples.size(), "a goal for ", goal.classes.size(),
        " samples does not fit ", samples.size());
  for (const int wanted : goal.classes) {
    check(wanted >= 0 && static_cast<std::size_t>(wanted) < model.classes(), "the class ", wanted,
          " is not one of the ", model.classes(), " classes 0 to ", model.classes() - 1);
  }
}

std::vector<int> classes_of(const Goal& goal, std::size_t first, std::size_t count) {
  std::vector<int> classes;
  for (std::size_t i = 0; i < count; ++i) classes.push_back(goal.of(first + i));
  return classes;
}

/// What the parts of one run have in common.
class Run {
 public:
  Run(const data::Samples& samples, const CraftOptions& options)
      : tape_(options.tape == nullptr ? own_ : *options.tape), finished_(options.progress) {
    made.images = Tensor(samples.images.shape(), samples.images.values());
    made.notes.resize(samples.size());
    tape_.clear();  // whatever was kept may be of other weights
  }
  ~Run() { tape_.clear(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Tape& tape() { return tape_; }

  /// Calls body(count, progress) for a part of the samples.
  template <class Body>
  void part(const Body& body) {
    Crafted count;
    std::size_t before = 0;
    body(count, [&](std::size_t finished) {
      finished_.add(finished - before);
      before = finished;
    });
    const std::lock_guard lock(mutex_);
    made.forwards += count.forwards;
    made.gradients += count.gradients;
  }

  Crafted made;

 private:
  Tape own_;
  Tape& tape_;
  nn::Finished finished_;
  std::mutex mutex_;
};

}  // namespace

Crafted in_batches(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                   const CraftOptions& options, const std::function<void(const Batch&)>& craft) {
  check_goal(model, samples, goal);
  Run run(samples, options);
  real* const all = run.made.images.mutable_data();
  nn::for_pieces(model, samples.size(), run.tape(), [&](Tape& tape, std::size_t first, std::size_t count) {
    run.part([&](Crafted& counted, const std::function<void(std::size_t)>& progress) {
      const data::Samples part = samples.rows(first, count);
      const std::vector<int> classes = classes_of(goal, first, count);
      Tensor images = tape.make(part.images.shape());
      std::ranges::copy(part.images.values(), images.mutable_data());
      const std::span<Note> notes = std::span(run.made.notes).subspan(first, count);
      craft({model, part, classes, goal.targeted, tape, images, notes, counted, progress});
      std::ranges::copy(images.values(), all + first * model.input().elements());
      progress(count);
    });
  });
  return std::move(run.made);
}

Crafted in_flow(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options, const std::function<void(const Flow&)>& craft) {
  check_goal(model, samples, goal);
  Run run(samples, options);
  const std::vector<int> classes = classes_of(goal, 0, samples.size());
  std::atomic<std::size_t> next{0};
  const std::function<std::optional<std::size_t>()> take = [&]() -> std::optional<std::size_t> {
    const std::size_t sample = next.fetch_add(1, std::memory_order_relaxed);
    if (sample >= samples.size()) return std::nullopt;
    return sample;
  };
  const nn::Cut cut = nn::cut(model, samples.size());
  const std::size_t flows = cut.apart ? std::min(thread_count(), cut.pieces) : std::min<std::size_t>(cut.pieces, 1);
  nn::on_tapes(flows, run.tape(), [&](Tape& tape, std::size_t) {
    run.part([&](Crafted& counted, const std::function<void(std::size_t)>& progress) {
      try {
        craft({{model, samples, classes, goal.targeted, tape, run.made.images, run.made.notes, counted, progress},
               cut.size,
               take});
      } catch (...) {
        next = samples.size();  // the others end with what they have in work
        throw;
      }
    });
  });
  return std::move(run.made);
}

data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box) {
  const data::Box made{clip_min.value_or(box.lo), clip_max.value_or(box.hi)};
  check_usage(made.lo <= made.hi, "clip_min ", made.lo, " is above clip_max ", made.hi);
  return made;
}

}  // namespace hans::attacks
