// The inner loops, once for every instruction set. Included inside a namespace that has defined:
//   Vec, lanes     a vector of `lanes` reals; lanes divides `panel`
//   tile_rows, tile_vectors   the accumulators that fit the registers together: a row has tile_vectors of them
//   wide_rows      rows whose accumulators fit the registers with four panels a row, may be 0
//   zero broadcast load load_part store store_part multiply_add add relu least_product, fused, set_name
// Nothing from outside is called, so that no code compiled here can be taken for another instruction set's.

// ---- products ------------------------------------------------------------------------------------------

#if defined(__clang__)
#define HANS_UNROLL
#else
#define HANS_UNROLL _Pragma("GCC unroll 32")  // before the passes that move arrays into registers
#endif

constexpr size_t panel_vectors = panel / lanes;

/// The sums of a tile, which stay in registers for all of k.
template <size_t rows, size_t vectors>
struct Sums {
  Vec row[rows][vectors];
};

/// `length` steps of k, for all rows or, if `selective`, for those whose bit is set in `active`. `columns`: with
/// `part`, only so many of the outputs exist in b.
template <size_t rows, size_t vectors, bool part, bool selective>
[[gnu::always_inline]] inline void run_segment(Sums<rows, vectors>& sums, const real* const (&a)[rows], ptrdiff_t at,
                                               ptrdiff_t a_step, const real* b, size_t b_stride, size_t panel_stride,
                                               size_t length, size_t columns, unsigned active) {
  for (; length != 0; --length) {
    Vec operand[vectors];
    HANS_UNROLL
    for (size_t v = 0; v < vectors; ++v) {
      const real* const from = b + v / panel_vectors * panel_stride + v % panel_vectors * lanes;
      const size_t done = v * lanes;
      operand[v] = part ? load_part(from, columns > done ? columns - done : 0) : load(from);
    }
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      if (selective && ((active >> r) & 1u) == 0) continue;
      const Vec x = broadcast(a[r][at]);
      HANS_UNROLL
      for (size_t v = 0; v < vectors; ++v) sums.row[r][v] = multiply_add(x, operand[v], sums.row[r][v]);
    }
    at += a_step;
    b += b_stride;
  }
}

/// The bias and the activation, and where the sums go. `whole`: all columns exist.
template <size_t rows, size_t vectors, bool whole>
[[gnu::always_inline]] inline void finish(Sums<rows, vectors>& sums, const Product& job, size_t first_row,
                                          size_t first_column, size_t columns) {
  HANS_UNROLL
  for (size_t v = 0; v < vectors; ++v) {
    const size_t done = v * lanes;
    const size_t width = columns > done ? columns - done : 0;
    if (job.bias != nullptr) {
      const real* const from = job.bias + first_column + done;
      const Vec bias = whole ? load(from) : load_part(from, width);
      HANS_UNROLL
      for (size_t r = 0; r < rows; ++r) sums.row[r][v] = add(sums.row[r][v], bias);
    }
    if (job.relu) {
      HANS_UNROLL
      for (size_t r = 0; r < rows; ++r) sums.row[r][v] = relu(sums.row[r][v]);
    }
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      real* const to = job.outs[first_row + r] + first_column + done;
      if (whole) {
        store(to, sums.row[r][v]);
      } else {
        store_part(to, sums.row[r][v], width);
      }
    }
  }
}

/// One tile: `rows` rows and `vectors` vectors of outputs for all of k.
template <size_t rows, size_t vectors, bool part, bool selective>
void tile(const Product& job, size_t first_row, size_t first_panel, size_t columns) {
  const real* a[rows];
  HANS_UNROLL
  for (size_t r = 0; r < rows; ++r) a[r] = job.rows[first_row + r];
  const size_t first_column = first_panel * panel;
  const real* const b = job.b + first_panel * job.panel_stride;
  const bool whole = columns >= vectors * lanes;

  Sums<rows, vectors> sums;
  if (job.continues) {
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      HANS_UNROLL
      for (size_t v = 0; v < vectors; ++v) {
        const size_t done = v * lanes;
        const real* const from = job.outs[first_row + r] + first_column + done;
        sums.row[r][v] = whole ? load(from) : load_part(from, columns > done ? columns - done : 0);
      }
    }
  } else {
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      HANS_UNROLL
      for (size_t v = 0; v < vectors; ++v) sums.row[r][v] = zero();
    }
  }

  const size_t b_stride = job.b_stride, panel_stride = job.panel_stride;
  const ptrdiff_t a_step = job.a_step;
  const unsigned all = rows == 32 ? ~0u : (1u << rows) - 1u;
  for (size_t repeat = 0; repeat < job.repeats; ++repeat) {
    const ptrdiff_t a_base = static_cast<ptrdiff_t>(repeat) * job.a_repeat;
    const real* const b_base = b + repeat * job.b_repeat * b_stride;
    const Segment* const end = job.segments + job.segment_count;
    for (const Segment* segment = job.segments; segment != end; ++segment) {
      const ptrdiff_t at = a_base + segment->a;
      const real* const from = b_base + segment->b * b_stride;
      const unsigned active = selective ? (segment->active >> first_row) & all : all;
      if (!selective || active == all) {
        run_segment<rows, vectors, part, false>(sums, a, at, a_step, from, b_stride, panel_stride, segment->length,
                                                columns, all);
      } else if (active != 0) {
        run_segment<rows, vectors, part, true>(sums, a, at, a_step, from, b_stride, panel_stride, segment->length,
                                               columns, active);
      }
    }
  }
  if (whole) {
    finish<rows, vectors, true>(sums, job, first_row, first_column, columns);
  } else {
    finish<rows, vectors, false>(sums, job, first_row, first_column, columns);
  }
}

