// Held-out images: nothing is learned from them, figures are those of other functions, the best weights come back, and
// a killed run goes on to the same of all.
#include <hans/defenses/held_out.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/core/file.hpp>
#include <hans/defenses/certify.hpp>
#include <hans/defenses/defense.hpp>
#include <hans/nn/evaluate.hpp>
#include "../nn/fit_testing.hpp"

namespace hans::held_out_test {
namespace {

using namespace testing_fit;
using defenses::HeldOut;
using defenses::HeldOutFigures;
using defenses::Select;

constexpr std::size_t held = 10, whole = 40;

/// Six epochs on the first 30 of `data`, with a rate that is so large that accuracy goes up and down.
FitOptions options_of(const data::Dataset& data, Select select, std::vector<HeldOutFigures>* history = nullptr,
                      float eps = 0.1F, const nn::Loss& loss = nn::cross_entropy_loss()) {
  FitOptions options{.epochs = 6, .batch = 4, .optimizer = nn::Sgd{.rate = 0.3F}, .loss = loss, .seed = 9};
  options.schedule = nn::Schedule::constant;
  HeldOut held_out{data.samples(whole - held, held), eps, select};
  held_out.shown = [history](std::span<const HeldOutFigures> epochs) {
    if (history != nullptr) history->assign(epochs.begin(), epochs.end());
  };
  return defenses::watching(options, held_out, whole);
}

Sequential run(const FitOptions& options, const data::Dataset& data) {
  Sequential net = fresh();
  nn::fit(net, data, options);
  return net;
}

/// The same images, of which the held-out ones have other labels.
data::Dataset with_other_labels(const data::Dataset& data) {
  std::vector<int> labels(data.labels().begin(), data.labels().end());
  for (std::size_t k = whole - held; k < whole; ++k) labels[k] = (labels[k] + 1) % 4;
  const data::Samples all = data.first(whole);
  return {"other", data.image_shape(), std::vector<float>(all.images.values().begin(), all.images.values().end()),
          labels, 4};
}

TEST(HeldOut, NothingIsLearnedFromThem) {
  const data::Dataset data = quarters(whole);
  FitOptions plain = options_of(data, Select::last);
  const std::string watched = bytes(run(plain, data));
  EXPECT_EQ(bytes(run(plain, with_other_labels(data))), watched);
  plain.loss = nn::cross_entropy_loss();
  EXPECT_EQ(bytes(run(plain, data)), watched);  // and watching changes nothing
  plain.held_out = 0;
  EXPECT_NE(bytes(run(plain, data)), watched);
}

TEST(HeldOut, FiguresAreThoseOfOtherFunctions) {
  const data::Dataset data = quarters(whole);
  std::vector<HeldOutFigures> history;
  const Sequential net = run(options_of(data, Select::last, &history), data);
  ASSERT_EQ(history.size(), 6U);
  const data::Samples samples = data.samples(whole - held, held);
  const auto share = [](std::size_t part) { return double{static_cast<real>(static_cast<double>(part) / held)}; };
  EXPECT_EQ(history.back().clean, share(nn::count_correct(nn::predict(net, samples.images), samples.labels)));
  const attacks::Attack pgd = attacks::Pgd{.eps = 0.1F, .steps = 10};
  EXPECT_EQ(history.back().attacked, share(attacks::evaluate(net, samples, {&pgd, 1}, {}).attacks[0].robust_count));
  defenses::CertifyOptions certify{.eps = 0.1F};
  certify.method = defenses::CertifyMethod::ibp;
  const std::vector<defenses::Certificate> all = defenses::certify(net, samples, certify);
  const auto proved = std::ranges::count(all, defenses::Certainty::certified, &defenses::Certificate::certainty);
  EXPECT_EQ(history.back().certified, share(static_cast<std::size_t>(proved)));
}

TEST(HeldOut, TheBestWeightsComeBack) {
  const data::Dataset data = quarters(whole);
  const auto value = [](const HeldOutFigures& figures, Select select) {
    return select == Select::clean       ? figures.clean
           : select == Select::certified ? *figures.certified
                                         : *figures.attacked;
  };
  bool earlier = false;
  for (const Select select : {Select::clean, Select::certified, Select::attacked}) {
    std::vector<HeldOutFigures> history;
    const Sequential net = run(options_of(data, select, &history), data);
    const auto best =
        std::ranges::max_element(history, {}, [&](const HeldOutFigures& figures) { return value(figures, select); });
    FitOptions shorter = options_of(data, Select::last);
    shorter.epochs = static_cast<unsigned>(best - history.begin()) + 1;
    EXPECT_EQ(bytes(net), bytes(run(shorter, data))) << enum_name(select);
    earlier = earlier || shorter.epochs < 6;
  }
  EXPECT_TRUE(earlier) << "the last weights were the best each time, so that nothing was tested";
}

struct Killed {};

/// Methods without and with state of their own in the run.
std::vector<nn::Loss> methods() {
  std::vector<nn::Loss> all{nn::cross_entropy_loss()};
  for (const std::string_view spec : {"fast:eps=0.1,probe=2", "awp:of=[trades:eps=0.1]"}) {
    all.push_back(defenses::Defense::from_spec(Spec::parse(spec)));
  }
  return all;
}

TEST(HeldOut, AKilledRunGoesOnToTheSameFiguresAndWeights) {
  const testing_data::TemporaryFolder folder;
  const data::Dataset data = quarters(whole);
  for (const nn::Loss& method : methods()) {
    std::vector<HeldOutFigures> straight, history;
    const std::string net = bytes(run(options_of(data, Select::attacked, &straight, 0.1F, method), data));
    for (const std::uint64_t last : {3U, 8U, 9U, 17U, 40U, 47U}) {
      FitOptions options = options_of(data, Select::attacked, &history, 0.1F, method);
      options.checkpoint = folder.path() / text("run", last);
      options.checkpoint_steps = 3;
      options.progress = [last](const nn::Progress& at) {
        if (at.step == last) throw Killed{};
      };
      EXPECT_THROW((void)run(options, data), Killed);
      options.progress = {};
      options.resume = true;
      history.clear();
      EXPECT_EQ(bytes(run(options, data)), net) << method.spec() << last;
      ASSERT_EQ(history.size(), straight.size()) << method.spec() << last;
      for (std::size_t k = 0; k < history.size(); ++k) {
        EXPECT_EQ(history[k].clean, straight[k].clean);
        EXPECT_EQ(history[k].certified, straight[k].certified);
        EXPECT_EQ(history[k].attacked, straight[k].attacked);
      }
      std::filesystem::remove(options.checkpoint);
    }
  }
}

TEST(HeldOut, WithoutARadiusOrARuleLessIsMeasured) {
  const data::Dataset data = quarters(whole);
  std::vector<HeldOutFigures> history;
  (void)run(options_of(data, Select::clean, &history, 0), data);
  EXPECT_FALSE(history.back().certified || history.back().attacked);
  Sequential net = fresh("6x6x1;conv2d:filters=4,kernel=3;flatten;layer_norm;linear:units=4");
  nn::fit(net, data, options_of(data, Select::attacked, &history));
  EXPECT_FALSE(history.back().certified);
  EXPECT_TRUE(history.back().attacked);
  net = fresh("6x6x1;conv2d:filters=4,kernel=3;flatten;layer_norm;linear:units=4");
  EXPECT_NE(refusal(options_of(data, Select::certified), data, net).find("--select attacked"), std::string::npos);
}

TEST(HeldOut, TheRecipeSaysWhatDecides) {
  const data::Dataset data = quarters(whole);
  EXPECT_TRUE(contains(nn::recipe(options_of(data, Select::last)), " held_out=10 "));
  EXPECT_FALSE(contains(nn::recipe(options_of(data, Select::last)), "select"));
  EXPECT_TRUE(contains(nn::recipe(options_of(data, Select::certified)), " select=certified within=0.1 "));
}

TEST(HeldOut, RefusesWhatCannotBe) {
  const data::Dataset data = quarters(whole);
  const auto said = [&](std::size_t count, float eps, Select select) {
    return testing_data::error_of([&] { (void)defenses::watching({}, {data.first(count), eps, select}, whole); });
  };
  EXPECT_TRUE(contains(said(whole, 0, Select::last), "1 to 39 can be held out, not 40"));
  EXPECT_TRUE(contains(said(0, 0, Select::last), "not 0"));
  EXPECT_TRUE(contains(said(5, 0, Select::certified), "needs the radius"));
  EXPECT_TRUE(contains(said(5, 0, Select::attacked), "needs the radius"));
  EXPECT_TRUE(contains(said(5, 3, Select::last), "held-out images"));
  EXPECT_TRUE(contains(said(5, -1, Select::last), "held-out images"));
  EXPECT_EQ(said(5, 0, Select::clean), "no error");
  FitOptions options = short_run();
  options.held_out = 18;
  EXPECT_TRUE(contains(refusal(options), "none is left"));
}

}  // namespace
}  // namespace hans::held_out_test
