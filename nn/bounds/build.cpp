// Networks as bounds see them: each layer as an affine map or as functions that lines enclose.
#include "detail/build.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include <hans/autodiff/arrays.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/walk.hpp>
#include "detail/affine.hpp"
#include "detail/chain.hpp"
#include "detail/curves.hpp"
#include "detail/products.hpp"

namespace hans::nn::bounds {
namespace {

/// A layer without weights.
Function run_of(const LayerAt& at) {
  return [layer = at.layer(), buffers = at.buffers(), position = at.position](Tape& tape, std::span<const Var> x) {
    return layer(tape, x, {{}, buffers, {}, position});
  };
}

/// How often the elements of a smaller array are used where it is broadcast; 0: once.
std::size_t repeats(const Given& given, const Shape& out) {
  std::size_t most = 0;
  for (std::size_t k = 0; k < given.shapes.size(); ++k) {
    if (given.constants[k]) continue;
    const std::size_t size = given.shapes[k].elements();
    if (size < out.elements()) most = std::max(most, out.elements() / std::max<std::size_t>(1, size));
  }
  return most;
}

/// The graph without ops that the logits do not depend on: layers that a chain took in.
Graph without_unused(Graph graph) {
  std::vector<bool> used(graph.ops.size() + 1);
  used[graph.logits()] = true;
  for (std::size_t value = graph.logits(); value > 0; --value) {
    for (const std::size_t from : graph.ops[value - 1].from) used[from] = used[from] || used[value];
  }
  std::vector<std::size_t> now{0};  // per value
  std::vector<Op> ops;
  for (std::size_t k = 0; k < graph.ops.size(); ++k) {
    if (used[k + 1]) {
      ops.push_back(std::move(graph.ops[k]));
      for (std::size_t& from : ops.back().from) from = now[from];
    }
    now.push_back(ops.size());
  }
  graph.ops = std::move(ops);
  return graph;
}

class Builder {
 public:
  explicit Builder(const Sequential& net) : net_(net) {
    graph_.input = net.input();
    of_layer_.resize(net.layers().size());
  }

  Graph build() {
    const std::size_t count = net_.layers().size();
    const bool scaled =
        net_.layers()[count - 1].as<Softmax>() != nullptr || net_.layers()[count - 1].as<LogSoftmax>() != nullptr;
    for (std::size_t position = 0; position < count - (scaled ? 1 : 0); ++position) {
      const LayerAt at{net_, position};
      given_ = {};
      from_ = {};
      for (const Source& source : at.sources) {
        const Place place = source.layer == Source::images ? Place{0, {}} : of_layer_[source.layer];
        given_.shapes.push_back(place.constant ? place.constant->shape() : graph_.shape(place.value));
        given_.constants.push_back(place.constant);
        if (!place.constant) from_.push_back(place.value);
      }
      position_ = position;
      if (from_.empty()) {
        of_layer_[position] = {0, constant_of(at)};
      } else {
        visit(at.layer(), *this, at);
        of_layer_[position] = {graph_.ops.size(), {}};
      }
    }
    graph_.softmax = scaled;
    const std::size_t last = scaled ? net_.sources(count - 1)[0].layer : count - 1;
    check(last < of_layer_.size() && !of_layer_[last].constant && of_layer_[last].value == graph_.logits(),
          "its logits do not depend on the images");
    return without_unused(std::move(graph_));
  }

  // --- moves: exact ---------------------------------------------------------------------------------
  void operator()(const OneOf<Reshape, Flatten, Transpose, Dropout, Negate, Concat> auto& layer, const LayerAt& at) {
    const Function f = run_of(at);
    constexpr bool negates = std::same_as<std::decay_t<decltype(layer)>, Negate>;
    add_affine(at.out(),
               negates ? map_of(given_, f, [](Tape&, std::span<const Var> x) { return x[0]; }) : map_of(given_, f));
  }
  void operator()(const Take&, const LayerAt& at) {
    std::map<real, std::size_t> uses;
    std::size_t most = 0;
    for (const real index : at.buffers()[0].values()) most = std::max(most, index < 0 ? 0 : ++uses[index]);
    add_affine(at.out(), map_of(given_, run_of(at)), 0, most > 1 ? most : 0);
  }

