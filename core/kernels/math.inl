// The elementary functions, as array loops; included inside each instruction set's namespace.
//
// The including file defines `real` and `fused(a, b, c)`, a * b + c with one rounding. Every function is a straight
// line of additions, multiplications, divisions, fused() and integer operations, which IEEE 754 and two's complement
// define to the last bit. There are no branches, so loops over arrays vectorise; lanes are independent, so any vector
// width gives the same bits. The code is compiled once per instruction set. Therefore nothing here is external, a
// template or from a header, and no library is called.
//
// The polynomials are minimax fits for these intervals, with coefficients rounded to float. Compared with double
// arithmetic over all floats, the largest errors in ulp are: exp 1.02, log 0.95, tanh 1.34, sigmoid 1.48, erf 1.11, sin
// and cos 1.58 (1.55 for |x| <= 2 pi), for x of any size. Every NaN result is the quiet NaN 0x7fc00000.

// In and out are the same array or disjoint, so iterations are independent.
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpass-failed"  // without a hardware FMA a loop may stay scalar
#define HANS_LANES _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define HANS_LANES _Pragma("GCC ivdep")
#else
#define HANS_LANES
#endif
#define HANS_MAP(name)                                                             \
  static void name##_array(const real* in, real* out, decltype(sizeof(0)) count) { \
    HANS_LANES                                                                     \
    for (decltype(sizeof(0)) i = 0; i < count; ++i) out[i] = name##_one(in[i]);    \
  }

#ifdef HANS_DOUBLE

// The double build checks formulas, not bits.
static real exp_one(real x) { return __builtin_exp(x); }
static real log_one(real x) { return __builtin_log(x); }
static real tanh_one(real x) { return __builtin_tanh(x); }
static real sigmoid_one(real x) { return 1 / (1 + __builtin_exp(-x)); }
static real erf_one(real x) { return __builtin_erf(x); }
static real sin_one(real x) { return __builtin_sin(x); }
static real cos_one(real x) { return __builtin_cos(x); }
HANS_MAP(exp)
HANS_MAP(log)
HANS_MAP(tanh)
HANS_MAP(sigmoid)
HANS_MAP(erf)
HANS_MAP(sin)
HANS_MAP(cos)

#else

using Bits = unsigned int;
static_assert(sizeof(Bits) == sizeof(real) && sizeof(unsigned long long) == 8);

static inline Bits bits_of(real x) { return __builtin_bit_cast(Bits, x); }
static inline real real_of(Bits bits) { return __builtin_bit_cast(real, bits); }

static constexpr Bits sign_bit = 0x80000000U;
static constexpr Bits infinity_bits = 0x7f800000U;
static constexpr Bits nan_bits = 0x7fc00000U;

static inline Bits choose_bits(bool condition, Bits yes, Bits no) {
  const Bits mask = 0U - static_cast<Bits>(condition);
  return (yes & mask) | (no & ~mask);
}

// condition ? yes : no. Computes both sides, so that the compiler makes no branch of it.
static inline real choose(bool condition, real yes, real no) {
  return real_of(choose_bits(condition, bits_of(yes), bits_of(no)));
}

static inline real magnitude(real x) { return real_of(bits_of(x) & ~sign_bit); }
static inline real with_sign_of(real value, real sign) { return real_of(bits_of(value) | (bits_of(sign) & sign_bit)); }
static inline bool is_nan(real x) { return (bits_of(x) & ~sign_bit) > infinity_bits; }
static inline real or_nan(real value, bool nan) { return real_of(choose_bits(nan, nan_bits, bits_of(value))); }

// Adding this to a number below 2^22 leaves its nearest integer (ties to even) in the low bits.
static constexpr real to_integer = 0x1.8p23F;
static constexpr Bits to_integer_bits = 0x4b400000U;

// exp, except that any NaN may result from a NaN. x = n * ln 2 + r with |r| <= ln 2 / 2; n * ln2_high is exact in
// fused().
static inline real exp_core(real x) {
  x = choose(x < -104.0F, -104.0F, x);  // exp is 0 below
  x = choose(x > 89.0F, 89.0F, x);      // exp is infinity above
  const real shifted = fused(x, 0x1.715476p0F, to_integer);
  const real n = shifted - to_integer;
  real r = fused(n, -0x1.62e430p-1F, x);
  r = fused(n, 0x1.05c610p-29F, r);
  real p = 0x1.6ad14ap-10F;
  p = fused(p, r, 0x1.123f30p-7F);
  p = fused(p, r, 0x1.55584ep-5F);
  p = fused(p, r, 0x1.55548ap-3F);
  p = fused(p, r, 0x1.fffffcp-2F);
  const real value = fused(r * r, p, r) + 1.0F;
  // Two factors, so that overflow or the rounding of a denormal result happens only in the last product.
  const Bits whole = bits_of(shifted) - to_integer_bits;
  const Bits half = static_cast<Bits>(static_cast<int>(whole) >> 1);
  return value * real_of((half + 127U) << 23) * real_of((whole - half + 127U) << 23);
}

