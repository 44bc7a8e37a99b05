// The proofs of a file as the checker takes them.
#include "claimed_proofs.hpp"

#include <utility>

namespace hans::apps {

checker::Proofs claimed_proofs(const defenses::ProofFile& file, const data::Samples& samples) {
  checker::Proofs proofs{{}, file.slopes, file.multipliers, double{file.eps}, double{file.box.lo}, double{file.box.hi}};
  const std::size_t features = samples.images.shape().row_elements();
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const auto part = [k](std::span<const std::int32_t> list, std::span<const std::int64_t> offsets) {
      return list.subspan(static_cast<std::size_t>(offsets[k]), static_cast<std::size_t>(offsets[k + 1] - offsets[k]));
    };
    checker::Proof proof;
    proof.image = samples.images.values().subspan(k * features, features);
    proof.label = samples.labels[k];
    proof.stated_label = std::in_range<int>(file.labels[k]) ? static_cast<int>(file.labels[k]) : -1;
    proof.stated_sha256 = file.image_sha256[k];
    proof.bound = file.bound[k];
    proof.ties = part(file.ties, file.ties_of);
    proof.tree = part(file.tree, file.tree_of);
    proof.slope_units = part(file.slope_units, file.slope_units_of);
    proofs.all.push_back(std::move(proof));
  }
  return proofs;
}

}  // namespace hans::apps
