// Tensors are values, shapes are checked, memory is used again.
#include <hans/core/tensor.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>

namespace hans::tensor_test {
namespace {

using hans::Error;
using hans::identical;
using hans::Pool;
using hans::real;
using hans::Shape;
using hans::Tensor;

Tensor counting(const Shape& shape) {
  Tensor made(shape);
  for (std::size_t k = 0; k < made.size(); ++k) made.mutable_data()[k] = static_cast<real>(k);
  return made;
}

std::vector<real> numbers(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

// --- shapes ----------------------------------------------------------------------------------------

TEST(Shapes, KnowTheirSize) {
  EXPECT_EQ(Shape().elements(), 1U);
  EXPECT_EQ((Shape{28, 28, 1}.elements()), 784U);
  EXPECT_EQ((Shape{5, 0, 3}.elements()), 0U);
  EXPECT_EQ((Shape{5, 2, 3}.row_elements()), 6U);
  EXPECT_EQ((Shape{2, 3}.with_front(4)), (Shape{4, 2, 3}));
  EXPECT_EQ((Shape{4, 2, 3}.without_front()), (Shape{2, 3}));
  EXPECT_EQ(Shape{7}.without_front(), Shape());
  EXPECT_FALSE((Shape{2, 3} == Shape{2, 3, 1}));
}

TEST(Shapes, RefuseWhatMemoryCannotHold) {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
  constexpr std::size_t half = std::size_t{1} << 32;
  EXPECT_THROW((Shape{half, half}), Error);
  EXPECT_THROW((Shape{largest}), Error);
  EXPECT_THROW((Shape{std::size_t{1} << 61}), Error);
  EXPECT_THROW((Shape{3, largest / 3, 2}), Error);
  EXPECT_THROW((Shape{half, half, half, half}), Error);  // a product that wraps round to 0
  EXPECT_THROW((Shape{half, 2}.with_front(half)), Error);
  EXPECT_EQ((Shape{half, 1U << 20U}.elements()), std::size_t{1} << 52);
  EXPECT_EQ((Shape{half, half, 0}.elements()), 0U);
}

TEST(Shapes, HaveSixExtentsAtMost) {
  EXPECT_EQ((Shape{1, 2, 1, 2, 1, 2}.elements()), 8U);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1}), Error);
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1}.with_front(1)), Error);
  EXPECT_THROW((void)Shape().without_front(), Error);
  EXPECT_THROW((void)Shape().row_elements(), Error);
}

TEST(Shapes, AsText) {
  for (const char* word : {"scalar", "1", "28x28x1", "1x2x3x4x5x6"})
    EXPECT_EQ(hans::text(hans::read_shape(word)), word);
  EXPECT_EQ(hans::text(Shape()), "scalar");
  for (const char* word : {"", "x", "28x", "x28", "0", "3x0", "-1", "1.5", "28X28", "1 x1", "1x2x3x4x5x6x7",
                           "99999999999999999999", "4294967296x4294967296"}) {
    EXPECT_THROW((void)hans::read_shape(word), Error) << word;
  }
}

