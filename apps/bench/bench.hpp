// hans bench: the figures, their jobs, and the reports.
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

/// The groups of figures, in the order of reports.
enum class Section { peak, bandwidth, sgemm, layers, steps, attacks };
constexpr std::array<std::string_view, 6> enum_names(Section) {
  return {"peak", "bandwidth", "sgemm", "layers", "steps", "attacks"};
}

/// The spread of several measurements.
struct Spread {
  double median = 0, min = 0, max = 0;
};

/// A figure: the time of one call, and what the call did.
struct Figure {
  Section section = Section::peak;
  Json names = {};         ///< what identifies it: the first keys of its JSON
  std::string label = {};  ///< names, for people
  double flop = 0;         ///< floating-point operations, two per multiply-add; 0: not counted
  double count = 0;        ///< of `unit`; 0: not counted
  std::string unit = {};   ///< "images"
  Spread seconds = {};     ///< per call, over the rounds
  double peak_before = 0;  ///< peak FLOP per second, measured right before
  double peak_after = 0;   ///< and right after

  double share() const;       ///< of the mean of both peaks
  Spread gflops() const;      ///< 10^9 operations per second
  Spread per_second() const;  ///< of `unit`
};

/// A figure to measure: `prepare` may complete the figure, and returns the function to time.
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
  double seconds = 0.2;               ///< shortest length of a round
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

/// Measures the jobs one after the other. Other load on the machine distorts the result.
std::vector<Figure> measure(const std::vector<Job>& jobs, const BenchPlan& plan,
                            const std::function<void(std::size_t done, const std::string& label)>& progress);

/// Reports of the figures, for machines and for people.
Json bench_json(const std::vector<Figure>& figures, const BenchPlan& plan);
std::string bench_text(const std::vector<Figure>& figures, const BenchPlan& plan);

/// A layer with weights, as the product that the kernels compute.
struct LayerProduct {
  std::size_t position;  ///< in the network
  std::string text;      ///< kind and shape of the weights: "conv2d 8x8x1x64"
  kernels::Conv conv;
};

/// The layers of `net` that have weights, for `samples` images.
std::vector<LayerProduct> products_of(const nn::Sequential& net, std::size_t samples);

/// Multiply-adds of a product, including those with the padding's zeros.
double multiply_adds(const kernels::Conv& conv);

/// The cost of one image. `train` is forward, backward without the gradient of the image, and the optimizer (whose few
/// operations are not counted); `xgrad` is the gradient with respect to the image only.
enum class Step { train, infer, xgrad };
constexpr std::array<std::string_view, 3> enum_names(Step) { return {"train", "infer", "xgrad"}; }
double step_flop(const nn::Sequential& net, Step step);

/// Uniform random numbers in [0, 1), which repeat after 65,537.
Tensor bench_noise(const Shape& shape, std::uint64_t seed, std::string_view purpose);

}  // namespace hans::apps
