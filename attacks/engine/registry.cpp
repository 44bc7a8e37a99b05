// The attacks of this build, in the order of lists and help. A line in each of the two lists adds one.
#include <algorithm>

#include <hans/attacks/apgd.hpp>
#include <hans/attacks/attack.hpp>
#include <hans/attacks/autoattack.hpp>
#include <hans/attacks/boundary.hpp>
#include <hans/attacks/bpda.hpp>
#include <hans/attacks/carlini_wagner.hpp>
#include <hans/attacks/carlini_wagner_linf.hpp>
#include <hans/attacks/composite.hpp>
#include <hans/attacks/ddn.hpp>
#include <hans/attacks/deepfool.hpp>
#include <hans/attacks/ead.hpp>
#include <hans/attacks/eot.hpp>
#include <hans/attacks/fab.hpp>
#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/fmn.hpp>
#include <hans/attacks/hopskipjump.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/attacks/jsma_maximal.hpp>
#include <hans/attacks/lbfgs.hpp>
#include <hans/attacks/mifgsm.hpp>
#include <hans/attacks/noise.hpp>
#include <hans/attacks/one_pixel.hpp>
#include <hans/attacks/pgd.hpp>
#include <hans/attacks/rfgsm.hpp>
#include <hans/attacks/sigma_zero.hpp>
#include <hans/attacks/spsa.hpp>
#include <hans/attacks/square.hpp>

#include "../../core/text/detail/registry.hpp"

namespace hans::attacks {
namespace {

// The names of the sources in this build, set by CMake's HANS_ATTACKS.
#ifndef HANS_ATTACKS
#define HANS_ATTACKS "all"
#endif

constexpr bool is_built(std::string_view source) {
  for (std::string_view rest = HANS_ATTACKS;;) {
    const std::size_t end = rest.find(',');
    const std::string_view name = rest.substr(0, end);
    if (name == "all" || name == source) return true;
    if (end == rest.npos) return false;
    rest.remove_prefix(end + 1);
  }
}

template <class... Ts>
struct List {};

template <class... Ts, class... Us>
List<Ts..., Us...> operator+(List<Ts...>, List<Us...>);

/// The attacks of a source, if it is built.
template <bool built, class... Ts>
using Of = std::conditional_t<built, List<Ts...>, List<>>;

// clang-format off
using AllAttacks = decltype(
    Of<is_built("fgsm"), Fgsm, FgsmCleverhans100>() +
    Of<is_built("rfgsm"), RFgsm>() +
    Of<is_built("pgd"), Pgd>() +
    Of<is_built("mifgsm"), MiFgsm>() +
    Of<is_built("apgd"), Apgd, ApgdT>() +
    Of<is_built("fab"), Fab>() +
    Of<is_built("square"), Square>() +
    Of<is_built("spsa"), Spsa>() +
    Of<is_built("noise"), Noise>() +
    Of<is_built("autoattack"), AutoAttack>() +
    Of<is_built("composite"), Composite>() +
    Of<is_built("eot"), Eot>() +
    Of<is_built("bpda"), Bpda>() +
    Of<is_built("deepfool"), DeepFool>() +
    Of<is_built("ddn"), Ddn>() +
    Of<is_built("fmn"), Fmn>() +
    Of<is_built("carlini_wagner"), CarliniWagner>() +
    Of<is_built("carlini_wagner_linf"), CarliniWagnerLinf>() +
    Of<is_built("lbfgs"), Lbfgs>() +
    Of<is_built("ead"), Ead>() +
    Of<is_built("sigma_zero"), SigmaZero>() +
    Of<is_built("boundary"), BoundaryAttack>() +
    Of<is_built("hopskipjump"), HopSkipJump>() +
    Of<is_built("jsma"), Jsma, JsmaCleverhans100>() +
    Of<is_built("jsma_maximal"), JsmaMaximal>() +
    Of<is_built("one_pixel"), OnePixel>());
// clang-format on

template <class... Ts>
constexpr std::span<const Kind<Attack>> kinds_in(List<Ts...>) {
  return kinds_of<Attack, Ts...>;
}

template <class... Ts>
std::vector<AttackInfo> list_in(List<Ts...>) {
  return list_kinds<AttackInfo, Ts...>();
}

}  // namespace

Attack Attack::from_spec(const Spec& spec) { return make_kind("attack", kinds_in(AllAttacks()), spec); }

std::vector<AttackInfo> list_attacks() { return list_in(AllAttacks()); }

bool Attack::takes(const Spec& spec, std::string_view key) {
  return std::ranges::any_of(list_attacks(), [&](const AttackInfo& info) {
    const bool same = info.name == spec.name && (info.version == spec.version || info.specification == spec.version);
    return same && std::ranges::find(info.fields, key, &FieldInfo::name) != info.fields.end();
  });
}

}  // namespace hans::attacks
