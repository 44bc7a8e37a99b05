// The checker's own forward pass: it agrees with the library's, and nothing but the right model confirms a claim.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include <hans/core/error.hpp>
#include <hans/nn/layer.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/onnx_import.hpp>
#include "../../apps/checker/checker.hpp"
#include "../../apps/checker/network.hpp"

#include "../data/data_testing.hpp"
#include "../nn/network_testing.hpp"

namespace hans::checker_test {
namespace {

using network_testing::random_images;
using nn::Sequential;

/// Networks in which every layer that the checker knows is, in every form.
const std::vector<std::string> known{
    "6x5x2;flatten;linear:units=7;relu;linear:units=3,bias=false",
    "7x6x2;conv2d:filters=4,kernel=3x2,stride=2x1,padding=1x0x2x1;relu;flatten;linear:units=3",
    "7x6x2;conv2d:filters=4,kernel=3,stride=2,padding=same,bias=false;flatten;linear:units=3",
    "8x9x1;conv2d:filters=3,kernel=4x2,stride=3x2,padding=same;conv2d:filters=2,kernel=1,stride=2;flatten",
    "7x7x4;conv2d:filters=8,kernel=3,dilation=2,groups=2;tanh;flatten;linear:units=3",
    "9x9x1;conv2d:filters=2,kernel=3x2,dilation=2x3,padding=same,stride=2;sigmoid;flatten;linear:units=3",
    "6x6x3;conv2d:filters=6,kernel=3,padding=1,groups=3;flatten;linear:units=3",
    "7x7x2;max_pool2d:kernel=3x2,stride=2,padding=1x0x1x1;flatten;linear:units=3",
    "7x8x2;max_pool2d:kernel=2,padding=same;flatten;linear:units=3",
    "7x7x2;average_pool2d:kernel=3,stride=2,padding=same;flatten;linear:units=3",
    "7x7x2;average_pool2d:kernel=3,stride=2,padding=1,count_padding=true;flatten",
    "6x8x2;average_pool2d:kernel=3,stride=2,padding=1x0x0x1,count_padding=true;flatten",
    "6x6x2;average_pool2d:kernel=2x3;flatten",
    "5x5x3;conv2d:filters=4,kernel=3;batch_norm;relu;flatten;batch_norm:eps=0.001,momentum=0.03;linear:units=3",
    "4x3x2;reshape:shape=4x6;batch_norm;flatten",
    "3x3x2;conv2d:filters=4,kernel=2;leaky_relu:slope=0.2;elu:alpha=0.5;leaky_relu;elu;flatten",
    "3x3x2;negate;flatten;dropout:rate=0.25;linear:units=3",
    "5x5x2;conv2d:filters=2,kernel=3,padding=1;relu;add:of=input/1;conv2d:filters=2,kernel=1;multiply:of=2/3;"
    "average_pool2d:kernel=5;flatten;linear:units=3",
    "3x3x2;constant:shape=2;multiply:of=input/0;constant:shape=1x3x2,learnt=true;subtract:of=1/2;"
    "constant:shape=1;divide:of=3/4;reshape:shape=1x9x2x1;transpose:order=3/2/0/1;flatten;linear:units=3",
    "2x3x2;constant:shape=1x1x2;subtract:of=0/input;constant:shape=scalar;multiply:of=2/1;flatten;linear:units=3",
    "4x4x3;constant:shape=3,learnt=true;prelu:of=input/0;flatten;linear:units=3",
    "4x3x2;transpose:order=1/2/0;flatten;linear:units=3",
    "3x3x2;normalize:scale=2,mean=0.25/0.5,std=0.5;flatten;linear:units=3",
    "3x3x2;normalize:mean=0.1307,std=0.3081/0.5;flatten;linear:units=3",
};

/// What it does not know: each with a network that holds it.
const std::vector<std::pair<std::string, std::string>> unknown{
    {"selu", "3x3x1;selu;flatten"},
    {"hard_sigmoid", "3x3x1;hard_sigmoid;flatten"},
    {"gelu", "3x3x1;gelu:form=tanh;flatten"},
    {"clip", "3x3x1;clip:high=6;flatten"},
    {"softplus", "3x3x1;softplus;flatten"},
    {"erf", "3x3x1;erf;flatten"},
    {"abs", "3x3x1;abs;flatten"},
    {"exp", "3x3x1;exp;flatten"},
    {"log", "3x3x1;log;flatten"},
    {"sqrt", "3x3x1;sqrt;flatten"},
    {"round", "3x3x1;round;flatten"},
    {"softmax", "3x3x1;flatten;softmax"},
    {"log_softmax", "3x3x1;flatten;log_softmax"},
    {"power", "3x3x1;power:of=input/input;flatten"},
    {"minimum", "3x3x1;minimum:of=input/input;flatten"},
    {"maximum", "3x3x1;maximum:of=input/input;flatten"},
    {"concat", "3x3x1;concat:axis=0,of=input/input;flatten"},
    {"reduce", "3x3x1;reduce:by=mean,axes=0/1"},
    {"conv_transpose2d", "4x5x2;conv_transpose2d:filters=3,kernel=2,size=5x6;flatten"},
    {"gaussian_noise", "3x3x1;gaussian_noise:sigma=0.5;flatten"},
    {"instance_norm", "5x5x3;instance_norm;flatten"},
    {"layer_norm", "4x4x2;flatten;layer_norm"},
    {"take", "4x3x2;take:axis=1,count=3;flatten"},
    {"matmul", "3x4x1;reshape:shape=3x4;constant:shape=4x3;matmul:of=0/1;flatten"},
    {"equal", "3x3x1;equal:of=input/input;flatten"},
    {"greater", "3x3x1;greater:of=input/input;flatten"},
    {"less", "3x3x1;less:of=input/input;flatten"},
    {"where", "3x3x1;where:of=input/input/input;flatten"},
};

/// The largest difference between the logits of the checker and of the library, over the largest logit.
double difference(const checker::Network& checked, const Sequential& net, const Tensor& images) {
  const Tensor rough = network_testing::logits(net, images);
  EXPECT_EQ(checked.features(), net.input().elements());
  EXPECT_EQ(checked.classes(), net.classes());
  double largest = 0, scale = 1;
  for (std::size_t k = 0; k < images.shape()[0]; ++k) {
    const std::vector<double> exact =
        checked.logits(images.values().subspan(k * checked.features(), checked.features()));
    for (std::size_t c = 0; c < exact.size(); ++c) {
      const double apart = std::abs(exact[c] - double{rough.values()[k * exact.size() + c]});
      largest = std::isfinite(apart) ? std::max(largest, apart) : apart;
      scale = std::max(scale, std::abs(exact[c]));
    }
  }
  return largest / scale;
}

checker::Network checked(const Sequential& net) {
  return checker::Network(nn::dump_model(nn::Model{net}), "the model");
}

TEST(Checker, LogitsAreThoseOfTheLibraryButForRounding) {
  for (const std::string& architecture : known) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      const Sequential net = network_testing::changed(architecture, seed);
      EXPECT_LT(difference(checked(net), net, random_images(net.input().with_front(4))), 2e-6) << architecture;
    }
  }
}

