// Finds out again whether images are adversarial examples: see checker.hpp.
#include "checker.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <tuple>

#include <hans/core/error.hpp>
#include "network.hpp"
#include "threads.hpp"

namespace hans::checker {
namespace {

using Logits = std::vector<double>;

/// By how much class `one` is ahead of the best of the others; NaN if a logit is none.
double lead(const Logits& logits, std::size_t one) {
  double best = -std::numeric_limits<double>::infinity();
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

bool inside_ball(const Claim& claim, std::span<const float> image) {
  return distance(claim.rules.norm, claim.original, image) <= claim.rules.eps + claim.rules.slack;
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
  if (!inside_ball(claim, claim.image)) return reasons[6];
  if (same_bits(claim.original, claim.image)) return reasons[7];
  return {};
}

/// Every feature as the nearest of 256 levels from low to high, in float, as a picture that is read again has it.
std::vector<float> in_8_bit(const Claim& claim) {
  const double low = claim.rules.low, range = claim.rules.high - claim.rules.low;
  const bool usual = !std::isfinite(range) || range <= 0 || (low == 0 && range == 1);
  std::vector<float> rounded;
  for (const float x : claim.image) {
    const double level = std::round(std::clamp(usual ? x : (x - low) / range, 0.0, 1.0) * 255);
    rounded.push_back(usual ? static_cast<float>(level) / 255.0F : static_cast<float>(low + range * level / 255));
  }
  return rounded;
}

void add_difference(std::span<const float> rough, const Logits& exact, double& largest) {
  check(rough.size() == exact.size(), rough.size(), " logits for a model of ", exact.size(), " classes");
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

Report check_claims(std::string_view model, std::string_view where, std::span<const Claim> claims,
                    std::size_t threads) {
  const Network network(model, where);
  Report report;
  report.claims.resize(claims.size());
  for (const Claim& claim : claims) {
    const int classes = static_cast<int>(network.classes());
    check(claim.label >= 0 && claim.label < classes && claim.target < classes, "label ", claim.label, " and target ",
          claim.target, " for a model of ", classes, " classes");
    check(claim.image.size() == claim.original.size(), "an image of ", claim.image.size(),
          " numbers for an original of ", claim.original.size());
  }
  std::vector<Logits> before(claims.size()), after(claims.size()), after_rounding(claims.size());
  on_threads(threads, claims.size(), [&](std::size_t k) {
    before[k] = network.logits(claims[k].original);
    after[k] = network.logits(claims[k].image);
    after_rounding[k] = network.logits(in_8_bit(claims[k]));
  });
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
    out.in_8_bit_and_ball = out.in_8_bit && inside_ball(claim, in_8_bit(claim));
  }
  return report;
}

}  // namespace hans::checker
