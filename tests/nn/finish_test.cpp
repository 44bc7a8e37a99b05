// What is done to a network before it is shipped: population statistics, folding, float16.
#include <hans/nn/finish.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/model_file.hpp>
#include "../../data/detail/bytes.hpp"
#include "network_testing.hpp"

namespace hans::finish_test {
namespace {

using nn::Sequential;

TEST(Half, EachNumberIsItself) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    if ((bits >> 10 & 31U) == 31) continue;  // not finite
    const auto half = static_cast<std::uint16_t>(bits);
    EXPECT_EQ(data::half_bits(double{data::half_number(half)}), half);
  }
}

TEST(Half, NumbersBetweenGoToTheNearerAndHalfwayToTheEvenOne) {
  for (unsigned bits = 0; bits < 0x7bff; ++bits) {
    const auto lower = static_cast<std::uint16_t>(bits), upper = static_cast<std::uint16_t>(bits + 1);
    const double middle = (double{data::half_number(lower)} + double{data::half_number(upper)}) / 2;
    const std::uint16_t even = bits % 2 == 0 ? lower : upper;
    for (const double sign : {1.0, -1.0}) {
      const unsigned signed_bits = sign < 0 ? 0x8000U : 0U;
      EXPECT_EQ(data::half_bits(sign * middle), signed_bits + even) << middle;
      EXPECT_EQ(data::half_bits(sign * std::nextafter(middle, 0.0)), signed_bits + lower) << middle;
      EXPECT_EQ(data::half_bits(sign * std::nextafter(middle, 1e9)), signed_bits + upper) << middle;
    }
  }
  EXPECT_EQ(data::half_bits(std::numeric_limits<double>::denorm_min()), 0);
  EXPECT_EQ(data::half_bits(-1e-300), 0x8000);
  EXPECT_EQ(data::half_bits(std::nextafter(65520.0, 0.0)), 0x7bff);
  EXPECT_EQ(data::half_bits(65520.0), std::nullopt);
  EXPECT_EQ(data::half_bits(-1e300), std::nullopt);
}

struct FoldRow {
  const char *architecture, *folded;
};

TEST(Fold, LeavesTheLogitsAndNoNormalisationThatFollowsAProduct) {
  const std::vector<FoldRow> rows{
      {"6x6x2;conv2d:filters=3,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=5;batch_norm;relu;linear:units=4",
       "6x6x2;conv2d:filters=3,kernel=3;relu;flatten;linear:units=5;relu;linear:units=4"},
      {"6x6x2;conv2d:filters=4,kernel=3,stride=2,padding=same,groups=2;batch_norm:eps=0.1;flatten;linear:units=4",
       "6x6x2;conv2d:filters=4,kernel=3,stride=2,padding=same,groups=2;flatten;linear:units=4"},
      // in front of a convolution, behind a relu, and of an output that has two users: they stay
      {"6x6x2;batch_norm;conv2d:filters=2,kernel=3;relu;batch_norm;flatten;linear:units=4",
       "6x6x2;batch_norm;conv2d:filters=2,kernel=3;relu;batch_norm;flatten;linear:units=4"},
      {"6x6x2;conv2d:filters=2,kernel=3;batch_norm;add:of=0/1;flatten;linear:units=4",
       "6x6x2;conv2d:filters=2,kernel=3;batch_norm;add:of=0/1;flatten;linear:units=4"},
      // layers behind a normalisation that goes move forward
      {"6x6x2;conv2d:filters=2,kernel=3,padding=1,bias=false;batch_norm;relu;conv2d:filters=2,kernel=3,padding=1;"
       "batch_norm;add:of=2/4;relu;flatten;linear:units=4",
       "6x6x2;conv2d:filters=2,kernel=3,padding=1;relu;conv2d:filters=2,kernel=3,padding=1;add:of=1/2;relu;flatten;"
       "linear:units=4"},
      // a normalisation of a layer that is not the one before it
      {"6x6x2;conv2d:filters=2,kernel=3;conv2d:filters=2,kernel=3,of=input;batch_norm:of=0;relu;add:of=1/3;flatten;"
       "linear:units=4",
       "6x6x2;conv2d:filters=2,kernel=3;conv2d:filters=2,kernel=3,of=input;relu:of=0;add:of=1/2;flatten;linear:units=4"},
      {"4x4x1;flatten;linear:units=3", "4x4x1;flatten;linear:units=3"},
  };
  for (const FoldRow& row : rows) {
    const Sequential net = network_testing::changed(row.architecture, 3), folded = nn::folded(net);
    EXPECT_EQ(folded.architecture(), Sequential::parse(row.folded, Rng(0)).architecture());
    const Tensor images = network_testing::random_images(net.input().with_front(5));
    const Tensor before = network_testing::logits(net, images), after = network_testing::logits(folded, images);
    for (std::size_t k = 0; k < before.size(); ++k) {
      EXPECT_NEAR(before.data()[k], after.data()[k], 2e-5 * (1 + std::abs(double{before.data()[k]})))
          << row.architecture;
    }
  }
}