TEST(Checker, KnowsTheBuiltInModels) {
  for (const nn::ModelInfo& info : nn::list_models()) {
    const Sequential net = nn::make_model(info.name, Rng(7));
    EXPECT_LT(difference(checked(net), net, random_images(net.input().with_front(2))), 2e-6) << info.name;
  }
}

TEST(Checker, KnowsModelsMadeElsewhere) {
  const std::filesystem::path folder = std::filesystem::path(testing_data::shared_folder()) / "models";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no shared models; set HANS_SHARED";
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".onnx") continue;
    ++seen;
    for (const char* preprocess : {"none", "scale=255", "mean=0.1307,std=0.3081"}) {
      std::vector<std::string> notes;
      const nn::Model model = nn::load_onnx(entry.path(), nn::read_preprocess(preprocess), notes);
      const checker::Network read(nn::dump_model(model), "the model");
      EXPECT_LT(difference(read, model.net, random_images(model.net.input().with_front(4))), 5e-6)
          << entry.path() << " " << preprocess;
    }
  }
  EXPECT_GE(seen, 8U);
}

TEST(Checker, EveryLayerIsKnownOrRefusedByName) {
  std::set<std::string> names;
  for (const std::string& architecture : known) {
    for (const Spec& spec : parse_list(architecture.substr(architecture.find(';') + 1), ';')) names.insert(spec.name);
  }
  for (const auto& [name, architecture] : unknown) {
    EXPECT_TRUE(names.insert(name).second) << name;
    try {
      checked(network_testing::changed(architecture, 1));
      ADD_FAILURE() << name << " is not refused";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(text("does not know the layer ", name, ";")), std::string::npos)
          << error.what();
    }
  }
  for (const nn::LayerInfo& info : nn::list_layers()) {
    EXPECT_TRUE(names.contains(info.name)) << "add a network with the layer " << info.name << " to known or unknown";
  }
}

