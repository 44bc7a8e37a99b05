// Functions of elements: their values against double precision, what they do with special values, and their bits.
#include <hans/autodiff/functions.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/rng.hpp>

namespace hans::functions_test {
namespace {

using One = Var (*)(const Var&);
using Two = Var (*)(const Var&, const Var&);

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float tiny = 0x1p-149F;
constexpr float huge = 0x1.fffffep127F;

/// The same number; any NaN is any other.
bool same(float a, float b) {
  return a != a ? b != b : std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
}

Tensor column(const std::vector<float>& values) { return Tensor({values.size(), 1}, values); }

// --- accuracy --------------------------------------------------------------------------------------

/// Finite floats of every sign and exponent, and many of ordinary size.
std::vector<float> grid() {
  std::vector<float> values;
  for (std::uint64_t bits = 0; bits >> 32 == 0; bits += 1000003) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (std::isfinite(value)) values.push_back(value);
  }
  for (int k = -4000; k <= 4000; ++k) values.push_back(static_cast<float>(k) * 0.00517F);
  return values;
}

double exact_elu(double x, double alpha) { return x > 0 ? x : alpha * std::expm1(x); }

/// Within `ulps` * 2^-23 of the value, plus `of_x` * 2^-23 of x where the formula subtracts, plus two of the smallest
/// numbers.
struct Accuracy {
  const char* name;
  One f;
  double (*exact)(double);
  double ulps, of_x;
};

const std::vector<Accuracy> accuracies{
    {"abs", abs, std::fabs, 0, 0},
    {"erf", erf, std::erf, 1.2, 0},
    {"softplus", softplus, [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }, 2, 0},
    {"leaky_relu", [](const Var& x) { return leaky_relu(x, 0.125F); }, [](double x) { return x < 0 ? x / 8 : x; }, 0,
     0},
    {"elu", [](const Var& x) { return elu(x, 1); }, [](double x) { return exact_elu(x, 1); }, 1.5, 0},
    {"selu", [](const Var& x) { return selu(x, 1.75F, 1.0625F); }, [](double x) { return 1.0625 * exact_elu(x, 1.75); },
     4, 0},
    {"hard_sigmoid", [](const Var& x) { return hard_sigmoid(x, 0.25F, 0.5F); },
     [](double x) { return std::clamp(x / 4 + 0.5, 0.0, 1.0); }, 0.5, 0},
    {"gelu", [](const Var& x) { return gelu(x, false); },
     [](double x) { return x / 2 * std::erfc(-x * std::sqrt(0.5)); }, 1, 0.5},
    {"gelu tanh", [](const Var& x) { return gelu(x, true); },
     [](double x) { return x / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))); }, 1,
     0.6},
    {"clamp", [](const Var& x) { return clamp(x, -0.5F, 3); }, [](double x) { return std::clamp(x, -0.5, 3.0); }, 0, 0},
    {"round", round, std::nearbyint, 0, 0},
};

TEST(Functions, StayNearTheExactValues) {
  const std::vector<float> in = grid();
  for (const Accuracy& row : accuracies) {
    Tape tape;
    const Tensor out = row.f(tape.constant(column(in))).value();
    for (std::size_t i = 0; i < in.size(); ++i) {
      const double x = static_cast<double>(in[i]);
      const double exact = row.exact(x);
      if (std::isinf(static_cast<float>(exact))) {
        EXPECT_EQ(out.data()[i], static_cast<float>(exact)) << row.name << "(" << x << ")";
        continue;
      }
      const double error = std::fabs(static_cast<double>(out.data()[i]) - exact);
      const double allowed = 0x1p-23 * (row.ulps * std::fabs(exact) + row.of_x * std::fabs(x)) + 0x1p-148;
      if (!(error <= allowed)) ADD_FAILURE() << row.name << "(" << x << ") = " << out.data()[i] << ", not " << exact;
    }
  }
}

