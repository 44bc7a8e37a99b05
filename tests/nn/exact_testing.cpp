// Exact minima: depth-first over activation patterns, with the simplex method in whole numbers.
#include "exact_testing.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include <hans/nn/all_layers.hpp>

namespace exact_testing {
namespace {

using hans::check;
using hans::nn::Sequential;

constexpr std::size_t most_inputs = 8;

/// An affine function of some variables in whole numbers: the constant, then the coefficients.
using Row = std::array<Int, most_inputs + 1>;

/// Constraints on the inputs, as the simplex method keeps them: scale * basic[i] = rows[i] of (1, nonbasic), every
/// variable at least 0, and so is the constant of every row: nonbasic = 0 is a vertex. Whole numbers stay whole
/// (Bareiss 1968). Variables 0 .. inputs - 1 are the inputs, the others slacks.
class Polytope {
 public:
  /// 0 <= input k <= widths[k].
  explicit Polytope(std::span<const Int> widths) : inputs_(widths.size()) {
    for (std::size_t k = 0; k < inputs_; ++k) {
      Row slack{widths[k]};
      slack[k + 1] = -1;
      nonbasic_[k] = k;
      add(slack);
    }
  }

  /// A function of the inputs as one of the nonbasic variables, times scale().
  Row express(const Row& function) const {
    Row result{product(function[0], scale_)};
    for (std::size_t j = 0; j < inputs_; ++j) {
      if (nonbasic_[j] < inputs_) result[j + 1] = product(function[nonbasic_[j] + 1], scale_);
    }
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (basic_[i] >= inputs_ || function[basic_[i] + 1] == 0) continue;
      for (std::size_t c = 0; c <= inputs_; ++c) {
        result[c] = sum(result[c], product(function[basic_[i] + 1], rows_[i][c]));
      }
    }
    return result;
  }

  /// Adds the constraint that an expressed function, which is not below 0 at the vertex, is nowhere below 0.
  void add(const Row& expressed) {
    basic_.push_back(inputs_ + rows_.size());
    rows_.push_back(expressed);
  }

  /// Moves to a vertex where an expressed function is largest, or only above 0. By Bland's rule, so it ends.
  void maximise(Row& function, bool only_above_0) {
    while (!only_above_0 || function[0] <= 0) {
      std::size_t enters = inputs_;
      for (std::size_t j = 0; j < inputs_; ++j) {
        if (function[j + 1] > 0 && (enters == inputs_ || nonbasic_[j] < nonbasic_[enters])) enters = j;
      }
      if (enters == inputs_) return;
      std::size_t leaves = rows_.size();
      for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (rows_[i][enters + 1] >= 0) continue;
        if (leaves == rows_.size()) {
          leaves = i;
          continue;
        }
        const Int here = product(rows_[i][0], rows_[leaves][enters + 1]);  // both times -1
        const Int there = product(rows_[leaves][0], rows_[i][enters + 1]);
        if (here > there || (here == there && basic_[i] < basic_[leaves])) leaves = i;
      }
      pivot(leaves, enters, function);
    }
  }

  /// The inputs at the vertex, times scale().
  std::array<Int, most_inputs> vertex() const {
    std::array<Int, most_inputs> result{};
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (basic_[i] < inputs_) result[basic_[i]] = rows_[i][0];
    }
    return result;
  }
  Int scale() const { return scale_; }

 private:
  void pivot(std::size_t leaves, std::size_t enters, Row& function) {
    const Row row = rows_[leaves];
    const Int next = -row[enters + 1];
    const auto replace = [&](Row& other) {
      const Int factor = other[enters + 1];
      for (std::size_t c = 0; c <= inputs_; ++c) {
        if (c != enters + 1) other[c] = sum(product(other[c], next), product(factor, row[c])) / scale_;
      }
      other[enters + 1] = -factor;
    };
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (i != leaves) replace(rows_[i]);
    }
    replace(function);
    rows_[leaves][enters + 1] = -scale_;
    scale_ = next;
    std::swap(basic_[leaves], nonbasic_[enters]);
  }

  std::size_t inputs_;
  Int scale_ = 1;
  std::vector<Row> rows_;
  std::vector<std::size_t> basic_;
  std::array<std::size_t, most_inputs> nonbasic_{};
};

/// A linear layer in whole numbers.
struct Whole {
  std::vector<std::vector<Int>> weights;  ///< of each unit
  std::vector<Int> biases;
  bool relu = false;
};

/// The least e for which value * 2^e is whole; that of 0 is very low.
int exponent_of(const Rational& value) {
  if (value == 0) return -1000;
  check((value.denominator() & (value.denominator() - 1)) == 0, "not a binary fraction: ", value.nearby());
  int exponent = bits(value.denominator()) - 1;
  for (Int rest = value.numerator(); rest % 2 == 0; rest /= 2) --exponent;
  return exponent;
}

Rational times_power(const Rational& value, int exponent) {
  if (value == 0) return value;
  check(std::abs(exponent) < 126, value.nearby(), " times 2^", exponent, " needs more than 126 bits");
  return exponent < 0 ? value / Rational(Int{1} << -exponent) : value * Rational(Int{1} << exponent);
}

