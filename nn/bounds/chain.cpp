// Functions of one number that a network writes as several layers.
#include "detail/chain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <hans/nn/walk.hpp>
#include "detail/curves.hpp"
#include "detail/jet.hpp"

namespace hans::nn::bounds {
namespace {

using Jets = std::span<const Jet>;

/// A layer of a chain: its jet, from those of its operands; nothing if the layer is not of one number.
using JetStep = std::function<Jet(Jets)>;

/// Finds the jets of layers. `numbers`: per operand the number that it is, if it is one.
struct JetSteps {
  std::span<const std::optional<real>> numbers;

  JetStep operator()(const Add&) const {
    return [](Jets x) { return x[0] + x[1]; };
  }
  JetStep operator()(const Subtract&) const {
    return [](Jets x) { return x[0] + -x[1]; };
  }
  JetStep operator()(const Multiply&) const {
    return [](Jets x) { return x[0] * x[1]; };
  }
  JetStep operator()(const Divide&) const {
    if (!numbers[1] || !(std::abs(*numbers[1]) > real{1e-20F})) return {};
    return [divisor = double{*numbers[1]}](Jets x) { return x[0] / divisor; };
  }
  JetStep operator()(const Power&) const {
    if (!numbers[1] || (*numbers[1] != 2 && *numbers[1] != 3)) return {};
    return [exponent = static_cast<int>(*numbers[1])](Jets x) { return power(x[0], exponent); };
  }
  JetStep operator()(const Negate&) const {
    return [](Jets x) { return -x[0]; };
  }
  JetStep operator()(const Erf&) const {
    return [](Jets x) { return erf(x[0]); };
  }
  JetStep operator()(const Tanh&) const {
    return [](Jets x) { return tanh(x[0]); };
  }
  JetStep operator()(const Sigmoid&) const {
    return [](Jets x) { return sigmoid(x[0]); };
  }
  JetStep operator()(const HardSigmoid& layer) const {
    return [layer](Jets x) { return ramp(x[0], double{layer.alpha}, double{layer.beta}, 0, 1, facts_of(layer).scale); };
  }
  JetStep operator()(const Clip& layer) const {
    return [layer](Jets x) { return ramp(x[0], 1, 0, double{layer.low}, double{layer.high}, 1); };
  }
  JetStep operator()(const Relu&) const {
    return [](Jets x) { return ramp(x[0], 1, 0, 0, std::numeric_limits<double>::infinity(), 1); };
  }
  JetStep operator()(const auto&) const { return {}; }
};

struct Link {
  std::size_t position = 0;
  JetStep jet = {};
  std::vector<std::size_t> from = {};  ///< per operand: a link of the chain, or
  std::vector<std::optional<real>> numbers = {};
};
constexpr std::size_t argument = ~std::size_t{0};

/// The layers of a chain, the last one last.
struct Links {
  const Sequential& net;
  std::vector<Link> all = {};

  Jet jet(double low, double high) const {
    std::vector<Jet> jets;
    for (const Link& link : all) {
      std::vector<Jet> x;
      for (std::size_t k = 0; k < link.from.size(); ++k) {
        x.push_back(link.numbers[k]            ? constant_jet(double{*link.numbers[k]})
                    : link.from[k] == argument ? argument_jet(low, high)
                                               : jets[link.from[k]]);
      }
      jets.push_back(link.jet(x));
      // On the way beyond it, float32 may overflow.
      if (!(jets.back().value.size() < 1e25)) jets.back().error = std::numeric_limits<double>::infinity();
    }
    return jets.back();
  }

  void evaluate(std::span<const real> in, std::span<real> out) const {
    Tape tape;
    const Var given = tape.constant(Tensor({1, in.size()}, in));
    std::vector<Var> values;
    for (const Link& link : all) {
      std::vector<Var> x;
      for (std::size_t k = 0; k < link.from.size(); ++k) {
        x.push_back(link.numbers[k]            ? tape.constant(Tensor::full({}, *link.numbers[k]))
                    : link.from[k] == argument ? given
                                               : values[link.from[k]]);
      }
      values.push_back(net.layers()[link.position](tape, x, {{}, {}, {}, link.position}));
    }
    std::copy_n(values.back().value().data(), out.size(), out.begin());
  }
};

Curve as_curve(const Links& links) {
  Curve curve;
  curve.evaluate = [links](std::span<const real> in, std::span<real> out) { links.evaluate(in, out); };
  curve.departure = [links](std::span<const real> grid) {
    double most = 0;
    for (std::size_t k = 1; k < grid.size(); ++k) {
      const double step = double{grid[k]} - double{grid[k - 1]};
      const Jet jet = links.jet(double{grid[k - 1]}, double{grid[k]});
      const double by_slopes = (jet.first.high - jet.first.low) * step / 4;
      const double by_curvature = jet.second.size() * step * step / 8;
      const double by = by_curvature < by_slopes ? by_curvature : by_slopes;
      if (std::isnan(by)) return std::numeric_limits<double>::infinity();
      most = std::max(most, by);
    }
    return most * (1 + 0x1p-40);
  };
  curve.error = [links](real low, real high, double) { return links.jet(double{low}, double{high}).error; };
  return curve;
}

}  // namespace

std::optional<Chain> chain_at(const Sequential& net, std::size_t position,
                              const std::function<const Tensor*(std::size_t layer)>& constant) {
  const auto key_of = [](const Source& source) { return source.layer == Source::images ? 0 : source.layer + 1; };
  std::set<std::size_t> open{position + 1};  // values whose layers are not yet looked at: layer + 1, or 0, the images
  std::map<std::size_t, Link> found;
  while (open.size() > 1 || found.empty()) {
    const std::size_t value = *open.rbegin();
    open.erase(value);
    const LayerAt at{net, value - 1};
    if (at.out() != net.shapes()[position]) return std::nullopt;
    Link link{value - 1};
    for (const Source& source : at.sources) {
      const Tensor* const numbers = source.layer == Source::images ? nullptr : constant(source.layer);
      if (numbers != nullptr && numbers->size() != 1) return std::nullopt;
      link.numbers.push_back(numbers != nullptr ? std::optional(numbers->data()[0]) : std::nullopt);
      link.from.push_back(key_of(source));
      if (numbers == nullptr) open.insert(key_of(source));
    }
    link.jet = visit(at.layer(), JetSteps{link.numbers});
    if (!link.jet || open.empty()) return std::nullopt;
    found.emplace(value, std::move(link));
  }
  const std::size_t source = *open.begin();
  if ((source == 0 ? net.input() : net.shapes()[source - 1]) != net.shapes()[position]) return std::nullopt;
  Links links{net};
  std::map<std::size_t, std::size_t> places;
  for (auto& [value, link] : found) {
    for (std::size_t& from : link.from) {
      const auto at = places.find(from);
      from = at == places.end() ? argument : at->second;
    }
    places[value] = links.all.size();
    links.all.push_back(std::move(link));
  }
  return Chain{source == 0 ? Source::images : source - 1, as_curve(links)};
}

}  // namespace hans::nn::bounds
