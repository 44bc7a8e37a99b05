// The extents of a tensor.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace hans {

/// Up to six extents, outermost first; no extents is the shape of a single number. Images are
/// height x width x channels, batches of them samples x height x width x channels.
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

  /// The product of the extents (1 for no extents). Checked for overflow when the shape is made.
  std::size_t elements() const { return elements_; }

  /// This shape with `extent` put in front, or with its first extent taken away or replaced.
  Shape with_front(std::size_t extent) const;
  Shape without_front() const;

  /// The product of all extents but the first: the features of one sample in a batch.
  std::size_t row_elements() const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::size_t, max_rank> extents_{};
  std::size_t rank_ = 0;
  std::size_t elements_ = 1;
};

/// "28x28x1"; "scalar" for no extents.
void append(std::string& out, const Shape& shape);

/// The shape that "28x28x1" or "scalar" spells; throws Error on anything else.
Shape read_shape(std::string_view word);

// A shape as the value of a parameter (core/values.hpp).
void read_value(std::string_view word, Shape& out);
void append_value(std::string& out, const Shape& value);
std::string value_help(const Shape&);

/// What a and b broadcast to: trailing axes aligned, an extent of 1 stretches. Throws Error if they cannot.
Shape broadcast(const Shape& a, const Shape& b);

/// By how many elements of a tensor of shape `from` one step along each axis of `to` moves, where `from` broadcasts
/// to `to`: 0 along the axes that are stretched.
std::array<std::size_t, Shape::max_rank> broadcast_strides(const Shape& from, const Shape& to);

}  // namespace hans
