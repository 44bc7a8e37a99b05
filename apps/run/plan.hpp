// The plan of a run: everything that decides its results.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <hans/defenses/certify.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../manifest/shard.hpp"

namespace hans::apps {

/// How far the images of a plan are certified. There is no clock: it would decide results.
struct Certifying {
  defenses::CertifyMethod method{};
  std::uint64_t nodes = 0;  ///< of branch and bound, for each image and ball

  bool operator==(const Certifying&) const = default;
};

/// What is measured. The same plan gives the same results on every machine.
struct Plan {
  std::string version;  ///< of hans
  Subject subject;
  Shape image;  ///< of one sample
  std::size_t classes = 0;
  std::vector<attacks::Attack> attacks;  ///< resolved: with every parameter set
  attacks::Targets targets;
  std::vector<float> radii = {};  ///< for minimum-norm attacks: accuracy within each radius
  Slice slice;
  std::size_t probes = attacks::usual_probes;  ///< how many images are probed; 0: none
  std::optional<Certifying> certify = {};      ///< also prove what no attack can lower, in each ball
};

/// Sets what follows from model, data and seed: version, subject, image and classes.
void set_subject(Plan& plan, const NamedModel& named, const data::Dataset& data, std::uint64_t seed);

/// Checks the plan and resolves its attacks. Throws UsageError for targets, radii or a budget that an attack does not
/// take; --at needs minimum-norm attacks; certificates need balls in linf, l2 or l1 and the box of the data.
Plan checked(Plan plan);

/// What attacks may do, and their goal. Numbers are comparable only if norm, budget, box and goal are equal.
struct ThreatModel {
  attacks::Budget budget;
  std::string goal;                ///< as --targets takes it: "none" is untargeted
  attacks::Knowledge knowledge{};  ///< the most that any attack needs
};

/// The threat model that all attacks share. Throws UsageError if they differ.
ThreatModel threat_model(const Plan& plan);

/// The threat model on one line: "linf within 0.3, features in [0,1], untargeted".
std::string threat_text(const ThreatModel& threat);

/// The targets of a run, as --targets takes them: "none", "next", "all", "random", "3".
std::string targets_text(attacks::Targets targets, const attacks::Attack& attack);

/// An attack as the user wrote it; its eps may be left to --at.
struct AttackChoice {
  Spec spec;
};
/// Throws UsageError for an unknown attack, and for an eps given to a minimum-norm attack.
void read_value(std::string_view word, AttackChoice& out);
void append_value(std::string& out, const AttackChoice& choice);
std::string value_help(const AttackChoice&);

/// The options of commands that attack a model. Derive your options from it, and list your own fields with
/// with_run_fields().
struct RunOptions : Common {
  Required<ModelName> model;
  Required<DataName> data;
  Required<Many<AttackChoice>> attack;
  std::optional<PreprocessChoice> preprocess = {};
  std::optional<std::uint64_t> limit = {};
  std::optional<TargetsChoice> targets = {};
  std::optional<Radii> at = {};
  std::optional<Shard> shard = {};
  bool adaptive = false;
  std::uint64_t probes = attacks::usual_probes;
};

/// The fields() of such a command: these, its own, and the common ones.
template <class... Own>
constexpr auto with_run_fields(const Own&... own) {
  return with_common(
      field("MODEL", &RunOptions::model, model_meaning), field("data", &RunOptions::data, data_meaning_test),
      field("attack", &RunOptions::attack, "the attack and its parameters; may be given several times"),
      field("preprocess", &RunOptions::preprocess, preprocess_meaning, "none"),
      field("limit", &RunOptions::limit, at_least(1), "only the first N images", "all"),
      field("targets", &RunOptions::targets,
            "the class to aim at: the one after the label, all others in turn, a random other, or class N",
            "no class, but next for attacks that need one"),
      field(
          "at", &RunOptions::at,
          "accuracy within each of these distances, such as 0.05,0.1,0.2: attacks with an eps run once for each, and "
          "need none in the SPEC ({at} in the names of outputs stands for it); those that look for the nearest image run "
          "once",
          "none"),
      field("shard", &RunOptions::shard, shard_meaning, "all"),
      field("adaptive", &RunOptions::adaptive, "then also run the attacks that the verdict asks for"),
      field("probes", &RunOptions::probes, between(0, 1000000),
            "images that the verdict is probed on; 0 saves the time, and the verdict is UNCHECKED"),
      own...);
}

/// The model, data and plan of a run.
struct Setup {
  NamedModel named;
  data::Dataset data;
  std::vector<Plan> plans;  ///< one; with --at and attacks that have an eps, one for each radius
};

/// The radius of the ball of a plan's first attack; infinite for a minimum-norm attack.
float radius_of(const Plan& plan);

/// `path` with each {at} replaced by the radius. Throws UsageError if there are several radii and no {at}.
std::string with_at(std::string_view option, std::string_view path, const Setup& setup, const Plan& plan);

/// Loads model and data, and makes a plan for each radius. Warns on standard error if the model is untrained. Throws
/// what load_model(), load_data() and checked() throw.
Setup setup_of(const RunOptions& options);

}  // namespace hans::apps
