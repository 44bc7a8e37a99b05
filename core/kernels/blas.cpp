// Matrix products by OpenBLAS, only in builds with -DHANS_BLAS=ON; their results are not reproducible.
#include "detail/blas.hpp"

#include <algorithm>
#include <limits>
#include <mutex>
#include <string>

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "detail/conv_plan.hpp"

// Only this file knows whether OpenBLAS is available. The double build never uses it.
#if defined(HANS_BLAS) && !defined(HANS_DOUBLE)
#include <cblas.h>
#define HANS_HAS_BLAS true
#else
#define HANS_HAS_BLAS false
#endif

namespace hans {
namespace kernels {
namespace {

constexpr bool built_in = HANS_HAS_BLAS;

/// out (rows x columns) = a (rows x sum) * b (sum x columns), row-major; a and b may be stored transposed.
struct Matrix {
  const real* data;
  bool transposed;
};

#if HANS_HAS_BLAS
void multiply_matrices(std::size_t rows, std::size_t columns, std::size_t sum, Matrix a, Matrix b, real* out) {
  // OpenBLAS has one thread count per process, which must not change while another thread computes a product.
  static std::mutex mutex;
  static std::size_t threads = 0;
  const std::lock_guard lock(mutex);
  if (threads != thread_count()) {
    threads = thread_count();
    openblas_set_num_threads(static_cast<int>(threads));
  }
  const auto whole = [](std::size_t size) {
    check(size <= std::numeric_limits<blasint>::max(), "a product of ", size, " rows is too large for OpenBLAS");
    return static_cast<blasint>(size);
  };
  if (sum == 0) std::fill_n(out, rows * columns, real(0));
  if (rows * columns * sum == 0) return;
  cblas_sgemm(CblasRowMajor, a.transposed ? CblasTrans : CblasNoTrans, b.transposed ? CblasTrans : CblasNoTrans,
              whole(rows), whole(columns), whole(sum), 1, a.data, whole(a.transposed ? rows : sum), b.data,
              whole(b.transposed ? sum : columns), 0, out, whole(columns));
}
#else
void multiply_matrices(std::size_t, std::size_t, std::size_t, Matrix, Matrix, real*) {}
#endif

/// The weights; pack() only copies, so packed and unpacked ones are equal.
const real* as_they_are(const Weights& weights) { return weights.packed != nullptr ? weights.packed : weights.plain; }

}  // namespace

bool reproducible() { return !built_in; }

std::string_view reservation() {
  return built_in ? "built with OpenBLAS: outside the guarantee of equal bits" : std::string_view();
}

namespace blas {

bool takes(const Conv& c) {
  // Must not depend on the number of samples, because packed weights are reused for other batches.
  return built_in && is_product(c);
}

void pack(const Conv& c, const real* weights, real* packed) { std::copy_n(weights, c.channels * c.filters, packed); }

void forward(const Conv& c, const real* images, Weights weights, const real* bias, Activation activation, real* out) {
  multiply_matrices(c.samples, c.filters, c.channels, {images, false}, {as_they_are(weights), false}, out);
  if (bias == nullptr && activation == Activation::none) return;
  for (std::size_t n = 0; n < c.samples; ++n) {
    real* const row = out + n * c.filters;
    for (std::size_t f = 0; f < c.filters; ++f) {
      if (bias != nullptr) row[f] += bias[f];
      if (activation == Activation::relu && row[f] < 0) row[f] = 0;
    }
  }
}

void input_gradient(const Conv& c, const real* gradient, Weights weights, const real* gate, real* out) {
  multiply_matrices(c.samples, c.channels, c.filters, {gradient, false}, {as_they_are(weights), true}, out);
  if (gate != nullptr) apply_gate(gate, out, c.samples * c.channels);
}

void weight_gradient(const Conv& c, const real* images, const real* gradient, real* out, real* bias_gradient) {
  multiply_matrices(c.channels, c.filters, c.samples, {images, true}, {gradient, false}, out);
  if (bias_gradient == nullptr) return;
  std::fill_n(bias_gradient, c.filters, real(0));
  for (std::size_t n = 0; n < c.samples; ++n) {
    for (std::size_t f = 0; f < c.filters; ++f) bias_gradient[f] += gradient[n * c.filters + f];
  }
}

}  // namespace blas
}  // namespace kernels

std::string_view build_version() {
  static const std::string named = text(version, kernels::built_in ? "+openblas" : "");
  return named;
}

}  // namespace hans
