// Networks: the built-in ones, their text form, their weights, and what they refuse.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn_test {
namespace {

using nn::Sequential;

/// The message of the Error that `run` throws, which must be one line; "no error" without.
template <class Run>
std::string error_of(const Run& run) {
  try {
    run();
  } catch (const Error& error) {
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    return error.what();
  }
  return "no error";
}

std::string parse_error(std::string_view architecture) {
  return error_of([&] { (void)Sequential::parse(architecture, Rng(0)); });
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

Tensor images(const Sequential& net, std::size_t count) {
  Tensor made(net.input().with_front(count));
  for (real& pixel : made.mutable_values()) pixel = 0;
  Stream stream = Rng(3).stream("images");
  for (real& pixel : made.mutable_values()) pixel = stream.uniform();
  return made;
}

Tensor logits(const Sequential& net, const Tensor& x) {
  Tape tape;
  return net(tape.constant(x)).value();
}

// --- built-in models -------------------------------------------------------------------------------

TEST(Models, ParameterCounts) {
  struct Row {
    std::string_view name, input;
    std::size_t parameters;
  };
  // ResNet-8: 78,666 in MLPerf Tiny, where the 480 stored means and variances count.
  const std::vector<Row> rows{
      {"v1", "28x28x1", 710218},        {"small", "28x28x1", 312202},  {"madry", "28x28x1", 3274634},
      {"mlp", "28x28x1", 1796010},      {"linear", "28x28x1", 7850},   {"lenet5", "28x28x1", 341026},
      {"convsmall", "28x28x1", 166554}, {"resnet8", "32x32x3", 78186}, {"resnet20", "32x32x3", 272474}};
  ASSERT_EQ(nn::list_models().size(), rows.size());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const nn::ModelInfo& info = nn::list_models()[k];
    EXPECT_EQ(info.name, rows[k].name);
    EXPECT_EQ(info.input(), rows[k].input) << info.name;
    EXPECT_FALSE(info.meaning.empty());
    const Sequential net = nn::make_model(info.name, Rng(0));
    EXPECT_EQ(net.parameters(), rows[k].parameters) << info.name;
    EXPECT_EQ(text(net.input()), info.input());
    EXPECT_EQ(net.classes(), 10U);
  }
}

TEST(Models, AnUnknownNameIsRefusedWithAList) {
  EXPECT_THROW((void)nn::make_model("v2", Rng(0)), UsageError);
  const std::string error = error_of([] { (void)nn::make_model("v2", Rng(0)); });
  for (const nn::ModelInfo& info : nn::list_models()) EXPECT_TRUE(contains(error, info.name)) << error;
}

TEST(Models, InCodeAndAsTextAreTheSame) {
  const Sequential net{Shape{28, 28, 1},
                       Rng(1234),
                       nn::Conv2d{.filters = 64, .kernel = 8, .stride = 2, .padding = same},
                       relu,
                       nn::Conv2d{.filters = 128, .kernel = 6, .stride = 2},
                       relu,
                       nn::Conv2d{.filters = 128, .kernel = 5},
                       relu,
                       flatten,
                       nn::Linear{.units = 10}};
  const Sequential named = nn::make_model("v1", Rng(1234));
  EXPECT_EQ(net.architecture(), named.architecture());
  for (std::size_t w = 0; w < net.weights().size(); ++w) EXPECT_TRUE(identical(net.weights()[w], named.weights()[w]));
}

TEST(Models, SummaryOfV1) {
  const std::string summary = nn::make_model("v1", Rng(0)).summary();
  EXPECT_EQ(std::count(summary.begin(), summary.end(), '\n'), 11);
  for (const char* part : {"28x28x1", "14x14x64", "5x5x128", "1x1x128", " 128\n", "4160", "295040", "409728", "1290",
                           "710218", "10 classes"}) {
    EXPECT_TRUE(contains(summary, part)) << part << " is missing in\n" << summary;
  }
}

// --- architectures ---------------------------------------------------------------------------------

TEST(Architectures, RoundTrip) {
  std::vector<std::string> all{
      "1x1x1;flatten;linear:units=1",
      "5x7x3;conv2d:filters=2,kernel=3,stride=2,padding=same;tanh;flatten;linear:units=4",
      "5x7x3;conv2d:filters=2,kernel=3,padding=1;sigmoid;flatten;linear:units=4",
      "5x7x3;conv2d:filters=2,kernel=3,padding=0x1x2x3,bias=false;flatten;linear:units=4",
      "8x8x1;max_pool2d:kernel=3,stride=1;dropout:rate=0.25;flatten;linear:units=2,bias=false"};
  for (const nn::ModelInfo& info : nn::list_models()) all.emplace_back(info.architecture);
  for (const std::string& written : all) {
    const std::string canonical = Sequential::parse(written, Rng(1)).architecture();
    const Sequential again = Sequential::parse(canonical, Rng(1));
    EXPECT_EQ(again.architecture(), canonical);
    const Sequential first = Sequential::parse(written, Rng(1));
    EXPECT_EQ(first.summary(), again.summary());
    for (std::size_t w = 0; w < first.weights().size(); ++w) {
      EXPECT_TRUE(identical(first.weights()[w], again.weights()[w])) << written;
    }
  }
}

TEST(Architectures, EveryLayerIsListedAndReadByItsName) {
  const std::vector<nn::LayerInfo> layers = nn::list_layers();
  EXPECT_FALSE(layers.empty());
  for (const nn::LayerInfo& info : layers) {
    EXPECT_FALSE(info.meaning.empty());
    const std::string error = parse_error("4x4x1;" + info.name + ":nonsense=1");
    EXPECT_TRUE(contains(error, info.name)) << error;
    EXPECT_TRUE(contains(parse_error("4x4x1;nonsense"), info.name));
    EXPECT_TRUE(contains(parse_error("4x4x1;" + info.name + "@2"), "there is no layer '" + info.name + "@2'"));
  }
}

TEST(Architectures, ErrorsSayWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "28x28x1"},
      {"28x28x1", "28x28x1"},
      {"28x28x1;", ""},
      {"28x28;flatten;linear:units=2", "28x28"},
      {"0x28x1;flatten;linear:units=2", "0x28x1"},
      {"4x4x1;flatten", "no error"},  // sixteen logits are a classifier too
      {"4x4x1;relu", "4x4x1"},
      {"4x4x1;linear:units=3", "flatten"},
      {"4x4x1;flatten;conv2d:filters=2,kernel=1", "layer 1"},
      {"4x4x1;conv2d:filters=2,kernel=5", "5x5"},
      {"4x4x1;max_pool2d:kernel=5;flatten;linear:units=2", "5x5"},
      {"4x4x1;flatten;linear", "units"},
      {"4x4x1;flatten;linear:units=0", "units"},
      {"4x4x1;flatten;linear:units=-1", "units"},
      {"4x4x1;flatten;linear:units=1.5", "units"},
      {"4x4x1;flatten;linear:units=2,units=3", "units"},
      {"4x4x1;flatten;linear:units=", ""},
      {"4x4x1;flatten;linear:units=2,bias=maybe", "bias"},
      {"4x4x1;dropout:rate=1;flatten;linear:units=2", "rate"},
      {"4x4x1;dropout:rate=nan;flatten;linear:units=2", "rate"},
      {"4x4x1;conv2d:filters=1,kernel=1,padding=1x2;flatten", "padding"},
      {"4x4x1;conv2d:filters=1,kernel=1,padding=4097;flatten", "padding"},
      {"4x4x1;conv2d:filters=1,kernel=1,padding=-1;flatten", "padding"},
      {"4x4x1;conv2d:filters=1,kernel=1,stride=0;flatten", "stride"},
      {"4x4x1;flatten;;linear:units=2", ""},
      {"4x4x1;flatten ;linear:units=2", ""},
      {"4294967296x4294967296x4294967296;flatten;linear:units=2", "more elements than memory can address"},
      {"99999999999999999999x1x1;flatten;linear:units=2", "is not a shape"},
      {"1x1x1;linear:units=99999999999", "units = '99999999999' is refused: not an integer from 1 to 16777216"},
      {"1x1x1;flatten;linear:units=16777216", "more than 4194304 features"},
      {"1x1x4194304;flatten;linear:units=4194304", "more than 268435456 numbers"},
      {"1x1x1;conv2d:filters=1048576,kernel=4096,padding=4095;flatten", "more than 4194304 features"},
      {"1x1x1;conv2d:filters=1048576,kernel=4096,padding=same,stride=4096;flatten", "more than 268435456 numbers"},
      {"1x1x1;conv2d:filters=4294967296,kernel=1;flatten", "not an integer from 1 to 1048576"},
      {"2048x2048x1;conv2d:filters=3,kernel=1;flatten", "12582912 features for one sample, not 1 to 4194304"},
      {"4x4x1;max_pool2d:kernel=4294967297;flatten", "not an integer from 1 to 4096"},
  };
  for (const auto& [architecture, part] : cases) {
    const std::string error = parse_error(architecture);
    EXPECT_TRUE(contains(error, part)) << architecture << ": " << error;
    EXPECT_EQ(error == "no error", part == "no error") << architecture;
  }
}

