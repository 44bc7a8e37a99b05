// Checks proofs of robustness: see proof.hpp.
//
// Bounds are computed in double. However n products are added up, rounding moves the sum by less than n * 2^-52 times
// the sum of their sizes. `slack` is twice that for twice the numbers of the network and 64 more, which also pays for
// rounded weights and sizes. `tiny` pays for underflow, as sizes stay below 1e100.
#include "proof.hpp"

#include <array>
#include <cmath>

#include <hans/core/hash.hpp>
#include "neurons.hpp"
#include "threads.hpp"

namespace hans::checker {
namespace {

constexpr std::size_t lanes = 8;  ///< linear forms that are bounded at a time
using Lanes = std::array<double, lanes>;
constexpr double tiny = 1e-200, infinity = HUGE_VAL;

struct Split {
  std::int32_t unit, side;  ///< side: 1: z >= 0, -1: z <= 0
};

/// Calls leaf(tree, path, kind) for the leaves of trees in preorder. Returns what is wrong with their number.
template <class Leaf>
std::string_view walk(std::span<const std::int32_t> nodes, std::size_t trees, Leaf leaf) {
  std::vector<Split> path;
  std::size_t tree = 0;
  for (const std::int32_t node : nodes) {
    if (node >= 0) {
      path.push_back({node, 1});
      continue;
    }
    leaf(tree, path, node);
    while (!path.empty() && path.back().side < 0) path.pop_back();
    tree += path.empty() ? 1U : 0U;
    if (!path.empty()) path.back().side = -1;
  }
  return tree < trees ? "a leaf is missing" : tree > trees || !path.empty() ? "a leaf is surplus" : "";
}

/// What is known of a number of the network, for all images of ball and box, in real arithmetic and in every float32
/// program.
struct Range {
  double low = 0, high = 0;
  double size = 0;      ///< at least the sum of the sizes of all that is added up
  double rounding = 0;  ///< by which float32 may miss the sum of what it adds up
};

/// Lower bounds of forms in real arithmetic, and in every float32 program.
struct Lower {
  Lanes real{}, float32{};
};

/// What bounds do at a relu, in each form that is bounded.
struct Unit {
  bool unstable = false;
  double slope = -1;                       ///< by the rule of adaptive slopes, or of `ties`
  Lanes slopes{}, sides{}, multipliers{};  ///< sides: as in Split; 0: not split
};

/// Bounds of a network for the images of one ball and box.
class Bounds {
 public:
  std::vector<Unit> units;
  std::vector<Range> ranges;
  std::vector<Lanes> forms;  ///< coefficients of all numbers in the forms to be bounded next; 0 again afterwards

  Bounds(const Neurons& net, const Proof& proof, const Proofs& rules)
      : units(net.units), ranges(net.all.size()), forms(net.all.size()), net_(net) {
    slack_ = static_cast<double>(ranges.size() + 32) * 0x1p-50;
    for (const std::int32_t tie : proof.ties) units[static_cast<std::size_t>(tie) / 2].slope = tie % 2;
    std::size_t tight = 0;
    for (std::size_t n = 0; n < ranges.size(); ++n) {
      const Neuron& one = net.all[n];
      if (n < proof.image.size()) {
        const double low = std::max(std::nextafter(proof.image[n] - rules.eps, -infinity), rules.low);
        const double high = std::min(std::nextafter(proof.image[n] + rules.eps, infinity), rules.high);
        const double size = std::max(-low, high);
        ranges[n] = {low, high, size, size < 1e25 ? 0 : infinity};
      } else if (one.relu) {
        if (n >= tight) tight = tighten(n);
        const Range& z = ranges[one.relu_of];
        ranges[n] = {std::max(z.low, 0.0), std::max(z.high, 0.0), z.size};
      } else {
        ranges[n] = sum(one);
      }
    }
  }

  /// Lower bounds of the forms, which are of numbers before `end`.
  Lower lower(std::size_t end) {
    Lanes bound{}, size{}, rounding{};
    for (std::size_t n = end; n-- > 0;) {
      const Neuron& one = net_.all[n];
      const Lanes form = forms[n];
      if (form == Lanes{} && (!one.relu || units[one.unit].sides == Lanes{})) continue;
      forms[n] = {};
      if (one.relu) {
        back_through_relu(one, form, bound, size);
        continue;
      }
      const Range& range = ranges[n];
      const bool source = one.first_run == one.last_run;
      for (std::size_t r = 0; r < lanes; ++r) {
        bound[r] += source ? std::min(form[r] * range.low, form[r] * range.high) : form[r] * one.bias;
        size[r] += std::abs(form[r]) * range.size;
        rounding[r] += std::abs(form[r]) * range.rounding;
      }
      for (std::size_t k = one.first_run; k < one.last_run; ++k) {
        const Run& run = net_.runs[k];
        for (std::size_t i = 0; i < run.count; ++i) {
          const double weight = net_.weights[run.weight + i];
          for (std::size_t r = 0; r < lanes; ++r) forms[run.begin + i][r] += weight * form[r];
        }
      }
    }
    for (std::size_t r = 0; r < lanes; ++r) {
      bound[r] -= slack_ * size[r] + tiny;
      if (!(bound[r] < infinity)) bound[r] = -infinity;  // NaN too
      rounding[r] = bound[r] - rounding[r] * (1 + 0x1p-20);
    }
    return {bound, rounding};
  }

