// What happens to an image before an imported network sees it (preprocessing).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/fields.hpp>
#include <hans/core/shape.hpp>
#include <hans/nn/layer.hpp>

namespace hans::nn {

/// A number for all channels, or one per channel. Written `0.5` or `0.49/0.48/0.45`.
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

/// The axis order of a network's input: channels first, as in PyTorch, or last, as in TensorFlow.
enum class Layout { nchw, nhwc };
constexpr std::array<std::string_view, 2> enum_names(Layout) { return {"nchw", "nhwc"}; }

/// The argument of --preprocess: applied to the raw [0, 1] image in this order. If the network takes integers, the
/// result is rounded.
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

/// Parses text such as "scale=255" or "mean=0.1307,std=0.3081", or "none". Throws UsageError for anything else.
Preprocess read_preprocess(std::string_view text);

/// The settings that differ from the defaults as text, or "none".
std::string preprocess_text(const Preprocess& preprocess);

}  // namespace hans::nn
