// What MODEL and --data may be, in every command that takes them.
#include <gtest/gtest.h>

#include <cmath>

#include <hans/data/dataset.hpp>
#include <hans/data/npz.hpp>

#include "../data/data_testing.hpp"
#include "cli_testing.hpp"

namespace hans::inputs_test {
namespace {

using data::Array;
using testing_data::contains;

constexpr std::string_view small_net = "32x32x3;conv2d:filters=2,kernel=3,stride=8;relu;flatten;linear:units=10";

class Inputs : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (IsSkipped()) return;
    const std::string noise = testing_data::noise(std::size_t{20} * 32 * 32 * 3, 256, 5);
    const std::vector<std::uint8_t> pixels(noise.begin(), noise.end());
    std::vector<std::int64_t> labels(20);
    for (std::size_t k = 0; k < labels.size(); ++k) labels[k] = static_cast<std::int64_t>(k % 10);
    write("colour.npz",
          data::write_npz({{"images", Array::of({20, 32, 32, 3}, pixels)}, {"labels", Array::of({20}, labels)}}));
  }
};

TEST_F(Inputs, AnArchitectureIsTrainedAttackedAndReproduced) {
  const std::string trained =
      output(text("train --model '", small_net, "' --data colour.npz --epochs 1 --quiet --out a.hans"));
  EXPECT_TRUE(contains(trained, "wrote a.hans")) << trained;
  const std::string shown = output("show a.hans");
  EXPECT_TRUE(contains(shown, "32x32x3;conv2d:filters=2,kernel=3,stride=8,padding=valid,bias=true;relu")) << shown;
  EXPECT_TRUE(contains(hans("eval a.hans --data colour.npz").out, "on the 20 images of colour.npz"));

  const auto untrained = [&](std::string_view rest) {
    const cli::Outcome outcome = hans(rest);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, "is untrained; hans train makes a model file of it")) << outcome.err;
    return outcome.out;
  };
  EXPECT_TRUE(contains(untrained(text("eval '", small_net, "' --data colour.npz")), "untrained 32x32x3;conv2d"));
  untrained(text("benchmark '", small_net, "' --data colour.npz --attack fgsm:eps=0.01 --quiet --out b.json"));
  EXPECT_TRUE(contains(hans("reproduce b.json --quiet").out, "identical"));
  EXPECT_TRUE(contains(output(text("show '", small_net, "'")), "an architecture, untrained"));
  EXPECT_EQ(hans("train --model resnet8 --data colour.npz --epochs 1 --quiet --out r.hans").code, 0);
}

TEST_F(Inputs, AManifestFindsItsModelBesideItWhateverTheFolderIsCalled) {
  for (const std::string_view folder : {"plain", "2;nd"}) {
    SCOPED_TRACE(folder);
    for (const std::string_view name : {"m.hans", "./2;m.hans"}) {
      const std::filesystem::path there = folder_.path() / folder;
      std::filesystem::create_directories(there);
      output(text("train --model '", small_net, "' --data colour.npz --epochs 1 --quiet --out '", name, "'"));
      output(
          text("benchmark '", name, "' --data colour.npz --attack fgsm:eps=0.01 --quiet --out '", folder, "/b.json'"));
      std::filesystem::rename(folder_.path() / name, there / std::filesystem::path(name).filename());
      const cli::Outcome outcome = hans(text("reproduce '", folder, "/b.json' --quiet"));
      EXPECT_TRUE(contains(outcome.out, "identical")) << name << "\n" << outcome.err;
    }
  }
}

TEST_F(Inputs, OthersAreRefusedInALine) {
  constexpr cli::Refusal refusals[]{
      {"eval '32x32x3;nonsense' --data colour.npz", 2, "there is no layer 'nonsense'"},
      {"train --model '32x32x3;flatten;linear:units=5' --data colour.npz --epochs 1 --out x.hans", 1, "0 to 4"},
      {"eval '28x28x1;flatten;linear:units=10' --data colour.npz", 1, "the model takes images of 28x28x1"},
      {"eval '28x28x1;flatten;linear:units=10' --data mnist-5k --preprocess scale=2", 2, "--preprocess is for ONNX"},
      {"eval flatten;linear --data mnist-5k", 2, "resnet20, and architectures such as '28x28x1;flatten"},
      {"eval v7 --data mnist-5k", 2, "a model file is written with a '.' or '/'"},
      {"eval '2;m.hans' --data colour.npz", 2, "; for the file of that name write ./2;m.hans"},
      {"train --model resnet8 --data mnist-5k --epochs 1 --out x.hans", 1, "the model takes images of 32x32x3"},
      {"eval resnet8 --data colour.npz/test", 2, "has no parts"},
      {"eval resnet8 --data none.npz", 1, "none.npz"},
      {"eval resnet8 --data none", 2, "a folder is written with a '/'"},
  };
  write("2;m.hans", "");
  const auto before = folder_.state();
  for (const cli::Refusal& refusal : refusals) {
    SCOPED_TRACE(text("hans ", refusal.line));
    const cli::Outcome outcome = hans(refusal.line);
    EXPECT_EQ(outcome.code, refusal.code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, refusal.part)) << outcome.err;
    ASSERT_EQ(folder_.state(), before);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose memory is not the command's
// As numbers 10,000 images take 31 MB; as bytes 8, and a run on a linear model needs 27 MB in all.
TEST_F(Inputs, ImagesAreBytesUntilTheyAreUsed) {
  train("m.hans");
  const data::Dataset digits = data::load("mnist-5k/train");
  const data::Samples all = digits.first(digits.size());
  std::vector<std::uint8_t> pixels;
  std::vector<std::int64_t> labels;
  for (std::size_t k = 0; k < 10000; ++k) {
    const std::size_t from = k % all.size();
    for (const real pixel : all.images.values().subspan(from * 784, 784)) {
      pixels.push_back(static_cast<std::uint8_t>(std::lround(pixel * 255)));
    }
    labels.push_back(all.labels[from]);
  }
  write("many.npz",
        data::write_npz({{"images", Array::of({10000, 28, 28}, pixels)}, {"labels", Array::of({10000}, labels)}}));
  for (const std::string_view line :
       {"benchmark m.hans --data many.npz --attack fgsm:eps=0.1 --threads 1 --quiet --out b.json",
        "reproduce b.json --threads 1 --quiet", "eval m.hans --data many.npz --threads 1 --quiet"}) {
    const cli::Outcome outcome = hans(line, {.most_memory = 48 << 20});
    EXPECT_EQ(outcome.code, 0) << line << "\n" << outcome.err;
  }
}
#endif

TEST_F(Inputs, TheListsShowShapes) {
  const std::string models = output("list models");
  for (const char* part : {"resnet8 ", "32x32x3", "272,474", "lenet5 "}) EXPECT_TRUE(contains(models, part)) << part;
  const std::string known = output("list data fashion-mnist");
  for (const char* part : {"28x28x1 in [0,1], 10 classes", "Debian's dataset-fashion-mnist"}) {
    EXPECT_TRUE(contains(known, part)) << part << " in\n" << known;
  }
  EXPECT_TRUE(contains(output("list data"), "a folder of IDX"));
}

}  // namespace
}  // namespace hans::inputs_test