TEST(Fold, RoundsOnce) {
  const Sequential net = network_testing::changed("1x1x2;flatten;linear:units=3;batch_norm", 5),
                   folded = nn::folded(net);
  for (std::size_t c = 0; c < 3; ++c) {
    const auto of = [c](const Tensor& tensor) { return double{tensor.data()[c]}; };
    const double factor = of(net.weights(2)[0]) / std::sqrt(of(net.buffers(2)[1]) + double{1e-5F});
    const double bias = (of(net.weights(1)[1]) - of(net.buffers(2)[0])) * factor + of(net.weights(2)[1]);
    EXPECT_EQ(folded.weights(1)[1].data()[c], static_cast<real>(bias));
    for (std::size_t row = 0; row < 2; ++row) {
      const double weight = double{net.weights(1)[0].data()[3 * row + c]};
      EXPECT_EQ(folded.weights(1)[0].data()[3 * row + c], static_cast<real>(weight * factor));
    }
  }
}

/// Seven images of two pixels of which no two are alike.
data::Dataset seven_images() {
  return data::Dataset("seven", {1, 2, 1},
                       std::vector<float>{.1F, .9F, .3F, .4F, .7F, .6F, .75F, 1, 0, .2F, .5F, .05F, .07F, .03F},
                       {0, 1, 0, 1, 0, 1, 0});
}

TEST(PopulationStatistics, AreTheMeansOverWholeBatches) {
  const data::Dataset train = seven_images();
  Sequential net = network_testing::changed("1x2x1;flatten;batch_norm;linear:units=2", 7);
  nn::use_population_statistics(net, train, 6, 3);
  const Tensor images = train.samples(0, 6).images;
  for (std::size_t c = 0; c < 2; ++c) {
    double means = 0, variances = 0;
    for (std::size_t first = 0; first < 6; first += 3) {
      double mean = 0, variance = 0;
      for (std::size_t k = first; k < first + 3; ++k) mean += double{images.data()[2 * k + c]} / 3;
      for (std::size_t k = first; k < first + 3; ++k)
        variance += std::pow(double{images.data()[2 * k + c]} - mean, 2) / 2;
      means += mean / 2;
      variances += variance / 2;
    }
    EXPECT_NEAR(net.buffers(1)[0].data()[c], means, 1e-6);
    EXPECT_NEAR(net.buffers(1)[1].data()[c], variances, 1e-6);
  }
}

TEST(PopulationStatistics, OfOneBatchMakeEvaluationWhatTrainingSaw) {
  // The second normalisation sees what the first makes of the batch.
  const data::Dataset train = seven_images();
  Sequential net =
      network_testing::changed("1x2x1;flatten;linear:units=3;batch_norm:eps=0;relu;linear:units=2;batch_norm", 8);
  const Tensor images = train.samples(0, 7).images;
  Tape tape;
  std::vector<Var> weights;
  for (const Tensor& weight : net.weights()) weights.push_back(tape.constant(weight));
  std::vector<nn::BatchStatistics> seen;
  const Tensor trained = net.forward(weights, tape.constant(images), {nullptr, &seen}).value();
  nn::use_population_statistics(net, train, 7, 100);
  ASSERT_EQ(seen.size(), 2U);
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(net.buffers(2)[0].data()[c], seen[0].mean.data()[c]);
    EXPECT_FLOAT_EQ(net.buffers(2)[1].data()[c], seen[0].variance.data()[c] * real{7} / real{6});
  }
  for (std::size_t c = 0; c < 2; ++c) EXPECT_FLOAT_EQ(net.buffers(5)[0].data()[c], seen[1].mean.data()[c]);
}

