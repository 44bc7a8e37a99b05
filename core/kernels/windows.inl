// Depthwise convolutions and pooling: channels are independent, lanes run across them. Included by kernels.inl.

// ---- depthwise convolutions ----------------------------------------------------------------------------

template <bool part>
Vec load_of(const real* from, size_t left) {
  return part ? load_some(from, left) : load(from);
}

/// Computes `outputs` outputs and `vectors` vectors of their channels for all of k. With `part`, only `left` channels
/// exist.
template <size_t outputs, size_t vectors, bool part>
[[gnu::noinline]] void depthwise_tile(const Depthwise& job, const real* in, const real* by, const real* bias, real* out,
                                      size_t left) {
  Sums<outputs, vectors> sums;
  HANS_UNROLL
  for (size_t i = 0; i < outputs; ++i) {
    HANS_UNROLL
    for (size_t v = 0; v < vectors; ++v) {
      sums.row[i][v] = job.continues ? load_of<part>(out + i * job.out_step + v * lanes, left) : zero();
    }
  }
  for (size_t row = 0; row < job.rows; ++row) {
    ptrdiff_t at = static_cast<ptrdiff_t>(row) * job.in_row;
    const real* factors = by + row * job.by_row;
    for (size_t column = 0; column < job.columns; ++column) {
      Vec factor[vectors];
      HANS_UNROLL
      for (size_t v = 0; v < vectors; ++v) factor[v] = load_of<part>(factors + v * lanes, left);
      HANS_UNROLL
      for (size_t i = 0; i < outputs; ++i) {
        const real* const from = in + at + static_cast<ptrdiff_t>(i) * job.in_step;
        HANS_UNROLL
        for (size_t v = 0; v < vectors; ++v) {
          sums.row[i][v] = multiply_add(load_of<part>(from + v * lanes, left), factor[v], sums.row[i][v]);
        }
      }
      at += job.in_column;
      factors += job.by_column;
    }
  }
  HANS_UNROLL
  for (size_t i = 0; i < outputs; ++i) {
    HANS_UNROLL
    for (size_t v = 0; v < vectors; ++v) {
      Vec sum = sums.row[i][v];
      if (bias != nullptr) sum = add(sum, load_of<part>(bias + v * lanes, left));
      if (job.relu) sum = relu(sum);
      real* const to = out + i * job.out_step + v * lanes;
      part ? store_some(to, sum, left) : store(to, sum);
    }
  }
}

template <size_t outputs, size_t vectors, bool part>
void depthwise_of(size_t count, const Depthwise& job, const real* in, const real* by, const real* bias, real* out,
                  size_t left) {
  if constexpr (outputs > 1) {
    if (count < outputs) return depthwise_of<outputs - 1, vectors, part>(count, job, in, by, bias, out, left);
  }
  depthwise_tile<outputs, vectors, part>(job, in, by, bias, out, left);
}

void depthwise(const Depthwise& job, const real* in, const real* by, real* out) {
  constexpr size_t together = 4;  // outputs: with two vectors each, enough chains to hide the latency of each
  for (size_t i = 0; i < job.outputs; i += together) {
    const size_t count = job.outputs - i < together ? job.outputs - i : together;
    const real* const from = in + static_cast<ptrdiff_t>(i) * job.in_step;
    real* const to = out + i * job.out_step;
    for (size_t c = 0; c < job.channels;) {
      const size_t left = job.channels - c;
      const real* const bias = job.bias == nullptr ? nullptr : job.bias + c;
      if (count == 1 && left >= 4 * lanes) {
        depthwise_tile<1, 4, false>(job, from + c, by + c, bias, to + c, left);
        c += 4 * lanes;
      } else if (left >= 2 * lanes) {
        depthwise_of<together, 2, false>(count, job, from + c, by + c, bias, to + c, left);
        c += 2 * lanes;
      } else {
        depthwise_of<together, 1, true>(count, job, from + c, by + c, bias, to + c, left);
        c += lanes;
      }
    }
  }
}

