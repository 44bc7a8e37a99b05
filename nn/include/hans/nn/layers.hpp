// Linear layers, convolutions, pooling, dropout and noise.
#pragma once

#include <hans/nn/layer.hpp>

namespace hans {

namespace nn {

/// The padding of an image: none, zeros up to the output extent ceil(in / stride) (an odd one at the end), or given
/// numbers of zeros. Written `valid`, `same`, `1` (each side) or `0x1x0x1` (top, bottom, left, right).
struct Padding {
  enum class Kind { valid, same, given };
  Kind kind = Kind::valid;
  unsigned top = 0, bottom = 0, left = 0, right = 0;
};
void read_value(std::string_view word, Padding& out);
void append_value(std::string& out, const Padding& value);
std::string value_help(const Padding&);

/// Height and width of a window or a stride. Written `3`, or `3x5` if they differ.
struct Extent {
  unsigned height = 1, width = 1;

  constexpr Extent() = default;
  template <WholeNumber Whole>
  constexpr Extent(Whole side) : Extent(side, side) {}
  template <WholeNumber Whole>
  constexpr Extent(Whole high, Whole wide) : height(static_cast<unsigned>(high)), width(static_cast<unsigned>(wide)) {}
  friend bool operator==(const Extent&, const Extent&) = default;
};
void read_value(std::string_view word, Extent& out);
void append_value(std::string& out, const Extent& value);
std::string value_help(const Extent&);

}  // namespace nn

inline constexpr nn::Padding same{nn::Padding::Kind::same};
inline constexpr nn::Padding valid{nn::Padding::Kind::valid};

namespace nn {

/// y = x * W + b for every sample.
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

/// Two-dimensional convolution.
struct Conv2d {
  Required<unsigned> filters;
  Required<Extent> kernel;
  Extent stride = 1;
  Padding padding = {};
  bool bias = true;
  std::optional<Extent> dilation = {};
  std::optional<unsigned> groups = {};

  static constexpr std::string_view name = "conv2d";
  static constexpr std::string_view meaning = "the same small window of weights at every place of the image";
  static constexpr bool fuses = true;
  static constexpr auto fields() {
    return std::tuple(
        field("filters", &Conv2d::filters, between(1, 1 << 20), "output channels"),
        field("kernel", &Conv2d::kernel, "height and width of the window"),
        field("stride", &Conv2d::stride, "step of the window"),
        field("padding", &Conv2d::padding, "zeros around the image"),
        field("bias", &Conv2d::bias, "add a number to each channel"),
        field("dilation", &Conv2d::dilation, "distance of the window's elements", "1"),
        field("groups", &Conv2d::groups, between(1, 1 << 20), "into which channels and filters are split", "1"));
  }
  void validate() const;
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

/// Transposed convolution: maps a small image to a larger one, as the gradient of a convolution does.
struct ConvTranspose2d {
  Required<unsigned> filters;
  Required<Extent> kernel;
  Required<Extent> size;
  Extent stride = 1;
  Padding padding = {};
  bool bias = true;
  std::optional<Extent> dilation = {};
  std::optional<unsigned> groups = {};

  static constexpr std::string_view name = "conv_transpose2d";
  static constexpr std::string_view meaning = "the transpose of a convolution: makes an image larger";
  static constexpr auto fields() {
    return std::tuple(field("filters", &ConvTranspose2d::filters, between(1, 1 << 20), "output channels"),
                      field("kernel", &ConvTranspose2d::kernel, "height and width of the window"),
                      field("size", &ConvTranspose2d::size, "height and width of the output"),
                      field("stride", &ConvTranspose2d::stride, "step of the window"),
                      field("padding", &ConvTranspose2d::padding, "cut off the output's sides"),
                      field("bias", &ConvTranspose2d::bias, "add a number to each channel"),
                      field("dilation", &ConvTranspose2d::dilation, "distance of the window's elements", "1"),
                      field("groups", &ConvTranspose2d::groups, between(1, 1 << 20),
                            "into which channels and filters are split", "1"));
  }
  void validate() const;
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

/// The window of a convolution (or of the one that is transposed) for an input of this shape.
Window window_of(const Conv2d& layer, const Shape& in);
Window window_of(const ConvTranspose2d& layer, const Shape& in);

struct MaxPool2d {
  Required<Extent> kernel;
  std::optional<Extent> stride = {};
  std::optional<Padding> padding = {};
  std::optional<bool> ceil = {};

  static constexpr std::string_view name = "max_pool2d";
  static constexpr std::string_view meaning = "the largest value of each window";
  static constexpr auto fields() {
    return std::tuple(
        field("kernel", &MaxPool2d::kernel, "height and width of the window"),
        field("stride", &MaxPool2d::stride, "step of the window", "kernel"),
        field("padding", &MaxPool2d::padding, "room around the image, which never is the largest", "valid"),
        field("ceil", &MaxPool2d::ceil, "another window where the last leaves a rest", "false"));
  }
  void validate() const;
  Var operator()(const Var& x, const Run& run) const;
};

/// The pooling windows for images of this shape.
PoolWindow window_of(const MaxPool2d& layer, const Shape& in);

struct AveragePool2d {
  Required<Extent> kernel;
  std::optional<Extent> stride = {};
  std::optional<Padding> padding = {};
  bool count_padding = false;
  std::optional<bool> ceil = {};

  static constexpr std::string_view name = "average_pool2d";
  static constexpr std::string_view meaning = "the mean of each window";
  static constexpr auto fields() {
    return std::tuple(field("kernel", &AveragePool2d::kernel, "height and width of the window"),
                      field("stride", &AveragePool2d::stride, "step of the window", "kernel"),
                      field("padding", &AveragePool2d::padding, "zeros around the image", "valid"),
                      field("count_padding", &AveragePool2d::count_padding, "the zeros count in the mean"),
                      field("ceil", &AveragePool2d::ceil, "another window where the last leaves a rest", "false"));
  }
  void validate() const;
  Var operator()(const Var& x, const Run& run) const;
};

/// Active in training only; in evaluation the values pass unchanged.
struct Dropout {
  Required<float> rate;

  static constexpr std::string_view name = "dropout";
  static constexpr std::string_view meaning = "sets features to 0 at random in training (Srivastava 2014)";
  static constexpr auto fields() {
    return std::tuple(field("rate", &Dropout::rate, between_from(0, 1), "probability of a feature to be dropped"));
  }
  Var operator()(const Var& x, const Run& run) const;
};

/// x + sigma * n with standard normal numbers n, also in evaluation. There, n is a function of the layer's input and
/// Query::draw, so an image gets the same noise in any batch.
struct GaussianNoise {
  Required<float> sigma;

  static constexpr std::string_view name = "gaussian_noise";
  static constexpr std::string_view meaning = "adds normal random numbers, in evaluation too";
  static constexpr bool random = true;
  static constexpr auto fields() {
    return std::tuple(field("sigma", &GaussianNoise::sigma, at_least(0), "their standard deviation"));
  }
  Var operator()(const Var& x, const Run& run) const;
};

}  // namespace nn
}  // namespace hans
