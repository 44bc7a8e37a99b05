// Every attack on every sample the model classifies correctly, judged and summed up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/judge.hpp>
#include <hans/attacks/share.hpp>

namespace hans::attacks {

/// Which classes a targeted run aims at.
struct Targets {
  enum class Kind { by_attack, next, all, random, one };
  Kind kind = Kind::by_attack;  ///< by_attack: untargeted; `next` for attacks that need a target
  int target = 0;               ///< for Kind::one

  friend bool operator==(const Targets&, const Targets&) = default;
};
/// "next", "all", "random" or a class number. Throws UsageError for anything else.
Targets read_targets(std::string_view word);

/// Whether the attack runs targeted with these targets.
bool is_targeted(const AttackInfo& attack, const Targets& targets);

/// One attempt: a correctly classified sample, and a goal.
struct Attempt {
  std::size_t sample;              ///< place among the samples of the evaluation
  std::optional<int> target = {};  ///< none: untargeted
  Finding finding = {};
  Note note = {};
  std::string image_sha256 = {};  ///< of the image as little-endian floats; EvaluateOptions::hash_images
  Tensor image = {};              ///< the attack's, 1 x height x width x channels; EvaluateOptions::keep_images
};

/// The attempts that an attack will make; see plan_attempts().
struct PlannedAttempts {
  std::vector<Attempt> attempts;    ///< in the order of the samples; findings and notes are empty
  std::size_t without_attempt = 0;  ///< sample-target pairs skipped because the target is the label
};

/// The attempts of an attack on samples whose `predictions` are known. They follow from labels, places in the data set
/// (Samples::index), targets and seed; images are not needed. Throws UsageError for targets that the attack does not
/// take or that are no class, Error for labels that are no class and for counts of labels, places and predictions that
/// differ.
PlannedAttempts plan_attempts(const AttackInfo& attack, const Targets& targets, const data::Samples& samples,
                              std::span<const int> predictions, std::size_t classes, std::uint64_t seed);

/// Median and mean of one distance. The median is over all attempts, failures counting as infinite; the mean is over
/// the successes.
struct Summary {
  std::optional<double> median, mean;  ///< none if there are no attempts or successes, or if the median is infinite
};

/// What is left after one stage of an attack in stages.
struct StageResult {
  Attack attack;
  Share robust;  ///< of all samples: correct, and no attempt has reached its goal up to this stage
};

/// The result of one attack.
struct AttackResult {
  Attack attack;  ///< resolved
  Budget budget;
  std::vector<Attempt> attempts;
  std::size_t no_attempts = 0;      ///< PlannedAttempts::without_attempt
  std::vector<StageResult> stages;  ///< of an attack in stages: those that some sample reached
  std::uint64_t forwards = 0, gradients = 0;
  double seconds = 0;

  // What sum_up() fills in.
  std::vector<bool> robust;  ///< per sample: correct when clean, and no attempt evaded
  std::size_t robust_count = 0, successes = 0;
  std::size_t narrow = 0;  ///< successes that are Finding::narrow
  Summary l0, l1, l2, linf;
};

/// The results of attacks on the same samples.
struct Evaluation {
  data::Samples samples;         ///< without images (a tensor of 0) unless EvaluateOptions::keep_images
  std::vector<int> predictions;  ///< on clean images
  std::size_t classes = 0;       ///< of the model
  Targets targets;
  std::vector<AttackResult> attacks;

  // What sum_up() fills in.
  std::size_t right = 0;
  std::size_t robust = 0;  ///< correct, and robust against every attack: the worst case

  std::size_t size() const { return predictions.size(); }
  Share of_all(std::size_t part) const { return {part, size()}; }
};

/// How an evaluation is run.
struct EvaluateOptions {
  Targets targets = {};
  std::uint64_t seed = 0;
  bool keep_images = false;  ///< the originals and the image of each attempt
  bool hash_images = false;
  /// Called as attempts finish, with the attack's number (from 0), attempts done, and attempts in all.
  std::function<void(std::size_t attack, std::size_t done, std::size_t total)> progress = {};
  Tape* tape = nullptr;  ///< a tape whose memory is reused; null: the call's own
};

/// Runs the attacks (resolved in the samples' box) and sums up. Samples that are misclassified when clean are not
/// attacked, and not robust. The result of a sample does not depend on other samples, so shards add up to the whole.
/// Before any work throws what check_request() and plan_attempts() throw.
Evaluation evaluate(const nn::Classifier& model, const data::Samples& samples, std::span<const Attack> attacks,
                    const EvaluateOptions& options);

/// Throws UsageError for targets, budget or box that an attack cannot take. Runs nothing.
void check_request(std::span<const Attack> attacks, const Targets& targets, const Shape& image, std::size_t classes,
                   data::Box box);

/// Appends the samples of `part` (same model, attacks and targets) to those of `all`. Does not sum up. Cost: the size
/// of the part, and of all images if they are kept.
void extend(Evaluation& all, Evaluation part);

/// Fills in what follows from predictions and attempts: correct and robust samples, successes, distances.
void sum_up(Evaluation& evaluation);

/// Robust accuracy within `radius` (norm of the attack's budget): the share of samples that are correct and that no
/// image within it misled. For a minimum-norm attack this gives accuracy against eps from a single run.
Share robust_within(const Evaluation& evaluation, const AttackResult& result, double radius);

}  // namespace hans::attacks
