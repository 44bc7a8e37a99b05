// hans check on files and models made elsewhere, and what it refuses.
#include <bit>
#include <cmath>
#include <functional>
#include <hans/attacks/attack.hpp>
#include <hans/core/json.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/version.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/model_file.hpp>
#include <limits>

#include "cli_check_testing.hpp"

namespace hans::cli_check_files_test {
namespace {

using cli_check::CliCheck;
using cli_check::File;
using data::Array;

TEST_F(CliCheck, FilesOfOtherToolsMayLeaveTheirBallByRounding) {
  File file = attacked("fgsm:eps=0.2");
  std::vector<float> rounded = file.pixels;
  for (std::size_t k = 0; k < rounded.size(); ++k) {  // as a tool does that adds in float
    const float change = file.pixels[k] - file.before[k];
    if (change != 0) rounded[k] = std::clamp(file.before[k] + (change > 0 ? 0.2F : -0.2F), 0.0F, 1.0F);
  }
  const std::size_t rows = rounded.size() / file.features;
  const auto index = file.columns["index"];
  write("theirs.npz",
        data::write_npz(std::vector<data::NamedArray>{{"images", Array::of(Shape{rows, 1, 28, 28}, rounded)},
                                                      {"index", Array::of(Shape{rows}, index)},
                                                      {"success", Array::of(Shape{rows}, file.columns["success"])}}));
  const std::string line = "check theirs.npz --model m.hans --data mnist-5k --norm linf --eps 0.2";
  EXPECT_EQ(hans(line).code, 1);
  const std::string said = output(line + " --slack 1e-6");
  EXPECT_NE(said.find("slack 1e-06"), std::string::npos) << said;
  EXPECT_NE(said.find("rejected            0"), std::string::npos) << said;
  EXPECT_NE(output("check theirs.npz --model m.hans --data mnist-5k").find("unknown attack: box [0,1]"),
            std::string::npos);
}

/// The file as another tool writes it: of no model and attack.
std::string anonymous(const File& file) {
  return data::write_npz(
      std::vector<data::NamedArray>{{"images", Array::of(file.images.shape, file.pixels)},
                                    {"success", Array::of(Shape{file.images.shape[0]}, file.columns.at("success"))}});
}

TEST_F(CliCheck, AnOnnxFileIsCheckedAsWhatConvertMakesOfIt) {
  const File file = attacked("pgd:eps=0.05,steps=5");
  write("a.npz", anonymous(file));
  output("convert m.hans m.onnx");
  output("convert m.onnx n.hans --preprocess mean=0.1,std=0.5");
  const std::string said =
      hans("check a.npz --model m.onnx --data mnist-5k --preprocess mean=0.1,std=0.5 --json a.json").out;
  EXPECT_NE(said.find("checked is what hans convert makes of the ONNX file"), std::string::npos) << said;
  const Json found = Json::parse(bytes("a.json"));
  EXPECT_EQ(found.at("checked_sha256").string(), sha256(bytes("n.hans")));
  EXPECT_EQ(found.at("model_sha256").string(), sha256(bytes("m.onnx")));
  EXPECT_EQ(found.at("hans").string(), build_version());
  EXPECT_LT(found.at("largest_difference").number(), 1e-4);
  EXPECT_GT(found.at("largest_difference").number(), 0);
  // The converted file is found to be the same, but for what is said of the conversion.
  const std::string of_hans = hans("check a.npz --model n.hans --data mnist-5k").out;
  EXPECT_EQ(of_hans.find("hans convert"), std::string::npos) << of_hans;
  EXPECT_EQ(said.substr(said.find("  claimed")), of_hans.substr(of_hans.find("  claimed")));
}

TEST_F(CliCheck, ALayerItDoesNotKnowIsRefusedByName) {
  const File file = attacked("fgsm:eps=0.2");
  write("a.npz", anonymous(file));
  const auto noisy = nn::Sequential::parse("28x28x1;gaussian_noise:sigma=0.1;flatten;linear:units=10", Rng(1));
  write("noise.hans", nn::dump_model(nn::Model{noisy}));
  cli::expect_refused(hans("check a.npz --model noise.hans --data mnist-5k"), 1,
                      "does not know the layer gaussian_noise;");
}

TEST_F(CliCheck, RefusesWhatItCannotCheck) {
  File file = attacked("fgsm:eps=0.2");
  write("half.npz", bytes("a.npz").substr(0, 1000));
  write("empty.npz", "");
  using cli::Refusal;
  for (const Refusal& one : {Refusal{"check half.npz --model m.hans --data mnist-5k", 1, "half.npz"},
                             Refusal{"check empty.npz --model m.hans --data mnist-5k", 1, "npz"},
                             Refusal{"check a.npz --model linear --data mnist-5k", 2, "model file"},
                             Refusal{"check a.npz --model m.hans", 2, "--data"},
                             Refusal{"check a.npz --model m.hans --data mnist-5k --slack -1", 2, "slack"},
                             Refusal{"check a.npz --model m.hans --data mnist-5k --slack nan", 2, "slack"},
                             Refusal{"check a.npz --model m.hans --data mnist-5k --norm l2", 2, "--eps"}}) {
    cli::expect_refused(hans(one.line), one.code, one.part);
  }
}

}  // namespace
}  // namespace hans::cli_check_files_test
