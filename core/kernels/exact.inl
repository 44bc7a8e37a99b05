// Products with one rounding per multiply-add, for machines that have two lanes of double but no fused multiply-add.
// Included before kernels.inl, inside a namespace that has included four_lanes.inl and defined:
//   widen_low widen_high   the first and the last two lanes of a Vec, as doubles
//   narrow                 a Vec of two Doubles
// It defines multiply_add, product and peak.
//
// a and b are floats, so a * b is exact in double. t, the sum a * b + s rounded to double, must then be rounded to
// float as the exact sum would be. That is so unless t lies halfway between two floats: on which side the exact sum
// lies is then lost. There are three ways to take a step:
//   plain   rounds t by integer operations, half away from zero, and notes whether any t was halfway.
//   even    the same, except if a is a power of two. a * b is then a float but for its range, and for the sum of two
//           floats double is wide enough (53 >= 2 * 24 + 2) for the two roundings to give what one would give: so t is
//           rounded half to even, and not noted.
//   odd     is exact for all operands: t is rounded to odd (fused.inl), then converted.
// Chains are computed plainly, or evenly where a row has powers of two, such as the ones of an image; in blocks of some
// steps, and a block that met a halfway t is computed again, oddly.
//
// The integer operations know neither subnormal floats nor infinities. So the rows of a block with the following
// operands are computed oddly from the start. Let a and b be the nonzero values of least magnitude:
//   - exponent(a) + exponent(b) < -103. Otherwise all products, and so all sums, are multiples of 2^(-103 - 46) =
//     2^-149, and a sum below 2^-126 is a float.
//   - largest |a| * sum of |b| is not below 2^125, or a chain starts not below 2^126. Otherwise no sum overflows.
//   - a chain starts at -0. Otherwise steps with a = 0 leave the sums as they are, and are left out.

#include "sums.inl"

using Doubles = double __attribute__((vector_size(16)));
using Words = unsigned long long __attribute__((vector_size(16)));  // the bits of Doubles
using Singles = unsigned __attribute__((vector_size(16)));
using Shorts = short __attribute__((vector_size(16)));

enum class Way { plain, even, odd };

constexpr unsigned long long dropped_bits = (1ULL << 29) - 1;  // of a double, beyond a float's
constexpr unsigned long long half_unit = 1ULL << 28;
constexpr unsigned long long last_kept = 1ULL << 29;

/// Converts to floats and back.
inline Doubles rounded(Doubles t) { return widen_low(narrow(t, t)); }

/// sum + product, rounded to odd.
[[gnu::always_inline]] inline Doubles odd_sum(Doubles product, Doubles sum) {
  const Doubles t = product + sum;
  const Doubles rest = t - product;
  const Doubles error = (product - (t - rest)) + (sum - rest);
  const Doubles none = {0, 0};
  const Words inexact = (Words)(error > none) | (Words)(error < none);
  const Words step = inexact & ~(Words)t & 1;
  const Words against = ((Words)t ^ (Words)error) >> 63;
  return (Doubles)((Words)t + step - 2 * (step & against));
}

/// a * b + c, rounded. `tie`: for Way::even, the bit that a halfway sum clears if it is set: last_kept for a power of
/// two, and otherwise 1, which is not set. Bit 0 of `met` becomes 1 if a sum was halfway and a was no power of two.
template <Way way>
[[gnu::always_inline]] inline Doubles step(Doubles a, Doubles b, Doubles c, Words tie, Words& met) {
  if constexpr (way == Way::odd) return rounded(odd_sum(a * b, c));
  const Words up = (Words)(a * b + c) + half_unit;
  const Words kept = up & ~dropped_bits;
  Words halfway = (Words)((Mask)up == (Mask)kept);  // in the lower half of each; the upper halves are equal
  if constexpr (way == Way::even) halfway &= tie;
  met |= halfway;
  return (Doubles)(way == Way::even ? kept & ~halfway : kept);
}

inline Vec multiply_add(Vec a, Vec b, Vec c) {
  return narrow(odd_sum(widen_low(a) * widen_low(b), widen_low(c)),
                odd_sum(widen_high(a) * widen_high(b), widen_high(c)));
}

// ---- blocks --------------------------------------------------------------------------------------------

constexpr size_t row_block = 32, thin_block = 32;  // the more rows, the less the conversion of b matters
constexpr size_t most_panels = 4;                  // converted together
constexpr size_t block_values = 3072;
constexpr size_t most_steps = block_values / panel;
constexpr size_t most_runs = 64;

/// The magnitudes of some values.
struct Extent {
  unsigned least;  ///< exponent field of the least nonzero one, 0 for subnormal ones; 255 without any
  real bound;      ///< not below the largest magnitude, or their sum; infinite or NaN if one of the values is
};

/// The next steps of k, and b for some panels.
struct Block {
  Segment runs[most_runs];  ///< `b` counts the block's steps
  size_t run_count, steps, panels;
  Extent extent;
  double b[block_values];  ///< [panel][step][16]
};

