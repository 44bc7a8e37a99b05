// Rows of coefficients of linear bounds. Included by kernels.inl. All sums are 16 partial sums: element i goes to
// partial i mod 16.

constexpr size_t partial_vectors = 16 / lanes;

inline Vec magnitude(Vec v) { return larger(v, subtract(zero(), v)); }

/// The lanes of 16 elements from `i` on, vector after vector: body(offset, elements left, vector of the partials).
template <class Body>
[[gnu::always_inline]] inline void over_sixteens(size_t count, Body body) {
  for (size_t i = 0; i < count; i += 16) {
    HANS_UNROLL
    for (size_t v = 0; v < partial_vectors; ++v) {
      if (i + v * lanes < count) body(i + v * lanes, count - i - v * lanes, v);
    }
  }
}

template <size_t sums>
struct Partials {
  Vec of[sums][partial_vectors];

  Partials() {
    for (size_t k = 0; k < sums; ++k) {
      for (size_t v = 0; v < partial_vectors; ++v) of[k][v] = zero();
    }
  }
  void put(real* out) const {
    for (size_t k = 0; k < sums; ++k) {
      for (size_t v = 0; v < partial_vectors; ++v) store(out + k * 16 + v * lanes, of[k][v]);
    }
  }
};

void bound_add(size_t count, const real* more, const real* reach, real* row, real* out) {
  Partials<1> sum;
  over_sixteens(
      count, [&](size_t i, size_t left, size_t v) __attribute__((always_inline)) {
        const Vec both = add(load_some(row + i, left), load_some(more + i, left));
        store_some(row + i, both, left);
        sum.of[0][v] = add(sum.of[0][v], multiply(magnitude(both), load_some(reach + i, left)));
      });
  sum.put(out);
}

void bound_affine(size_t count, const real* row, const real* mass, const real* offset, real* out) {
  Partials<4> sum;
  over_sixteens(
      count, [&](size_t i, size_t left, size_t v) __attribute__((always_inline)) {
        const Vec c = load_some(row + i, left);
        const Vec shift = multiply(c, load_some(offset + i, left));
        sum.of[0][v] = add(sum.of[0][v], multiply(magnitude(c), load_some(mass + i, left)));
        sum.of[1][v] = add(sum.of[1][v], shift);
        sum.of[2][v] = add(sum.of[2][v], magnitude(shift));
        sum.of[3][v] = add(sum.of[3][v], if_equal(c, zero(), zero(), broadcast(1)));
      });
  sum.put(out);
}

void bound_lines(size_t count, const LineRow& lines, const real* reach, real* row, real* out) {
  const LineRow l = lines;
  Partials<3> sum;
  over_sixteens(
      count, [&](size_t i, size_t left, size_t v) __attribute__((always_inline)) {
        const Vec c = load_some(row + i, left);
        const Vec above = relu(c), below = subtract(c, above);  // one of them is 0; NaN stays in both
        const Vec slope =
            add(multiply(above, load_some(l.lower + i, left)), multiply(below, load_some(l.upper + i, left)));
        const Vec constant =
            add(multiply(above, load_some(l.lower_add + i, left)), multiply(below, load_some(l.upper_add + i, left)));
        store_some(row + i, slope, left);
        sum.of[0][v] = add(sum.of[0][v], constant);
        sum.of[1][v] = add(sum.of[1][v], magnitude(constant));
        sum.of[2][v] = add(sum.of[2][v], multiply(magnitude(slope), load_some(reach + i, left)));
      });
  sum.put(out);
}

void bound_box(size_t count, const real* row, const real* low, const real* high, const real* reach, real* out) {
  Partials<2> sum;
  over_sixteens(
      count, [&](size_t i, size_t left, size_t v) __attribute__((always_inline)) {
        const Vec c = load_some(row + i, left);
        const Vec above = relu(c), below = subtract(c, above);
        sum.of[0][v] = add(sum.of[0][v],
                           add(multiply(above, load_some(low + i, left)), multiply(below, load_some(high + i, left))));
        sum.of[1][v] = add(sum.of[1][v], multiply(magnitude(c), load_some(reach + i, left)));
      });
  sum.put(out);
}

void bound_points(size_t count, const LineRow& lines, const real* row, const real* in, real* out) {
  const LineRow l = lines;
  over_sixteens(
      count, [&](size_t i, size_t left, size_t) __attribute__((always_inline)) {
        const Vec c = load_some(row + i, left), above = relu(c);  // the same, or the row's coefficient is negative
        const Vec slope = if_equal(above, c, load_some(l.lower + i, left), load_some(l.upper + i, left));
        const Vec summand = if_equal(above, c, load_some(l.lower_add + i, left), load_some(l.upper_add + i, left));
        store_some(out + i, add(multiply(load_some(in + i, left), slope), summand), left);
      });
}
