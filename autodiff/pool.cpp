// Pooling.
#include <algorithm>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>

namespace hans {
namespace {

// Adds each output's gradient to the first input of its window that equals the output. One sample; windows in rising
// (row, column). `left` has a place per channel.
void max_pool_gradient(const real* x, const real* y, const real* g, real* dx, const Shape& in, const Shape& out,
                       std::size_t kernel, std::size_t stride, unsigned char* left) {
  const std::size_t channels = in[3];
  for (std::size_t row = 0; row < out[1]; ++row) {
    for (std::size_t column = 0; column < out[2]; ++column) {
      std::fill_n(left, channels, static_cast<unsigned char>(1));
      for (std::size_t tap = 0; tap < kernel * kernel; ++tap) {
        const std::size_t place = (row * stride + tap / kernel) * in[2] + column * stride + tap % kernel;
        const real* value = x + place * channels;
        real* into = dx + place * channels;
        for (std::size_t c = 0; c < channels; ++c) {
          const bool first = left[c] != 0 && value[c] == y[c];
          into[c] = first ? into[c] + g[c] : into[c];
          left[c] = first ? 0 : left[c];
        }
      }
      y += channels;
      g += channels;
    }
  }
}

}  // namespace

Var max_pool2d(const Var& x, std::size_t kernel, std::size_t stride) {
  const Shape in = x.shape();
  check(in.rank() == 4, "max_pool2d: samples x height x width x channels, not ", in);
  check(kernel > 0 && stride > 0 && kernel <= in[1] && kernel <= in[2], "max_pool2d: a ", kernel, "x", kernel,
        " window with stride ", stride, " does not fit an image of ", in[1], "x", in[2]);
  const Shape out{in[0], (in[1] - kernel) / stride + 1, (in[2] - kernel) / stride + 1, in[3]};
  const std::size_t channels = in[3];
  Tensor y = x.tape().make(out);
  real* to = y.mutable_data();
  const real* from = x.value().data();
  parallel_for(in[0], [&](std::size_t sample) {
    real* best = to + sample * out.row_elements();
    for (std::size_t row = 0; row < out[1]; ++row) {
      for (std::size_t column = 0; column < out[2]; ++column, best += channels) {
        const real* corner = from + ((sample * in[1] + row * stride) * in[2] + column * stride) * channels;
        std::copy_n(corner, channels, best);
        for (std::size_t tap = 1; tap < kernel * kernel; ++tap) {
          const real* value = corner + (tap / kernel * in[2] + tap % kernel) * channels;
          for (std::size_t c = 0; c < channels; ++c) best[c] = value[c] > best[c] ? value[c] : best[c];
        }
      }
    }
  });
  return x.tape().record("max_pool2d", y, {&x}, [x = x.value(), y, in, out, kernel, stride](Tensor g, Inputs& inputs) {
    Tensor dx = inputs.make(in);
    real* into = dx.mutable_data();
    Tensor left = inputs.make({in[0], in[3]});
    auto* flags = reinterpret_cast<unsigned char*>(left.mutable_data());
    parallel_for(in[0], [&](std::size_t sample) {
      const std::size_t inside = sample * in.row_elements();
      const std::size_t outside = sample * out.row_elements();
      std::fill_n(into + inside, in.row_elements(), real{0});
      max_pool_gradient(x.data() + inside, y.data() + outside, g.data() + outside, into + inside, in, out, kernel,
                        stride, flags + sample * in[3]);
    });
    inputs.add(0, std::move(dx));
  });
}

}  // namespace hans
