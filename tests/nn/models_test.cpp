// The built-in models in use: each computes, learns, and is read again from the files it is written to.
#include <gtest/gtest.h>

#include <cmath>

#include <hans/nn/fit.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/onnx_export.hpp>
#include <hans/nn/onnx_file.hpp>
#include <hans/nn/onnx_import.hpp>

#include "../data/data_testing.hpp"

namespace hans::models_test {
namespace {

using nn::Sequential;
using testing_data::contains;
using testing_data::error_of;

data::Dataset images_for(const Sequential& net, std::size_t count) {
  return {"noise", net.input(), testing_data::noise(count * net.input().elements(), 256, 3), std::vector<int>(count, 1),
          net.classes()};
}

Tensor logits(const Sequential& net, const data::Dataset& data) {
  Tape tape;
  return net(tape.constant(data.first(data.size()).images)).value();
}

class BuiltIn : public testing::TestWithParam<nn::ModelInfo> {};

TEST_P(BuiltIn, ComputesLearnsAndIsReadAgain) {
  Sequential net = nn::make_model(GetParam().name, Rng(1));
  const data::Dataset data = images_for(net, 2);
  const Tensor before = logits(net, data);
  EXPECT_EQ(before.shape(), (Shape{2, 10}));
  for (const real value : before.values()) EXPECT_TRUE(std::isfinite(value));

  nn::fit(net, data, {.epochs = 1, .batch = 2});
  const Tensor after = logits(net, data);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_GT(after.values()[i * 10 + 1], before.values()[i * 10 + 1]) << "the label's logit did not rise";
  }
  EXPECT_TRUE(identical(logits(nn::parse_model(nn::dump_model({net}), "memory").net, data), after));

  std::vector<std::string> notes;
  const nn::onnx::File file = nn::export_onnx(net);
  const Tensor read = logits(nn::import_onnx(nn::onnx::parse(nn::onnx::dump(file), "memory"), {}, notes).net, data);
  for (std::size_t k = 0; k < after.size(); ++k) {
    EXPECT_NEAR(read.values()[k], after.values()[k], 1e-5F * std::max(1.0F, std::fabs(after.values()[k])));
  }
}

INSTANTIATE_TEST_SUITE_P(All, BuiltIn, testing::ValuesIn(nn::list_models().begin(), nn::list_models().end()),
                         [](const auto& given) { return std::string(given.param.name); });

TEST(Models, AnArchitectureStandsWhereANameDoes) {
  for (const nn::ModelInfo& info : nn::list_models()) {
    EXPECT_FALSE(nn::is_architecture(info.name));
    EXPECT_TRUE(nn::is_architecture(info.architecture));
  }
  const Sequential named = nn::make_model("resnet8", Rng(4)), written = nn::make_model(named.architecture(), Rng(4));
  EXPECT_EQ(written.architecture(), named.architecture());
  for (std::size_t w = 0; w < named.weights().size(); ++w) {
    EXPECT_TRUE(identical(named.weights()[w], written.weights()[w]));
  }
  for (const char* path : {"a;b.hans", "./3x3x1;flatten", "", ";", "28x28x1"}) {
    EXPECT_FALSE(nn::is_architecture(path)) << path;
  }
  const std::string unknown = error_of([] { (void)nn::make_model("flatten;linear:units=10", Rng(1)); });
  for (const char* part : {"'flatten;linear:units=10'", "resnet20", "such as '28x28x1;flatten;linear:units=10'"}) {
    EXPECT_TRUE(contains(unknown, part)) << unknown;
  }
  EXPECT_TRUE(contains(error_of([] { (void)nn::make_model("3x3x1;flaten", Rng(1)); }), "there is no layer 'flaten'"));
}

}  // namespace
}  // namespace hans::models_test
