// The interface of attacks: settings that turn images into adversarial ones.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/attacks/budget.hpp>
#include <hans/core/fields.hpp>
#include <hans/data/dataset.hpp>
#include <hans/nn/classifier.hpp>

namespace hans {
namespace attacks {

/// Which label an untargeted attack moves away from: the goal's, or the model's own prediction.
enum class Label { data, model };
constexpr std::array<std::string_view, 2> enum_names(Label) { return {"data", "model"}; }

/// What counts as success: any prediction but the label (untargeted), or one given class (targeted).
struct Goal {
  bool targeted = false;
  std::vector<int> classes;  ///< labels to get away from, or targets; one per sample, or one for all

  int of(std::size_t sample) const { return classes.size() == 1 ? classes[0] : classes[sample]; }

  /// The same goal for the samples in these places.
  Goal select(std::span<const std::size_t> which) const;
};

/// Why an attack stopped working on a sample. misclassified: an untargeted attack succeeded; budget:
/// CraftOptions::max_forwards or max_gradients is used up.
enum class Stop {
  finished,
  target_reached,
  limit,
  domain_exhausted,
  no_admissible_pair,
  zero_gradient,
  misclassified,
  budget
};
constexpr std::array<std::string_view, 8> enum_names(Stop) {
  return {"finished",           "target_reached", "limit",         "domain_exhausted",
          "no_admissible_pair", "zero_gradient",  "misclassified", "budget"};
}

/// The threat model: what an attack sees of a model. Each value includes those before it.
enum class Knowledge { labels, scores, gradients };
constexpr std::array<std::string_view, 3> enum_names(Knowledge) { return {"labels", "scores", "gradients"}; }

// See oracle.hpp and task.hpp.
class LabelOracle;
class ScoreOracle;
class GradientOracle;
template <class T>
class Task;

class Attack;

namespace detail {
template <class A>
constexpr Knowledge knowledge(Task<Stop> (A::*)(LabelOracle&) const) {
  return Knowledge::labels;
}
template <class A>
constexpr Knowledge knowledge(Task<Stop> (A::*)(ScoreOracle&) const) {
  return Knowledge::scores;
}
template <class A>
constexpr Knowledge knowledge(Task<Stop> (A::*)(GradientOracle&) const) {
  return Knowledge::gradients;
}
}  // namespace detail

/// The Knowledge of attack A: that of the oracle which `search` takes, or gradients if A has no `search`.
template <class A>
constexpr Knowledge knowledge_of = [] {
  if constexpr (requires { &A::search; }) return detail::knowledge(&A::search);
  return Knowledge::gradients;
}();

/// Whether attack A takes targets, and whether it needs them.
template <class A>
constexpr bool takes_targets_of = [] {
  if constexpr (requires { A::takes_targets; }) return A::takes_targets;
  return true;
}();
template <class A>
constexpr bool needs_targets_of = [] {
  if constexpr (requires { A::targets_by_default; }) return A::targets_by_default;
  return false;
}();

/// What an attack reports about one sample. It explains a result; what counts as success, the judge decides.
struct Note {
  Stop stop = Stop::finished;
  unsigned steps = 0;                    ///< changes of the image
  unsigned forwards = 0, gradients = 0;  ///< what this sample cost, as Crafted counts it
  real loss = 0;                         ///< at the last gradient; 0 where the attack has no loss
  real gradient_norm = 0;                ///< largest absolute value of the last gradient
  unsigned withstood = 0;                ///< of attacks in stages: how many failed before one reached the goal
};

/// The result of an attack on samples.
struct Crafted {
  Tensor images;                              ///< shape of the originals
  std::vector<Note> notes;                    ///< one per sample
  std::uint64_t forwards = 0, gradients = 0;  ///< forward and backward passes, each of one image
  std::vector<Attack> stages;                 ///< of an attack in stages: those that some sample reached
};

/// How an attack is run.
struct CraftOptions {
  std::uint64_t seed = 0;
  std::function<void(std::size_t done)> progress = {};  ///< called with the samples finished; never concurrently
  Tape* tape = nullptr;                                 ///< a tape whose memory is reused; null: the call's own
  std::function<bool()> cancelled = {};                 ///< polled from any thread; true ends the call with an Error

  /// Limits for each sample over the whole attack, all its stages together, as Note counts. At a limit the attack stops
  /// working on the sample (Stop::budget).
  unsigned max_forwards = ~0U, max_gradients = ~0U;
  std::span<const Note> before = {};         ///< per sample, what earlier stages used up; empty: nothing
  std::span<const float> eps = {};           ///< per sample, replaces the attack's; empty: none
  std::span<const unsigned char> mask = {};  ///< 0: the feature must not change; for one image, or for each
  bool to_the_end = false;  ///< run all steps and return the last image, even if an earlier one reached the goal

