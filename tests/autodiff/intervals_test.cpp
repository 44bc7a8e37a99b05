// Points and intervals through a network together, against the operations on points and the ends of intervals.
#include <hans/autodiff/intervals.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>

namespace hans::intervals_test {
namespace {

Tensor normals(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(31).stream(name).normals(made.mutable_values());
  return made;
}

/// The last `boxes` samples become radii.
Tensor with_radii(const Shape& shape, std::size_t boxes, real largest = 1) {
  Tensor made = normals(shape, "x");
  const std::size_t each = made.size() / shape[0];
  for (std::size_t i = made.size() - boxes * each; i < made.size(); ++i) {
    made.mutable_data()[i] = largest * std::abs(made.data()[i]);
  }
  return made;
}

/// An operation on x, by intervals, and on points alone.
struct Case {
  std::string name;
  Shape shape;  // of one sample
  std::function<Var(const Var&, std::size_t boxes)> intervals;
  std::function<Var(const Var&)> points;
};

std::vector<Case> cases() {
  const Window window{2, 2, 1, 1, 1, 1};
  const Tensor w = normals({17, 9}, "w"), b = normals({9}, "b"), k = normals({3, 3, 2, 5}, "k"),
               kb = normals({5}, "kb");
  const Tensor scale = normals({4}, "scale"), bias = normals({4}, "bias");
  const auto given = [](const Var& x, const Tensor& t) { return x.tape().constant(t); };
  // Statistics of the first two samples alone, whatever follows.
  const auto first_two = [=](const Var& x, std::size_t boxes, Activation last) {
    return interval_batch_norm(x, boxes, 2, given(x, scale), given(x, bias), real{0.125F}, last).y;
  };
  return {{"linear",
           {17},
           [=](const Var& x, std::size_t n) { return interval_linear(x, n, given(x, w), given(x, b)); },
           [=](const Var& x) { return linear(x, given(x, w), given(x, b)); }},
          {"conv2d",
           {6, 5, 2},
           [=](const Var& x, std::size_t n) { return interval_conv2d(x, n, given(x, k), given(x, kb), window); },
           [=](const Var& x) { return conv2d(x, given(x, k), given(x, kb), window); }},
          {"relu",
           {13},
           [](const Var& x, std::size_t n) { return interval_relu(x, n); },
           [](const Var& x) { return relu(x); }},
          {"batch_norm",
           {3, 3, 4},
           [=](const Var& x, std::size_t n) { return first_two(x, n, Activation::none); },
           [=](const Var& x) { return first_two(x, 0, Activation::none); }},
          {"batch_norm, relu",
           {3, 3, 4},
           [=](const Var& x, std::size_t n) { return first_two(x, n, Activation::relu); },
           [=](const Var& x) { return first_two(x, 0, Activation::relu); }}};
}

/// Values of x's samples `first` to `first + count`.
Tensor rows(const Tensor& x, std::size_t first, std::size_t count) { return x.rows(first, count); }

TEST(Intervals, LeavePointsAsTheyAre) {
  for (const Case& one : cases()) {
    Tape tape;
    const Tensor x = with_radii(one.shape.with_front(9), 3);
    const Tensor points = one.points(tape.constant(rows(x, 0, 3))).value();
    EXPECT_TRUE(identical(one.intervals(tape.constant(x), 3).value().rows(0, 3), points)) << one.name;
    EXPECT_TRUE(identical(one.intervals(tape.constant(rows(x, 0, 3)), 0).value(), points)) << one.name;
  }
}

/// No value lies outside, and each end is the value at some corner: of monotone pieces at the corner that the signs of
/// the weights choose, so all corners of few features are tried.
TEST(Intervals, ContainAllValuesAndNoMore) {
  const Tensor w = normals({6, 5}, "few");
  const auto affine_then_relu = [&](const Var& x, std::size_t boxes) {
    return interval_relu(interval_linear(x, boxes, x.tape().constant(w)), boxes);
  };
  Tape tape;
  const Tensor x = with_radii({8, 6}, 4, real{0.4F});
  const Tensor y = affine_then_relu(tape.constant(x), 4).value();
  for (std::size_t box = 0; box < 4; ++box) {
    std::vector<double> low(5, std::numeric_limits<double>::infinity()), high(5, -low[0]);
    for (unsigned corner = 0; corner < 64; ++corner) {
      for (std::size_t unit = 0; unit < 5; ++unit) {
        double sum = 0;
        for (std::size_t i = 0; i < 6; ++i) {
          const double reach = double{x.data()[(4 + box) * 6 + i]}, side = (corner >> i & 1U) != 0 ? reach : -reach;
          sum += (double{x.data()[box * 6 + i]} + side) * double{w.data()[i * 5 + unit]};
        }
        low[unit] = std::min(low[unit], std::max(sum, 0.0));
        high[unit] = std::max(high[unit], std::max(sum, 0.0));
      }
    }
    for (std::size_t unit = 0; unit < 5; ++unit) {
      const double centre = double{y.data()[box * 5 + unit]}, radius = double{y.data()[(4 + box) * 5 + unit]};
      EXPECT_NEAR(centre - radius, low[unit], 1e-5) << box << " " << unit;
      EXPECT_NEAR(centre + radius, high[unit], 1e-5) << box << " " << unit;
    }
  }
}

TEST(Intervals, OfMarginsAreAttained) {
  const Tensor w = normals({5, 4}, "w"), x = with_radii({6, 5}, 3, real{0.5F});
  const std::vector<int> labels{2, 0, 3};
  Tape tape;
  const Var weights = tape.constant(w);
  const Var logits = linear(tape.constant(rows(x, 0, 3)), weights);
  const Tensor bounds = interval_margins(logits, tape.constant(rows(x, 3, 3)), weights, labels).value();
  for (std::size_t box = 0; box < 3; ++box) {
    const auto label = static_cast<std::size_t>(labels[box]);
    for (std::size_t j = 0; j < 4; ++j) {
      double most = j == label ? 0 : -std::numeric_limits<double>::infinity();
      for (unsigned corner = 0; corner < 32 && j != label; ++corner) {
        double sum = 0;
        for (std::size_t i = 0; i < 5; ++i) {
          const double reach = double{x.data()[(3 + box) * 5 + i]}, side = (corner >> i & 1U) != 0 ? reach : -reach;
          const double difference = double{w.data()[i * 4 + j]} - double{w.data()[i * 4 + label]};
          sum += (double{x.data()[box * 5 + i]} + side) * difference;
        }
        most = std::max(most, sum);
      }
      EXPECT_NEAR(double{bounds.data()[box * 4 + j]}, most, 1e-5) << box << " " << j;
    }
  }
}

/// Against loops over features in double.
TEST(Intervals, AreInBalanceAsPlainLoopsSay) {
  for (const Shape& shape : {Shape{9, 7}, Shape{8, 3, 4, 5}}) {
    constexpr std::size_t boxes = 3;
    const Tensor x = with_radii(shape, boxes, real{0.3F});
    const std::size_t each = x.size() / shape[0], first = (shape[0] - 2 * boxes) * each, count = boxes * each;
    std::vector<double> expected(5);
    double mean = 0;
    std::size_t active = 0, inactive = 0;
    const auto centre = [&](std::size_t i) { return double{x.data()[first + i]}; };
    const auto radius = [&](std::size_t i) { return double{x.data()[first + count + i]}; };
    for (std::size_t i = 0; i < count; ++i) mean += centre(i) / double(count);
    for (std::size_t i = 0; i < count; ++i) {
      const double square = (centre(i) - mean) * (centre(i) - mean);
      expected[0] += radius(i) / double(count);
      if (centre(i) > radius(i)) {
        expected[1] += centre(i) / double(count);
        expected[3] += square / double(count);
        ++active;
      } else if (centre(i) < -radius(i)) {
        expected[2] -= centre(i) / double(count);
        expected[4] += square / double(count);
        ++inactive;
      }
    }
    EXPECT_TRUE(active > 3 && inactive > 3 && active + inactive < count);
    Tape tape;
    const Tensor found = interval_balance(tape.constant(x), boxes).value();
    ASSERT_EQ(found.shape(), Shape{5});
    for (std::size_t k = 0; k < 5; ++k) EXPECT_NEAR(double{found.data()[k]}, expected[k], 1e-6) << k;
  }
  Tape tape;
  for (const real value : interval_balance(tape.constant(normals({2, 3}, "x")), 0).value().values()) {
    EXPECT_TRUE(std::isnan(value));
  }
  EXPECT_THROW(interval_balance(tape.constant(normals({2, 3}, "x")), 2), Error);
}

/// Two nodes as one network would use them, on one thread and on several.
TEST(Intervals, HaveTheSameBitsOnAnyThreads) {
  const auto gradients_on = [](std::size_t threads) {
    const std::size_t before = thread_count();
    set_thread_count(threads);
    Tape tape;
    const Tensor start = with_radii({90, 12, 12, 3}, 30);
    const std::vector<Var> v{tape.watch(start), tape.watch(normals({3, 3, 3, 24}, "k")), tape.watch(normals({24}, "s")),
                             tape.watch(normals({24}, "b"))};
    const Var z = interval_conv2d(v[0], 30, v[1], {}, {});
    const Var y = interval_batch_norm(z, 30, 20, v[2], v[3], real{1e-5F}, Activation::relu).y;
    std::vector<Tensor> all(v.size());
    tape.gradients(y, normals(y.shape(), "seed"), v, all);
    all.push_back(y.value());
    const Var balance = interval_balance(z, 30);
    all.resize(2 * v.size() + 1);
    tape.gradients(balance, normals(balance.shape(), "seed"), v, std::span(all).last(v.size()));
    all.push_back(balance.value());
    set_thread_count(before);
    return all;
  };
  const std::vector<Tensor> one = gradients_on(1);
  for (const std::size_t threads : {2UL, 3UL, 8UL}) {
    const std::vector<Tensor> more = gradients_on(threads);
    for (std::size_t k = 0; k < one.size(); ++k) EXPECT_TRUE(identical(one[k], more[k])) << threads << " " << k;
  }
}

TEST(Intervals, RefuseWhatDoesNotFit) {
  Tape tape;
  const Var x = tape.constant(normals({5, 4}, "x")), w = tape.constant(normals({4, 3}, "w"));
  const Var four = tape.constant(normals({4}, "four")), three = tape.constant(normals({3}, "three"));
  EXPECT_THROW(interval_linear(x, 3, w), Error);
  EXPECT_THROW(interval_linear(x, std::numeric_limits<std::size_t>::max(), w), Error);
  EXPECT_THROW(interval_linear(x, 1, w, four), Error);
  EXPECT_THROW(interval_conv2d(x, 1, w, {}, {}), Error);
  EXPECT_THROW(interval_relu(x, 3), Error);
  EXPECT_NO_THROW(interval_relu(tape.constant(Tensor(Shape{3, 0})), 1));
  const auto normed = [&](std::size_t boxes, std::size_t clean, const Var& scale) {
    return interval_batch_norm(x, boxes, clean, scale, four, 1, Activation::none).y;
  };
  EXPECT_NO_THROW(normed(2, 1, four));
  EXPECT_THROW(normed(2, 0, four), Error);
  EXPECT_THROW(normed(2, 2, four), Error);
  EXPECT_THROW(normed(2, 1, three), Error);
  const Var logits = tape.constant(normals({2, 3}, "logits")), radii = tape.constant(normals({2, 4}, "radii"));
  EXPECT_NO_THROW(interval_margins(logits, radii, w, std::vector{0, 2}));
  EXPECT_THROW(interval_margins(logits, radii, w, std::vector{0, 3}), Error);
  EXPECT_THROW(interval_margins(logits, radii, w, std::vector{0, -1}), Error);
  EXPECT_THROW(interval_margins(logits, radii, w, std::vector{0}), Error);
  EXPECT_THROW(interval_margins(radii, logits, w, std::vector{0, 1}), Error);
}

}  // namespace
}  // namespace hans::intervals_test
