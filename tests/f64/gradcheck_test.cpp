// Every differentiable operation, and small networks of them, against finite differences in double precision.
#include <hans/autodiff/gradcheck.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/sequential.hpp>

#include "gradcheck_testing.hpp"

namespace {

using namespace testing_gradcheck;

constexpr double tolerance = 1e-7;
constexpr double step = 1e-4;
constexpr double clear = 1e-3;  // how far values stay from kinks; at most a few steps lie in between

/// Rows that are positive and sum to 1.
Tensor probabilities(const Shape& shape) {
  Tensor made = positive(shape, "probabilities");
  for (std::size_t r = 0; r < shape[0]; ++r) {
    real total = 0;
    for (std::size_t c = 0; c < shape[1]; ++c) total += made.data()[r * shape[1] + c];
    for (std::size_t c = 0; c < shape[1]; ++c) made.mutable_data()[r * shape[1] + c] /= total;
  }
  return made;
}

std::vector<Var> constants(Tape& tape, const std::vector<Tensor>& values) {
  std::vector<Var> all;
  for (const Tensor& value : values) all.push_back(tape.constant(value));
  return all;
}

// --- rows ------------------------------------------------------------------------------------------

void add_arithmetic(std::vector<Row>& rows) {
  const std::vector<std::pair<Shape, Shape>> shapes{{{2, 3}, {2, 3}},
                                                    {{2, 3}, {3}},
                                                    {{3}, {2, 3}},
                                                    {{2, 1}, {1, 3}},
                                                    {{}, {2, 3}},
                                                    {{2, 3}, {}},
                                                    {{}, {}},
                                                    {{1}, {4}},
                                                    {{2, 1, 4}, {3, 1}},
                                                    {{3, 1}, {2, 1, 4}},
                                                    {{1, 2, 1, 3}, {20, 1, 2, 1}}};
  for (const auto& pair : shapes) {
    const Shape& a = pair.first;
    const Shape& b = pair.second;
    const std::string detail = text(a, " and ", b);
    const std::vector<Tensor> inputs{normals(a, "a"), away_from_zero(b, "b", 0.5)};
    rows.push_back({"add", detail, inputs, [](Vars x) { return x[0] + x[1]; }});
    rows.push_back({"subtract", detail, inputs, [](Vars x) { return x[0] - x[1]; }});
    rows.push_back({"multiply", detail, inputs, [](Vars x) { return x[0] * x[1]; }});
    rows.push_back({"divide", detail, inputs, [](Vars x) { return x[0] / x[1]; }});
  }
  const std::vector<Tensor> one{away_from_zero({3, 4}, "one")};
  rows.push_back({"add", "to itself", one, [](Vars x) { return x[0] + x[0]; }});
  rows.push_back({"add", "a number", one, [](Vars x) { return x[0] + 1.5; }});
  rows.push_back({"subtract", "from itself", one, [](Vars x) { return x[0] - x[0]; }});
  rows.push_back({"multiply", "by itself", one, [](Vars x) { return x[0] * x[0]; }});
  rows.push_back({"multiply", "by a number", one, [](Vars x) { return x[0] * -2.5; }});
  rows.push_back({"divide", "by itself", one, [](Vars x) { return x[0] / x[0]; }});
  rows.push_back({"negate", "", one, [](Vars x) { return -x[0]; }});
  rows.push_back({"negate", "a value used elsewhere", one, [](Vars x) {
                    const Var y = x[0] * x[0];
                    return -y * y;
                  }});
}

void add_functions(std::vector<Row>& rows) {
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{3, 5}, Shape{2, 3, 2, 2}}) {
    const std::string detail = text(shape);
    const std::vector<Tensor> x{away_from_zero(shape, "x")};
    rows.push_back({"relu", detail, x, [](Vars v) { return relu(v[0]); }});
    rows.push_back({"sigmoid", detail, x, [](Vars v) { return sigmoid(v[0]); }});
    rows.push_back({"tanh", detail, x, [](Vars v) { return tanh(v[0]); }});
    rows.push_back({"exp", detail, x, [](Vars v) { return exp(v[0]); }});
    rows.push_back({"log", detail, {positive(shape, "x")}, [](Vars v) { return log(v[0]); }});
  }
  static constexpr std::array<std::uint32_t, 3> samples{5, 0, 17};
  for (const real rate : {0.0, 0.3, 0.9}) {
    rows.push_back({"dropout", text("rate ", rate), {normals({3, 2, 5}, "dropped")}, [rate](Vars v) {
                      return dropout(v[0], rate, {Rng(6), 2, samples}, "gradcheck");
                    }});
  }
}

