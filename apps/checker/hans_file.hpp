// The checker's own reader of .hans files.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hans::checker {

/// At most six extents, none of them 0; empty for a scalar.
using Shape = std::vector<std::size_t>;

struct Array {
  Shape shape;
  std::vector<double> values;
};

/// The parts of a .hans file that decide the logits.
struct HansFile {
  std::string architecture;
  std::map<std::string, Array, std::less<>> arrays;
};

/// Reads the bytes of a .hans file. Throws Error for anything that hans does not write: another format, another order
/// or type of numbers, gaps, overlaps, wrong checksums, numbers that are not finite. Memory is limited to a small
/// multiple of the file's size, whatever it claims.
HansFile read_hans_file(std::string_view bytes);

/// The number of elements of a shape. Throws Error beyond `most`.
std::size_t elements(const Shape& shape, std::size_t most);
/// A shape as a .hans file writes it: 28x28x1, or scalar.
std::string shape_text(const Shape& shape);

}  // namespace hans::checker
