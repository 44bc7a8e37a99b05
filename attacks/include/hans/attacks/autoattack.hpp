// AutoAttack.
#pragma once

#include <hans/attacks/attack.hpp>

namespace hans::attacks {

/// The sets of attacks; see AutoAttack.
enum class AutoVersion { standard, plus, rand };
constexpr std::array<std::string_view, 3> enum_names(AutoVersion) { return {"standard", "plus", "rand"}; }

/// The ensemble of Croce and Hein 2020 with the parameters of its authors' code; no other set of attacks has this name.
/// Each attack begins at the original and runs on the samples that withstood those before it.
/// - standard: apgd (ce), apgd-t (9 classes), fab (9 classes), square (5000 queries). In l1 both APGD begin in larger
///   balls, the first has 5 restarts, the second 5 classes.
/// - plus: apgd (ce) and apgd (dlr), fab, 5 restarts each, square, apgd-t, fab (9 classes).
/// - rand, for random models: apgd (ce) and apgd (dlr), every answer the mean of 20 draws (eot).
struct AutoAttack {
  Required<float> eps;
  Norm norm = Norm::linf;
  AutoVersion version = AutoVersion::standard;

  static constexpr std::string_view name = "autoattack";
  static constexpr std::string_view meaning = "the ensemble that benchmarks use: APGD, targeted APGD, FAB, Square";
  static constexpr std::string_view paper = "Croce 2020, arXiv:2003.01690";
  static constexpr std::string_view example = "autoattack:eps=0.3";
  static constexpr bool takes_targets = false;
  static constexpr auto fields() {
    return std::tuple(field("eps", &AutoAttack::eps, at_least(0), "radius of the ball, in data units"),
                      field("norm", &AutoAttack::norm, up_to(Norm::l1), "of the ball"),
                      field("version", &AutoAttack::version, "which attacks"));
  }

  /// The attacks, in order.
  std::vector<Attack> stages() const;
  bool for_random_models() const { return version == AutoVersion::rand; }
  Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                     const CraftOptions& options = {}) const;
};

}  // namespace hans::attacks
