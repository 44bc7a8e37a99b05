// a * b + c with one rounding, also on machines without the instruction. Included inside a namespace.

#if defined(HANS_DOUBLE)
#define HANS_FUSES
inline real fused(real a, real b, real c) { return __builtin_fma(a, b, c); }
#elif defined(__FMA__) || defined(__aarch64__) || defined(__riscv_flen)
#define HANS_FUSES
inline real fused(real a, real b, real c) { return __builtin_fmaf(a, b, c); }
#else
// The product of two floats is exact in double. The sum is rounded to odd: if it is inexact and its last bit is 0, take
// the neighbour on the side of the error. The final rounding to float is at least 29 bits shorter, so it sees on which
// side of a tie the exact value lies. The C library's function is not used, because some implementations round wrongly.
// For infinities and NaN, the error is NaN and compares as exact.
inline real fused(real a, real b, real c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  double sum = product + addend;
  const double rest = sum - product;
  const double error = (product - (sum - rest)) + (addend - rest);
  unsigned long long sum_bits, error_bits;
  __builtin_memcpy(&sum_bits, &sum, sizeof sum);
  __builtin_memcpy(&error_bits, &error, sizeof error);
  const unsigned long long inexact = static_cast<unsigned long long>((error > 0) | (error < 0));
  const unsigned long long away = 1 - (((sum_bits ^ error_bits) >> 63) << 1);  // +1, or -1 modulo 2^64
  sum_bits += away & (0 - (inexact & ~sum_bits & 1));
  __builtin_memcpy(&sum, &sum_bits, sizeof sum);
  return static_cast<float>(sum);
}
#endif
