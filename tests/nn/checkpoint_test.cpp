// A run that was killed goes on from its checkpoint to the same bits; a checkpoint of another run is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/nn/safetensors.hpp>

#include "fit_testing.hpp"

namespace hans::checkpoint_test {
namespace {

using namespace testing_fit;

struct Killed {};

struct Kill {
  nn::Optimizer optimizer;
  unsigned checkpoint_steps;
  std::vector<std::uint64_t> steps;  // at which the run is killed, before it writes its checkpoint
};

TEST(Checkpoints, AKilledRunGoesOnToTheSameBits) {
  const testing_data::TemporaryFolder folder;
  const std::vector<Kill> kills{{nn::Adam{}, 1, {1, 2, 5, 6, 14, 15}},
                                {nn::Adam{}, 4, {3, 5, 6, 9, 12, 15}},
                                {nn::Sgd{.momentum = 0.9F}, 1, {8}},
                                {nn::Adadelta{}, 1, {8}},
                                {nn::AdamW{}, 1, {8}}};
  for (const Kill& kill : kills) {
    FitOptions options = short_run();
    options.optimizer = kill.optimizer;
    options.checkpoint_steps = kill.checkpoint_steps;
    const std::string whole = trained(options);
    const std::uint64_t every = kill.checkpoint_steps;  // and after each epoch of 5
    for (const std::uint64_t last : kill.steps) {
      options.checkpoint = folder.path() / text(kill.optimizer.spec().name, kill.checkpoint_steps, last);
      options.resume = false;
      options.progress = [last](const nn::Progress& at) {
        if (at.step == last) throw Killed{};
      };
      EXPECT_THROW((void)trained(options), Killed);
      std::uint64_t first = 0;
      options.progress = [&](const nn::Progress& at) { first = first == 0 ? at.step : first; };
      options.resume = true;
      EXPECT_EQ(sha256(trained(options)), sha256(whole)) << text(kill.optimizer.spec()) << " killed at " << last;
      EXPECT_EQ(first, std::max((last - 1) / 5 * 5, (last - 1) / every * every) + 1) << "from the newest checkpoint";
      EXPECT_EQ(trained(options), whole) << "resuming a finished run";
    }
  }
}

TEST(Checkpoints, ResumeTellsTheSameProgress) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = short_run();
  options.checkpoint = folder.path() / "run";
  options.checkpoint_steps = 1;
  std::vector<std::pair<std::uint64_t, double>> whole, parts;
  options.progress = [&](const nn::Progress& at) { whole.emplace_back(at.samples, at.loss); };
  (void)trained(options);
  options.progress = [&](const nn::Progress& at) {
    if (at.step == 8) throw Killed{};
    parts.emplace_back(at.samples, at.loss);
  };
  EXPECT_THROW((void)trained(options), Killed);
  options.resume = true;
  options.progress = [&](const nn::Progress& at) { parts.emplace_back(at.samples, at.loss); };
  (void)trained(options);
  EXPECT_EQ(parts, whole);
}

TEST(Checkpoints, WithoutResumeARunStartsAgain) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = short_run();
  options.checkpoint = folder.path() / "run";
  options.resume = true;  // nothing there yet
  const std::string whole = trained(options);
  const std::string file = read_file(options.checkpoint);
  options.resume = false;
  std::uint64_t first = 0;
  options.progress = [&](const nn::Progress& at) { first = first == 0 ? at.step : first; };
  EXPECT_EQ(trained(options), whole);
  EXPECT_EQ(first, 1U);
  EXPECT_EQ(read_file(options.checkpoint), file);  // and the file holds no time
  EXPECT_FALSE(contains(file, folder.path().string()));
}

TEST(Checkpoints, OfAnotherRunAreRefused) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = short_run();
  options.checkpoint = folder.path() / "run";
  (void)trained(options);
  const std::string file = read_file(options.checkpoint);
  options.resume = true;
  const auto with = [&](const auto& change) {
    FitOptions other = options;
    change(other);
    return refusal(other);
  };
  std::vector<std::string> errors{
      with([](FitOptions& o) { o.seed = 10; }),
      with([](FitOptions& o) { o.epochs = 4; }),
      with([](FitOptions& o) { o.batch = 5; }),
      with([](FitOptions& o) { o.optimizer = nn::Sgd{}; }),
      with([](FitOptions& o) { o.optimizer = nn::Adam{.rate = 0.1F}; }),
      with([](FitOptions& o) { o.schedule = nn::Schedule::constant; }),
      with([](FitOptions& o) { o.clip = 1; }),
      with([](FitOptions& o) { o.loss = nn::cross_entropy_loss(0.2F); }),
      refusal(options, quarters(18, 2)),
      refusal(options, quarters(18), fresh("6x6x1;flatten;linear:units=4")),
      refusal(options, quarters(18), Sequential::parse(architecture, Rng(6))),
  };
  for (const std::string& error : errors) {
    EXPECT_TRUE(contains(error, "another run")) << error;
    EXPECT_TRUE(contains(error, options.checkpoint.string())) << error;
  }
  for (const std::string_view damaged :
       {std::string_view(file).substr(0, file.size() - 1), std::string_view("nonsense")}) {
    write_file(options.checkpoint, damaged);
    EXPECT_TRUE(contains(refusal(options), options.checkpoint.string()));
  }
  nn::Safetensors model = nn::Safetensors::parse(bytes(fresh()), "a model");
  write_file(options.checkpoint, model.dump());
  EXPECT_TRUE(contains(refusal(options), "another run"));
}

TEST(Checkpoints, ReplaceNothingButCheckpoints) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = short_run();
  options.checkpoint = folder.path() / "run";
  (void)trained(options);
  const std::string checkpoint = read_file(options.checkpoint);
  options.seed = 10;
  (void)trained(options);  // of another run: still a checkpoint
  EXPECT_NE(read_file(options.checkpoint), checkpoint);
  for (const std::string& precious : {std::string("a thesis"), bytes(fresh()), checkpoint.substr(0, 100)}) {
    write_file(options.checkpoint, precious);
    const std::string error = refusal(options);
    EXPECT_TRUE(contains(error, "no checkpoint")) << error;
    EXPECT_TRUE(contains(error, options.checkpoint.string())) << error;
    EXPECT_EQ(read_file(options.checkpoint), precious);
  }
  write_file(options.checkpoint, "");
  (void)trained(options);
}

TEST(Checkpoints, AFolderThatIsMissingIsFoundAtTheStart) {
  FitOptions options = short_run();
  options.checkpoint = "/no/such/folder/run";
  options.progress = [](const nn::Progress&) { FAIL() << "a step was made"; };
  EXPECT_TRUE(contains(refusal(options), "/no/such/folder"));
}

TEST(Checkpoints, EveryZeroStepsIsRefused) {
  const testing_data::TemporaryFolder folder;
  FitOptions options = short_run();
  options.checkpoint = folder.path() / "run";
  options.checkpoint_steps = 0;
  Sequential net = fresh();
  EXPECT_THROW(nn::fit(net, quarters(18), options), UsageError);
}

}  // namespace
}  // namespace hans::checkpoint_test
