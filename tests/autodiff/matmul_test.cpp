// Products of arrays of matrices against plain loops, to the last bit.
#include <hans/autodiff/arrays.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <hans/core/math.hpp>

#include "arrays_testing.hpp"

namespace hans::matmul_test {
namespace {

using namespace testing_arrays;

Expected product(const Shape& left, const Shape& right) {
  const Tensor a = normals(left, "a"), b = normals(right, "b");
  const auto stack_of = [](const Shape& s) { return Shape(std::span<const std::size_t>(s.begin(), s.rank() - 2)); };
  const Shape stack = broadcast(stack_of(left), stack_of(right));
  const std::size_t m = left[left.rank() - 2], depth = left[left.rank() - 1], n = right[right.rank() - 1];
  const auto matrices = [&](std::size_t rows, std::size_t columns) {
    Numbers extents(stack.begin(), stack.end());
    extents.push_back(rows);
    extents.push_back(columns);
    return Tensor(shape_of(extents));
  };
  Tensor y = matrices(m, n), da = matrices(m, depth), db = matrices(depth, n);
  const Tensor seed = seed_for(y.shape());
  for (std::size_t s = 0; s < stack.elements(); ++s) {
    const float* const x = a.data() + source_of(stack_of(left), stack, s) * m * depth;
    const float* const w = b.data() + source_of(stack_of(right), stack, s) * depth * n;
    const float* const g = seed.data() + s * m * n;
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < depth; ++k) {
          float& sum_y = y.mutable_data()[(s * m + i) * n + j];
          float& sum_a = da.mutable_data()[(s * m + i) * depth + k];
          float& sum_b = db.mutable_data()[(s * depth + k) * n + j];
          sum_y = fma(x[i * depth + k], w[k * n + j], sum_y);
          sum_a = fma(g[i * n + j], w[k * n + j], sum_a);
          sum_b = fma(x[i * depth + k], g[i * n + j], sum_b);
        }
      }
    }
  }
  // One matrix for all: its gradient is one chain through all rows. Otherwise each product's are added up.
  if (right.elements() == depth * n) {
    db = Tensor({depth, n});
    for (std::size_t r = 0; r < stack.elements() * m; ++r) {
      for (std::size_t e = 0; e < depth * n; ++e) {
        float& sum_b = db.mutable_data()[e];
        sum_b = fma(a.data()[r * depth + e / n], seed.data()[r * n + e % n], sum_b);
      }
    }
    db = db.reshaped(right);
  } else {
    db = sum_to(db, right);
  }
  return {text("matmul ", left, " and ", right),
          {a, b},
          [](Vars v) { return matmul(v[0], v[1]); },
          {y, {sum_to(da, left), db}}};
}

TEST(Matmul, EqualsPlainLoops) {
  std::vector<Expected> all;
  const std::vector<std::pair<Shape, Shape>> products{{{3, 5}, {5, 4}},
                                                      {{2, 3, 5}, {5, 4}},
                                                      {{2, 3, 5}, {1, 5, 4}},
                                                      {{3, 5}, {1, 1, 5, 4}},
                                                      {{2, 3, 5}, {2, 5, 4}},
                                                      {{3, 5}, {2, 5, 4}},
                                                      {{2, 1, 3, 5}, {4, 5, 6}},
                                                      {{1, 3, 9}, {7, 9, 33}},
                                                      {{9, 20, 16}, {9, 16, 20}},
                                                      {{1, 1}, {3, 1, 1}},
                                                      {{1, 1}, {1, 1}},
                                                      {{3, 40, 70}, {3, 70, 50}},
                                                      {{2, 3, 2, 2, 4}, {3, 1, 4, 3}}};
  for (const auto& one : products) all.push_back(product(one.first, one.second));
  expect_bits_of(all);
}

}  // namespace
}  // namespace hans::matmul_test