void add_shapes_and_sums(std::vector<Row>& rows) {
  for (const Shape& shape : {Shape{1}, Shape{4}, Shape{3, 40}, Shape{2, 3, 2, 2}}) {
    const std::vector<Tensor> x{normals(shape, "x")};
    const std::string detail = text(shape);
    rows.push_back({"sum", detail, x, [](Vars v) { return sum(v[0]); }});
    rows.push_back({"sum_rows", detail, x, [](Vars v) { return sum_rows(v[0]); }});
    rows.push_back({"reshape", text("flatten ", detail), x, [](Vars v) { return flatten(v[0]); }});
    rows.push_back({"reshape", text("turned ", detail), x, [shape](Vars v) {
                      return reshape(v[0], {1, shape.elements(), 1});
                    }});
  }
}

void add_softmaxes(std::vector<Row>& rows) {
  rows.push_back({"log_softmax", "divergence of two", {normals({3, 5}, "p"), normals({3, 5}, "q")}, [](Vars x) {
                    const Var p = log_softmax(x[0]);
                    return sum_rows(exp(p) * (p - log_softmax(x[1])));
                  }});
  for (const Shape& shape : {Shape{1, 1}, Shape{3, 2}, Shape{4, 10}, Shape{2, 37}}) {
    const std::vector<Tensor> x{normals(shape, "logits")};
    const std::string detail = text(shape);
    rows.push_back({"softmax", detail, x, [](Vars v) { return softmax(v[0]); }});
    rows.push_back({"log_softmax", detail, x, [](Vars v) { return log_softmax(v[0]); }});
    rows.push_back({"log_softmax", text(detail, " far apart"), x, [](Vars v) { return log_softmax(v[0] * 20); }});
    rows.push_back({"cross_entropy", text(detail, " soft"), x,
                    [targets = probabilities(shape)](Vars v) { return cross_entropy(v[0], targets); }});
    const std::vector<int> last(shape[0], static_cast<int>(shape[1]) - 1);
    for (const real smoothing : {0.0, 0.1, 0.9}) {
      if (shape[1] == 1 && smoothing > 0) continue;
      rows.push_back({"cross_entropy", text(detail, " smoothing ", smoothing), x,
                      [last, smoothing](Vars v) { return cross_entropy(v[0], last, smoothing); }});
    }
  }
}

/// Adds a row without activation, and one with relu if everything stays clear of its kink.
void add_product(std::vector<Row>& rows, const std::string& op, const std::string& detail, std::vector<Tensor> inputs,
                 const std::function<Var(Vars, Activation)>& f) {
  Tape tape;
  const Tensor before = f(constants(tape, inputs), Activation::none).value();
  const bool far = std::ranges::all_of(before.values(), [](real y) { return std::abs(y) > clear || y == 0; });
  rows.push_back({op, detail, inputs, [f](Vars x) { return f(x, Activation::none); }});
  if (far) rows.push_back({op, detail + " relu", inputs, [f](Vars x) { return f(x, Activation::relu); }});
}

void add_linear(std::vector<Row>& rows) {
  for (const auto& sizes : std::vector<std::array<std::size_t, 3>>{{1, 1, 1}, {2, 3, 4}, {3, 9, 5}, {2, 20, 17}}) {
    const std::string detail = text(Shape(sizes));
    const Tensor x = normals({sizes[0], sizes[1]}, "x");
    const Tensor w = normals({sizes[1], sizes[2]}, "w");
    add_product(rows, "linear", detail, {x, w}, [](Vars v, Activation a) { return linear(v[0], v[1], {}, a); });
    add_product(rows, "linear", detail + " bias", {x, w, normals({sizes[2]}, "b")},
                [](Vars v, Activation a) { return linear(v[0], v[1], v[2], a); });
  }
}

struct ConvCase {
  Shape images, weights;
  Window window;
};

