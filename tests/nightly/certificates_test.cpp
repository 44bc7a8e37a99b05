// Certificates: ten thousand tiny networks whose truth is known, and networks made elsewhere, with the figures that
// hans had when this was written. Fewer certified images or more unknown ones are a loss; other attacked ones an error.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include <hans/core/spec.hpp>
#include <hans/core/text.hpp>
#include <hans/data/dataset.hpp>
#include <hans/nn/onnx_import.hpp>

#include "../data/data_testing.hpp"
#include "../defenses/exact_verdicts_testing.hpp"

namespace hans {
namespace {

using attacks::Attack;
using defenses::Certainty;
using defenses::CertifyMethod;

// Of networks whose worst margin is 1/64, some need more nodes than they get.
TEST(NightlyCertificates, EqualTheTruthAboutTinyNetworks) { exact_testing::expect_true_verdicts(10000, 40); }

/// What is known of the first images of MNIST.
struct Figure {
  std::string_view model;
  float eps;
  CertifyMethod method;
  std::size_t images;
  std::array<std::size_t, 2> certified, attacked, wrong, unknown;  ///< least and most
};

void PrintTo(const Figure& figure, std::ostream* out) {
  *out << figure.model << " within " << figure.eps << ", " << enum_name(figure.method);
}

class NightlyCertificates : public testing::TestWithParam<Figure> {};

TEST_P(NightlyCertificates, AreAsGoodAsTheyWere) {
  const std::filesystem::path shared = testing_data::shared_folder();
  if (shared.empty()) GTEST_SKIP() << "no shared models; set HANS_SHARED";
  const Figure& figure = GetParam();
  std::vector<std::string> notes;
  const nn::Sequential net =
      nn::load_onnx(shared / "models" / text(figure.model, ".onnx"), nn::read_preprocess("none"), notes).net;
  const data::Dataset digits = data::load((shared / "data" / "mnist").string());
  defenses::CertifyOptions options{.eps = figure.eps, .method = figure.method};
  options.first = Attack::from_spec(Spec::parse(text("pgd:steps=20,loss=margin,eps=", figure.eps)));
  if (figure.method == CertifyMethod::complete) {
    options.second = Attack::from_spec(Spec::parse(text("autoattack:eps=", figure.eps)));
  }
  const auto begun = std::chrono::steady_clock::now();
  std::array<std::size_t, 4> count{};
  constexpr std::size_t at_once = 250;
  for (std::size_t first = 0; first < figure.images; first += at_once) {
    const data::Samples samples = digits.samples(first, std::min(at_once, figure.images - first));
    for (const defenses::Certificate& one : certify(net, samples, options))
      ++count[static_cast<std::size_t>(one.certainty)];
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun;
    std::printf("%s within %g, %s: %zu images: %zu certified, %zu attacked, %zu unknown, %zu wrong; %.0f s\n",
                std::string(figure.model).c_str(), double{figure.eps}, std::string(enum_name(figure.method)).c_str(),
                first + samples.size(), count[0], count[1], count[2], count[3], spent.count());
    std::fflush(stdout);
  }
  const auto expect_within = [&](Certainty certainty, const std::array<std::size_t, 2>& range) {
    const std::size_t found = count[static_cast<std::size_t>(certainty)];
    EXPECT_TRUE(range[0] <= found && found <= range[1])
        << found << ' ' << enum_name(certainty) << ", not " << range[0] << " to " << range[1];
  };
  expect_within(Certainty::certified, figure.certified);
  expect_within(Certainty::attacked, figure.attacked);
  expect_within(Certainty::wrong, figure.wrong);
  expect_within(Certainty::unknown, figure.unknown);
}

constexpr std::array<std::size_t, 2> exactly(std::size_t count) { return {count, count}; }
constexpr std::array<std::size_t, 2> any{0, 10000};

INSTANTIATE_TEST_SUITE_P(
    Networks, NightlyCertificates,
    testing::Values(Figure{"art_no_mpool", 0.05F, CertifyMethod::ibp, 100, exactly(76), any, any, any},
                    Figure{"art_no_mpool", 0.05F, CertifyMethod::crown, 100, exactly(94), any, any, any},
                    Figure{"art_no_mpool", 0.05F, CertifyMethod::zonotope, 100, exactly(94), any, any, any},
                    Figure{"art_no_mpool", 0.05F, CertifyMethod::complete, 100, exactly(95), exactly(4), exactly(1),
                           exactly(0)},
                    Figure{"locuslab_mnist_linf0.1", 0.1F, CertifyMethod::complete, 600, exactly(575), exactly(15),
                           exactly(10), exactly(0)},
                    Figure{"lirpa_mnist_a_adv", 0.1F, CertifyMethod::complete, 100, any, any, any, exactly(0)},
                    Figure{"rsl18a_mnist_linf0.1", 0.1F, CertifyMethod::complete, 50, any, any, any, {0, 8}},
                    Figure{"lirpa_mnist_a_adv", 0.3F, CertifyMethod::complete, 100, {45, 100}, any, any, any},
                    Figure{"locuslab_mnist_linf0.1", 0.1F, CertifyMethod::complete, 10000, any, any, any, {0, 5}}),
    [](const auto& subject) {
      const Figure& figure = subject.param;
      std::string name = text(figure.model, "_", figure.eps, "_", enum_name(figure.method), "_", figure.images);
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

}  // namespace
}  // namespace hans
