// What every attack is: settings that turn images into other images.
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

/// What counts as success: another prediction than the label, or one particular prediction.
struct Goal {
  bool targeted = false;
  std::vector<int> classes;  ///< the labels to get away from, or the targets; one per sample, or one for all

  int of(std::size_t sample) const { return classes.size() == 1 ? classes[0] : classes[sample]; }

  /// The same goal for these samples.
  Goal select(std::span<const std::size_t> which) const;
};

/// Why an attack stopped working on a sample. misclassified: an untargeted one found what it looked for; budget:
/// CraftOptions::most_forwards or most_gradients are used up.
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

/// What an attack sees of a model.
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

/// What attack A sees of a model: what its `Task<Stop> search(Oracle&) const` takes, gradients for one without.
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

/// What an attack remarks on one sample. Explains, never counts (law 2).
struct Note {
  Stop stop = Stop::finished;
  unsigned steps = 0;                    ///< changes of the image
  unsigned forwards = 0, gradients = 0;  ///< what it asked of the model: the sample's share of Crafted's
  real loss = 0;                         ///< at the last gradient; 0 where the attack has no loss
  real gradient_norm = 0;                ///< largest absolute value of the last gradient
  unsigned withstood = 0;                ///< of several attacks, how many came before the first that reached the goal
};

struct Crafted {
  Tensor images;                              ///< shape of the originals
  std::vector<Note> notes;                    ///< one per sample
  std::uint64_t forwards = 0, gradients = 0;  ///< images put through the model, and backward passes of an image
  std::vector<Attack> stages;                 ///< of an attack that consists of several: those that a sample came to
};

/// How an attack is run.
struct CraftOptions {
  std::uint64_t seed = 0;
  std::function<void(std::size_t done)> progress = {};  ///< samples finished; called by one thread at a time
  Tape* tape = nullptr;                                 ///< memory of an earlier call to work in; null: the call's own
  std::function<bool()> cancelled = {};  ///< asked now and then by any thread; true ends it with an Error

  /// What each sample may ask of the model in the whole attack, also in one of several stages (Note's counts); more
  /// ends the attack on it.
  unsigned most_forwards = ~0U, most_gradients = ~0U;
  std::span<const Note> before = {};         ///< of each sample: what earlier stages asked already; empty: nothing
  std::span<const float> eps = {};           ///< for each sample, in place of the attack's; empty: none
  std::span<const unsigned char> mask = {};  ///< 0 where a feature must stay; of one image for all, or of each
  bool to_the_end = false;  ///< do all steps and return the last image, also where one reached the goal before

  /// Of a random model: over how many draws each answer is averaged (expectation over transformation, Athalye 2018):
  /// logits, loss and gradient. Each counts as one forward pass and gradient. Others are asked once.
  unsigned draws = 1;
  bool straight_through = false;  ///< see nn::Asking: what has no gradient hands it on (BPDA)
};

/// What the lists, the help and the docs say of an attack.
struct AttackInfo {
  std::string name, version, meaning, paper;
  std::string specification;        ///< the version of its results, "1" at first: see Attack::pinned()
  std::string norms;                ///< of the balls it stays in or the distances it makes small: "linf|l2"
  std::string example;              ///< a SPEC
  bool targets_by_default = false;  ///< without a goal it aims at the class after the label
  bool takes_targets = true;
  bool for_random_models = false;  ///< it expects other answers to the same question
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

  /// Of an attack that runs others: it needs what one of them needs, and can do what all can.
  void follow(const std::vector<Attack>& parts);
};

/// Any attack. An aggregate A is one if it has `name`, `meaning`, `paper`, `fields()` (see core/fields.hpp) and
///
///     Task<Stop> search(Oracle&) const;   // for one sample; Oracle: what it may see of the model, see oracle.hpp
///
/// or, if it runs other attacks,
///
///     Crafted operator()(const nn::Classifier&, const data::Samples&, const Goal&, const CraftOptions&) const;
///
/// which gives an image and a note for each sample; other numbers of them are an Error.
/// Without a parameter `norm` it also has `norms`, with required parameters an `example`, a SPEC. Its budget is a ball
/// of `eps`, infinite without one, in the box that `clip_min` and `clip_max` leave. Optional members:
///
///     static constexpr std::string_view version, specification;
///     static constexpr bool takes_targets = false;        // it refuses them
///     static constexpr bool targets_by_default = true;    // it needs one
///     static constexpr bool to_the_end = true;            // its last image counts, whatever it found before
///     Budget budget(const Shape& image, data::Box box) const;      // another one; box: the data's
///     void check_goal(const Goal& goal, std::size_t classes) const;  // throws UsageError for goals it cannot reach
///     A resolved(data::Box box) const;                   // with all parameters set whose default is not a constant
///     bool for_random_models() const;                    // it expects other answers to the same question
///     std::vector<Attack> parts() const;                 // the attacks it runs, and
///     A with(std::vector<Attack> parts) const;           // itself with others
///
/// Immutable, cheap to copy.
class Attack {
 public:
  Attack() = default;  ///< none; only to be assigned to

  template <class A>
  requires requires { A::paper; }
  Attack(A settings) : self_(std::make_shared<Model<A>>(std::move(settings))) {}

  /// The attack `spec` names. Throws UsageError that lists all attacks.
  static Attack from_spec(const Spec& spec);

  Crafted operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                     const CraftOptions& options = {}) const {
    return self_->craft(model, samples, goal, options);
  }
  Budget budget(const Shape& image, data::Box box) const { return self_->budget(image, box); }
  Spec spec() const { return self_->spec(); }

  /// spec() with the version of the attack's specification, and of those inside it: fgsm@1:eps=0.3. It names the same
  /// results in all later versions of hans; spec() without a version names the attack as the latest one has it.
  Spec pinned() const;

  Attack resolved(data::Box box) const { return self_->resolved(box); }  ///< its spec() has every parameter

  /// The attack as adversarial training uses it: a label that was left open is the model's own prediction, so that the
  /// true label does not leak into the example (Kurakin 2017, section 3.2).
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

/// What an attack aims at when it is not told: away from the labels, or, if it needs a target, at the class after each.
Goal usual_goal(const AttackInfo& info, std::span<const int> labels, std::size_t classes);

/// All attacks, in the order of the registry.
std::vector<AttackInfo> list_attacks();

/// Several, as the value of one parameter: written [SPEC]/[SPEC].
struct Attacks {
  std::vector<Attack> all;
};

// An attack as the value of a parameter: written [SPEC].
void read_value(std::string_view word, Attack& out);
void append_value(std::string& out, const Attack& value);
std::string value_help(const Attack&);
void is_nested_value(const Attack&);
void read_value(std::string_view word, Attacks& out);
void append_value(std::string& out, const Attacks& value);
std::string value_help(const Attacks&);
void is_nested_value(const Attacks&);

namespace detail {

/// Throws UsageError for targets that are not taken, and for none where they are needed.
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
  /// The same attack with its parts changed.
  template <class Change>
  A with(const Change& change) const {
    std::vector<Attack> changed;
    for (const Attack& part : settings.parts()) changed.push_back(change(part));
    return settings.with(std::move(changed));
  }
  A settings;
};

}  // namespace attacks

/// Success is any prediction but these labels.
attacks::Goal away_from(std::vector<int> labels);

/// Success is this prediction: one class for every sample, or one for each.
attacks::Goal towards(int target);
attacks::Goal towards(std::vector<int> targets);

}  // namespace hans