TEST(Shapes, Broadcast) {
  EXPECT_EQ(hans::broadcast({2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(hans::broadcast({}, {3}), Shape{3});
  EXPECT_EQ(hans::broadcast({1}, {}), Shape{1});
  EXPECT_EQ(hans::broadcast({0, 3}, {1, 3}), (Shape{0, 3}));
  EXPECT_THROW((void)hans::broadcast({2, 3}, {2}), Error);
  EXPECT_THROW((void)hans::broadcast({0}, {2}), Error);
}

// --- values ----------------------------------------------------------------------------------------

TEST(Tensors, StartAsZerosAndAligned) {
  const Tensor zeros(Shape{3, 5});
  EXPECT_EQ(numbers(zeros), std::vector<real>(15, 0));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(zeros.data()) % 64, 0U);
  EXPECT_EQ(numbers(Tensor::full({2}, 7)), (std::vector<real>{7, 7}));
  EXPECT_EQ(Tensor().size(), 0U);
  EXPECT_EQ(Tensor(Shape{}).size(), 1U);
  const std::vector<real> three{1, 2, 3};
  EXPECT_EQ(numbers(Tensor(Shape{3}, three)), three);
  EXPECT_THROW((Tensor(Shape{2, 2}, three)), Error);
}

TEST(Tensors, CopiesShareUntilOneIsWritten) {
  Tensor first = counting({4});
  EXPECT_TRUE(first.unique());
  Tensor second = first;
  EXPECT_EQ(second.data(), first.data());
  EXPECT_FALSE(first.unique());
  second.mutable_data()[0] = 9;
  EXPECT_EQ(numbers(first), (std::vector<real>{0, 1, 2, 3}));
  EXPECT_EQ(numbers(second), (std::vector<real>{9, 1, 2, 3}));
  EXPECT_TRUE(first.unique() && second.unique());
  const real* const place = second.data();
  second.mutable_data()[1] = 8;  // now without a copy
  EXPECT_EQ(second.data(), place);
}

TEST(Tensors, MovingLeavesNothingShared) {
  Tensor first = counting({4});
  const real* const place = first.data();
  Tensor second = std::move(first);
  EXPECT_EQ(second.data(), place);
  EXPECT_TRUE(second.unique());
  Tensor& alias = second;
  second = alias;  // to itself
  EXPECT_EQ(numbers(second), (std::vector<real>{0, 1, 2, 3}));
  EXPECT_TRUE(second.unique());
}

TEST(Tensors, ReshapedShares) {
  const Tensor flat = counting({6});
  Tensor square = flat.reshaped({2, 3});
  EXPECT_EQ(square.data(), flat.data());
  square.mutable_data()[5] = 50;
  EXPECT_EQ(flat.data()[5], 5);
  EXPECT_THROW((void)flat.reshaped({2, 2}), Error);
}

TEST(Tensors, RowsAreViewsThatCopyOnWrite) {
  const Tensor whole = counting({4, 3});
  Tensor middle = whole.rows(1, 2);
  EXPECT_EQ(middle.shape(), (Shape{2, 3}));
  EXPECT_EQ(middle.data(), whole.data() + 3);
  EXPECT_EQ(middle.rows(1, 1).data(), whole.data() + 6);
  middle.mutable_data()[0] = 30;
  EXPECT_EQ(whole.data()[3], 3);
  EXPECT_EQ(numbers(middle), (std::vector<real>{30, 4, 5, 6, 7, 8}));
  EXPECT_EQ(whole.rows(4, 0).shape(), (Shape{0, 3}));
  EXPECT_EQ(numbers(whole), numbers(counting({4, 3})));
}

TEST(Tensors, RowsOutOfRange) {
  constexpr std::size_t largest = std::numeric_limits<std::size_t>::max();
  const Tensor whole = counting({4, 3});
  EXPECT_THROW((void)whole.rows(3, 2), Error);
  EXPECT_THROW((void)whole.rows(5, 0), Error);
  EXPECT_THROW((void)whole.rows(1, largest), Error);
  EXPECT_THROW((void)whole.rows(largest, 2), Error);
  EXPECT_THROW((void)Tensor(Shape{}).rows(0, 1), Error);
}

TEST(Tensors, AViewOutlivesItsWhole) {
  std::optional<Tensor> whole = counting({4, 3});
  Tensor last = whole->rows(3, 1);
  whole.reset();
  EXPECT_TRUE(last.unique());
  last.mutable_data()[0] = 90;
  EXPECT_EQ(numbers(last), (std::vector<real>{90, 10, 11}));
}

TEST(Tensors, IdenticalComparesBits) {
  const real nan = std::numeric_limits<real>::quiet_NaN();
  EXPECT_TRUE(identical(Tensor::full({2}, nan), Tensor::full({2}, nan)));
  EXPECT_FALSE(identical(Tensor::full({2}, real{0}), Tensor::full({2}, -real{0})));
  EXPECT_FALSE(identical(Tensor::full({2}, 1), Tensor::full({1, 2}, 1)));
  EXPECT_FALSE(identical(counting({3}), Tensor(Shape{3})));
  EXPECT_TRUE(identical(Tensor(), Tensor()));
}

TEST(Tensors, TooLargeForMemoryIsAnError) { EXPECT_THROW(Tensor::uninitialised({std::size_t{1} << 58}), Error); }

// --- pools -----------------------------------------------------------------------------------------

TEST(Pools, UseMemoryAgain) {
  Pool pool;
  EXPECT_EQ(pool.bytes(), 0U);
  const real* place = nullptr;
  {
    const Tensor first = Tensor::uninitialised({100}, pool);
    place = first.data();
  }
  const std::size_t bytes = pool.bytes();
  EXPECT_GE(bytes, 100 * sizeof(real));
  const Tensor second = Tensor::uninitialised({90}, pool);  // smaller fits too
  EXPECT_EQ(second.data(), place);
  EXPECT_EQ(pool.bytes(), bytes);
  const Tensor third = Tensor::uninitialised({100}, pool);
  EXPECT_NE(third.data(), place);
  EXPECT_GT(pool.bytes(), bytes);
}

TEST(Pools, TakeTheSmallestThatFits) {
  Pool pool;
  const real* small = nullptr;
  {
    const Tensor large = Tensor::uninitialised({1000}, pool);
    const Tensor little = Tensor::uninitialised({10}, pool);
    const Tensor middle = Tensor::uninitialised({100}, pool);
    small = little.data();
  }
  EXPECT_EQ(Tensor::uninitialised({5}, pool).data(), small);
}

TEST(Pools, TensorsOutliveTheirPool) {
  std::optional<Pool> pool(std::in_place);
  Tensor kept = Tensor::uninitialised({4}, *pool);
  for (real& value : kept.mutable_values()) value = 5;
  Tensor shared = kept;
  pool.reset();
  shared.mutable_data()[0] = 6;  // a copy, though the pool is gone
  EXPECT_EQ(numbers(kept), (std::vector<real>{5, 5, 5, 5}));
  EXPECT_EQ(numbers(shared), (std::vector<real>{6, 5, 5, 5}));
}

TEST(Pools, TheCopyOnWriteComesFromThePool) {
  Pool pool;
  { const Tensor used = Tensor::uninitialised({8}, pool); }
  Tensor first = Tensor::uninitialised({8}, pool);
  std::ranges::fill(first.mutable_values(), real{1});
  { Tensor spare = Tensor::uninitialised({8}, pool); }
  const std::size_t bytes = pool.bytes();
  Tensor second = first;
  second.mutable_data()[0] = 2;
  EXPECT_EQ(pool.bytes(), bytes);
  EXPECT_EQ(first.data()[0], 1);
}

}  // namespace
}  // namespace hans::tensor_test
