// Normalisation in one operation against the formulas of which it is made, to the bit.
#include <hans/autodiff/functions.hpp>

#include <gtest/gtest.h>

#include <functional>
#include <string_view>
#include <vector>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>

namespace hans::normalize_test {
namespace {

Tensor normals(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(12).stream(name).normals(made.mutable_values());
  return made;
}

constexpr real eps = 0.125;

Var by_formulas(const Var& x, const Var& scale, const Var& bias) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis + 1 < x.shape().rank(); ++axis) axes.push_back(axis);
  const Var mean = reduce(x, Reduction::mean, axes, true);
  const Var centred = x - mean;
  const Var variance = reduce(centred * centred, Reduction::mean, axes, true);
  return relu(centred / sqrt(variance + eps) * scale + bias);
}

using Norm = std::function<Var(const Var&, const Var&, const Var&)>;

/// The value and all gradients. x is of use elsewhere too, before or behind what is normalised.
std::vector<Tensor> all_of(const Norm& norm, const Shape& shape, unsigned elsewhere) {
  const Shape channels{shape[shape.rank() - 1]};
  Tape tape;
  const std::vector<Var> v{tape.watch(normals(shape, "x")), tape.watch(normals(channels, "scale")),
                           tape.watch(normals(channels, "bias"))};
  const Var x = relu(v[0]);
  const Var y = norm(x, v[1], v[2]);
  const Var out = elsewhere == 0 ? y : elsewhere == 1 ? y + x : x + y;
  std::vector<Tensor> gradients(v.size());
  tape.gradients(out, normals(shape, "seed"), v, gradients);
  gradients.push_back(out.value());
  return gradients;
}

TEST(Normalisation, ByABatchEqualsItsFormulas) {
  const Norm at_once = [](const Var& x, const Var& scale, const Var& bias) {
    return batch_norm(x, scale, bias, eps, Activation::relu).y;
  };
  for (const Shape& shape :
       {Shape{3, 4, 5, 7}, Shape{2, 1, 1, 3}, Shape{40, 6}, Shape{5, 3, 3, 1}, Shape{9, 8, 8, 16}}) {
    for (const unsigned elsewhere : {0u, 1u, 2u}) {
      const auto expected = all_of(by_formulas, shape, elsewhere), got = all_of(at_once, shape, elsewhere);
      for (std::size_t k = 0; k < expected.size(); ++k) {
        EXPECT_TRUE(identical(expected[k], got[k])) << text(shape, ", x used elsewhere ", elsewhere, ", result ", k);
      }
    }
  }
}

TEST(Normalisation, ByStoredNumbersEqualsItsFormulas) {
  const Norm at_once = [](const Var& x, const Var& factor, const Var& summand) {
    return affine(x, factor, summand, Activation::relu);
  };
  const Norm formulas = [](const Var& x, const Var& factor, const Var& summand) { return relu(x * factor + summand); };
  for (const Shape& shape : {Shape{3, 4, 5, 7}, Shape{40, 16}}) {
    for (const unsigned elsewhere : {0u, 1u, 2u}) {
      const auto expected = all_of(formulas, shape, elsewhere), got = all_of(at_once, shape, elsewhere);
      for (std::size_t k = 0; k < expected.size(); ++k) {
        EXPECT_TRUE(identical(expected[k], got[k])) << text(shape, ", x used elsewhere ", elsewhere, ", result ", k);
      }
    }
  }
}

TEST(Normalisation, RefusesWhatDoesNotFit) {
  Tape tape;
  const Var x = tape.watch(normals({2, 3}, "x")), three = tape.constant(normals({3}, "three"));
  const Var two = tape.constant(normals({2}, "two"));
  EXPECT_THROW(affine(x, two, three), Error);
  EXPECT_THROW(batch_norm(x, three, two, eps), Error);
  Epilogue epilogue;
  epilogue.added = x.value().data();
  EXPECT_THROW(affine(x, three, three, epilogue), Error);
  EXPECT_THROW(linear(x, tape.constant(normals({3, 3}, "w")), {}, epilogue), Error);
}

}  // namespace
}  // namespace hans::normalize_test