TEST(Architectures, SettingsMadeInCodeAreCheckedToo) {
  const auto refusal = [](const auto& layer) {
    return error_of([&] { (void)Sequential(Shape{4, 4, 1}, Rng(0), layer, flatten); });
  };
  nn::Conv2d still{.filters = 2, .kernel = 1};
  still.stride = 0;
  EXPECT_TRUE(contains(refusal(still), "stride = '0' is refused"));
  EXPECT_TRUE(contains(refusal(nn::Conv2d{.filters = 4000000000U, .kernel = 1, .stride = 8}), "filters"));
  EXPECT_TRUE(contains(refusal(nn::Conv2d{.filters = 1, .kernel = 0U}), "kernel"));
  EXPECT_TRUE(contains(refusal(nn::MaxPool2d{.kernel = 2, .stride = 0U}), "stride"));
  EXPECT_TRUE(contains(refusal(nn::Linear{.units = 0U}), "units"));
  EXPECT_TRUE(contains(refusal(nn::Dropout{.rate = 1.0F}), "rate"));
  constexpr unsigned most = std::numeric_limits<unsigned>::max();
  EXPECT_NE(
      refusal(nn::Conv2d{.filters = 1, .kernel = 1, .padding = {nn::Padding::Kind::given, most, most, most, most}}),
      "no error");
}

