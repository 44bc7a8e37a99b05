// The command with ONNX files.
#include <gtest/gtest.h>

#include <hans/nn/onnx_file.hpp>

#include "../data/data_testing.hpp"
#include "../nn/onnx_testing.hpp"
#include "cli_testing.hpp"

namespace hans::cli_onnx_test {
namespace {

using namespace cli;
using testing_data::contains;

class CliOnnx : public testing::Test {
 protected:
  void SetUp() override {
    if (!available()) GTEST_SKIP() << "this build has no command";
    using namespace onnx_testing;
    const auto graph =
        file({-1, 1, 28, 28},
             {node("Conv", {"x", "w"}, {"a"}, {attribute("strides", {4, 4})}), node("Relu", {"a"}, {"r"}),
              node("Flatten", {"r"}, {"f"}), node("Gemm", {"f", "v"}, {"l"}), node("Softmax", {"l"}, {"y"})},
             {weights("w", {4, 1, 4, 4}), weights("v", {196, 10})});
    write_file(folder_ / "net.onnx", nn::onnx::dump(graph));
    write_file(folder_ / "broken.onnx", nn::onnx::dump(graph).substr(0, 400));
  }

  Outcome hans(const Words& words) { return run(words, folder_); }

  Folder folder_;
};

TEST_F(CliOnnx, AreEvaluatedAttackedConvertedAndTrainedLikeOtherModels) {
  const Outcome evaluated = hans({"eval", "net.onnx", "--data", "mnist-5k"});
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_TRUE(contains(evaluated.err, "is a Softmax; the logits before it are used")) << evaluated.err;
  const Outcome attacked =
      hans({"attack", "net.onnx", "--data", "mnist-5k", "--limit", "50", "--attack", "fgsm:eps=0.1"});
  EXPECT_EQ(attacked.code, 0) << attacked.err;
  const Outcome converted = hans({"convert", "net.onnx", "net.hans"});
  EXPECT_EQ(converted.code, 0) << converted.err;
  EXPECT_TRUE(contains(converted.out, "wrote net.hans (2,024 parameters")) << converted.out;
  const Outcome again = hans({"eval", "net.hans", "--data", "mnist-5k"});
  const auto accuracy = [](const Outcome& made) { return made.out.substr(made.out.find(':'), 40); };
  EXPECT_EQ(accuracy(again), accuracy(evaluated));
  const Outcome trained =
      hans({"train", "--data", "mnist-5k", "--model", "net.onnx", "--epochs", "1", "--out", "t.hans"});
  EXPECT_EQ(trained.code, 0) << trained.err;
  const Outcome shown = hans({"show", "net.onnx"});
  EXPECT_TRUE(contains(shown.out, "conv2d:filters=4,kernel=4,stride=4")) << shown.out;
}

TEST_F(CliOnnx, KeepTheirPreprocessingWhenConverted) {
  const Outcome made = hans({"convert", "net.onnx", "p.hans", "--preprocess", "scale=2,mean=0.5"});
  EXPECT_EQ(made.code, 0) << made.err;
  const Outcome shown = hans({"show", "p.hans"});
  EXPECT_TRUE(contains(shown.out, "scale=2,mean=0.5")) << shown.out;
  EXPECT_TRUE(contains(shown.out, "normalize")) << shown.out;
}

TEST_F(CliOnnx, WeightsStayTheSameBitsInEveryFormat) {
  const auto convert = [this](Words words) {
    words.insert(words.begin(), "convert");
    const Outcome made = hans(words);
    EXPECT_EQ(made.code, 0) << made.err;
    return made.out;
  };
  convert({"net.onnx", "first.hans"});
  const auto content = [&](const std::string& path) {
    convert({path, "plain.npz"});
    return read_file(folder_.path() / "plain.npz");
  };
  const std::string wanted = content("first.hans");
  convert({"first.hans", "a.onnx"});
  EXPECT_EQ(content("a.onnx"), wanted);
  convert({"first.hans", "a.safetensors"});
  const std::string went = convert({"a.safetensors", "b.hans"});
  EXPECT_TRUE(contains(went, "'0' is layer 0, conv2d:")) << went;
  EXPECT_EQ(content("b.hans"), wanted);
  convert({"b.hans", "a.npz"});
  convert({"a.npz", "c.hans", "--model", "first.hans", "--preprocess", "mean=0.5"});
  const Outcome shown = hans({"show", "c.hans"});
  EXPECT_TRUE(contains(shown.out, "normalize") && contains(shown.out, "mean=0.5")) << shown.out;
  convert({"c.hans", "c.onnx"});
  const auto right = [this](const std::string& path) {
    const Outcome made = hans({"eval", path, "--data", "mnist-5k", "--limit", "200"});
    return made.out.substr(made.out.find(':'), 40);
  };
  EXPECT_EQ(right("c.onnx"), right("c.hans"));
  EXPECT_EQ(right("a.onnx"), right("net.onnx"));
}

TEST_F(CliOnnx, MistakesAreOneLine) {
  const std::vector<std::pair<Words, std::string>> cases{
      {{"eval", "broken.onnx", "--data", "mnist-5k"}, "is not a usable ONNX file"},
      {{"eval", "none.onnx", "--data", "mnist-5k"}, "none.onnx"},
      {{"eval", "net.onnx", "--data", "mnist-5k", "--preprocess", "skale=2"}, "skale"},
      {{"convert", "net.onnx", "net.txt"}, ".hans, .onnx, .safetensors or .npz, not 'net.txt'"},
      {{"convert", "net.onnx", "net.hans", "--model", "v1"}, "'net.onnx' is a whole model"},
      {{"convert", "weights.npz", "net.hans"}, "holds weights only; pass their network"},
      {{"convert", "weights.npz", "net.hans", "--model", "linear"}, "no tensors for layer 1 (linear"},
      {{"convert", "weights.npz", "net.hans", "--model", "weights.npz"}, "holds weights, not a whole model"},
      {{"eval", "weights.npz", "--data", "mnist-5k"}, "hans convert weights.npz model.hans --model"},
      {{"convert", "net.onnx", "/nowhere/net.hans"}, "nowhere"},
      {{"convert", "v1", "net.hans"}, "./v1"},
      {{"eval", "v1", "--data", "mnist-5k", "--preprocess", "scale=2"}, "for ONNX files"},
  };
  ASSERT_EQ(hans({"convert", "net.onnx", "weights.npz"}).code, 0);
  const auto before = folder_.state();
  for (const auto& [words, part] : cases) {
    const Outcome made = hans(words);
    EXPECT_NE(made.code, 0) << part;
    EXPECT_TRUE(contains(made.err, part)) << made.err;
    EXPECT_EQ(std::count(made.err.begin(), made.err.end(), '\n'), 1) << made.err;
    EXPECT_EQ(folder_.state(), before) << part;
  }
}

}  // namespace
}  // namespace hans::cli_onnx_test