TEST(Functions, SquareRootsAreTheNearest) {
  for (const float x : grid()) {
    if (x < 0) continue;
    Tape tape;
    const float root = sqrt(tape.constant(Tensor::full({}, x))).value().data()[0];
    EXPECT_EQ(root, static_cast<float>(std::sqrt(static_cast<double>(x)))) << x;
  }
}

/// a to the power of b, with b as one number or as a whole tensor.
std::vector<float> powers(const std::vector<float>& a, float b, bool one_number) {
  Tape tape;
  const Tensor exponents = one_number ? Tensor::full({}, b) : Tensor::full({a.size(), 1}, b);
  const Tensor found = pow(tape.constant(column(a)), tape.constant(exponents)).value();
  return {found.values().begin(), found.values().end()};
}

TEST(Functions, PowersStayNearTheExactValues) {
  const std::vector<float> bases = grid();
  for (const bool one_number : {true, false}) {
    for (const float b : {-9.0F, -8.0F, -3.0F, -2.0F, -1.0F, -0.5F, 0.0F, 0.3F, 0.5F, 1.0F, 2.0F, 3.0F, 7.0F, 8.0F,
                          9.0F, 10.0F, -2.25F, 30.5F}) {
      const std::vector<float> found = powers(bases, b, one_number);
      for (std::size_t i = 0; i < bases.size(); ++i) {
        const double a = static_cast<double>(bases[i]);
        const double exact = std::pow(a, static_cast<double>(b));
        if (std::isnan(exact) || std::isinf(static_cast<float>(exact)) || exact == 0) {
          EXPECT_TRUE(same(found[i], static_cast<float>(exact))) << a << " to " << b << " = " << found[i];
          continue;
        }
        // Of a product that overflows only 0 is left, where the exact value would be denormal.
        const bool exponential = !one_number || std::fabs(b) > 8 || (std::floor(b) != b && std::fabs(b) != 0.5F);
        const double product = exponential && b != 0 ? std::fabs(static_cast<double>(b) * std::log(std::fabs(a))) : 0;
        const double lost = one_number && b < 0 ? 0x1p-126 : 0x1p-148;
        EXPECT_LE(std::fabs(static_cast<double>(found[i]) - exact), 0x1p-22 * (2 + product) * std::fabs(exact) + lost)
            << a << " to " << b << " = " << found[i];
      }
    }
  }
}

// --- special values --------------------------------------------------------------------------------

struct Special {
  const char* name;
  One f;
  float x, y, gradient;
};

const One leaky = [](const Var& x) { return leaky_relu(x, 0.25F); };
const One elu2 = [](const Var& x) { return elu(x, 2); };
const One hard = [](const Var& x) { return hard_sigmoid(x, 0.25F, 0.5F); };
const One gelu_erf = [](const Var& x) { return gelu(x, false); };
const One gelu_tanh = [](const Var& x) { return gelu(x, true); };
const One clamped = [](const Var& x) { return clamp(x, -1, 2); };
const One above = [](const Var& x) { return clamp(x, 0, inf); };