using Matrix = std::vector<std::vector<Rational>>;

/// A linear layer: the weights of each unit, then its bias; and whether relu follows.
struct Exact {
  Matrix units;
  bool relu = false;
};

std::vector<Exact> layers_of(const Sequential& net) {
  std::vector<Exact> result;
  for (std::size_t k = 0; k < net.layers().size(); ++k) {
    const hans::nn::Layer& layer = net.layers()[k];
    check(!layer.sources(), "layer ", k, " names its operands");
    if (layer.as<hans::nn::Flatten>() != nullptr) continue;
    if (layer.as<hans::nn::Relu>() != nullptr && !result.empty()) {
      result.back().relu = true;
      continue;
    }
    check(layer.as<hans::nn::Linear>() != nullptr, "layer ", k, " (", layer.spec().name, ") is no linear layer");
    const hans::Tensor& weights = net.weights(k)[0];  // inputs x units
    const std::size_t inputs = weights.shape()[0], units = weights.shape()[1];
    Exact exact{Matrix(units, std::vector<Rational>(inputs + 1))};
    for (std::size_t unit = 0; unit < units; ++unit) {
      for (std::size_t i = 0; i < inputs; ++i) exact.units[unit][i] = Rational::of(weights.data()[i * units + unit]);
      if (net.weights(k).size() > 1) exact.units[unit][inputs] = Rational::of(net.weights(k)[1].data()[unit]);
    }
    result.push_back(std::move(exact));
  }
  return result;
}

/// The sum of the units, weighted.
std::vector<Rational> combined(const Matrix& units, std::span<const float> form) {
  std::vector<Rational> result(units[0].size());
  for (std::size_t j = 0; j < units.size(); ++j) {
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = result[i] + Rational::of(form[j]) * units[j][i];
  }
  return result;
}

class Search {
 public:
  Search(const Sequential& net, std::span<const float> low, std::span<const float> high, std::span<const float> form)
      : inputs_(low.size()) {
    check(inputs_ <= most_inputs && high.size() == inputs_ && net.input().elements() == inputs_ &&
              form.size() == net.classes(),
          "box or form do not fit the network");
    int exponent = 0;  // of the box, then of each layer's outputs
    for (std::size_t k = 0; k < inputs_; ++k) {
      check(low[k] <= high[k], "the box is empty: ", low[k], " to ", high[k]);
      exponent = std::max({exponent, exponent_of(Rational::of(low[k])), exponent_of(Rational::of(high[k]))});
    }
    input_exponent_ = exponent;
    for (std::size_t k = 0; k < inputs_; ++k) {
      low_.push_back(times_power(Rational::of(low[k]), exponent).numerator());
      widths_.push_back(times_power(Rational::of(high[k]), exponent).numerator() - low_[k]);
    }
    std::vector<Exact> layers = layers_of(net);  // the last becomes the form of the last hidden layer
    check(!layers.empty() && !layers.back().relu, "the last layer is not linear");
    layers.back().units = {combined(layers.back().units, form)};
    for (const Exact& layer : layers) {
      int needed = -1000;
      for (const std::vector<Rational>& unit : layer.units) {
        for (std::size_t i = 0; i + 1 < unit.size(); ++i) needed = std::max(needed, exponent_of(unit[i]));
        if (unit.back() != 0) needed = std::max(needed, exponent_of(unit.back()) - exponent);
      }
      if (needed == -1000) needed = 0;  // all are 0
      Whole whole{{}, {}, layer.relu};
      for (const std::vector<Rational>& unit : layer.units) {
        std::vector<Int>& weights = whole.weights.emplace_back();
        for (std::size_t i = 0; i + 1 < unit.size(); ++i) weights.push_back(times_power(unit[i], needed).numerator());
        whole.biases.push_back(times_power(unit.back(), needed + exponent).numerator());
      }
      layers_.push_back(std::move(whole));
      exponent += needed;
    }
    exponent_ = exponent;
    std::vector<Row> images(inputs_);
    for (std::size_t k = 0; k < inputs_; ++k) {
      images[k][0] = low_[k];
      images[k][k + 1] = 1;
    }
    layer(Polytope(widths_), 0, images);
  }

  Minimum best() const {
    Minimum result;
    result.value = times_power(best_, -exponent_);
    for (std::size_t k = 0; k < inputs_; ++k) result.at.push_back(times_power(at_[k] + low_[k], -input_exponent_));
    return result;
  }

 private:
  /// Searches a cell in which the inputs of the layer are affine.
  void layer(Polytope cell, std::size_t position, const std::vector<Row>& values) {
    if (position == layers_.size()) return leaf(std::move(cell), values[0]);
    const Whole& whole = layers_[position];
    std::vector<Row> results(whole.weights.size());
    for (std::size_t unit = 0; unit < results.size(); ++unit) {
      results[unit][0] = whole.biases[unit];
      for (std::size_t i = 0; i < values.size(); ++i) {
        for (std::size_t c = 0; c <= inputs_; ++c) {
          results[unit][c] = sum(results[unit][c], product(whole.weights[unit][i], values[i][c]));
        }
      }
    }
    if (whole.relu) return unit(std::move(cell), position, 0, std::move(results));
    layer(std::move(cell), position + 1, results);
  }

