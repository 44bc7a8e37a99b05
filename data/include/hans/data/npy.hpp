// NumPy's array files: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/shape.hpp>

namespace hans::data {

/// An array as an .npy file holds it: elements of one type, row-major, little-endian.
struct Array {
  enum class Kind { boolean, integer, natural, floating, text, bytes };

  Shape shape;  ///< no extents for a single value
  Kind kind = Kind::natural;
  std::size_t width = 1;  ///< bytes in an element: text has four for each character
  std::string content;

  /// A copy of `values`; throws Error if they are not as many as `shape` has elements.
  static Array of(const Shape& shape, std::span<const float> values);
  static Array of(const Shape& shape, std::span<const double> values);
  static Array of(const Shape& shape, std::span<const std::int64_t> values);
  static Array of(const Shape& shape, std::span<const std::uint8_t> values);
  /// A single text (UTF-8), as numpy.array("...") makes it.
  static Array of(std::string_view text);

  /// The elements converted: throws Error if the type is another kind or a value does not fit.
  std::vector<float> floats() const;           ///< from float32 only
  std::vector<double> doubles() const;         ///< from float32 and float64
  std::vector<std::int64_t> integers() const;  ///< from integers and booleans of any width
  std::string text() const;                    ///< from a single text (to UTF-8) or byte string

  /// "float32", "uint8", "text": for messages.
  std::string type_name() const;
};

/// Reads format versions 1 to 3, both byte orders, elements b1 i1 i2 i4 i8 u1 u2 u4 u8 f4 f8 U S, at most six
/// dimensions; Fortran order is turned into row-major order. Throws Error on anything else, and unless the
/// data are exactly as long as the header says; nothing is allocated before that was checked.
Array read_npy(std::string_view file);

/// The .npy file (version 1.0) of an array; the same array always gives the same bytes.
std::string write_npy(const Array& array);

}  // namespace hans::data
