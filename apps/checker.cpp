// Finds out again whether images are adversarial examples: see checker.hpp.
#include <hans/apps/checker.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <tuple>

#include <hans/autodiff/tape.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/onnx_import.hpp>
#include <hans/nn/preprocess.hpp>

namespace checker {
namespace {

static_assert(sizeof(hans::real) == sizeof(double), "the checker is to be compiled with the library in double");

using Logits = std::vector<double>;
constexpr double infinite = std::numeric_limits<double>::infinity();

hans::nn::Sequential load(const std::string& path, std::string_view preprocess) {
  if (!path.ends_with(".onnx")) return hans::nn::load_model(path).net;
  std::vector<std::string> notes;
  return hans::nn::load_onnx(path, hans::nn::read_preprocess(preprocess), notes).net;
}

/// The logits of every image, in double.
std::vector<Logits> evaluate(const hans::nn::Sequential& model, std::span<const std::span<const float>> images) {
  constexpr std::size_t at_once = 64;
  const std::size_t features = model.input().elements(), classes = model.classes();
  std::vector<Logits> all;
  for (std::size_t first = 0; first < images.size(); first += at_once) {
    const std::size_t count = std::min(at_once, images.size() - first);
    std::vector<double> values;
    for (const std::span<const float> image : images.subspan(first, count)) {
      values.insert(values.end(), image.begin(), image.end());
    }
    hans::check(values.size() == count * features, "the model takes images of ", features, " numbers");
    hans::Tape tape;
    const hans::Tensor batch(model.input().with_front(count), std::move(values));
    const hans::Tensor logits = model.logits(tape.constant(batch)).value();
    for (std::size_t i = 0; i < count; ++i) {
      const auto row = logits.values().subspan(i * classes, classes);
      all.emplace_back(row.begin(), row.end());
    }
  }
  return all;
}

/// By how much class `one` is ahead of the best of the others; NaN if a logit is none.
double lead(const Logits& logits, std::size_t one) {
  double best = -infinite;
  for (std::size_t c = 0; c < logits.size(); ++c) {
    if (std::isnan(logits[c])) return logits[c];
    if (c != one) best = std::max(best, logits[c]);
  }
  return logits[one] - best;
}

/// By how much the logits are on the claimed side.
double margin(const Claim& claim, const Logits& logits) {
  return claim.target >= 0 ? lead(logits, static_cast<std::size_t>(claim.target))
                           : -lead(logits, static_cast<std::size_t>(claim.label));
}

bool same_bits(std::span<const float> one, std::span<const float> other) {
  return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size_bytes()) == 0;
}

/// How far the image is from its original. Differences of floats are exact in double; sums run in order.
double distance(Norm norm, std::span<const float> original, std::span<const float> image) {
  double largest = 0, sum = 0, squares = 0, changed = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const double change = std::abs(double{image[i]} - double{original[i]});
    largest = std::max(largest, change);
    sum += change;
    squares += change * change;
    changed += std::memcmp(&image[i], &original[i], sizeof(float)) == 0 ? 0 : 1;
  }
  switch (norm) {
    case Norm::linf:
      return largest;
    case Norm::l2:
      return std::sqrt(squares);
    case Norm::l1:
      return sum;
    case Norm::l0:
      break;
  }
  return changed;
}

bool inside_ball(const Rules& rules, std::span<const float> original, std::span<const float> image) {
  return distance(rules.norm, original, image) <= rules.eps + rules.slack;
}

/// The first thing that is wrong with the claim, whatever the model says; empty: nothing.
std::string_view fault(const Claim& claim) {
  const Rules& rules = claim.rules;
  const double low = rules.low - rules.slack, high = rules.high + rules.slack;
  if (claim.stated_label != claim.label) return reasons[1];
  if (claim.target == claim.label) return reasons[2];
  if (!same_bits(claim.stated_original, claim.original)) return reasons[3];
  if (std::ranges::any_of(claim.image, [](float x) { return !std::isfinite(x); })) return reasons[4];
  if (std::ranges::any_of(claim.image, [&](float x) { return x < low || x > high; })) return reasons[5];
  if (!inside_ball(rules, claim.original, claim.image)) return reasons[6];
  if (same_bits(claim.original, claim.image)) return reasons[7];
  return {};
}

