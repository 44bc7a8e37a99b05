// The defences, in the order of lists and help.
#include "../core/text/detail/registry.hpp"
#include <hans/core/error.hpp>
#include <hans/defenses/adversarial.hpp>
#include <hans/defenses/awp.hpp>
#include <hans/defenses/crown_ibp.hpp>
#include <hans/defenses/fast.hpp>
#include <hans/defenses/ibp.hpp>
#include <hans/defenses/mtl_ibp.hpp>
#include <hans/defenses/sabr.hpp>
#include <hans/defenses/trades.hpp>

namespace hans::defenses {
namespace {

// To add a defence, add its type here and in list_defenses().
constexpr const auto& defenses = kinds_of<Defense, Adversarial, Fast, Trades, Awp, Ibp, CrownIbp, MtlIbp, Sabr>;

}  // namespace

Defense Defense::from_spec(Spec spec, std::optional<float> smoothing) {
  if (smoothing) {
    check_usage(spec.find("smoothing") == nullptr, "the smoothing of ", spec.name,
                " is given twice: in its SPEC and beside it");
    spec.items.push_back({"smoothing", text(*smoothing)});
  }
  return make_kind<Defense>("defence", defenses, spec);
}

std::vector<DefenseInfo> list_defenses() {
  return list_kinds<DefenseInfo, Adversarial, Fast, Trades, Awp, Ibp, CrownIbp, MtlIbp, Sabr>();
}

}  // namespace hans::defenses
