// Grouped convolutions: gathers the channels of each group, then computes every group as a convolution of its own.
#include <algorithm>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include "detail/conv_plan.hpp"

namespace hans::kernels {
namespace {

/// Copies pixels x groups x width to groups x pixels x width (apart), or back (together).
enum class Way { apart, together };
void regroup(Way way, const real* from, std::size_t pixels, std::size_t groups, std::size_t width, real* to) {
  if (width == 0) return;
  const std::size_t grain = std::max<std::size_t>(worth_sharing / (groups * width), 1);
  parallel_ranges(pixels, grain, [=](std::size_t begin, std::size_t end) {
    for (std::size_t group = 0; group < groups; ++group) {
      for (std::size_t pixel = begin; pixel < end; ++pixel) {
        const std::size_t mixed = (pixel * groups + group) * width, sorted = (group * pixels + pixel) * width;
        std::copy_n(from + (way == Way::apart ? mixed : sorted), width, to + (way == Way::apart ? sorted : mixed));
      }
    }
  });
}

/// Calls body(group) for each group: in parallel if there are many, otherwise one after another with all threads on
/// each.
template <class Body>
void each_group(const Conv& c, Body body) {
  if (c.groups >= 4 * thread_count()) return parallel_for(c.groups, body);
  for (std::size_t group = 0; group < c.groups; ++group) body(group);
}

/// The number of pixels of images and of outputs, and of taps times channels per filter.
std::size_t pixels_in(const Conv& c) { return c.samples * c.height * c.width; }
std::size_t pixels_out(const Conv& c) { return c.samples * c.out_height * c.out_width; }
std::size_t depth(const Conv& one) { return one.kernel_height * one.kernel_width * one.channels; }

/// The scratch (kept_room) of images, outputs and weights of all groups.
enum Room : int { image_room = 2, output_room, weight_room };

}  // namespace

std::size_t grouped_pack_size(const Conv& c, std::size_t (*size)(const Conv&)) {
  return depthwise(c) ? c.kernel_height * c.kernel_width * c.filters : c.groups * size(one_group(c));
}

void grouped_pack(const Conv& c, const real* weights, real* packed, std::size_t (*size)(const Conv&),
                  void (*pack)(const Conv&, const real*, real*)) {
  const Conv one = one_group(c);
  const std::size_t each = depth(one) * one.filters;
  if (depthwise(c)) {
    std::copy_n(weights, c.groups * each, packed);
    return;
  }
  real* const sorted = kept_room<weight_room>(c.groups * each);
  regroup(Way::apart, weights, depth(one), c.groups, one.filters, sorted);
  each_group(c, [&](std::size_t group) { pack(one, sorted + group * each, packed + group * size(one)); });
}

void grouped_forward(const Conv& c, const real* images, const real* packed, const real* bias, Activation activation,
                     real* out) {
  if (depthwise(c)) return depthwise_forward(c, images, packed, bias, activation, out);
  const Conv one = one_group(c);
  const std::size_t in_size = pixels_in(one) * one.channels, out_size = pixels_out(one) * one.filters;
  real* const in = kept_room<image_room>(c.groups * in_size);
  real* const made = kept_room<output_room>(c.groups * out_size);
  regroup(Way::apart, images, pixels_in(c), c.groups, one.channels, in);
  each_group(c, [&](std::size_t group) {
    conv_forward(one, in + group * in_size, packed + group * forward_pack_size(one),
                 bias == nullptr ? nullptr : bias + group * one.filters, activation, made + group * out_size);
  });
  regroup(Way::together, made, pixels_out(c), c.groups, one.filters, out);
}

void grouped_input_gradient(const Conv& c, const real* gradient, const real* packed, real* out) {
  if (depthwise(c)) return depthwise_input_gradient(c, gradient, packed, out);
  const Conv one = one_group(c);
  const std::size_t in_size = pixels_in(one) * one.channels, out_size = pixels_out(one) * one.filters;
  real* const made = kept_room<image_room>(c.groups * in_size);
  real* const given = kept_room<output_room>(c.groups * out_size);
  regroup(Way::apart, gradient, pixels_out(c), c.groups, one.filters, given);
  each_group(c, [&](std::size_t group) {
    conv_input_gradient(one, given + group * out_size, packed + group * backward_pack_size(one), nullptr,
                        made + group * in_size);
  });
  regroup(Way::together, made, pixels_in(c), c.groups, one.channels, out);
}

void grouped_weight_gradient(const Conv& c, const real* images, const real* gradient, real* weight_gradient,
                             real* bias_gradient) {
  if (depthwise(c)) return depthwise_weight_gradient(c, images, gradient, weight_gradient, bias_gradient);
  const Conv one = one_group(c);
  const std::size_t in_size = pixels_in(one) * one.channels, out_size = pixels_out(one) * one.filters;
  const std::size_t weight_size = depth(one) * one.filters;
  real* const in = kept_room<image_room>(c.groups * in_size);
  real* const given = kept_room<output_room>(c.groups * out_size);
  real* const made = kept_room<weight_room>(c.groups * weight_size);
  regroup(Way::apart, images, pixels_in(c), c.groups, one.channels, in);
  regroup(Way::apart, gradient, pixels_out(c), c.groups, one.filters, given);
  each_group(c, [&](std::size_t group) {
    conv_weight_gradient(one, in + group * in_size, given + group * out_size, made + group * weight_size,
                         bias_gradient == nullptr ? nullptr : bias_gradient + group * one.filters);
  });
  regroup(Way::together, made, depth(one), c.groups, one.filters, weight_gradient);
}

}  // namespace hans::kernels