  /// For random models: every answer (logits, loss, gradient) is the mean of so many draws (expectation over
  /// transformation, Athalye 2018). Each draw counts as a forward pass and a gradient. Other models are asked once.
  unsigned draws = 1;
  bool straight_through = false;  ///< non-differentiable steps are the identity in the backward pass (BPDA)
};

/// What lists, help and documentation say about an attack.
struct AttackInfo {
  std::string name, version, meaning, paper;
  std::string specification;        ///< the version of its results, at first "1"; see Attack::pinned()
  std::string norms;                ///< of its ball, or of the distance it minimizes: "linf|l2"
  std::string example;              ///< a SPEC
  bool targets_by_default = false;  ///< without a goal it aims at the class after the label
  bool takes_targets = true;
  bool for_random_models = false;  ///< made for models whose answers are random
  Knowledge knowledge = Knowledge::gradients;
  std::vector<FieldInfo> fields;

  template <class A>
  static AttackInfo of() {
    AttackInfo info;
    info.name = A::name;
    info.version = hans::detail::version_of_type<A>();
    info.specification = std::string(hans::detail::specification_of_type<A>());
    info.meaning = A::meaning;
    info.paper = A::paper;
    info.knowledge = knowledge_of<A>;
    info.fields = describe<A>();
    if constexpr (requires { A::norms; }) info.norms = A::norms;
    for (const FieldInfo& field : info.fields) {
      if (field.name == "norm") info.norms = field.kind;
    }
    info.example = A::name;
    if constexpr (requires { A::example; }) info.example = A::example;
    info.targets_by_default = needs_targets_of<A>;
    info.takes_targets = takes_targets_of<A>;
    return info;
  }

  /// For an attack that runs `parts`: it sees what the most demanding part sees, needs targets if any part does, and
  /// takes them only if all do.
  void follow(const std::vector<Attack>& parts);
};

/// Any attack; immutable and cheap to copy. An aggregate A is an attack if it has `name`, `meaning`, `paper`,
/// `fields()` (see core/fields.hpp) and
///
///     Task<Stop> search(Oracle&) const;   // for one sample; the Oracle is its threat model, see oracle.hpp
///
/// or, if it runs other attacks,
///
///     Crafted operator()(const nn::Classifier&, const data::Samples&, const Goal&, const CraftOptions&) const;
///
/// which returns one image and one note per sample (other counts throw Error). It also needs `norms` if it has no
/// parameter `norm`, and an `example`, a SPEC, if it has required parameters. Its budget is the ball of radius `eps`
/// (infinite if there is no such parameter) within the box from `clip_min` to `clip_max` (the data's if there are
/// none). Optional members:
///
///     static constexpr std::string_view version, specification;
///     static constexpr bool takes_targets = false;        // refuses targets
///     static constexpr bool targets_by_default = true;    // needs targets
///     static constexpr bool to_the_end = true;            // its last image counts, even if an earlier one succeeded
///     Budget budget(const Shape& image, data::Box box) const;      // replaces the budget above; box: the data's
///     void check_goal(const Goal& goal, std::size_t classes) const;  // throws UsageError for goals it cannot reach
///     A resolved(data::Box box) const;                   // with every default that is not a constant filled in
///     bool for_random_models() const;                    // made for models whose answers are random
///     std::vector<Attack> parts() const;                 // the attacks it runs
///     A with(std::vector<Attack> parts) const;           // a copy that runs these instead
class Attack {
 public:
  Attack() = default;  ///< holds no attack: only assign to it

  template <class A>
  requires requires { A::paper; }
  Attack(A settings) : self_(std::make_shared<Model<A>>(std::move(settings))) {}

  /// The attack that `spec` names. For an unknown name throws UsageError, which lists all attacks.
  static Attack from_spec(const Spec& spec);

  /// Whether the attack that `spec` names has a parameter called `key`; false where there is no such attack.
  static bool takes(const Spec& spec, std::string_view key);

  Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                     const CraftOptions& options = {}) const {
    return self_->craft(model, samples, goal, options);
  }
  Budget budget(const Shape& image, data::Box box) const { return self_->budget(image, box); }
  Spec spec() const { return self_->spec(); }

  /// spec() with the version of the attack's specification, and of every attack inside it: fgsm@1:eps=0.3. It gives the
  /// same results in every later version of hans; without a version a SPEC means the latest specification.
  Spec pinned() const;

  Attack resolved(data::Box box) const { return self_->resolved(box); }  ///< its spec() has every parameter

