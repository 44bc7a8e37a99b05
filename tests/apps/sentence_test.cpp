// The sentence to cite.
#include <gtest/gtest.h>

#include <hans/core/kernels.hpp>
#include <hans/core/version.hpp>
#include "../../apps/run/figures.hpp"
#include "../../apps/run/plan.hpp"

namespace hans::apps::sentence_test {
namespace {

attacks::Attack attack(std::string_view spec) { return attacks::Attack::from_spec(Spec::parse(spec)); }

Subject subject() {
  return {"v1.hans", "aaaa", "28x28x1;flatten;linear:units=10,bias=true", "none", "mnist/test", "bbbb", 10000,
          {0, 1},    7};
}

/// The claim of an attack, resolved as a run has it, or read back from a manifest.
Claim claim(std::string_view spec, attacks::Targets targets, attacks::Share robust, attacks::Share right) {
  const attacks::Attack given = attack(spec).resolved({0, 1});
  return {std::string(build_version()),
          given,
          given.budget(Shape{28, 28, 1}, {0, 1}),
          targets_text(targets, given),
          {},
          robust,
          right,
          {}};
}

std::string said(std::string_view spec, attacks::Targets targets, std::size_t robust, std::size_t right,
                 std::size_t samples) {
  return sentence(subject(), claim(spec, targets, {robust, samples}, {right, samples}));
}

std::string first_line(const std::string& lines) { return lines.substr(0, lines.find('\n')); }

TEST(Sentence, IsTheOneThatWasPromised) {
  const std::string_view reserved = kernels::reservation();
  EXPECT_EQ(
      said("fgsm:eps=0.3", {}, 931, 9920, 10000),
      text("We benchmarked the robustness of v1.hans to adversarial attack using v", build_version(), " of hans",
           reserved.empty() ? "" : text(" (", reserved, ")"),
           ". On the 10,000 images of mnist/test modified by `fgsm` with `eps` of 0.3, `norm` of linf, clipped "
           "to "
           "[0,1], we obtained a test set accuracy of 9.31 % (95 % interval 8.76 to 9.90; 99.20 % on the unmodified "
           "images).\n"
           "fgsm@1:eps=0.3,norm=linf,clip_min=0,clip_max=1,label=data | targets none | data mnist/test sha256 bbbb | "
           "preprocessing none | architecture 28x28x1;flatten;linear:units=10,bias=true | model v1.hans sha256 aaaa | "
           "seed 7"));
}

TEST(Sentence, SaysWhatIsSpecial) {
  using Kind = attacks::Targets::Kind;
  struct Row {
    std::string_view spec;
    attacks::Targets targets;
    std::size_t samples;
    std::string_view part;
  };
  const Row rows[]{
      {"fgsm:eps=8/255",
       {},
       100,
       "On the first 100 of the 10,000 images of mnist/test modified by `fgsm` with `eps` of 8/255,"},
      {"fgsm:eps=0.03137255", {}, 10000, "`eps` of 8/255, `norm` of linf, clipped to [0,1],"},
      {"fgsm:eps=0.2", {}, 10000, "`eps` of 0.2,"},  // also 51/255
      {"autoattack:eps=0.1", {}, 10000, "`version` of standard, clipped to [0,1],"},
      {"composite:attacks=[pgd:eps=8/255,steps=5]/[fgsm:eps=8/255]",
       {},
       10000,
       "by `composite` with `attacks` of [pgd:eps=8/255,norm=linf,steps=5,restarts=1,loss=ce,start=random]/"
       "[fgsm:eps=8/255,norm=linf], clipped to [0,1],"},
      {"fgsm:eps=0.3,label=model", {}, 10000, "`norm` of linf, `label` of model, clipped to [0,1],"},
      {"fgsm:eps=0.3,clip_min=-1,clip_max=2", {}, 10000, "linf, clipped to [-1,2],"},
      {"fgsm:eps=0.3,clip_min=-inf", {}, 10000, "linf, clipped to [-inf,1],"},
      {"fgsm:eps=0.3,clip_min=-inf,clip_max=inf", {}, 10000, "linf, not clipped,"},
      {"fgsm:eps=0.3", {Kind::next, 0}, 10000, "linf, targeted at the class after the label, clipped"},
      {"fgsm:eps=0.3", {Kind::all, 0}, 10000, "linf, targeted at every other class in turn, clipped"},
      {"fgsm:eps=0.3", {Kind::random, 0}, 10000, "linf, targeted at a random other class, clipped"},
      {"fgsm:eps=0.3", {Kind::one, 4}, 10000, "linf, targeted at class 4, clipped"},
      {"fgsm@cleverhans-1.0.0:eps=0.3", {}, 10000, "by `fgsm@cleverhans-1.0.0` with `eps` of 0.3, not clipped,"},
      {"fgsm@cleverhans-1.0.0:eps=0.3,clip_max=1", {}, 10000, "`eps` of 0.3, not clipped,"},
      {"fgsm@cleverhans-1.0.0:eps=0.3,clip_min=0,clip_max=1", {}, 10000, "`eps` of 0.3, clipped to [0,1],"},
      {"jsma:gamma=0.145",
       {},
       10000,
       "by `jsma` with `gamma` of 0.145, `theta` of 1, `of` of probabilities, `select` of pairs, `retire` of once, "
       "targeted at the "
       "class after the label, clipped to [0,1],"},
  };
  for (const Row& row : rows) {
    const std::string line = first_line(said(row.spec, row.targets, 1, 2, row.samples));
    EXPECT_NE(line.find(row.part), std::string::npos) << row.spec << ": " << line;
  }
}

TEST(Sentence, HasTheVerdictAndTheRadius) {
  Claim fmn = claim("fmn:norm=linf", {}, {57, 100}, {99, 100});
  fmn.radius = 8.0F / 255;
  fmn.verdict = attacks::Verdict::suspect;
  const std::string line = first_line(sentence(subject(), fmn));
  EXPECT_NE(line.find("clipped to [0,1], kept within 8/255 in linf, we obtained"), std::string::npos) << line;
  EXPECT_NE(line.find("; 99.00 % on the unmodified images; verdict SUSPECT)."), std::string::npos) << line;
}

TEST(Sentence, NamesTheImagesOfAPart) {
  EXPECT_EQ(images_text(subject(), 10000), "the 10,000 images of mnist/test");
  EXPECT_EQ(images_text(subject(), 50), "the first 50 of the 10,000 images of mnist/test");
  EXPECT_EQ(images_text(subject(), 50, 950), "images 950 to 999 of the 10,000 images of mnist/test");
  Claim part = claim("fgsm:eps=0.3", {}, {57, 100}, {99, 100});
  part.first = 300;
  const std::string line = first_line(sentence(subject(), part));
  EXPECT_NE(line.find(". On images 300 to 399 of the 10,000 images of mnist/test modified"), std::string::npos) << line;
}

TEST(Sentence, IsTheSameOfAManifest) {
  for (const std::string_view spec : {"pgd:eps=8/255,steps=7", "pgd:eps=0.1,alpha=0.02", "jsma:gamma=0.1", "fab",
                                      "composite:attacks=[fgsm:eps=1/255]/[pgd:eps=1/255]", "cw:steps=10"}) {
    const Claim given = claim(spec, {}, {1, 2}, {2, 2});
    Claim read = given;  // which has only the canonical SPEC
    read.attack = attack(text(given.attack.pinned()));
    EXPECT_EQ(sentence(subject(), given), sentence(subject(), read)) << spec;
  }
}

TEST(Sentence, Numbers) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(710218), "710,218");
  EXPECT_EQ(with_commas(18446744073709551615U), "18,446,744,073,709,551,615");
  EXPECT_EQ(percent_of({0, 3}), "0.00");
  EXPECT_EQ(percent_of({2, 3}), "66.67");
  EXPECT_EQ(percent_of({3, 3}), "100.00");
  EXPECT_EQ(interval_text({931, 10000}), "8.76 to 9.90");
  EXPECT_EQ(interval_text({0, 100}), "0.00 to 3.70");
  EXPECT_EQ(share_text({100, 100}), "100.00 % (96.30 to 100.00)");
  EXPECT_EQ(eps_text(8.0F / 255), "8/255");
  EXPECT_EQ(eps_text(1.0F / 255), "1/255");
  EXPECT_EQ(eps_text(0.0314F), "0.0314");
  EXPECT_EQ(eps_text(0.6F), "0.6");  // also 153/255
  EXPECT_EQ(eps_text(1), "1");
  EXPECT_EQ(eps_text(0), "0");
}

TEST(Sentence, DataAreCalledTheSameOnEveryMachine) {
  EXPECT_EQ(short_name("mnist-5k/test"), "mnist-5k/test");
  EXPECT_EQ(short_name("/some/where/mnist/test"), "mnist/test");
  EXPECT_EQ(short_name("../mnist/train"), "mnist/train");
  EXPECT_EQ(short_name("/some/where/digits.npz"), "digits.npz");
  EXPECT_EQ(short_name("./digits.npz"), "digits.npz");
  EXPECT_NE(short_name("./test"), "./test");
}

}  // namespace
}  // namespace hans::apps::sentence_test