void add_conv2d(std::vector<Row>& rows) {
  std::vector<ConvCase> cases;
  for (const std::size_t channels : {1U, 3U, 5U}) {
    for (const std::size_t stride : {1U, 2U, 3U}) {
      const Shape image{5, 4, channels};
      const std::array<Window, 3> windows{
          {{stride, stride}, same_window(image, 3, 2, stride, stride), {stride, stride, 2, 0, 1, 3}}};
      for (const Window& window : windows) cases.push_back({image.with_front(2), {3, 2, channels, 3}, window});
    }
  }
  cases.push_back({{2, 3, 3, 9}, {2, 2, 9, 4}, {1, 1, 1, 0, 0, 1}});    // more channels than the narrow kernels take
  cases.push_back({{1, 4, 3, 17}, {3, 3, 17, 2}, {2, 1, 1, 1, 1, 1}});  // and more than one panel of them
  cases.push_back({{2, 3, 2, 2}, {3, 2, 2, 18}, {}});                   // the kernel covers the image
  cases.push_back({{2, 3, 2, 3}, {1, 1, 3, 4}, {}});                    // a linear layer at every place
  cases.push_back({{2, 3, 3, 2}, {1, 1, 2, 3}, {2, 3}});
  cases.push_back({{1, 7, 6, 2}, {2, 3, 2, 3}, {3, 2}});              // rows and columns that no window reaches
  cases.push_back({{1, 2, 2, 1}, {5, 4, 1, 2}, {1, 1, 3, 3, 2, 2}});  // a kernel larger than the image
  cases.push_back({{1, 2, 2, 2}, {2, 2, 2, 2}, {1, 1, 3, 3, 3, 3}});  // windows that see nothing but padding
  for (const ConvCase& c : cases) {
    const Window w = c.window;
    const std::string detail = text(c.images, " kernel ", c.weights, " stride ", w.stride_height, "x", w.stride_width,
                                    " padding ", w.pad_top, ",", w.pad_bottom, ",", w.pad_left, ",", w.pad_right);
    const Tensor x = normals(c.images, "x");
    const Tensor k = normals(c.weights, "k");
    add_product(rows, "conv2d", detail, {x, k}, [w](Vars v, Activation a) { return conv2d(v[0], v[1], {}, w, a); });
    add_product(rows, "conv2d", detail + " bias", {x, k, away_from_zero({c.weights[3]}, "b")},
                [w](Vars v, Activation a) { return conv2d(v[0], v[1], v[2], w, a); });
  }
}

void add_max_pool2d(std::vector<Row>& rows) {
  for (const auto& window : std::vector<std::array<std::size_t, 2>>{{1, 1}, {2, 2}, {3, 1}, {3, 2}, {2, 3}}) {
    for (const Shape& shape : {Shape{2, 5, 4, 1}, Shape{1, 6, 3, 3}}) {
      rows.push_back({"max_pool2d",
                      text(shape, " kernel ", window[0], " stride ", window[1]),
                      {all_different(shape)},
                      [window](Vars v) { return max_pool2d(v[0], window[0], window[1]); }});
    }
  }
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  add_arithmetic(rows);
  add_functions(rows);
  add_function_rows(rows);
  add_shapes_and_sums(rows);
  add_softmaxes(rows);
  add_linear(rows);
  add_conv2d(rows);
  add_conv_rows(rows);
  add_interval_rows(rows);
  add_max_pool2d(rows);
  add_array_rows(rows);
  return rows;
}

// --- tests -----------------------------------------------------------------------------------------

TEST(Gradcheck, EveryOperation) {
  for (const Row& row : all_rows()) {
    EXPECT_LT(gradcheck(row.f, row.inputs, step), tolerance) << row.op << " " << row.detail;
  }
}

/// Each input alone, with the others constant: the paths that skip what nobody wants give the same bits.
TEST(Gradcheck, EveryInputAlone) {
  for (const Row& row : all_rows()) {
    Tape tape;
    std::vector<Tensor> together(row.inputs.size());
    const Tensor ones = Tensor::full(row.f(constants(tape, row.inputs)).shape(), 1);
    const Tensor value = value_and_grads(tape, row.f, row.inputs, ones, together);
    for (std::size_t alone = 0; alone < row.inputs.size(); ++alone) {
      const ValueAndGrad found = value_and_grad(
          [&](const Var& x) {
            std::vector<Var> all = constants(x.tape(), row.inputs);
            all[alone] = x;
            return row.f(all);
          },
          row.inputs[alone]);
      EXPECT_TRUE(identical(found.value, value)) << row.op << " " << row.detail << " " << alone;
      EXPECT_TRUE(identical(found.gradient, together[alone])) << row.op << " " << row.detail << " " << alone;
    }
  }
}

