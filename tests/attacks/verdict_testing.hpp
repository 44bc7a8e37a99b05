// What the tests of verdicts share: networks, defences in code, and judged evaluations.
#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <hans/attacks/indicators.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>
#include <hans/data/dataset.hpp>
#include <hans/defenses/adversarial.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/models.hpp>

namespace testing_verdicts {

using hans::attacks::Attack;
using hans::attacks::Evaluation;
using hans::attacks::Judgement;
using hans::attacks::Reliability;
using hans::attacks::Verdict;

/// A defence in code, around or instead of a network.
class Defended final : public hans::nn::Classifier {
 public:
  using Logits = std::function<hans::Var(const hans::nn::Classifier& inner, const hans::Var& images)>;
  Defended(const hans::nn::Classifier& inner, Logits logits) : inner_(inner), logits_(std::move(logits)) {}
  const hans::Shape& input() const override { return inner_.input(); }
  std::size_t classes() const override { return inner_.classes(); }
  hans::Var logits(const hans::Var& images) const override { return logits_(inner_, images); }

 private:
  const hans::nn::Classifier& inner_;
  Logits logits_;
};

/// The network: small, since all of these tests evaluate it; $HANS_NETWORK is another, as in tests/nightly/run.
inline std::string_view network() {
  const char* other = std::getenv("HANS_NETWORK");
  return other != nullptr ? other : "28x28x1;flatten;linear:units=100;relu;linear:units=100;relu;linear:units=10";
}

inline hans::nn::Sequential trained(std::optional<Attack> against = {}, float clean_weight = 0) {
  hans::nn::Sequential net = hans::nn::make_model(network(), hans::Rng(1));
  hans::nn::FitOptions options{.epochs = 3};
  if (against) options.loss = hans::defenses::adversarial_training(*against, {.clean_weight = clean_weight});
  hans::nn::fit(net, hans::data::load("mnist-5k", hans::data::Part::train), options);
  return net;
}

inline const hans::nn::Sequential& plain() {
  static const hans::nn::Sequential net = trained();
  return net;
}

inline Attack attack_of(std::string_view spec) { return Attack::from_spec(hans::Spec::parse(spec)); }

struct Judged {
  Evaluation evaluation;
  Judgement judgement;

  const Reliability& number(std::size_t attack = 0, std::size_t radius = 0) const {
    return judgement.attacks.at(attack).at(radius);
  }
};

inline Judged judged(const hans::nn::Classifier& model, const hans::data::Samples& samples,
                     const std::vector<Attack>& attacks, const std::vector<float>& radii = {},
                     hans::attacks::Targets targets = {}, std::uint32_t every = 1) {
  static const hans::data::Samples reference = hans::data::load("mnist-5k", hans::data::Part::train).first(500);
  Judged made{hans::attacks::evaluate(model, samples, attacks, {.targets = targets}), {}};
  const hans::attacks::ProbeOptions options{0, every, reference};
  made.judgement = hans::attacks::judge_numbers(made.evaluation, radii,
                                                hans::attacks::probe(model, samples, made.evaluation, radii, options));
  return made;
}

inline Judged judged(const hans::nn::Classifier& model, const std::vector<Attack>& attacks,
                     const std::vector<float>& radii = {}, std::size_t count = 100, std::uint32_t every = 1) {
  static const hans::data::Dataset digits = hans::data::load("mnist-5k");
  return judged(model, digits.first(count), attacks, radii, {}, every);
}

/// The same for another attack in the same ball, with the probes of the first.
inline Judged judged_as_well(const Judged& first, const hans::nn::Classifier& model, const Attack& attack,
                             std::size_t count = 100) {
  const hans::data::Samples samples = hans::data::load("mnist-5k").first(count);
  Judged second{hans::attacks::evaluate(model, samples, std::vector{attack}, {}), {}};
  second.judgement = hans::attacks::judge_numbers(second.evaluation, {}, first.judgement.probes);
  return second;
}

inline const hans::attacks::Indicator& indicator(const Reliability& made, std::string_view name) {
  for (const hans::attacks::Indicator& one : made.indicators) {
    if (one.info->name == name) return one;
  }
  throw hans::Error(hans::text("no indicator ", name));
}
inline Verdict of(const Reliability& made, std::string_view name) { return indicator(made, name).verdict; }

/// All that is said against a number, for messages of tests.
inline std::string said(const Reliability& made) {
  std::string all = hans::text(hans::enum_name(made.verdict), " ", made.robust.part(), "/", made.robust.whole(), " ",
                               made.why_unchecked);
  for (const hans::attacks::Indicator& one : made.indicators) {
    if (one.verdict != Verdict::reliable) hans::append(all, hans::text("; ", one.info->name, ": ", one.reason));
  }
  return all;
}

}  // namespace testing_verdicts
