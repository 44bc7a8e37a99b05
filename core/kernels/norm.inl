// Normalisation of channels: rows of channels, lanes across the channels. Included by kernels.inl.

/// Calls body(offset of the vector, its channel, number of channels left, row of the group).
template <class Body>
[[gnu::always_inline]] inline void over_rows(const Rows& rows, Body body) {
  for (size_t row = 0, first = 0; row < rows.rows; row += rows.group, first += rows.step * rows.channels) {
    const size_t count = rows.rows - row < rows.group ? rows.rows - row : rows.group;
    for (size_t k = 0; k < count; ++k) {
      const size_t at = first + k * rows.channels;
      for (size_t c = 0; c < rows.channels; c += lanes) body(at + c, c, rows.channels - c, k * rows.channels + c);
    }
  }
}

/// The prefetch distance, some KiB: if threads alternate, the hardware does not predict the reads.
[[gnu::always_inline]] inline size_t ahead_of(const Rows& rows) {
  const size_t period = rows.step * rows.channels;
  return period * (1024 / period + 1);
}

void affine_rows(const Rows& rows, const real* factor, const real* summand, const real* added, bool rectify,
                 const real* in, real* out) {
  over_rows(
      rows, [=](size_t at, size_t c, size_t left, size_t) __attribute__((always_inline)) {
        Vec v = load_some(in + at, left);
        if (factor != nullptr) v = multiply(v, load_some(factor + c, left));
        if (summand != nullptr) v = add(v, load_some(summand + c, left));
        if (added != nullptr) v = add(v, load_some(added + at, left));
        store_some(out + at, rectify ? relu(v) : v, left);
      });
}

void norm_sums(const Rows& rows, const real* mean, const real* x, real* sums) {
  const size_t ahead = ahead_of(rows);
  over_rows(
      rows, [=](size_t at, size_t c, size_t left, size_t to) __attribute__((always_inline)) {
        __builtin_prefetch(x + at + ahead);
        Vec v = load_some(x + at, left);
        if (mean != nullptr) {
          const Vec centred = subtract(v, load_some(mean + c, left));
          v = multiply(centred, centred);
        }
        store_some(sums + to, add(load_some(sums + to, left), v), left);
      });
}

void norm_rows(const Rows& rows, const Norm& norm, bool rectify, const real* x, real* y) {
  const Norm n = norm;
  over_rows(
      rows, [=](size_t at, size_t c, size_t left, size_t) __attribute__((always_inline)) {
        const Vec centred = subtract(load_some(x + at, left), load_some(n.mean + c, left));
        const Vec unit = divide(centred, load_some(n.deviation + c, left));
        const Vec made = add(multiply(unit, load_some(n.scale + c, left)), load_some(n.bias + c, left));
        store_some(y + at, rectify ? relu(made) : made, left);
      });
}

void norm_gradient_sums(const Rows& rows, const Norm& norm, const real* x, const real* g, real* sums) {
  const Norm n = norm;
  const size_t next = rows.group * rows.channels, ahead = ahead_of(rows);
  over_rows(
      rows, [=](size_t at, size_t c, size_t left, size_t to) __attribute__((always_inline)) {
        __builtin_prefetch(x + at + ahead);
        __builtin_prefetch(g + at + ahead);
        const Vec deviation = load_some(n.deviation + c, left);
        const Vec unit = divide(subtract(load_some(x + at, left), load_some(n.mean + c, left)), deviation);
        const Vec gradient = load_some(g + at, left);
        const Vec share = divide(multiply(gradient, load_some(n.scale + c, left)), deviation);
        real* const of_g = sums + to;
        real* const of_scale = of_g + next;
        real* const of_deviation = of_scale + next;
        store_some(of_g, add(load_some(of_g, left), gradient), left);
        store_some(of_scale, add(load_some(of_scale, left), multiply(gradient, unit)), left);
        store_some(of_deviation, subtract(load_some(of_deviation, left), multiply(share, unit)), left);
      });
}

void norm_gradient_rows(const Rows& rows, const Norm& norm, const real* spread, const real* x, const real* g, real* d,
                        real* sums) {
  const Norm n = norm;
  const size_t ahead = ahead_of(rows);
  over_rows(
      rows, [=](size_t at, size_t c, size_t left, size_t to) __attribute__((always_inline)) {
        __builtin_prefetch(x + at + ahead);
        __builtin_prefetch(g + at + ahead);
        const Vec share =
            divide(multiply(load_some(g + at, left), load_some(n.scale + c, left)), load_some(n.deviation + c, left));
        const Vec part =
            multiply(load_some(spread + c, left), subtract(load_some(x + at, left), load_some(n.mean + c, left)));
        const Vec made = add(add(share, part), part);
        store_some(d + at, made, left);
        store_some(sums + to, subtract(load_some(sums + to, left), made), left);
      });
}