TEST(Gradcheck, RowsWithRelu) {
  const std::vector<Row> rows = all_rows();
  const auto fused = [](const Row& row) { return row.detail.ends_with("relu"); };
  EXPECT_GT(std::ranges::count_if(rows, fused), 60) << "too many rows are too near the kink to be checked";
}

TEST(Gradcheck, FindsAWrongGradient) {
  const Tensor x = away_from_zero({2, 3}, "x");
  const auto wrong = [](real by) {
    return [by](Vars v) {
      return v[0].tape().record("wrong", v[0].value(), {&v[0]}, [by](Tensor g, Inputs& in) {
        g.mutable_data()[4] += by;
        in.add(0, std::move(g));
      });
    };
  };
  EXPECT_LT(gradcheck(wrong(0), {&x, 1}, step), tolerance);
  EXPECT_NEAR(gradcheck(wrong(1e-5), {&x, 1}, step), 1e-5, 1e-8);
  EXPECT_TRUE(std::isnan(gradcheck(wrong(std::nan("")), {&x, 1}, step)));
}

/// The first arguments, where they are literals, of all calls of `function` in the sources.
std::set<std::string> names_given_to(std::string_view function, const std::string& source) {
  std::set<std::string> names;
  const std::string call = std::string(function) + "(";
  for (std::size_t at = source.find(call); at != std::string::npos; at = source.find(call, at + 1)) {
    const std::size_t quote = source.find_first_not_of(" \n", at + call.size());
    if (quote == std::string::npos || source[quote] != '"') continue;
    names.insert(source.substr(quote + 1, source.find('"', quote + 1) - quote - 1));
  }
  return names;
}

TEST(Gradcheck, NoOperationEscapes) {
  std::set<std::string> recorded;
  for (const std::string_view folder : {"core", "autodiff", "nn", "attacks", "defenses"}) {
    const std::filesystem::path path = std::filesystem::path(HANS_SOURCE_DIR) / folder;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string source{std::istreambuf_iterator<char>(file), {}};
      recorded.merge(names_given_to("record", source));
      recorded.merge(names_given_to("product", source));
    }
  }
  std::set<std::string> checked;
  for (const Row& row : all_rows()) checked.insert(row.op);
  EXPECT_EQ(recorded, checked);
  EXPECT_GE(checked.size(), 18U);
}

struct Network {
  std::string architecture;
  std::size_t samples;
  bool training;
};

TEST(Gradcheck, WholeNetworks) {
  const std::vector<Network> networks{
      {"1x1x3;flatten;linear:units=2", 2, false},
      {"4x4x1;conv2d:filters=3,kernel=2;relu;max_pool2d:kernel=2,stride=1;flatten;linear:units=3", 2, false},
      {"5x5x2;conv2d:filters=3,kernel=3,stride=2,padding=same;tanh;flatten;linear:units=4;sigmoid;linear:units=2", 2,
       false},
      {"6x5x1;conv2d:filters=2,kernel=3,padding=1x0x0x2,bias=false;relu;conv2d:filters=9,kernel=2;relu;"
       "max_pool2d:kernel=2;flatten;linear:units=5,bias=false;relu;linear:units=3",
       3, false},
      {"3x3x2;dropout:rate=0.25;conv2d:filters=4,kernel=2;relu;dropout:rate=0.5;flatten;linear:units=3", 4, true},
  };
  for (const Network& network : networks) {
    const nn::Sequential net = nn::Sequential::parse(network.architecture, Rng(8));
    std::vector<Tensor> xs(net.weights().begin(), net.weights().end());
    for (Tensor& weight : xs) {
      if (weight.shape().rank() == 1) weight = away_from_zero(weight.shape(), "bias");
    }
    xs.push_back(normals(net.input().with_front(network.samples), "images0"));  // clear of all kinks
    std::vector<std::uint32_t> samples;
    std::vector<int> labels;
    for (std::size_t i = 0; i < network.samples; ++i) {
      samples.push_back(static_cast<std::uint32_t>(7 * i));
      labels.push_back(static_cast<int>(i % net.classes()));
    }
    const DropoutKeys keys{Rng(9), 3, samples};
    const nn::Mode mode{network.training ? &keys : nullptr};
    const auto loss = [&](Vars x) {
      return cross_entropy(net.forward(x.first(x.size() - 1), x.back(), mode), labels, 0.1);
    };
    EXPECT_LT(gradcheck(loss, xs, step), tolerance) << network.architecture;
  }
}

}  // namespace
