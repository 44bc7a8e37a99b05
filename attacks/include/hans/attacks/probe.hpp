// Measurements on a few samples, from which one can tell whether a number of an evaluation can be believed.
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

/// Whether an image inside a ball around one sample fools the model, found by ...
struct BallProbe {
  bool single_step = false;  ///< fgsm
  /// pgd, 40 steps on the cross entropy; in l1, where pgd is weak, apgd from larger balls; in l0 sigma-zero
  bool iterative = false;
  bool other_loss = false;  ///< the same on the margin of the logits; in l0 fmn
  bool boundary = false;    ///< fab, 50 steps towards each of the 3 likeliest classes
  /// apgd-t, 50 steps towards each of the 9 likeliest other classes, where none of those above fools it
  bool other_classes = false;
  bool other_start = false;       ///< pgd, 20 steps on the margin, from where all features are raised, or lowered
  bool straight_through = false;  ///< pgd, 20 steps past what lets no gradient through, 10 draws of a random model
  bool black_box = false;         ///< square, 300 queries
  bool transfer = false;          ///< the step that fools a classifier by nearest class mean, towards each other class
  bool noise = false;             ///< 20 draws of noise at the surface of the ball
  /// pgd, 20 steps, in a ball of half or twice the radius; not around samples that have a ball of their own
  bool half_eps = false, double_eps = false;

  /// Whether any of them found an image inside the ball.
  bool any() const;

  friend bool operator==(const BallProbe&, const BallProbe&) = default;
};

/// The yes and no of a BallProbe, by name.
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
  Budget ball;                             ///< infinite size: each sample has a ball of its own, see balls_of()
  std::optional<std::size_t> attack = {};  ///< whose distances give these balls; none: the same for all samples
  std::vector<BallProbe> probes = {};      ///< one for each of Probes::samples
};

struct Probes {
  std::vector<std::size_t> samples;  ///< places of the probed samples in the evaluation, rising
  std::vector<ModelProbe> model;     ///< for each of them
  std::vector<ProbedBall> balls;     ///< as balls_of() lists them
};

struct ProbeOptions {
  std::uint64_t seed = 0;
  std::uint32_t every = 1;  ///< samples whose index is a multiple of it are probed
  /// Labelled images whose class means make the images of `transfer`. The same for all parts of a benchmark.
  data::Samples reference = {};
  Tape* tape = nullptr;  ///< memory of an earlier call to work in, as in EvaluateOptions
};

/// Of a run over `whole` samples about 100 are probed: max(1, whole / 100).
std::uint32_t probe_every(std::size_t whole);

/// Places of the samples of an evaluation that have to be probed: right, and the index a multiple of `every`.
std::vector<std::size_t> probed_samples(const Evaluation& evaluation, std::uint32_t every);

/// The distinct balls in which the numbers of an evaluation are probed, in the order of attacks and radii, without
/// probes: the ball of each attack, or, for one that looks for the nearest image, each of `radii`, or, without radii,
/// nine tenths of the distance that the attack found for a sample (the whole box where it found none). None for
/// targeted runs and for attacks judged by the prediction alone.
std::vector<ProbedBall> balls_of(const Evaluation& evaluation, std::span<const float> radii);

/// Probes an evaluation, or a part of one; `samples` are the evaluation's, with images. Parts can be joined with
/// extend(). What is measured of a sample follows from model, sample, ball and seed alone. Throws Error for samples
/// that are not the evaluation's and for labels that are no class of the model. Cost for each probed sample: about 60
/// gradients and 200 forward passes, and for each ball 350 gradients and 750 forward passes.
Probes probe(const nn::Classifier& model, const data::Samples& samples, const Evaluation& evaluation,
             std::span<const float> radii, const ProbeOptions& options);

/// Puts the probes of the samples behind the first `before` behind those of `all`; an empty `all` takes the balls of
/// `part`. Throws Error for probes of other balls.
void extend(Probes& all, Probes part, std::size_t before);

}  // namespace hans::attacks
