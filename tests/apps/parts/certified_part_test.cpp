// Parts of certificates, read back from JSON and from files of proofs: what is written, and what a hostile file holds.
#include "../../../apps/manifest/certified_part.hpp"

#include <gtest/gtest.h>

#include <hans/nn/evaluate.hpp>

#include "../../data/data_testing.hpp"
#include "../../defenses/exact_verdicts_testing.hpp"
#include "../../nn/network_testing.hpp"

namespace hans::certified_part_test {
namespace {

using apps::CertifiedPart;
using testing_data::error_of;

/// Certificates of 12 images in two balls: certified, attacked, unknown and wrong ones.
CertifiedPart some_part() {
  const nn::Sequential net = network_testing::changed("4x4x1;flatten;linear:units=9;relu;linear:units=3", 2);
  const Tensor images = network_testing::random_images(net.input().with_front(12));
  data::Samples samples{images, nn::predict(net, images), {}, {0, 1}};
  samples.labels[3] = (samples.labels[3] + 1) % 3;
  for (std::uint32_t k = 0; k < 12; ++k) samples.index.push_back(8 + k);
  CertifiedPart part{
      {"m.hans", std::string(64, 'a'), net.architecture(), "none", "digits", std::string(64, 'b'), 50, {0, 1}},
      {8, 12, 30},
      true,
      {}};
  for (const float eps : {0.01F, 0.08F}) {
    defenses::CertifyOptions asked{.eps = eps, .nodes = 2, .seed = 3};
    asked.first = attacks::Attack::from_spec(Spec::parse(text("fgsm:eps=", eps))).resolved({0, 1});
    part.balls.push_back({asked});
  }
  part.subject.seed = 3;
  apps::certify_next(part.balls, net, samples, false, [](std::size_t) {});
  return part;
}

TEST(CertifiedPart, IsReadBackAsItWas) {
  const CertifiedPart part = some_part();
  const std::string written = part_json(part).dump(2);
  const CertifiedPart read = apps::parse_certified_part(written);
  EXPECT_EQ(part_json(read).dump(2), written);
  EXPECT_EQ(question_json(read).dump(), question_json(part).dump());
  EXPECT_EQ(whole_json(read).dump(), whole_json(part).dump());
  EXPECT_EQ(certified_text(read.subject, read.balls, 8), certified_text(part.subject, part.balls, 8));
}

// Every certificate that can come about: all kinds of tiny networks, methods and attacks.
TEST(CertifiedPart, TakesEveryCertificate) {
  std::size_t seen[4]{};
  for (std::uint64_t seed = 0; seed < 90; ++seed) {
    const exact_testing::Case question = exact_testing::random_case(seed);
    CertifiedPart part{{}, {7, 1, 8}, true, {}};
    part.subject.data_size = 8;
    using enum defenses::CertifyMethod;
    for (const defenses::CertifyMethod method : {ibp, crown, alpha, complete, zonotope, joint}) {
      defenses::CertifyOptions asked{.eps = question.eps, .method = method, .nodes = 9, .proofs = seed % 2 == 0};
      const auto attack = [&](std::string_view name) {
        return attacks::Attack::from_spec(Spec::parse(text(name, ":eps=", question.eps))).resolved({0, 1});
      };
      if (seed % 3 != 0) asked.first = attack("noise");
      if (seed % 3 == 2 && method == complete) asked.second = attack("fgsm");
      if (seed % 5 == 0) asked.seconds = 1e-9;
      part.balls = {{asked}};
      apps::certify_next(part.balls, question.net, exact_testing::samples_of(question), false, [](std::size_t) {});
      ++seen[static_cast<std::size_t>(part.balls[0].all[0].certainty)];
      const std::string written = part_json(part).dump();
      EXPECT_EQ(error_of([&] { EXPECT_EQ(part_json(apps::parse_certified_part(written)).dump(), written); }),
                "no error")
          << seed << ' ' << question.kind << ' ' << enum_name(method);
    }
  }
  for (const std::size_t count : seen) EXPECT_GT(count, 5U);
}

// Whatever is changed, the file is refused in one line, or what it says follows from it.
TEST(CertifiedPart, NoChangeIsTakenForAResult) {
  const std::string written = part_json(some_part()).dump();
  Stream random = Rng(1).stream("changes");
  std::size_t refused = 0;
  constexpr std::string_view bytes = "0123456789-.e\",:{}[]ntf\\\x1b";
  for (int k = 0; k < 3000; ++k) {
    std::string changed = written;
    const auto place = [&] {
      return static_cast<std::size_t>(random.below(static_cast<std::uint32_t>(changed.size())));
    };
    switch (k % 4) {
      case 0:
        changed[place()] = bytes[random.below(static_cast<std::uint32_t>(bytes.size()))];
        break;
      case 1:
        changed.erase(place(), random.below(40));
        break;
      case 2:
        changed.insert(place(), changed.substr(place(), random.below(40)));
        break;
      default:
        changed.resize(place());
    }
    const std::string error = error_of([&] {
      const CertifiedPart read = apps::parse_certified_part(changed);
      EXPECT_EQ(part_json(read).dump(), Json::parse(changed).dump());
    });
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    refused += error != "no error" ? 1U : 0U;
  }
  EXPECT_GT(refused, 2000U);
}

TEST(CertifiedPart, BallsOfOneFileShareHowTheyWereCertified) {
  CertifiedPart part = some_part();
  part.balls[1].asked.nodes = 3;
  EXPECT_EQ(error_of([&] { (void)apps::parse_certified_part(part_json(part).dump()); }),
            "linf 0.08 and linf 0.01 differ in norm, method, nodes or timeout");
}

TEST(CertifiedPart, NamesAnImageThatPartsContradict) {
  CertifiedPart part = some_part();
  part.slice.whole = part.slice.count;
  part.slice.first = 0;
  const std::vector<std::string> names{"a.json"};
  EXPECT_EQ(error_of([&] { (void)merge(std::vector{part}, names); }), "no error");
  part.balls[0].all[0].certainty = defenses::Certainty::attacked;
  part.balls[1].all[0].certainty = defenses::Certainty::certified;
  EXPECT_TRUE(error_of([&] { (void)merge(std::vector{part}, names); }).starts_with("image 8 is certified within"));
  EXPECT_EQ(error_of([&] { (void)merge(std::span<const CertifiedPart>(), {}); }), "there is nothing to join");
}

TEST(ProofParts, HoldWhatTheySay) {
  defenses::ProofFile file;
  file.version = "1";
  file.model_sha256 = file.data_sha256 = std::string(64, 'a');
  file.box = {0, 1};
  file.index = {4};
  file.labels = {1};
  file.image_sha256 = {std::string(64, 'c')};
  file.bound = {1};
  file.ties_of = file.tree_of = file.slope_units_of = {0, 0};
  struct Row {
    std::array<std::int64_t, 3> part;
    std::string_view error;
  };
  for (const Row& row : {Row{{4, 1, 5}, "no error"}, Row{{0, 9, 9}, "no error"},
                         Row{{5, 1, 9}, "it proves images 4 to 4, its part is 1 images from 5"},
                         Row{{0, 4, 9}, "it proves images 4 to 4, its part is 4 images from 0"},
                         Row{{0, 9, 8}, "the part of 9 images from 0 does not fit 8"},
                         Row{{-1, 9, 9}, "the part of 9 images from -1 does not fit 9"},
                         Row{{1, INT64_MAX, INT64_MAX}, "does not fit"}}) {
    file.part = row.part;
    const std::string error = error_of([&] { (void)defenses::proof_file(file); });
    EXPECT_NE(error.find(row.error), std::string::npos) << error;
    if (error == "no error") {
      EXPECT_EQ(defenses::parse_proof(defenses::proof_file(file)).part, file.part);
    }
  }
}

}  // namespace
}  // namespace hans::certified_part_test
