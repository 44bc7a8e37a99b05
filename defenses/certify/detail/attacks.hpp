// The attacks that look for adversarial images before and after bounds.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include <hans/core/spec.hpp>
#include <hans/defenses/certify.hpp>

namespace hans::defenses {

/// The attacks of a run, without their eps: `first`, by default pgd on the margin, and of a complete method autoattack.
/// Defaults that need more classes than the model has are left out.
std::vector<Spec> usual_attacks(const std::optional<Spec>& first, CertifyMethod method, std::size_t classes);

/// The attack with the eps of the certificate, and its norm if that is not given.
attacks::Attack attack_within(Spec spec, const CertifyOptions& options);

/// The options with at most two attacks, as attack_within() makes them. Throws UsageError for an attack in another
/// norm.
CertifyOptions with_attacks(CertifyOptions options, std::span<const Spec> specs, const Shape& image, data::Box box);

}  // namespace hans::defenses
