// Properties of networks, as VNN-LIB 1 files state them: a box of inputs, and what outputs must not fulfil there.
#include "property.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>

#include <hans/core/error.hpp>
#include "disjunction.hpp"
#include "expressions.hpp"
#include "tokens.hpp"

namespace hans::apps::vnnlib {
namespace {

constexpr float largest = std::numeric_limits<float>::max();

/// Input <= or >= a number.
struct Bound {
  std::size_t input;
  bool upper;
  Literal value;
};

/// Reads a text from its start to its end, once.
class PropertyReader {
 public:
  PropertyReader(std::string_view text, std::string_view where)
      : tokens_(text, where), where_(where), most_((std::size_t{1} << 20) + text.size()) {}

  Property whole() {
    while (!tokens_.at_end()) {
      tokens_.open();
      const Token command = tokens_.take();
      if (command.word == "declare-const" || command.word == "declare-fun") {
        expressions_.declare(command.word == "declare-fun");
      } else if (command.word == "assert") {
        require();
        tokens_.close();
      } else {
        tokens_.fail(command, in_quotes(command.word),
                     " is no command of VNN-LIB 1: declare-const, declare-fun and assert are");
      }
    }
    std::tie(property_.inputs, property_.outputs) = expressions_.counts(where_);
    make_cases();
    return std::move(property_);
  }

 private:
  /// Adds an assert. Those of outputs alone are kept apart, lest every alternative of outputs repeats the box.
  void require() {
    tokens_.open();
    const Token head = tokens_.take();
    if (head.word == "and") {
      do require();
      while (!tokens_.close_if());
      return;
    }
    const Disjunction one = condition(head);
    const bool bounds = std::any_of(one.parts().begin(), one.parts().end(),
                                    [](const Conjunction& part) { return !part.bounds.empty(); });
    check_size((bounds ? boxes_ : of_outputs_).and_also(one, most_), head);
  }

  void check_size(bool fits, const Token& at) const {
    if (!fits) tokens_.fail(at, "the disjunctive normal form has more than ", most_, " atoms and conjunctions");
  }

  Disjunction condition() {
    tokens_.open();
    return condition(tokens_.take());
  }

  /// The rest of a condition after '(' and its first word.
  Disjunction condition(const Token& head) {
    if (head.word == "and" || head.word == "or") {
      Disjunction out = condition();
      while (!tokens_.close_if()) {
        Disjunction next = condition();
        check_size(head.word == "and" ? out.and_also(next, most_) : out.or_also(std::move(next), most_), head);
      }
      return out;
    }
    if (head.word != "<=" && head.word != ">=") {
      tokens_.fail(head, in_quotes(head.word), " is no condition of VNN-LIB 1: and, or, <= and >= are");
    }
    Linear difference = expressions_.take();
    difference.negate();
    expressions_.add(difference, expressions_.take(), head);
    tokens_.close();
    if (head.word == ">=") difference.negate();
    return Disjunction(not_negative(std::move(difference), head));
  }

  Conjunction not_negative(Linear sum, const Token& at) {
    if (!sum.inputs.empty()) {
      const float coefficient = sum.inputs.front().second;
      if (sum.inputs.size() > 1 || !sum.outputs.empty() || std::abs(coefficient) != 1) {
        tokens_.fail(at, "an input is compared with anything but a number, such as (<= X_0 0.5)");
      }
      const Literal value = coefficient < 0 ? sum.constant : sum.constant.negative();
      if (value.value.high > largest || value.value.low < -largest) {
        tokens_.fail(at, in_quotes(value.word), " is beyond what a float32 holds");
      }
      bounds_.push_back({sum.inputs.front().first, coefficient < 0, value});
      return {{static_cast<std::uint32_t>(bounds_.size() - 1)}, {}};
    }
    if (sum.outputs.empty()) tokens_.fail(at, "a comparison without a variable");
    Atom atom{{}, sum.constant.value.low, sum.constant.value.high};
    std::sort(sum.outputs.begin(), sum.outputs.end());
    for (const auto& [index, coefficient] : sum.outputs) {
      if (!atom.terms.empty() && atom.terms.back().first == index) {
        float& total = atom.terms.back().second;
        const float larger = total + coefficient;
        if (larger - total != coefficient || larger - coefficient != total) {
          tokens_.fail(at, "the coefficients of Y_", index, " add up to no float32");
        }
        total = larger;
      } else {
        atom.terms.emplace_back(index, coefficient);
      }
    }
    std::erase_if(atom.terms, [](const auto& term) { return term.second == 0; });
    property_.atoms.push_back(std::move(atom));
    return {{}, {static_cast<std::uint32_t>(property_.atoms.size() - 1)}};
  }

