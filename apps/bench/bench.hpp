// hans bench: what is measured, and how.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <hans/core/json.hpp>
#include <hans/core/kernels.hpp>
#include "../inputs.hpp"

namespace hans::apps {

/// The groups of figures, in the order in which they are reported.
enum class Section { peak, bandwidth, sgemm, layers, steps, attacks };
constexpr std::array<std::string_view, 6> enum_names(Section) {
  return {"peak", "bandwidth", "sgemm", "layers", "steps", "attacks"};
}

/// A number that was measured several times.
struct Spread {
  double median = 0, min = 0, max = 0;
};

/// Something measured, per call of what was timed.
struct Figure {
  Section section = Section::peak;
  Json names = {};         ///< what tells it apart: the first keys of its JSON
  std::string label = {};  ///< the same for people
  double flop = 0;         ///< floating-point operations, two for a multiply-add; 0: none are counted
  double count = 0;        ///< of `unit`; 0: nothing is counted
  std::string unit = {};   ///< "images"
  Spread seconds = {};     ///< over the rounds
  double peak_before = 0;  ///< FLOP a second that the threads reached right before and right after
  double peak_after = 0;

  double share() const;       ///< of the mean of both peaks
  Spread gflops() const;      ///< 10^9 operations a second
  Spread per_second() const;  ///< of `unit`
};

/// A figure to be: `prepare` may complete it, and gives what is to be timed.
struct Job {
  Figure figure;
  std::function<std::function<void()>(Figure&)> prepare;
};

/// What to measure, and how long.
struct BenchPlan {
  std::vector<NamedModel> models = {};
  std::vector<std::size_t> step_batches = {1, 16, 128, 1024};
  std::vector<std::size_t> layer_batches = {128};
  std::uint64_t seed = 0;
  unsigned rounds = 5;
  double seconds = 0.2;               ///< least length of a round
  std::string attacked = "v1";        ///< the built-in model that is trained and attacked
  unsigned attacked_epochs = 6;       ///< over the training images of mnist-5k
  std::size_t attacked_images = 500;  ///< for FGSM
  std::size_t attacked_by_jsma = 14;  ///< images for JSMA, each to all the other classes
};

/// The jobs of a section.
std::vector<Job> peak_jobs();
std::vector<Job> sgemm_jobs(const BenchPlan& plan);
std::vector<Job> layer_jobs(const BenchPlan& plan);
std::vector<Job> step_jobs(const BenchPlan& plan);
std::vector<Job> attack_jobs(const BenchPlan& plan);

/// Measures one job after the other. The result is only as good as the machine is idle.
std::vector<Figure> measure(const std::vector<Job>& jobs, const BenchPlan& plan,
                            const std::function<void(std::size_t done, const std::string& label)>& progress);

/// What a report says of the figures, for machines and for people.
Json bench_json(const std::vector<Figure>& figures, const BenchPlan& plan);
std::string bench_text(const std::vector<Figure>& figures, const BenchPlan& plan);

/// A layer with weights as the product that the kernels compute.
struct LayerProduct {
  std::size_t position;  ///< in the network
  std::string text;      ///< kind and shape of the weights: "conv2d 8x8x1x64"
  kernels::Conv conv;
};

/// The layers of `net` that have weights, for `samples` images.
std::vector<LayerProduct> products_of(const nn::Sequential& net, std::size_t samples);

/// Multiply-adds of a product, those with zeros of the padding included.
double multiply_adds(const kernels::Conv& conv);

/// What one image costs. `train` is forward, backward without the first layer's input gradient, and the optimizer,
/// whose few operations are not counted; `xgrad` is the gradient with respect to the image only.
enum class Step { train, infer, xgrad };
constexpr std::array<std::string_view, 3> enum_names(Step) { return {"train", "infer", "xgrad"}; }
double step_flop(const nn::Sequential& net, Step step);

/// Uniform random numbers in [0, 1); after the first 65,537 they repeat.
Tensor bench_noise(const Shape& shape, std::uint64_t seed, std::string_view purpose);

}  // namespace hans::apps
