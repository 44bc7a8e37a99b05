// What the tables of operations for gradient checks share.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/autodiff/tape.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>

namespace testing_gradcheck {

using namespace hans;
using Vars = std::span<const Var>;
using Function = std::function<Var(Vars)>;

/// A row of the table: `op` is the name it records.
struct Row {
  std::string op, detail;
  std::vector<Tensor> inputs;
  Function f;
};

inline Tensor normals(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(3).stream(name).normals(made.mutable_values());
  return made;
}

/// Normal numbers pushed away from 0 by `least`.
inline Tensor away_from_zero(const Shape& shape, std::string_view name, real least = 0.1) {
  Tensor made = normals(shape, name);
  for (real& value : made.mutable_values()) value += value < 0 ? -least : least;
  return made;
}

inline Tensor positive(const Shape& shape, std::string_view name) {
  Tensor made = away_from_zero(shape, name, 0.2);
  for (real& value : made.mutable_values()) value = std::abs(value);
  return made;
}

/// Numbers no two of which are closer than 0.01, so that no maximum changes hands.
inline Tensor all_different(const Shape& shape) {
  Tensor made(shape);
  const std::vector<std::uint32_t> order =
      permutation(Rng(4).stream("all different"), static_cast<std::uint32_t>(made.size()));
  for (std::size_t k = 0; k < made.size(); ++k) made.mutable_data()[k] = 0.01 * order[k] - 0.3;
  return made;
}

/// Adds the rows of functions.hpp.
void add_function_rows(std::vector<Row>& rows);
/// Adds the rows of arrays.hpp.
void add_array_rows(std::vector<Row>& rows);
/// Adds the rows of convolutions in groups, with dilation and transposed, and of pooling with padding.
void add_conv_rows(std::vector<Row>& rows);
/// Adds the rows of intervals.hpp.
void add_interval_rows(std::vector<Row>& rows);

}  // namespace testing_gradcheck
