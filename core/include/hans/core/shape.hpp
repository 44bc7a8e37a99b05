// The shape of a tensor.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace hans {

/// Up to six extents, outermost first; a scalar has none. Images are height x width x channels, batches of images
/// samples x height x width x channels.
class Shape {
 public:
  static constexpr std::size_t max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::size_t> extents);
  explicit Shape(std::span<const std::size_t> extents);

  std::size_t rank() const { return rank_; }
  std::size_t operator[](std::size_t axis) const { return extents_[axis]; }
  const std::size_t* begin() const { return extents_.data(); }
  const std::size_t* end() const { return extents_.data() + rank_; }

  /// The product of the extents; 1 for a scalar. The constructor checks it for overflow.
  std::size_t elements() const { return elements_; }

  /// The shape with `extent` added in front, and the shape without its first extent.
  Shape with_front(std::size_t extent) const;
  Shape without_front() const;

  /// The product of all extents but the first: the number of features per sample of a batch.
  std::size_t row_elements() const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::size_t, max_rank> extents_{};
  std::size_t rank_ = 0;
  std::size_t elements_ = 1;
};

/// "28x28x1"; "scalar" without extents.
void append(std::string& out, const Shape& shape);

/// Parses "28x28x1" or "scalar"; throws Error for anything else.
Shape read_shape(std::string_view word);

// Makes Shape usable as a parameter (core/values.hpp).
void read_value(std::string_view word, Shape& out);
void append_value(std::string& out, const Shape& value);
std::string value_help(const Shape&);

/// The shape that a and b broadcast to: trailing axes are aligned, and an extent of 1 stretches. Throws Error if they
/// do not match.
Shape broadcast(const Shape& a, const Shape& b);

/// The stride of a tensor of shape `from`, in elements, along each axis of `to`, which `from` broadcasts to; 0 along
/// stretched axes.
std::array<std::size_t, Shape::max_rank> broadcast_strides(const Shape& from, const Shape& to);

}  // namespace hans