TEST(Architectures, OnlyNamedFunctionsAreLayers) {
  Var (*const unnamed)(const Var&) = [](const Var& x) { return x + x; };
  EXPECT_THROW((void)Sequential(Shape{2, 2, 1}, Rng(0), unnamed, flatten), UsageError);
  EXPECT_THROW((void)Sequential(Shape{2, 2, 1}, Rng(0), std::vector<nn::Layer>{}), Error);
}

// --- weights ---------------------------------------------------------------------------------------

TEST(Weights, StartWithinGlorotsLimits) {
  const Sequential net = Sequential::parse("6x6x3;conv2d:filters=40,kernel=5;relu;flatten;linear:units=50", Rng(7));
  const std::vector<std::string> names(net.weight_names().begin(), net.weight_names().end());
  EXPECT_EQ(names, (std::vector<std::string>{"0.weight", "0.bias", "3.weight", "3.bias"}));
  const std::vector<double> limits{std::sqrt(6.0 / (75 + 1000)), 0, std::sqrt(6.0 / (160 + 50)), 0};
  for (std::size_t w = 0; w < names.size(); ++w) {
    const auto [low, high] = std::ranges::minmax(net.weights()[w].values());
    EXPECT_LE(high, limits[w] * 1.000001);
    EXPECT_GE(low, -limits[w] * 1.000001);
    EXPECT_GE(high, limits[w] * 0.98);
    EXPECT_LE(low, -limits[w] * 0.98);
  }
}

