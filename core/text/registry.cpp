// Things that a SPEC names: how an unknown one is refused.
#include "detail/registry.hpp"

namespace hans {

void refuse_kind(std::string_view what, const Spec& spec, std::span<const std::string> names) {
  std::string all;
  for (const std::string& name : names) append(all, text(all.empty() ? "" : ", ", name));
  throw UsageError(text("there is no ", what, " '", spec.name, spec.version.empty() ? "" : "@", spec.version, "'; ",
                        names.size() == 1 ? "there is " : "there are ", all));
}

}  // namespace hans
