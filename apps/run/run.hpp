// Carrying out a plan.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include <hans/attacks/indicators.hpp>
#include "plan.hpp"

namespace hans::apps {

/// A plan and what came of its images so far: all of `plan.slice`, or the first of them.
struct Run {
  Plan plan;
  attacks::Evaluation found;
  attacks::Probes probes;

  /// The images done.
  Slice slice() const { return {plan.slice.first, found.size(), plan.slice.whole}; }
};

/// One that has no image yet.
Run begin_run(Plan plan);

/// What is to be said of the numbers of a run that has all its images and is summed up.
attacks::Judgement judgement_of(const Run& run);

/// The same of any run: nothing of a part of one.
std::optional<attacks::Judgement> verdicts_of(const Run& run);

/// What is said of each ball: the worst case of its attacks, or of the only one.
std::vector<const attacks::Reliability*> worst_cases(const attacks::Judgement& judgement);

/// What is kept of each image, beside what the judge found.
struct Keep {
  bool images = false;  ///< it and its original
  bool hashes = false;  ///< SHA-256 of its numbers
};

/// Runs the plan's attacks, and probes, on samples of `data` of `run`'s model, and puts what came of them behind what
/// is there. `progress` is told the attack at work (from 0), attempts done and attempts in all. `tape`: as in
/// EvaluateOptions. Does not sum up.
void run_on(Run& run, const nn::Classifier& model, const data::Dataset& data, const data::Samples& samples,
            const Keep& keep,
            const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress,
            Tape* tape = nullptr);

/// How the samples of a plan are probed.
attacks::ProbeOptions probe_options(const Plan& plan, const data::Dataset& data);

/// Where the progress of a run is kept while it is on its way.
class ProgressFile {
 public:
  virtual ~ProgressFile() = default;
  virtual void load(Run& run) = 0;  ///< puts what was done to it
  virtual void save(Run& run) = 0;  ///< called often; writes when that pays
};

/// The progress of the plan's attacks, and of those that --adaptive puts to them. Null: none is kept.
struct ProgressFiles {
  ProgressFile *plan = nullptr, *adaptive = nullptr;
};

/// So many images are converted, attacked and saved together by the commands.
inline constexpr std::size_t images_at_once = 250;

/// Runs a plan to its end, from where the progress file has it, `at_once` images before that is saved again. `shown` is
/// told the images done and the attack at work (from 0). `which`: positions in the data set to run on instead of the
/// plan's slice. Sums up.
Run run_all(const Plan& plan, const nn::Classifier& model, const data::Dataset& data, const Keep& keep,
            std::size_t at_once, const std::function<void(std::size_t done, std::size_t attack)>& shown,
            ProgressFile* progress = nullptr, std::span<const std::uint32_t> which = {});

/// The same for a command that attacks a model, from where the progress files have it, and with --adaptive also the
/// attacks that the verdicts ask for. Draws a progress bar unless --quiet.
Run carry_out(const Setup& setup, const Keep& keep, const RunOptions& options, const ProgressFiles& progress = {});

}  // namespace hans::apps
