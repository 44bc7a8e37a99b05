// Bad and huge VNN-LIB properties.
#include <gtest/gtest.h>

#include <hans/core/error.hpp>

#include "../../../apps/vnnlib/disjunction.hpp"
#include "../../../apps/vnnlib/property.hpp"
#include "vnnlib_testing.hpp"

namespace hans::vnnlib_refusal_test {
namespace {

using apps::vnnlib::Disjunction;
using apps::vnnlib::Property;
using apps::vnnlib::read_property;
using testing_vnnlib::box;
using testing_vnnlib::declarations;
using testing_vnnlib::repeated;

TEST(VnnlibRefusal, RefusesByLine) {
  const std::string two = declarations(1, 2), unit = box(1), good = two + unit;  // 3 lines
  const std::string deep = good + "(assert " + std::string(99, '(');
  struct Row {
    std::string text, message;
  };
  const std::vector<Row> rows = {
      {"", ": no input is declared; write (declare-const X_0 Real)"},
      {"(declare-const X_0 Real)", ": no output is declared; write (declare-const Y_0 Real)"},
      {"foo", ", line 1: '(' is wanted, not 'foo'"},
      {")", ", line 1: '(' is wanted, not ')'"},
      {"; a comment\n\n  ; another\n)", ", line 4: '(' is wanted, not ')'"},
      {good + ")", ", line 4: '(' is wanted, not ')'"},
      {"()", ", line 1: a word is wanted, not ')'"},
      {"\n(assert\n", ", line 3: the text ends, but the bracket that line 2 opens is not closed"},
      {good + "(assert (or (<= Y_0 1)\n(<= Y_0 2))",
       ", line 5: the text ends, but the bracket that line 4 opens is not closed"},
      {"(check-sat)", ", line 1: 'check-sat' is no command of VNN-LIB 1: declare-const, declare-fun and assert are"},
      {"(vnnlib-version <2.0>)",
       ", line 1: 'vnnlib-version' is no command of VNN-LIB 1: declare-const, declare-fun and assert are"},
      {"(declare-const Z_0 Real)", ", line 1: 'Z_0' is neither an input X_0, X_1, ... nor an output Y_0, Y_1, ..."},
      {"(declare-const X_ Real)", ", line 1: 'X_' is neither an input X_0, X_1, ... nor an output Y_0, Y_1, ..."},
      {"(declare-const X_01 Real)", ", line 1: 'X_01' is neither an input X_0, X_1, ... nor an output Y_0, Y_1, ..."},
      {"(declare-const X_-1 Real)", ", line 1: 'X_-1' is neither an input X_0, X_1, ... nor an output Y_0, Y_1, ..."},
      {"(declare-const X_99999999999999999999 Real)",
       ", line 1: 'X_99999999999999999999' is neither an input X_0, X_1, ... nor an output Y_0, Y_1, ..."},
      {"(declare-const Y_4294967296 Real)",
       ", line 1: 'Y_4294967296': a text of 33 bytes cannot declare all outputs up to it"},
      {"(declare-const X_0 Int)", ", line 1: 'X_0' must be Real, not 'Int'"},
      {"(declare-const X_0 Real Real)", ", line 1: ')' is wanted, not 'Real'"},
      {"(declare-fun X_0 Real)", ", line 1: '(' is wanted, not 'Real'"},
      {"(declare-fun X_0 (Real) Real)", ", line 1: ')' is wanted, not 'Real'"},
      {"(declare-const X_0 Real)\n(declare-const X_0 Real)", ", line 2: 'X_0' is declared twice"},
      {"(declare-const X_0 Real)(declare-const X_2 Real)", ": X_2 is declared, but not X_1"},
      {"(declare-const X_0 Real)(declare-const Y_1 Real)", ": Y_1 is declared, but not Y_0"},
      {good + "(assert (<= Y_2 1))", ", line 4: 'Y_2' is not declared"},
      {"(assert (<= X_0 1))", ", line 1: 'X_0' is not declared"},
      {good + "(assert\n(<= Y_0 y))", ", line 5: 'y' is neither a variable nor a number"},
      {good + "(assert (<= Y_0 0x10))", ", line 4: '0x10' is neither a variable nor a number"},
      {good + "(assert (<= Y_0 +1))", ", line 4: '+1' is neither a variable nor a number"},
      {good + "(assert (<= Y_0 nan))", ", line 4: 'nan' is neither a variable nor a number"},
      {good + "(assert (<= Y_0 1e999))", ", line 4: '1e999' is beyond what a double holds"},
      {good + "(assert (<= Y_0 -1e999999999999999999999))",
       ", line 4: '-1e999999999999999999999' is beyond what a double holds"},
      {good + "(assert (<= X_0 3.5e38))", ", line 4: '3.5e38' is beyond what a float32 holds"},
      {good + "(assert (<= Y_0 1." + std::string(1199, '0') + "))",
       text(", line 4: '1.", std::string(198, '0'), "...' has more than 1200 characters")},
      {good + "(assert (< Y_0 1))", ", line 4: '<' is no condition of VNN-LIB 1: and, or, <= and >= are"},
      {good + "(assert (= Y_0 1))", ", line 4: '=' is no condition of VNN-LIB 1: and, or, <= and >= are"},
      {good + "(assert (not (<= Y_0 1)))", ", line 4: 'not' is no condition of VNN-LIB 1: and, or, <= and >= are"},
      {good + "(assert true)", ", line 4: '(' is wanted, not 'true'"},
      {good + "(assert (and))", ", line 4: '(' is wanted, not ')'"},
      {good + "(assert (or))", ", line 4: '(' is wanted, not ')'"},
      {good + "(assert (<= Y_0))", ", line 4: a word is wanted, not ')'"},
      {good + "(assert (<= Y_0 1 2))", ", line 4: ')' is wanted, not '2'"},
      {good + "(assert (<= Y_0 1) (<= Y_0 2))", ", line 4: ')' is wanted, not '('"},
      {good + "(assert (<= 1 2))", ", line 4: two numbers in one comparison; write what they come to"},
      {good + "(assert (<= 0 2))", ", line 4: a comparison without a variable"},
      {good + "(assert (<= (+ Y_0 1) 2))", ", line 4: two numbers in one comparison; write what they come to"},
      {good + "(assert (<= X_0 Y_0))",
       ", line 4: an input is compared with anything but a number, such as (<= X_0 0.5)"},
      {good + "(assert (<= X_0 X_0))",
       ", line 4: an input is compared with anything but a number, such as (<= X_0 0.5)"},
      {good + "(assert (<= (* 2 X_0) 1))",
       ", line 4: an input is compared with anything but a number, such as (<= X_0 0.5)"},
      {good + "(assert (<= (* Y_0 Y_1) 1))", ", line 4: * takes a number and a variable"},
      {good + "(assert (<= (* 2 (- Y_0 Y_1)) 1))", ", line 4: * takes a number and a variable"},
      {good + "(assert (<= (* 2 3) Y_0))", ", line 4: * takes a number and a variable"},
      {good + "(assert (<= (* 2 (* 2 Y_0)) 1))", ", line 4: * takes a number and a variable"},
      {good + "(assert (<= (* 0.1 Y_0) 1))",
       ", line 4: the coefficient '0.1' is no float32; multiply the comparison by a number that makes it one"},
      {good + "(assert (<= (* 1e39 Y_0) 1))",
       ", line 4: the coefficient '1e39' is no float32; multiply the comparison by a number that makes it one"},
      {good + "(assert (<= (+ (* 16777216 Y_0) Y_0) 1))", ", line 4: the coefficients of Y_0 add up to no float32"},
      {good + "(assert (<= (/ Y_0 2) 1))", ", line 4: '/' is no operation that is read: +, - and * are"},
      {good + "(assert (<= (+) 1))", ", line 4: a word is wanted, not ')'"},
      {two + "(assert (<= X_0 1))", ": X_0 has no lower bound in one of the cases; write (assert (>= X_0 NUMBER))"},
      {two + "(assert (or (and (>= X_0 1) (<= X_0 2)) (>= X_0 3)))",
       ": X_0 has no upper bound in one of the cases; write (assert (<= X_0 NUMBER))"},
      {std::string("(declare-const X_0\0 Real)", 25), ", line 1: the byte '\\x00' is allowed in comments only"},
      {"\n\xc3\xa9", ", line 2: the byte '\\xc3' is allowed in comments only"},
      {deep, ", line 4: a word is wanted, not '('"},
      {good + "(assert " + repeated(5000, [](std::size_t) { return "(or "; }),
       ", line 4: more than 100 brackets are open"},
      {good + "(assert " + repeated(5000, [](std::size_t) { return "(and "; }),
       ", line 4: more than 100 brackets are open"},
      {good + "(assert (<= " + repeated(5000, [](std::size_t) { return "(- "; }),
       ", line 4: more than 100 brackets are open"},
  };
  for (const Row& row : rows) {
    try {
      read_property(row.text, "p");
      ADD_FAILURE() << "accepted: " << row.text.substr(0, 300);
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), text("p", row.message)) << row.text.substr(0, 300);
    }
  }
}

