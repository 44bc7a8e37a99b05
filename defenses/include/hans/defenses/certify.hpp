// Certificates: which images keep their prediction, whatever an attack changes within eps.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/core/required.hpp>
#include <hans/data/dataset.hpp>
#include <hans/defenses/proof.hpp>
#include <hans/nn/bounds.hpp>

namespace hans::defenses {

/// What is known of an image. certified: no image of ball and box has another prediction. attacked: one has. wrong: the
/// image itself is misclassified; not examined.
enum class Certainty { certified, attacked, unknown, wrong };
constexpr std::array<std::string_view, 4> enum_names(Certainty) {
  return {"certified", "attacked", "unknown", "wrong"};
}

/// Why an image is unknown: the node budget or the time is used up; proved in real arithmetic, but float32 rounding may
/// undo it; a bound is not a number; or, with a method that is not complete, its bound does not suffice.
enum class Doubt { nodes, time, rounding, nan, bound };
constexpr std::array<std::string_view, 5> enum_names(Doubt) { return {"nodes", "time", "rounding", "nan", "bound"}; }

/// The step that decided.
enum class Step { attack, ibp, crown, alpha, branching, zonotope, joint };
constexpr std::array<std::string_view, 7> enum_names(Step) {
  return {"attack", "ibp", "crown", "alpha", "branching", "zonotope", "joint"};
}

/// How far to go: intervals; linear bounds; linear bounds with optimised slopes; or branch and bound until the image is
/// certified, attacked, or the nodes are used up (complete; linf only). Each includes those before it, so that cheap
/// bounds decide what they can. For comparison: intervals, then zonotopes; or alpha, then joint (nn::BoundMethod).
enum class CertifyMethod { ibp, crown, alpha, complete, zonotope, joint };
constexpr std::array<std::string_view, 6> enum_names(CertifyMethod) {
  return {"ibp", "crown", "alpha", "complete", "zonotope", "joint"};
}

/// The steps of a method that prove, in order.
std::span<const Step> steps_of(CertifyMethod method);

/// Without a clock the same options give the same results on every machine, whatever the threads.
struct CertifyOptions {
  Norm norm = Norm::linf;
  Required<float> eps;
  CertifyMethod method = CertifyMethod::complete;
  std::uint64_t nodes = 80000;  ///< of branch and bound, for each image
  double seconds = 0;           ///< for each image in branch and bound; 0: no limit. A result cut short is `time`
  bool splits = false;          ///< keep what branching split
  bool proofs = false;          ///< keep proofs of what is certified; linf, networks of affine layers and relus
  /// Attacks whose images the judge decides on: `first` on all images, `second` on those that bounds leave open.
  std::optional<attacks::Attack> first = {}, second = {};
  std::uint64_t seed = 0;  ///< of the attacks
  /// Called with the images decided; never concurrently.
  std::function<void(std::size_t done)> progress = {};
};

/// How often branch and bound split the sign of one unit: an input of a layer that bends at 0.
struct UnitSplits {
  std::size_t layer = 0, unit = 0;  ///< position in the network, and in the layer's input (row-major)
  std::size_t times = 0;
};

/// The verdict on an image.
struct Certificate {
  std::uint32_t index = 0;  ///< position in the data set
  int label = 0, prediction = 0;
  Certainty certainty = Certainty::unknown;
  std::optional<Doubt> doubt = {};  ///< why it is unknown
  std::optional<Step> step = {};    ///< what decided; of an unknown image: the last that was tried; none if wrong
  double bound = 0;                 ///< the smallest margin's best bound in real arithmetic; NaN: none
  int runner_up = -1;               ///< the class of that margin; -1: none
  std::uint64_t nodes = 0;
  bool anew = false;  ///< branching began anew, within bounds of all values that cost a part of the nodes
  /// Proved for real arithmetic, and for every float32 evaluation (nn::MarginBounds). Certified needs both.
  bool real = false, float32 = false;
  Tensor counterexample = {};  ///< of an attacked image: 1 x height x width x channels; inside ball and box
  std::optional<Proof> proof = {};
  std::vector<UnitSplits> splits = {};  ///< by branching since it last began, in order of layer and unit, if asked for
  std::size_t deepest = 0;              ///< most splits above a node of theirs
};

/// Certifies samples: first the attack, whose images the judge decides on, then bounds of growing cost (intervals,
/// CROWN, optimised slopes), then branch and bound over the signs of relu inputs (Bunel 2020, Wang 2021), in rounds of
/// a fixed number of nodes; each node's minimiser is tried as an adversarial image, and what lies downhill from the
/// best of each round. Where some of the nodes do not suffice and bounds of units depend on slopes, branching begins
/// anew within bounds by slopes optimised for each unit (joint), which make no proof: with `proofs` a second search
/// without them looks for one. The verdict on a sample does not depend on the others. Throws what nn::bound_margins
/// throws, and UsageError for complete in another norm than linf and for an image outside the box, and Error for a
/// random model.
std::vector<Certificate> certify(const nn::Sequential& net, const data::Samples& samples,
                                 const CertifyOptions& options);

}  // namespace hans::defenses
