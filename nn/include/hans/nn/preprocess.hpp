// What is done to an image before a network made elsewhere sees it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/fields.hpp>
#include <hans/core/shape.hpp>
#include <hans/nn/layer.hpp>

namespace hans::nn {

/// One number for all channels, or one for each. Written `0.5` or `0.49/0.48/0.45`.
struct PerChannel {
  std::vector<float> all;
};
void read_value(std::string_view word, PerChannel& out);
void append_value(std::string& out, const PerChannel& value);
std::string value_help(const PerChannel&);

/// (x * scale - mean) / std, for the channels along the last axis.
struct Normalize {
  float scale = 1;
  std::optional<PerChannel> mean = {}, std = {};

  static constexpr std::string_view name = "normalize";
  static constexpr std::string_view meaning = "(x * scale - mean) / std";
  static constexpr auto fields() {
    return std::tuple(field("scale", &Normalize::scale, "multiplies every number"),
                      field("mean", &Normalize::mean, "is subtracted, per channel", "0"),
                      field("std", &Normalize::std, "divides, per channel", "1"));
  }
  void validate() const;  ///< throws UsageError for a std of 0
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

/// In which order a network's input lists an image: by channel, as PyTorch, or by pixel, as TensorFlow.
enum class Layout { nchw, nhwc };
constexpr std::array<std::string_view, 2> enum_names(Layout) { return {"nchw", "nhwc"}; }

/// What --preprocess says, applied to the raw [0, 1] image in this order. Rounded at the end where the network takes
/// whole numbers.
struct Preprocess : Normalize {
  Layout layout = Layout::nchw;
  std::optional<Shape> shape = {};

  static constexpr std::string_view name = "preprocess";
  static constexpr auto fields() {
    return std::tuple_cat(
        Normalize::fields(),
        std::tuple(field("layout", &Preprocess::layout, "order of the network's input"),
                   field("shape", &Preprocess::shape, "of the network's input for one image", "the file's")));
  }
};

/// From text such as "scale=255" or "mean=0.1307,std=0.3081"; "none" is nothing. Throws UsageError.
Preprocess read_preprocess(std::string_view text);

/// As text: what differs from nothing, or "none".
std::string preprocess_text(const Preprocess& preprocess);

}  // namespace hans::nn
