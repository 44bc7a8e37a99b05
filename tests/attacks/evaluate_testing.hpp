// An attack and a model whose every outcome is known, for tests of evaluations.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <hans/attacks/evaluate.hpp>

#include "../data/data_testing.hpp"
#include "attacks_testing.hpp"

namespace sample {

using namespace hans;
using attacks::Budget;
using attacks::Crafted;
using attacks::CraftOptions;
using attacks::Goal;
using attacks::Norm;

/// Adds `by` to the first feature, or, towards a target, jumps to the middle of its part if that is not further.
template <bool takes>
struct Push {
  Required<float> by;
  float limit = 1;

  static constexpr std::string_view name = takes ? "push" : "shove";
  static constexpr std::string_view meaning = "pushes";
  static constexpr std::string_view paper = "none";
  static constexpr bool takes_targets = takes;
  static constexpr auto fields() {
    return std::tuple(field("by", &Push::by, "how far"), field("limit", &Push::limit, "its budget"));
  }
  Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                     const CraftOptions& options = {}) const {
    Crafted made{Tensor(samples.images.shape(), samples.images.values()), {}, samples.size(), 2 * samples.size(), {}};
    made.notes.resize(samples.size());
    for (std::size_t i = 0; i < samples.size(); ++i) {
      real& x = made.images.mutable_data()[2 * i];
      const float middle = (static_cast<float>(goal.of(i)) + 0.5F) / static_cast<float>(model.classes());
      if (!goal.targeted) {
        x += by;
      } else if (std::abs(middle - x) <= by) {
        x = middle;
      }
      made.notes[i].steps = samples.index[i];
    }
    if (options.progress) options.progress(samples.size());
    return made;
  }
  Budget budget(const Shape&, data::Box box) const { return {Norm::linf, static_cast<double>(limit), box, false}; }
  Push resolved(data::Box) const { return *this; }
};

/// Gives so many images and notes, whatever it is asked for.
struct Forgetful {
  unsigned images = 0, notes = 0;
  float eps = 0.5F;

  static constexpr std::string_view name = "forgetful", meaning = "forgets", paper = "none", norms = "linf";
  static constexpr auto fields() {
    return std::tuple(field("images", &Forgetful::images, "given"), field("notes", &Forgetful::notes, "given"),
                      field("eps", &Forgetful::eps, "its budget"));
  }
  Crafted operator()(const nn::Classifier& model, const data::Samples&, const Goal&, const CraftOptions&) const {
    return {Tensor(model.input().with_front(images)), std::vector<attacks::Note>(notes), 0, 0, {}};
  }
};

}  // namespace sample

namespace testing_evaluate {

using namespace hans;
using namespace testing_attacks;
using attacks::Attack;
using attacks::EvaluateOptions;
using attacks::Evaluation;
using attacks::Targets;
using testing_data::error_of;
using Push = sample::Push<true>;
using Shove = sample::Push<false>;

inline constexpr std::size_t class_count = 4;
inline const Shape image{1, 2, 1};

/// The class is the first feature in quarters.
inline const FunctionModel quarters(image, class_count, [](std::span<const real> x) {
  std::vector<real> logits(class_count, 0);
  logits[std::min(static_cast<std::size_t>(std::max(x[0], real{0}) * 4), class_count - 1)] = 1;
  return logits;
});

/// Images whose first features are `firsts`, with labels.
inline data::Dataset dataset(const std::vector<float>& firsts, const std::vector<int>& labels) {
  std::vector<float> pixels;
  for (const float first : firsts) {
    pixels.push_back(first);
    pixels.push_back(0.5F);
  }
  return {"by hand", image, pixels, labels, class_count};
}

inline Evaluation evaluated(const data::Dataset& data, std::vector<Attack> all, const EvaluateOptions& options = {}) {
  return attacks::evaluate(quarters, data.first(data.size()), all, options);
}

inline const data::Dataset five = dataset({0.125, 0.375, 0.625, 0.875, 0.125}, {0, 1, 2, 3, 1});  // the last is wrong

}  // namespace testing_evaluate
