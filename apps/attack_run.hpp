// What the commands that attack a model take.
#pragma once

#include <cstdint>
#include <optional>
#include <tuple>

#include <hans/apps/commands.hpp>
#include <hans/apps/inputs.hpp>
#include <hans/apps/results.hpp>

namespace hans::apps {

/// Derive the options from it and put attack_fields() in front of your own with std::tuple_cat.
struct AttackRun : Common {
  Required<ModelName> model;
  Required<DataName> data;
  Required<Many<FromSpec<attacks::Attack>>> attack;
  std::optional<PreprocessChoice> preprocess = {};
  std::optional<std::uint64_t> limit = {};
  std::optional<TargetsChoice> targets = {};
  std::optional<Radii> at = {};

  static constexpr auto positional() {
    return std::tuple(field("MODEL", &AttackRun::model, "a model file, as hans train writes it, or an ONNX file"));
  }
};

constexpr auto attack_fields() {
  return std::tuple(
      field("data", &AttackRun::data, data_meaning_test),
      field("attack", &AttackRun::attack, "the attack and its parameters; may be given several times"),
      field("preprocess", &AttackRun::preprocess, preprocess_meaning, "none"),
      field("limit", &AttackRun::limit, at_least(1), "only the first N images", "all"),
      field("targets", &AttackRun::targets,
            "the class to aim at: the one after the label, all others in turn, a random other, or class N",
            "no class, but next for attacks that need one"),
      field(
          "at", &AttackRun::at,
          "for attacks that look for the nearest image: accuracy within each of these distances, such as 0.05,0.1,0.2",
          "none"));
}

/// What the options ask for. Throws UsageError if accuracy within radii is asked for of an attack with a ball of its
/// own.
Request request_of(const AttackRun& options, const data::Dataset& data);

}  // namespace hans::apps
