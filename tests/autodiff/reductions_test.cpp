// Reductions along axes against plain loops, to the last bit; NaN, zeros, no axes; softmaxes along the last of any
// axes.
#include <hans/autodiff/arrays.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/reduce.hpp>

#include "arrays_testing.hpp"

namespace hans::reductions_test {
namespace {

using namespace testing_arrays;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

struct Reduced {
  float value;
  std::vector<float> slope;  // of the value, or of the sum for a mean
  std::vector<bool> passes;  // otherwise the gradient is +0
};

Reduced plain_reduction(Reduction kind, const std::vector<float>& row) {
  Reduced made{sum(row), std::vector<float>(row.size(), 1), std::vector<bool>(row.size(), true)};
  if (kind == Reduction::sum) return made;
  if (kind == Reduction::mean) {
    made.value /= static_cast<float>(row.size());
    return made;
  }
  if (kind == Reduction::l2) {
    std::vector<float> squares;
    for (const float value : row) squares.push_back(value * value);
    made.value = std::sqrt(sum(squares));
    made.passes.assign(row.size(), made.value > 0);
    for (std::size_t k = 0; k < row.size(); ++k) made.slope[k] = row[k] / made.value;
    return made;
  }
  std::size_t best = 0;
  for (std::size_t k = 0; k < row.size(); ++k) {
    if (kind == Reduction::max ? row[k] > row[best] : row[k] < row[best]) best = k;
  }
  made.value = row[best];
  made.passes.assign(row.size(), false);
  made.passes[best] = true;
  return made;
}

Expected reduction(Reduction kind, const Shape& shape, const Numbers& axes, bool keep) {
  Tensor x = normals(shape, "x");
  for (std::size_t k = 0; k < x.size(); ++k) {  // ties and zeros of both signs
    if (k % 3 == 1) x.mutable_data()[k] = std::round(x.data()[k]);
  }
  Numbers kept, extents;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    const bool reduced = std::ranges::count(axes, axis) > 0;
    kept.push_back(reduced ? 1 : shape[axis]);
    if (!reduced || keep) extents.push_back(kept.back());
  }
  Tensor y(shape_of(kept)), dx(shape);
  const Tensor seed = seed_for(y.shape());
  std::vector<Numbers> places(y.size());  // rising, and so in row-major order of the reduced axes
  for (std::size_t k = 0; k < x.size(); ++k) places[source_of(y.shape(), shape, k)].push_back(k);
  for (std::size_t r = 0; r < y.size(); ++r) {
    std::vector<float> row;
    for (const std::size_t k : places[r]) row.push_back(x.data()[k]);
    const Reduced made = plain_reduction(kind, row);
    y.mutable_data()[r] = made.value;
    const real g = kind == Reduction::mean ? seed.data()[r] / static_cast<real>(row.size()) : seed.data()[r];
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (made.passes[i]) dx.mutable_data()[places[r][i]] = g * made.slope[i];
    }
  }
  const std::string_view name = enum_names(kind)[static_cast<std::size_t>(kind)];
  return {text(name, " of ", shape, " over", listed(axes)),
          {x},
          [=](Vars v) { return reduce(v[0], kind, axes, keep); },
          {y.reshaped(shape_of(extents)), {dx}}};
}

TEST(Reductions, EqualPlainLoops) {
  std::vector<Expected> all;
  for (const Reduction kind : {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min, Reduction::l2}) {
    for (std::size_t set = 0; set < 16; ++set) {
      Numbers axes;
      for (std::size_t axis = 4; axis-- > 0;) {
        if ((set >> axis & 1) != 0) axes.push_back(axis);
      }
      for (const Shape& shape : {Shape{2, 3, 4, 5}, Shape{3, 1, 7, 2}}) {
        if (set != 0 || kind == Reduction::l2) all.push_back(reduction(kind, shape, axes, set % 3 == 0));
      }
    }
    all.push_back(reduction(kind, {2, 5, 7, 300}, {1, 2}, false));  // more columns than one piece has
    all.push_back(reduction(kind, {70, 300}, {1}, true));
    all.push_back(reduction(kind, {3, 300, 9}, {1}, false));
  }
  expect_bits_of(all);
}

