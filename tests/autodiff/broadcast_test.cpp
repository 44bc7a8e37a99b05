// Broadcasting and its undoing, element by element against their definitions.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include <hans/autodiff/functions.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/reduce.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>

namespace hans::broadcast_test {
namespace {

/// Normal numbers, every seventh of them -0.
Tensor numbers(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(5).stream(name).normals(made.mutable_values());
  for (std::size_t i = 0; i < made.size(); i += 7) made.mutable_data()[i] = -0.0F;
  return made;
}

/// The index in `of` that element `index` of a tensor of shape `to` comes from, or goes to.
std::size_t place(const Shape& of, const Shape& to, std::size_t index) {
  std::array<std::size_t, Shape::max_rank> at{};
  for (std::size_t axis = to.rank(); axis-- > 0; index /= to[axis]) at[axis] = index % to[axis];
  std::size_t found = 0;
  for (std::size_t axis = 0; axis < of.rank(); ++axis) {
    const std::size_t there = at[to.rank() - of.rank() + axis];
    found = found * of[axis] + (of[axis] == 1 ? 0 : there);
  }
  return found;
}

template <class Check>
void with_threads(Check check) {
  const std::size_t before = thread_count();
  for (const std::size_t threads : {1U, 2U, 3U}) {
    set_thread_count(threads);
    check();
  }
  set_thread_count(before);
}

TEST(Broadcast, EveryElementComesFromItsPlace) {
  const std::vector<std::vector<Shape>> cases{
      {{}, {}, {}},
      {{1, 1}, {1}, {}},
      {{5}, {5}, {5}},
      {{5}, {1}, {}},
      {{40, 50, 30}, {30}, {1}},  // channels, and so on: all of more than one piece
      {{40, 50, 30}, {50, 30}, {50, 1}},
      {{40, 50, 30}, {40, 1, 30}, {40, 1, 1}},
      {{40, 50, 30}, {40, 50, 1}, {1, 1, 30}},
      {{4, 60, 1, 100}, {60, 3, 1}, {100}},
      {{1, 70, 1, 500}, {3, 1, 2, 1}, {70, 1, 1}},
      {{2, 1, 3, 1, 2, 1}, {1, 4, 1, 5, 1, 3}, {5, 1, 1}},
      {{33000}, {2, 1}, {}},
      {{0, 3}, {3}, {1, 1}},
      {{3, 0, 2}, {1, 2}, {}},
  };
  with_threads([&] {
    for (const std::vector<Shape>& shapes : cases) {
      for (std::size_t turn = 0; turn < 3; ++turn) {
        const Tensor a = numbers(shapes[turn], "a");
        const Tensor b = numbers(shapes[(turn + 1) % 3], "b");
        const Tensor c = numbers(shapes[(turn + 2) % 3], "c");
        Tape tape;
        const Var x = tape.constant(a);
        const Var y = tape.constant(b);
        const Tensor two = (x - y).value();
        ASSERT_EQ(two.shape(), broadcast(a.shape(), b.shape()));
        std::size_t wrong = 0;
        for (std::size_t i = 0; i < two.size(); ++i) {
          const Shape& to = two.shape();
          wrong += two.data()[i] != a.data()[place(a.shape(), to, i)] - b.data()[place(b.shape(), to, i)] ? 1U : 0U;
        }
        EXPECT_EQ(wrong, 0U) << text(a.shape(), " and ", b.shape());

        const Tensor three = where(x, y, tape.constant(c)).value();
        for (std::size_t i = 0; i < three.size(); ++i) {
          const Shape& to = three.shape();
          const bool taken = a.data()[place(a.shape(), to, i)] != 0;
          const float expected = taken ? b.data()[place(b.shape(), to, i)] : c.data()[place(c.shape(), to, i)];
          wrong += three.data()[i] != expected ? 1U : 0U;
        }
        EXPECT_EQ(wrong, 0U) << text(a.shape(), ", ", b.shape(), " and ", c.shape());
      }
    }
  });
}

/// As sum_to is defined: what belongs to an element, in rising index order, summed by sum().
Tensor defined_sum(const Tensor& gradient, const Shape& shape) {
  std::vector<std::vector<float>> summands(shape.elements());
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    summands[place(shape, gradient.shape(), i)].push_back(gradient.data()[i]);
  }
  Tensor made(shape);
  for (std::size_t r = 0; r < summands.size(); ++r) made.mutable_data()[r] = sum(summands[r]);
  return made;
}

TEST(Broadcast, SumToGivesTheDefinedBits) {
  const std::vector<Shape> cases{{},
                                 {1},
                                 {40},
                                 {40, 33},
                                 {17, 1, 3, 2, 19},
                                 {2, 3, 4, 5, 2, 3},
                                 {35, 24, 24, 32},  // samples of images
                                 {700, 3, 40},
                                 {5000, 3},
                                 {20, 5000},
                                 {3, 300, 7, 3, 4},
                                 {0, 3},
                                 {3, 0, 2}};
  with_threads([&] {
    for (const Shape& from : cases) {
      const Tensor gradient = numbers(from, "gradient");
      for (unsigned axes = 0; axes < 1U << from.rank(); ++axes) {  // whose bit is set are summed over
        std::vector<std::size_t> extents(from.begin(), from.end());
        for (std::size_t axis = 0; axis < from.rank(); ++axis) {
          if ((axes >> axis & 1U) != 0) extents[axis] = 1;
        }
        const Tensor expected = defined_sum(gradient, Shape(extents));
        EXPECT_TRUE(identical(sum_to(gradient, expected.shape()), expected)) << text(from, " to ", expected.shape());
        const auto first = std::ranges::find_if(extents, [](std::size_t extent) { return extent != 1; });
        const Shape shorter(std::vector<std::size_t>(first, extents.end()));
        EXPECT_TRUE(identical(sum_to(gradient, shorter), expected.reshaped(shorter))) << text(from, " to ", shorter);
      }
    }
  });
}

TEST(Broadcast, GradientsThatMeetAreAddedUp) {
  with_threads([] {
    const Tensor x = numbers({3, 11000}, "x");
    Tape tape;
    const std::vector<Var> v{tape.watch(x)};
    std::vector<Tensor> gradients(1);
    tape.gradients(v[0] * 2 + v[0] * 3, Tensor::full(x.shape(), 1), v, gradients);
    EXPECT_TRUE(identical(gradients[0], Tensor::full(x.shape(), 5)));
  });
}

}  // namespace
}  // namespace hans::broadcast_test
