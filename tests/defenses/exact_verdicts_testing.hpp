// Verdicts against the exact truth about tiny networks.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include <hans/core/text.hpp>
#include <hans/defenses/certify.hpp>

#include "../nn/exact_testing.hpp"

namespace exact_testing {

inline hans::data::Samples samples_of(const Case& question) {
  const std::size_t size = question.image.size();
  return {hans::Tensor({1, 1, size, 1}, std::vector<hans::real>(question.image.begin(), question.image.end())),
          {static_cast<int>(question.label)},
          {7},
          {0, 1}};
}

/// Certifies the first `cases` random cases with every method, and expects: never certified wrongly, never attacked
/// wrongly; only where the worst margin is 0 or below the rounding of float32 may an image stay unknown, but for
/// `open`.
inline void expect_true_verdicts(std::uint64_t cases, std::size_t open = 0) {
  using hans::defenses::Certainty, hans::defenses::CertifyMethod;
  std::size_t certain = 0, unknown = 0, opened = 0;
  std::string which;
  for (std::uint64_t seed = 0; seed < cases; ++seed) {
    const Case question = random_case(seed);
    for (const CertifyMethod method : {CertifyMethod::ibp, CertifyMethod::zonotope, CertifyMethod::crown,
                                       CertifyMethod::alpha, CertifyMethod::joint, CertifyMethod::complete}) {
      const bool near_tie = std::abs(question.worst.nearby()) < 1e-3;
      const hans::defenses::CertifyOptions options{
          .eps = question.eps, .method = method, .nodes = near_tie ? 300U : 20000U, .proofs = true};
      const hans::defenses::Certificate found = certify(question.net, samples_of(question), options)[0];
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
      if (found.certainty == Certainty::unknown && !near_tie) {
        ++opened;
        which += hans::text(' ', seed, " (", question.kind, ", ", question.worst.nearby(), ')');
      }
    }
  }
  EXPECT_GT(certain, 5 * unknown);
  EXPECT_LE(opened, open) << "unknown:" << which;
}

}  // namespace exact_testing
