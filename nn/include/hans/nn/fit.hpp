// Training.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <hans/data/dataset.hpp>
#include <hans/nn/augment.hpp>
#include <hans/nn/loss.hpp>
#include <hans/nn/optim.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// Where a training run stands.
struct Progress {
  std::uint64_t epoch, epochs;  ///< epochs finished, and wanted
  std::uint64_t step, steps;    ///< of the whole run
  std::uint64_t samples;        ///< seen so far, over all epochs
  double loss;                  ///< mean over this epoch so far
  bool epoch_end;               ///< this step finished an epoch
};

/// The defaults are one recipe for small networks and few epochs: with the rate falling to 0, 2e-3 at the start does
/// better than Adam's usual 1e-3, most of all in adversarial training.
struct FitOptions {
  unsigned epochs = 6;
  unsigned batch = 128;
  Optimizer optimizer = Adam{.rate = 2e-3F};
  Schedule schedule = Schedule::cosine;
  double clip = 0;  ///< largest l2 norm of the gradient; 0: no limit
  Loss loss = cross_entropy_loss();
  std::uint64_t seed = 0;
  std::optional<Augment> augment = {};                 ///< what happens to images before they are learnt from
  std::function<void(const Progress&)> progress = {};  ///< called after each step
  std::filesystem::path checkpoint = {};               ///< empty: none; replaces no file but checkpoints
  unsigned checkpoint_steps = 200;                     ///< written after so many steps and after each epoch
  bool resume = false;                                 ///< go on from the checkpoint if it exists
};

/// The options as one line of text that says all that decides the result (not progress, threads or files).
std::string recipe(const FitOptions& options);

/// Trains `net` on `train`: epochs of batches in an order shuffled from (seed, epoch), the last batch short, the mean
/// loss of each made smaller by one optimizer step. The same net, data, options and seed give the same bits on
/// any machine, also when the run was killed and resumed. Throws Error if a loss or gradient is not finite, or if the
/// checkpoint is from another run: from other weights, data, options or another version.
void fit(Sequential& net, const data::Dataset& train, FitOptions options);

}  // namespace hans::nn