  /// Applies relu to the units from `first` on, and splits the cell where their sign changes.
  void unit(Polytope cell, std::size_t position, std::size_t first, std::vector<Row> values) {
    if (!at_.empty() && position + 2 == layers_.size() && hopeless(cell, first, values)) return;
    for (; first < values.size(); ++first) {
      Row function = values[first];
      if (lowest(function) >= 0) continue;
      Int common = 0;
      for (const Int number : function) common = gcd(common, number);
      for (Int& number : function) number /= common;
      Row above = cell.express(function);
      cell.maximise(above, true);
      std::optional<Polytope> active;
      if (above[0] > 0) {
        active = cell;
        active->add(above);
        for (Int& number : function) number = -number;
        Row below = cell.express(function);
        cell.maximise(below, true);
        if (below[0] <= 0) continue;
        cell.add(below);
        unit(std::move(*active), position, first + 1, values);
      }
      values[first] = {};
    }
    layer(std::move(cell), position + 1, values);
  }

  /// Bounds over the box, and so over any cell.
  Int lowest(const Row& function) const {
    Int result = function[0];
    for (std::size_t k = 0; k < inputs_; ++k) {
      if (function[k + 1] < 0) result = sum(result, product(function[k + 1], widths_[k]));
    }
    return result;
  }

  Int highest(const Row& function) const {
    Int result = function[0];
    for (std::size_t k = 0; k < inputs_; ++k) {
      if (function[k + 1] > 0) result = sum(result, product(function[k + 1], widths_[k]));
    }
    return result;
  }

  /// The minimum over the cell, which is then at the vertex.
  Rational minimum(Polytope& cell, const Row& function) const {
    Row fall{};
    for (std::size_t k = 1; k <= inputs_; ++k) fall[k] = -function[k];
    fall = cell.express(fall);
    cell.maximise(fall, false);
    return Rational(function[0]) - Rational(fall[0], cell.scale());
  }

  /// Whether the form is nowhere below best_ in the cell, by a linear function below it: units from `first` on, which
  /// may be of either sign, give at least 0 and at least their input, and at most a constant.
  bool hopeless(Polytope& cell, std::size_t first, const std::vector<Row>& values) const {
    const std::vector<Int>& form = layers_.back().weights[0];
    Row below{layers_.back().biases[0]};
    for (std::size_t k = 0; k < values.size(); ++k) {
      const Int low = lowest(values[k]), high = highest(values[k]);
      if (k < first || low >= 0 || (form[k] > 0 && -low < high)) {
        for (std::size_t c = 0; c <= inputs_; ++c) below[c] = sum(below[c], product(form[k], values[k][c]));
      } else if (form[k] < 0 && high > 0) {
        below[0] = sum(below[0], product(form[k], high));
      }
    }
    return best_ <= Rational(lowest(below)) || best_ <= minimum(cell, below);
  }

  void leaf(Polytope cell, const Row& function) {
    if (!at_.empty() && best_ <= Rational(lowest(function))) return;
    const Rational value = minimum(cell, function);
    if (!at_.empty() && best_ <= value) return;
    best_ = value;
    at_.clear();
    for (const Int number : cell.vertex()) at_.emplace_back(number, cell.scale());
  }

  std::size_t inputs_;
  std::vector<Int> low_, widths_;  // the box times 2^input_exponent_; the polytope's inputs start at low_
  int input_exponent_ = 0, exponent_ = 0;
  std::vector<Whole> layers_;
  Rational best_;             // times 2^exponent_
  std::vector<Rational> at_;  // empty: none yet
};

}  // namespace

Minimum minimise(const Sequential& net, std::span<const float> low, std::span<const float> high,
                 std::span<const float> form) {
  return Search(net, low, high, form).best();
}

Rational worst_margin(const Sequential& net, std::span<const float> low, std::span<const float> high,
                      std::size_t label) {
  std::optional<Rational> worst;
  for (std::size_t other = 0; other < net.classes(); ++other) {
    if (other == label) continue;
    std::vector<float> form(net.classes(), 0.0f);
    form[label] = 1;
    form[other] = -1;
    const Rational margin = exact_minimum(net, low, high, form);
    if (!worst || margin < *worst) worst = margin;
  }
  check(worst.has_value(), "a network of one class has no margin");
  return *worst;
}

std::vector<Rational> exact_logits(const Sequential& net, std::span<const Rational> point) {
  std::vector<Rational> values(point.begin(), point.end());
  for (const Exact& layer : layers_of(net)) {
    std::vector<Rational> results;
    for (const std::vector<Rational>& unit : layer.units) {
      Rational total = unit.back();
      for (std::size_t i = 0; i < values.size(); ++i) total = total + unit[i] * values[i];
      results.push_back(layer.relu && total < 0 ? Rational() : total);
    }
    values = std::move(results);
  }
  return values;
}

}  // namespace exact_testing
