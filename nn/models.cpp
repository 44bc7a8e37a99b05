// The built-in models.
#include <hans/nn/models.hpp>

#include <array>

#include <hans/core/error.hpp>
#include "../core/text/detail/meant.hpp"

namespace hans::nn {
namespace {

/// A residual network for images of 32x32x3 (He 2016): a convolution of 16 filters, then three stages of `blocks`
/// blocks of two convolutions each, with 16, 32 and 64 filters. `settings` are added to each 3x3 convolution.
/// `shortcut` is added to the 1x1 convolution at the start of a stage, with further layers after it.
std::string residual(unsigned blocks, std::string_view settings, std::string_view shortcut, unsigned shortcut_layers) {
  const std::string first = text(",kernel=3", settings, ";batch_norm;relu");
  const std::string second = text(",kernel=3", settings, ";batch_norm");
  std::string all = text("32x32x3;conv2d:filters=16", first);
  unsigned last = 2;  // index of the last layer so far
  for (const unsigned filters : {16U, 32U, 64U}) {
    for (unsigned block = 0; block < blocks; ++block) {
      const bool halves = filters > 16 && block == 0;
      append(all,
             text(";conv2d:filters=", filters, halves ? ",stride=2" : "", first, ";conv2d:filters=", filters, second));
      const unsigned before = last, added = last + 5;
      if (halves) append(all, text(";conv2d:filters=", filters, ",kernel=1,stride=2,of=", before, shortcut));
      last = added + (halves ? shortcut_layers : 0);
      append(all, text(";add:of=", added, "/", halves ? last : before, ";relu"));
      last += 2;
    }
  }
  return all + ";average_pool2d:kernel=8;flatten;linear:units=10";
}

}  // namespace

std::span<const ModelInfo> list_models() {
  static const std::string resnet8 = residual(1, ",padding=same", "", 1);
  static const std::string resnet20 = residual(3, ",padding=1,bias=false", ",bias=false;batch_norm", 2);
  static const std::array<ModelInfo, 9> models{{
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
      {"lenet5", "the layers of LeNet-5 (LeCun 1998) with 3x3 windows, maxima and relu",
       "28x28x1;conv2d:filters=32,kernel=3;relu;max_pool2d:kernel=2;conv2d:filters=64,kernel=3;relu;max_pool2d:kernel=2;"
       "flatten;linear:units=200;relu;linear:units=10"},
      {"convsmall", "the CNN of Wong and Kolter (2018) with batch normalisation, for training with intervals",
       "28x28x1;conv2d:filters=16,kernel=4,stride=2,padding=1,bias=false;batch_norm;relu;"
       "conv2d:filters=32,kernel=4,stride=2,padding=1,bias=false;batch_norm;relu;flatten;"
       "linear:units=100,bias=false;batch_norm;relu;linear:units=10"},
      {"resnet8", "ResNet-8 of MLPerf Tiny (Banbury 2021)", resnet8},
      {"resnet20", "ResNet-20 for CIFAR-10 (He 2016), projections where a stage begins (option B)", resnet20},
  }};
  return models;
}

bool is_architecture(std::string_view word) {
  return !word.empty() && word[0] >= '0' && word[0] <= '9' && word.find(';') != std::string_view::npos;
}

Sequential make_model(std::string_view word, Rng rng) {
  if (is_architecture(word)) return Sequential::parse(word, rng);
  std::string names;
  for (const ModelInfo& info : list_models()) {
    if (info.name == word) return Sequential::parse(info.architecture, rng);
    append(names, text(names.empty() ? "" : ", ", info.name));
  }
  throw UsageError(text("there is no built-in model ", in_quotes(word),
                        did_you_mean(word, list_models(), &ModelInfo::name), "there are ", names,
                        ", and architectures such as '28x28x1;flatten;linear:units=10'"));
}

}  // namespace hans::nn
