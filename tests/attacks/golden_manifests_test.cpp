// The golden manifests: every attack on the built-in models of 1.0.0. A change of a line is a change of results: raise
// the version, and say in CHANGELOG.md which earlier results no longer hold (CONTRIBUTING.md).
#include <gtest/gtest.h>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/models.hpp>
#include "../../apps/manifest/manifest.hpp"

namespace hans::golden_manifests_test {
namespace {

constexpr const char* file = HANS_SOURCE_DIR "/tests/golden/manifests.txt";

/// The model, trained on the first 500 digits: enough to have gradients to follow.
nn::Sequential trained(std::string_view name) {
  const data::Dataset digits = data::load("mnist-5k", data::Part::train);
  const data::Samples first = digits.first(500);
  const auto pixels = first.images.values();
  const data::Dataset few("mnist-500", digits.image_shape(), std::vector<float>(pixels.begin(), pixels.end()),
                          first.labels, digits.classes());
  nn::Sequential net = nn::make_model(name, Rng(1));
  nn::fit(net, few, {.epochs = 2, .batch = 25});
  return net;
}

/// What names the manifest of one attack on the first digits of the test part: its result's hash, and the hash of what
/// in it was measured: the same without the version.
std::string manifest_names(const nn::Sequential& net, std::string_view model, const attacks::Attack& attack,
                           std::optional<apps::Certifying> certify = {}) {
  const std::size_t images = model == "linear" ? 10 : 1;
  const data::Dataset digits = data::load("mnist-5k");
  apps::Plan plan;
  plan.version = "golden";  // without the version, a name changes with the bits alone
  plan.subject.model = model;
  plan.subject.model_sha256 = std::string(64, '0');  // the weights are told apart by what the attacks find
  plan.subject.architecture = net.architecture();
  plan.subject.data = "mnist-5k/test";
  plan.subject.data_sha256 = digits.sha256();
  plan.subject.data_size = digits.size();
  plan.subject.box = digits.box();
  plan.image = net.input();
  plan.classes = net.classes();
  plan.attacks = {attack};
  plan.slice = {0, images, digits.size()};
  plan.certify = certify;
  apps::Run run = apps::begin_run(apps::checked(plan));
  attacks::extend(run.found, attacks::evaluate(net, digits.first(images), run.plan.attacks, {.hash_images = true}));
  apps::certify_more(run.certified, run.found, net, digits.first(images), [](auto...) {});
  sum_up(run.found);
  const Json result = apps::result_json(run);
  Json measured = Json::object();
  for (const auto& [key, value] : result.members()) {
    if (key != "hans") measured.set(key, value);
  }
  return text(sha256(result.dump()), " ", sha256(measured.dump()));
}

TEST(DeterminismGoldenManifest, OfCertificatesHasTheSameName) {
  if (!kernels::reproducible()) GTEST_SKIP() << "this build has no golden results";
  const std::string spec = "pgd:eps=0.02";
  const std::string line =
      text("certified ", spec, " ",
           manifest_names(trained("linear"), "linear", attacks::Attack::from_spec(Spec::parse(spec)),
                          apps::Certifying{defenses::CertifyMethod::complete, 20000}),
           "\n");
  EXPECT_NE(("\n" + read_file(file)).find("\n" + line), std::string::npos) << line;
}

class GoldenManifests : public testing::TestWithParam<std::string> {};

TEST_P(GoldenManifests, HaveTheSameNames) {
  if (!kernels::reproducible()) GTEST_SKIP() << "this build has no golden results";
  const std::string& model = GetParam();
  const nn::Sequential net = trained(model);
  const std::string golden = "\n" + read_file(file);
  std::string missing;
  std::size_t made = 0;
  for (const attacks::AttackInfo& info : attacks::list_attacks()) {
    const attacks::Attack attack = attacks::Attack::from_spec(Spec::parse(info.example));
    const std::string line = text(model, " ", info.example, " ", manifest_names(net, model, attack), "\n");
    if (golden.find("\n" + line) == golden.npos) missing += line;
    ++made;
  }
  EXPECT_EQ(missing, "") << "add the lines of new attacks to " << file << "; other lines are another result";
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = golden.find(text("\n", model, " "), at)) != golden.npos; ++at) ++lines;
  EXPECT_EQ(lines, made) << file << " has more or fewer lines of this model than there are attacks";
}

INSTANTIATE_TEST_SUITE_P(Determinism, GoldenManifests, testing::Values("linear"),
                         [](const auto& given) { return given.param; });
// They take minutes and more: tests/nightly/run.
INSTANTIATE_TEST_SUITE_P(DISABLED_Nightly, GoldenManifests, testing::Values("mlp", "v1", "small", "madry"),
                         [](const auto& given) { return given.param; });

TEST(GoldenManifest, IsThereForEachModel) {
  const std::string all = "\n" + read_file(file);
  for (const std::string_view name : {"v1", "small", "madry", "mlp", "linear"}) {
    EXPECT_NE(all.find(text("\n", name, " fgsm")), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace hans::golden_manifests_test
