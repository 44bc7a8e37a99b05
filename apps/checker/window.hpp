// The window of conv2d and pooling.
#pragma once

#include "network.hpp"

namespace hans::checker {

/// How a window moves along one side of an image: down (0) or across (1).
struct Side {
  std::size_t extent, kernel, stride, dilation;
  std::size_t before = 0, behind = 0;  ///< padding
  std::size_t places = 0;

  Side(const Layer& layer, const Array& image, std::size_t axis)
      : extent(image.shape[axis]),
        kernel(number(layer, "kernel", axis)),
        stride(number(layer, layer.word("stride").empty() ? "kernel" : "stride", axis)),
        dilation(layer.settings.contains("dilation") ? number(layer, "dilation", axis) : 1) {
    const std::string& padding = layer.word("padding");
    const std::size_t reach = (kernel - 1) * dilation + 1;
    if (padding == "same") {  // as many places as strides fit in; the odd zero behind
      const std::size_t needed = (extent - 1) / stride * stride + reach;
      before = needed > extent ? (needed - extent) / 2 : 0;
      behind = needed > extent ? needed - extent - before : 0;
    } else if (padding != "valid") {  // one number, or top x bottom x left x right
      const std::vector<std::size_t> zeros = read_list(padding, 'x');
      const bool fits = (zeros.size() == 1 || zeros.size() == 4) && std::ranges::max(zeros) <= 4096;
      check(fits, in_quotes(padding), " is not a padding");
      before = zeros[2 * axis % zeros.size()];
      behind = zeros[(2 * axis + 1) % zeros.size()];
    }
    const std::size_t whole = before + extent + behind;
    check(reach <= whole, "a window of ", reach, " does not fit an image of ", whole);
    places = (whole - reach) / stride + 1;
  }

  /// The pixel under element k at a place; huge if that is before the image.
  std::size_t pixel(std::size_t place, std::size_t k) const { return place * stride + k * dilation - before; }

  /// `3`, or `3x5` for height and width, from 1 to 4096.
  static std::size_t number(const Layer& layer, std::string_view key, std::size_t axis) {
    const Shape both = read_shape(layer.word(key));
    const bool fits = !both.empty() && both.size() <= 2 && std::ranges::max(both) <= 4096;
    check(fits, in_quotes(layer.word(key)), " is not the size of a window or a step");
    return both[axis % both.size()];
  }
};

}  // namespace hans::checker