TEST(Reductions, ANaNIsTheExtremeAndGetsTheGradient) {
  for (const Reduction kind : {Reduction::max, Reduction::min}) {
    for (const std::size_t inner : {1U, 3U, 20U}) {
      Tensor x = normals({4, inner}, "x");
      x.mutable_data()[inner] = nan;
      x.mutable_data()[3 * inner] = nan;
      const auto found = value_and_grad([&](const Var& v) { return reduce(v, kind, Numbers{0}, false); }, x);
      EXPECT_TRUE(std::isnan(found.value.data()[0]));
      for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(found.gradient.data()[k * inner], k == 1 ? 1 : 0) << k;
      for (std::size_t i = 1; i < inner; ++i) EXPECT_FALSE(std::isnan(found.value.data()[i]));
    }
  }
}

TEST(Reductions, TheFirstOfEqualsIsTheExtreme) {
  for (const Reduction kind : {Reduction::max, Reduction::min}) {
    for (const std::size_t inner : {1U, 20U}) {
      for (const float zero : {0.0F, -0.0F}) {
        Tensor x = Tensor::full({3, inner}, zero);
        for (std::size_t i = 0; i < inner; ++i) x.mutable_data()[inner + i] = -zero;
        const auto found = value_and_grad([&](const Var& v) { return reduce(v, kind, Numbers{0}, false); }, x);
        EXPECT_TRUE(identical(found.value, Tensor::full({inner}, zero)));
        EXPECT_TRUE(identical(found.gradient.rows(0, 1), Tensor::full({1, inner}, 1)));
        EXPECT_TRUE(identical(found.gradient.rows(1, 2), Tensor(Shape{2, inner})));
      }
    }
  }
}

TEST(Reductions, TheNormOfZerosHasNoSlope) {
  const auto norm = [](const Var& v) { return reduce(v, Reduction::l2, Numbers{1}, false); };
  const auto found = value_and_grad(norm, tensor({3, 2}, {0, -0.0F, 3, -4, nan, 1}));
  EXPECT_EQ(numbers(found.value.rows(0, 2)), (std::vector<float>{0, 5}));
  EXPECT_EQ(numbers(found.gradient.rows(0, 2)), (std::vector<float>{0, 0, 3.0F / 5, -4.0F / 5}));
  EXPECT_TRUE(std::isnan(found.value.data()[2]) && std::isnan(found.gradient.data()[5]));
}

TEST(Reductions, WithoutAxesNothingIsReduced) {
  Tape tape;
  const Var x = tape.watch(tensor({3}, {-0.0F, -2, nan}));
  for (const Reduction kind : {Reduction::sum, Reduction::mean, Reduction::max, Reduction::min}) {
    EXPECT_TRUE(identical(reduce(x, kind, {}, false).value(), x.value()));
  }
  EXPECT_EQ(reduce(x, Reduction::l2, {}, true).value().data()[1], 2);
}

TEST(Softmaxes, GoAlongTheLastAxis) {
  const std::vector<std::function<Var(const Var&)>> both{[](const Var& v) { return softmax(v); },
                                                         [](const Var& v) { return log_softmax(v); }};
  for (const auto& f : both) {
    for (const Shape& shape : {Shape{5}, Shape{2, 3, 4}, Shape{2, 1, 30, 3, 20}, Shape{0, 2, 3}}) {
      const std::size_t last = shape[shape.rank() - 1];
      const Shape flat{shape.elements() / last, last};
      const Tensor x = normals(shape, "logits"), seed = seed_for(flat);
      const auto weighed = [&](const Var& v, const Shape& s) { return f(v) * v.tape().constant(seed.reshaped(s)); };
      const auto found = value_and_grad([&](const Var& v) { return weighed(v, shape); }, x);
      const auto expected = value_and_grad([&](const Var& v) { return weighed(v, flat); }, x.reshaped(flat));
      EXPECT_TRUE(identical(found.value, expected.value.reshaped(shape))) << text(shape);
      EXPECT_TRUE(identical(found.gradient, expected.gradient.reshaped(shape))) << text(shape);
    }
  }
}

}  // namespace
}  // namespace hans::reductions_test
