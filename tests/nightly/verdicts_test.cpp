// Verdicts on networks made elsewhere: no number is called RELIABLE that AutoAttack or fab lowers by more than 3
// points.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <tuple>

#include <hans/attacks/indicators.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>
#include <hans/data/dataset.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/onnx_import.hpp>

#include "../data/data_testing.hpp"

namespace hans {
namespace {

using attacks::Attack;
using attacks::Evaluation;
using attacks::Probes;
using attacks::Verdict;

constexpr std::size_t images = 200;

struct Subject {
  std::string_view name;
  std::string_view preprocess;    ///< of an ONNX file; empty: a built-in model, trained here
  std::array<float, 2> linf, l2;  ///< the radii
};

void PrintTo(const Subject& subject, std::ostream* out) { *out << subject.name; }

nn::Sequential loaded(const Subject& subject) {
  if (!subject.preprocess.empty()) {
    std::vector<std::string> notes;
    const std::filesystem::path file = testing_data::shared_folder() / "models" / text(subject.name, ".onnx");
    return nn::load_onnx(file, nn::read_preprocess(subject.preprocess), notes).net;
  }
  nn::Sequential net = nn::make_model(subject.name, Rng(1));
  nn::fit(net, data::load("mnist-5k", data::Part::train), {.epochs = 3});
  return net;
}

/// A model and a norm: each takes minutes to hours, and stands for itself.
class NightlyVerdicts : public testing::TestWithParam<std::tuple<Subject, std::string_view>> {};

/// The probes of these balls, of probes of more.
Probes only(const Probes& all, const Evaluation& evaluation, std::span<const float> radii) {
  Probes some{all.samples, all.model, {}};
  for (const attacks::ProbedBall& wanted : attacks::balls_of(evaluation, radii)) {
    for (const attacks::ProbedBall& ball : all.balls) {
      if (ball.ball == wanted.ball) some.balls.push_back(ball);
    }
  }
  return some;
}

TEST_P(NightlyVerdicts, ReliableNumbersStand) {
  if (testing_data::shared_folder().empty()) GTEST_SKIP() << "no shared models; set HANS_SHARED";
  const auto& [subject, norm_name] = GetParam();
  const std::string_view norm = norm_name;  // clang 14 lets no lambda use what a structured binding names
  const std::string_view name = subject.name;
  const nn::Sequential model = loaded(subject);
  const data::Dataset digits = data::load((testing_data::shared_folder() / "data" / "mnist").string());
  const data::Samples samples = digits.first(images);
  attacks::ProbeOptions options;
  options.every = attacks::probe_every(images);
  options.reference = digits.first(1000);
  std::map<std::string, Evaluation> known;
  const auto evaluated = [&](const std::string& spec) -> const Evaluation& {
    const std::vector one{Attack::from_spec(Spec::parse(spec))};
    if (!known.contains(spec)) known[spec] = attacks::evaluate(model, samples, one, {});
    return known[spec];
  };
  const std::vector<std::string_view> searches =
      norm == "linf"
          ? std::vector<std::string_view>{"fmn:norm=linf", "deepfool:norm=linf", "cw-linf", "fab:norm=linf",
                                          "hopskipjump:norm=linf"}
          : std::vector<std::string_view>{"fmn", "deepfool", "ddn", "cw", "fab:norm=l2", "boundary", "hopskipjump"};
  const std::vector<std::string_view> inside{"pgd", "fgsm", "square", "autoattack"};
  const std::array<float, 2>& radii = norm == "linf" ? subject.linf : subject.l2;
  const Evaluation& fab = evaluated(text("fab:norm=", norm));
  const Probes probes = attacks::probe(model, samples, fab, radii, options);
  std::array<std::size_t, 2> least{};
  for (std::size_t r = 0; r < 2; ++r) {
    const Evaluation& strongest = evaluated(text("autoattack:eps=", radii[r], ",norm=", norm));
    least[r] =
        std::min(strongest.robust, attacks::robust_within(fab, fab.attacks[0], static_cast<double>(radii[r])).part());
  }
  const auto check_number = [&](std::string_view attack, std::size_t r, const attacks::Reliability& one) {
    const std::string said = text(attack, " at ", norm, " ", radii[r], ": ", one.robust.part(), " of ", images,
                                  " left, the strongest leaves ", least[r], ": ", enum_name(one.verdict));
    std::printf("%s %s\n", std::string(name).c_str(), said.c_str());
    for (const attacks::Indicator& indicator : one.indicators) {
      if (indicator.verdict == Verdict::reliable) continue;
      std::printf("    %s: %s\n", std::string(indicator.info->name).c_str(), indicator.reason.c_str());
    }
    std::fflush(stdout);
    const bool stands = 100 * (one.robust.part() - std::min(one.robust.part(), least[r])) <= 3 * images;
    EXPECT_TRUE(stands || one.verdict != Verdict::reliable) << said;
  };
  for (const std::string_view attack : searches) {
    const Evaluation& found = evaluated(std::string(attack));
    const attacks::Judgement judgement = attacks::judge_numbers(found, radii, only(probes, found, radii));
    for (std::size_t r = 0; r < 2; ++r) check_number(attack, r, judgement.attacks[0][r]);
  }
  for (const std::string_view attack : inside) {
    for (std::size_t r = 0; r < 2; ++r) {
      const Evaluation& found = evaluated(text(attack, ":eps=", radii[r], ",norm=", norm));
      const attacks::Judgement judgement = attacks::judge_numbers(found, {}, only(probes, found, {}));
      check_number(attack, r, judgement.attacks[0][0]);
    }
  }
  const Evaluation& jsma = evaluated("jsma:gamma=0.1");  // targeted: nothing opposes it
  const attacks::Verdict verdict =
      attacks::judge_numbers(jsma, {}, attacks::probe(model, samples, jsma, {}, options)).verdict;
  EXPECT_TRUE(jsma.robust == 0 || verdict != Verdict::reliable);
}

INSTANTIATE_TEST_SUITE_P(
    Models, NightlyVerdicts,
    testing::Combine(testing::Values(Subject{"locuslab_mnist_linf0.1", "none", {0.1F, 0.2F}, {1, 2}},
                                     Subject{"lirpa_mnist_a_adv", "none", {0.2F, 0.3F}, {1, 2}},
                                     Subject{"rsl18a_mnist_linf0.1", "none", {0.1F, 0.2F}, {1, 2}},
                                     Subject{"art_no_mpool", "none", {0.05F, 0.1F}, {0.5F, 1}},
                                     Subject{"marabou_mnist5x20_leaky", "none", {0.03F, 0.06F}, {0.3F, 0.6F}},
                                     Subject{"marabou_sigmoid_robust", "none", {0.03F, 0.06F}, {0.3F, 0.6F}},
                                     Subject{"cntk_mnist8", "scale=255", {0.05F, 0.1F}, {0.5F, 1}},
                                     Subject{"burn_bn_native_onnx", "mean=0.1307,std=0.3081", {0.05F, 0.1F}, {0.5F, 1}},
                                     Subject{"v1", "", {0.05F, 0.1F}, {0.5F, 1}},
                                     Subject{"small", "", {0.05F, 0.1F}, {0.5F, 1}},
                                     Subject{"madry", "", {0.05F, 0.1F}, {0.5F, 1}}),
                     testing::Values(std::string_view("linf"), std::string_view("l2"))),
    [](const auto& subject) {
      std::string name = text(std::get<0>(subject.param).name, "_", std::get<1>(subject.param));
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

}  // namespace
}  // namespace hans
