// Which features the saliency map attack changes next.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// One or two features (first == second for one); none found if nothing is admissible.
struct Pick {
  bool found = false;
  std::size_t first = 0, second = 0;
};

/// Among the features in `domain` (rising), the pair or single with the largest |T| for T = g_i + g_j (g_i) > 0. Ties
/// to the lexicographically smallest. The pair costs one pass, not n^2 / 2: rounded addition is monotone.
Pick pick_by_gradient(std::span<const real> g, std::span<const std::size_t> domain, bool pairs);

/// Among the same the one with the largest -(T * O) for T = a_i + a_j > 0, O = b_i + b_j < 0.
Pick pick_by_jacobian(std::span<const real> a, std::span<const real> b, std::span<const std::size_t> domain,
                      bool pairs);

/// Turns weights of the probabilities into those of the logits: w_j = p_j * (w_j - sum of w_k * p_k).
void through_softmax(std::span<const real> logits, std::span<real> weights);

/// floor(gamma * features / per_step) steps, with gamma the decimal it is written as; no more than could ever be made.
std::size_t saliency_steps(float gamma, std::size_t features, std::size_t per_step);

}  // namespace hans::attacks
