// Whether any input of a box gives outputs that fulfil conditions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/defenses/certify.hpp>

namespace hans::defenses {

/// A condition on outputs: the sum of coefficient times output, plus a constant, is at least 0.
struct OutputCondition {
  /// Output and coefficient; no output twice, no coefficient 0.
  std::vector<std::pair<std::size_t, float>> terms;
  /// Enclose the constant, which need not be a double: refutations hold for `high`, counterexamples for `low`.
  double low = 0, high = 0;

  /// True if it is certain that these outputs fulfil the condition. False if one that occurs is not a number.
  bool is_fulfilled(std::span<const float> outputs) const;
};

/// A box of inputs, and the outputs that are looked for there.
struct OutputQuestion {
  Tensor low, high;    ///< 1 x height x width x channels: a refutation holds for all inputs between these
  Tensor first, last;  ///< the same: a counterexample lies between these
  std::vector<OutputCondition> conditions;
  /// The numbers of conditions that are looked for together; one conjunction suffices. An empty one is fulfilled by
  /// all.
  std::vector<std::vector<std::uint32_t>> conjunctions;
};

/// refuted: no input of the box has such outputs, in real arithmetic or in any float32 evaluation (nn::MarginBounds).
/// found: an input has them in this library's float32 evaluation.
enum class Existence { refuted, found, unknown };
constexpr std::array<std::string_view, 3> enum_names(Existence) { return {"refuted", "found", "unknown"}; }

/// Without a clock the same options give the same answer on every machine, whatever the threads.
struct RefuteOptions {
  std::uint64_t nodes = 80000;  ///< of branch and bound; 0: none
  double seconds = 0;           ///< 0: no limit. Looked at between rounds of the search
  std::uint64_t seed = 0;       ///< of the inputs that are tried
};

struct Refutation {
  Existence existence = Existence::unknown;
  std::optional<Doubt> doubt = {};  ///< why it is unknown
  std::uint64_t nodes = 0;
  Tensor counterexample = {}, outputs = {};  ///< if found: 1 x image, 1 x outputs; all numbers are finite
};

/// Decides a question: bounds the conditions, tries inputs along the gradient, then branches over the signs of relu
/// inputs, and over the box where features are few. Conjunctions of several conditions are refuted where features are
/// few; where they are many, only if one of the conditions never holds. Throws what nn::bound_margins throws, Error for
/// shapes or numbers of another network, for a random network, and UsageError for a network that ends in a softmax,
/// unless all conditions compare two outputs.
Refutation refute(const nn::Sequential& net, const OutputQuestion& question, const RefuteOptions& options = {});

}  // namespace hans::defenses
