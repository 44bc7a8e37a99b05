// Fuzz target: whatever the bytes are, a VNN-LIB property or a list of instances is read or refused in one line, and
// what was read is consistent.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <hans/core/error.hpp>
#include "../../apps/vnnlib/answer.hpp"
#include "../../apps/vnnlib/instances.hpp"

namespace {

void must(bool ok) {
  if (!ok) std::abort();
}

template <class Work>
void unless_refused(Work work) {
  try {
    work();
  } catch (const hans::Error& error) {
    must(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
}

void check_property(std::string_view text) {
  const hans::apps::vnnlib::Property property = hans::apps::vnnlib::read_property(text, "property");
  for (const hans::apps::vnnlib::Case& each : property.cases) {
    for (const auto& violation : each.violations) {
      for (const std::uint32_t atom : violation) must(atom < property.atoms.size());
    }
    must(each.low.size() == property.inputs && each.first.size() == property.inputs);
    for (std::size_t i = 0; i < property.inputs && !each.empty; ++i) {
      must(each.low[i] <= double{each.first[i]} && each.first[i] <= each.last[i] &&
           double{each.last[i]} <= each.high[i]);
    }
    if (!each.empty) hans::apps::vnnlib::counterexample_text(each, each.first, {});
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  unless_refused([text] { check_property(text); });
  unless_refused([text] { hans::apps::vnnlib::read_instances(text, "folder/instances.csv"); });
  return 0;
}
