// A second computation of a network's logits: naive loops in double over the layers of a .hans file.
//
// This folder shares no code with what trains, attacks and judges: of hans it only includes text, errors, hashes and
// the bytes of numbers, which tests/layers.cmake enforces. Exponentials and roots come from the C library.
#pragma once

#include <algorithm>
#include <span>

#include <hans/core/error.hpp>
#include "hans_file.hpp"

namespace hans::checker {

/// The most numbers a layer may output for one image.
inline constexpr std::size_t most_features = std::size_t{1} << 22;

struct Kind;

/// Parsers of a layer's settings. Throw Error for malformed words; find_kind() names a layer that the checker does not
/// know.
const Kind& find_kind(std::string_view name);
double read_real(std::string_view word);
std::vector<std::size_t> read_list(std::string_view word, char separator);
Shape read_shape(std::string_view word);

/// Calls part(piece) for the pieces of `whole` between separators; an empty text has none.
template <class Part>
void split(std::string_view whole, char separator, Part part) {
  for (bool more = !whole.empty(); more;) {
    const std::size_t end = whole.find(separator);
    more = end < whole.size();
    part(whole.substr(0, end));
    if (more) whole.remove_prefix(end + 1);
  }
}

/// A layer of a network. Throws Error for settings and arrays that do not fit.
struct Layer {
  const Kind* kind;
  std::map<std::string, std::string, std::less<>> settings = {};  ///< all of its kind, as written or the default
  std::map<std::string, Array, std::less<>> arrays = {};
  std::vector<std::size_t> operands = {};  ///< 0: the image; k + 1: the output of layer k
  Shape output = {};

  const std::string& word(std::string_view key) const { return settings.find(key)->second; }
  double number(std::string_view key) const { return read_real(word(key)); }
  std::size_t natural(std::string_view key) const { return elements(read_shape(word(key)), most_features); }
  bool flag(std::string_view key) const { return word(key) == "true"; }
  std::vector<double> numbers(std::string_view key) const {
    std::vector<double> all;
    split(word(key), '/', [&](std::string_view one) { all.push_back(read_real(one)); });
    return all;
  }
  const Array& array(std::string_view key, const Shape& shape) const {
    const Array& found = arrays.find(key)->second;
    check(found.shape == shape, "its ", key, " has the shape ", shape_text(found.shape), ", not ", shape_text(shape));
    return found;
  }
};

/// The inputs of a layer; images are height x width x channels.
using Operands = std::span<const Array* const>;

/// A row of the table of layers in layers.cpp. `settings` lists names with defaults; required ones have none.
struct Kind {
  std::string_view name;
  std::size_t operands;
  std::string_view settings, arrays;
  Array (*run)(const Layer& layer, Operands x);
  double (*map)(double, double) = nullptr;  ///< applied to each number
};

inline Array filled(const Shape& shape, double value) {
  return {shape, std::vector<double>(elements(shape, most_features), value)};
}

/// A network; immutable, so several threads may use it.
class Network {
 public:
  /// Reads the bytes of a .hans file, which `where` names in errors. Throws Error for a file that read_hans_file
  /// refuses, for an unknown layer (named) and for arrays that do not fit the layers.
  Network(std::string_view bytes, std::string_view where);

  std::size_t features() const { return features_; }  ///< height x width x channels of an image
  std::size_t classes() const { return classes_; }
  const Shape& input() const { return input_; }
  std::span<const Layer> layers() const { return layers_; }
  /// The logits of one image. Throws Error for another number of features.
  std::vector<double> logits(std::span<const float> image) const;

 private:
  Shape input_;
  std::size_t features_ = 0, classes_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace hans::checker
