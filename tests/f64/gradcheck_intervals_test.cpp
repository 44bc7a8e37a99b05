// The rows of intervals.hpp in the table of gradient checks.
#include <hans/autodiff/intervals.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include <hans/autodiff/gradcheck.hpp>
#include <hans/nn/intervals.hpp>

#include "gradcheck_testing.hpp"

namespace testing_gradcheck {
namespace {

/// Samples of which the last `boxes` are radii, some of them 0.
Tensor with_radii(const Shape& shape, std::size_t boxes) {
  Tensor made = normals(shape, "x");
  const std::size_t each = made.size() / shape[0];
  for (std::size_t i = made.size() - boxes * each; i < made.size(); ++i) {
    real& value = made.mutable_data()[i];
    value = i % 5 == 0 ? real{0} : std::abs(value);
  }
  return made;
}

struct Rows {
  std::size_t points, boxes;
};

}  // namespace

void add_interval_rows(std::vector<Row>& rows) {
  for (const Rows& size : {Rows{2, 0}, Rows{0, 2}, Rows{3, 2}}) {
    const std::size_t boxes = size.boxes, samples = size.points + 2 * boxes;
    const std::string detail = text(size.points, " points, ", boxes, " intervals");
    rows.push_back({"interval_linear",
                    detail,
                    {with_radii({samples, 4}, boxes), normals({4, 3}, "w"), normals({3}, "b")},
                    [boxes](Vars v) { return interval_linear(v[0], boxes, v[1], v[2]); }});
    const Window window{2, 2, 1, 1, 1, 1};
    rows.push_back({"interval_conv2d",
                    detail,
                    {with_radii({samples, 4, 5, 2}, boxes), normals({3, 3, 2, 3}, "w"), normals({3}, "b")},
                    [boxes, window](Vars v) { return interval_conv2d(v[0], boxes, v[1], v[2], window); }});
    for (const Shape& shape : {Shape{samples, 7}, Shape{samples, 2, 3, 4}}) {
      const Tensor x = with_radii(shape, boxes);
      if (boxes > 0) {
        rows.push_back({"interval_balance", detail, {x}, [boxes](Vars v) { return interval_balance(v[0], boxes); }});
      }
      rows.push_back({"interval_relu", detail, {x}, [boxes](Vars v) { return interval_relu(v[0], boxes); }});
      const Shape channels{shape[shape.rank() - 1]};
      for (std::size_t clean = 1; clean <= size.points; ++clean) {
        for (const Activation activation : {Activation::none, Activation::relu}) {
          rows.push_back({"interval_batch_norm",
                          text(detail, ", statistics of ", clean),
                          {x, normals(channels, "scale"), normals(channels, "bias")},
                          [boxes, clean, activation](Vars v) {
                            return interval_batch_norm(v[0], boxes, clean, v[1], v[2], real{1} / 8, activation).y;
                          }});
        }
      }
    }
  }
  rows.push_back(
      {"interval_margins", "", {normals({5, 3}, "logits"), with_radii({5, 6}, 5), normals({6, 3}, "w")}, [](Vars v) {
         return interval_margins(v[0], v[1], v[2], std::vector{0, 2, 1, 1, 0});
       }});
}

/// Intervals that widen much, with few active features: every term of the regulariser counts.
TEST(Gradcheck, RegulariserOfIntervals) {
  constexpr std::size_t boxes = 4;
  std::vector<Tensor> inputs{with_radii({9, 6}, boxes), with_radii({9, 8}, boxes), with_radii({9, 5}, boxes)};
  for (real& value : inputs[0].mutable_values()) value *= real{0.1};
  for (std::size_t k = 1; k < 3; ++k) {
    Tensor& x = inputs[k];
    const std::size_t each = x.size() / 9;
    for (std::size_t i = each; i < 5 * each; ++i) {
      real& centre = x.mutable_data()[i];
      centre = i % each == 0 ? real{2} + std::abs(centre) : -3 - std::abs(centre);
    }
  }
  const nn::Sequential net = nn::Sequential::parse("6x1x1;flatten;relu;relu", Rng(1));
  const Function f = [&net](Vars v) {
    return interval_imbalance(net, {v[0], v[0], std::vector<Var>(v.begin(), v.end())}, boxes);
  };
  EXPECT_LT(gradcheck(f, inputs, 1e-4), 1e-7);
  Tape tape;
  EXPECT_GT(f(tape.watch(inputs)).value().data()[0], 1.5);  // of at most 3: both kinds of terms count
}

}  // namespace testing_gradcheck