  /// The attack as adversarial training uses it. An untargeted attack whose `label` was left open moves away from the
  /// model's prediction, so that the true label does not leak into the example (Kurakin 2017, section 3.2).
  Attack in_training() const { return self_->in_training(); }
  AttackInfo info() const { return self_->info(); }
  bool present() const { return self_ != nullptr; }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual Crafted craft(const nn::Classifier&, const data::Samples&, const Goal&, const CraftOptions&) const = 0;
    virtual Budget budget(const Shape&, data::Box) const = 0;
    virtual Spec spec() const = 0;
    virtual Attack resolved(data::Box) const = 0;
    virtual Attack in_training() const = 0;
    virtual AttackInfo info() const = 0;
  };
  template <class A>
  struct Model;

  std::shared_ptr<const Concept> self_;
};

/// The default goal of an attack: away from the labels, or, if it needs targets, towards the class after each label.
Goal usual_goal(const AttackInfo& info, std::span<const int> labels, std::size_t classes);

/// All attacks, in the order of the registry.
std::vector<AttackInfo> list_attacks();

/// Several attacks as one parameter value, written [SPEC]/[SPEC].
struct Attacks {
  std::vector<Attack> all;
};

// An attack as a parameter value, written [SPEC].
void read_value(std::string_view word, Attack& out);
void append_value(std::string& out, const Attack& value);
std::string value_help(const Attack&);
void is_nested_value(const Attack&);
void read_value(std::string_view word, Attacks& out);
void append_value(std::string& out, const Attacks& value);
std::string value_help(const Attacks&);
void is_nested_value(const Attacks&);

namespace detail {

/// Throws UsageError for targets the attack does not take, and for missing targets it needs.
void check_targets(std::string_view attack, bool taken, bool needed, const Goal& goal);

/// Throws Error unless there is an image and a note for each sample.
void check_crafted(std::string_view attack, const Crafted& crafted, const data::Samples& samples);

template <class A>
Norm norm_of(const A& attack) {
  Norm norm{};
  if constexpr (requires { attack.norm; }) {
    norm = attack.norm;
  } else {
    hans::read_value(A::norms, norm);
  }
  return norm;
}

}  // namespace detail

template <class A>
struct Attack::Model final : Attack::Concept {
  explicit Model(A given) : settings(std::move(given)) {}
  Crafted craft(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                const CraftOptions& options) const override {
    check_fields(settings);
    detail::check_targets(A::name, takes_targets_of<A>, needs_targets_of<A>, goal);
    if constexpr (requires { settings.check_goal(goal, model.classes()); }) settings.check_goal(goal, model.classes());
    if constexpr (requires { settings(model, samples, goal, options); }) {
      (void)budget(model.input(), samples.box);
      Crafted crafted = settings(model, samples, goal, options);
      detail::check_crafted(A::name, crafted, samples);
      return crafted;
    } else {
      return craft_alone(settings, budget(model.input(), samples.box), model, samples, goal, options);  // driver.hpp
    }
  }
  Budget budget(const Shape& image, data::Box box) const override {
    check_fields(settings);
    if constexpr (requires { settings.budget(image, box); }) {
      return settings.budget(image, box);
    } else {
      if constexpr (requires { settings.clip_min; }) box = clip_box(settings.clip_min, settings.clip_max, box);
      const float* eps = nullptr;
      if constexpr (requires { settings.eps; }) eps = FieldAccess::peek(settings.eps);
      return budget_of(A::name, eps, detail::norm_of(settings), image, box);
    }
  }
  Spec spec() const override { return to_spec(settings); }
  Attack resolved(data::Box box) const override {
    if constexpr (requires { settings.resolved(box); }) return settings.resolved(box);
    if constexpr (requires { settings.parts(); }) return with([box](const Attack& part) { return part.resolved(box); });
    return settings;
  }
  Attack in_training() const override {
    A copy = settings;
    if constexpr (requires { copy.label = Label::model; }) {
      if (!copy.label) copy.label = Label::model;
    }
    if constexpr (requires { copy.parts(); }) return with([](const Attack& part) { return part.in_training(); });
    return copy;
  }
  AttackInfo info() const override {
    AttackInfo info = AttackInfo::of<A>();
    if constexpr (requires { settings.for_random_models(); }) info.for_random_models = settings.for_random_models();
    if constexpr (requires { settings.parts(); }) info.follow(settings.parts());
    return info;
  }
  /// A copy whose parts are changed.
  template <class Change>
  A with(const Change& change) const {
    std::vector<Attack> changed;
    for (const Attack& part : settings.parts()) changed.push_back(change(part));
    return settings.with(std::move(changed));
  }
  A settings;
};

}  // namespace attacks

/// Success is any prediction but these labels: one for all samples, or one for each.
attacks::Goal away_from(std::vector<int> labels);

/// Success is the prediction of the target: one for all samples, or one for each.
attacks::Goal towards(int target);
attacks::Goal towards(std::vector<int> targets);

}  // namespace hans
