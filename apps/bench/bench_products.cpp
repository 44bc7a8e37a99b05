// hans bench: the peak, the memory, matrix products and single layers.
#include "bench.hpp"

#include <memory>

#include <hans/core/parallel.hpp>
#include <hans/nn/walk.hpp>
#include "../run/figures.hpp"

namespace hans::apps {
namespace {

using kernels::Conv;

std::function<void()> peak_work(Figure& figure, std::size_t threads) {
  constexpr std::size_t steps = 10000;
  const std::size_t units = threads == 1 ? 1 : 4 * threads;
  figure.flop = kernels::peak_chains(steps) * static_cast<double>(units);
  if (threads == 1) return [] { kernels::peak_chains(steps); };
  return [units] { parallel_for(units, [](std::size_t) { kernels::peak_chains(steps); }); };
}

/// Reads memory that no cache holds.
class Reader {
 public:
  explicit Reader(std::size_t bytes) : words_(bytes / sizeof(std::uint64_t), 1), sums_(units) {}

  double bytes() const { return static_cast<double>(words_.size() * sizeof(std::uint64_t)); }

  void read(bool shared) {
    if (shared) {
      parallel_for(units, [this](std::size_t unit) { read_part(unit); });
    } else {
      for (std::size_t unit = 0; unit < units; ++unit) read_part(unit);
    }
  }

 private:
  static constexpr std::size_t units = 64;

  void read_part(std::size_t unit) {
    const std::size_t size = words_.size() / units;
    const std::uint64_t* const from = words_.data() + unit * size;
    std::uint64_t sums[8] = {};
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
      for (std::size_t lane = 0; lane < 8; ++lane) sums[lane] += from[i + lane];
    }
    for (const std::uint64_t sum : sums) sums_[unit] += sum;  // kept, or nothing would be read
  }

  std::vector<std::uint64_t> words_, sums_;
};

/// What the kernels need for one product.
struct Product {
  explicit Product(const Conv& made, std::uint64_t seed)
      : conv(made),
        images(bench_noise({conv.samples, conv.height, conv.width, conv.channels}, seed, "bench/images")),
        weights(bench_noise({conv.kernel_height, conv.kernel_width, conv.channels / conv.groups, conv.filters}, seed,
                            "bench/weights")),
        bias(bench_noise({conv.filters}, seed, "bench/bias")),
        packed(Tensor::uninitialised({kernels::forward_pack_size(conv)})),
        out(Tensor::uninitialised({conv.samples, conv.out_height, conv.out_width, conv.filters})) {}

  void pack() { kernels::pack_forward(conv, weights.data(), packed.mutable_data()); }
  void forward(const real* added) {
    kernels::conv_forward(conv, images.data(), packed.data(), added, kernels::Activation::none, out.mutable_data());
  }
  void forward_unpacked() {
    kernels::conv_forward(conv, images.data(), {weights.data(), packed.mutable_data()}, nullptr,
                          kernels::Activation::none, out.mutable_data());
  }

  Conv conv;
  Tensor images, weights, bias, packed, out;
};

/// And for its gradients.
struct Gradients : Product {
  Gradients(const Conv& made, std::uint64_t seed)
      : Product(made, seed),
        gradient(bench_noise(out.shape(), seed, "bench/gradient")),
        turned(Tensor::uninitialised({kernels::backward_pack_size(conv)})),
        image_gradient(Tensor::uninitialised(images.shape())),
        weight_gradient(Tensor::uninitialised(weights.shape())),
        bias_gradient(Tensor::uninitialised(bias.shape())) {
    kernels::pack_backward(conv, weights.data(), turned.mutable_data());
  }

  void to_outputs() { forward(bias.data()); }
  void to_images() {
    kernels::conv_input_gradient(conv, gradient.data(), turned.data(), nullptr, image_gradient.mutable_data());
  }
  void to_weights() {
    kernels::conv_weight_gradient(conv, images.data(), gradient.data(), weight_gradient.mutable_data(),
                                  bias_gradient.mutable_data());
  }

