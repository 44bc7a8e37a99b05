// A shape and its numbers.
#pragma once

#include <cstddef>
#include <span>

#include <hans/core/real.hpp>
#include <hans/core/shape.hpp>

namespace hans {

/// Memory that is used again instead of being given back: what a training step took once, the next
/// step takes again, so that a steady state allocates nothing. Tensors may outlive their pool.
class Pool {
 public:
  Pool();
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Bytes obtained from the system so far; constant in a steady state.
  std::size_t bytes() const;

 private:
  friend class Tensor;
  struct Core;
  Core* core_;
};

/// A value: copying is cheap (the numbers are shared) and changing one tensor never changes another
/// (the numbers are copied on the first write while shared). Row-major, innermost extent last,
/// 64-byte aligned unless it is a view made by rows().
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

  /// The numbers for writing; copies them first if another tensor shares them.
  real* mutable_data();
  std::span<real> mutable_values() { return {mutable_data(), size()}; }

  /// True if no other tensor shares these numbers, so that writing costs no copy.
  bool unique() const;

  /// The same numbers under another shape with as many elements (throws Error otherwise); no copy.
  Tensor reshaped(const Shape& shape) const;

  /// Rows first .. first+count-1 along the first axis; no copy. Throws Error if out of range.
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

/// Same shape and the same bytes (so NaN equals itself and -0 differs from +0).
bool identical(const Tensor& a, const Tensor& b);

}  // namespace hans
