// hans train: runs that end early, and schedules.
#include <filesystem>

#include "cli_testing.hpp"

namespace hans::cli_train_test {
namespace {

using CliTrain = cli::Test;

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
