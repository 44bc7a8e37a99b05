// Random VNN-LIB properties against a second evaluation of their text.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include <hans/core/error.hpp>

#include "../../../apps/vnnlib/property.hpp"

namespace hans::vnnlib_random_test {
namespace {

using apps::vnnlib::Case;
using apps::vnnlib::Property;

constexpr std::size_t inputs = 2, outputs = 3;
constexpr std::int64_t one = 1024 * 1000;  // values are integers, in parts of this: exact for floats and decimals

/// What X_0, ... and Y_0, ... are.
struct Point {
  std::int64_t values[inputs + outputs];
};

/// Random conditions as text.
class Writer {
 public:
  explicit Writer(std::uint32_t seed) : random_(seed) {}

  std::size_t below(std::size_t count) { return random_() % count; }

  /// A decimal from -4 to 4 with at most three digits after the point; often also a float32.
  std::string number() {
    const auto thousandths = static_cast<std::int64_t>(below(2) == 0 ? 125 * below(65) : below(8001)) - 4000;
    const std::string digits = text(std::abs(thousandths) + 1000);
    const std::string size = text(std::abs(thousandths) / 1000, '.', digits.substr(digits.size() - 3));
    if (below(8) == 0) return text(thousandths, "e-3");
    return thousandths >= 0 ? size : below(4) == 0 ? text("(- ", size, ')') : text('-', size);
  }

  std::string output() { return text("Y_", below(outputs)); }

  std::string sum() {
    switch (below(5)) {
      case 0:
        return text("(+ ", output(), ' ', output(), ')');
      case 1:
        return text("(- ", output(), ' ', sum(), ')');
      case 2:
        return text("(* ", below(5), ' ', output(), ')');
      case 3:
        return text("(* ", output(), " -", below(5), ')');
      default:
        return output();
    }
  }

  std::string comparison(bool of_inputs) {
    const std::string left = of_inputs ? text("X_", below(inputs)) : sum();
    const std::string right = of_inputs || below(2) == 0 ? number() : sum();
    const bool swapped = below(4) == 0;
    return text('(', below(2) == 0 ? "<=" : ">=", ' ', swapped ? right : left, ' ', swapped ? left : right, ')');
  }

  /// `kinds`: comparisons of outputs (1), of inputs (2) or of both (3).
  std::string condition(std::size_t kinds, std::size_t depth) {
    if (depth == 0 || below(4) == 0) return comparison(kinds == 2 || (kinds == 3 && below(2) == 0));
    std::string out = below(2) == 0 ? "(and" : "(or";
    for (std::size_t count = 1 + below(3); count > 0; --count) out += ' ' + condition(kinds, depth - 1);
    return out + ')';
  }

  Point point() {
    Point out{};
    for (std::int64_t& value : out.values) {
      value = (static_cast<std::int64_t>(below(2) == 0 ? 128 * below(97) : below(12289)) - 6144) * (one / 1024);
    }
    return out;
  }

 private:
  std::mt19937 random_;
};

/// Evaluates text at a point: knows nothing of how the library reads it.
class Evaluator {
 public:
  Evaluator(std::string_view text, const Point& point) : text_(text), point_(point) {}

  bool holds() {
    const std::string_view head = opened();
    if (head == "and" || head == "or") {
      bool all = true, any = false;
      while (!closed()) {
        const bool next = holds();
        all = all && next;
        any = any || next;
      }
      return head == "and" ? all : any;
    }
    const std::int64_t left = value(), right = value();
    EXPECT_TRUE(closed());
    return head == "<=" ? left <= right : left >= right;
  }

 private:
  std::string_view word() {
    skip();
    const std::size_t end = std::min(text_.find_first_of(" ()"), text_.size());
    const std::string_view out = text_.substr(0, end);
    text_.remove_prefix(end);
    return out;
  }
  std::string_view opened() {
    skip();
    text_.remove_prefix(1);
    return word();
  }
  bool closed() {
    skip();
    if (!text_.starts_with(')')) return false;
    text_.remove_prefix(1);
    return true;
  }
  void skip() { text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size())); }

  std::int64_t value() {
    skip();
    if (text_.starts_with('(')) {
      const std::string_view head = opened();
      std::int64_t out = value();
      if (closed()) return head == "-" ? -out : out;
      const std::int64_t other = value();
      EXPECT_TRUE(closed());
      return head == "+" ? out + other : head == "-" ? out - other : out * other / one;
    }
    const std::string name(word());
    if (name[0] == 'X') return point_.values[std::stoul(name.substr(2))];
    if (name[0] == 'Y') return point_.values[inputs + std::stoul(name.substr(2))];
    return std::llround(std::stod(name) * 1000) * (one / 1000);
  }

  std::string_view text_;
  Point point_;
};

bool contains(const Property& property, const Point& point) {
  std::vector<float> y(outputs);
  for (std::size_t j = 0; j < outputs; ++j)
    y[j] = static_cast<float>(point.values[inputs + j]) / static_cast<float>(one);
  for (const Case& each : property.cases) {
    bool inside = !each.empty;
    for (std::size_t i = 0; i < inputs; ++i) {
      const float x = static_cast<float>(point.values[i]) / static_cast<float>(one);
      const bool within = x >= each.first[i] && x <= each.last[i] && !each.between.contains(i);
      EXPECT_TRUE(!inside || !within || (x >= each.low[i] && x <= each.high[i]));
      inside = inside && within;
    }
    if (inside && violates(property, each, y)) return true;
  }
  return false;
}

TEST(VnnlibRandom, PropertiesContainWhatTheirTextSays) {
  std::string declarations;
  for (std::size_t i = 0; i < inputs; ++i) declarations += text("(declare-const X_", i, " Real)");
  for (std::size_t i = 0; i < outputs; ++i) declarations += text("(declare-const Y_", i, " Real)");
  std::size_t contained = 0, points = 0;
  for (std::uint32_t seed = 0; seed < 1500; ++seed) {
    Writer writer(seed);
    std::vector<std::string> conditions;
    for (std::size_t i = 0; i < inputs; ++i) {
      conditions.push_back(text("(>= X_", i, ' ', "-3.", writer.below(10), ')'));
      conditions.push_back(text("(<= X_", i, ' ', "3.", writer.below(10), ')'));
    }
    for (std::size_t count = writer.below(4); count > 0; --count) {
      conditions.push_back(writer.condition(1 + writer.below(3), writer.below(4)));
    }
    for (std::size_t i = 1; i < conditions.size(); ++i) std::swap(conditions[i], conditions[writer.below(i + 1)]);
    std::string source = declarations;
    for (const std::string& condition : conditions) source += text("(assert ", condition, ")\n");
    SCOPED_TRACE(source);
    const Property property = apps::vnnlib::read_property(source, "p");
    for (int k = 0; k < 30; ++k) {
      const Point point = writer.point();
      bool wanted = true;
      for (const std::string& condition : conditions) wanted = wanted && Evaluator(condition, point).holds();
      ASSERT_EQ(contains(property, point), wanted) << testing::PrintToString(point.values);
      contained += wanted ? 1 : 0;
      ++points;
    }
  }
  EXPECT_GT(contained, points / 20);
  EXPECT_LT(contained, points / 2);
}

}  // namespace
}  // namespace hans::vnnlib_random_test
