// The rows of arrays.hpp in the table of gradient checks.
#include <hans/autodiff/arrays.hpp>

#include <hans/autodiff/ops.hpp>

#include "gradcheck_testing.hpp"

namespace testing_gradcheck {
namespace {

using Numbers = std::vector<std::size_t>;

std::string listed(const Numbers& numbers) {
  std::string all;
  for (const std::size_t number : numbers) append(all, text(number == nothing ? "-" : text(number), " "));
  return all;
}

void add_rearranging(std::vector<Row>& rows) {
  const std::vector<std::pair<Shape, Numbers>> turns{{{}, {}},
                                                     {{3}, {0}},
                                                     {{2, 3}, {1, 0}},
                                                     {{2, 1, 3, 2}, {0, 2, 3, 1}},
                                                     {{2, 3, 4}, {2, 1, 0}},
                                                     {{18, 17}, {1, 0}},
                                                     {{2, 1, 2, 1, 3, 2}, {5, 0, 3, 2, 4, 1}}};
  for (const auto& turn : turns) {
    rows.push_back({"transpose",
                    text(turn.first, " to ", listed(turn.second)),
                    {normals(turn.first, "x")},
                    [order = turn.second](Vars v) { return transpose(v[0], order); }});
  }
  const Tensor x = normals({2, 4, 3}, "x");
  for (std::size_t axis = 0; axis < 3; ++axis) {
    for (const Numbers& indices : std::vector<Numbers>{{0, 1}, {1, 0, 1, 1, nothing, 0}, {nothing, nothing}, {1}}) {
      rows.push_back({"take", text("along ", axis, " ", listed(indices)), {x}, [=](Vars v) {
                        return take(v[0], axis, indices, 0.5);
                      }});
    }
    rows.push_back(
        {"concat", text("along ", axis), {x, normals({2, 4, 3}, "y")}, [axis](Vars v) { return concat(v, axis); }});
    rows.push_back({"concat", text("with itself along ", axis), {x}, [axis](Vars v) {
                      return concat(std::vector<Var>{v[0], v[0] * v[0], v[0]}, axis);
                    }});
  }
  rows.push_back({"concat", "unequal", {normals({2, 1}, "a"), normals({2, 4}, "b"), normals({2, 0}, "c")}, [](Vars v) {
                    return concat(v, 1);
                  }});
  const std::vector<std::pair<Shape, Shape>> stretches{
      {{}, {2, 3}}, {{3}, {3}}, {{1, 3, 1}, {2, 3, 4}}, {{2, 1, 2}, {3, 2, 20, 2}}, {{2, 1}, {2, 3}}};
  for (const auto& stretch : stretches) {
    rows.push_back({"broadcast_to",
                    text(stretch.first, " to ", stretch.second),
                    {normals(stretch.first, "x")},
                    [to = stretch.second](Vars v) { return broadcast_to(v[0], to); }});
  }
}

void add_reductions(std::vector<Row>& rows) {
  const std::vector<std::pair<Shape, Numbers>> cases{{{7}, {0}},       {{3, 5}, {0}},          {{3, 5}, {1}},
                                                     {{3, 5}, {1, 0}}, {{2, 4, 5, 3}, {1, 2}}, {{2, 3, 2, 4}, {1, 3}},
                                                     {{2, 1, 3}, {1}}, {{2, 20, 9}, {1}},      {{2, 3}, {}}};
  for (const auto& one : cases) {
    for (const auto& kind : {std::pair(Reduction::sum, "reduce_sum"), std::pair(Reduction::mean, "reduce_sum"),
                             std::pair(Reduction::max, "reduce_extreme"), std::pair(Reduction::min, "reduce_extreme"),
                             std::pair(Reduction::l2, "reduce_l2")}) {
      for (const bool keep : {false, true}) {
        const std::string detail = text(enum_names(kind.first)[static_cast<std::size_t>(kind.first)], " of ", one.first,
                                        " over ", listed(one.second), keep ? "kept" : "");
        rows.push_back(
            {kind.second, detail, {all_different(one.first)}, [axes = one.second, what = kind.first, keep](Vars v) {
               return reduce(v[0], what, axes, keep);
             }});
      }
    }
  }
}

void add_products(std::vector<Row>& rows) {
  const std::vector<std::pair<Shape, Shape>> cases{
      {{2, 3}, {3, 4}},    {{2, 2, 3}, {3, 4}},        {{2, 2, 3}, {1, 1, 3, 4}}, {{2, 2, 3}, {2, 3, 4}},
      {{2, 3}, {2, 3, 2}}, {{2, 1, 2, 9}, {3, 9, 17}}, {{1, 1}, {5, 1, 1}},       {{3, 1, 4, 2}, {1, 2, 2, 3}}};
  for (const auto& one : cases) {
    rows.push_back({"matmul",
                    text(one.first, " times ", one.second),
                    {normals(one.first, "a"), normals(one.second, "b")},
                    [](Vars v) { return matmul(v[0], v[1]); }});
  }
  rows.push_back({"matmul", "with itself", {normals({3, 4, 4}, "a")}, [](Vars v) { return matmul(v[0], v[0]); }});
}

void add_softmaxes(std::vector<Row>& rows) {
  for (const Shape& shape : {Shape{5}, Shape{2, 3, 4}, Shape{2, 1, 3, 17}}) {
    const std::vector<Tensor> x{normals(shape, "logits")};
    rows.push_back({"softmax", text(shape), x, [](Vars v) { return softmax(v[0]); }});
    rows.push_back({"log_softmax", text(shape), x, [](Vars v) { return log_softmax(v[0]); }});
  }
}

}  // namespace

void add_array_rows(std::vector<Row>& rows) {
  add_rearranging(rows);
  add_reductions(rows);
  add_products(rows);
  add_softmaxes(rows);
}

}  // namespace testing_gradcheck
