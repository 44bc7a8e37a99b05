// The choice of the next features in saliency map attacks.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// One feature (first == second) or a pair; `found` is false if none is admissible.
struct Pick {
  bool found = false;
  std::size_t first = 0, second = 0;
};

/// The pair or single feature of `domain` (rising) with the largest T = g_i + g_j (or g_i) above 0; among equals the
/// lexicographically smallest. A pair costs one pass, not n^2 / 2, because rounded addition is monotone.
Pick pick_by_gradient(std::span<const real> g, std::span<const std::size_t> domain, bool pairs);

/// As pick_by_gradient(), but with the largest -(T * O), where T = a_i + a_j > 0 and O = b_i + b_j < 0.
Pick pick_by_jacobian(std::span<const real> a, std::span<const real> b, std::span<const std::size_t> domain,
                      bool pairs);

/// Turns weights of the probabilities into weights of the logits: w_j = p_j * (w_j - sum of w_k * p_k).
void through_softmax(std::span<const real> logits, std::span<real> weights);

/// floor(gamma * features / per_step) steps, with gamma read as the decimal it is written as; saturates for huge gamma.
std::size_t saliency_steps(float gamma, std::size_t features, std::size_t per_step);

}  // namespace hans::attacks
