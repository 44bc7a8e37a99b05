// The logits of a network, computed a second time: naive loops in double over the layers of a .hans file.
//
// This folder shares no line with what trains, attacks and judges: of hans it includes texts, errors, hashes and the
// bytes of numbers, which tests/layers.cmake enforces. Its exponentials and roots are the C library's.
#pragma once

#include <algorithm>
#include <span>

#include <hans/core/error.hpp>
#include "hans_file.hpp"

namespace hans::checker {

/// No layer may give more numbers for one image.
inline constexpr std::size_t most_features = std::size_t{1} << 22;

struct Kind;

/// What words spell. Throws Error unless they do, which names a layer that the checker does not know.
const Kind& find_kind(std::string_view name);
double read_real(std::string_view word);
std::vector<std::size_t> read_list(std::string_view word, char separator);
Shape read_shape(std::string_view word);

/// A layer of a network. Throws Error where a setting or an array is not what it must be.
struct Layer {
  const Kind* kind;
  std::map<std::string, std::string, std::less<>> settings = {};  ///< each that its kind has, as written or usual
  std::map<std::string, Array, std::less<>> arrays = {};
  std::vector<std::size_t> operands = {};  ///< 0: the image; k + 1: what layer k gives

  const std::string& word(std::string_view key) const { return settings.find(key)->second; }
  double number(std::string_view key) const { return read_real(word(key)); }
  std::size_t natural(std::string_view key) const { return elements(read_shape(word(key)), most_features); }
  bool flag(std::string_view key) const { return word(key) == "true"; }
  const Array& array(std::string_view key, const Shape& shape) const {
    const Array& found = arrays.find(key)->second;
    check(found.shape == shape, "its ", key, " has the shape ", shape_text(found.shape), ", not ", shape_text(shape));
    return found;
  }
};

/// What a layer works on; images are height x width x channels.
using Operands = std::span<const Array* const>;

/// A row of the table of layers, in layers.cpp. Settings stand with what is usual, but for those that must be given.
struct Kind {
  std::string_view name;
  std::size_t operands;
  std::string_view settings, arrays;
  Array (*run)(const Layer& layer, Operands x);
  double (*map)(double, double) = nullptr;  ///< of each number
};

inline Array filled(const Shape& shape, double value) {
  return {shape, std::vector<double>(elements(shape, most_features), value)};
}

/// Calls part(piece) for the pieces of `whole` between separators; of nothing there are none.
template <class Part>
void split(std::string_view whole, char separator, Part part) {
  for (bool more = !whole.empty(); more;) {
    const std::size_t end = whole.find(separator);
    more = end < whole.size();
    part(whole.substr(0, end));
    if (more) whole.remove_prefix(end + 1);
  }
}

/// Immutable; may be used by several threads.
class Network {
 public:
  /// From the bytes of a .hans file, which `where` names in errors. Throws Error for a file that read_hans_file
  /// refuses, for a layer that is not known here (it is named) and for arrays that do not fit the layers.
  Network(std::string_view bytes, std::string_view where);

  std::size_t features() const { return features_; }  ///< numbers of an image, height x width x channels
  std::size_t classes() const { return classes_; }
  /// Of one image. Throws Error if it has another number of features.
  std::vector<double> logits(std::span<const float> image) const;

 private:
  Shape input_;
  std::size_t features_ = 0, classes_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace hans::checker
