// Tensors: multi-dimensional arrays with value semantics, and the memory pool behind them.
#pragma once

#include <cstddef>
#include <span>

#include <hans/core/real.hpp>
#include <hans/core/shape.hpp>

namespace hans {

/// A memory pool. Tensors return their memory to it, and later tensors reuse it, so that repeated equal steps (such as
/// training steps) stop allocating. Tensors may outlive their pool.
class Pool {
 public:
  Pool();
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Bytes obtained from the system so far; constant once the steps repeat.
  std::size_t bytes() const;

 private:
  friend class Tensor;
  struct Core;
  Core* core_;
};

/// A multi-dimensional array with value semantics. Copies share their elements; the first write to a shared tensor
/// copies them (copy-on-write), so changing one tensor never changes another. Row-major; 64-byte aligned unless it is a
/// view made by rows().
class Tensor {
 public:
  Tensor() = default;                                        ///< no elements, shape {0}
  explicit Tensor(const Shape& shape);                       ///< zeros
  Tensor(const Shape& shape, std::span<const real> values);  ///< throws Error if the counts differ
  static Tensor full(const Shape& shape, real value);
  static Tensor uninitialised(const Shape& shape);
  static Tensor uninitialised(const Shape& shape, Pool& pool);

  Tensor(const Tensor& other) noexcept;
  Tensor(Tensor&& other) noexcept;
  Tensor& operator=(Tensor other) noexcept;
  ~Tensor();

  const Shape& shape() const { return shape_; }
  std::size_t size() const { return shape_.elements(); }
  const real* data() const { return data_; }
  std::span<const real> values() const { return {data_, size()}; }

  /// The elements for writing. Copies them first if another tensor shares them.
  real* mutable_data();
  std::span<real> mutable_values() { return {mutable_data(), size()}; }

  /// True if no other tensor shares the elements, so that writing needs no copy.
  bool unique() const;

  /// The same elements under another shape of equal size, without a copy. Throws Error if the sizes differ.
  Tensor reshaped(const Shape& shape) const;

  /// Rows first .. first+count-1 along the first axis, without a copy. Throws Error if out of range.
  Tensor rows(std::size_t first, std::size_t count) const;

  friend void swap(Tensor& a, Tensor& b) noexcept;

 private:
  struct Block;
  friend class Pool;
  static Block* allocate(std::size_t elements, Pool::Core* pool);

  Block* block_ = nullptr;
  real* data_ = nullptr;
  Shape shape_{0};
};

/// Whether shapes and bytes are equal, so NaN equals itself and -0 differs from +0.
bool identical(const Tensor& a, const Tensor& b);

}  // namespace hans