TEST(VnnlibRefusal, ReadsAHundredThousandClauses) {
  constexpr std::size_t many = 100'000;
  const std::string good = declarations(1, 2) + box(1);
  const auto below = [](std::size_t i) { return text("(assert (<= Y_0 ", i, "))\n"); };
  EXPECT_EQ(read_property(good + repeated(many, below), "p").cases[0].violations[0].size(), many);
  const auto either = [](std::size_t i) { return text("(and (>= X_0 0) (<= X_0 0.", i + many, ") (<= Y_0 ", i, "))"); };
  EXPECT_EQ(read_property(good + "(assert (or " + repeated(many, either) + "))", "p").cases.size(), many);
  const auto wide = [](std::size_t i) { return text("(and (<= Y_0 ", i, "))"); };
  EXPECT_EQ(read_property(good + "(assert (or " + repeated(many, wide) + "))", "p").cases[0].violations.size(), many);

  const std::size_t inputs = 20'000;
  const Property large = read_property(
      declarations(inputs, 10) + box(inputs, "0.1", "0.2") + "(assert (or (<= Y_0 Y_1) (<= Y_0 Y_2)))", "p");
  EXPECT_EQ(large.cases.size(), 1);
  EXPECT_EQ(large.cases[0].low.size(), inputs);
}

