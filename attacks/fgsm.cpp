// The fast gradient sign method.
#include <hans/attacks/fgsm.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/batches.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

// The gradient of each sample's loss, against targets made from the logits of the same forward pass.
template <class Targets>
ValueAndGrad loss_gradient(const Batch& batch, Targets targets) {
  batch.count.forwards += batch.samples.size();
  batch.count.gradients += batch.samples.size();
  return value_and_grad(
      batch.tape,
      [&](const Var& x) {
        const Var logits = batch.model.logits(x);
        return cross_entropy(logits, targets(logits.value()));
      },
      batch.images);
}

void note_gradients(const Batch& batch, const ValueAndGrad& found) {
  const std::size_t features = batch.images.shape().row_elements();
  for (std::size_t i = 0; i < batch.samples.size(); ++i) {
    Note& note = batch.notes[i];
    note.steps = 1;
    note.loss = found.value.data()[i];
    for (const real g : found.gradient.values().subspan(i * features, features)) {
      check(!std::isnan(g), "the gradient of sample ", batch.samples.index[i], " is not a number");
      note.gradient_norm = std::max(note.gradient_norm, std::abs(g));
    }
    if (note.gradient_norm == 0) note.stop = Stop::zero_gradient;
  }
}

}  // namespace

void Fgsm::validate() const { check_usage(norm != Norm::l0, "fgsm knows norm=linf, l2 and l1; for l0 use jsma"); }

Budget Fgsm::budget(const Shape& image, data::Box box) const {
  check_fields(*this);
  const data::Box clip = clip_box(clip_min, clip_max, box);
  check_reach(name, eps, norm, clip, image.elements());
  return {norm, eps, clip, false};
}

Fgsm Fgsm::resolved(data::Box box) const {
  const data::Box clip = clip_box(clip_min, clip_max, box);
  return {eps, norm, clip.lo, clip.hi, label.value_or(Label::data)};
}

Crafted Fgsm::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                         const CraftOptions& options) const {
  const data::Box clip = budget(model.input(), samples.box).box;
  const bool own_label = label == Label::model && !goal.targeted;
  return in_batches(model, samples, goal, options, [&](const Batch& batch) {
    const ValueAndGrad found = loss_gradient(batch, [&](const Tensor& logits) {
      if (!own_label) return smoothed_targets(batch.classes, model.classes());
      std::vector<int> own = nn::predictions(logits);
      std::ranges::replace(own, nn::no_prediction, 0);  // the loss reports the NaN
      return smoothed_targets(own, model.classes());
    });
    note_gradients(batch, found);
    const std::size_t features = batch.images.shape().row_elements();
    const std::span<real> images = batch.images.mutable_values();
    parallel_for(batch.samples.size(), [&](std::size_t i) {
      step_in_ball(batch.samples.images.values().subspan(i * features, features),
                   found.gradient.values().subspan(i * features, features), norm, static_cast<real>(eps.value()),
                   goal.targeted, clip, images.subspan(i * features, features));
    });
  });
}

Budget FgsmCleverhans100::budget(const Shape&, data::Box box) const {
  check_fields(*this);
  return {Norm::linf, eps, box, true};
}

Crafted FgsmCleverhans100::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                                      const CraftOptions& options) const {
  check_fields(*this);
  check_usage(!goal.targeted, "fgsm@cleverhans-1.0.0 takes no target: it moves away from the model's own prediction");
  return in_batches(model, samples, goal, options, [&](const Batch& batch) {
    const ValueAndGrad found = loss_gradient(batch, [&](const Tensor& logits) {
      // Every class that has the largest logit gets an equal share.
      Tensor targets(logits.shape());
      const std::size_t classes = model.classes();
      for (std::size_t i = 0; i < logits.shape()[0]; ++i) {
        const std::span<const real> row = logits.values().subspan(i * classes, classes);
        const real most = *std::ranges::max_element(row);
        const auto tied = static_cast<real>(std::ranges::count(row, most));
        for (std::size_t j = 0; j < classes; ++j) {
          if (row[j] == most) targets.mutable_data()[i * classes + j] = 1 / tied;
        }
      }
      return targets;
    });
    note_gradients(batch, found);
    const real step = eps.value();
    real* image = batch.images.mutable_data();
    for (std::size_t k = 0; k < batch.images.size(); ++k) {
      const real g = found.gradient.data()[k];
      image[k] += g > 0 ? step : g < 0 ? -step : real{0};
      if (clip_min && clip_max) image[k] = std::min(std::max(image[k], real{*clip_min}), real{*clip_max});
    }
  });
}

}  // namespace hans::attacks