 private:
  /// Interval and rounding of a sum.
  Range sum(const Neuron& one) const {
    double low = one.bias, high = one.bias, size = one.offset;
    std::size_t dead = 0;  // terms: float32 rounds neither them nor their sums
    for (std::size_t k = one.first_run; k < one.last_run; ++k) {
      const Run& run = net_.runs[k];
      for (std::size_t i = 0; i < run.count; ++i) {
        const Range& x = ranges[run.begin + i];
        const double weight = net_.weights[run.weight + i], a = weight * x.low, b = weight * x.high;
        low += std::min(a, b);
        high += std::max(a, b);
        size += std::max(std::abs(a), std::abs(b));
        dead += x.low == 0 && x.high == 0 ? std::size_t{1} : 0;
      }
    }
    const double off = slack_ * size + tiny, n = static_cast<double>(one.roundings - std::min(one.roundings, dead));
    const bool fits = size < 1e25 && n < 0x1p22;                               // else float32 may overflow
    const double all = n * 0x1p-24 / (1 - n * 0x1p-24) * size + n * 0x1p-100;  // the last for underflow
    const double rounding = fits ? all * (1 + 0x1p-20) : infinity;
    return {low - off - rounding, high + off + rounding, size, rounding};
  }

  /// Bounds the forms z and -z of relus from number n on, if z may be on either side of 0. Returns the first number
  /// that was not looked at.
  std::size_t tighten(std::size_t n) {
    std::vector<std::size_t> open;
    std::size_t end = n;
    for (; end < ranges.size() && net_.all[end].relu && net_.all[end].relu_of < n && open.size() < lanes / 2; ++end) {
      const std::size_t z = net_.all[end].relu_of;
      if (ranges[z].low >= 0 || ranges[z].high <= 0) continue;
      forms[z][2 * open.size()] = 1;
      forms[z][2 * open.size() + 1] = -1;
      open.push_back(z);
    }
    const Lanes found = open.empty() ? Lanes{} : lower(n).float32;
    for (std::size_t k = 0; k < open.size(); ++k) {
      ranges[open[k]].low = std::max(ranges[open[k]].low, found[2 * k]);
      ranges[open[k]].high = std::min(ranges[open[k]].high, -found[2 * k + 1]);
    }
    for (; n < end; ++n) {
      const Range& z = ranges[net_.all[n].relu_of];
      Unit& unit = units[net_.all[n].unit];
      unit.unstable = z.low < 0 && z.high > 0;
      if (unit.slope < 0) unit.slope = z.high > -z.low ? 1 : 0;
      unit.slopes.fill(unit.slope);
    }
    return end;
  }

  /// Whatever `next` is, form * relu(z) - next * z is least at 0 or at an end of the range of z. On a side of a split,
  /// side * z >= 0.
  void back_through_relu(const Neuron& one, const Lanes& form, Lanes& bound, Lanes& size) {
    const Range& z = ranges[one.relu_of];
    const Unit& unit = units[one.unit];
    for (std::size_t r = 0; z.high > 0 && r < lanes; ++r) {
      const double low = unit.sides[r] > 0 ? 0 : z.low, high = unit.sides[r] < 0 ? 0 : z.high;
      double next = high > 0 ? form[r] : 0, least = 0;
      if (low < 0 && high > 0) {
        next *= form[r] >= 0 ? unit.slopes[r] : high / (high - low);
        least = std::min({0.0, -next * low, (form[r] - next) * high});
      }
      next -= unit.sides[r] * unit.multipliers[r];
      bound[r] += least;
      size[r] += std::abs(next) * std::max(-z.low, z.high) - least;
      forms[one.relu_of][r] += next;
    }
  }

