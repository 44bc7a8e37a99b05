// Linear layers, convolutions, pooling, dropout and noise.
#include <hans/nn/layers.hpp>

#include <bit>

#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>

namespace hans::nn {
namespace {

constexpr unsigned most_side = 4096;  // of windows, steps and paddings

/// A fingerprint of the numbers' bits: FNV-1a, a word at a time. -0 counts as 0.
std::uint64_t fingerprint(std::span<const real> values) {
  std::uint64_t all = 0xcbf29ce484222325;
  for (const real value : values) {
    all = (all ^ std::bit_cast<std::uint32_t>(static_cast<float>(value == 0 ? real{0} : value))) * 0x100000001b3;
  }
  return all;
}

void check_features(std::size_t given) {
  check(given <= most_features, "it would give more than ", most_features, " features for one sample");
}

}  // namespace

// --- padding ---------------------------------------------------------------------------------------

void read_value(std::string_view word, Padding& out) {
  if (word == "valid" || word == "same") {
    out = {word == "same" ? Padding::Kind::same : Padding::Kind::valid};
    return;
  }
  std::vector<std::uint64_t> sides;
  bool good = true;
  for (std::string_view rest = word; good;) {
    const std::size_t cross = rest.find('x');
    good = read_number(rest.substr(0, cross), sides.emplace_back()) && sides.back() <= most_side;
    if (cross == std::string_view::npos) break;
    rest.remove_prefix(cross + 1);
  }
  check_usage(good && (sides.size() == 1 || sides.size() == 4), "a padding is ", value_help(out), ", not '", word, "'");
  const auto side = [&](std::size_t k) { return static_cast<unsigned>(sides[sides.size() == 1 ? 0 : k]); };
  out = {Padding::Kind::given, side(0), side(1), side(2), side(3)};
}

void append_value(std::string& out, const Padding& value) {
  if (value.kind == Padding::Kind::given) {
    const bool equal = value.top == value.bottom && value.top == value.left && value.top == value.right;
    append(out, value.top);
    if (!equal) append(out, text('x', value.bottom, 'x', value.left, 'x', value.right));
  } else {
    append(out, value.kind == Padding::Kind::same ? "same" : "valid");
  }
}

std::string value_help(const Padding&) { return "valid|same|N|TOPxBOTTOMxLEFTxRIGHT"; }

void read_value(std::string_view word, Extent& out) {
  const std::size_t cross = word.find('x');
  std::uint64_t high = 0, wide = 0;
  const bool good = read_number(word.substr(0, cross), high) &&
                    (cross == std::string_view::npos || read_number(word.substr(cross + 1), wide));
  if (cross == std::string_view::npos) wide = high;
  check_usage(good && high >= 1 && high <= most_side && wide >= 1 && wide <= most_side, "not ", value_help(out));
  out = Extent(high, wide);
}

void append_value(std::string& out, const Extent& value) {
  append(out, value.height);
  if (value.width != value.height) append(out, text('x', value.width));
}

std::string value_help(const Extent&) { return "an integer from 1 to 4096, or HEIGHTxWIDTH"; }

// --- layers with weights ---------------------------------------------------------------------------

std::vector<WeightInfo> Linear::weights(const Shape& in) const {
  check(in.rank() == 1, "linear takes features, not ", in, "; put flatten before it");
  check_features(units);
  std::vector<WeightInfo> all{{.name = "weight", .shape = {in[0], units}, .fan_in = in[0], .fan_out = units}};
  if (bias) all.push_back({.name = "bias", .shape = {units}});
  return all;
}

Var Linear::operator()(const Var& x, const Run& run) const {
  return linear(x, run.weights[0], bias ? run.weights[1] : Var(), run.epilogue);
}

namespace {

/// Checks an extent that was set in code, not parsed.
void check_extent(std::string_view layer, std::string_view name, const Extent& extent) {
  const auto good = [](unsigned side) { return 1 <= side && side <= most_side; };
  std::string written;
  append_value(written, extent);
  check_usage(good(extent.height) && good(extent.width), layer, ": ", name, " = '", written, "' is refused: not ",
              value_help(extent));
}

template <class WithWindow>
void check_window(const WithWindow& layer) {
  check_extent(WithWindow::name, "kernel", layer.kernel);
  check_extent(WithWindow::name, "stride", std::optional<Extent>(layer.stride).value_or(layer.kernel));
  if constexpr (requires { layer.dilation; }) check_extent(WithWindow::name, "dilation", layer.dilation.value_or(1));
}

/// The window for a padding; `reach` is the extent of the dilated kernel.
Window around(const Padding& padding, const Shape& image, const Extent& reach, const Extent& stride) {
  if (padding.kind == Padding::Kind::same) {
    return same_window(image, reach.height, reach.width, stride.height, stride.width);
  }
  return {stride.height, stride.width, padding.top, padding.bottom, padding.left, padding.right};
}

template <class Convolution>
Window moving_window(const Convolution& layer, const Shape& image) {
  const Extent kernel = layer.kernel;
  const Extent dilation = layer.dilation.value_or(1);
  const Extent reach((kernel.height - 1) * dilation.height + 1, (kernel.width - 1) * dilation.width + 1);
  Window window = around(layer.padding, image, reach, layer.stride);
  window.dilation_height = dilation.height;
  window.dilation_width = dilation.width;
  window.groups = layer.groups.value_or(1);
  return window;
}

/// The weights and biases of a convolution of `channels` channels, or of a transposed one.
template <class Convolution>
std::vector<WeightInfo> filters_of(const Convolution& layer, std::size_t channels) {
  const std::size_t split = layer.groups.value_or(1), filters = layer.filters;
  check(channels % split == 0 && filters % split == 0, channels, " channels and ", filters,
        " filters do not split into ", split, " groups");
  const Extent window = layer.kernel;
  const std::size_t area = std::size_t{window.height} * window.width;
  constexpr bool turned = std::same_as<Convolution, ConvTranspose2d>;
  const std::size_t in = turned ? filters / split : channels / split, out = turned ? channels : filters;
  std::vector<WeightInfo> all{{.name = "weight",
                               .shape = {window.height, window.width, in, out},
                               .fan_in = area * channels / split,
                               .fan_out = area * filters / split}};
  if (layer.bias) all.push_back({.name = "bias", .shape = {filters}});
  return all;
}

/// With ceil: how far one more window reaches past the padding, if elements are left for it; 0 if it would start beyond
/// the image.
std::size_t beyond(std::size_t extent, std::size_t kernel, std::size_t stride, std::size_t before, std::size_t behind) {
  const std::size_t whole = extent + before + behind;
  if (whole < kernel || (whole - kernel) % stride == 0) return 0;
  const std::size_t next = (whole - kernel) / stride * stride + stride;
  return next < extent + before ? next + kernel - whole : 0;
}

template <class Pool>
PoolWindow pool_window(const Pool& pool, const Shape& image) {
  const Extent kernel = pool.kernel;
  const Extent stride = pool.stride.value_or(kernel);
  const Window window = around(pool.padding.value_or(Padding{}), image, kernel, stride);
  PoolWindow pooled{kernel.height,  kernel.width,      stride.height,   stride.width,
                    window.pad_top, window.pad_bottom, window.pad_left, window.pad_right};
  if (pool.ceil.value_or(false)) {
    pooled.beyond_bottom = beyond(image[0], kernel.height, stride.height, window.pad_top, window.pad_bottom);
    pooled.beyond_right = beyond(image[1], kernel.width, stride.width, window.pad_left, window.pad_right);
  }
  return pooled;
}

}  // namespace

Window window_of(const Conv2d& layer, const Shape& in) { return moving_window(layer, in); }
Window window_of(const ConvTranspose2d& layer, const Shape& in) { return moving_window(layer, in); }
PoolWindow window_of(const MaxPool2d& layer, const Shape& in) { return pool_window(layer, in); }

void Conv2d::validate() const { check_window(*this); }
void ConvTranspose2d::validate() const {
  check_window(*this);
  check_extent(name, "size", size);
  check_usage(padding.kind != Padding::Kind::same, "conv_transpose2d: give the padding as numbers");
}
void MaxPool2d::validate() const { check_window(*this); }
void AveragePool2d::validate() const { check_window(*this); }

std::vector<WeightInfo> Conv2d::weights(const Shape& in) const {
  check(in.rank() == 3, "conv2d takes height x width x channels, not ", in);
  const Extent window = kernel;
  const bool given = padding.kind == Padding::Kind::given;
  const std::size_t height = in[0] + (given ? std::size_t{padding.top} + padding.bottom : window.height);
  const std::size_t width = in[1] + (given ? std::size_t{padding.left} + padding.right : window.width);
  // A rough check before memory is allocated.
  check_features(Shape{height / stride.height, width / stride.width, filters}.elements() / 4);
  return filters_of(*this, in[2]);
}

Var Conv2d::operator()(const Var& x, const Run& run) const {
  const Window window = window_of(*this, x.shape().without_front());
  const Var shift = bias ? run.weights[1] : Var();
  if (run.pool != nullptr) return conv2d_pooled(x, run.weights[0], shift, window, run.epilogue, *run.pool);
  return conv2d(x, run.weights[0], shift, window, run.epilogue);
}

std::vector<WeightInfo> ConvTranspose2d::weights(const Shape& in) const {
  check(in.rank() == 3, "conv_transpose2d takes height x width x channels, not ", in);
  const Extent out = size;
  check_features(Shape{out.height, out.width, filters}.elements());
  return filters_of(*this, in[2]);
}

Var ConvTranspose2d::operator()(const Var& x, const Run& run) const {
  const Extent out = size;
  return conv_transpose2d(x, run.weights[0], bias ? run.weights[1] : Var(), window_of(*this, x.shape().without_front()),
                          out.height, out.width);
}

Var MaxPool2d::operator()(const Var& x, const Run&) const {
  return max_pool2d(x, window_of(*this, x.shape().without_front()));
}

Var AveragePool2d::operator()(const Var& x, const Run&) const {
  return average_pool2d(x, pool_window(*this, x.shape().without_front()), count_padding);
}

Var Dropout::operator()(const Var& x, const Run& run) const {
  if (run.mode.training == nullptr) return x;
  return dropout(x, static_cast<real>(rate.value()), *run.mode.training, text("dropout/", run.position));
}

Var GaussianNoise::operator()(const Var& x, const Run& run) const {
  const std::size_t features = x.shape().row_elements();
  const std::size_t samples = x.shape()[0];
  const DropoutKeys* const training = run.mode.training;
  check(training == nullptr || training->samples.size() == samples, "noise needs the data set position of each of the ",
        samples, " samples");
  const std::string purpose = text("noise/", run.position);
  Tensor noise = x.tape().make(x.shape());
  const std::span<real> numbers = noise.mutable_values();
  parallel_for(samples, [&](std::size_t i) {
    const std::span<real> row = numbers.subspan(i * features, features);
    Stream stream = training != nullptr ? training->rng.stream(purpose, training->samples[i], training->step)
                                        : Rng(fingerprint(x.value().values().subspan(i * features, features)))
                                              .stream(purpose, 0, run.mode.query.draw);
    stream.normals(row);
    for (real& value : row) value *= real{sigma};
  });
  return x + x.tape().constant(noise);
}

}  // namespace hans::nn
