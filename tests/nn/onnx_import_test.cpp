// ONNX graphs as networks: against stored results of another runtime, and against formulas.
#include <hans/nn/onnx_import.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/data/dataset.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/trainer.hpp>

#include "../data/data_testing.hpp"
#include "onnx_testing.hpp"

namespace hans::onnx_import_test {
namespace {

using namespace onnx_testing;
using testing_data::contains;
using testing_data::error_of;

Tensor logits(const nn::Sequential& net, const Tensor& images) {
  Tape tape;
  return net.logits(tape.constant(images)).value();
}

Tensor random_images(const Shape& image, std::size_t count) {
  Tensor made(image.with_front(count));
  Stream stream = Rng(5).stream("images");
  for (real& value : made.mutable_values()) value = stream.uniform();
  return made;
}

// --- models made elsewhere -------------------------------------------------------------------------------

struct Known {
  std::string file, preprocess;
  std::size_t right;  // of the first 2,000 test images
};
const std::vector<Known> known{{"cntk_mnist8", "none", 1966},
                               {"lirpa_mnist_a_adv", "none", 1905},
                               {"locuslab_mnist_linf0.1", "none", 1949},
                               {"burn_bn_native_onnx", "mean=0.1307,std=0.3081", 1976},
                               {"rsl18a_mnist_linf0.1", "none", 1879},
                               {"art_no_mpool", "none", 1878},
                               {"marabou_mnist5x20_leaky", "none", 1859},
                               {"marabou_sigmoid_robust", "none", 1873}};

void PrintTo(const Known& model, std::ostream* out) { *out << model.file; }

class OnnxModels : public testing::TestWithParam<Known> {};

TEST_P(OnnxModels, GiveTheLogitsOfAnotherRuntimeAndTheKnownCount) {
  const std::filesystem::path shared = testing_data::shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared data; set HANS_SHARED";
  std::vector<std::string> notes;
  const nn::Model model = nn::import_onnx(nn::onnx::load(shared / "models" / (GetParam().file + ".onnx")),
                                          nn::read_preprocess(GetParam().preprocess), notes);
  const data::Dataset test = data::load((shared / "data" / "mnist").string() + "/test");
  const data::Samples first = test.first(3);
  const bool logarithms = GetParam().file == "burn_bn_native_onnx";
  EXPECT_EQ(notes.size(), logarithms ? 1U : 0U);
  Tape tape;
  Var made = model.net.logits(tape.constant(first.images));
  if (logarithms) made = log_softmax(made);
  std::ifstream stored(std::filesystem::path(HANS_SOURCE_DIR) / "tests/golden/onnx_logits.txt");
  std::size_t compared = 0;
  for (std::string line; std::getline(stored, line);) {
    std::istringstream words(line);
    std::string name;
    std::size_t image = 0;
    words >> name >> image;
    if (name != GetParam().file) continue;
    double largest = 0;
    std::vector<double> expected(10);
    for (double& value : expected) {
      words >> value;
      largest = std::max(largest, std::abs(value));
    }
    for (std::size_t k = 0; k < 10; ++k) {
      EXPECT_NEAR(made.value().data()[image * 10 + k], expected[k], 1e-4 * largest) << image << " " << k;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 3U);
  const std::vector<int> predictions = nn::predict(model.net, test, 2000);
  EXPECT_EQ(nn::count_correct(predictions, test.labels().first(2000)), GetParam().right);
}

INSTANTIATE_TEST_SUITE_P(, OnnxModels, testing::ValuesIn(known), [](const auto& model) {
  std::string name = model.param.file;
  std::ranges::replace(name, '.', '_');
  return name;
});

// --- structure -------------------------------------------------------------------------------------------

// What a graph becomes: the layers a person would have written.
TEST(OnnxImport, MakesTheNativeLayers) {
  struct Row {
    File graph;
    std::string architecture;
  };
  const std::vector<Row> rows{
      {file({-1, 2, 6, 6},
            {node("Conv", {"x", "w", "b"}, {"a"}, {attribute("pads", {1, 0, 1, 2})}), node("Relu", {"a"}, {"r"}),
             node("MaxPool", {"r"}, {"p"}, {attribute("kernel_shape", {2, 2}), attribute("strides", {2, 2})}),
             node("Flatten", {"p"}, {"f"}),
             node("Gemm", {"f", "v", "c"}, {"y"}, {attribute("transB", std::int64_t{1})})},
            {weights("w", {3, 2, 3, 3}), weights("b", {3}), weights("v", {5, 27}), weights("c", {5})}),
       "6x6x2;conv2d:filters=3,kernel=3,stride=1,padding=1x1x0x2,bias=true;relu;max_pool2d:kernel=2;"
       "flatten;linear:units=5,bias=true"},
      {file({1, 1, 4, 4},
            {node("Conv", {"x", "w"}, {"a"}), node("Add", {"a", "b"}, {"c"}), node("Reshape", {"c", "s"}, {"f"}),
             node("MatMul", {"f", "v"}, {"m"}), node("Add", {"m", "d"}, {"y"})},
            {weights("w", {2, 1, 3, 3}), weights("b", {2, 1, 1}), wholes("s", {2}, {1, -1}), weights("v", {8, 3}),
             weights("d", {1, 3})}),
       "4x4x1;conv2d:filters=2,kernel=3,stride=1,padding=valid,bias=true;flatten;linear:units=3,bias=true"},
      {file({-1, 16},
            {node("Gemm", {"x", "w"}, {"a"}), node("Tanh", {"a"}, {"t"}), node("Gemm", {"t", "v"}, {"b"}),
             node("Add", {"t", "b"}, {"y"})},
            {weights("w", {16, 4}), weights("v", {4, 4})}),
       "4x4x1;flatten;linear:units=4,bias=false;tanh;linear:units=4,bias=false;add:of=2/3"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(imported(row.graph).net.architecture(), row.architecture);
  }
}

// A flattened image is counted by channels there and by pixels here: the weights are put in order once.
TEST(OnnxImport, KeepsFeaturesWithTheirWeights) {
  const File graph = file({-1, 3, 2, 2}, {node("Flatten", {"x"}, {"f"}), node("Gemm", {"f", "w", "b"}, {"y"})},
                          {weights("w", {12, 2}), weights("b", {2})});
  const nn::Model model = imported(graph);
  EXPECT_FALSE(contains(model.net.architecture(), "transpose")) << model.net.architecture();
  const Tensor images = random_images({2, 2, 3}, 2);
  const Tensor found = logits(model.net, images);
  const Tensor w = graph.graph.initializers[0].numbers(), b = graph.graph.initializers[1].numbers();
  for (std::size_t n = 0; n < 2; ++n) {
    for (std::size_t k = 0; k < 2; ++k) {
      double sum = b.data()[k];
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t p = 0; p < 4; ++p)
          sum += double{images.data()[(n * 4 + p) * 3 + c]} * w.data()[(c * 4 + p) * 2 + k];
      }
      EXPECT_NEAR(found.data()[n * 2 + k], sum, 1e-5);
    }
  }
}

TEST(OnnxImport, TakesARowOfFeaturesWithoutSamples) {
  for (const std::int64_t features : {std::int64_t{1}, std::int64_t{5}, std::int64_t{12}}) {
    const nn::Model model =
        imported(file({features}, {node("MatMul", {"x", "w"}, {"y"})}, {weights("w", {features, 2})}));
    EXPECT_EQ(model.net.input().elements(), static_cast<std::size_t>(features));
    EXPECT_TRUE(model.net.architecture().ends_with(";flatten;linear:units=2,bias=false")) << model.net.architecture();
  }
}

TEST(OnnxImport, FoldsArithmeticOfShapes) {
  const File graph =
      file({-1, 2, 2, 2},
           {node("Shape", {"x"}, {"s"}), node("Gather", {"s", "zero"}, {"n"}), node("Unsqueeze", {"n", "axis"}, {"n1"}),
            node("Concat", {"n1", "rest"}, {"to"}, {attribute("axis", std::int64_t{0})}),
            node("Reshape", {"x", "to"}, {"f"}), node("Gemm", {"f", "w"}, {"y"})},
           {wholes("zero", {}, {0}), wholes("axis", {1}, {0}), wholes("rest", {1}, {-1}), weights("w", {8, 2})});
  EXPECT_EQ(imported(graph).net.architecture(), "2x2x2;flatten;linear:units=2,bias=false");
}

TEST(OnnxImport, AttacksAndTrainingWorkOnAnyGraph) {
  const File graph =
      file({-1, 1, 6, 6},
           {node("Conv", {"x", "w"}, {"a"}, {attribute("pads", {1, 1, 1, 1})}),
            node("BatchNormalization", {"a", "s", "b", "m", "v"}, {"n"}), node("Elu", {"n"}, {"e"}),
            node("Concat", {"e", "a"}, {"c"}, {attribute("axis", std::int64_t{1})}),
            node("AveragePool", {"c"}, {"p"}, {attribute("kernel_shape", {2, 2}), attribute("strides", {2, 2})}),
            node("Flatten", {"p"}, {"f"}), node("Gemm", {"f", "u"}, {"y"})},
           {weights("w", {2, 1, 3, 3}), reals("s", {2}, {1.5F, 0.5F}), reals("b", {2}, {0.1F, -0.2F}),
            reals("m", {2}, {0.3F, 0.1F}), reals("v", {2}, {2, 0.5F}), weights("u", {36, 3})});
  nn::Model model = imported(graph);
  data::Samples samples;
  samples.images = random_images({6, 6, 1}, 4);
  samples.labels = {0, 1, 2, 0};
  samples.index = {0, 1, 2, 3};
  samples.box = {0, 1};
  const attacks::Crafted made =
      attacks::Attack(attacks::Fgsm{.eps = 0.1F})(model.net, samples, away_from(samples.labels));
  for (std::size_t k = 0; k < made.images.size(); ++k) {
    EXPECT_LE(std::abs(made.images.data()[k] - samples.images.data()[k]), 0.1000001F);
  }
  EXPECT_FALSE(identical(made.images, samples.images));
  const auto mean_loss = [&](const Tensor& losses) {
    double sum = 0;
    for (const real loss : losses.values()) sum += loss;
    return sum / 4;
  };
  nn::Optimizer optimizer = nn::Adam{.rate = 0.01F};
  nn::Trainer trainer(model.net, optimizer, nn::cross_entropy_loss(), Rng(1));
  const std::vector<Tensor> before(model.net.buffers().begin(), model.net.buffers().end());
  const double first = mean_loss(trainer.step(samples, 0));
  EXPECT_FALSE(identical(before[0], model.net.buffers()[0])) << "the stored mean follows the batch";
  double last = 0;
  for (std::uint32_t step = 1; step < 60; ++step) last = mean_loss(trainer.step(samples, step));
  EXPECT_LT(last, first / 2);
}

// --- outputs and inputs ----------------------------------------------------------------------------------

TEST(OnnxImport, TakesTheLogitsBeforeProbabilities) {
  for (const char* op : {"Softmax", "LogSoftmax"}) {
    const File plain = file({-1, 4}, {node("Gemm", {"x", "w"}, {"y"})}, {weights("w", {4, 3})});
    const File ended = file({-1, 4}, {node("Gemm", {"x", "w"}, {"a"}), node(op, {"a"}, {"y"})}, {weights("w", {4, 3})});
    std::vector<std::string> notes;
    const nn::Model model = nn::import_onnx(ended, {}, notes);
    EXPECT_EQ(model.net.architecture(), imported(plain).net.architecture());
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_TRUE(contains(notes[0], op)) << notes[0];
    const nn::Model whole = nn::import_onnx(ended, {}, notes, nn::OnnxOutput::graph);
    EXPECT_EQ(whole.net.layers().size(), model.net.layers().size() + 1);
    EXPECT_EQ(notes.size(), 1U);
  }
}

TEST(OnnxImport, OutputsWithoutGradientAreEvaluatedButNotAttackedByGradients) {
  const File chosen = file(
      {-1, 4}, {node("Gemm", {"x", "w"}, {"a"}), node("ArgMax", {"a"}, {"y"}, {attribute("axis", std::int64_t{1})})},
      {weights("w", {4, 3})});
  File bytes =
      file({-1, 4}, {node("Cast", {"x"}, {"f"}, {attribute("to", std::int64_t{1})}), node("Gemm", {"f", "w"}, {"y"})},
           {weights("w", {4, 3})});
  bytes.graph.inputs = {value("x", {-1, 4}, Type::u8)};
  const File plain = file({-1, 4}, {node("Gemm", {"x", "w"}, {"y"})}, {weights("w", {4, 3})});
  data::Samples samples;
  samples.images = random_images({2, 2, 1}, 6);
  samples.labels.assign(6, 0);
  samples.index = {0, 1, 2, 3, 4, 5};
  samples.box = {0, 1};
  EXPECT_EQ(nn::predict(imported(chosen).net, samples.images), nn::predict(imported(plain).net, samples.images));
  for (const nn::Model& model : {imported(chosen), imported(bytes, "scale=255")}) {
    EXPECT_FALSE(model.net.differentiable());
    const std::string refusal = "no gradient of the model's logits reaches the image";
    EXPECT_TRUE(contains(error_of([&] {
                           (void)attacks::Attack(attacks::Fgsm{.eps = 0.1F})(model.net, samples,
                                                                             away_from(samples.labels));
                         }),
                         refusal));
    EXPECT_TRUE(
        contains(error_of([&] { (void)attacks::Attack(attacks::Jsma{.gamma = 1.0F})(model.net, samples, towards(1)); }),
                 refusal));
  }
  // Whole numbers are rounded to: 0.4 / 255 is nothing.
  Tensor tiny(Shape{1, 2, 2, 1});
  for (real& pixel : tiny.mutable_values()) pixel = 0.4F / 255;
  const Tensor rounded = logits(imported(bytes, "scale=255").net, tiny);
  for (const real logit : rounded.values()) EXPECT_EQ(logit, 0);
}

TEST(OnnxImport, PreprocessingIsPartOfTheNetwork) {
  const File graph =
      file({-1, 2, 2, 2}, {node("Flatten", {"x"}, {"f"}), node("Gemm", {"f", "w"}, {"y"})}, {weights("w", {8, 2})});
  const nn::Model plain = imported(graph);
  const nn::Model scaled = imported(graph, "scale=2,mean=0.25/0.5,std=0.5/4");
  EXPECT_EQ(scaled.preprocessing, "scale=2,mean=0.25/0.5,std=0.5/4");
  Tensor images = random_images({2, 2, 2}, 1);
  const Tensor found = logits(scaled.net, images);
  for (std::size_t k = 0; k < images.size(); ++k) {
    real& x = images.mutable_data()[k];
    x = k % 2 == 0 ? (x * 2 - 0.25F) / 0.5F : (x * 2 - 0.5F) / 4;
  }
  EXPECT_TRUE(identical(found, logits(plain.net, images)));

  // The same image, listed by pixel.
  File by_pixel = file({-1, 2, 2, 2},
                       {node("Transpose", {"x"}, {"t"}, {attribute("perm", {0, 3, 1, 2})}),
                        node("Flatten", {"t"}, {"f"}), node("Gemm", {"f", "w"}, {"y"})},
                       {weights("w", {8, 2})});
  const nn::Model turned = imported(by_pixel, "layout=nhwc");
  EXPECT_FALSE(contains(turned.net.architecture(), "transpose")) << turned.net.architecture();
  EXPECT_TRUE(identical(logits(turned.net, images), logits(plain.net, images)));

  File open = file({-1, -1}, {node("Gemm", {"x", "w"}, {"y"})}, {weights("w", {9, 2})});
  EXPECT_TRUE(contains(error_of([&] { (void)imported(open); }), "--preprocess shape="));
  EXPECT_EQ(imported(open, "shape=9").net.input(), (Shape{3, 3, 1}));
  EXPECT_EQ(imported(open, "shape=1x9").net.input(), (Shape{3, 3, 1}));
  for (const char* wrong :
       {"scale", "scale=0/0", "std=0", "mean=", "mean=1//2", "layout=hwc", "shape=0x1", "sclae=1", "mean=nan"}) {
    EXPECT_THROW((void)nn::read_preprocess(wrong), UsageError) << wrong;
  }
  EXPECT_TRUE(contains(error_of([&] { (void)imported(graph, "mean=1/2/3"); }), "one number or as many"));
}

// Names of nodes, unlike those of values, say nothing: exporters leave them empty or repeat them.
TEST(OnnxImport, TakesRepeatedNamesOfNodesAndTheClassAsAWholeNumber) {
  File repeated = file({-1, 4}, {node("Relu", {"x"}, {"a"}), node("Relu", {"a"}, {"y"})});
  for (Node& each : repeated.graph.nodes) each.name = "same";
  EXPECT_EQ(imported(repeated).net.architecture(), "2x2x1;flatten;relu;relu");
  const File cast = file({-1, 4}, {node("ArgMax", {"x"}, {"a"}, {attribute("axis", std::int64_t{1})}),
                                   node("Cast", {"a"}, {"y"}, {attribute("to", std::int64_t{7})})});
  const Tensor images({1, 2, 2, 1}, std::vector<real>{0, 1, 5, 2});
  const Tensor classes = logits(imported(cast).net, images);
  EXPECT_TRUE(identical(classes, Tensor({1, 4}, std::vector<real>{0, 0, 1, 0})));
}

// An addition is taken in as the bias of a product only where it is behind it.
TEST(OnnxImport, LeavesAnAdditionBeforeTheProductThatGivesTheLogits) {
  const File before = file({-1, 3}, {node("Add", {"c", "x"}, {"a"}), node("Gemm", {"a", "w"}, {"y"})},
                           {weights("c", {3}), weights("w", {3, 3})});
  EXPECT_TRUE(contains(imported(before).net.architecture(), "linear:units=3,bias=false"))
      << imported(before).net.architecture();
}

}  // namespace
}  // namespace hans::onnx_import_test
