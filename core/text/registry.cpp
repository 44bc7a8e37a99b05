// Things that a SPEC names: how an unknown one is refused.
#include "detail/registry.hpp"

#include "detail/meant.hpp"

namespace hans {

void refuse_kind(std::string_view what, const Spec& spec, std::span<const std::string> names) {
  std::string all;
  for (const std::string& name : names) append(all, text(all.empty() ? "" : ", ", name));
  const std::string hint = did_you_mean(spec.name, names, std::identity());
  throw UsageError(text("there is no ", what, " '", spec.name, spec.version.empty() ? "" : "@", spec.version, "'", hint,
                        names.size() == 1 ? "there is " : "there are ", all));
}

}  // namespace hans
