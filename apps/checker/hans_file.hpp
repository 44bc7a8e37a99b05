// The checker's own reader of .hans files.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hans::checker {

/// At most six extents, none of them 0; a single number has none.
using Shape = std::vector<std::size_t>;

struct Array {
  Shape shape;
  std::vector<double> values;
};

/// What of a .hans file decides the logits.
struct HansFile {
  std::string architecture;
  std::map<std::string, Array, std::less<>> arrays;
};

/// Reads the bytes of a .hans file. Throws Error for anything that hans does not write: another format, order or type
/// of numbers, gaps, overlaps, a checksum that does not match, a number that is not finite. Takes a small multiple of
/// the bytes as memory, whatever they say.
HansFile read_hans_file(std::string_view bytes);

/// The number of elements of a shape. Throws Error beyond `most`.
std::size_t elements(const Shape& shape, std::size_t most);
/// As a .hans file writes a shape: 28x28x1, or scalar.
std::string shape_text(const Shape& shape);

}  // namespace hans::checker
