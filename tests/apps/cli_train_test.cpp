// hans train: what is done after the last step, what is said of held-out images, runs that end early, schedules.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <hans/core/file.hpp>
#include <hans/core/json.hpp>
#include "cli_testing.hpp"

namespace hans::cli_train_test {
namespace {

class CliTrain : public cli::Test {};

TEST_F(CliTrain, Float16FoldsRoundsAndSaysSo) {
  const std::string_view start =
      "train --data mnist-5k --epochs 1 --quiet --model "
      "'28x28x1;conv2d:filters=4,kernel=4,stride=4,bias=false;batch_norm;relu;flatten;linear:units=10' ";
  const std::string said = output(text(start, "--weights float16 --statistics population --out half.hans"));
  const std::string shown = output("show half.hans");
  for (const std::string_view part : {"weights", "float16", "statistics", "population"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << shown;
  }
  EXPECT_GT(shown.find("batch_norm"), shown.find("\ntraining\n")) << shown;
  const std::string_view key = "weights_sha256 ";
  EXPECT_NE(shown.find(said.substr(said.find(key) + key.size(), 64)), std::string::npos) << said << shown;
  // The same bytes again, other weights without population statistics, and exported as the same numbers.
  output(text(start, "--weights float16 --statistics population --out again.hans"));
  EXPECT_EQ(bytes("again.hans"), bytes("half.hans"));
  output(text(start, "--weights float16 --out running.hans"));
  EXPECT_NE(output("eval running.hans --data mnist-5k --json -"), output("eval half.hans --data mnist-5k --json -"));
  output(text(start, "--weights float16 --statistics population --out half.onnx"));
  output("convert half.hans converted.onnx");
  EXPECT_EQ(bytes("converted.onnx"), bytes("half.onnx"));
  cli::expect_refused(hans(text(start, "--weights float8 --out m.hans")), 2, "float16");
  cli::expect_refused(hans(text(start, "--statistics mean --out m.hans")), 2, "population");
  // Numbers that go on from float16 are float32 again.
  output("train --data mnist-5k --model half.hans --epochs 1 --quiet --out on.hans");
  EXPECT_NE(output("show on.hans").find("float32"), std::string::npos);
}

constexpr std::string_view start = "train --data mnist-5k --model linear --epochs 2 --batch 256 --out m.hans ";

TEST_F(CliTrain, ShowsHeldOutImagesAsItGoes) {
  const std::string said =
      output(text(start, "--held-out 200 --defense 'ibp:eps=0.01' --report page.html --json t.json"));
  EXPECT_NE(said.find("  held out: clean "), std::string::npos) << said;
  EXPECT_NE(said.find(" held_out=200 "), std::string::npos) << said;
  const Json json = Json::parse(bytes("t.json"));
  const Json::Array& epochs = json.at("held_out").items();
  ASSERT_EQ(epochs.size(), 2U);
  const double clean = epochs[1].at("clean").number(), certified = epochs[1].at("certified").number(),
               attacked = epochs[1].at("attacked").number();
  EXPECT_LE(certified, attacked);
  EXPECT_LE(attacked, clean);
  EXPECT_GT(certified, 0.3);  // the radius is the defence's
  const std::string page = bytes("page.html");
  for (const std::string_view part : {"200 images", "<svg", "certify within 0.01", "held_out=200", "m.hans"}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(page.find("http"), std::string::npos);
  // Without a defence there is no radius, and one can be given.
  output(text(start, "--held-out 200 --quiet --json t.json"));
  EXPECT_TRUE(Json::parse(bytes("t.json")).at("held_out").items()[0].at("certified").is_null());
  output(text(start, "--held-out 200 --eps 0.01 --select certified --quiet --json t.json"));
  EXPECT_TRUE(Json::parse(bytes("t.json")).at("held_out").items()[0].at("certified").is_number());
  EXPECT_NE(output("show m.hans").find(" select=certified within=0.01 "), std::string::npos);
}

TEST_F(CliTrain, RefusesWhatIsHeldOutOfNothing) {
  const std::vector<cli::Refusal> rows{
      {"--eps 0.1", 2, "--held-out"},
      {"--select clean", 2, "--held-out"},
      {"--report r.html", 2, "--held-out"},
      {"--held-out 0", 2, "--held-out"},
      {"--held-out 4500", 2, "can be held out"},
      {"--held-out 99999999999", 2, "can be held out"},
      {"--held-out 10 --select certified", 2, "needs the radius"},
      {"--held-out 10 --eps 2", 2, "held-out images"},
      {"--held-out 10 --report m.hans", 2, "same file"},
      {"--held-out 10 --select best", 2, "attacked"},
  };
  for (const cli::Refusal& row : rows) cli::expect_refused(hans(text(start, "--quiet ", row.line)), row.code, row.part);
}

TEST_F(CliTrain, EndsWhenTheNetworkHasCollapsed) {
  constexpr std::string_view line =
      "train --data mnist-5k --model 28x28x1;flatten;linear:units=8;relu;linear:units=10 --epochs 9 --quiet "
      "--optimizer adam:rate=100 --schedule constant --checkpoint run.ckpt --out m.hans";
  cli::expect_refused(hans(line), 1, "the network has collapsed");
  EXPECT_TRUE(std::filesystem::exists(folder_ / "run.ckpt"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m.hans"));
  cli::expect_refused(hans(text(line, " --resume")), 1, "the network has collapsed");
  output(text(line, " --resume --patience 0"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "m.hans"));
}

TEST_F(CliTrain, RecordsTheSchedule) {
  output("train --data mnist-5k --model linear --epochs 1 --quiet --schedule steps:at=0.5 --out m.hans");
  EXPECT_NE(output("show m.hans").find("schedule=steps:at=0.5,factor=0.2"), std::string::npos);
}

}  // namespace
}  // namespace hans::cli_train_test