TEST(VnnlibRefusal, RefusesTooManyAlternatives) {
  const std::string good = declarations(1, 2) + box(1);
  struct Row {
    std::string_view what;
    std::string text;
    bool by_line;
  };
  const Row rows[] = {
      {"asserts of outputs", repeated(100'000, [](std::size_t) { return "(assert (or (<= Y_0 1) (<= Y_1 1)))"; }),
       true},
      {"one assert",
       "(assert (or (<= Y_0 0) (and " + repeated(40, [](std::size_t) { return "(or (<= Y_0 1) (<= Y_1 1))"; }) + ")))",
       true},
      {"many conjunctions in one assert",
       "(assert (or " +
           repeated(200,
                    [](std::size_t) {
                      return "(and " + repeated(13, [](std::size_t) { return "(or (<= Y_0 1) (<= Y_1 1))"; }) + ")";
                    }) +
           "))",
       true},
      {"asserts of inputs", repeated(40, [](std::size_t) { return "(assert (or (<= X_0 1) (>= X_0 0)))"; }), true},
      {"inputs times outputs",
       "(assert (or " + repeated(3000, [](std::size_t) { return "(<= X_0 1)"; }) + "))(assert (or " +
           repeated(3000, [](std::size_t) { return "(<= Y_0 1)"; }) + "))",
       false},
      {"inputs times long conjunctions of outputs",
       "(assert (or " + repeated(600, [](std::size_t) { return "(<= X_0 1)"; }) + "))(assert (or (<= Y_0 1) (and " +
           repeated(4000, [](std::size_t) { return "(<= Y_0 1)"; }) + ")))",
       false},
      {"long conjunctions times outputs",
       "(assert (or (<= X_0 1) (and " + repeated(2000, [](std::size_t) { return "(<= Y_0 1)"; }) + ")))(assert (or " +
           repeated(1000, [](std::size_t) { return "(<= Y_0 1)"; }) + "))",
       false},
      {"mixed times outputs",
       "(assert (or " + repeated(3000, [](std::size_t) { return "(<= X_0 1)(<= Y_0 1)"; }) + "))(assert (or " +
           repeated(3000, [](std::size_t) { return "(<= Y_0 1)"; }) + "))",
       false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    try {
      read_property(good + row.text, "p");
      ADD_FAILURE();
    } catch (const Error& error) {
      const std::size_t most = (std::size_t{1} << 20) + good.size() + row.text.size();
      EXPECT_EQ(error.what(),
                row.by_line
                    ? text("p, line 4: the disjunctive normal form has more than ", most, " atoms and conjunctions")
                    : text("p: the disjunctive normal form has more than ", most, " atoms and conjunctions"));
    }
  }
}

TEST(VnnlibRefusal, DisjunctionsStayWithinTheirLimit) {
  Disjunction all({{}, {1, 2}});
  EXPECT_FALSE(all.or_also(Disjunction({{3}, {}}), 4));
  EXPECT_FALSE(all.and_also(Disjunction({{3}, {}}), 3));
  EXPECT_EQ(all.size(), 3);
  EXPECT_TRUE(all.or_also(Disjunction({{3}, {}}), 5));
  EXPECT_TRUE(all.and_also(Disjunction({{4}, {}}), 7));
  EXPECT_EQ(all.size(), 7);
  EXPECT_EQ(all.parts()[1].bounds, (std::vector<std::uint32_t>{3, 4}));
}

}  // namespace
}  // namespace hans::vnnlib_refusal_test