/// Two images of a network, each in another class: the second is claimed to be the first, changed.
struct Pair {
  std::vector<float> original, image;
  std::vector<float> original_logits, image_logits;
  checker::Claim claim;

  Pair(const Sequential& net, const Tensor& images, std::size_t one, std::size_t other) {
    const Tensor logits = network_testing::logits(net, images);
    const auto row = [](const Tensor& of, std::size_t k) {
      const auto values = of.values().subspan(k * of.shape().row_elements(), of.shape().row_elements());
      return std::vector<float>(values.begin(), values.end());
    };
    original = row(images, one);
    image = row(images, other);
    original_logits = row(logits, one);
    image_logits = row(logits, other);
    claim.original = claim.stated_original = original;
    claim.image = image;
    claim.original_logits = original_logits;
    claim.image_logits = image_logits;
    claim.label = claim.stated_label =
        static_cast<int>(std::ranges::max_element(original_logits) - original_logits.begin());
    claim.rules = {checker::Norm::linf, 1, 0, 1, 0};
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
};

checker::Checked finding(const Sequential& net, const Pair& pair) {
  return checker::check_claims(nn::dump_model(nn::Model{net}), "the model", std::span(&pair.claim, 1), 2).claims[0];
}

TEST(Checker, OneWrongWeightChangesTheFinding) {
  const Sequential net = network_testing::changed("4x4x1;conv2d:filters=3,kernel=2;relu;flatten;linear:units=3", 5);
  const Tensor images = random_images(net.input().with_front(40));
  const Tensor logits = network_testing::logits(net, images);
  const auto class_of = [&](std::size_t k) {
    return std::ranges::max_element(logits.values().subspan(k * 3, 3)) - logits.values().subspan(k * 3, 3).begin();
  };
  std::size_t other = 1;
  while (other < 40 && class_of(other) == class_of(0)) ++other;
  ASSERT_LT(other, 40U) << "all in one class";
  const Pair pair(net, images, 0, other);
  const checker::Checked right = finding(net, pair);
  EXPECT_EQ(right.finding, checker::Finding::confirmed) << right.reason;
  EXPECT_GT(right.margin, 0);
  // The bias of the label's logit: the image is taken for the label too.
  Sequential wrong = net;
  std::vector<Tensor> weights(net.weights().begin(), net.weights().end());
  weights.back().mutable_values()[static_cast<std::size_t>(pair.claim.label)] += 100;
  wrong.set_weights(weights);
  // The checker is told what the right model says in float: the disagreement shows, and nothing is confirmed.
  EXPECT_EQ(finding(wrong, pair).finding, checker::Finding::within_rounding);
  const Pair own(wrong, images, 0, other);
  EXPECT_EQ(finding(wrong, own).finding, checker::Finding::rejected);
  EXPECT_EQ(finding(wrong, own).reason, "still the label");
}

TEST(Checker, AnyNumberOfThreadsFindsTheSame) {
  const Sequential net = network_testing::changed(known[4], 1);
  const Tensor images = random_images(net.input().with_front(9));
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<checker::Claim> claims;
  for (std::size_t k = 0; k < 8; ++k) {
    pairs.push_back(std::make_unique<Pair>(net, images, k, k + 1));
    claims.push_back(pairs.back()->claim);
    claims.back().sample = k;
  }
  const std::string bytes = nn::dump_model(nn::Model{net});
  const checker::Report alone = checker::check_claims(bytes, "m", claims, 1);
  EXPECT_GT(alone.largest_difference, 0);
  for (const std::size_t threads : {0U, 3U, 50U}) {
    const checker::Report report = checker::check_claims(bytes, "m", claims, threads);
    EXPECT_EQ(report.largest_difference, alone.largest_difference);
    for (std::size_t k = 0; k < 8; ++k) {
      EXPECT_EQ(report.claims[k].finding, alone.claims[k].finding);
      EXPECT_EQ(report.claims[k].margin, alone.claims[k].margin);
    }
  }
  EXPECT_TRUE(checker::check_claims(bytes, "m", {}, 2).claims.empty());
}

}  // namespace
}  // namespace hans::checker_test
