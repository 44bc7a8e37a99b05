// Measurements on a few samples, from which one can tell whether a number of a benchmark can be believed.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/attacks/judge.hpp>

namespace hans::attacks {

/// What was measured on one sample. It follows from model, sample, ball and seed: neither from the attacks of the
/// benchmark nor from other samples, so that parts of a benchmark make a whole.
struct Probe {
  std::size_t sample = 0;  ///< place among the samples of the evaluation

  // The model at the clean image.
  bool zero_gradient = false;      ///< of the cross entropy: zero everywhere, or none to be had
  bool varies = false;             ///< asked five times it gave different logits
  bool depends_on_others = false;  ///< alone in a batch it has other logits than among others
  bool probabilities = false;      ///< the outputs are in [0, 1] and their sum is 1, both up to 1e-5
  /// How much the margin between label and next class changes on average within 4/255 of the box, as a share of itself;
  /// at most 1 for each of 20 points.
  double roughness = 0;

  // Whether an image inside the benchmark's ball fools the model, found by ...
  bool single_step = false;       ///< fgsm
  bool iterative = false;         ///< pgd, 40 steps on the cross entropy
  bool other_loss = false;        ///< pgd, 40 steps on the margin of the logits
  bool other_start = false;       ///< pgd, 20 steps on the margin, from where all features are raised, or lowered
  bool straight_through = false;  ///< pgd, 20 steps past what lets no gradient through, 10 draws of a random model
  bool black_box = false;         ///< square, 300 queries
  bool transfer = false;          ///< the step that fools a classifier by nearest class mean, towards each other class
  bool noise = false;             ///< 20 draws of noise at the surface of the ball

  // ... or inside another: pgd, 20 steps.
  bool half_eps = false, double_eps = false;
  bool unconstrained = false;  ///< anywhere in the box
};

/// The yes and no of a probe, by name: for files and comparisons.
constexpr auto probe_flags() {
  using Flag = std::pair<std::string_view, bool Probe::*>;
  return std::array{Flag{"zero_gradient", &Probe::zero_gradient},
                    Flag{"varies", &Probe::varies},
                    Flag{"depends_on_others", &Probe::depends_on_others},
                    Flag{"probabilities", &Probe::probabilities},
                    Flag{"single_step", &Probe::single_step},
                    Flag{"iterative", &Probe::iterative},
                    Flag{"other_loss", &Probe::other_loss},
                    Flag{"other_start", &Probe::other_start},
                    Flag{"straight_through", &Probe::straight_through},
                    Flag{"black_box", &Probe::black_box},
                    Flag{"transfer", &Probe::transfer},
                    Flag{"noise", &Probe::noise},
                    Flag{"half_eps", &Probe::half_eps},
                    Flag{"double_eps", &Probe::double_eps},
                    Flag{"unconstrained", &Probe::unconstrained}};
}

struct ProbeOptions {
  std::uint64_t seed = 0;
  /// Samples whose position in the data set is a multiple of it are probed.
  std::uint32_t every = 1;
  /// Labelled images that the class means are computed from. They must be the same for all parts of a benchmark.
  data::Samples reference = {};
};

/// So that about 32 of `whole` samples are probed.
std::uint32_t probe_every(std::size_t whole);

/// Whether the probes that look inside a ball are made: it has a radius, in a norm that steps along the gradient keep.
bool probes_ball(const Budget& budget);

/// Probes the samples that are right (`predictions` are on the clean images). What looks inside a ball is untargeted,
/// and left out where probes_ball() is false. Cost for each: about 200 gradients and 560 forward passes at most.
std::vector<Probe> probe(const nn::Classifier& model, const data::Samples& samples, std::span<const int> predictions,
                         const Budget& budget, const ProbeOptions& options);

}  // namespace hans::attacks
