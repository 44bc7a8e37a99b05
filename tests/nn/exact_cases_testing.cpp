// Random questions to a verifier, with planted special cases.
#include <algorithm>
#include <cmath>
#include <iterator>

#include <hans/core/rng.hpp>

#include "exact_testing.hpp"

namespace exact_testing {
namespace {

using hans::Shape;
using hans::Stream;
using hans::Tensor;
using hans::nn::Layer;
using hans::nn::Linear;
using hans::nn::Sequential;

struct Question {
  std::string_view kind;
  std::vector<unsigned> units;  ///< inputs, hidden layers, classes
  std::vector<Tensor> weights;  ///< inputs x units and biases of each layer
  std::vector<float> image, low, high;
  float eps = 0;
  std::size_t label = 0;

  float& weight(std::size_t layer, std::size_t from, std::size_t to) {
    return weights[2 * layer].mutable_data()[from * units[layer + 1] + to];
  }
  float& bias(std::size_t layer, std::size_t unit) { return weights[2 * layer + 1].mutable_data()[unit]; }

  Sequential net() const {
    std::vector<Layer> layers{hans::flatten};
    for (std::size_t k = 1; k < units.size(); ++k) {
      if (k > 1) layers.emplace_back(hans::relu);
      layers.emplace_back(Linear{.units = units[k]});
    }
    std::size_t next = 0;
    return {Shape{1, units[0], 1}, std::move(layers),
            [&](const std::string&, const hans::nn::WeightInfo&) { return weights[next++]; }};
  }

  Rational worst() const { return worst_margin(net(), low, high, label); }
};

/// A multiple of 1/8 in [-2, 2].
float eighths(Stream& stream) { return (static_cast<float>(stream.below(33)) - 16) / 8; }

/// Gives class 0 margins that are convex in the last hidden layer, and the first hidden layer pairs of units like |x|
/// that fold near the image: minima are at folds, not in corners of the box.
void bend(Question& made) {
  for (unsigned unit = 0; unit < made.units[1]; ++unit) {
    float at_image = 0;
    for (std::size_t i = 0; i < made.units[0]; ++i) {
      float& weight = made.weight(0, i, unit);
      if (unit % 2 == 1) weight = -made.weight(0, i, unit - 1);
      at_image += weight * made.image[i];
    }
    made.bias(0, unit) = made.bias(0, unit) * made.eps - at_image;
  }
  const std::size_t last = made.units.size() - 2;
  for (std::size_t i = 0; i < made.units[last]; ++i) {
    for (unsigned j = 0; j < made.units[last + 1]; ++j) {
      float& weight = made.weight(last, i, j);
      weight = j == 0 ? std::abs(weight) : -std::abs(weight);
    }
  }
}

Question draw(std::string_view kind, Stream& stream) {
  const bool dense = kind == "dense";
  Question made{kind, {}, {}, {}, {}, {}};
  made.units.push_back(dense ? 4 : 2 + stream.below(3));
  for (unsigned hidden = dense ? 2 : 1 + stream.below(2); hidden > 0; --hidden) {
    made.units.push_back(dense ? 8 : 4 + stream.below(5));
  }
  made.units.push_back(dense || kind == "twins" ? 3 : 2 + stream.below(2));
  for (std::size_t k = 0; k + 1 < made.units.size(); ++k) {
    for (const Shape& shape : {Shape{made.units[k], made.units[k + 1]}, Shape{made.units[k + 1]}}) {
      Tensor& tensor = made.weights.emplace_back(shape);
      for (float& value : tensor.mutable_values()) {
        value = kind == "zeros" && stream.below(4) != 0 ? 0 : eighths(stream);
      }
    }
  }
  constexpr float radii[] = {1 / 32.0f, 1 / 8.0f, 1 / 4.0f, 1 / 2.0f};
  made.eps = kind == "point" ? 0 : dense ? radii[3] : radii[stream.below(4)];
  for (unsigned k = 0; k < made.units[0]; ++k) {
    made.image.push_back(static_cast<float>(stream.below(17)) / 16);
    made.low.push_back(std::max(made.image[k] - made.eps, 0.0f));
    made.high.push_back(std::min(made.image[k] + made.eps, 1.0f));
  }
  if (stream.below(4) != 0) bend(made);
  return made;
}

/// The least and the largest preactivation of a unit of the first hidden layer; exact, as all numbers are short.
std::pair<float, float> first_bounds(Question& made, std::size_t unit) {
  float low = made.bias(0, unit), high = low;
  for (std::size_t i = 0; i < made.units[0]; ++i) {
    const float weight = made.weight(0, i, unit);
    low += weight * (weight < 0 ? made.high[i] : made.low[i]);
    high += weight * (weight < 0 ? made.low[i] : made.high[i]);
  }
  return {low, high};
}

/// Changes a third of the units of the first hidden layer.
void plant_units(Question& made) {
  for (std::size_t unit = 0; unit < made.units[1]; unit += 3) {
    if (made.kind == "dead") made.bias(0, unit) = -8;
    if (made.kind == "zero unit") {
      for (std::size_t i = 0; i < made.units[0]; ++i) made.weight(0, i, unit) = 0;
      made.bias(0, unit) = 0;
    }
    if (made.kind == "touching") {
      const std::pair<float, float> bounds = first_bounds(made, unit);
      made.bias(0, unit) -= unit % 2 == 0 ? bounds.first : bounds.second;
    }
  }
}

void make_twins(Question& made, std::size_t of, std::size_t twin) {
  const std::size_t last = made.units.size() - 2;
  for (std::size_t i = 0; i < made.units[last]; ++i) made.weight(last, i, twin) = made.weight(last, i, of);
  made.bias(last, twin) = made.bias(last, of);
}

/// The class of the image, the lowest if several tie.
std::size_t class_of(const Question& made) {
  std::vector<Rational> point;
  for (const float value : made.image) point.push_back(Rational::of(value));
  const std::vector<Rational> logits = exact_logits(made.net(), point);
  return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

Case random_case(std::uint64_t seed) {
  const std::string_view kind = case_kinds[seed % std::size(case_kinds)];
  Stream stream = hans::Rng(seed).stream("exact case");
  const bool certified = stream.below(2) == 0;
  for (;;) {
    Question made = draw(kind, stream);
    plant_units(made);
    made.label = class_of(made);
    Rational worst;
    if (kind == "twins" && !certified) {
      make_twins(made, made.label, (made.label + 1) % 3);
      worst = made.worst();
    } else {
      // The label's last bias moves the worst margin to near 0, on the side that was drawn.
      if (kind == "twins") make_twins(made, (made.label + 1) % 3, (made.label + 2) % 3);
      worst = made.worst();
      const auto grid = static_cast<float>(std::round(worst.nearby() * 16) / 16);
      if (kind == "tie" && worst != grid) continue;
      const float apart = kind == "tie" ? (certified ? 1 / 64.0f : 0.0f) : static_cast<float>(1 << stream.below(3)) / 8;
      const float shift = (certified ? apart : -apart) - grid;
      made.bias(made.units.size() - 2, made.label) += shift;
      worst = worst + Rational::of(shift);
    }
    return {std::string(kind), made.net(), made.image, made.eps, made.low, made.high, made.label, worst};
  }
}

}  // namespace exact_testing