/// Every feature as the nearest of 256 levels from low to high, in float, as a picture that is read again has it.
std::vector<float> in_8_bit(const Rules& rules, std::span<const float> image) {
  std::vector<float> rounded;
  const bool bounded = std::isfinite(rules.low) && std::isfinite(rules.high) && rules.high > rules.low;
  const double low = bounded ? rules.low : 0, range = bounded ? rules.high - rules.low : 1;
  for (const float x : image) {
    const double level = std::round(std::clamp((double{x} - low) / range, 0.0, 1.0) * 255);
    rounded.push_back(low == 0 && range == 1 ? static_cast<float>(level) / 255.0F
                                             : static_cast<float>(low + range * level / 255));
  }
  return rounded;
}

void add_difference(std::span<const float> rough, const Logits& exact, double& largest) {
  hans::check(rough.size() == exact.size(), rough.size(), " logits for a model of ", exact.size(), " classes");
  for (std::size_t c = 0; c < exact.size(); ++c) {
    const double difference = std::abs(double{rough[c]} - exact[c]);
    if (difference > largest) largest = difference;  // a NaN is no measure of rounding
  }
}

int prediction(const Logits& logits) {
  if (std::ranges::any_of(logits, [](double x) { return std::isnan(x); })) return -1;
  return static_cast<int>(std::ranges::max_element(logits) - logits.begin());
}

/// What the model has to say to a claim that is otherwise right. Both margins must be positive; `doubt` is how far the
/// logits in float may move them.
void decide(const Claim& claim, const Logits& before, const Logits& after, double doubt, Checked& out) {
  const double right_before = lead(before, static_cast<std::size_t>(claim.label));
  out.margin = margin(claim, after);
  if (std::isnan(right_before) || right_before < -doubt) {
    out.reason = reasons[8];
  } else if (std::isnan(out.margin)) {
    out.reason = reasons[4];
  } else if (out.margin < -doubt) {
    out.reason = claim.target >= 0 ? reasons[10] : reasons[9];
  } else {
    out.finding = std::min(right_before, out.margin) > doubt ? Finding::confirmed : Finding::within_rounding;
  }
}

}  // namespace

Report check(const std::string& model_path, std::string_view preprocess, std::span<const Claim> claims) {
  const hans::nn::Sequential model = load(model_path, preprocess);
  Report report;
  report.claims.resize(claims.size());
  std::vector<std::span<const float>> originals, images, rounded;
  std::vector<std::vector<float>> levels;
  for (const Claim& claim : claims) {
    const int classes = static_cast<int>(model.classes());
    hans::check(claim.label >= 0 && claim.label < classes && claim.target < classes, "label ", claim.label,
                " and target ", claim.target, " for a model of ", classes, " classes");
    hans::check(claim.image.size() == claim.original.size(), "an image of ", claim.image.size(),
                " numbers for an original of ", claim.original.size());
    originals.push_back(claim.original);
    images.push_back(claim.image);
    levels.push_back(in_8_bit(claim.rules, claim.image));
  }
  for (const std::vector<float>& one : levels) rounded.push_back(one);
  const std::vector<Logits> before = evaluate(model, originals), after = evaluate(model, images);
  const std::vector<Logits> after_rounding = evaluate(model, rounded);
  for (std::size_t k = 0; k < claims.size(); ++k) {
    add_difference(claims[k].original_logits, before[k], report.largest_difference);
    add_difference(claims[k].image_logits, after[k], report.largest_difference);
  }
  std::set<std::tuple<std::size_t, std::size_t, int>> seen;
  for (std::size_t k = 0; k < claims.size(); ++k) {
    const Claim& claim = claims[k];
    Checked& out = report.claims[k];
    out.prediction = prediction(after[k]);
    const bool first = seen.insert({claim.sample, claim.attack, claim.target}).second;
    out.reason = first ? fault(claim) : reasons[0];
    if (!out.reason.empty()) continue;
    decide(claim, before[k], after[k], 2 * report.largest_difference, out);
    if (out.finding == Finding::rejected) continue;
    out.in_8_bit = margin(claim, after_rounding[k]) > 0;
    out.in_8_bit_and_ball = out.in_8_bit && inside_ball(claim.rules, claim.original, rounded[k]);
  }
  return report;
}

}  // namespace checker
