// Explanations against numbers computed by hand, and against the bounds and certificates that they speak of.
#include <hans/defenses/explain.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/bounds.hpp>
#include <hans/nn/evaluate.hpp>

#include "../data/data_testing.hpp"
#include "../nn/network_testing.hpp"

namespace hans::explain_test {
namespace {

using defenses::Certainty;
using defenses::CertifyOptions;
using defenses::Explanation;
using defenses::LayerBounds;
using testing_data::error_of;

/// Two inputs, three units, two classes:
///   z0 = x0 + x1 - 1, z1 = x0 - x1 + 2, z2 = -x0 - x1 - 1; y0 = relu(z0) + relu(z1), y1 = relu(z2) - 1.
nn::Sequential small() {
  nn::Sequential net = nn::Sequential::parse("1x2x1;flatten;linear:units=3;relu;linear:units=2", Rng(1));
  const std::vector<Tensor> weights{
      Tensor({2, 3}, std::vector<real>{1, 1, -1, 1, -1, -1}), Tensor({3}, std::vector<real>{-1, 2, -1}),
      Tensor({3, 2}, std::vector<real>{1, 0, 1, 0, 0, 1}), Tensor({2}, std::vector<real>{0, -1})};
  net.set_weights(weights);
  return net;
}

data::Samples at(real a, real b, int label) {
  return {Tensor({1, 1, 2, 1}, std::vector<real>{a, b}), {label}, {5}, {}};
}

TEST(Explain, EqualsNumbersComputedByHand) {
  const nn::Sequential net = small();
  // x in [0.25, 0.75]^2: z0 in [-0.5, 0.5], z1 in [1.5, 2.5], z2 in [-2.5, -1.5].
  const Explanation all = defenses::explain(net, at(0.5F, 0.5F, 0), {.eps = 0.25F});
  ASSERT_EQ(all.layers.size(), 4U);
  const auto expect_widths = [](const defenses::Widths& widths, double least, double mean, double most) {
    EXPECT_NEAR(widths.least, least, 1e-4);
    EXPECT_NEAR(widths.mean, mean, 1e-4);
    EXPECT_NEAR(widths.most, most, 1e-4);
  };
  const std::vector<std::string> names{"flatten", "linear", "relu", "linear"};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(all.layers[k].layer, k);
    EXPECT_EQ(all.layers[k].name, names[k]);
    EXPECT_EQ(all.layers[k].units_by_ibp.has_value(), k == 2) << k;
    EXPECT_EQ(all.layers[k].units_by_crown.has_value(), k == 2) << k;
  }
  EXPECT_EQ(all.layers[2].shape, Shape{3});
  expect_widths(all.layers[0].ibp, 0.5, 0.5, 0.5);
  expect_widths(all.layers[1].ibp, 1, 1, 1);
  expect_widths(all.layers[2].ibp, 0, 0.5, 1);     // relu(z0) 0.5, relu(z1) 1, relu(z2) 0
  expect_widths(all.layers[3].ibp, 0, 0.75, 1.5);  // y0 1.5, y1 0
  for (const std::optional<defenses::Units>& units : {all.layers[2].units_by_ibp, all.layers[2].units_by_crown}) {
    EXPECT_EQ(units->active, 1U);
    EXPECT_EQ(units->inactive, 1U);
    EXPECT_EQ(units->unstable, 1U);
  }
  // y0 - y1 on the image: 0 + 2 - (-1) = 3. Intervals: 0 + 1.5 + 1; the truth too, at (0.25, 0.75).
  ASSERT_EQ(all.margins.size(), 1U);
  EXPECT_EQ(all.margins[0].other, 1);
  EXPECT_NEAR(all.margins[0].image, 3, 1e-6);
  EXPECT_NEAR(all.margins[0].ibp, 2.5, 1e-5);
  EXPECT_LE(all.margins[0].crown, 2.5 + 1e-5);
  EXPECT_EQ(all.certificate.certainty, Certainty::certified);
  EXPECT_EQ(all.certificate.index, 5U);
  EXPECT_TRUE(all.certificate.splits.empty());
  EXPECT_EQ(all.certificate.deepest, 0U);
}

/// Networks and images that need branching.
struct Question {
  nn::Sequential net =
      nn::Sequential::parse("5x5x1;conv2d:filters=3,kernel=3;relu;flatten;linear:units=8;relu;linear:units=3", Rng(4));
  Tensor images = network_testing::random_images(Shape{40, 5, 5, 1});
  data::Samples sample(std::size_t k) const {
    const std::vector<int> label = nn::predictions(network_testing::logits(net, images.rows(k, 1)));
    return {images.rows(k, 1), label, {static_cast<std::uint32_t>(k)}, {}};
  }
};

TEST(Explain, AgreesWithBoundsAndCertificates) {
  const Question question;
  std::size_t branched = 0;
  for (std::size_t k = 0; k < 40; ++k) {
    const data::Samples sample = question.sample(k);
    const CertifyOptions options{.eps = 0.06F, .nodes = 60};
    const Explanation all = defenses::explain(question.net, sample, options);
    const defenses::Certificate plain = certify(question.net, sample, options)[0];
    EXPECT_TRUE(plain.splits.empty());
    EXPECT_EQ(plain.certainty, all.certificate.certainty);
    EXPECT_EQ(plain.bound, all.certificate.bound);
    EXPECT_EQ(plain.nodes, all.certificate.nodes);
    for (const nn::BoundMethod method : {nn::BoundMethod::ibp, nn::BoundMethod::crown, nn::BoundMethod::alpha}) {
      const nn::MarginBounds bounds =
          nn::bound_margins(question.net, sample.images, sample.labels, {.eps = 0.06F}, {.method = method});
      for (const defenses::MarginSteps& margin : all.margins) {
        const double stated = method == nn::BoundMethod::ibp     ? margin.ibp
                              : method == nn::BoundMethod::crown ? margin.crown
                                                                 : margin.alpha;
        EXPECT_EQ(stated, bounds.bound[static_cast<std::size_t>(margin.other)]);
        EXPECT_LE(stated, margin.image);
      }
    }
    for (const LayerBounds& layer : all.layers) {
      EXPECT_LE(layer.crown.mean, layer.ibp.mean + 1e-6) << layer.name;
      EXPECT_LE(layer.crown.least, layer.crown.mean);
      EXPECT_LE(layer.crown.mean, layer.crown.most);
      if (!layer.units_by_crown) continue;
      const defenses::Units &ibp = *layer.units_by_ibp, &crown = *layer.units_by_crown;
      EXPECT_EQ(crown.active + crown.inactive + crown.unstable, layer.shape.elements());
      EXPECT_EQ(ibp.active + ibp.inactive + ibp.unstable, layer.shape.elements());
      EXPECT_LE(crown.unstable, ibp.unstable);
    }
    // Each split makes two nodes, beginning anew costs some; only units that are unstable are split.
    std::size_t splits = 0;
    std::map<std::size_t, std::size_t> units;
    for (const defenses::UnitSplits& split : all.certificate.splits) {
      splits += split.times;
      ++units[split.layer];
    }
    EXPECT_LE(2 * splits, all.certificate.nodes);
    EXPECT_EQ(2 * splits < all.certificate.nodes, all.certificate.anew);
    EXPECT_EQ(all.certificate.deepest > 0, splits > 0);
    for (const auto& [layer, count] : units) {
      const auto place = std::ranges::find(all.layers, layer, &LayerBounds::layer);
      ASSERT_TRUE(place != all.layers.end() && place->units_by_crown) << layer;
      EXPECT_LE(count, place->units_by_crown->unstable);
    }
    branched += splits > 0 ? 1U : 0U;
  }
  EXPECT_GT(branched, 0U);
}

TEST(Explain, OtherNormsAndRefusals) {
  const nn::Sequential net = small();
  const CertifyOptions l2{.norm = Norm::l2, .eps = 0.25F, .method = defenses::CertifyMethod::alpha};
  EXPECT_EQ(defenses::explain(net, at(0.5F, 0.5F, 0), l2).certificate.certainty, Certainty::certified);
  const Explanation wrong = defenses::explain(net, at(0.5F, 0.5F, 1), {.eps = 0.25F});
  EXPECT_EQ(wrong.certificate.certainty, Certainty::wrong);
  EXPECT_NEAR(wrong.margins.at(0).image, -3, 1e-6);
  EXPECT_LE(wrong.margins.at(0).alpha, -3.5);
  data::Samples two = at(0.5F, 0.5F, 0);
  two.images = Tensor({2, 1, 2, 1}, std::vector<real>(4));
  two.labels = {0, 0};
  two.index = {0, 1};
  EXPECT_EQ(error_of([&] { defenses::explain(net, two, {.eps = 0.1F}); }), "one sample is explained at a time, not 2");
}

}  // namespace
}  // namespace hans::explain_test