const std::vector<Special> specials{
    {"abs", abs, -0.0F, 0, 0},
    {"abs", abs, 0, 0, 0},
    {"abs", abs, -inf, inf, -1},
    {"abs", abs, -tiny, tiny, -1},
    {"abs", abs, nan, nan, 0},
    {"sqrt", sqrt, 0, 0, inf},
    {"sqrt", sqrt, -0.0F, -0.0F, -inf},
    {"sqrt", sqrt, 4, 2, 0.25F},
    {"sqrt", sqrt, -1, nan, nan},
    {"sqrt", sqrt, inf, inf, 0},
    {"erf", erf, -0.0F, -0.0F, 1.12837917F},
    {"erf", erf, -inf, -1, 0},
    {"erf", erf, huge, 1, 0},
    {"erf", erf, nan, nan, nan},
    {"softplus", softplus, 0, 0.693147181F, 0.5F},
    {"softplus", softplus, -0x1.9fe368p6F, tiny, tiny},
    {"softplus", softplus, -huge, 0, 0},
    {"softplus", softplus, huge, huge, 1},
    {"softplus", softplus, -inf, 0, 0},
    {"softplus", softplus, inf, inf, 1},
    {"softplus", softplus, nan, nan, nan},
    {"leaky_relu", leaky, -0.0F, -0.0F, 0.25F},
    {"leaky_relu", leaky, 0, 0, 0.25F},
    {"leaky_relu", leaky, -inf, -inf, 0.25F},
    {"leaky_relu", leaky, nan, nan, 0.25F},
    {"elu", elu2, -0.0F, -0.0F, 2},
    {"elu", elu2, -inf, -2, 0},
    {"elu", elu2, -huge, -2, 0},
    {"elu", elu2, huge, huge, 1},
    {"elu", elu2, inf, inf, 1},
    {"elu", elu2, nan, nan, nan},
    {"hard_sigmoid", hard, -2, 0, 0},
    {"hard_sigmoid", hard, 2, 1, 0},
    {"hard_sigmoid", hard, 1, 0.75F, 0.25F},
    {"hard_sigmoid", hard, -inf, 0, 0},
    {"hard_sigmoid", hard, huge, 1, 0},
    {"hard_sigmoid", hard, nan, nan, 0},
    {"gelu", gelu_erf, -0.0F, -0.0F, 0.5F},
    {"gelu", gelu_erf, -huge, -0.0F, 0},
    {"gelu", gelu_erf, huge, huge, 1},
    {"gelu", gelu_erf, -inf, nan, nan},
    {"gelu", gelu_erf, nan, nan, nan},
    {"gelu tanh", gelu_tanh, -0.0F, -0.0F, 0.5F},
    {"gelu tanh", gelu_tanh, -huge, -0.0F, 0},
    {"gelu tanh", gelu_tanh, huge, huge, 1},
    {"gelu tanh", gelu_tanh, inf, inf, 1},
    {"gelu tanh", gelu_tanh, nan, nan, nan},
    {"clamp", clamped, -1, -1, 1},
    {"clamp", clamped, 2, 2, 1},
    {"clamp", clamped, -inf, -1, 0},
    {"clamp", clamped, inf, 2, 0},
    {"clamp", clamped, nan, nan, 0},
    {"clamp", above, -0.0F, -0.0F, 1},
    {"clamp", above, -tiny, 0, 0},
    {"clamp", above, inf, inf, 1},
    {"round", round, 0.5F, 0, 0},
    {"round", round, -0.5F, -0.0F, 0},
    {"round", round, 1.5F, 2, 0},
    {"round", round, -2.5F, -2, 0},
    {"round", round, 0x1.fffffep-2F, 0, 0},
    {"round", round, 4194303.5F, 4194304, 0},
    {"round", round, 8388607, 8388607, 0},
    {"round", round, -16777215, -16777215, 0},
    {"round", round, inf, inf, 0},
    {"round", round, nan, nan, 0},
};

TEST(Functions, KnowTheSpecialValues) {
  for (const Special& row : specials) {
    const ValueAndGrad found = value_and_grad(row.f, Tensor::full({1}, row.x));
    EXPECT_TRUE(same(found.value.data()[0], row.y)) << row.name << "(" << row.x << ") = " << found.value.data()[0];
    EXPECT_TRUE(same(found.gradient.data()[0], row.gradient))
        << row.name << "'(" << row.x << ") = " << found.gradient.data()[0];
  }
}

struct Pair {
  const char* name;
  Two f;
  float a, b, y, a_gradient, b_gradient;
};

const Two chosen_by_first = [](const Var& a, const Var& b) { return where(a, a, b); };