static inline real exp_one(real x) { return or_nan(exp_core(x), is_nan(x)); }

// x = 2^n * (1 + f) with 2/3 <= 1 + f < 4/3.
static inline real log_one(real x) {
  const bool denormal = x < 0x1p-126F;
  const Bits bits = choose_bits(denormal, bits_of(x * 0x1p23F), bits_of(x));
  const int n_bits = static_cast<int>(bits - 0x3f2aaaabU) >> 23;
  const real n = static_cast<real>(n_bits) + choose(denormal, -23.0F, 0.0F);
  const real f = real_of(bits - (static_cast<Bits>(n_bits) << 23)) - 1.0F;
  real p = -0x1.08064ap-3F;
  p = fused(p, f, 0x1.1e66b4p-3F);
  p = fused(p, f, -0x1.f310e4p-4F);
  p = fused(p, f, 0x1.1ed718p-3F);
  p = fused(p, f, -0x1.559dcep-3F);
  p = fused(p, f, 0x1.99d028p-3F);
  p = fused(p, f, -0x1.fffef0p-3F);
  p = fused(p, f, 0x1.555506p-2F);
  p = fused(p, f, -0.5F);
  real value = fused(f * f, p, f);
  value = fused(n, -0x1.05c610p-29F, value);
  value = fused(n, 0x1.62e430p-1F, value);
  Bits result = choose_bits(bits_of(x) == infinity_bits, infinity_bits, bits_of(value));
  result = choose_bits(bits_of(x) > infinity_bits, nan_bits, result);  // NaN, and everything with the sign bit set
  return real_of(choose_bits((bits_of(x) & ~sign_bit) == 0U, infinity_bits | sign_bit, result));
}

// Near 0 an odd polynomial, elsewhere 1 - 2 / (exp(2|x|) + 1).
static inline real tanh_one(real x) {
  const real t = magnitude(x);
  const real z = t * t;
  real p = -0x1.828774p-8F;
  p = fused(p, z, 0x1.54c3c2p-6F);
  p = fused(p, z, -0x1.b89abap-5F);
  p = fused(p, z, 0x1.1109bep-3F);
  p = fused(p, z, -0x1.55553ep-2F);
  const real near = fused(t * z, p, t);
  const real far = 1.0F - 2.0F / (exp_core(t + t) + 1.0F);
  return or_nan(with_sign_of(choose(t < 0.6F, near, far), x), is_nan(x));
}

// 1 / (1 + exp(-x)), or exp(x) / (1 + exp(x)) for negative x, where the result may be denormal. The rounding errors of
// the sum and of the quotient are corrected to first order; 1 / (1 + e) is the quotient or its complement.
static inline real sigmoid_one(real x) {
  const real e = exp_core(real_of(bits_of(x) | sign_bit));
  const real top = choose(x < 0.0F, e, 1.0F);
  const real sum = 1.0F + e;
  const real lost = e - (sum - 1.0F);
  const real quotient = top / sum;
  const real rest = fused(-quotient, lost, fused(-quotient, sum, top));
  return or_nan(fused(rest, choose(x < 0.0F, 1.0F - quotient, quotient), quotient), is_nan(x));
}

// Near 0 an odd polynomial, elsewhere 1 - exp(-P(|x|)) with P fitted to -log(1 - erf).
static inline real erf_one(real x) {
  const real t = magnitude(x);
  const real z = t * t;
  real p = 0x1.4771fcp-14F;
  p = fused(p, z, -0x1.a3515ep-11F);
  p = fused(p, z, 0x1.53f224p-8F);
  p = fused(p, z, -0x1.b7f71ap-6F);
  p = fused(p, z, 0x1.ce2ce6p-4F);
  p = fused(p, z, -0x1.81273ep-2F);
  p = fused(p, z, 0x1.06eba8p-3F);
  const real near = fused(t, p, t);
  const real u = choose(t > 4.0F, 4.0F, t);  // erf is 1 above
  real q = 0x1.5d8242p-16F;
  q = fused(q, u, -0x1.c46374p-12F);
  q = fused(q, u, 0x1.1064fap-8F);
  q = fused(q, u, -0x1.9aed1ap-6F);
  q = fused(q, u, 0x1.bb45b2p-4F);
  q = fused(q, u, 0x1.444d16p-1F);
  q = fused(q, u, 0x1.212628p0F);
  q = fused(q, u, -0x1.62dad0p-13F);
  const real far = 1.0F - exp_core(-q);
  return or_nan(with_sign_of(choose(t < 1.0F, near, far), x), is_nan(x));
}

