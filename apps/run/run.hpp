// Runs a plan.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include <hans/attacks/indicators.hpp>
#include "certified.hpp"
#include "plan.hpp"

namespace hans::apps {

/// A plan and its results so far, on all images of `plan.slice` or the first of them.
struct Run {
  Plan plan;
  attacks::Evaluation found;
  attacks::Probes probes;
  std::vector<CertifiedBall> certified = {};  ///< for each ball of the plan, if it says so

  /// The images done.
  Slice slice() const { return {plan.slice.first, found.size(), plan.slice.whole}; }
};

/// A run without images yet.
Run begin_run(Plan plan);

/// The verdicts of a run that has all its images and is summed up.
attacks::Judgement judgement_of(const Run& run);

/// The verdicts of any run; none for a part of one.
std::optional<attacks::Judgement> verdicts_of(const Run& run);

/// The verdict on each ball: that of its attacks' worst case, or of its only attack.
std::vector<const attacks::Reliability*> worst_cases(const attacks::Judgement& judgement);

/// What to keep of each attempt besides the judge's finding.
struct Keep {
  bool images = false;  ///< the image and its original
  bool hashes = false;  ///< the image's SHA-256
};

/// Runs the plan's attacks and the probes on samples of `data`, and appends the results to `run`. `model` is the run's.
/// `progress` gets the attack at work (from 0), attempts done, and attempts in all. `tape`: as in EvaluateOptions. Does
/// not sum up.
void run_on(Run& run, const nn::Classifier& model, const data::Dataset& data, const data::Samples& samples,
            const Keep& keep,
            const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress,
            Tape* tape = nullptr);

/// The probe options of a plan.
attacks::ProbeOptions probe_options(const Plan& plan, const data::Dataset& data);

/// Where an unfinished run keeps its progress.
class ProgressFile {
 public:
  virtual ~ProgressFile() = default;
  virtual void load(Run& run) = 0;  ///< adds the saved results to it
  virtual void save(Run& run) = 0;  ///< called often; need not write every time
};

/// The progress of the plan's attacks, and of those that --adaptive adds. Null: not kept.
struct ProgressFiles {
  ProgressFile *plan = nullptr, *adaptive = nullptr;
};

/// How many images commands load, attack and save at a time.
inline constexpr std::size_t images_at_once = 250;

/// Runs a plan to its end and sums up, continuing from the progress file and saving it every `at_once` images. `shown`
/// gets the images done and the attack at work (from 0; from the number of attacks on: the ball that is certified).
/// `which`: positions in the data set to run on, instead of the plan's slice.
Run run_all(const Plan& plan, const nn::Sequential& model, const data::Dataset& data, const Keep& keep,
            std::size_t at_once, const std::function<void(std::size_t done, std::size_t attack)>& shown,
            ProgressFile* progress = nullptr, std::span<const std::uint32_t> which = {});

/// What is at work, from the number that run_all() shows: "attack 1 of 2", "certificates".
std::string work_text(const Plan& plan, std::size_t attack);

/// run_all() for one plan of a command that attacks a model: with --adaptive it then runs the attacks that the verdicts
/// ask for. Draws a progress bar unless --quiet.
Run carry_out(const Setup& setup, const Plan& plan, const Keep& keep, const RunOptions& options,
              const ProgressFiles& progress = {});

}  // namespace hans::apps
