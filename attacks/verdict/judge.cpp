// Decides from the images alone what an attack achieved.
#include <hans/attacks/judge.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

/// Whether the winning logit (of `wanted`: the target, or the prediction) leads by so little that the rounding of
/// another program may undo it. It must lead the label's logit or, with a target, any other.
bool is_narrow(std::span<const real> logits, int wanted, std::optional<int> label) {
  double best = -HUGE_VAL, largest = 0;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    const int which = static_cast<int>(c);
    const auto logit = static_cast<double>(logits[c]);
    largest = std::max(largest, std::abs(logit));
    if (which != wanted && which == label.value_or(which)) best = std::max(best, logit);
  }
  return static_cast<double>(logits[static_cast<std::size_t>(wanted)]) - best <= std::ldexp(largest, -16);
}

Finding find(std::span<const real> original, std::span<const real> image, int prediction, int label, int wanted,
             bool targeted, const Budget& budget) {
  Finding finding;
  finding.prediction = prediction;
  finding.distance = distances(original, image);
  const bool numbers = std::ranges::all_of(image, [](real value) { return std::isfinite(value); });
  const bool in_ball = budget.prediction_only || finding.distance.of(budget.norm) <= budget.size;
  const bool in_box = budget.prediction_only || std::ranges::all_of(image, [&](real value) {
                        return value >= static_cast<real>(budget.box.lo) && value <= static_cast<real>(budget.box.hi);
                      });
  finding.allowed = numbers && in_ball && in_box;
  const bool reached = targeted ? prediction == wanted : prediction != wanted;
  const bool predicted = prediction != nn::no_prediction;
  finding.success = finding.allowed && predicted && reached;
  finding.evades = finding.allowed && predicted && prediction != label;
  if (!numbers || !predicted) {
    finding.reason = Reason::not_a_number;
  } else if (!in_box) {
    finding.reason = Reason::outside_box;
  } else if (!in_ball) {
    finding.reason = Reason::outside_ball;
  } else if (!reached) {
    finding.reason = prediction == label ? Reason::unchanged_prediction : Reason::other_class;
  } else {
    finding.reason = Reason::success;
  }
  return finding;
}

}  // namespace

void check_labels(const data::Samples& samples, std::size_t classes) {
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const int label = samples.labels[k];
    check(label >= 0 && static_cast<std::size_t>(label) < classes, "the label ", label, " of sample ", samples.index[k],
          " is not one of the ", classes, " classes 0 to ", classes - 1);
  }
}

std::size_t Outcome::successes() const {
  return static_cast<std::size_t>(std::ranges::count_if(findings, [](const Finding& f) { return f.success; }));
}

Outcome judge(const nn::Classifier& model, const data::Samples& samples, const Tensor& images, const Goal& goal,
              const Budget& budget, std::span<const float> eps, Tape* tape) {
  check(images.shape() == samples.images.shape() && images.shape() == model.input().with_front(samples.size()),
        "the judge got ", samples.size(), " samples of shape ", samples.images.shape(), " and images of shape ",
        images.shape(), " for a model that takes ", model.input());
  check(goal.classes.size() == 1 || goal.classes.size() == samples.size(), "a goal for ", goal.classes.size(),
        " samples does not fit ", samples.size());
  check(eps.empty() || eps.size() == samples.size(), "eps for ", eps.size(), " samples of ", samples.size());
  check_labels(samples, model.classes());
  const Tensor logits = nn::logits(model, images, tape);
  const std::vector<int> predictions = nn::predictions(logits);
  const std::size_t features = model.input().elements(), classes = model.classes();
  Outcome outcome;
  outcome.findings.reserve(samples.size());
  Budget own = budget;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if (!eps.empty()) own.size = static_cast<double>(eps[i]);
    outcome.findings.push_back(find(samples.images.values().subspan(i * features, features),
                                    images.values().subspan(i * features, features), predictions[i], samples.labels[i],
                                    goal.of(i), goal.targeted, own));
    Finding& finding = outcome.findings.back();
    finding.narrow = finding.success && is_narrow(logits.values().subspan(i * classes, classes), finding.prediction,
                                                  goal.targeted ? std::nullopt : std::optional(goal.of(i)));
  }
  return outcome;
}

}  // namespace hans::attacks