const std::vector<Pair> pairs{
    {"minimum", minimum, 1, 2, 1, 1, 0},
    {"minimum", minimum, 2, 1, 1, 0, 1},
    {"minimum", minimum, 3, 3, 3, 1, 0},
    {"minimum", minimum, 0, -0.0F, 0, 1, 0},
    {"minimum", minimum, nan, 1, nan, 1, 0},
    {"minimum", minimum, 1, nan, nan, 0, 1},
    {"minimum", minimum, -inf, inf, -inf, 1, 0},
    {"maximum", maximum, 1, 2, 2, 0, 1},
    {"maximum", maximum, 3, 3, 3, 1, 0},
    {"maximum", maximum, -0.0F, 0, -0.0F, 1, 0},
    {"maximum", maximum, nan, 1, nan, 1, 0},
    {"maximum", maximum, 1, nan, nan, 0, 1},
    {"prelu", prelu, 3, 0.25F, 3, 1, 0},
    {"prelu", prelu, -4, 0.25F, -1, 0.25F, -4},
    {"prelu", prelu, -0.0F, 0.25F, -0.0F, 0.25F, 0},
    {"prelu", prelu, nan, 0.25F, nan, 0.25F, 0},
    {"equal", equal, 0, -0.0F, 1, 0, 0},
    {"equal", equal, 1, 2, 0, 0, 0},
    {"equal", equal, nan, nan, 0, 0, 0},
    {"greater", greater, 2, 1, 1, 0, 0},
    {"greater", greater, 1, 1, 0, 0, 0},
    {"greater", greater, nan, 1, 0, 0, 0},
    {"less", less, 1, 2, 1, 0, 0},
    {"less", less, 1, 1, 0, 0, 0},
    {"less", less, 1, nan, 0, 0, 0},
    {"where", chosen_by_first, 3, nan, 3, 1, 0},
    {"where", chosen_by_first, -0.0F, 7, 7, 0, 1},
    {"where", chosen_by_first, nan, 7, nan, 1, 0},
    {"pow", pow, 3, 2, 9, 6, 9.8875106F},
    {"pow", pow, -3, 2, 9, -6, nan},
    {"pow", pow, 0, 2, 0, 0, 0},
    {"pow", pow, 0, 1, 0, 1, 0},
    {"pow", pow, 0, 0, 1, 0, 0},
    {"pow", pow, -0.0F, -1, -inf, -inf, 0},
    {"pow", pow, nan, 0, 1, 0, nan},
    {"pow", pow, 4, 0.5F, 2, 0.25F, 2.77258872F},
};

TEST(Functions, OfTwoKnowTheSpecialValues) {
  for (const Pair& row : pairs) {
    Tape tape;
    const std::vector<Var> v{tape.watch(Tensor::full({1}, row.a)), tape.watch(Tensor::full({1}, row.b))};
    std::vector<Tensor> gradients(2);
    const Var y = row.f(v[0], v[1]);
    tape.gradients(y, Tensor::full({1}, 1), v, gradients);
    EXPECT_TRUE(same(y.value().data()[0], row.y)) << row.name << " of " << row.a << " and " << row.b;
    EXPECT_TRUE(same(gradients[0].data()[0], row.a_gradient))
        << row.name << " of " << row.a << " and " << row.b << ": first gradient " << gradients[0].data()[0];
    EXPECT_TRUE(same(gradients[1].data()[0], row.b_gradient))
        << row.name << " of " << row.a << " and " << row.b << ": second gradient " << gradients[1].data()[0];
  }
}

TEST(Functions, PowersOfSpecialValuesAreThoseOfTheStandard) {
  const std::vector<float> values{0,      -0.0F,  1,    -1,    inf,   -inf,   nan,   0.5F,   -0.5F, 2,
                                  -2,     3,      -3,   2.5F,  -2.5F, 8,      -8,    9,      -9,    1e30F,
                                  -1e30F, 1e-40F, tiny, -tiny, 3e38F, -3e38F, 0.75F, -0.75F, 1e9F,  16777217.0F};
  for (const float b : values) {
    for (const bool one_number : {true, false}) {
      const std::vector<float> found = powers(values, b, one_number);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double exact = std::pow(static_cast<double>(values[i]), static_cast<double>(b));
        const float nearest = static_cast<float>(exact);
        const bool finite = std::isfinite(nearest) && nearest != 0;
        EXPECT_TRUE(finite ? std::fabs(found[i] / nearest - 1) < 1e-4F : same(found[i], nearest))
            << values[i] << " to " << b << " = " << found[i] << ", not " << nearest;
      }
    }
  }
}

// --- refusals --------------------------------------------------------------------------------------

