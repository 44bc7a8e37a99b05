// Arithmetic with broadcasting, activations, dropout.
#include <algorithm>
#include <array>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/math.hpp>
#include <hans/core/parallel.hpp>

namespace hans {
namespace {

// Elementwise work is cut into pieces of this many elements; a smaller tensor stays on one thread.
constexpr std::size_t grain = 16384;

template <class Body>
void for_ranges(std::size_t size, Body body) {
  parallel_ranges(size, grain, body);
}

// out[i] = f(a[i], b[i]) with both broadcast to out's shape.
template <class Function>
void broadcast_map(const Tensor& a, const Tensor& b, Tensor& out, Function f) {
  real* to = out.mutable_data();
  const real* x = a.data();
  const real* y = b.data();
  if (a.shape() == b.shape()) {
    for_ranges(out.size(), [=](std::size_t i, std::size_t end) {
      for (; i < end; ++i) to[i] = f(x[i], y[i]);
    });
    return;
  }
  if (b.size() == 1) {
    for_ranges(out.size(), [=](std::size_t i, std::size_t end) {
      for (; i < end; ++i) to[i] = f(x[i], y[0]);
    });
    return;
  }
  const Shape& shape = out.shape();
  const auto step_a = broadcast_strides(a.shape(), shape);
  const auto step_b = broadcast_strides(b.shape(), shape);
  std::array<std::size_t, Shape::max_rank> at{};
  for (std::size_t k = 0; k < out.size(); ++k) {
    to[k] = f(*x, *y);
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      x += step_a[axis];
      y += step_b[axis];
      if (++at[axis] < shape[axis]) break;
      x -= step_a[axis] * shape[axis];
      y -= step_b[axis] * shape[axis];
      at[axis] = 0;
    }
  }
}

template <class Function>
Tensor broadcasted(Tensor out, const Tensor& a, const Tensor& b, Function f) {
  broadcast_map(a, b, out, f);
  return out;
}

template <class Function>
Tensor binary(Tape& tape, const Tensor& a, const Tensor& b, Function f) {
  return broadcasted(tape.make(broadcast(a.shape(), b.shape())), a, b, f);
}

constexpr auto plus = [](real x, real y) { return x + y; };
constexpr auto minus = [](real x, real y) { return x - y; };
constexpr auto times = [](real x, real y) { return x * y; };
constexpr auto over = [](real x, real y) { return x / y; };
constexpr auto negated = [](real x, real) { return -x; };

// gradient[i] = f(gradient[i], saved[i]) in place, for operations whose derivative follows from one saved tensor.
template <class Function>
Tensor through(Tensor gradient, const Tensor& saved, Function f) {
  real* g = gradient.mutable_data();
  const real* y = saved.data();
  for_ranges(gradient.size(), [=](std::size_t i, std::size_t end) {
    for (; i < end; ++i) g[i] = f(g[i], y[i]);
  });
  return gradient;
}

Tensor mapped(Tape& tape, const Tensor& x, void (*function)(std::span<const real>, std::span<real>)) {
  Tensor y = tape.make(x.shape());
  const std::span<real> out = y.mutable_values();
  for_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    function(x.values().subspan(begin, end - begin), out.subspan(begin, end - begin));
  });
  return y;
}

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
                           if (in.wants(0)) in.add(0, broadcasted(in.make(g.shape()), g, y, times));
                           if (in.wants(1)) in.add(1, broadcasted(in.make(g.shape()), g, x, times));
                         });
}

Var operator/(const Var& a, const Var& b) {
  Tensor q = binary(a.tape(), a.value(), b.value(), over);
  return a.tape().record("divide", q, {&a, &b}, [q, y = b.value()](Tensor g, Inputs& in) {
    Tensor share = broadcasted(in.make(g.shape()), g, y, over);  // dq/da = 1/b
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
  Tensor y = x.tape().make(x.shape());
  broadcast_map(x.value(), x.value(), y, [](real value, real) { return value < 0 ? real{0} : value; });
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
