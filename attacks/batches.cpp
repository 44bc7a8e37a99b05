// How attacks go through their samples.
#include <hans/attacks/batches.hpp>

#include <algorithm>
#include <cmath>

#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

Crafted in_parts(std::size_t size, const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                 const CraftOptions& options, const std::function<void(const Batch&)>& craft) {
  check(samples.images.shape() == model.input().with_front(samples.size()), "the model takes images of ", model.input(),
        "; ", samples.size(), " labels came with images of shape ", samples.images.shape());
  check(goal.classes.size() == 1 || goal.classes.size() == samples.size(), "a goal for ", goal.classes.size(),
        " samples does not fit ", samples.size());
  for (const int wanted : goal.classes) {
    check(wanted >= 0 && static_cast<std::size_t>(wanted) < model.classes(), "the class ", wanted,
          " is not one of the ", model.classes(), " classes 0 to ", model.classes() - 1);
  }
  Crafted made;
  made.images = Tensor::uninitialised(samples.images.shape());
  made.notes.resize(samples.size());
  Tape own;
  Tape& tape = options.tape == nullptr ? own : *options.tape;
  tape.clear();  // whatever was kept may be of other weights
  const std::size_t features = model.input().elements();
  for (std::size_t first = 0; first < samples.size(); first += size) {
    const std::size_t count = std::min(size, samples.size() - first);
    const data::Samples part = samples.rows(first, count);
    std::vector<int> classes;
    for (std::size_t i = 0; i < count; ++i) classes.push_back(goal.of(first + i));
    std::function<void(std::size_t)> progress;
    if (options.progress) progress = [&options, first](std::size_t finished) { options.progress(first + finished); };
    Tensor images(part.images.shape(), part.images.values());
    craft({model, part, classes, goal.targeted, tape, images, std::span(made.notes).subspan(first, count), made,
           progress});
    std::ranges::copy(images.values(), made.images.mutable_data() + first * features);
    if (progress) progress(count);
  }
  tape.clear();
  return made;
}

}  // namespace

Crafted in_batches(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                   const CraftOptions& options, const std::function<void(const Batch&)>& craft) {
  return in_parts(most_together, model, samples, goal, options, craft);
}

Crafted in_flow(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options, const std::function<void(const Batch&)>& craft) {
  return in_parts(std::max<std::size_t>(samples.size(), 1), model, samples, goal, options, craft);
}

data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box) {
  const data::Box made{clip_min.value_or(box.lo), clip_max.value_or(box.hi)};
  check_usage(made.lo <= made.hi, "clip_min ", made.lo, " is above clip_max ", made.hi);
  return made;
}

}  // namespace hans::attacks
