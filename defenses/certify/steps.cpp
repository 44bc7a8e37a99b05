// The steps of certification.
#include <array>

#include <hans/defenses/certify.hpp>

namespace hans::defenses {

std::span<const Step> steps_of(CertifyMethod method) {
  static constexpr std::array cascade{Step::ibp, Step::crown, Step::alpha, Step::branching};
  static constexpr std::array zonotope{Step::ibp, Step::zonotope};
  static constexpr std::array joint{Step::ibp, Step::crown, Step::alpha, Step::joint};
  if (method == CertifyMethod::zonotope) return zonotope;
  if (method == CertifyMethod::joint) return joint;
  return std::span(cascade).first(static_cast<std::size_t>(method) + 1);
}

}  // namespace hans::defenses
