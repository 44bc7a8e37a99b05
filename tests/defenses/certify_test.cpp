// Certificates against the exact truth about tiny networks, and against attacks.
#include <hans/defenses/certify.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include <hans/attacks/judge.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/spec.hpp>

#include "../data/data_testing.hpp"
#include "../nn/exact_testing.hpp"

namespace hans::certify_test {
namespace {

using defenses::Certainty;
using defenses::Certificate;
using defenses::CertifyMethod;
using defenses::CertifyOptions;
using defenses::Doubt;
using exact_testing::Case;
using testing_data::error_of;

data::Samples samples_of(const Case& question) {
  const std::size_t size = question.image.size();
  return {Tensor({1, 1, size, 1}, std::vector<real>(question.image.begin(), question.image.end())),
          {static_cast<int>(question.label)},
          {7},
          {0, 1}};
}

Certificate certified(const Case& question, CertifyMethod method, std::uint64_t nodes = 20000) {
  const CertifyOptions options{.eps = question.eps, .method = method, .nodes = nodes, .proofs = true};
  return defenses::certify(question.net, samples_of(question), options)[0];
}

// Verdicts against exact rational arithmetic: never certified wrongly, never attacked wrongly; only where the worst
// margin is 0 or below the rounding of float32 may an image stay unknown.
TEST(Certify, EqualsTheTruthAboutTinyNetworks) {
  std::size_t certain = 0, unknown = 0;
  for (std::uint64_t seed = 0; seed < 360; ++seed) {
    const Case question = exact_testing::random_case(seed);
    for (const CertifyMethod method :
         {CertifyMethod::ibp, CertifyMethod::crown, CertifyMethod::alpha, CertifyMethod::complete}) {
      const Certificate found = certified(question, method);
      const bool complete = method == CertifyMethod::complete;
      if (found.certainty == Certainty::wrong) {
        EXPECT_FALSE(question.certified()) << seed;
        continue;
      }
      EXPECT_LE(found.real, question.certified()) << seed << " " << question.kind;
      EXPECT_FALSE(found.certainty == Certainty::attacked && question.certified()) << seed << " " << question.kind;
      EXPECT_EQ(found.certainty == Certainty::certified, found.float32) << seed;
      EXPECT_LE(found.bound, question.worst.nearby() + 1e-9) << seed << " " << question.kind;
      if (!complete) continue;
      (found.certainty == Certainty::unknown ? unknown : certain)++;
      if (found.certainty == Certainty::unknown) {
        EXPECT_LT(std::abs(question.worst.nearby()), 1e-3) << seed << " " << question.kind << " " << found.bound;
      }
    }
  }
  EXPECT_GT(certain, 5 * unknown);
}

}  // namespace
}  // namespace hans::certify_test
