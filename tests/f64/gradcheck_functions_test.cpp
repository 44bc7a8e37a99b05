// The rows of functions.hpp in the table of gradient checks.
#include <hans/autodiff/functions.hpp>

#include <cmath>
#include <utility>

#include "gradcheck_testing.hpp"

namespace testing_gradcheck {
namespace {

void add_unary(std::vector<Row>& rows) {
  for (const Shape& shape : {Shape{7, 3}, Shape{2, 3, 4, 2}}) {
    const std::string detail = text(shape);
    const Shape channels{shape[shape.rank() - 1]};
    const std::vector<Tensor> x{normals(shape, "x"), normals(channels, "factor"), normals(channels, "summand")};
    rows.push_back({"affine", detail, x, [](Vars v) { return affine(v[0], v[1], v[2]); }});
    rows.push_back({"batch_norm", detail, x, [](Vars v) { return batch_norm(v[0], v[1], v[2], real{1} / 8).y; }});
  }
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{3, 5}, Shape{2, 3, 2, 2}}) {
    const std::string detail = text(shape);
    const std::vector<Tensor> x{away_from_zero(shape, "x")};
    rows.push_back({"abs", detail, x, [](Vars v) { return abs(v[0]); }});
    rows.push_back({"sqrt", detail, {positive(shape, "x")}, [](Vars v) { return sqrt(v[0]); }});
    rows.push_back({"erf", detail, x, [](Vars v) { return erf(v[0]); }});
    rows.push_back({"softplus", detail, x, [](Vars v) { return softplus(v[0]); }});
    for (const real slope : {0.01, 0.0, -0.5}) {
      rows.push_back({"leaky_relu", detail, x, [slope](Vars v) { return leaky_relu(v[0], slope); }});
    }
    for (const real alpha : {1.0, 0.3}) {
      rows.push_back({"elu", detail, x, [alpha](Vars v) { return elu(v[0], alpha); }});
    }
    rows.push_back({"elu", "selu " + detail, x, [](Vars v) { return selu(v[0], 1.67, 1.05); }});
    rows.push_back({"hard_sigmoid", detail, x, [](Vars v) { return hard_sigmoid(v[0], 0.4, 0.45); }});
    rows.push_back({"gelu", "erf " + detail, x, [](Vars v) { return gelu(v[0], false); }});
    rows.push_back({"gelu", "tanh " + detail, x, [](Vars v) { return gelu(v[0], true); }});
    rows.push_back({"straight_through", detail, x, [](Vars v) { return straight_through(v[0], v[0].value()); }});
    rows.push_back({"clamp", detail, x, [](Vars v) { return clamp(v[0], -0.6, 0.8); }});
    rows.push_back({"clamp", "at one end " + detail, x, [](Vars v) { return clamp(v[0], -INFINITY, 0.05); }});
  }
}

void add_powers(std::vector<Row>& rows) {
  const std::vector<Tensor> any{away_from_zero({3, 5}, "base", 0.3)};
  const std::vector<Tensor> above_zero{positive({3, 5}, "base")};
  for (int n = -9; n <= 9; ++n) {
    rows.push_back(
        {"pow", text("to ", n), any, [n](Vars v) { return pow(v[0], v[0].tape().constant(Tensor::full({1}, n))); }});
  }
  for (const real n : {0.5, -0.5, 1.5, -2.25}) {
    rows.push_back({"pow", text("to ", n), above_zero,
                    [n](Vars v) { return pow(v[0], v[0].tape().constant(Tensor::full({}, n))); }});
  }
  rows.push_back({"pow", "by itself", above_zero, [](Vars v) { return pow(v[0], v[0]); }});
}

void add_choices(std::vector<Row>& rows) {
  const std::vector<std::pair<Shape, Shape>> shapes{
      {{2, 3}, {2, 3}},    {{2, 3}, {3}}, {{3}, {2, 3}},       {{}, {2, 3}},           {{2, 3}, {}},    {{}, {}},
      {{2, 1, 4}, {3, 1}}, {{1}, {4}},    {{3, 1}, {2, 1, 4}}, {{2, 4, 3}, {2, 1, 3}}, {{2, 1}, {1, 3}}};
  for (const auto& pair : shapes) {
    const Shape& a = pair.first;
    const Shape& b = pair.second;
    const std::string detail = text(a, " and ", b);
    const std::vector<Tensor> inputs{normals(a, "a"), away_from_zero(b, "b", 0.5)};
    rows.push_back({"minimum", detail, inputs, [](Vars x) { return minimum(x[0], x[1]); }});
    rows.push_back({"maximum", detail, inputs, [](Vars x) { return maximum(x[0], x[1]); }});
    rows.push_back({"pow", detail, {positive(a, "a"), inputs[1]}, [](Vars x) { return pow(x[0], x[1]); }});
    const Tensor chosen = normals({2, 3}, "condition");
    if (broadcast(a, b) == chosen.shape()) {
      rows.push_back({"prelu", detail, {away_from_zero({2, 3}, "x"), normals(b, "slope")}, [](Vars x) {
                        return prelu(x[0], x[1]);
                      }});
      rows.push_back({"where", detail, {chosen, inputs[0], inputs[1]}, [](Vars x) {
                        return where(greater(x[0], x[0].tape().constant(Tensor(Shape{}))), x[1], x[2]);
                      }});
    }
  }
  const std::vector<Tensor> three{away_from_zero({4, 1, 1}, "c"), normals({2, 1}, "a"), normals({3}, "b")};
  rows.push_back({"where", "all broadcast", three, [](Vars x) { return where(x[0], x[1], x[2]); }});
}

}  // namespace

void add_function_rows(std::vector<Row>& rows) {
  add_unary(rows);
  add_powers(rows);
  add_choices(rows);
}

}  // namespace testing_gradcheck