  // --- sums -----------------------------------------------------------------------------------------
  void operator()(const Add&, const LayerAt& at) {
    add_affine(at.out(), map_of(given_, run_of(at)), combined, repeats(given_, at.out()));
  }
  void operator()(const Subtract&, const LayerAt& at) {
    add_affine(at.out(), map_of(given_, run_of(at), [](Tape&, std::span<const Var> x) { return x[0] + x[1]; }),
               combined, repeats(given_, at.out()));
  }
  void operator()(const Multiply&, const LayerAt& at) {
    if (from_.size() > 1) {
      add_chain(at, "multiplies two values that depend on the image");
    } else {
      add_affine(at.out(), map_of(given_, run_of(at)), combined, 2 + repeats(given_, at.out()));
    }
  }
  void operator()(const Power&, const LayerAt& at) { add_chain(at, "raises to a power other than 2 or 3"); }
  void operator()(const Divide&, const LayerAt& at) {
    if (from_.size() > 1 || given_.constants[0]) refuse(at, "divides by a value that depends on the image");
    add_affine(at.out(), map_of(given_, run_of(at)), combined, 2 + repeats(given_, at.out()));
  }
  void operator()(const Matmul&, const LayerAt& at) {
    if (from_.size() > 1) refuse(at, "multiplies two values that depend on the image");
    const std::size_t terms = (given_.constants[0] ? *given_.constants[0] : *given_.constants[1]).size();
    add_affine(at.out(), map_of(given_, run_of(at)), terms + 1, terms + 1);
  }
  void operator()(const AveragePool2d& layer, const LayerAt& at) {
    const Extent kernel = layer.kernel;
    const std::size_t area = std::min(std::size_t{kernel.height} * kernel.width, at.in()[0] * at.in()[1]);
    add_affine(at.out(), map_of(given_, run_of(at)), area + 2, 2 * area + 2);
  }
  void operator()(const Reduce& layer, const LayerAt& at) {
    const std::size_t count = at.in().elements() / std::max<std::size_t>(1, at.out().elements());
    const Reduction by = layer.by;
    if (by == Reduction::l2) refuse(at, "takes an l2 norm");
    if (by == Reduction::sum || by == Reduction::mean) {
      add_affine(at.out(), map_of(given_, run_of(at)), count + 2, 2);
      return;
    }
    // Which elements meet in one of the result: that of their sum.
    Tape tape;
    const Var x = tape.watch(Tensor(at.in().with_front(1)));
    const Var y = reduce(x, Reduction::sum, in_batch(layer), layer.keep);
    add_select(at.out(), by == Reduction::min, [&](std::size_t k) {
      Tensor seed(y.shape()), part;
      seed.mutable_data()[k] = 1;
      tape.gradients(y, seed, {&x, 1}, {&part, 1});
      std::vector<std::uint32_t> all;
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (part.data()[i] != 0) all.push_back(static_cast<std::uint32_t>(i));
      }
      return all;
    });
  }
  void operator()(const BatchNorm& layer, const LayerAt& at) {
    Tape tape;
    const Affine stored = affine_of(
        tape, layer.eps, std::array{tape.constant(at.weights()[0]), tape.constant(at.weights()[1])}, at.buffers());
    const Tensor mean = absolute(at.buffers()[0]), bias = absolute(at.weights()[1]);
    check_scaling(at, at.weights()[0], at.buffers()[0], sqrt(tape.constant(at.buffers()[1]) + real{layer.eps}).value());
    add_scaling(at.out(), stored.factor.value(), stored.summand.value(),
                (abs(stored.factor) * tape.constant(mean) + tape.constant(bias)).value());
  }
  void operator()(const Normalize& layer, const LayerAt& at) {
    const auto numbers = [&at](const std::optional<PerChannel>& each, float usual) {
      std::vector<real> all(at.out()[at.out().rank() - 1], usual);
      for (std::size_t k = 0; each && k < all.size(); ++k) all[k] = each->all[each->all.size() == 1 ? 0 : k];
      return Tensor({all.size()}, all);
    };
    Tape tape;
    const Var deviation = tape.constant(numbers(layer.std, 1)), mean = tape.constant(numbers(layer.mean, 0));
    const Var factor = tape.constant(numbers({}, layer.scale)) / deviation, shift = mean / deviation;
    check_scaling(at, numbers({}, layer.scale), mean.value(), deviation.value());
    add_scaling(at.out(), factor.value(), (-shift).value(), abs(shift).value());
  }
  void operator()(const OneOf<Linear, Conv2d, ConvTranspose2d> auto& layer, const LayerAt& at) {
    add_affine(at.out(), product_of(layer, at, given_));
  }