// The sine of x or, with a quarter turn, the cosine, from |x| = quadrant * pi/2 + r. The sine takes the sign of x.
static inline real sine_of(real x, real r, Bits quadrant, Bits quarter_turns) {
  const real z = r * r;
  real s = 0x1.7c2da2p-19F;
  s = fused(s, z, -0x1.a05956p-13F);
  s = fused(s, z, 0x1.111174p-7F);
  s = fused(s, z, -0x1.555556p-3F);
  s = fused(r * z, s, r);
  real c = 0x1.99e80cp-16F;
  c = fused(c, z, -0x1.6c0c28p-10F);
  c = fused(c, z, 0x1.55554ap-5F);
  c = fused(z * z, c, fused(z, -0.5F, 1.0F));
  const Bits turns = quadrant + quarter_turns;
  const Bits value = choose_bits((turns & 1U) != 0U, bits_of(c), bits_of(s));
  const Bits sign = choose_bits(quarter_turns == 0U, bits_of(x) & sign_bit, 0U);
  return real_of(value ^ ((turns & 2U) << 30) ^ sign);
}

// Up to this |x|, r = x - n * pi/2 is computed with pi/2 in three parts; n times the first part is exact in fused().
static constexpr real reduction_limit = 0x1p17F;

static inline real sine_near(real x, Bits quarter_turns) {
  const real t = magnitude(x);
  const real shifted = fused(t, 0x1.45f306p-1F, to_integer);
  const real n = shifted - to_integer;
  real r = fused(n, -0x1.921fb6p0F, t);
  r = fused(n, 0x1.777a5cp-25F, r);
  r = fused(n, 0x1.ee59dap-50F, r);
  return sine_of(x, r, bits_of(shifted) - to_integer_bits, quarter_turns);
}

// For larger |x| = m * 2^e. Only those digits of 2/pi that 2^e leaves below 4 matter (Payne, Hanek).
static real sine_far(real x, Bits quarter_turns) {
  // A word of zeros, then the digits of 2/pi after the point.
  static constexpr Bits digits[] = {0U,          0xa2f9836eU, 0x4e441529U, 0xfc2757d1U, 0xf534ddc0U,
                                    0xdb629599U, 0x3c439041U, 0xfe5163abU, 0xdebbc561U};
  const unsigned long long m = (bits_of(x) & 0x007fffffU) | 0x00800000U;
  const Bits exponent = (bits_of(x) >> 23) & 0xffU;
  // m is scaled by 2^(exponent - 150), which moves that many digits before the point; keep two of them.
  const Bits first = exponent - 150U + 32U - 2U;
  unsigned long long window[3] = {};
  for (Bits k = 0; k < 3U; ++k) {
    const unsigned long long high = digits[first / 32U + k];
    const unsigned long long low = digits[first / 32U + k + 1U];
    window[k] = ((high << 32 | low) >> (32U - first % 32U)) & 0xffffffffU;
  }
  // |x| * 2/pi mod 4, with 62 binary digits after the point.
  const unsigned long long turns = ((m * window[0]) << 32) + m * window[1] + ((m * window[2]) >> 32);
  const unsigned long long nearest = (turns + (1ULL << 61)) >> 62;
  const double fraction = static_cast<double>(static_cast<long long>(turns - (nearest << 62)));
  const real r = static_cast<real>(fraction * 0x1.921fb54442d18p-62);
  return sine_of(x, r, static_cast<Bits>(nearest), quarter_turns);
}

static void sine_array(const real* in, real* out, decltype(sizeof(0)) count, Bits quarter_turns) {
  Bits largest = 0;
  for (decltype(sizeof(0)) i = 0; i < count; ++i) {
    const Bits bits = bits_of(in[i]) & ~sign_bit;
    largest = largest < bits ? bits : largest;
  }
  if (largest <= bits_of(reduction_limit)) {
    HANS_LANES
    for (decltype(sizeof(0)) i = 0; i < count; ++i) out[i] = sine_near(in[i], quarter_turns);
    return;
  }
  for (decltype(sizeof(0)) i = 0; i < count; ++i) {
    const Bits bits = bits_of(in[i]) & ~sign_bit;
    if (bits <= bits_of(reduction_limit)) {
      out[i] = sine_near(in[i], quarter_turns);
    } else {
      out[i] = or_nan(sine_far(in[i], quarter_turns), bits >= infinity_bits);
    }
  }
}

HANS_MAP(exp)
HANS_MAP(log)
HANS_MAP(tanh)
HANS_MAP(sigmoid)
HANS_MAP(erf)
static void sin_array(const real* in, real* out, decltype(sizeof(0)) count) { sine_array(in, out, count, 0U); }
static void cos_array(const real* in, real* out, decltype(sizeof(0)) count) { sine_array(in, out, count, 1U); }

#endif

#undef HANS_MAP
#undef HANS_LANES
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
