// Linear bounds in training against finite differences, with respect to images, radii and weights.
#include <hans/nn/intervals.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string_view>
#include <vector>

#include <hans/autodiff/gradcheck.hpp>

#include "gradcheck_testing.hpp"

namespace testing_gradcheck {
namespace {

TEST(Gradcheck, LinearBoundsOfNetworks) {
  for (const std::string_view architecture :
       {"5x4x1;conv2d:filters=3,kernel=2,stride=2,padding=1;relu;flatten;linear:units=5;relu;linear:units=3",
        "4x4x1;conv2d:filters=2,kernel=3,bias=false;batch_norm;relu;flatten;linear:units=4;batch_norm;relu;"
        "linear:units=3,bias=false",
        "3x3x2;conv2d:filters=2,kernel=3,padding=1;relu;conv2d:filters=2,kernel=3,padding=1;add:of=1/2;relu;flatten;"
        "linear:units=3"}) {
    const nn::Sequential net = nn::Sequential::parse(architecture, Rng(8));
    const std::vector<int> labels{2, 0};
    constexpr std::size_t points = 3, clean = 3, boxes = 2;
    std::vector<Tensor> inputs(net.weights().begin(), net.weights().end());
    for (Tensor& weight : inputs) {
      if (weight.shape().rank() == 1) weight = away_from_zero(weight.shape(), "bias");
    }
    Tensor x = normals(net.input().with_front(points + 2 * boxes), "images");
    const std::size_t radii = x.size() / (points + 2 * boxes) * boxes;
    for (std::size_t i = x.size() - radii; i < x.size(); ++i) {
      real& value = x.mutable_data()[i];
      value = std::abs(value) * real{0.3};
    }
    inputs.push_back(x);
    const std::vector<std::uint32_t> index(points);
    const DropoutKeys keys{Rng(1), 0, index};
    const auto margins = [&](Vars v) {
      std::vector<nn::BatchStatistics> statistics;
      const Vars weights = v.first(v.size() - 1);
      const nn::IntervalPass pass =
          interval_pass(net, weights, v.back(), points, clean, labels, {&keys, &statistics}, nn::Trace::inputs);
      return crown_margins(net, weights, pass, clean, labels);
    };
    EXPECT_LT(gradcheck(margins, inputs, 1e-5), 1e-7) << architecture;
  }
}

}  // namespace
}  // namespace testing_gradcheck
