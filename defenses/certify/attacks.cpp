// The attacks that look for adversarial images before and after bounds.
#include "detail/attacks.hpp"

#include <string>
#include <utility>

#include <hans/core/error.hpp>

namespace hans::defenses {

std::vector<Spec> usual_attacks(const std::optional<Spec>& first, CertifyMethod method, std::size_t classes) {
  constexpr std::size_t classes_of_margin = 2, classes_of_autoattack = 4;
  std::vector<Spec> all;
  if (first) {
    all.push_back(*first);
  } else if (classes >= classes_of_margin) {
    all.push_back(Spec::parse("pgd:steps=20,loss=margin"));
  }
  if (method == CertifyMethod::complete && classes >= classes_of_autoattack) all.push_back(Spec::parse("autoattack"));
  return all;
}

attacks::Attack attack_within(Spec spec, const CertifyOptions& options) {
  const auto set = [&](const char* key, std::string value) {
    if (attacks::Attack::takes(spec, key) && spec.find(key) == nullptr) spec.items.push_back({key, std::move(value)});
  };
  set("eps", text(float{options.eps}));
  set("norm", std::string(enum_name(options.norm)));
  return attacks::Attack::from_spec(spec);
}

CertifyOptions with_attacks(CertifyOptions options, std::span<const Spec> specs, const Shape& image, data::Box box) {
  for (const Spec& spec : specs) {
    const attacks::Attack attack = attack_within(spec, options).resolved(box);
    const Norm norm = attack.budget(image, box).norm;
    check_usage(norm == options.norm, "the attack ", spec.name, " keeps within ", enum_name(norm),
                ", the certificate is for ", enum_name(options.norm));
    (options.first ? options.second : options.first) = attack;
  }
  return options;
}

}  // namespace hans::defenses
