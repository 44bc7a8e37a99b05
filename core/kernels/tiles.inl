// Products by register tiles, for machines with a fused multiply-add. Included before kernels.inl, inside a namespace
// that has defined:
//   tile_rows, tile_vectors   the register tile: tile_rows rows of tile_vectors accumulators
//   fetches        whether prefetching pays
//   wide_rows      rows of a register tile with four panels per row, may be 0
//   thin_rows      rows of a register tile with one vector per row and thin_steps operands, may be 0

#include "sums.inl"

constexpr size_t thin_steps = 4;
constexpr size_t panel_rows = thin_rows > 0 ? thin_rows : tile_rows;  // with one panel of outputs
constexpr size_t row_block = tile_rows, thin_block = panel_rows;

/// Strides of a product. `columns`: with `part`, how many of the outputs exist in b.
struct Walk {
  ptrdiff_t a_step;
  size_t b_stride, panel_stride, columns;
  ptrdiff_t a_ahead, b_ahead;
};

/// With one vector per row, every multiply-add reads an `a`; so look up the row pointers once for several steps.
template <size_t rows>
[[gnu::always_inline]] inline void run_thin(Sums<rows, 1>& sums, const real* const (&a)[rows], ptrdiff_t at,
                                            const real* b, const Walk& walk) {
  Vec operand[thin_steps];
  HANS_UNROLL
  for (size_t k = 0; k < thin_steps; ++k) operand[k] = load(b + k * walk.b_stride);
  HANS_UNROLL
  for (size_t r = 0; r < rows; ++r) {
    const real* from = a[r] + at;
    HANS_OPAQUE(from);
    HANS_UNROLL
    for (size_t k = 0; k < thin_steps; ++k) {
      const Vec x = broadcast(from[static_cast<ptrdiff_t>(k) * walk.a_step]);
      sums.row[r][0] = multiply_add(x, operand[k], sums.row[r][0]);
    }
  }
}

/// `length` steps of k for all rows or, with `some`, for the rows set in `active`. `fetching` prefetches: if k runs
/// over pixels, the hardware does not predict the reads.
template <size_t rows, size_t vectors, bool part, bool some, bool fetching>
[[gnu::always_inline]] inline void run_segment(Sums<rows, vectors>& sums, const real* const (&a)[rows], ptrdiff_t at,
                                               const real* b, size_t length, unsigned active, const Walk& walk) {
  if constexpr (vectors == 1 && thin_rows > 0 && !part && !some) {
    for (; length >= thin_steps; length -= thin_steps) {
      run_thin(sums, a, at, b, walk);
      at += static_cast<ptrdiff_t>(thin_steps) * walk.a_step;
      b += thin_steps * walk.b_stride;
    }
  }
  for (; length != 0; --length) {
    Vec operand[vectors];
    HANS_UNROLL
    for (size_t v = 0; v < vectors; ++v) {
      const real* const from = b + v / panel_vectors * walk.panel_stride + v % panel_vectors * lanes;
      const size_t done = v * lanes;
      operand[v] = part ? load_part(from, walk.columns > done ? walk.columns - done : 0) : load(from);
      if (fetching && v % panel_vectors == 0) __builtin_prefetch(from + walk.b_ahead);
    }
    if (fetching) __builtin_prefetch(a[0] + at + walk.a_ahead);
    if (fetching && rows > 1) __builtin_prefetch(a[rows - 1] + at + walk.a_ahead);
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      if (some && ((active >> r) & 1u) == 0) continue;
      const Vec x = broadcast(a[r][at]);
      HANS_UNROLL
      for (size_t v = 0; v < vectors; ++v) sums.row[r][v] = multiply_add(x, operand[v], sums.row[r][v]);
    }
    at += walk.a_step;
    b += walk.b_stride;
    HANS_OPAQUE(at);
  }
}

/// Computes one tile: `rows` rows and `vectors` vectors of outputs, for all of k.
template <size_t rows, size_t vectors, bool part, Care care>
[[gnu::noinline]] void tile(const Product& job, size_t first_row, size_t first_panel, size_t columns) {
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
      for (size_t v = 0; v < vectors; ++v) {
        sums.row[r][v] = zero();
        if (v % panel_vectors == 0) __builtin_prefetch(job.outs[first_row + r] + first_column + v * lanes, 1);
      }
    }
  }

  const Walk walk{job.a_step, job.b_stride, job.panel_stride,
                  columns,    job.a_ahead,  static_cast<ptrdiff_t>(job.b_ahead * job.b_stride)};
  const unsigned all = rows == 32 ? ~0u : (1u << rows) - 1u;
  for (size_t repeat = 0; repeat < job.repeats; ++repeat) {
    const ptrdiff_t a_base = static_cast<ptrdiff_t>(repeat) * job.a_repeat;
    const real* const b_base = b + repeat * job.b_repeat * walk.b_stride;
    const Segment* const end = job.segments + job.segment_count;
    for (const Segment* segment = job.segments; segment != end; ++segment) {
      const ptrdiff_t at = a_base + segment->a;
      const real* const from = b_base + segment->b * walk.b_stride;
      const unsigned active = care == Care::rows ? (segment->active >> first_row) & all : all;
      if (care != Care::rows || active == all) {
        run_segment<rows, vectors, part, false, fetches && care != Care::none>(sums, a, at, from, segment->length, all,
                                                                               walk);
      } else if (active != 0) {
        run_segment<rows, vectors, part, true, false>(sums, a, at, from, segment->length, active, walk);
      }
    }
  }
  if (whole) {
    finish<rows, vectors, true, care == Care::none>(sums, job, first_row, first_column, columns);
  } else {
    finish<rows, vectors, false, care == Care::none>(sums, job, first_row, first_column, columns);
  }
}