TEST(Weights, DependOnSeedAndPlaceOnly) {
  const auto first_weight = [](std::string_view rest, std::uint64_t seed) {
    return Sequential::parse(text("5x5x1;conv2d:filters=3,kernel=3;", rest), Rng(seed)).weights()[0];
  };
  const Tensor weight = first_weight("flatten;linear:units=2", 1);
  EXPECT_TRUE(identical(weight, first_weight("relu;dropout:rate=0.5;flatten;linear:units=7", 1)));
  EXPECT_FALSE(identical(weight, first_weight("flatten;linear:units=2", 2)));
}

TEST(Weights, CopiesAreIndependent) {
  Sequential first = Sequential::parse("3x3x1;flatten;linear:units=2", Rng(1));
  Sequential second = first;
  EXPECT_EQ(first.weights()[0].data(), second.weights()[0].data());  // no copy yet
  const Tensor x = images(first, 2);
  const Tensor before = logits(first, x);
  second.mutable_weights()[0].mutable_data()[0] += 1;
  EXPECT_TRUE(identical(logits(first, x), before));
  EXPECT_FALSE(identical(logits(second, x), before));
  first = second;
  EXPECT_TRUE(identical(logits(first, x), logits(second, x)));
}

TEST(Weights, SetWeightsChecksAll) {
  Sequential net = Sequential::parse("3x3x1;flatten;linear:units=2", Rng(1));
  const std::vector<Tensor> before(net.weights().begin(), net.weights().end());
  const auto refused = [&](std::vector<Tensor> weights) { return error_of([&] { net.set_weights(weights); }); };
  EXPECT_NE(refused({}), "no error");
  EXPECT_NE(refused({before[0]}), "no error");
  EXPECT_TRUE(contains(refused({before[0], Tensor(Shape{3})}), "2.bias") ||
              contains(refused({before[0], Tensor(Shape{3})}), "1.bias"));
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Tensor broken = before[0];
    broken.mutable_data()[17] = bad;
    EXPECT_TRUE(contains(refused({broken, before[1]}), "17"));
    EXPECT_TRUE(contains(refused({Tensor(before[0].shape()), Tensor::full({2}, bad)}), "1.bias"));
  }
  for (std::size_t w = 0; w < before.size(); ++w) EXPECT_TRUE(identical(net.weights()[w], before[w]));
}

// --- computing -------------------------------------------------------------------------------------

TEST(Networks, ComputeWhatTheirLayersSay) {
  const Sequential net = Sequential::parse(
      "6x5x2;conv2d:filters=3,kernel=3,stride=2,padding=same;relu;max_pool2d:kernel=2,stride=1;tanh;flatten;"
      "linear:units=4;relu;linear:units=3,bias=false",
      Rng(4));
  const Tensor x = images(net, 3);
  Tape tape;
  std::vector<Var> w;
  for (const Tensor& weight : net.weights()) w.push_back(tape.constant(weight));
  Var y = conv2d(tape.constant(x), w[0], w[1], same_window({6, 5, 2}, 3, 3, 2, 2));
  y = flatten(tanh(max_pool2d(relu(y), 2, 1)));
  y = linear(relu(linear(y, w[2], w[3])), w[4]);
  EXPECT_TRUE(identical(logits(net, x), y.value()));
}

TEST(Networks, SamplesAreIndependent) {
  if (!kernels::reproducible()) GTEST_SKIP() << kernels::reservation();
  for (const std::string_view name : {"v1", "small", "linear"}) {
    const Sequential net = nn::make_model(name, Rng(2));
    const Tensor x = images(net, 5);
    const Tensor together = logits(net, x);
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_TRUE(identical(logits(net, x.rows(i, 1)), together.rows(i, 1))) << name << " " << i;
    }
  }
}

