// Training a network: epochs, batches, checkpoints.
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
#include <hans/nn/schedule.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {

/// The state of a training run, for progress reports.
struct Progress {
  std::uint64_t epoch, epochs;  ///< epochs finished, epochs in total
  std::uint64_t step, steps;    ///< steps finished, steps in total
  std::uint64_t samples;        ///< processed so far, over all epochs
  double loss;                  ///< mean over this epoch so far
  bool epoch_end;               ///< this step finished an epoch
};

/// Options of fit(). The defaults suit small networks and few epochs: with a rate that falls to 0, a start of 2e-3 does
/// better than Adam's usual 1e-3, above all in adversarial training.
struct FitOptions {
  unsigned epochs = 6;
  unsigned batch = 128;
  Optimizer optimizer = Adam{.rate = 2e-3F};
  Schedule schedule = Schedule::cosine;
  double clip = 0;  ///< largest l2 norm of the gradient; 0: no limit
  Loss loss = cross_entropy_loss();
  std::size_t held_out = 0;  ///< so many images, the last of the data, are not learned from
  std::uint64_t seed = 0;
  std::optional<Augment> augment = {};                 ///< random changes of the images
  std::function<void(const Progress&)> progress = {};  ///< called after each step
  std::filesystem::path checkpoint = {};  ///< empty: none; never overwrites a file that is not a checkpoint
  unsigned checkpoint_steps = 200;        ///< steps between checkpoints; one more after each epoch
  bool resume = false;                    ///< continue from the checkpoint if it exists
  unsigned patience = 2;                  ///< epochs in a row with a collapsed network before fit() gives up; 0: all
};

/// One line of text with every option that affects the result (not progress, threads or files).
std::string recipe(const FitOptions& options);

/// Trains `net` on `train`: epochs of batches, in an order shuffled by (seed, epoch), with a shorter last batch and one
/// optimizer step per batch on the mean loss. Equal networks, data, options and seeds give equal bits on any machine,
/// even if the run was interrupted and resumed. Throws Error if a loss or gradient is not finite, or if the checkpoint
/// belongs to a run with other weights, data, options or version.
///
/// After each epoch the network predicts up to 256 training images, drawn at random. It has collapsed if it gives
/// one class for all of them, and less than three quarters have that label: dead relus do this, and rates or radii that
/// are too large. Throws Error after `patience` such epochs in a row that have 200 steps or more, behind their
/// checkpoint. The images are clean, so a robust loss may be as large as it likes.
void fit(Sequential& net, const data::Dataset& train, FitOptions options);

}  // namespace hans::nn