  // --- functions of one number ----------------------------------------------------------------------
  void operator()(const Relu&, const LayerAt& at) { add_kink(at.out(), {{0}, {1}}); }
  void operator()(const Abs&, const LayerAt& at) { add_kink(at.out(), {{-1}, {1}}); }
  void operator()(const LeakyRelu& layer, const LayerAt& at) { add_kink(at.out(), {{real{layer.slope}}, {1}}); }
  void operator()(const Prelu&, const LayerAt& at) {
    if (from_.size() > 1 || given_.constants[0]) refuse(at, "has a slope that depends on the image");
    Tape tape;
    const Tensor slope = broadcast_to(tape.constant(*given_.constants[1]), at.out()).value();
    add_kink(at.out(), {{slope.values().begin(), slope.values().end()}, {1}});
  }
  void operator()(const OneOf<Clip, HardSigmoid, Sigmoid, Tanh, Elu, Selu, Softplus, Exp, Erf, Gelu> auto& layer,
                  const LayerAt& at) {
    Op op = op_of(at.out(), Kind::curve);
    op.curve = curve_of(layer, at.layer());
    add(std::move(op));
  }

  // --- the largest of several -----------------------------------------------------------------------
  void operator()(const OneOf<Maximum, Minimum> auto& layer, const LayerAt& at) {
    const std::size_t size = at.out().elements();
    const Function both = [out = at.out(), size](Tape&, std::span<const Var> x) {
      std::vector<Var> parts;
      std::size_t samples = 1;
      for (const Var& each : x) samples = each.shape().rank() > out.rank() ? each.shape()[0] : samples;
      for (const Var& each : x) {
        Var wide = each;
        if (each.shape() != out.with_front(samples)) wide = broadcast_to(each, out.with_front(samples));
        parts.push_back(reshape(wide, {samples, size}));
      }
      return concat(parts, 1);
    };
    add_affine({2 * size}, map_of(given_, both), 0, repeats(given_, at.out()));
    constexpr bool least = std::same_as<std::decay_t<decltype(layer)>, Minimum>;
    add_select(at.out(), least, [size](std::size_t k) {
      return std::vector{static_cast<std::uint32_t>(k), static_cast<std::uint32_t>(size + k)};
    });
  }
  void operator()(const MaxPool2d& layer, const LayerAt& at) {
    const PoolWindow window = window_of(layer, at.in());
    const Shape in = at.in(), out = at.out();
    add_select(out, false, [&](std::size_t k) {
      const std::size_t channel = k % out[2], column = k / out[2] % out[1], row = k / out[2] / out[1];
      std::vector<std::uint32_t> all;
      for (std::size_t y = 0; y < window.kernel_height; ++y) {
        for (std::size_t x = 0; x < window.kernel_width; ++x) {
          const std::size_t top = row * window.stride_height + y - window.pad_top;
          const std::size_t left = column * window.stride_width + x - window.pad_left;
          if (top < in[0] && left < in[1]) {
            all.push_back(static_cast<std::uint32_t>((top * in[1] + left) * in[2] + channel));
          }
        }
      }
      return all;
    });
  }

  void operator()(const auto&, const LayerAt& at) { refuse(at, "has no bound"); }

 private:
  /// Where the output of a layer is: a value of the graph, or a constant.
  struct Place {
    std::size_t value = 0;
    std::optional<Tensor> constant = {};
  };

  [[noreturn]] void refuse(const LayerAt& at, std::string_view why) const {
    throw Error(text("layer ", at.position, " (", at.layer().spec().name, ") ", why,
                     ": certificates are for networks of affine layers, activations, maxima and pooling; replace it, "
                     "or measure the model with hans attack"));
  }

  Tensor constant_of(const LayerAt& at) const {
    if (at.layer().as<Constant>() == nullptr && at.layer().as<Reshape>() == nullptr) {
      refuse(at, "computes a constant of the network, which rounding would leave in doubt");
    }
    Tape tape;
    std::vector<Var> x, w;
    for (const std::optional<Tensor>& each : given_.constants) x.push_back(tape.constant(*each));
    for (const Tensor& each : at.weights()) w.push_back(tape.constant(each));
    return at.layer()(tape, x, {w, at.buffers(), {}, at.position}).value();
  }

  static std::vector<std::size_t> in_batch(const Reduce& layer) {
    std::vector<std::size_t> axes = layer.axes.value().all;
    for (std::size_t& axis : axes) ++axis;
    return axes;
  }

