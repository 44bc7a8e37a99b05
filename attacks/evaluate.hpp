// A benchmark: every attack on every sample the model gets right, judged, and summed up.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/probe.hpp>

namespace hans::attacks {

/// Which classes a targeted run aims at.
struct Targets {
  enum class Kind {
    by_attack,
    next,
    all,
    random,
    one
  };  ///< by_attack: untargeted, or next for attacks that need a target
  Kind kind = Kind::by_attack;
  int target = 0;  ///< for Kind::one
};
/// "next", "all", "random" or a class number. Throws UsageError for anything else.
Targets read_targets(std::string_view word);

/// One attempt: a sample that was right, and a goal.
struct Attempt {
  std::size_t sample;         ///< place among the samples of the evaluation
  std::optional<int> target;  ///< none: untargeted
  Finding finding;
  Note note;
  std::string image_sha256 = {};  ///< of the image's numbers as little-endian floats, where it was asked for
};

/// The middle and the mean of one distance over all attempts: median counts failures as infinite, mean only successes.
struct Summary {
  std::optional<double> median, mean;  ///< none: no attempts, no successes (or an infinite median)
};

/// What one attack achieved.
struct AttackResult {
  Attack attack;  ///< resolved
  Budget budget;
  std::vector<Attempt> attempts;
  std::size_t no_attempts = 0;  ///< pairs left out because the target is the label
  std::vector<bool> robust;     ///< per sample: right before, and no attempt evaded
  std::size_t robust_count = 0, successes = 0;
  Summary l0, l1, l2, linf;
  std::uint64_t forwards = 0, gradients = 0;
  double seconds = 0;
  std::vector<Stage> stages;   ///< of an attack that consists of several: attempts left standing after each
  std::vector<Tensor> images;  ///< the adversarial image of each attempt, where they were asked to be kept
};

struct Evaluation {
  data::Samples samples;
  std::vector<int> predictions;  ///< on the clean images
  std::size_t right = 0;
  std::size_t classes = 0;  ///< of the model
  std::vector<AttackResult> attacks;
  std::vector<Probe> probes;  ///< of samples that are right, if the caller made them (probe())
  std::size_t robust = 0;     ///< right, and robust against every attack: the worst case
};

struct EvaluateOptions {
  Targets targets = {};
  std::uint64_t seed = 0;
  bool keep_images = false;
  bool hash_images = false;
  /// Called as samples are finished: attack number (from 0), attempts done, attempts in all.
  std::function<void(std::size_t attack, std::size_t done, std::size_t total)> progress = {};
};

/// Runs the attacks. Samples that are wrong on the clean image are not attacked and not robust. Throws UsageError for a
/// target that is no class, that equals every sample's label, or that the attack cannot take. What is found of a sample
/// is the same whatever other samples there are, so that parts make a whole.
Evaluation evaluate(const nn::Classifier& model, const data::Samples& samples, std::span<const Attack> attacks,
                    const EvaluateOptions& options);

/// Adds how many samples were left after each stage; what no sample came to may be missing in `part`.
void add_stages(const std::vector<Stage>& part, std::vector<Stage>& all);

/// Fills in what follows from predictions and attempts: who is right and robust, successes and distances.
void sum_up(Evaluation& evaluation);

/// How many samples are right and were not misled by an image within `radius` of the original, in the norm of the
/// attack's budget. Of an attack that looks for the nearest image this gives accuracy against eps from one run.
std::size_t robust_within(const Evaluation& evaluation, const AttackResult& result, double radius);

/// 95 % interval of a share, right of n, after Wilson (1927). {0, 1} for n = 0.
struct Interval {
  double low, high;
};
Interval wilson(std::size_t right, std::size_t n);

}  // namespace hans::attacks
