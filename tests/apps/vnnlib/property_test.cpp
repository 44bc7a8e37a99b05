// VNN-LIB properties: what is read from the shapes of benchmarks, and which outputs violate them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <hans/core/error.hpp>

#include "../../../apps/vnnlib/property.hpp"
#include "vnnlib_testing.hpp"

namespace hans::vnnlib_property_test {
namespace {

using apps::vnnlib::Atom;
using apps::vnnlib::Case;
using apps::vnnlib::Property;
using apps::vnnlib::read_property;
using apps::vnnlib::violates;
using testing_vnnlib::box;
using testing_vnnlib::declarations;

/// An atom such as "Y_0 - 2 Y_1 + [0.1, 0.2]".
std::string shown(const Atom& atom) {
  std::string out;
  for (const auto& [index, coefficient] : atom.terms) out += text(coefficient, " Y_", index, " + ");
  return atom.low == atom.high ? text(out, atom.low) : text(out, '[', atom.low, ", ", atom.high, ']');
}

/// A case on one line: the search box, then the violations.
std::string shown(const Property& property, const Case& one) {
  std::string out = one.empty ? "empty" : "";
  for (std::size_t i = 0; i < one.first.size() && !one.empty; ++i)
    out += text('[', one.first[i], ", ", one.last[i], ']');
  for (const auto& violation : one.violations) {
    out += " |";
    for (const std::uint32_t number : violation) out += text(" (", shown(property.atoms[number]), ')');
  }
  return out;
}

std::vector<std::string> shown(const Property& property) {
  std::vector<std::string> out;
  for (const Case& one : property.cases) out.push_back(shown(property, one));
  return out;
}

TEST(VnnlibProperty, ReadsTheShapesOfBenchmarks) {
  struct Row {
    std::string_view what;
    std::string text;
    std::vector<std::string> cases;
  };
  const std::string two = declarations(1, 2), three = declarations(1, 3), unit = box(1);
  const std::vector<Row> rows = {
      {"a single assert, as in the first property of ACAS Xu",
       two + unit + "(assert (>= Y_0 3.5))",
       {"[-1, 1] | (1 Y_0 + -3.5)"}},
      {"several asserts must hold together",
       three + unit + "(assert (<= Y_0 Y_1))\n(assert (<= Y_0 Y_2))",
       {"[-1, 1] | (-1 Y_0 + 1 Y_1 + 0) (-1 Y_0 + 1 Y_2 + 0)"}},
      {"robustness of a classifier",
       three + unit + "(assert (or\n  (and (>= Y_0 Y_1))\n  (and (>= Y_2 Y_1))\n))",
       {"[-1, 1] | (1 Y_0 + -1 Y_1 + 0) | (-1 Y_1 + 1 Y_2 + 0)"}},
      {"a disjunction over inputs, and one over outputs",
       two + "(assert (or (and (<= X_0 2) (>= X_0 1)) (and (<= X_0 4) (>= X_0 3))))(assert (or (<= Y_0 0) (<= Y_1 0)))",
       {"[1, 2] | (-1 Y_0 + 0) | (-1 Y_1 + 0)", "[3, 4] | (-1 Y_0 + 0) | (-1 Y_1 + 0)"}},
      {"inputs and outputs in one disjunction",
       two + "(assert (or (and (>= X_0 1) (<= X_0 2) (<= Y_0 5)) (and (>= X_0 1) (<= X_0 2) (>= Y_0 6))\n"
             "(and (>= X_0 2) (<= X_0 3) (<= Y_0 7))))",
       {"[1, 2] | (-1 Y_0 + 5) | (1 Y_0 + -6)", "[2, 3] | (-1 Y_0 + 7)"}},
      {"a box that disjunctions make smaller",
       two + unit + "(assert (or (and (>= X_0 0.5) (<= Y_0 5)) (and (<= X_0 -0.5) (<= Y_0 6))))(assert (<= Y_1 7))",
       {"[0.5, 1] | (-1 Y_0 + 5) (-1 Y_1 + 7)", "[-1, -0.5] | (-1 Y_0 + 6) (-1 Y_1 + 7)"}},
      {"alternatives of several asserts multiply",
       three + unit + "(assert (or (<= Y_0 1) (<= Y_1 1)))(assert (or (<= Y_2 2) (>= Y_2 3)))",
       {"[-1, 1] | (-1 Y_0 + 1) (-1 Y_2 + 2) | (-1 Y_0 + 1) (1 Y_2 + -3) | (-1 Y_1 + 1) (-1 Y_2 + 2) | (-1 Y_1 + 1) "
        "(1 Y_2 + -3)"}},
      {"nesting",
       two + "(assert (and (and (<= X_0 1) (>= X_0 0)) (or (and (<= Y_0 1) (or (<= Y_1 1) (<= Y_1 2))) (<= Y_0 3))))",
       {"[0, 1] | (-1 Y_0 + 1) (-1 Y_1 + 1) | (-1 Y_0 + 1) (-1 Y_1 + 2) | (-1 Y_0 + 3)"}},
      {"no condition on outputs: every one violates it", two + unit, {"[-1, 1] |"}},
      {"declare-fun, comments, tabs, CR, no spaces",
       "; \xce\xb5 = 0.1 (\n(declare-fun X_0 () Real)\t(declare-fun\r\nY_0() Real);)\n(assert(<=\tX_0 1))(assert(>= X_0 -1))(assert(<= Y_0 "
       "0)) ; end",
       {"[-1, 1] | (-1 Y_0 + 0)"}},
      {"declarations in any order",
       "(declare-const Y_1 Real)(declare-const X_0 Real)(declare-const Y_0 Real)" + unit + "(assert (<= Y_1 Y_0))",
       {"[-1, 1] | (1 Y_0 + -1 Y_1 + 0)"}},
      {"numbers before variables",
       two + "(assert (<= -1.5e0 X_0))(assert (>= .25E+1 X_0))(assert (<= 3. Y_1))",
       {"[-1.5, 2.5] | (1 Y_1 + -3)"}},
      {"negative numbers as SMT-LIB writes them",
       two + "(assert (>= X_0 (- 0.5)))(assert (<= (- X_0) (- (- 0.25))))(assert (<= X_0 1))",
       {"[-0.25, 1] |"}},
      {"linear expressions",
       three + unit + "(assert (<= (+ (* 2 Y_0) (* Y_1 -0.5) (- Y_2)) (- Y_0 Y_1 4)))",
       {"[-1, 1] | (-1 Y_0 + -0.5 Y_1 + 1 Y_2 + -4)"}},
      {"products of negative operands",
       two + unit + "(assert (<= (* (- 2) (- Y_0)) (* (- Y_1) 3)))",
       {"[-1, 1] | (-2 Y_0 + -3 Y_1 + 0)"}},
      {"boxes that differ below the precision of doubles",
       two +
           "(assert (or (and (>= X_0 0.09999999999999999999) (<= X_0 0.1)) (and (>= X_0 0.1) (<= X_0 0.1)) (and (>= X_0 "
           "0.1) (<= X_0 0.09999999999999999999))))",
       {"[0.1, 0.1] |", "[0.1, 0.1] |", "empty |"}},
      {"an output that cancels",
       two + unit + "(assert (<= (- Y_0 Y_1) (+ Y_0 3)))(assert (>= Y_0 Y_0))",
       {"[-1, 1] | (1 Y_1 + 3) (0)"}},
      {"bounds of which the tighter counts",
       two + unit + "(assert (<= X_0 0.5))(assert (<= X_0 0.75))(assert (>= X_0 -9))",
       {"[-1, 0.5] |"}},
      {"a contradictory box", two + box(1, "1", "0.5") + "(assert (<= Y_0 0))", {"empty | (-1 Y_0 + 0)"}},
      {"a box that is contradictory below the precision of doubles",
       two + box(1, "0.10000000000000000001", "0.1"),
       {"empty |"}},
      {"one of two boxes is contradictory",
       two + box(1, "0", "1") + "(assert (or (and (>= X_0 2) (<= Y_0 0)) (<= Y_0 1)))",
       {"empty | (-1 Y_0 + 0)", "[0, 1] | (-1 Y_0 + 1)"}},
      {"constants that are no doubles",
       two + unit + "(assert (<= Y_0 0.1))(assert (>= Y_0 1e-400))",
       {"[-1, 1] | (-1 Y_0 + [0.09999999999999999, 0.1]) (1 Y_0 + [-5e-324, 0])"}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    EXPECT_EQ(shown(read_property(row.text, "p")), row.cases);
  }
}

TEST(VnnlibProperty, BoxesContainTheDecimalsAndTheirFloats) {
  struct Row {
    std::string_view low, high;
    double box_low, box_high;
    float first, last;
    std::string_view between;
  };
  const float tenth = 0.1F;  // above 0.1
  const float below_tenth = std::nextafter(tenth, 0.0F), above_tenth = std::nextafter(tenth, 1.0F);
  const float three = 0.3F;  // above 0.3
  const double tiny = 5e-324;
  const float tiny_float = std::numeric_limits<float>::denorm_min();
  const Row rows[] = {
      {"0", "0.5", 0, 0.5, 0, 0.5F, ""},
      {"0.1", "0.3", std::nextafter(0.1, 0), double{three}, tenth, std::nextafter(three, 0.0F), ""},
      {"-0.3", "-0.1", -double{three}, -std::nextafter(0.1, 0), -std::nextafter(three, 0.0F), -tenth, ""},
      {"0.1", "0.1", std::nextafter(0.1, 0), double{tenth}, tenth, tenth, "0.1"},
      {"0.09999999", "0.1", double{std::nextafter(below_tenth, 0.0F)}, double{tenth}, below_tenth, below_tenth, ""},
      {"0.1000000000000001", "0.1000000000000002", std::nextafter(0.1000000000000001, 0), double{tenth}, tenth, tenth,
       "0.1000000000000001"},
      {"0.100000001490116119384765625", "0.10000001", double{tenth}, 0.10000001, tenth, above_tenth, ""},
      {"0.50000000000000000001", "0.99999999999999999999", 0.5, 1, std::nextafter(0.5F, 1.0F),
       std::nextafter(1.0F, 0.0F), ""},
      {"1e-400", "1", 0, 1, tiny_float, 1, ""},
      {"-1e-400", "1e-400", -tiny, tiny, 0, 0, ""},
      {"1e-400", "2e-400", 0, tiny, 0, 0, "1e-400"},
      {"123456789.123456789", "123456789.123456789", 123456789.12345678, 123456792, 123456792, 123456792,
       "123456789.123456789"},
      {"(- 0.7)", "(- 0.7)", std::nextafter(-0.7, -1), -double{0.7F}, -0.7F, -0.7F, "-0.7"},
      {"(- -0.7)", "(- (- 0.7))", double{0.7F}, std::nextafter(0.7, 1), 0.7F, 0.7F, "0.7"},
      {"-3.4028234663852885e38", "0", -double{std::numeric_limits<float>::max()}, 0,
       -std::nextafter(std::numeric_limits<float>::max(), 0.0F), 0, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(text(row.low, " to ", row.high));
    const Case one = read_property(declarations(1, 1) + box(1, row.low, row.high), "p").cases.at(0);
    EXPECT_FALSE(one.empty);
    EXPECT_EQ(one.first[0], row.first);
    EXPECT_EQ(one.last[0], row.last);
    EXPECT_EQ(one.between.empty() ? "" : one.between.at(0), row.between);
    EXPECT_EQ(one.low[0], row.box_low);
    EXPECT_EQ(one.high[0], row.box_high);
  }
}

TEST(VnnlibProperty, OutputsViolateOnlyForCertain) {
  struct Row {
    std::string_view condition;
    std::vector<float> outputs;
    bool violated;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN(), endless = std::numeric_limits<float>::infinity();
  const Row rows[] = {
      {"(<= Y_0 Y_1)", {1, 1}, true},
      {"(<= Y_0 Y_1)", {0, -0.0F}, true},
      {"(<= Y_0 Y_1)", {std::nextafter(1.0F, 2.0F), 1}, false},
      {"(<= Y_0 Y_1)", {1, std::nextafter(1.0F, 2.0F)}, true},
      {"(<= Y_0 Y_1)", {1e-38F, 3e38F}, true},
      {"(<= Y_0 Y_1)", {3e38F, 1e-38F}, false},
      {"(>= Y_0 0.5)", {0.5F, 0}, true},
      {"(>= Y_0 0.50000000000000000001)", {0.5F, 0}, false},
      {"(>= Y_0 0.49999999999999999999)", {0.5F, 0}, true},
      {"(<= Y_0 0.49999999999999999999)", {0.5F, 0}, false},
      {"(>= Y_0 1e-400)", {0, 0}, false},
      {"(>= Y_0 -1e-400)", {0, 0}, true},
      {"(>= (+ Y_0 Y_1) 1e-30)", {1, -1}, false},
      {"(>= (+ (* 3 Y_0) (* -3 Y_1)) 0)", {0.1F, 0.1F}, true},
      {"(or (>= Y_0 1) (and (<= Y_0 0) (>= Y_1 1)))", {0, 1}, true},
      {"(or (>= Y_0 1) (and (<= Y_0 0) (>= Y_1 1)))", {0.5F, 1}, false},
      {"(>= Y_0 Y_1)", {nan, 0}, false},
      {"(<= Y_0 Y_1)", {nan, 0}, false},
      {"(>= Y_0 Y_1)", {endless, endless}, false},
  };
  for (const Row& row : rows) {
    const Property property = read_property(text(declarations(1, 2), box(1), "(assert ", row.condition, ')'), "p");
    EXPECT_EQ(violates(property, property.cases.at(0), row.outputs), row.violated) << row.condition;
  }
  const Property always = read_property(declarations(1, 2) + box(1), "p");
  EXPECT_TRUE(violates(always, always.cases.at(0), std::vector<float>{0, 0}));
  EXPECT_THROW(violates(always, always.cases.at(0), std::vector<float>{0}), Error);
}

}  // namespace
}  // namespace hans::vnnlib_property_test