// ---- pooling -------------------------------------------------------------------------------------------

/// The maximum of a window, which has `side` rows and columns unless that is 0.
template <bool part, size_t side>
[[gnu::always_inline]] inline Vec largest(const PoolRow& row, const real* in, size_t left) {
  const size_t rows = side > 0 ? side : row.rows, columns = side > 0 ? side : row.columns;
  Vec most = load_of<part>(in, left);
  for (size_t y = 0; y < rows; ++y, in += row.in_row) {
    for (size_t x = 0; x < columns; ++x) most = larger(load_of<part>(in + x * row.channels, left), most);
  }
  return most;
}

template <size_t side>
void max_pool_windows(const PoolRow& row, const real* in, real* out) {
  for (size_t output = 0; output < row.outputs; ++output, in += row.in_step, out += row.channels) {
    size_t c = 0;
    for (; c + lanes <= row.channels; c += lanes) store(out + c, largest<false, side>(row, in + c, lanes));
    const size_t left = row.channels - c;
    if (left > 0) store_part(out + c, largest<true, side>(row, in + c, left), left);
  }
}

void max_pool_row(const PoolRow& row, const real* in, real* out) {
  const bool square = row.rows == row.columns;
  square&& row.rows == 2   ? max_pool_windows<2>(row, in, out)
  : square&& row.rows == 3 ? max_pool_windows<3>(row, in, out)
                           : max_pool_windows<0>(row, in, out);
}

void max_pool_gradient_row(const PoolRow& row, const real* in, const real* out, const real* gradient,
                           real* in_gradient) {
  for (size_t output = 0; output < row.outputs; ++output) {
    for (size_t c = 0; c < row.channels; c += lanes) {
      const size_t left = row.channels - c;
      const Vec most = load_some(out + c, left);
      Vec rest = load_some(gradient + c, left);  // not yet taken by an input
      if (row.positive_only) rest = if_positive(most, rest);
      for (size_t y = 0; y < row.rows; ++y) {
        for (size_t x = 0; x < row.columns; ++x) {
          const size_t at = y * row.in_row + x * row.channels + c;
          const Vec value = load_some(in + at, left);
          const Vec before = row.continues ? load_some(in_gradient + at, left) : zero();
          store_some(in_gradient + at, add(before, if_equal(value, most, rest, zero())), left);
          rest = if_equal(value, most, zero(), rest);
        }
      }
    }
    in += row.in_step;
    in_gradient += row.in_step;
    out += row.channels;
    gradient += row.channels;
  }
}

void average_pool_row(const PoolRow& row, const real* in, real* out) {
  const Vec count = broadcast(row.count);
  for (size_t output = 0; output < row.outputs; ++output, in += row.in_step, out += row.channels) {
    for (size_t c = 0; c < row.channels; c += lanes) {
      const size_t left = row.channels - c;
      Vec total = zero();
      for (size_t y = 0; y < row.rows; ++y) {
        for (size_t x = 0; x < row.columns; ++x) {
          total = add(total, load_some(in + y * row.in_row + x * row.channels + c, left));
        }
      }
      store_some(out + c, divide(total, count), left);
    }
  }
}

void average_pool_gradient_row(const PoolRow& row, const real* gradient, real* in_gradient) {
  const Vec count = broadcast(row.count);
  for (size_t output = 0; output < row.outputs; ++output, gradient += row.channels, in_gradient += row.in_step) {
    for (size_t c = 0; c < row.channels; c += lanes) {
      const size_t left = row.channels - c;
      const Vec share = divide(load_some(gradient + c, left), count);
      for (size_t y = 0; y < row.rows; ++y) {
        for (size_t x = 0; x < row.columns; ++x) {
          real* const at = in_gradient + y * row.in_row + x * row.channels + c;
          store_some(at, add(row.continues ? load_some(at, left) : zero(), share), left);
        }
      }
    }
  }
}
