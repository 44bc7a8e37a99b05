// How the certificate of one image comes about, layer by layer.
#include <hans/defenses/explain.hpp>

#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>
#include "../../nn/bounds/detail/build.hpp"
#include "../../nn/bounds/detail/optimise.hpp"
#include "../../nn/bounds/detail/tighten.hpp"

namespace hans::defenses {
namespace {

namespace bounds = nn::bounds;
using nn::BoundMethod;

Widths widths_of(std::span<const real> low, std::span<const real> high) {
  Widths widths{std::numeric_limits<double>::infinity(), 0, 0};
  double sum = 0;
  for (std::size_t i = 0; i < low.size(); ++i) {
    const double width = double{high[i]} - double{low[i]};
    if (!(width < std::numeric_limits<double>::infinity())) {
      constexpr double nan = std::numeric_limits<double>::quiet_NaN();
      return {nan, nan, nan};
    }
    widths.least = std::min(widths.least, width);
    widths.most = std::max(widths.most, width);
    sum += width;
  }
  widths.mean = sum / static_cast<double>(low.size());
  return widths;
}

Units units_of(std::span<const real> low, std::span<const real> high) {
  Units units;
  for (std::size_t i = 0; i < low.size(); ++i) {
    ++(low[i] >= 0 ? units.active : high[i] <= 0 ? units.inactive : units.unstable);
  }
  return units;
}

}  // namespace

Explanation explain(const nn::Sequential& net, const data::Samples& sample, CertifyOptions options) {
  check(sample.size() == 1, "one sample is explained at a time, not ", sample.size());
  options.splits = true;
  Explanation all{certify(net, sample, options)[0]};

  const bounds::Graph graph = bounds::graph_of(net);
  const nn::Ball ball{options.norm, options.eps, sample.box.lo, sample.box.hi};
  const auto known_by = [&](BoundMethod method) {
    Tape tape;
    return bounds::known_of(graph, bounds::begin_with_images(graph, sample.images, ball), {.method = method}, tape);
  };
  const bounds::Known ibp = known_by(BoundMethod::ibp), crown = known_by(BoundMethod::crown);
  const auto of = [&](const bounds::Known& known, std::size_t value, const auto& get) {
    return get(known.of(known.low, value, 0), known.of(known.high, value, 0));
  };
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    const bounds::Op& op = graph.ops[k];
    if (k + 1 < graph.ops.size() && graph.ops[k + 1].layer == op.layer) continue;  // a step of its layer
    LayerBounds layer{op.layer, std::string(net.layers()[op.layer].spec().name), op.out};
    layer.ibp = of(ibp, k + 1, widths_of);
    layer.crown = of(crown, k + 1, widths_of);
    if (op.kind == bounds::Kind::kink) {
      layer.units_by_ibp = of(ibp, op.from[0], units_of);
      layer.units_by_crown = of(crown, op.from[0], units_of);
    }
    all.layers.push_back(std::move(layer));
  }

  const auto margins_by = [&](BoundMethod method) {
    return nn::bound_margins(net, sample.images, sample.labels, ball, {.method = method}).bound;
  };
  const std::vector<double> by_ibp = margins_by(BoundMethod::ibp), by_crown = margins_by(BoundMethod::crown),
                            by_alpha = margins_by(BoundMethod::alpha);
  const Tensor logits = nn::logits(net, sample.images);
  const auto label = static_cast<std::size_t>(sample.labels[0]);
  for (std::size_t other = 0; other < net.classes(); ++other) {
    if (other == label) continue;
    const double margin = double{logits.data()[label]} - double{logits.data()[other]};
    all.margins.push_back({static_cast<int>(other), margin, by_ibp[other], by_crown[other], by_alpha[other]});
  }
  return all;
}

}  // namespace hans::defenses
