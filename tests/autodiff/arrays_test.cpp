// Rearranging arrays against plain loops, to the last bit; what is empty; what is refused of all that arrays.hpp has.
#include <hans/autodiff/arrays.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/core/error.hpp>

#include "arrays_testing.hpp"

namespace hans::arrays_test {
namespace {

using namespace testing_arrays;

// --- plain loops -------------------------------------------------------------------------------------

Expected transposition(const Shape& shape, const Numbers& order) {
  const Tensor x = normals(shape, "x");
  Numbers extents;
  for (const std::size_t axis : order) extents.push_back(shape[axis]);
  Tensor y(shape_of(extents)), dx(shape);
  const Tensor seed = seed_for(y.shape());
  for (std::size_t k = 0; k < y.size(); ++k) {
    const Numbers to = indices_of(y.shape(), k);
    Numbers from(order.size());
    for (std::size_t axis = 0; axis < order.size(); ++axis) from[order[axis]] = to[axis];
    y.mutable_data()[k] = x.data()[element_at(shape, from)];
    dx.mutable_data()[element_at(shape, from)] = seed.data()[k];
  }
  return {text("transpose ", shape, " to", listed(order)),
          {x},
          [order](Vars v) { return transpose(v[0], order); },
          {y, {dx}}};
}

Expected taking(const Shape& shape, std::size_t axis, const Numbers& indices) {
  constexpr float fill = -7;
  const Tensor x = normals(shape, "x");
  Numbers extents(shape.begin(), shape.end());
  extents[axis] = indices.size();
  Tensor y(shape_of(extents)), dx(shape);
  const Tensor seed = seed_for(y.shape());
  for (std::size_t k = 0; k < y.size(); ++k) {
    Numbers at = indices_of(y.shape(), k);
    at[axis] = indices[at[axis]];
    const bool something = at[axis] != nothing;
    y.mutable_data()[k] = something ? x.data()[element_at(shape, at)] : fill;
    if (something) dx.mutable_data()[element_at(shape, at)] += seed.data()[k];
  }
  return {text("take from ", shape, " along ", axis, listed(indices).substr(0, 40)),
          {x},
          [=](Vars v) { return take(v[0], axis, indices, fill); },
          {y, {dx}}};
}

Expected concatenation(const Shape& shape, std::size_t axis, const Numbers& lengths) {
  Expected e{text("concat of ", shape, " along ", axis), {}, [axis](Vars v) { return concat(v, axis); }, {}};
  Numbers extents(shape.begin(), shape.end());
  extents[axis] = 0;
  for (const std::size_t length : lengths) extents[axis] += length;
  Tensor y(shape_of(extents));
  const Tensor seed = seed_for(y.shape());
  std::size_t before = 0;
  for (const std::size_t length : lengths) {
    extents[axis] = length;
    const Tensor x = normals(shape_of(extents), text("part", length));
    Tensor dx(x.shape());
    for (std::size_t k = 0; k < x.size(); ++k) {
      Numbers at = indices_of(x.shape(), k);
      at[axis] += before;
      y.mutable_data()[element_at(y.shape(), at)] = x.data()[k];
      dx.mutable_data()[k] = seed.data()[element_at(y.shape(), at)];
    }
    before += length;
    e.inputs.push_back(x);
    e.result.gradients.push_back(dx);
  }
  e.result.value = y;
  return e;
}

Expected stretching(const Shape& from, const Shape& to) {
  const Tensor x = normals(from, "x");
  Tensor y(to);
  for (std::size_t k = 0; k < y.size(); ++k) y.mutable_data()[k] = x.data()[source_of(from, to, k)];
  return {text("broadcast ", from, " to ", to),
          {x},
          [to](Vars v) { return broadcast_to(v[0], to); },
          {y, {sum_to(seed_for(to), from)}}};
}

// --- tables ------------------------------------------------------------------------------------------

/// `count` numbers from `first` on, `step` apart.
Numbers steps(std::size_t first, std::size_t count, std::size_t step) {
  Numbers all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(first + i * step);
  return all;
}

std::vector<Expected> all_expected() {
  std::vector<Expected> all;
  for (const Shape& shape :
       {Shape{2, 3, 4, 5}, Shape{1, 7, 1, 5}, Shape{33, 1, 17}, Shape{40, 50}, Shape{9}, Shape{}}) {
    Numbers order(shape.rank());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
    do all.push_back(transposition(shape, order));
    while (std::ranges::next_permutation(order).found);
  }
  all.push_back(transposition({2, 3, 1, 4, 2, 5}, {4, 1, 5, 2, 0, 3}));
  all.push_back(transposition({3, 60, 70, 5}, {0, 3, 1, 2}));
  all.push_back(transposition({3, 5, 60, 70}, {0, 2, 3, 1}));

  const std::vector<Numbers> picks{
      {2, 1, 0},  // a flip
      {0, 0, 0, 1, 2, 2}, {nothing, nothing, 0, 1, 2, nothing}, {2, 0, 2, nothing, 2, 1, 2}, {nothing}, {1}};
  for (const Shape& shape : {Shape{3, 2, 4}, Shape{2, 3, 4}, Shape{2, 4, 3}}) {
    const auto axis = static_cast<std::size_t>(std::ranges::find(shape, std::size_t{3}) - shape.begin());
    for (const Numbers& indices : picks) all.push_back(taking(shape, axis, indices));
  }
  all.push_back(taking({3, 50, 40, 6}, 2, steps(1, 13, 3)));
  all.push_back(taking({3, 50, 40, 6}, 1, steps(7, 30, 1)));
  all.push_back(taking({60, 700}, 1, steps(0, 350, 2)));
  all.push_back(taking({2, 3}, 1, {}));
  all.push_back(taking({2, 0}, 1, {nothing, nothing}));

  for (std::size_t axis = 0; axis < 3; ++axis) all.push_back(concatenation({2, 3, 4}, axis, {1, 3, 0, 2}));
  all.push_back(concatenation({70, 1, 300}, 1, {3, 4}));
  all.push_back(concatenation({5}, 0, {5}));

  const std::vector<std::pair<Shape, Shape>> stretches{{{}, {}},
                                                       {{}, {2, 3}},
                                                       {{3}, {2, 3}},
                                                       {{2, 1}, {2, 3}},
                                                       {{1, 1}, {3, 2}},
                                                       {{2, 3}, {2, 3}},
                                                       {{2, 1, 3, 1}, {4, 2, 5, 3, 2}},
                                                       {{50, 1, 6}, {50, 90, 6}},
                                                       {{1}, {0}},
                                                       {{2, 1}, {300, 2, 90}}};
  for (const auto& one : stretches) all.push_back(stretching(one.first, one.second));
  return all;
}

TEST(Arrays, EqualPlainLoops) { expect_bits_of(all_expected()); }

TEST(Arrays, MovingExtentsOfOneCopiesNothing) {
  Tape tape;
  const Var x = tape.constant(normals({3, 1, 4, 1}, "x"));
  const Var y = transpose(x, Numbers{1, 0, 3, 2});
  EXPECT_EQ(y.shape(), (Shape{1, 3, 1, 4}));
  EXPECT_EQ(y.value().data(), x.value().data());
}

TEST(Arrays, EmptyOnesWorkOrAreRefused) {
  Tape tape;
  const auto empty = [&](const Shape& shape) { return tape.watch(Tensor(shape)); };
  EXPECT_EQ(transpose(empty({2, 0, 3}), Numbers{2, 1, 0}).shape(), (Shape{3, 0, 2}));
  EXPECT_EQ(take(empty({0, 3}), 1, Numbers{2, nothing}).shape(), (Shape{0, 2}));
  EXPECT_EQ(concat(std::vector<Var>{empty({0, 3}), empty({2, 3})}, 0).shape(), (Shape{2, 3}));
  EXPECT_EQ(broadcast_to(empty({0, 1}), {2, 0, 4}).shape(), (Shape{2, 0, 4}));
  EXPECT_EQ(numbers(reduce(empty({2, 0}), Reduction::sum, Numbers{1}, false).value()), (std::vector<float>{0, 0}));
  EXPECT_EQ(numbers(reduce(empty({2, 0}), Reduction::l2, Numbers{1}, true).value()), (std::vector<float>{0, 0}));
  for (const Reduction kind : {Reduction::mean, Reduction::max, Reduction::min}) {
    EXPECT_THROW((void)reduce(empty({2, 0}), kind, Numbers{1}, false), Error);
    EXPECT_EQ(reduce(empty({0, 2, 3}), kind, Numbers{1}, true).shape(), (Shape{0, 1, 3}));
  }
  EXPECT_EQ(matmul(empty({0, 3}), empty({3, 4})).shape(), (Shape{0, 4}));
  EXPECT_EQ(matmul(empty({2, 3, 4}), empty({2, 4, 0})).shape(), (Shape{2, 3, 0}));
  const auto nothing_to_add = [&](const Var& v) { return matmul(v, v.tape().constant(Tensor(Shape{5, 0, 2}))); };
  const auto found = value_and_grad(nothing_to_add, Tensor(Shape{3, 0}));
  EXPECT_EQ(numbers(found.value), std::vector<float>(30, 0));
  EXPECT_EQ(found.gradient.shape(), (Shape{3, 0}));
}

TEST(Arrays, RefuseWhatDoesNotFit) {
  struct Refusal {
    std::function<Var(const Var&)> f;  // of an array of 2x3x4
    std::string says;
  };
  const auto zeros = [](const Var& v, const Shape& shape) { return v.tape().constant(Tensor(shape)); };
  const std::vector<Refusal> refusals{
      {[](const Var& v) {
         return transpose(v, Numbers{0, 1});
       },
       "2x3x4 needs an order of 3 axes, not of 2"},
      {[](const Var& v) {
         return transpose(v, Numbers{0, 1, 3});
       },
       "2x3x4 has no axis 3"},
      {[](const Var& v) {
         return transpose(v, Numbers{0, 2, 2});
       },
       "axis 2 of 2x3x4 is named twice"},
      {[](const Var& v) {
         return transpose(v, Numbers{0, 1, nothing});
       },
       "has no axis"},
      {[](const Var& v) { return take(v, 3, Numbers{0}); }, "2x3x4 has no axis 3"},
      {[](const Var& v) {
         return take(v, 1, Numbers{0, 3});
       },
       "axis 1 of 2x3x4 has no index 3"},
      {[](const Var& v) { return take(v, 1, Numbers{nothing - 1}); }, "has no index"},
      {[](const Var&) { return concat({}, 0); }, "at least one part"},
      {[](const Var& v) {
         return concat({&v, 1}, 3);
       },
       "2x3x4 has no axis 3"},
      {[&](const Var& v) {
         return concat(std::vector<Var>{v, zeros(v, {2, 4, 5})}, 1);
       },
       "2x3x4 and 2x4x5 differ"},
      {[&](const Var& v) {
         return concat(std::vector<Var>{v, zeros(v, {2, 3})}, 0);
       },
       "2x3x4 and 2x3 differ"},
      {[&](const Var& v) {
         const Var most = zeros(v, {0, std::numeric_limits<std::size_t>::max()});
         return concat(std::vector<Var>{most, most}, 1);
       },
       "too long"},
      {[](const Var& v) {
         return broadcast_to(v, {3, 4});
       },
       "2x3x4 does not stretch to 3x4"},
      {[](const Var& v) {
         return broadcast_to(v, {2, 1, 4});
       },
       "does not stretch to 2x1x4"},
      {[](const Var& v) {
         return broadcast_to(v, {2, 6, 4});
       },
       "2x3x4 and 2x6x4 do not broadcast"},
      {[](const Var& v) { return reduce(v, Reduction::sum, Numbers{3}, false); }, "2x3x4 has no axis 3"},
      {[](const Var& v) {
         return reduce(v, Reduction::max, Numbers{1, 1}, true);
       },
       "axis 1 of 2x3x4 is named twice"},
      {[&](const Var& v) { return reduce(zeros(v, {0}), Reduction::max, Numbers{0}, true); }, "to take the max of"},
      {[&](const Var& v) {
         return matmul(v, zeros(v, {3, 4}));
       },
       "not 2x3x4 and 3x4"},
      {[&](const Var& v) { return matmul(v, zeros(v, {4})); }, "not 2x3x4 and 4"},
      {[&](const Var& v) { return matmul(zeros(v, {}), v); }, "not scalar and 2x3x4"},
      {[&](const Var& v) {
         return matmul(v, zeros(v, {3, 4, 5}));
       },
       "2 and 3 do not broadcast"}};
  for (const Refusal& refusal : refusals) {
    Tape tape;
    try {
      (void)refusal.f(tape.watch(Tensor(Shape{2, 3, 4})));
      ADD_FAILURE() << "not refused: " << refusal.says;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(refusal.says), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace hans::arrays_test