TEST(Functions, RefuseWhatDoesNotFit) {
  Tape tape;
  const auto zeros = [&](const Shape& shape) { return tape.constant(Tensor(shape)); };
  const Var x = zeros({2, 3});
  const Var two = zeros({2});
  EXPECT_THROW((void)clamp(x, 1, 0), Error);
  EXPECT_THROW((void)clamp(x, nan, 0), Error);
  EXPECT_THROW((void)clamp(x, 0, nan), Error);
  EXPECT_NO_THROW((void)clamp(x, 1, 1));
  EXPECT_THROW((void)prelu(x, two), Error);
  EXPECT_THROW((void)prelu(x, zeros({2, 2, 3})), Error);
  EXPECT_THROW((void)prelu(zeros({1, 3}), zeros({2, 3})), Error) << "the slope never stretches x";
  for (const Two f : {Two{minimum}, Two{maximum}, Two{pow}, Two{equal}, Two{greater}, Two{less}}) {
    EXPECT_THROW((void)f(x, two), Error);
  }
  EXPECT_THROW((void)where(two, x, x), Error);
  EXPECT_THROW((void)where(x, two, x), Error);
  EXPECT_THROW((void)where(x, x, two), Error);
}

TEST(Functions, ConstantsAreNotTracked) {
  Tape tape;
  const Var x = tape.watch(Tensor::full({2}, 0.5F));
  for (const Var& y : {hans::round(x), equal(x, x), greater(x, x), less(x, x),
                       where(x, tape.constant(x.value()), tape.constant(x.value()))}) {
    EXPECT_FALSE(y.tracked());
  }
}

// --- bits ------------------------------------------------------------------------------------------

/// Everything at once, for the bits of its value and gradients: positive and of both signs.
Var everything(std::span<const Var> v) {
  const Var size = abs(v[0]) + 0.1F;
  Var all = sqrt(size) + erf(v[0]) + softplus(v[0]) + leaky_relu(v[0], 0.1F) + selu(v[0], 1.67F, 1.05F) +
            hard_sigmoid(v[0], 0.2F, 0.5F) + gelu(v[0], false) + gelu(v[0], true) + clamp(v[0], -1, 1) +
            round(v[0] * 3);
  for (const Var& other : {v[1], v[2], v[3]}) {
    all = all + minimum(v[0], other) * maximum(other, v[0]) + pow(size, other) + prelu(v[0], other) +
          equal(v[0], other) + greater(v[0], other) * less(other, v[0]) + where(other, v[0], other);
  }
  return all + pow(v[0], v[0].tape().constant(Tensor::full({}, 3)));
}

TEST(DeterminismOfFunctions, SameBitsForAllThreadsAndKernels) {
  std::vector<Tensor> inputs;
  for (const Shape& shape : {Shape{37, 60, 20}, Shape{20}, Shape{37, 1, 20}, Shape{60, 1}}) {
    inputs.emplace_back(shape);
    Rng(1).stream("functions", static_cast<std::uint32_t>(inputs.size())).normals(inputs.back().mutable_values());
  }
  const Tensor seed = Tensor::full(inputs[0].shape(), 0.7F);
  const std::size_t threads_before = thread_count();
  const std::string kernels_before{kernels::selected()};
  std::vector<Tensor> first;
  for (const std::string& set : kernels::available()) {
    kernels::select(set);
    for (const std::size_t threads : {1U, 2U, 3U}) {
      set_thread_count(threads);
      Tape tape;
      std::vector<Tensor> found(inputs.size());
      found.push_back(value_and_grads(tape, everything, inputs, seed, std::span(found)));
      if (first.empty()) first = found;
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_TRUE(identical(found[i], first[i])) << set << ", " << threads << " threads, result " << i;
      }
    }
  }
  for (const Tensor& one : first) {
    EXPECT_TRUE(std::ranges::all_of(one.values(), [](float value) { return std::isfinite(value); }));
  }
  set_thread_count(threads_before);
  kernels::select(kernels_before);
}

}  // namespace
}  // namespace hans::functions_test
