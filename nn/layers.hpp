// The layers.
#pragma once

#include <hans/nn/layer.hpp>

namespace hans {

namespace nn {

/// What surrounds an image before a window moves over it: nothing, zeros up to the output extent ceil(in / stride)
/// (the odd one at the end), or a given number of zeros on each side. Written `valid`, `same`, `1` or `0x1x0x1`
/// (top, bottom, left, right).
struct Padding {
  enum class Kind { valid, same, given };
  Kind kind = Kind::valid;
  unsigned top = 0, bottom = 0, left = 0, right = 0;
};
void read_value(std::string_view word, Padding& out);
void append_value(std::string& out, const Padding& value);
std::string value_help(const Padding&);

}  // namespace nn

inline constexpr nn::Padding same{nn::Padding::Kind::same};
inline constexpr nn::Padding valid{nn::Padding::Kind::valid};

namespace nn {

/// y = x * W + b for every sample of features.
struct Linear {
  Required<unsigned> units;
  bool bias = true;

  static constexpr std::string_view name = "linear";
  static constexpr std::string_view meaning = "every unit sees every feature";
  static constexpr bool fuses = true;
  static constexpr auto fields() {
    return std::tuple(field("units", &Linear::units, between(1, 1 << 24), "outputs"),
                      field("bias", &Linear::bias, "add a number to each output"));
  }
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

/// Two-dimensional convolution with square windows.
struct Conv2d {
  Required<unsigned> filters;
  Required<unsigned> kernel;
  unsigned stride = 1;
  Padding padding = {};
  bool bias = true;

  static constexpr std::string_view name = "conv2d";
  static constexpr std::string_view meaning = "the same small window of weights at every place of the image";
  static constexpr bool fuses = true;
  static constexpr auto fields() {
    return std::tuple(field("filters", &Conv2d::filters, between(1, 1 << 20), "output channels"),
                      field("kernel", &Conv2d::kernel, between(1, 4096), "side of the window"),
                      field("stride", &Conv2d::stride, between(1, 4096), "step of the window"),
                      field("padding", &Conv2d::padding, "zeros around the image"),
                      field("bias", &Conv2d::bias, "add a number to each channel"));
  }
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

struct MaxPool2d {
  Required<unsigned> kernel;
  std::optional<unsigned> stride = {};

  static constexpr std::string_view name = "max_pool2d";
  static constexpr std::string_view meaning = "the largest value of each window";
  static constexpr auto fields() {
    return std::tuple(field("kernel", &MaxPool2d::kernel, between(1, 4096), "side of the window"),
                      field("stride", &MaxPool2d::stride, between(1, 4096), "step of the window", "kernel"));
  }
  std::vector<WeightInfo> weights(const Shape&) const { return {}; }
  Var operator()(const Var& x, const Run& run) const;
};

/// Only in training; in evaluation the values pass unchanged.
struct Dropout {
  Required<float> rate;

  static constexpr std::string_view name = "dropout";
  static constexpr std::string_view meaning = "sets features to 0 at random in training (Srivastava 2014)";
  static constexpr auto fields() {
    return std::tuple(field("rate", &Dropout::rate, between_from(0, 1), "probability of a feature to be dropped"));
  }
  std::vector<WeightInfo> weights(const Shape&) const { return {}; }
  Var operator()(const Var& x, const Run& run) const;
};

}  // namespace nn
}  // namespace hans
