// Activations that a network writes as several layers: recognised, and enclosed with their rounding.
#include <hans/nn/bounds.hpp>

#include <gtest/gtest.h>

#include <cmath>

#include <hans/nn/evaluate.hpp>

#include "../../../nn/bounds/detail/build.hpp"
#include "../../../nn/bounds/detail/curves.hpp"
#include "../../data/data_testing.hpp"
#include "../network_testing.hpp"
#include "../onnx_testing.hpp"
#include "bounds_testing.hpp"

namespace hans::chain_test {
namespace {

using namespace bounds_testing;
using network_testing::logits;
using network_testing::random_images;
using nn::MarginBounds;
namespace bounds = nn::bounds;
namespace file = onnx_testing;

/// An activation from "h" to "a", as nodes, and in double.
struct Activation {
  std::string name;
  std::vector<file::Node> nodes;
  double (*f)(double x);
  double behind = 1;  ///< a factor that is left to an affine map behind the chain
};

double gelu(double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double gelu_by_tanh(double x) {  // 0.5 (1 + tanh(u)) without cancellation
  return x / (1 + std::exp(-2 * std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
}

std::vector<Activation> activations() {
  const auto node = [](std::string op, std::vector<std::string> from, std::string to) {
    return file::node(std::move(op), std::move(from), {std::move(to)});
  };
  return {
      {"gelu, halved at the end",
       {node("Div", {"h", "root"}, "c1"), node("Erf", {"c1"}, "c2"), node("Add", {"c2", "one"}, "c3"),
        node("Mul", {"h", "c3"}, "c4"), node("Mul", {"c4", "half"}, "a")},
       gelu,
       0.5},
      {"gelu, halved first",
       {node("Mul", {"h", "half"}, "c0"), node("Div", {"h", "root"}, "c1"), node("Erf", {"c1"}, "c2"),
        node("Add", {"one", "c2"}, "c3"), node("Mul", {"c0", "c3"}, "a")},
       gelu},
      {"gelu by tanh and Pow",
       {node("Pow", {"h", "three"}, "c1"), node("Mul", {"c1", "cubic"}, "c2"), node("Add", {"h", "c2"}, "c3"),
        node("Mul", {"c3", "scale"}, "c4"), node("Tanh", {"c4"}, "c5"), node("Add", {"c5", "one"}, "c6"),
        node("Mul", {"h", "half"}, "c7"), node("Mul", {"c7", "c6"}, "a")},
       gelu_by_tanh},
      {"gelu by tanh and products",
       {node("Mul", {"h", "h"}, "c0"), node("Mul", {"c0", "h"}, "c1"), node("Mul", {"c1", "cubic"}, "c2"),
        node("Add", {"h", "c2"}, "c3"), node("Mul", {"c3", "scale"}, "c4"), node("Tanh", {"c4"}, "c5"),
        node("Add", {"c5", "one"}, "c6"), node("Mul", {"h", "c6"}, "c7"), node("Mul", {"half", "c7"}, "a")},
       gelu_by_tanh,
       0.5},
      {"swish",
       {node("Sigmoid", {"h"}, "c"), node("Mul", {"h", "c"}, "a")},
       [](double x) { return x / (1 + std::exp(-x)); }},
      {"hard swish", {node("HardSwish", {"h"}, "a")}, [](double x) { return x * std::clamp(x / 6 + 0.5, 0.0, 1.0); }},
      {"relu squared",
       {node("Relu", {"h"}, "c"), node("Mul", {"c", "c"}, "a")},
       [](double x) { return x > 0 ? x * x : 0; }},
      {"a square", {node("Pow", {"h", "two"}, "a")}, [](double x) { return x * x; }}};
}

/// x -> Gemm -> activation -> Gemm -> y; with `scale` the first is that times the identity, of 4 inputs.
Sequential net_of(const Activation& activation, float scale = 0) {
  std::vector<file::Node> nodes{file::node("Gemm", {"x", "w", "b"}, {"h"})};
  nodes.insert(nodes.end(), activation.nodes.begin(), activation.nodes.end());
  nodes.push_back(file::node("Gemm", {"a", "v"}, {"y"}));
  const auto number = [](const char* name, float value) { return file::reals(name, {}, {value}); };
  std::vector<float> one(16);
  for (std::size_t k = 0; k < 4; ++k) one[k * 5] = scale;
  return file::imported(file::file({-1, 4}, nodes,
                                   {scale == 0 ? file::weights("w", {4, 4}) : file::reals("w", {4, 4}, one),
                                    scale == 0 ? file::weights("b", {4}) : file::reals("b", {4}, {0, 0, 0, 0}),
                                    file::weights("v", {4, 3}), number("root", 1.41421354F), number("one", 1),
                                    number("half", 0.5F), number("two", 2), number("three", 3),
                                    number("cubic", 0.044715F), number("scale", 0.797884583F)}))
      .net;
}

TEST(Chains, AreBoundedBelowEveryPoint) {
  for (const Activation& activation : activations()) {
    for (const float scale : {0.0F, 3.0F, 30.0F}) {
      const Sequential net = net_of(activation, scale);
      const Tensor images = random_images(net.input().with_front(2));
      const std::vector<int> labels{0, 2};
      for (const float eps : {0.0F, 0.05F, 0.4F}) {
        for (const Method& method : methods) {
          const MarginBounds all =
              nn::bound_margins(net, images, labels, {Norm::linf, eps}, {method.method, method.slope, 4});
          Stream stream = Rng(1).stream("points");
          for (std::size_t sample = 0; sample < 2; ++sample) {
            double least[3]{1e9, 1e9, 1e9};
            for (int draw = 0; draw < 60; ++draw) {
              const Tensor found =
                  logits(net, point_of(images.rows(sample, 1), {Norm::linf, eps}, draw % 2 == 0, stream));
              const std::size_t label = static_cast<std::size_t>(labels[sample]);
              for (std::size_t j = 0; j < 3; ++j) {
                if (j == label) continue;
                const double margin = double{found.data()[label]} - double{found.data()[j]};
                least[j] = std::min(least[j], margin);
                EXPECT_LE(all.float32_bound[sample * 3 + j], margin) << activation.name << ", scale " << scale;
                if (eps > 0) continue;
                EXPECT_GE(all.bound[sample * 3 + j], margin - 1e-3 * std::max(1.0, std::abs(margin)))
                    << activation.name << ", scale " << scale;
              }
            }
          }
        }
      }
    }
  }
}

// The bounds of gelu's chain are those of the layer gelu, nearly.
TEST(Chains, OfGeluAreAsTightAsTheLayer) {
  const std::vector<Activation> all = activations();
  const Activation layer{"layer", {file::node("Gelu", {"h"}, {"a"})}, gelu};
  const Sequential one = net_of(layer);
  const Tensor images = random_images(one.input().with_front(2));
  for (const float eps : {0.01F, 0.1F, 0.4F}) {
    const MarginBounds known = nn::bound_margins(one, images, std::vector{0, 1}, {Norm::linf, eps}, {});
    for (const std::size_t k : {0U, 1U}) {
      const MarginBounds found = nn::bound_margins(net_of(all[k]), images, std::vector{0, 1}, {Norm::linf, eps}, {});
      for (std::size_t at = 0; at < known.bound.size(); ++at) {
        if (std::isinf(known.bound[at])) continue;
        EXPECT_NEAR(found.bound[at], known.bound[at], 2e-3) << all[k].name;
      }
    }
  }
}

/// The only curve of a network's graph.
bounds::Curve curve_in(const Sequential& net) {
  for (const bounds::Op& op : bounds::graph_of(net).ops) {
    if (op.kind == bounds::Kind::curve) return op.curve;
  }
  throw Error("no curve");
}

// The layers that the curve takes in are gone.
TEST(Chains, AreOneFunctionOfOneNumber) {
  for (const Activation& activation : activations()) {
    const bounds::Graph graph = bounds::graph_of(net_of(activation));
    const auto count = [&](bounds::Kind kind) {
      return std::ranges::count_if(graph.ops, [&](const bounds::Op& op) { return op.kind == kind; });
    };
    EXPECT_EQ(count(bounds::Kind::curve), 1) << activation.name;
    EXPECT_EQ(count(bounds::Kind::affine), activation.behind == 1 ? 3 : 4) << activation.name;
    EXPECT_EQ(count(bounds::Kind::kink), activation.name == "relu squared" ? 1 : 0) << activation.name;
  }
}

// Computed step by step in float32, a chain errs by no more than is counted: for numbers of every exponent.
TEST(Chains, ErrByNoMoreThanIsCounted) {
  for (const Activation& activation : activations()) {
    const double factor = 1 / activation.behind;
    if (activation.name == "relu squared") continue;  // its chain is the square
    const Sequential net = net_of(activation);
    const bounds::Curve curve = curve_in(net);
    Stream stream = Rng(3).stream("numbers");
    double closest = 0;
    for (int exponent = -148; exponent < 26; ++exponent) {
      for (int draw = 0; draw < 40; ++draw) {
        const float share = 1 + stream.uniform();
        const real x = std::ldexp(draw % 2 == 0 ? real{share} : -real{share}, exponent);
        real y = 0;
        curve.evaluate({&x, 1}, {&y, 1});
        // The constants are those of float32, so compare with the chain of these.
        const double exact = factor * activation.f(double{x}), error = curve.error(x, x, std::abs(exact));
        const double constants = 4 * 0x1p-24 * (std::abs(double{x}) + std::abs(exact));
        EXPECT_LE(std::abs(double{y} - exact), error + constants) << activation.name << " at " << double{x};
        closest = std::max(closest, std::abs(double{y} - exact) / (error + constants));
        EXPECT_LE(error, 1e-4 * std::max({1.0, std::abs(double{x}), std::abs(exact)}))
            << activation.name << " at " << double{x};
      }
    }
    EXPECT_GT(closest, 0) << activation.name;
  }
}

// Both lines and the range enclose the function, on narrow and wide intervals.
TEST(Chains, AreEnclosed) {
  for (const Activation& activation : activations()) {
    if (activation.name == "relu squared") continue;
    const double factor = 1 / activation.behind;
    const Sequential net = net_of(activation);
    const bounds::Curve curve = curve_in(net);
    Stream stream = Rng(4).stream("intervals");
    for (int draw = 0; draw < 60; ++draw) {
      const double middle = (2 * double{stream.uniform()} - 1) * 8, wide = std::exp2(10 * double{stream.uniform()} - 6);
      const real low = static_cast<real>(middle - wide / 2), high = static_cast<real>(middle + wide / 2);
      const bounds::Enclosure found = bounds::enclosure_of(curve, low, high);
      double gap = 0, least = 1e9, most = -1e9;
      for (int k = 0; k <= 200; ++k) {
        const double x = double{low} + (double{high} - double{low}) * k / 200, y = factor * activation.f(x);
        const double lower = double{found.lower.slope} * x + double{found.lower.add};
        const double upper = double{found.upper.slope} * x + double{found.upper.add};
        const double constants = 4 * 0x1p-24 * (std::abs(x) + std::abs(y));
        EXPECT_LE(lower, y + constants) << activation.name << " in " << double{low} << " to " << double{high};
        EXPECT_GE(upper, y - constants) << activation.name << " in " << double{low} << " to " << double{high};
        EXPECT_LE(double{found.low}, y + constants);
        EXPECT_GE(double{found.high}, y - constants);
        gap = std::max(gap, upper - lower);
        least = std::min(least, y);
        most = std::max(most, y);
      }
      EXPECT_LE(double{found.high} - double{found.low}, 1.1 * (most - least) + 0.02 * wide + 1e-3) << activation.name;
      EXPECT_LE(gap, 2.2 * (most - least) + 0.02 * wide + 1e-3) << activation.name;
    }
  }
}

TEST(Chains, OfTwoValuesAreRefused) {
  for (const auto& [architecture, why] : std::vector<std::pair<std::string, std::string>>{
           {"2x2x1;flatten;linear:units=3;linear:units=3;multiply:of=1/2;linear:units=2",
            "layer 3 (multiply) multiplies"},
           {"2x2x1;flatten;linear:units=3;softmax;multiply:of=1/2;linear:units=2", "layer 2 (softmax) has no bound"},
           {"2x2x1;flatten;linear:units=3;constant:shape=1;power:of=1/2;linear:units=2", "layer 3 (power) raises"}}) {
    const Sequential net = network(architecture, 1);
    const std::string found = testing_data::error_of(
        [&] { (void)nn::bound_margins(net, random_images(net.input().with_front(1)), std::vector<int>{0}, {}, {}); });
    EXPECT_TRUE(found.starts_with(why)) << found;
  }
}

}  // namespace
}  // namespace hans::chain_test
