// Measurements on a few samples that show whether a number of an evaluation can be believed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/model_probe.hpp>

namespace hans::attacks {

/// Whether an image inside a ball around one sample fools the model, by who found it.
struct BallProbe {
  bool single_step = false;  ///< fgsm
  /// pgd, 40 steps on the cross entropy; in l1, where pgd is weak, apgd from larger balls; in l0 sigma-zero
  bool iterative = false;
  bool other_loss = false;  ///< as iterative, on the margin of the logits; in l0 fmn
  bool boundary = false;    ///< fab, 50 steps towards each of the 3 likeliest classes
  /// apgd-t, 50 steps towards each of the 9 likeliest other classes; only if none of those above fools the model
  bool other_classes = false;
  bool other_start = false;       ///< pgd, 20 steps on the margin, from the starts bright and dark
  bool straight_through = false;  ///< pgd, 20 steps with BPDA, and EOT of 10 draws for random models
  bool black_box = false;         ///< square, 300 queries
  bool transfer = false;          ///< steps that fool a nearest-class-mean classifier, towards each other class
  bool noise = false;             ///< 20 draws of noise
  /// pgd, 20 steps, in a ball of half or twice the radius; not for samples that have balls of their own
  bool half_eps = false, double_eps = false;

  /// Whether any of them found an image inside the ball.
  bool any() const;

  friend bool operator==(const BallProbe&, const BallProbe&) = default;
};

/// The flags of a BallProbe, by name.
constexpr auto ball_flags() {
  using Flag = std::pair<std::string_view, bool BallProbe::*>;
  return std::array{Flag{"single_step", &BallProbe::single_step},
                    Flag{"iterative", &BallProbe::iterative},
                    Flag{"other_loss", &BallProbe::other_loss},
                    Flag{"boundary", &BallProbe::boundary},
                    Flag{"other_classes", &BallProbe::other_classes},
                    Flag{"other_start", &BallProbe::other_start},
                    Flag{"straight_through", &BallProbe::straight_through},
                    Flag{"black_box", &BallProbe::black_box},
                    Flag{"transfer", &BallProbe::transfer},
                    Flag{"noise", &BallProbe::noise},
                    Flag{"half_eps", &BallProbe::half_eps},
                    Flag{"double_eps", &BallProbe::double_eps}};
}

/// The probes of one ball.
struct ProbedBall {
  Budget ball;                             ///< infinite size: a radius for each sample, see balls_of()
  std::optional<std::size_t> attack = {};  ///< whose distances are the radii; none: one radius for all samples
  std::vector<BallProbe> probes = {};      ///< one for each of Probes::samples
};

/// All probes of an evaluation, or of a part of one.
struct Probes {
  std::vector<std::size_t> samples;  ///< places in the evaluation of the probed samples, rising
  std::vector<ModelProbe> model;     ///< for each probed sample
  std::vector<ProbedBall> balls;     ///< in the order of balls_of()
};

/// How samples are probed.
struct ProbeOptions {
  std::uint64_t seed = 0;
  std::uint32_t every = 1;  ///< probes the samples whose index is a multiple of this; 0: none
  /// Labelled images, whose class means the probe `transfer` uses. The same for all parts of a benchmark.
  data::Samples reference = {};
  Tape* tape = nullptr;  ///< as in EvaluateOptions
};

/// How many samples of a run are probed by default.
inline constexpr std::size_t usual_probes = 100;

/// ProbeOptions::every for about `wanted` probes in a run over `whole` samples: max(1, whole / wanted); 0 for none.
std::uint32_t probe_every(std::size_t whole, std::size_t wanted = usual_probes);

/// Places of the samples to probe: correct ones whose index is a multiple of `every`; none if that is 0.
std::vector<std::size_t> probed_samples(const Evaluation& evaluation, std::uint32_t every);

/// The distinct balls in which to probe the numbers of an evaluation, in the order of attacks and radii; their probes
/// are empty. A ball is that of an attack or, for a minimum-norm attack, of each of `radii`; without radii it is nine
/// tenths of the distance the attack found for each sample (the whole box if it found none). None for targeted runs and
/// for attacks judged by the prediction alone.
std::vector<ProbedBall> balls_of(const Evaluation& evaluation, std::span<const float> radii);

/// Probes an evaluation, or a part of one, whose parts extend() joins. `samples` are the evaluation's, with images. The
/// result for a sample follows from model, sample, ball and seed alone. Throws Error for samples that are not the
/// evaluation's and for labels that are no class of the model. Cost for each probed sample: about 60 gradients and 200
/// forward passes, and for each ball 350 gradients and 750 forward passes.
Probes probe(const nn::Classifier& model, const data::Samples& samples, const Evaluation& evaluation,
             std::span<const float> radii, const ProbeOptions& options);

/// Appends the probes of a part whose samples follow the first `before` ones; an empty `all` takes the balls of `part`.
/// Throws Error for probes of other balls.
void extend(Probes& all, Probes part, std::size_t before);

}  // namespace hans::attacks
