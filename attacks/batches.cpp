// How attacks go through their samples.
#include <hans/attacks/batches.hpp>

#include <algorithm>
#include <cmath>

#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {
constexpr std::size_t batch = 128;
}

Crafted in_batches(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
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
  for (std::size_t first = 0; first < samples.size(); first += batch) {
    const std::size_t count = std::min(batch, samples.size() - first);
    const data::Samples part = samples.rows(first, count);
    std::vector<int> classes;
    for (std::size_t i = 0; i < count; ++i) classes.push_back(goal.of(first + i));
    Tensor images(part.images.shape(), part.images.values());
    craft({model, part, classes, goal.targeted, tape, images, std::span(made.notes).subspan(first, count), made});
    std::ranges::copy(images.values(), made.images.mutable_data() + first * features);
    if (options.progress) options.progress(first + count);
  }
  tape.clear();
  return made;
}

data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box) {
  const data::Box made{clip_min.value_or(box.lo), clip_max.value_or(box.hi)};
  check_usage(made.lo <= made.hi, "clip_min ", made.lo, " is above clip_max ", made.hi);
  return made;
}

}  // namespace hans::attacks
