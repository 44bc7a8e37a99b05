// The built-in models.
#include <hans/nn/models.hpp>

#include <array>

#include <hans/core/error.hpp>

namespace hans::nn {
namespace {

constexpr std::array<ModelInfo, 5> models{{
    {"v1", "the CNN of the cleverhans v1.0.0 report, without its dropout",
     "28x28x1;conv2d:filters=64,kernel=8,stride=2,padding=same;relu;conv2d:filters=128,kernel=6,stride=2;relu;"
     "conv2d:filters=128,kernel=5;relu;flatten;linear:units=10"},
    {"small", "SmallCNN of TRADES (Zhang 2019), with its dropout in training",
     "28x28x1;conv2d:filters=32,kernel=3;relu;conv2d:filters=32,kernel=3;relu;max_pool2d:kernel=2;"
     "conv2d:filters=64,kernel=3;relu;conv2d:filters=64,kernel=3;relu;max_pool2d:kernel=2;flatten;"
     "linear:units=200;relu;dropout:rate=0.5;linear:units=200;relu;linear:units=10"},
    {"madry", "the CNN of the MNIST challenge (Madry 2017)",
     "28x28x1;conv2d:filters=32,kernel=5,padding=same;relu;max_pool2d:kernel=2;"
     "conv2d:filters=64,kernel=5,padding=same;relu;max_pool2d:kernel=2;flatten;linear:units=1024;relu;linear:units=10"},
    {"mlp", "two hidden layers of 1000",
     "28x28x1;flatten;linear:units=1000;relu;linear:units=1000;relu;linear:units=10"},
    {"linear", "softmax regression, for closed forms", "28x28x1;flatten;linear:units=10"},
}};

}  // namespace

std::span<const ModelInfo> list_models() { return models; }

Sequential make_model(std::string_view name, Rng rng) {
  std::string names;
  for (const ModelInfo& info : models) {
    if (info.name == name) return Sequential::parse(info.architecture, rng);
    append(names, text(names.empty() ? "" : ", ", info.name));
  }
  throw UsageError(text("there is no built-in model '", name, "'; there are ", names));
}

}  // namespace hans::nn
