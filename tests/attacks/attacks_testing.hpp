// What the tests of attacks/ and defenses/ share: small models, random samples, models made of a plain function.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/onnx_export.hpp>
#include <hans/nn/onnx_import.hpp>
#include <hans/nn/sequential.hpp>

namespace testing_attacks {

using hans::real;
using hans::Shape;
using hans::Tensor;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// The message of the UsageError that `run` throws; fails the test on anything else.
template <class Run>
std::string usage_error_of(const Run& run) {
  try {
    run();
  } catch (const hans::UsageError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  } catch (const hans::Error& error) {
    ADD_FAILURE() << "an Error, not a UsageError: " << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// The attack that a SPEC names.
inline hans::attacks::Attack attack(std::string_view spec) {
  return hans::attacks::Attack::from_spec(hans::Spec::parse(spec));
}

/// What the attack's SPEC says of a parameter; empty if nothing.
inline std::string parameter(const hans::attacks::Attack& attack, std::string_view key) {
  const hans::Spec spec = attack.spec();
  const hans::Spec::Item* item = spec.find(key);
  return item == nullptr ? std::string() : item->value;
}

/// Images of bytes / 255, a third of the pixels 0 or 1, with labels and places in a data set that make no pattern.
inline hans::data::Samples random_samples(const Shape& image, std::size_t count, std::size_t classes,
                                          std::uint64_t seed) {
  hans::data::Samples samples{Tensor(image.with_front(count)), {}, {}, {}};
  hans::Stream stream(seed, "test samples");
  for (real& pixel : samples.images.mutable_values()) {
    const std::uint32_t kind = stream.below(6);
    const std::uint32_t byte = kind == 0 ? 0 : kind == 1 ? 255 : stream.below(256);
    pixel = static_cast<real>(byte) / real{255};
  }
  for (std::size_t i = 0; i < count; ++i) {
    samples.labels.push_back(static_cast<int>(stream.below(static_cast<std::uint32_t>(classes))));
    samples.index.push_back(static_cast<std::uint32_t>(7 * i + 3));
  }
  return samples;
}

/// Each sample's next class: a target that is never the label.
inline std::vector<int> next_classes(const std::vector<int>& labels, std::size_t classes) {
  std::vector<int> next;
  for (const int label : labels) next.push_back((label + 1) % static_cast<int>(classes));
  return next;
}

/// The goal that suits the attack: untargeted where it can be.
inline hans::attacks::Goal goal_for(const hans::attacks::Attack& attack, const std::vector<int>& labels,
                                    std::size_t classes) {
  if (attack.info().targets_by_default) return hans::towards(next_classes(labels, classes));
  return hans::away_from(labels);
}

/// A linear model, a perceptron, a small CNN and a graph that was read from an ONNX file, for the same images of 6x6x1
/// and four classes.
inline std::vector<hans::nn::Sequential> small_models() {
  std::vector<hans::nn::Sequential> models;
  for (const std::string_view layers : {"linear:units=4", "linear:units=12;relu;linear:units=4",
                                        "conv2d:filters=4,kernel=3;relu;max_pool2d:kernel=2;flatten;linear:units=4"}) {
    const bool dense = layers.substr(0, 6) == "linear";
    models.push_back(hans::nn::Sequential::parse(hans::text("6x6x1;", dense ? "flatten;" : "", layers), hans::Rng(5)));
  }
  std::vector<std::string> notes;
  const hans::nn::Sequential graph = hans::nn::Sequential::parse(
      "6x6x1;normalize:mean=0.3,std=0.2;conv2d:filters=3,kernel=3,padding=same;leaky_relu;conv2d:filters=3,kernel=3,"
      "padding=same;add:of=3/2;gelu;flatten;linear:units=4",
      hans::Rng(5));
  models.push_back(hans::nn::import_onnx(hans::nn::export_onnx(graph), {}, notes).net);
  return models;
}

/// logits = image * weights + bias; weights[feature][class].
inline hans::nn::Sequential linear_model(const Shape& image, std::size_t classes, const std::vector<real>& weights,
                                         const std::vector<real>& bias) {
  hans::nn::Sequential net(image, hans::Rng(0), hans::flatten,
                           hans::nn::Linear{.units = static_cast<unsigned>(classes)});
  const std::array<Tensor, 2> made{Tensor({image.elements(), classes}, weights), Tensor({classes}, bias)};
  net.set_weights(made);
  return net;
}

/// A model made of a plain function from the features of one image to its logits; all its gradients are zero.
class FunctionModel final : public hans::nn::Classifier {
 public:
  using Function = std::function<std::vector<real>(std::span<const real>)>;
  FunctionModel(const Shape& input, std::size_t classes, Function function)
      : input_(input), classes_(classes), function_(std::move(function)) {}

  const Shape& input() const override { return input_; }
  std::size_t classes() const override { return classes_; }
  hans::Var logits(const hans::Var& images) const override {
    const std::size_t features = input_.elements();
    std::vector<real> all;
    for (std::size_t i = 0; i < images.shape()[0]; ++i) {
      const std::vector<real> row = function_(images.value().values().subspan(i * features, features));
      all.insert(all.end(), row.begin(), row.end());
    }
    return images.tape().constant(Tensor({images.shape()[0], classes_}, all));
  }

 private:
  Shape input_;
  std::size_t classes_;
  Function function_;
};

/// Another model that counts the images put through it and the images whose gradient came back.
/// The same logits, but gradients that are not numbers.
class BrokenGradient final : public hans::nn::Classifier {
 public:
  explicit BrokenGradient(const hans::nn::Classifier& model) : model_(model) {}
  const Shape& input() const override { return model_.input(); }
  std::size_t classes() const override { return model_.classes(); }
  hans::Var logits(const hans::Var& images) const override {
    return images.tape().record("broken", model_.logits(images).value(), {&images},
                                [shape = images.shape()](const Tensor&, hans::Inputs& inputs) {
                                  inputs.add(0, Tensor::full(shape, not_a_number));
                                });
  }

 private:
  const hans::nn::Classifier& model_;
};

class CountingModel final : public hans::nn::Classifier {
 public:
  explicit CountingModel(const hans::nn::Classifier& model) : model_(model) {}
  const Shape& input() const override { return model_.input(); }
  std::size_t classes() const override { return model_.classes(); }
  hans::Var logits(const hans::Var& images) const override {
    const std::size_t count = images.shape()[0];
    *forwards_ += count;
    const hans::Var found = model_.logits(images);
    return images.tape().record("count", found.value(), {&found},
                                [gradients = gradients_, count](Tensor gradient, hans::Inputs& inputs) {
                                  *gradients += count;
                                  inputs.add(0, std::move(gradient));
                                });
  }
  std::uint64_t forwards() const { return *forwards_; }
  std::uint64_t gradients() const { return *gradients_; }

 private:
  const hans::nn::Classifier& model_;
  std::shared_ptr<std::uint64_t> forwards_ = std::make_shared<std::uint64_t>(0);
  std::shared_ptr<std::uint64_t> gradients_ = std::make_shared<std::uint64_t>(0);
};

/// Six samples that a small model gets right, and the goal to get away from their labels.
struct Setting {
  hans::nn::Sequential net;
  hans::data::Samples samples = random_samples(net.input(), 6, net.classes(), 21);
  hans::attacks::Goal goal;
  explicit Setting(std::size_t model = 2) : net(small_models()[model]) {
    samples.labels = hans::nn::predict(net, samples.images);  // all right, so that there is something to do
    goal = hans::away_from(samples.labels);
  }
};

}  // namespace testing_attacks
