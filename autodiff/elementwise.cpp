// Arithmetic with broadcasting, activations, dropout.
#include "detail/elementwise.hpp"
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/math.hpp>

namespace hans {

using namespace elementwise;

namespace {

constexpr auto minus = [](real x, real y) { return x - y; };
constexpr auto over = [](real x, real y) { return x / y; };
constexpr auto negated = [](real x, real) { return -x; };

}  // namespace

Var operator+(const Var& a, const Var& b) {
  return a.tape().record("add", binary(a.tape(), a.value(), b.value(), plus), {&a, &b}, [](Tensor g, Inputs& in) {
    in.add(0, g);
    in.add(1, std::move(g));
  });
}

Var operator-(const Var& a, const Var& b) {
  return a.tape().record("subtract", binary(a.tape(), a.value(), b.value(), minus), {&a, &b}, [](Tensor g, Inputs& in) {
    in.add(0, g);
    if (in.wants(1)) in.add(1, through(g, g, negated));
  });
}

Var operator*(const Var& a, const Var& b) {
  return a.tape().record("multiply", binary(a.tape(), a.value(), b.value(), times), {&a, &b},
                         [x = a.value(), y = b.value()](Tensor g, Inputs& in) {
                           if (in.wants(0)) in.add(0, broadcasted(in.make(g.shape()), times, g, y));
                           if (in.wants(1)) in.add(1, broadcasted(in.make(g.shape()), times, g, x));
                         });
}

Var operator/(const Var& a, const Var& b) {
  Tensor q = binary(a.tape(), a.value(), b.value(), over);
  return a.tape().record("divide", q, {&a, &b}, [q, y = b.value()](Tensor g, Inputs& in) {
    Tensor share = broadcasted(in.make(g.shape()), over, g, y);  // dq/da = 1/b
    if (in.wants(0)) in.add(0, share);
    if (in.wants(1)) in.add(1, through(std::move(share), q, [](real s, real value) { return -(s * value); }));
  });
}

Var operator-(const Var& a) {
  return a.tape().record("negate", through(a.value(), a.value(), negated), {&a},
                         [](Tensor g, Inputs& in) { in.add(0, through(g, g, negated)); });
}

Var operator+(const Var& a, real b) { return a + a.tape().constant(Tensor::full({}, b)); }
Var operator*(const Var& a, real b) { return a * a.tape().constant(Tensor::full({}, b)); }

Var relu(const Var& x) {
  Tensor y = each(x.tape(), x.value(), [](real value) { return value < 0 ? real{0} : value; });
  return x.tape().record(
      "relu", y, {&x}, [](Tensor g, Inputs& in) { in.add(0, std::move(g)); }, Pass::where_positive);
}

Var sigmoid(const Var& x) {
  Tensor y = mapped(x.tape(), x.value(), hans::sigmoid);
  return x.tape().record("sigmoid", y, {&x}, [y](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), y, [](real s, real value) { return s * (value * (1 - value)); }));
  });
}

Var tanh(const Var& x) {
  Tensor y = mapped(x.tape(), x.value(), hans::tanh);
  return x.tape().record("tanh", y, {&x}, [y](Tensor g, Inputs& in) {
    in.add(0, through(std::move(g), y, [](real s, real value) { return s * (1 - value * value); }));
  });
}

Var exp(const Var& x) {
  Tensor y = mapped(x.tape(), x.value(), hans::exp);
  return x.tape().record("exp", y, {&x}, [y](Tensor g, Inputs& in) { in.add(0, through(std::move(g), y, times)); });
}

Var log(const Var& x) {
  return x.tape().record("log", mapped(x.tape(), x.value(), hans::log), {&x},
                         [x = x.value()](Tensor g, Inputs& in) { in.add(0, through(std::move(g), x, over)); });
}

Var dropout(const Var& x, real rate, const DropoutKeys& keys, std::string_view purpose) {
  check(rate >= 0 && rate < 1, "the dropout rate must be in [0, 1), not ", rate);
  check(x.shape().rank() > 0 && keys.samples.size() == x.shape()[0],
        "dropout needs the data set position of each of the ", x.shape(), " samples, not ", keys.samples.size());
  const std::size_t features = x.shape().row_elements();
  const real kept = 1 / (1 - rate);
  Tensor factors = x.tape().make(x.shape());
  real* factor = factors.mutable_data();
  parallel_for(keys.samples.size(), [&](std::size_t i) {
    Stream stream = keys.rng.stream(purpose, keys.samples[i], keys.step);
    for (std::size_t k = 0; k < features; ++k) factor[i * features + k] = stream.uniform() < rate ? real{0} : kept;
  });
  return x.tape().record("dropout", binary(x.tape(), x.value(), factors, times), {&x},
                         [factors](Tensor g, Inputs& in) { in.add(0, through(std::move(g), factors, times)); });
}

}  // namespace hans