  const Neurons& net_;
  double slack_ = 0;
};

/// What is wrong with the proof without its tree.
std::string_view stated_fault(const Proof& proof, const Proofs& rules, std::size_t units) {
  if (proof.stated_label != proof.label) return "other label";
  if (Sha256().add(proof.image).hex() != proof.stated_sha256) return "other image";
  const auto inside = [&rules](float x) { return x >= rules.low && x <= rules.high; };
  if (!std::ranges::all_of(proof.image, inside)) return "image outside the box";
  if (!(proof.bound > 0)) return "no positive bound is claimed";
  for (const auto& [list, values] : {std::pair(proof.ties, 2), {proof.slope_units, 1}}) {
    for (std::size_t k = 0; k < list.size(); ++k) {
      if (list[k] < 0 || static_cast<std::size_t>(list[k] / values) >= units) return "no such unit";
      if (k > 0 && list[k - 1] / values >= list[k] / values) return "units out of order";
    }
  }
  return "";
}

/// Checks the leaves of a proof, whose slopes and multipliers begin here.
Proved prove(const Neurons& net, const Proof& proof, const Proofs& rules, std::size_t trees, const std::uint8_t* slopes,
             const float* multipliers) {
  const auto label = static_cast<std::size_t>(proof.label);
  const auto other = [&](std::size_t tree) { return net.logits + (tree < label ? tree : tree + 1); };
  Bounds bounds(net, proof, rules);
  double real = infinity, float32 = infinity;
  std::size_t taken = 0;  // forms
  const auto bound_leaves = [&] {
    const Lower found = bounds.lower(net.logits + trees + 1);
    for (std::size_t r = 0; r < taken; ++r) {
      real = std::min(real, found.real[r]);
      float32 = std::min(float32, found.float32[r]);
    }
    for (Unit& unit : bounds.units) {
      unit.sides = {};
      unit.slopes.fill(unit.slope);
    }
    taken = 0;
  };
  const bool finite = std::ranges::all_of(bounds.ranges, [](const Range& range) { return range.size < 1e100; });
  Proved out{finite ? "" : "numbers too large"};
  walk(proof.tree, trees, [&](std::size_t tree, const std::vector<Split>& path, std::int32_t kind) {
    if (!out.reason.empty()) return;
    if (kind < -2) return void(out.reason = "no such leaf");
    for (const Split& split : path) {
      const double multiplier = *multipliers++;
      const auto place = static_cast<std::size_t>(split.unit);
      if (place >= net.units) return void(out.reason = "no such unit");
      Unit& unit = bounds.units[place];
      if (!unit.unstable) return void(out.reason = "a stable unit is split");
      if (unit.sides[taken] != 0) return void(out.reason = "a unit is split twice");
      if (!(multiplier >= 0 && multiplier < infinity)) return void(out.reason = "a multiplier is no number from 0 on");
      unit.sides[taken] = split.side;
      unit.multipliers[taken] = multiplier;
    }
    if (kind == -2) {
      for (const std::int32_t unit : proof.slope_units) {
        bounds.units[static_cast<std::size_t>(unit)].slopes[taken] = *slopes++ / 255.0;
      }
    }
    bounds.forms[net.logits + label][taken] = 1;
    bounds.forms[other(tree)][taken] = -1;
    if (++taken == lanes) bound_leaves();
  });
  if (taken > 0) bound_leaves();
  if (!out.reason.empty()) return {out.reason, NAN, NAN};
  out.bound = real;
  out.rounding = real - float32;
  if (!(real > 0)) {
    out.reason = "the bound is not positive";
  } else if (!(proof.bound <= real * (1 + 1e-6))) {
    out.reason = "more is claimed than follows";
  } else if (!(float32 > 0)) {
    out.reason = "float32 may round it away";
  }
  return out;
}

}  // namespace

std::vector<Proved> check_proofs(std::string_view model, std::string_view where, const Proofs& proofs,
                                 std::size_t threads) {
  const Network network(model, where);
  const Neurons net(network, where);
  check(network.classes() > 1, where, " has one class: there is nothing to prove");
  const std::size_t trees = network.classes() - 1;
  std::vector<Proved> out(proofs.all.size());
  std::vector<std::size_t> slopes{0}, multipliers{0};  // how many were needed before
  for (std::size_t k = 0; k < out.size(); ++k) {
    const Proof& proof = proofs.all[k];
    check(proof.label >= 0 && static_cast<std::size_t>(proof.label) <= trees, "label ", proof.label, " for a model of ",
          trees + 1, " classes");
    check(proof.image.size() == network.features(), "an image of ", proof.image.size(), " numbers for a model of ",
          network.features());
    slopes.push_back(slopes.back());
    multipliers.push_back(multipliers.back());
    out[k].reason = walk(proof.tree, trees, [&](std::size_t, const std::vector<Split>& path, std::int32_t kind) {
      multipliers.back() += path.size();
      slopes.back() += kind == -2 ? proof.slope_units.size() : 0;
    });
  }
  const bool fit = slopes.back() == proofs.slopes.size() && multipliers.back() == proofs.multipliers.size();
  on_threads(threads, out.size(), [&](std::size_t k) {
    std::string_view wrong = stated_fault(proofs.all[k], proofs, net.units);
    if (wrong.empty()) wrong = out[k].reason;
    if (wrong.empty() && !fit) wrong = "slopes or multipliers do not fit the leaves";
    out[k] = wrong.empty() ? prove(net, proofs.all[k], proofs, trees, proofs.slopes.data() + slopes[k],
                                   proofs.multipliers.data() + multipliers[k])
                           : Proved{wrong, NAN, NAN};
  });
  return out;
}

}  // namespace hans::checker
