// Sums of products in registers, and what is done with them at the end. Included by tiles.inl and exact.inl.

// Unrolls loops over the rows and vectors of a tile before the passes that move arrays into registers.
#if defined(__clang__)
#define HANS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define HANS_UNROLL _Pragma("GCC unroll 32")
#endif
// Makes the compiler advance one index for all rows instead of a pointer per row.
#define HANS_OPAQUE(index) __asm__("" : "+r"(index))

constexpr size_t panel_vectors = panel / lanes;

/// The accumulators of a tile; they stay in registers for all of k.
template <size_t rows, size_t vectors>
struct Sums {
  Vec row[rows][vectors];
};

/// The epilogue of one vector of sums: bias, factor, summand, added, relu, gate.
template <size_t rows, size_t vectors, bool whole>
[[gnu::always_inline]] inline void finish_vector(Sums<rows, vectors>& sums, const Product& job, size_t first_row,
                                                 size_t first_column, size_t v, size_t width) {
  if (job.bias != nullptr) {
    const real* const from = job.bias + first_column;
    const Vec bias = whole ? load(from) : load_part(from, width);
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) sums.row[r][v] = add(sums.row[r][v], bias);
  }
  if (job.factor != nullptr) {
    const real* const from = job.factor + first_column;
    const Vec factor = whole ? load(from) : load_part(from, width);
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) sums.row[r][v] = multiply(sums.row[r][v], factor);
  }
  if (job.summand != nullptr) {
    const real* const from = job.summand + first_column;
    const Vec summand = whole ? load(from) : load_part(from, width);
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) sums.row[r][v] = add(sums.row[r][v], summand);
  }
  if (job.added != nullptr) {
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      const real* const from = job.added + (job.outs[first_row + r] - job.base) + first_column;
      sums.row[r][v] = add(sums.row[r][v], whole ? load(from) : load_part(from, width));
    }
  }
  if (job.relu) {
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) sums.row[r][v] = relu(sums.row[r][v]);
  }
  if (job.gate != nullptr) {
    HANS_UNROLL
    for (size_t r = 0; r < rows; ++r) {
      const real* const from = job.gate + (job.outs[first_row + r] - job.base) + first_column;
      sums.row[r][v] = if_positive(whole ? load(from) : load_part(from, width), sums.row[r][v]);
    }
  }
}

/// Stores the sums, with `epilogue` after the epilogue. `whole`: all columns exist.
template <size_t rows, size_t vectors, bool whole, bool behind>
[[gnu::always_inline]] inline void finish(Sums<rows, vectors>& sums, const Product& job, size_t first_row,
                                          size_t first_column, size_t columns) {
  HANS_UNROLL
  for (size_t v = 0; v < vectors; ++v) {
    const size_t done = v * lanes;
    const size_t width = columns > done ? columns - done : 0;
    if (behind) finish_vector<rows, vectors, whole>(sums, job, first_row, first_column + done, v, width);
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