  void make_cases() {
    const std::vector<Conjunction>& boxes = boxes_.parts();
    std::size_t atoms = 0;
    for (const Conjunction& part : boxes) atoms += 1 + part.atoms.size();
    check(atoms <= most_ / of_outputs_.parts().size() && boxes.size() <= most_ / of_outputs_.size(), where_,
          ": the disjunctive normal form has more than ", most_, " atoms and conjunctions");
    for (const Conjunction& part : boxes) {
      Case next = box(part.bounds);
      std::vector<Case>& cases = property_.cases;
      if (cases.empty() || !same_box(cases.back(), next)) cases.push_back(std::move(next));
      for (const Conjunction& other : of_outputs_.parts()) {
        cases.back().violations.push_back(part.atoms);
        std::vector<std::uint32_t>& all = cases.back().violations.back();
        all.insert(all.end(), other.atoms.begin(), other.atoms.end());
      }
    }
  }

  static bool same_box(const Case& a, const Case& b) {
    return a.low == b.low && a.high == b.high && a.first == b.first && a.last == b.last && a.between == b.between &&
           a.empty == b.empty;
  }

  /// The intersection of `bounds`.
  Case box(const std::vector<std::uint32_t>& bounds) const {
    std::vector<const Literal*> low(property_.inputs), high(property_.inputs);
    for (const std::uint32_t number : bounds) {
      const Bound& bound = bounds_[number];
      const Literal*& tightest = (bound.upper ? high : low)[bound.input];
      if (tightest == nullptr ||
          (bound.upper ? bound.value.exact() < tightest->exact() : bound.value.exact() > tightest->exact())) {
        tightest = &bound.value;
      }
    }
    Case out;
    for (std::size_t i = 0; i < property_.inputs; ++i) {
      check(low[i] != nullptr && high[i] != nullptr, where_, ": X_", i, " has no ",
            low[i] == nullptr ? "lower" : "upper", " bound in one of the cases; write (assert (",
            low[i] == nullptr ? ">=" : "<=", " X_", i, " NUMBER))");
      add_interval(out, *low[i], *high[i]);
    }
    return out;
  }

  static void add_interval(Case& out, const Literal& from, const Literal& to) {
    out.low.push_back(std::min<double>(from.value.low, static_cast<float>(from.value.low)));
    out.high.push_back(std::max<double>(to.value.high, static_cast<float>(to.value.high)));
    float first = static_cast<float>(from.value.high), last = static_cast<float>(to.value.low);
    if (first < from.value.high) first = std::nextafter(first, largest);
    if (last > to.value.low) last = std::nextafter(last, -largest);
    if (first > last) {
      out.empty = out.empty || from.exact() > to.exact();
      double value = 0;
      read_number(from.word, value);  // zero if too small
      first = last = static_cast<float>(from.negated ? -value : value);
      out.between.emplace(out.low.size() - 1, from.written());
    }
    out.first.push_back(first);
    out.last.push_back(last);
  }

  Tokens tokens_;
  Expressions expressions_{tokens_};
  std::string_view where_;
  std::size_t most_;
  std::vector<Bound> bounds_;
  Disjunction boxes_, of_outputs_;
  Property property_;
};

}  // namespace

Property read_property(std::string_view text, std::string_view where) {
  check(text.size() <= largest_property, where, ": more than ", largest_property, " bytes of VNN-LIB");
  return PropertyReader(text, where).whole();
}

bool violates(const Property& property, const Case& where, std::span<const float> outputs) {
  check(outputs.size() == property.outputs, "the property has ", property.outputs, " outputs, not ", outputs.size());
  return std::any_of(where.violations.begin(), where.violations.end(), [&](const auto& atoms) {
    return std::all_of(atoms.begin(), atoms.end(),
                       [&](std::uint32_t number) { return property.atoms[number].is_fulfilled(outputs); });
  });
}

}  // namespace hans::apps::vnnlib