  Op op_of(const Shape& out, Kind kind) {
    Op op;
    op.layer = position_;
    op.from = from_;
    op.out = out;
    op.kind = kind;
    return op;
  }

  void add(Op op) {
    graph_.ops.push_back(std::move(op));
    from_ = {graph_.ops.size()};
    given_ = {{graph_.ops.back().out}, {std::nullopt}};
  }

  void add_affine(const Shape& out, AffineMap map) {
    Op op = op_of(out, Kind::affine);
    op.affine = std::move(map);
    add(std::move(op));
  }
  void add_affine(const Shape& out, AffineMap map, std::size_t forward_terms, std::size_t backward_terms = 0) {
    map.forward_terms = forward_terms;
    map.backward_terms = backward_terms;
    add_affine(out, std::move(map));
  }

  /// The layer, and those before it, as one function of one number; or refuses.
  void add_chain(const LayerAt& at, std::string_view why) {
    const auto constant = [this](std::size_t layer) -> const Tensor* {
      return of_layer_[layer].constant ? &*of_layer_[layer].constant : nullptr;
    };
    std::optional<Chain> chain = chain_at(net_, at.position, constant);
    if (!chain) refuse(at, why);
    from_ = {chain->source == Source::images ? 0 : of_layer_[chain->source].value};
    Op op = op_of(at.out(), Kind::curve);
    op.curve = std::move(chain->curve);
    add(std::move(op));
  }

  void add_kink(const Shape& out, Kink kink) {
    const auto at = [](const std::vector<real>& slopes, std::size_t k) { return slopes[slopes.size() == 1 ? 0 : k]; };
    for (std::size_t k = 0; k < std::max(kink.left.size(), kink.right.size()); ++k) {
      kink.convex = kink.convex && at(kink.right, k) >= at(kink.left, k);
    }
    kink.left.resize(out.elements(), kink.left[0]);
    kink.right.resize(out.elements(), kink.right[0]);
    Op op = op_of(out, Kind::kink);
    op.kink = std::move(kink);
    add(std::move(op));
  }

  template <class Candidates>
  void add_select(const Shape& out, bool least, Candidates candidates) {
    const Function negative = [](Tape&, std::span<const Var> x) { return -x[0]; };
    const Function same_sign = [](Tape&, std::span<const Var> x) { return x[0]; };
    if (least) add_affine(given_.shapes[0], map_of(given_, negative, same_sign));
    Op op = op_of(out, Kind::select);
    for (std::size_t k = 0; k < out.elements(); ++k) op.select.candidates.push_back(candidates(k));
    add(std::move(op));
    if (least) add_affine(out, map_of(given_, negative, same_sign));
  }

  /// Within these limits no float32 program overflows or underflows, whether it multiplies or divides first.
  void check_scaling(const LayerAt& at, const Tensor& scale, const Tensor& mean, const Tensor& deviation) const {
    const auto large = [](real each) { return !(std::abs(each) < real{1e20F}); };
    if (std::ranges::any_of(mean.values(), large)) refuse(at, "subtracts too large a number");
    for (const real each : scale.values()) {
      const bool fits = each == 0 || (std::abs(each) < real{1e6F} && std::abs(each) > real{1e-20F});
      if (!fits) refuse(at, "scales by too large or too small a number");
    }
    for (const real each : deviation.values()) {
      if (!(std::abs(each) > real{1e-6F} && std::abs(each) < real{1e6F})) {
        refuse(at, "divides by too large or too small a number");
      }
    }
  }

  /// x * factor + summand per channel; `shift` is what the summand was made of. Evaluations may subtract, divide and
  /// multiply instead: eight roundings cover them.
  void add_scaling(const Shape& out, const Tensor& factor, const Tensor& summand, const Tensor& shift) {
    const auto scaled = [](const Tensor& by, const Tensor& plus) {
      return [by, plus](Tape& tape, std::span<const Var> x) { return x[0] * tape.constant(by) + tape.constant(plus); };
    };
    AffineMap map = map_of(given_, scaled(factor, summand), scaled(absolute(factor), shift));
    if (out.rank() == 3) map.local = local_of(factor);
    add_affine(out, std::move(map), combined, combined);
  }

  const Sequential& net_;
  Graph graph_;
  std::vector<Place> of_layer_;
  // Of the layer at work:
  std::size_t position_ = 0;
  Given given_;
  std::vector<std::size_t> from_;
};

}  // namespace

Graph graph_of(const Sequential& net) { return Builder(net).build(); }

}  // namespace hans::nn::bounds
