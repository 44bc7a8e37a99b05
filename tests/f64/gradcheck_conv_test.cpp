// The rows of convolutions in groups, with dilation and transposed, and of pooling with padding, in the table of
// gradient checks.
#include <hans/autodiff/ops.hpp>

#include <string>
#include <vector>

#include "gradcheck_testing.hpp"

namespace testing_gradcheck {
namespace {

struct ConvCase {
  std::string detail;
  Shape images, weights;
  Window window;
};

std::vector<ConvCase> conv_cases() {
  return {{"2 groups", {2, 4, 5, 4}, {3, 2, 2, 6}, {1, 1, 1, 1, 0, 1, 1, 1, 2}},
          {"3 groups, stride 2", {1, 5, 5, 9}, {2, 2, 3, 3}, {2, 2, 0, 1, 1, 0, 1, 1, 3}},
          {"depthwise", {2, 4, 5, 3}, {3, 3, 1, 3}, {1, 1, 1, 1, 1, 1, 1, 1, 3}},
          {"depthwise, stride 2", {1, 6, 5, 19}, {3, 2, 1, 19}, {2, 2, 1, 0, 0, 1, 1, 1, 19}},
          {"depthwise, dilation 2x3", {2, 6, 8, 5}, {3, 2, 1, 5}, {1, 2, 2, 1, 0, 3, 2, 3, 5}},
          {"two filters a channel", {2, 4, 4, 3}, {2, 3, 1, 6}, {1, 1, 0, 1, 1, 1, 1, 1, 3}},
          {"dilation 2", {2, 6, 5, 3}, {3, 2, 3, 4}, {1, 1, 2, 1, 0, 1, 2, 2, 1}},
          {"dilation 3x2, stride 2", {1, 9, 8, 2}, {3, 3, 2, 3}, {2, 2, 1, 2, 3, 0, 3, 2, 1}},
          {"dilation 2, stride 4x3, many channels", {2, 9, 9, 10}, {2, 3, 10, 3}, {4, 3, 1, 1, 0, 2, 2, 2, 1}},
          {"dilation 2, groups", {1, 6, 6, 6}, {2, 3, 3, 4}, {1, 2, 0, 1, 2, 2, 3, 2, 2}}};
}

void add_convolutions(std::vector<Row>& rows) {
  for (const ConvCase& c : conv_cases()) {
    const Window w = c.window;
    const Tensor x = normals(c.images, "x"), k = normals(c.weights, "k");
    const Tensor channels = normals({c.images[3]}, "channels"), filters = normals({c.weights[3]}, "filters");
    rows.push_back({"conv2d", c.detail, {x, k, filters}, [w](Vars v) { return conv2d(v[0], v[1], v[2], w); }});
    Tape tape;
    const Tensor z = normals(conv2d(tape.constant(x), tape.constant(k), {}, w).shape(), "z");
    const std::size_t height = c.images[1], width = c.images[2];
    rows.push_back({"conv_transpose2d", c.detail, {z, k}, [w, height, width](Vars v) {
                      return conv_transpose2d(v[0], v[1], {}, w, height, width);
                    }});
    rows.push_back({"conv_transpose2d", c.detail + " bias", {z, k, channels}, [w, height, width](Vars v) {
                      return conv_transpose2d(v[0], v[1], v[2], w, height, width);
                    }});
  }
}

void add_pooling(std::vector<Row>& rows) {
  const std::vector<PoolWindow> windows{{2, 3},
                                        {3, 2, 2, 1},
                                        {2, 2, 2, 2},
                                        {3, 3, 1, 2, 1, 1, 1, 1},
                                        {2, 4, 2, 3, 0, 1, 2, 1},
                                        {3, 3, 2, 2, 0, 0, 1, 0, 1, 1},
                                        {6, 5}};
  for (const PoolWindow& w : windows) {
    const Shape shape{2, 6, 5, 3};
    const std::string detail = text(w.kernel_height, "x", w.kernel_width, " stride ", w.stride_height, "x",
                                    w.stride_width, " padding ", w.pad_top, ",", w.pad_left);
    rows.push_back({"max_pool2d", detail, {all_different(shape)}, [w](Vars v) { return max_pool2d(v[0], w); }});
    for (const bool counting : {false, true}) {
      rows.push_back(
          {"average_pool2d", detail + (counting ? " counting" : ""), {normals(shape, "x")}, [w, counting](Vars v) {
             return average_pool2d(v[0], w, counting);
           }});
    }
  }
}

}  // namespace

void add_conv_rows(std::vector<Row>& rows) {
  add_convolutions(rows);
  add_pooling(rows);
}

}  // namespace testing_gradcheck