/// The step between tile heights above tile_rows. They differ little in speed, and each adds code.
constexpr size_t height_step = 4;

template <size_t vectors, bool part, Care care, size_t rows>
void tile_of(size_t count, const Product& job, size_t first_row, size_t first_panel, size_t columns) {
  if constexpr (rows > 1) {
    constexpr size_t next = rows <= tile_rows                ? rows - 1
                            : rows < tile_rows + height_step ? tile_rows
                                                             : rows - height_step;
    if (count < rows) return tile_of<vectors, part, care, next>(count, job, first_row, first_panel, columns);
  }
  tile<rows, vectors, part, care>(job, first_row, first_panel, columns);
}

/// Computes a column of tiles of nearly equal height; a last tile of one row would waste most of the arithmetic.
template <size_t vectors, bool part, Care care, size_t most>
void tiles(const Product& job, size_t first_panel, size_t columns) {
  for (size_t row = 0, height = 0; row < job.row_count; row += height) {
    const size_t left = job.row_count - row, count = (left + most - 1) / most;
    height = (left + count - 1) / count;
    if (height > tile_rows) {
      height = most - (most - height) / height_step * height_step;
      if (height > left) height = (left + 1) / 2;
    }
    tile_of<vectors, part, care, most>(height, job, row, first_panel, columns);
  }
}

template <size_t vectors>
void tiles_of(const Product& job, size_t first_panel, size_t columns) {
  constexpr size_t most = vectors < tile_vectors ? panel_rows : tile_rows;
  if (job.care == Care::rows) {
    tiles<vectors, false, Care::rows, tile_rows>(job, first_panel, columns);
  } else if (fetches && job.care == Care::fetch) {
    tiles<vectors, false, fetches ? Care::fetch : Care::none, most>(job, first_panel, columns);
  } else {
    tiles<vectors, false, Care::none, most>(job, first_panel, columns);
  }
}

void product(const Product& job) {
  constexpr size_t panels_across = tile_vectors / panel_vectors;
  constexpr size_t wide_panels = 4;  // for few rows: more chains hide the latency of each
  for (size_t column = 0; column < job.columns;) {
    const size_t first = column / panel;
    const size_t columns = job.columns - column;
    const size_t full = job.padded ? (columns + panel - 1) / panel : columns / panel;
    size_t done = 1;
    if (wide_rows > 0 && full >= wide_panels && job.row_count <= wide_rows && job.care != Care::rows) {
      if constexpr (wide_rows > 0)
        tiles<wide_panels * panel_vectors, false, Care::none, wide_rows>(job, first, columns);
      done = wide_panels;
    } else if (panels_across > 1 && full >= panels_across) {
      tiles_of<tile_vectors>(job, first, columns);
      done = panels_across;
    } else if (full > 0) {
      tiles_of<panel_vectors>(job, first, columns);
    } else {
      tiles<panel_vectors, true, Care::rows, tile_rows>(job, first, columns);
    }
    column += done * panel;
  }
}

double peak(size_t steps, real* out) {
  Sums<tile_rows, tile_vectors> sums;
  HANS_UNROLL
  for (size_t r = 0; r < tile_rows; ++r) {
    HANS_UNROLL
    for (size_t v = 0; v < tile_vectors; ++v) sums.row[r][v] = broadcast(static_cast<real>(r * tile_vectors + v));
  }
  const Vec factor = broadcast(real(0.875));  // the chains converge to 1, without denormals
  const Vec addend = broadcast(real(0.125));
  for (size_t step = 0; step < steps; ++step) {
    HANS_UNROLL
    for (size_t r = 0; r < tile_rows; ++r) {
      HANS_UNROLL
      for (size_t v = 0; v < tile_vectors; ++v) sums.row[r][v] = multiply_add(sums.row[r][v], factor, addend);
    }
    HANS_OPAQUE(step);
  }
  Vec total = zero();
  HANS_UNROLL
  for (size_t r = 0; r < tile_rows; ++r) {
    HANS_UNROLL
    for (size_t v = 0; v < tile_vectors; ++v) total = add(total, sums.row[r][v]);
  }
  for (size_t l = 0; l < panel; l += lanes) store(out + l, total);
  return 2.0 * static_cast<double>(lanes * tile_rows * tile_vectors) * static_cast<double>(steps);
}
