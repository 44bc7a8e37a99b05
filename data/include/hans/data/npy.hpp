// NumPy's .npy files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/shape.hpp>

namespace hans::data {

/// The array of an .npy file: elements of one type, row-major, little-endian.
struct Array {
  enum class Kind { boolean, integer, natural, floating, text, bytes };

  Shape shape;  ///< no extents for a scalar
  Kind kind = Kind::natural;
  std::size_t width = 1;  ///< bytes per element; text has four per character
  std::string content;

  /// A copy of `values`. Throws Error if their number is not that of the elements of `shape`.
  static Array of(const Shape& shape, std::span<const float> values);
  static Array of(const Shape& shape, std::span<const double> values);
  static Array of(const Shape& shape, std::span<const std::int64_t> values);
  static Array of(const Shape& shape, std::span<const std::int32_t> values);
  static Array of(const Shape& shape, std::span<const std::uint8_t> values);
  /// A single text (UTF-8), as numpy.array("...") stores it.
  static Array of(std::string_view text);

  /// The elements, converted. Throws Error if the array has another kind of type or a value does not fit.
  std::vector<float> floats() const;           ///< from float32 only
  std::vector<double> doubles() const;         ///< from float32 and float64
  std::vector<std::int64_t> integers() const;  ///< from integers and booleans of any width
  std::string text() const;                    ///< from a single text or byte string; UTF-8

  /// The element type for messages: "float32", "uint8", "text".
  std::string type_name() const;
};

/// Parses an .npy file of format version 1 to 3, either byte order, element type b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 U S,
/// and at most six dimensions. Fortran order is converted to row-major. Throws Error for anything else, and unless the
/// data have exactly the length that the header implies; this is checked before anything is allocated.
Array read_npy(std::string_view file);

/// The .npy file (version 1.0) of an array. Equal arrays give equal bytes.
std::string write_npy(const Array& array);

}  // namespace hans::data
