// 8 x 8 transposes of floats with AVX. Included inside a namespace.

/// Transposes 8 x 8: out[k * 16 + lane] = in[lane * lane_stride + k].
inline void transpose_8x8(const real* in, size_t lane_stride, real* out) {
  // Interleave pairs of lanes, then fours, within both halves of a register; the halves hold k and k + 4.
  __m256 row[8], pair[8];
  for (size_t i = 0; i < 4; ++i) {
    const real* const low = in + i * lane_stride;
    const real* const high = in + (i + 4) * lane_stride;
    row[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
    row[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low + 4)), _mm_loadu_ps(high + 4), 1);
  }
  for (size_t i = 0; i < 8; i += 4) {
    pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    pair[i + 2] = _mm256_unpacklo_ps(row[i + 2], row[i + 3]);
    pair[i + 3] = _mm256_unpackhi_ps(row[i + 2], row[i + 3]);
  }
  for (size_t i = 0; i < 8; i += 4) {
    real* const to = out + i * panel;
    _mm256_storeu_ps(to, _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44));
    _mm256_storeu_ps(to + panel, _mm256_shuffle_ps(pair[i], pair[i + 2], 0xEE));
    _mm256_storeu_ps(to + 2 * panel, _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44));
    _mm256_storeu_ps(to + 3 * panel, _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xEE));
  }
}