  Tensor gradient, turned, image_gradient, weight_gradient, bias_gradient;
};

Job sgemm_job(std::size_t m, std::size_t n, std::size_t k, bool packed_before, std::uint64_t seed) {
  const Conv conv{.samples = m, .channels = k, .filters = n};
  const auto prepare = [=](Figure&) -> std::function<void()> {
    const auto product = std::make_shared<Product>(conv, seed);
    product->pack();
    if (packed_before) return [product] { product->forward(nullptr); };
    return [product] { product->forward_unpacked(); };
  };
  return {{.section = Section::sgemm,
           .names = Json::object({{"m", m}, {"n", n}, {"k", k}, {"packed", packed_before ? "before" : "each_call"}}),
           .label = text(m, "x", n, "x", k, packed_before ? ", packed before" : ", packed in each call"),
           .flop = 2 * multiply_adds(conv)},
          prepare};
}

/// What is timed of a layer.
constexpr std::array<std::pair<std::string_view, void (Gradients::*)()>, 3> passes{
    {{"forward", &Gradients::to_outputs},
     {"input_gradient", &Gradients::to_images},
     {"weight_gradient", &Gradients::to_weights}}};

Job layer_job(const std::string& model, const LayerProduct& layer, std::size_t pass, std::uint64_t seed) {
  const auto& [name, work] = passes[pass];
  const std::size_t batch = layer.conv.samples;
  const auto prepare = [conv = layer.conv, work = work, seed](Figure&) -> std::function<void()> {
    const auto product = std::make_shared<Gradients>(conv, seed);
    product->pack();
    return [product, work] { (product.get()->*work)(); };
  };
  return {{.section = Section::layers,
           .names = Json::object(
               {{"model", model}, {"layer", layer.position}, {"shape", layer.text}, {"pass", name}, {"batch", batch}}),
           .label = text(model, " ", layer.position, " ", layer.text, ", batch ", batch, ", ", name),
           .flop = 2 * multiply_adds(layer.conv),
           .count = static_cast<double>(batch),
           .unit = "images"},
          prepare};
}

/// The product of a layer that is timed.
struct ProductOf {
  std::optional<Conv> operator()(const nn::Conv2d& layer) const {
    const Window window = nn::window_of(layer, at.in());
    return Conv{.samples = samples,
                .height = at.in()[0],
                .width = at.in()[1],
                .channels = at.in()[2],
                .filters = layer.filters,
                .kernel_height = layer.kernel.value().height,
                .kernel_width = layer.kernel.value().width,
                .stride_height = window.stride_height,
                .stride_width = window.stride_width,
                .pad_top = window.pad_top,
                .pad_left = window.pad_left,
                .out_height = at.out()[0],
                .out_width = at.out()[1],
                .dilation_height = window.dilation_height,
                .dilation_width = window.dilation_width,
                .groups = layer.groups.value_or(1)};
  }
  std::optional<Conv> operator()(const nn::Linear& layer) const {
    return Conv{.samples = samples, .channels = at.in()[0], .filters = layer.units};
  }
  template <class L>
  requires(!nn::HasWeights<L> || nn::OneOf<L, nn::ConvTranspose2d, nn::BatchNorm, nn::InstanceNorm, nn::LayerNorm,
                                           nn::Constant, nn::Take, nn::Normalize>) std::optional<Conv>
  operator()(const L&) const { return {}; }

  const nn::LayerAt& at;
  std::size_t samples;
};

}  // namespace

double multiply_adds(const Conv& conv) {
  return static_cast<double>(conv.samples * conv.out_height * conv.out_width) *
         static_cast<double>(conv.kernel_height * conv.kernel_width * (conv.channels / conv.groups) * conv.filters);
}

std::vector<LayerProduct> products_of(const nn::Sequential& net, std::size_t samples) {
  std::vector<LayerProduct> products;
  for (std::size_t position = 0; position < net.layers().size(); ++position) {
    const nn::LayerAt at{net, position};
    if (const std::optional<Conv> conv = nn::visit(at.layer(), ProductOf{at, samples})) {
      products.push_back({position, text(at.layer().spec().name, " ", at.weights()[0].shape()), *conv});
    }
  }
  return products;
}

std::vector<Job> peak_jobs() {
  static constexpr std::size_t bytes = std::size_t{256} << 20;
  std::vector<std::size_t> threads{1};
  if (thread_count() > 1) threads.push_back(thread_count());
  std::vector<Job> jobs;
  for (const std::size_t count : threads) {
    jobs.push_back({{.names = Json::object({{"threads", count}}),
                     .label = text("GFLOP/s of multiply-adds, ", counted(count, "thread"))},
                    [count](Figure& figure) { return peak_work(figure, count); }});
  }
  for (const std::size_t count : threads) {
    jobs.push_back({{.section = Section::bandwidth,
                     .names = Json::object({{"threads", count}}),
                     .label = text("GB/s read from memory, ", counted(count, "thread")),
                     .unit = "gigabytes"},
                    [count](Figure& figure) -> std::function<void()> {
                      const auto reader = std::make_shared<Reader>(bytes);
                      figure.count = reader->bytes() / 1e9;
                      return [reader, count] { reader->read(count > 1); };
                    }});
  }
  return jobs;
}

std::vector<Job> sgemm_jobs(const BenchPlan& plan) {
  // Rows, columns and sum of a big square, of layers and of weight gradients.
  constexpr std::size_t shapes[][3] = {{1024, 1024, 1024}, {128, 1000, 1152}, {4096, 128, 2304}, {6272, 64, 64},
                                       {12800, 128, 3200}, {128, 10, 128},    {784, 100, 128},   {60, 128, 73728}};
  std::vector<Job> jobs;
  for (const auto& [m, n, k] : shapes) {
    jobs.push_back(sgemm_job(m, n, k, true, plan.seed));
    jobs.push_back(sgemm_job(m, n, k, false, plan.seed));
  }
  return jobs;
}

std::vector<Job> layer_jobs(const BenchPlan& plan) {
  std::vector<Job> jobs;
  for (const NamedModel& model : plan.models) {
    for (const std::size_t batch : plan.layer_batches) {
      for (const LayerProduct& layer : products_of(model.model.net, batch)) {
        for (std::size_t pass = 0; pass < passes.size(); ++pass) {
          jobs.push_back(layer_job(model.name, layer, pass, plan.seed));
        }
      }
    }
  }
  return jobs;
}

}  // namespace hans::apps
