// What the tests of operations on arrays have in common: plain loops' results, for every kernel set and several thread
// counts.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/autodiff/tape.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>

#include "../core/kernels_testing.hpp"

namespace testing_arrays {

using namespace hans;
using Numbers = std::vector<std::size_t>;
using Vars = std::span<const Var>;

inline Tensor normals(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(21).stream(name).normals(made.mutable_values());
  return made;
}

inline Tensor tensor(const Shape& shape, std::vector<float> values) { return Tensor(shape, values); }
inline std::vector<float> numbers(const Tensor& t) { return {t.values().begin(), t.values().end()}; }
inline Shape shape_of(const Numbers& extents) { return Shape(std::span<const std::size_t>(extents)); }

inline std::string listed(const Numbers& axes) {
  std::string all;
  for (const std::size_t axis : axes) append(all, text(" ", axis));
  return all;
}

/// The indices of an element along the axes, and back.
inline Numbers indices_of(const Shape& shape, std::size_t element) {
  Numbers indices(shape.rank());
  for (std::size_t axis = shape.rank(); axis-- > 0; element /= shape[axis]) indices[axis] = element % shape[axis];
  return indices;
}
inline std::size_t element_at(const Shape& shape, const Numbers& indices) {
  std::size_t element = 0;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) element = element * shape[axis] + indices[axis];
  return element;
}

/// The place in an array of shape `from` of an element of `to`, to which it is broadcast.
inline std::size_t source_of(const Shape& from, const Shape& to, std::size_t element) {
  Numbers indices = indices_of(to, element);
  indices.erase(indices.begin(), indices.end() - static_cast<std::ptrdiff_t>(from.rank()));
  for (std::size_t axis = 0; axis < from.rank(); ++axis) indices[axis] = std::min(indices[axis], from[axis] - 1);
  return element_at(from, indices);
}

struct Result {
  Tensor value;
  std::vector<Tensor> gradients;
};

/// An operation and what it should give, with seed_for() as the gradient of its value.
struct Expected {
  std::string what;
  std::vector<Tensor> inputs;
  std::function<Var(Vars)> f;
  Result result;
};

inline Tensor seed_for(const Shape& shape) { return normals(shape, "seed"); }

inline Result result_of(const Expected& e) {
  Tape tape;
  const std::vector<Var> inputs = [&] {
    const std::span<const Var> watched = tape.watch(e.inputs);
    return std::vector<Var>(watched.begin(), watched.end());
  }();
  const Var y = e.f(inputs);
  Result found{y.value(), std::vector<Tensor>(inputs.size())};
  tape.gradients(y, seed_for(y.shape()), inputs, found.gradients);
  return found;
}

/// Not in a build that computes in another order.
inline void expect_bits_of(const std::vector<Expected>& all) {
  if (!kernels::reproducible()) GTEST_SKIP() << kernels::reservation();
  const kernels::Setting setting;
  for (const std::string& set : kernels::available()) {
    kernels::select(set);
    for (const std::size_t threads : {1U, 2U, 3U}) {
      set_thread_count(threads);
      for (const Expected& expected : all) {
        SCOPED_TRACE(text(expected.what, " by ", set, " on ", threads, " threads"));
        const Result found = result_of(expected);
        EXPECT_TRUE(identical(found.value, expected.result.value));
        ASSERT_EQ(found.gradients.size(), expected.result.gradients.size());
        for (std::size_t i = 0; i < found.gradients.size(); ++i) {
          EXPECT_TRUE(identical(found.gradients[i], expected.result.gradients[i])) << "gradient " << i;
        }
      }
    }
  }
}

}  // namespace testing_arrays