/// How far the segments are done.
struct Place {
  size_t repeat, segment, step;
};

/// One step of a row.
struct Factor {
  double a;
  unsigned long long tie;
  const double* b;  ///< of the block's first panel
};

/// The steps of a row.
struct Factors {
  Factor of[most_steps];
  size_t count;
  bool powers;  ///< whether some are powers of two
  Extent extent;
};

inline unsigned bits_of_real(real x) { return __builtin_bit_cast(unsigned, x); }
constexpr unsigned magnitude_bits = 0x7fffffffU;
constexpr Mask magnitude_mask = {0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff};

/// Converts `steps` steps of the block's panels; `first` is the first of them in the block.
void convert(const Product& job, const real* b, size_t column, size_t first, size_t steps, Block& block) {
  const size_t most = block_values / (panel * block.panels);
  const Singles lowest = ~(Singles)magnitude_mask;
  // The larger a number's magnitude, the lower `lowest` minus it; 0 gives the lowest. The upper half is enough.
  Shorts inverse = (Shorts)lowest;
  Vec total = zero();
  for (size_t p = 0; p < block.panels; ++p) {
    const size_t width = job.padded ? panel : job.columns - column - p * panel;
    const real* from = b + p * job.panel_stride;
    double* to = block.b + (p * most + first) * panel;
    for (size_t i = 0; i < steps; ++i, from += job.b_stride, to += panel) {
      for (size_t v = 0; v < panel_vectors; ++v) {
        const size_t done = v * lanes;
        const Vec x = width >= panel ? load(from + done) : load_part(from + done, width > done ? width - done : 0);
        const Singles magnitude = (Singles)x & (Singles)magnitude_mask;
        const Shorts other = (Shorts)(lowest - magnitude);
        inverse = inverse > other ? inverse : other;
        total = add(total, (Vec)magnitude);
        const Doubles low = widen_low(x), high = widen_high(x);
        __builtin_memcpy(to + done, &low, sizeof low);
        __builtin_memcpy(to + done + 2, &high, sizeof high);
      }
    }
  }
  for (size_t v = 0; v < lanes; ++v) {
    const int most_inverse = inverse[2 * v + 1];
    if (most_inverse >= 0) {
      const unsigned exponent = static_cast<unsigned>(0x7fff - most_inverse) >> 7;
      if (exponent < block.extent.least) block.extent.least = exponent;
    }
    block.extent.bound += total[v];
  }
}

/// Takes the next steps into the block.
void fill(const Product& job, size_t column, Place& next, Block& block) {
  const size_t most = block_values / (panel * block.panels);
  block.run_count = block.steps = 0;
  block.extent = Extent{255, 0};
  while (next.repeat < job.repeats && block.steps < most && block.run_count < most_runs) {
    const Segment& segment = job.segments[next.segment];
    const size_t left = segment.length - next.step, room = most - block.steps, count = left < room ? left : room;
    const ptrdiff_t at = static_cast<ptrdiff_t>(next.repeat) * job.a_repeat + segment.a;
    block.runs[block.run_count++] =
        Segment{at + static_cast<ptrdiff_t>(next.step) * job.a_step, block.steps, count, segment.active};
    const size_t row = next.repeat * job.b_repeat + segment.b + next.step;
    convert(job, job.b + row * job.b_stride + column / panel * job.panel_stride, column, block.steps, count, block);
    block.steps += count;
    next.step += count;
    if (next.step < segment.length) return;
    next.step = 0;
    if (++next.segment == job.segment_count) {
      next.segment = 0;
      ++next.repeat;
    }
  }
}

/// The block's steps of a row; steps with a = 0 only if `all`.
void list(const Product& job, const Block& block, size_t row, bool all, Factors& made) {
  size_t count = 0;
  unsigned largest = 0, least = ~0U, powers = 0;
  for (size_t i = 0; i < block.run_count; ++i) {
    const Segment& run = block.runs[i];
    if (job.care == Care::rows && ((run.active >> row) & 1U) == 0) continue;
    const real* a = job.rows[row] + run.a;
    const double* b = block.b + run.b * panel;
    for (const double* const end = b + run.length * panel; b != end; b += panel, a += job.a_step) {
      const unsigned magnitude = bits_of_real(*a) & magnitude_bits;
      const unsigned some = magnitude != 0, power = (magnitude & 0x7fffffU) == 0;
      made.of[count] = Factor{static_cast<double>(*a), power != 0 ? last_kept : 1, b};
      count += some | static_cast<unsigned>(all);
      powers |= some & power;
      largest = largest > magnitude ? largest : magnitude;
      least = least < magnitude - 1 ? least : magnitude - 1;  // 0 becomes the largest
    }
  }
  made.count = count;
  made.powers = powers != 0;
  made.extent = Extent{largest == 0 ? 255 : (least + 1) >> 23, __builtin_bit_cast(real, largest)};
}