TEST(Networks, RefuseOtherImages) {
  const Sequential net = Sequential::parse("3x3x1;flatten;linear:units=2", Rng(1));
  for (const Shape& wrong : {Shape{3, 3, 1}, Shape{1, 3, 1, 3}, Shape{1, 9}, Shape{1, 3, 3, 2}, Shape{}}) {
    EXPECT_NE(error_of([&] { (void)logits(net, Tensor(wrong)); }), "no error") << text(wrong);
  }
}

TEST(Networks, DropoutOnlyInTrainingAndBySample) {
  const Sequential net = Sequential::parse("4x4x1;dropout:rate=0.5;flatten;linear:units=3", Rng(1));
  const Sequential without = Sequential::parse("4x4x1;relu;flatten;linear:units=3", Rng(1));
  const Tensor x = images(net, 3);
  EXPECT_TRUE(identical(logits(net, x), logits(without, x)));  // the pixels are not negative
  const auto trained = [&](std::vector<std::uint32_t> samples, const Tensor& batch) {
    Tape tape;
    std::vector<Var> weights;
    for (const Tensor& weight : net.weights()) weights.push_back(tape.constant(weight));
    const DropoutKeys keys{Rng(5), 9, samples};
    return net.forward(weights, tape.constant(batch), {&keys}).value();
  };
  const Tensor all = trained({6, 2, 8}, x);
  EXPECT_FALSE(identical(all, logits(net, x)));
  EXPECT_TRUE(identical(trained({2}, x.rows(1, 1)), all.rows(1, 1)));
  EXPECT_TRUE(identical(trained({2, 8}, x.rows(1, 2)), all.rows(1, 2)));
  EXPECT_FALSE(identical(trained({3}, x.rows(1, 1)), all.rows(1, 1)));
}

TEST(Networks, TwoDropoutsDropDifferentFeatures) {
  const Sequential net = Sequential::parse("1x1x64;dropout:rate=0.5;dropout:rate=0.5;flatten", Rng(1));
  Tape tape;
  const std::vector<std::uint32_t> samples{0};
  const DropoutKeys keys{Rng(5), 0, samples};
  const Tensor y = net.forward({}, tape.constant(Tensor::full({1, 1, 1, 64}, 1)), {&keys}).value();
  const auto kept = std::ranges::count_if(y.values(), [](float value) { return value != 0; });
  EXPECT_GT(kept, 4);
  EXPECT_LT(kept, 28);  // about 16; 32 if both dropped the same
}

// --- predictions -----------------------------------------------------------------------------------

TEST(Predictions, LowestIndexAmongTheLargestAndNoneForNaN) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> rows{1, 3,   3, 0,         0,         0,         nan, 9,        9,
                                9, nan, 1, -infinity, -infinity, -infinity, 0,   infinity, 5};
  const Tensor logits(Shape{6, 3}, rows);
  const std::vector<int> found = nn::predictions(logits);
  EXPECT_EQ(found, (std::vector<int>{1, 0, nn::no_prediction, nn::no_prediction, 0, 1}));
  EXPECT_EQ(nn::count_correct(found, std::vector<int>{1, 1, 0, -2, 0, 1}), 3U);
  EXPECT_NE(error_of([&] { (void)nn::count_correct(found, std::vector<int>{1}); }), "no error");
  EXPECT_NE(error_of([] { (void)nn::predictions(Tensor(Shape{3})); }), "no error");
}

TEST(Predictions, InBatchesAreTheSame) {
  const Sequential net = Sequential::parse("4x4x1;flatten;linear:units=5", Rng(1));
  const Tensor x = images(net, 300);  // more than two batches
  EXPECT_EQ(nn::predict(net, x), nn::predictions(logits(net, x)));
}

}  // namespace
}  // namespace hans::nn_test