TEST(PopulationStatistics, NeedBatchesAndLeaveOtherNetworksAlone) {
  Sequential net = network_testing::changed("1x2x1;flatten;linear:units=2", 9);
  const Sequential before = net;
  nn::use_population_statistics(net, seven_images(), 7, 3);
  EXPECT_TRUE(identical(net.weights()[0], before.weights()[0]));
  EXPECT_THROW(nn::use_population_statistics(net, seven_images(), 7, 1), UsageError);
}

TEST(Float16, RoundsEveryTensorAndNamesTheOneThatIsTooLarge) {
  Sequential net =
      network_testing::changed("6x6x2;batch_norm;conv2d:filters=2,kernel=3;relu;flatten;linear:units=4", 3);
  const Sequential before = net;
  nn::round_to_float16(net);
  const auto compare = [](std::span<const Tensor> a, std::span<const Tensor> b) {
    for (std::size_t k = 0; k < a.size(); ++k) {
      for (std::size_t i = 0; i < a[k].size(); ++i) {
        const double x = double{a[k].data()[i]}, y = double{b[k].data()[i]};
        EXPECT_EQ(double{data::half_number(*data::half_bits(x))}, y);
        EXPECT_LE(std::abs(x - y), std::abs(x) / 2048 + 0x1p-25);
      }
    }
  };
  compare(before.weights(), net.weights());
  compare(before.buffers(), net.buffers());
  net.mutable_weights().back().mutable_data()[2] = 70000;
  try {
    nn::round_to_float16(net);
    ADD_FAILURE() << "70,000 was rounded";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "4.bias holds 70000, which no float16 is near; keep float32");
  }
}

TEST(Float16, FilesHoldTwoBytesANumberAndComeBack) {
  nn::Model model{network_testing::changed("6x6x2;conv2d:filters=4,kernel=3;relu;flatten;linear:units=40", 3)};
  const std::string long_file = nn::dump_model(model);
  nn::round_to_float16(model.net);
  const std::string rounded = nn::weights_sha256(model);
  model.numbers = nn::NumberType::float16;
  const std::string file = nn::dump_model(model);
  EXPECT_LT(file.size(), long_file.size() - 2 * model.net.parameters() + 64);
  const nn::Model read = nn::parse_model(file, "f.hans");
  EXPECT_EQ(read.numbers, nn::NumberType::float16);
  EXPECT_EQ(nn::dump_model(read), file);
  EXPECT_NE(nn::weights_sha256(model), rounded);  // other bytes
  for (std::size_t k = 0; k < read.net.weights().size(); ++k) {
    EXPECT_TRUE(identical(read.net.weights()[k], model.net.weights()[k]));
  }
  model.net.mutable_weights()[0].mutable_data()[0] = real{1} / 3;
  try {
    (void)nn::dump_model(model);
    ADD_FAILURE() << "a third was written";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), "tensor '0.weight' holds 0.33333334, which is no float16");
  }
}

TEST(WeightsSha256, IsOfTensorsAlone) {
  nn::Model model{network_testing::changed("4x4x1;flatten;linear:units=3", 3)};
  const std::string before = nn::weights_sha256(model);
  EXPECT_EQ(before, nn::weights_sha256(nn::parse_model(nn::dump_model(model), "f.hans")));
  model.training = {{"hans", "another version"}};
  model.class_names = {"a", "b", "c"};
  EXPECT_EQ(before, nn::weights_sha256(model));
  model.net.mutable_weights()[1].mutable_data()[0] += 1;
  EXPECT_NE(before, nn::weights_sha256(model));
  const auto of = [](const std::string& name, const Shape& shape) {
    return nn::Safetensors{.metadata = {}, .tensors = {{name, Tensor(shape)}}}.tensors_sha256();
  };
  EXPECT_EQ(of("a", {2, 3}), of("a", {2, 3}));
  EXPECT_NE(of("a", {2, 3}), of("a", {3, 2}));
  EXPECT_NE(of("a", {2, 3}), of("b", {2, 3}));
}

}  // namespace
}  // namespace hans::finish_test