/// Continues the chains of a panel, whose b begins `offset` after that of the first. Whether a sum was halfway.
template <Way way>
[[gnu::noinline]] bool run(const Factors& factors, size_t offset, Sums<1, panel_vectors>& sums) {
  Doubles s[2 * panel_vectors];
  HANS_UNROLL
  for (size_t v = 0; v < panel_vectors; ++v) {
    s[2 * v] = widen_low(sums.row[0][v]);
    s[2 * v + 1] = widen_high(sums.row[0][v]);
  }
  Words met = {0, 0};
  for (const Factor *f = factors.of, *const end = f + factors.count; f != end; ++f) {
    const double* const b = f->b + offset;
    const Doubles a = {f->a, f->a};
    const Words tie = {f->tie, f->tie};
    HANS_UNROLL
    for (size_t v = 0; v < 2 * panel_vectors; ++v) {
      Doubles operand;
      __builtin_memcpy(&operand, b + 2 * v, sizeof operand);
      s[v] = step<way>(a, operand, s[v], tie, met);
    }
  }
  HANS_UNROLL
  for (size_t v = 0; v < panel_vectors; ++v) sums.row[0][v] = narrow(s[2 * v], s[2 * v + 1]);
  return ((met[0] | met[1]) & 1) != 0;
}

/// Whether chains may start at these values.
bool ordinary(const Sums<1, panel_vectors>& sums) {
  Mask bad = {0, 0, 0, 0};
  for (const Vec& v : sums.row[0]) {
    const Vec magnitude = (Vec)((Mask)v & magnitude_mask);
    bad |= ~(magnitude < broadcast(0x1p126F)) | ((Mask)v == ~magnitude_mask);
  }
  const Words any = (Words)bad;
  return (any[0] | any[1]) == 0;
}

/// Continues the chains of a row by the block; `fresh` ones start at +0, `last` ones get the epilogue.
void continue_row(const Product& job, const Block& block, size_t row, size_t column, bool fresh, bool last) {
  Factors factors;
  list(job, block, row, false, factors);
  bool all = false;
  const bool in_range = factors.extent.least + block.extent.least >= 151 &&  // 2 * 127 - 103
                        static_cast<double>(factors.extent.bound) * static_cast<double>(block.extent.bound) < 0x1p125;
  for (size_t p = 0; p < block.panels; ++p, column += panel) {
    const size_t left = job.columns - column, offset = p * (block_values / block.panels);
    real* const out = job.outs[row] + column;
    Sums<1, panel_vectors> sums;
    for (size_t v = 0; v < panel_vectors; ++v) {
      sums.row[0][v] = fresh ? zero() : load_part(out + v * lanes, left > v * lanes ? left - v * lanes : 0);
    }
    const bool usual = in_range && (fresh || ordinary(sums));
    const Sums<1, panel_vectors> start = sums;
    if (!usual && !all) {
      list(job, block, row, true, factors);
      all = true;
    }
    if (!usual || (factors.powers ? run<Way::even>(factors, offset, sums) : run<Way::plain>(factors, offset, sums))) {
      sums = start;
      run<Way::odd>(factors, offset, sums);
    }
    if (last) {
      left >= panel ? finish<1, panel_vectors, true, true>(sums, job, row, column, left)
                    : finish<1, panel_vectors, false, true>(sums, job, row, column, left);
    } else {
      for (size_t v = 0; v < panel_vectors; ++v) {
        store_part(out + v * lanes, sums.row[0][v], left > v * lanes ? left - v * lanes : 0);
      }
    }
  }
}

void product(const Product& job) {
  Block block;
  for (size_t column = 0; column < job.columns; column += block.panels * panel) {
    const size_t panels = (job.columns - column + panel - 1) / panel;
    block.panels = panels < most_panels ? panels : most_panels;
    Place next{job.segment_count > 0 ? 0 : job.repeats, 0, 0};
    bool fresh = !job.continues;
    do {
      fill(job, column, next, block);
      for (size_t row = 0; row < job.row_count; ++row) {
        continue_row(job, block, row, column, fresh, next.repeat == job.repeats);
      }
      fresh = false;
    } while (next.repeat < job.repeats);
  }
}

/// Of the plain way.
double peak(size_t steps, real* out) {
  Doubles s[2 * panel_vectors];
  HANS_UNROLL
  for (size_t v = 0; v < 2 * panel_vectors; ++v) s[v] = Doubles{static_cast<double>(v), 0};
  const Doubles factor = {0.875, 0.875}, addend = {0.125, 0.125};
  Words met = {0, 0};
  for (size_t i = 0; i < steps; ++i) {
    HANS_UNROLL
    for (Doubles& sum : s) sum = step<Way::plain>(sum, factor, addend, met, met);
  }
  s[0] = (Doubles)((Words)s[0] | (met & 1));  // so that it is computed
  for (size_t v = 0; v < panel_vectors; ++v) store(out + v * lanes, narrow(s[2 * v], s[2 * v + 1]));
  return 2.0 * static_cast<double>(panel) * static_cast<double>(steps);
}