template <size_t vectors, bool part, bool selective, size_t rows>
void tile_of(size_t count, const Product& job, size_t first_row, size_t first_panel, size_t columns) {
  if constexpr (rows > 1) {
    if (count < rows) return tile_of<vectors, part, selective, rows - 1>(count, job, first_row, first_panel, columns);
  }
  tile<rows, vectors, part, selective>(job, first_row, first_panel, columns);
}

/// A column of tiles, of nearly equal height: a last tile of one row would leave most of the arithmetic idle.
template <size_t vectors, bool part, bool selective, size_t most>
void tiles(const Product& job, size_t first_panel, size_t columns) {
  const size_t count = (job.row_count + most - 1) / most;
  size_t row = 0;
  for (size_t t = 0; t < count; ++t) {
    const size_t end = job.row_count * (t + 1) / count;
    tile_of<vectors, part, selective, most>(end - row, job, row, first_panel, columns);
    row = end;
  }
}

void product(const Product& job) {
  constexpr size_t panels_across = tile_vectors / panel_vectors;
  constexpr size_t wide_panels = 4;  // for a few rows: more chains hide the latency of each
  for (size_t column = 0; column < job.columns;) {
    const size_t first = column / panel;
    const size_t columns = job.columns - column;
    const size_t full = job.padded ? (columns + panel - 1) / panel : columns / panel;
    size_t done = 1;
    if (wide_rows > 0 && full >= wide_panels && job.row_count <= wide_rows && !job.selective) {
      if constexpr (wide_rows > 0) tiles<wide_panels * panel_vectors, false, false, wide_rows>(job, first, columns);
      done = wide_panels;
    } else if (panels_across > 1 && full >= panels_across) {
      done = panels_across;
      if (job.selective) {
        tiles<tile_vectors, false, true, tile_rows>(job, first, columns);
      } else {
        tiles<tile_vectors, false, false, tile_rows>(job, first, columns);
      }
    } else if (full == 0) {
      tiles<panel_vectors, true, true, tile_rows>(job, first, columns);
    } else if (job.selective) {
      tiles<panel_vectors, false, true, tile_rows>(job, first, columns);
    } else {
      tiles<panel_vectors, false, false, tile_rows>(job, first, columns);
    }
    column += done * panel;
  }
}

void transpose(const real* in, size_t lane_stride, size_t lane_count, size_t count, real* out) {
  for (size_t k = 0; k < count; ++k) {
    for (size_t lane = 0; lane < panel; ++lane) {
      out[k * panel + lane] = lane < lane_count ? in[lane * lane_stride + k] : real(0);
    }
  }
}

// ---- pairs ---------------------------------------------------------------------------------------------

PairFound best_pair(const real* a, const real* b, size_t n) {
  PairFound best{0, 0, 0, false};
  for (size_t i = 0; i + 1 < n; ++i) {
    // First only the row's least product, then, if it is a new best, where it was: rarely needed.
    const Vec a_i = broadcast(a[i]);
    const Vec b_i = broadcast(b[i]);
    Vec least = broadcast(real(1));  // admissible products are -0 or less
    size_t j = i + 1;
    for (; j + lanes <= n; j += lanes) least = least_product(least, add(a_i, load(a + j)), add(b_i, load(b + j)));
    if (j < n) {
      // The lanes behind the end get T = O = a_i - a_i or NaN, never both T > 0 and O < 0.
      real rest_a[lanes], rest_b[lanes];
      for (size_t l = 0; l < lanes; ++l) {
        rest_a[l] = j + l < n ? a[i] + a[j + l] : real(0);
        rest_b[l] = j + l < n ? b[i] + b[j + l] : real(0);
      }
      least = least_product(least, load(rest_a), load(rest_b));
    }
    real lane_least[lanes];
    store(lane_least, least);
    real row_least = 1;
    for (const real candidate : lane_least) row_least = candidate < row_least ? candidate : row_least;
    if (row_least > 0 || (best.found && -row_least <= best.score)) continue;
    for (j = i + 1; j < n; ++j) {
      const real t = a[i] + a[j];
      const real o = b[i] + b[j];
      if (t > 0 && o < 0 && t * o == row_least) break;
    }
    best = PairFound{i, j, -row_least, true};
  }
  return best;
}

real fused_value(real a, real b, real c) { return fused(a, b, c); }

// #include "math.inl"

#include "math.inl"

#undef HANS_UNROLL

/// Everything above as one table.
constexpr Set make_set() {
  return Set{set_name,  tile_rows,  fused_value,   product,   transpose, best_pair, exp_array,
             log_array, tanh_array, sigmoid_array, erf_array, sin_array, cos_array};
}
