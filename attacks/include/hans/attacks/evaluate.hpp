// An evaluation: every attack on every sample the model gets right, judged, and summed up.
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
  Kind kind = Kind::by_attack;  ///< by_attack: untargeted, or next for attacks that need a target
  int target = 0;               ///< for Kind::one

  friend bool operator==(const Targets&, const Targets&) = default;
};
/// "next", "all", "random" or a class number. Throws UsageError for anything else.
Targets read_targets(std::string_view word);

/// Whether an attack aims at classes when it gets these targets.
bool is_targeted(const AttackInfo& attack, const Targets& targets);

/// One attempt: a sample that was right, and a goal.
struct Attempt {
  std::size_t sample;              ///< place among the samples of the evaluation
  std::optional<int> target = {};  ///< none: untargeted
  Finding finding = {};
  Note note = {};
  std::string image_sha256 = {};  ///< of the image's numbers as little-endian floats, where asked for
  Tensor image = {};              ///< what the attack returned, 1 x height x width x channels, where asked for
};

struct PlannedAttempts {
  std::vector<Attempt> attempts;    ///< in the order of the samples; findings and notes are empty
  std::size_t without_attempt = 0;  ///< pairs that are no attempt because the target is the label
};

/// The attempts of an attack on samples of which `predictions` are known. They follow from labels, places in the data
/// set (Samples::index), targets and seed; images are not needed. Throws UsageError for targets that the attack does
/// not take or that are no class, Error for labels that are no class or other counts of labels, places and predictions.
PlannedAttempts plan_attempts(const AttackInfo& attack, const Targets& targets, const data::Samples& samples,
                              std::span<const int> predictions, std::size_t classes, std::uint64_t seed);

/// The middle and the mean of one distance over all attempts: median counts failures as infinite, mean only successes.
struct Summary {
  std::optional<double> median, mean;  ///< none: no attempts, no successes (or an infinite median)
};

/// What is left after one of several attacks that run one behind the other.
struct StageResult {
  Attack attack;
  Share robust;  ///< of all samples: right, and none of its attempts had reached its goal by then
};

/// What one attack achieved.
struct AttackResult {
  Attack attack;  ///< resolved
  Budget budget;
  std::vector<Attempt> attempts;
  std::size_t no_attempts = 0;      ///< PlannedAttempts::without_attempt
  std::vector<StageResult> stages;  ///< of an attack that consists of several; those that a sample came to
  std::uint64_t forwards = 0, gradients = 0;
  double seconds = 0;

  // What sum_up() fills in.
  std::vector<bool> robust;  ///< per sample: right before, and no attempt evaded
  std::size_t robust_count = 0, successes = 0;
  std::size_t narrow = 0;  ///< successes that another program's rounding might undo (Finding::narrow)
  Summary l0, l1, l2, linf;
};

struct Evaluation {
  data::Samples samples;         ///< images only where asked for, else a tensor of 0 of them
  std::vector<int> predictions;  ///< on the clean images
  std::size_t classes = 0;       ///< of the model
  Targets targets;
  std::vector<AttackResult> attacks;

  // What sum_up() fills in.
  std::size_t right = 0;
  std::size_t robust = 0;  ///< right, and robust against every attack: the worst case

  std::size_t size() const { return predictions.size(); }
  Share of_all(std::size_t part) const { return {part, size()}; }
};

struct EvaluateOptions {
  Targets targets = {};
  std::uint64_t seed = 0;
  bool keep_images = false;  ///< originals, and the image of each attempt
  bool hash_images = false;
  /// Called as samples are finished: attack number (from 0), attempts done, attempts in all.
  std::function<void(std::size_t attack, std::size_t done, std::size_t total)> progress = {};
  Tape* tape = nullptr;  ///< memory of an earlier call to work in; null: the call's own
};

/// Runs the attacks (resolved in the samples' box) and sums up. Samples that are wrong on the clean image are not
/// attacked and not robust. What is found of a sample is the same whatever other samples there are, so that parts make
/// a whole. Throws what check_request() and plan_attempts() throw before any work.
Evaluation evaluate(const nn::Classifier& model, const data::Samples& samples, std::span<const Attack> attacks,
                    const EvaluateOptions& options);

/// Throws UsageError, without any work, for what an attack cannot take: targets, budget, box.
void check_request(std::span<const Attack> attacks, const Targets& targets, const Shape& image, std::size_t classes,
                   data::Box box);

/// Puts the samples of `part` (of the same model, attacks and targets) behind those of `all`. Cost: the part's
/// size, and all images where they are kept. Does not sum up.
void extend(Evaluation& all, Evaluation part);

/// Fills in what follows from predictions and attempts: who is right and robust, successes and distances.
void sum_up(Evaluation& evaluation);

/// How many samples are right and were not misled by an image within `radius` of the original, in the norm of the
/// attack's budget. Of an attack that looks for the nearest image this gives accuracy against eps from one run.
Share robust_within(const Evaluation& evaluation, const AttackResult& result, double radius);

}  // namespace hans::attacks
