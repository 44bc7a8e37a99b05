// Elementwise functions that choose between values.
#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>
#include "detail/elementwise.hpp"

namespace hans {

using namespace elementwise;

namespace {

// Whether minimum or maximum take the first value; a NaN is taken.
constexpr auto first_is_smaller = [](real x, real y) { return x <= y || x != x; };
constexpr auto first_is_larger = [](real x, real y) { return x >= y || x != x; };

template <class Takes>
Tensor taken(const Var& a, const Var& b, Takes takes_first) {
  return binary(a.tape(), a.value(), b.value(), [takes_first](real x, real y) { return takes_first(x, y) ? x : y; });
}

/// The backward closure of taken().
template <class Takes>
auto to_the_taken(const Var& a, const Var& b, Takes takes_first) {
  return [x = a.value(), y = b.value(), takes_first](Tensor g, Inputs& in) {
    for (const bool first : {true, false}) {
      const std::size_t input = first ? 0 : 1;
      if (!in.wants(input)) continue;
      const auto share = [takes_first, first](real s, real u, real v) { return takes_first(u, v) == first ? s : 0; };
      in.add(input, broadcasted(in.make(g.shape()), share, g, x, y));
    }
  };
}

template <class Compare>
Var compared(const Var& a, const Var& b, Compare compare) {
  return a.tape().constant(
      binary(a.tape(), a.value(), b.value(), [compare](real x, real y) { return compare(x, y) ? real{1} : real{0}; }));
}

}  // namespace

Var minimum(const Var& a, const Var& b) {
  return a.tape().record("minimum", taken(a, b, first_is_smaller), {&a, &b}, to_the_taken(a, b, first_is_smaller));
}

Var maximum(const Var& a, const Var& b) {
  return a.tape().record("maximum", taken(a, b, first_is_larger), {&a, &b}, to_the_taken(a, b, first_is_larger));
}

Var prelu(const Var& x, const Var& slope) {
  check(broadcast(x.shape(), slope.shape()) == x.shape(), "prelu: slopes of shape ", slope.shape(),
        " cannot be broadcast to ", x.shape());
  Tensor y = binary(x.tape(), x.value(), slope.value(), [](real v, real by) { return v >= 0 ? v : by * v; });
  return x.tape().record("prelu", std::move(y), {&x, &slope},
                         [x = x.value(), slope = slope.value()](Tensor g, Inputs& in) {
                           if (in.wants(0)) {
                             const auto share = [](real s, real v, real by) { return v > 0 ? s : by * s; };
                             in.add(0, broadcasted(in.make(g.shape()), share, g, x, slope));
                           }
                           if (in.wants(1))
                             in.add(1, through(std::move(g), x, [](real s, real v) { return v < 0 ? s * v : 0; }));
                         });
}

Var equal(const Var& a, const Var& b) {
  return compared(a, b, [](real x, real y) { return x == y; });
}
Var greater(const Var& a, const Var& b) {
  return compared(a, b, [](real x, real y) { return x > y; });
}
Var less(const Var& a, const Var& b) {
  return compared(a, b, [](real x, real y) { return x < y; });
}

Var where(const Var& condition, const Var& a, const Var& b) {
  const Shape shape = broadcast(condition.shape(), broadcast(a.shape(), b.shape()));
  Tensor y = broadcasted(
      a.tape().make(shape), [](real c, real u, real v) { return c != 0 ? u : v; }, condition.value(), a.value(),
      b.value());
  return a.tape().record("where", std::move(y), {&a, &b}, [chosen = condition.value()](Tensor g, Inputs& in) {
    for (const bool first : {true, false}) {
      const std::size_t input = first ? 0 : 1;
      if (!in.wants(input)) continue;
      const auto share = [first](real s, real c) { return (c != 0) == first ? s : 0; };
      in.add(input, broadcasted(in.make(g.shape()), share, g, chosen));
    }
  });
}

}  // namespace hans
