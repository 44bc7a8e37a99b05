// The layers, and the table they are looked up in.
#include <hans/nn/layers.hpp>

#include <algorithm>
#include <array>
#include <bit>

#include <hans/autodiff/arrays.hpp>
#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/activation_layers.hpp>
#include <hans/nn/array_layers.hpp>
#include <hans/nn/normalization_layers.hpp>
#include <hans/nn/preprocess.hpp>
#include <hans/nn/sequential.hpp>
#include "../core/text/detail/registry.hpp"

namespace hans::nn {
namespace {

// One type adds a layer with settings.
constexpr const auto& kinds =
    kinds_of<Layer, LayerInfo, Conv2d, ConvTranspose2d, Linear, MaxPool2d, AveragePool2d, BatchNorm, InstanceNorm,
             LayerNorm, LeakyRelu, Elu, Selu, HardSigmoid, Gelu, Clip, Dropout, GaussianNoise, Reshape, Transpose, Take,
             Concat, Reduce, Where, Constant, Normalize>;

/// One of the two functions is there.
struct NamedFunction {
  std::string_view name;
  Var (*function)(const Var&);
  Var (*binary)(const Var&, const Var&);
  std::string_view meaning;
};

/// Of the numbers' bits: FNV-1a, a word at a time. Both zeros count as one.
std::uint64_t fingerprint(std::span<const real> values) {
  std::uint64_t all = 0xcbf29ce484222325;
  for (const real value : values) {
    all = (all ^ std::bit_cast<std::uint32_t>(static_cast<float>(value == 0 ? real{0} : value))) * 0x100000001b3;
  }
  return all;
}

void check_features(std::size_t given) {
  check(given <= Sequential::most_features, "it would give more than ", Sequential::most_features,
        " features for one sample");
}

constexpr std::array<NamedFunction, 26> functions{{
    {"relu", hans::relu, nullptr, "x where it is positive, else 0"},
    {"sigmoid", hans::sigmoid, nullptr, "1 / (1 + exp(-x))"},
    {"tanh", hans::tanh, nullptr, "hyperbolic tangent"},
    {"flatten", hans::flatten, nullptr, "all features of a sample in one row"},
    {"add", nullptr, hans::operator+, "the sum of two, broadcast"},
    {"subtract", nullptr, hans::operator-, "the difference of two, broadcast"},
    {"multiply", nullptr, hans::operator*, "the product of two, broadcast"},
    {"divide", nullptr, hans::operator/, "the quotient of two, broadcast"},
    {"power", nullptr, hans::pow, "one to the power of another, broadcast"},
    {"minimum", nullptr, hans::minimum, "the smaller of two, broadcast"},
    {"maximum", nullptr, hans::maximum, "the larger of two, broadcast"},
    {"prelu", nullptr, hans::prelu, "x where it is positive, else the second times x (He 2015)"},
    {"equal", nullptr, hans::equal, "1 where two are equal, else 0"},
    {"greater", nullptr, hans::greater, "1 where the first is greater, else 0"},
    {"less", nullptr, hans::less, "1 where the first is less, else 0"},
    {"matmul", nullptr, hans::matmul, "the product of matrices, broadcast"},
    {"abs", hans::abs, nullptr, "the absolute value"},
    {"negate", hans::operator-, nullptr, "-x"},
    {"sqrt", hans::sqrt, nullptr, "the square root"},
    {"exp", hans::exp, nullptr, "the exponential function"},
    {"log", hans::log, nullptr, "the natural logarithm"},
    {"erf", hans::erf, nullptr, "the error function"},
    {"softplus", hans::softplus, nullptr, "log(1 + exp(x))"},
    {"softmax", hans::softmax, nullptr, "exp(x) over its sum, along the last axis"},
    {"log_softmax", hans::log_softmax, nullptr, "the logarithm of that"},
    {"round", hans::round, nullptr, "the nearest whole number, of two the even one; no gradient passes"},
}};

const NamedFunction* find_function(std::string_view name) {
  const auto found = std::ranges::find(functions, name, &NamedFunction::name);
  return found == functions.end() ? nullptr : &*found;
}

std::vector<Source> read_sources(std::string_view word) {
  std::vector<Source> all;
  for (std::size_t end = 0; end != std::string_view::npos; word.remove_prefix(std::min(end, word.size() - 1) + 1)) {
    end = word.find('/');
    const std::string_view one = word.substr(0, end);
    std::uint64_t layer = 0;
    check_usage(one == "input" || (read_number(one, layer) && layer < Source::images),
                "a layer works on others, by their numbers from 0 on, or on input: of=input/3, not ", in_quotes(one));
    all.push_back(one == "input" ? Source{} : Source{static_cast<std::size_t>(layer)});
  }
  return all;
}

}  // namespace

std::string sources_text(std::span<const Source> sources) {
  std::string out;
  for (const Source& source : sources) {
    append(out, text(out.empty() ? "" : "/", source.layer == Source::images ? "input" : text(source.layer)));
  }
  return out;
}

/// A function without settings or weights.
struct Layer::Function final : Layer::Concept {
  explicit Function(const NamedFunction& found) : named(found) {}
  Spec spec() const override { return {std::string(named.name), "", {}}; }
  Operands operands() const override { return named.binary == nullptr ? Operands{} : Operands{2, 2}; }
  std::vector<WeightInfo> weights(std::span<const Shape>) const override { return {}; }
  Var run(Tape&, std::span<const Var> x, const Run& run) const override {
    const Var made = named.binary == nullptr ? named.function(x[0]) : named.binary(x[0], x[1]);
    const bool stuck = run.mode.asking.straight_through && !made.tracked() && made.shape() == x[0].shape();
    return stuck ? straight_through(x[0], made.value()) : made;
  }
  bool fuses() const override { return false; }
  bool random() const override { return false; }
  const NamedFunction& named;
};

Layer::Layer(Var (*function)(const Var&)) {
  for (const NamedFunction& named : functions) {
    if (named.function == function && function != nullptr) self_ = std::make_shared<Function>(named);
  }
  check_usage(self_ != nullptr, "a network can only hold functions it can save by name; hans list layers shows them");
}

Layer::Layer(Var (*function)(const Var&, const Var&)) {
  for (const NamedFunction& named : functions) {
    if (named.binary == function && function != nullptr) self_ = std::make_shared<Function>(named);
  }
  check_usage(self_ != nullptr, "a network can only hold functions it can save by name; hans list layers shows them");
}

Layer Layer::from_spec(const Spec& spec) {
  Spec own = spec;
  const auto of = std::ranges::find(own.items, "of", &Spec::Item::key);
  if (of != own.items.end()) {
    check_usage(!of->nested, "of=[", of->value, "] is refused: it takes no brackets");
    const std::vector<Source> sources = read_sources(of->value);
    own.items.erase(of);
    return from_spec(own).of(sources);
  }
  if (const NamedFunction* named = find_function(spec.name); named != nullptr && spec.version.empty()) {
    check_usage(spec.items.empty(), "layer '", spec.name, "' takes no parameters but of");
    return Layer(std::make_shared<Function>(*named));
  }
  if (const auto* kind = find_kind<Layer, LayerInfo>(kinds, spec)) return kind->make(spec);
  std::vector<std::string> names;
  for (const LayerInfo& info : list_layers()) names.push_back(info.name);
  refuse_kind("layer", spec, names);
}

Layer Layer::of(std::vector<Source> sources) const {
  const auto [least, most] = operands();
  check_usage(least <= sources.size() && sources.size() <= most, "layer '", spec().name, "' works on ",
              least == most ? text(least) : text(least, " to ", most), " operands, not ", sources.size());
  Layer copy = *this;
  copy.sources_ = std::move(sources);
  return copy;
}

std::vector<LayerInfo> list_layers() {
  std::vector<LayerInfo> all = list_kinds<Layer, LayerInfo>(kinds);
  for (const NamedFunction& named : functions) all.push_back({std::string(named.name), std::string(named.meaning), {}});
  return all;
}

// --- padding ---------------------------------------------------------------------------------------

void read_value(std::string_view word, Padding& out) {
  if (word == "valid" || word == "same") {
    out = {word == "same" ? Padding::Kind::same : Padding::Kind::valid};
    return;
  }
  std::array<std::uint64_t, 4> sides{};
  std::size_t count = 0;
  bool good = true;
  for (std::string_view rest = word; good;) {
    const std::size_t cross = rest.find('x');
    good = count < sides.size() && read_number(rest.substr(0, cross), sides[count]) && sides[count] <= 4096;
    ++count;
    if (cross == std::string_view::npos) break;
    rest.remove_prefix(cross + 1);
  }
  check_usage(good && (count == 1 || count == 4), "a padding is ", value_help(out), ", not '", word, "'");
  const auto side = [&](std::size_t k) { return static_cast<unsigned>(sides[count == 1 ? 0 : k]); };
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
  check_usage(good && high >= 1 && high <= 4096 && wide >= 1 && wide <= 4096, "not ", value_help(out));
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
  return linear(x, run.weights[0], bias ? run.weights[1] : Var(), run.activation);
}

namespace {

/// Of one that was made in code.
void check_extent(std::string_view layer, std::string_view name, const Extent& extent) {
  Extent same;
  try {
    read_value(text(extent.height, 'x', extent.width), same);
  } catch (const UsageError& error) {
    std::string written;
    append_value(written, extent);
    throw UsageError(text(layer, ": ", name, " = '", written, "' is refused: ", error.what()));
  }
}

template <class WithWindow>
void check_window(const WithWindow& layer) {
  check_extent(WithWindow::name, "kernel", layer.kernel);
  if constexpr (requires { layer.dilation; }) {
    check_extent(WithWindow::name, "stride", layer.stride);
    if (layer.dilation) check_extent(WithWindow::name, "dilation", *layer.dilation);
  } else {
    if (layer.stride) check_extent(WithWindow::name, "stride", *layer.stride);
  }
}

/// What surrounds an image on which a window moves that reaches so far.
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

/// How far another window hangs over where the last leaves a rest, unless it would begin behind the image.
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
  // Roughly: before memory is taken.
  check_features(Shape{height / stride.height, width / stride.width, filters}.elements() / 4);
  const std::size_t split = groups.value_or(1);
  check(in[2] % split == 0 && filters % split == 0, in[2], " channels and ", filters, " filters do not split into ",
        split, " groups");
  const std::size_t area = std::size_t{window.height} * window.width;
  std::vector<WeightInfo> all{{.name = "weight",
                               .shape = {window.height, window.width, in[2] / split, filters},
                               .fan_in = area * in[2] / split,
                               .fan_out = area * filters / split}};
  if (bias) all.push_back({.name = "bias", .shape = {filters}});
  return all;
}

Var Conv2d::operator()(const Var& x, const Run& run) const {
  return conv2d(x, run.weights[0], bias ? run.weights[1] : Var(), moving_window(*this, x.shape().without_front()),
                run.activation);
}

Window window_of(const ConvTranspose2d& layer, const Shape& in) { return moving_window(layer, in); }

std::vector<WeightInfo> ConvTranspose2d::weights(const Shape& in) const {
  check(in.rank() == 3, "conv_transpose2d takes height x width x channels, not ", in);
  const Extent window = kernel, out = size;
  check_features(Shape{out.height, out.width, filters}.elements());
  const std::size_t split = groups.value_or(1);
  check(in[2] % split == 0 && filters % split == 0, in[2], " channels and ", filters, " filters do not split into ",
        split, " groups");
  const std::size_t area = std::size_t{window.height} * window.width;
  std::vector<WeightInfo> all{{.name = "weight",
                               .shape = {window.height, window.width, filters / split, in[2]},
                               .fan_in = area * in[2] / split,
                               .fan_out = area * filters / split}};
  if (bias) all.push_back({.name = "bias", .shape = {filters}});
  return all;
}

Var ConvTranspose2d::operator()(const Var& x, const Run& run) const {
  const Extent out = size;
  return conv_transpose2d(x, run.weights[0], bias ? run.weights[1] : Var(), window_of(*this, x.shape().without_front()),
                          out.height, out.width);
}

Var MaxPool2d::operator()(const Var& x, const Run&) const {
  return max_pool2d(x, pool_window(*this, x.shape().without_front()));
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
                                              .stream(purpose, 0, run.mode.asking.draw);
    stream.normals(row);
    for (real& value : row) value *= real{sigma};
  });
  return x + x.tape().constant(noise);
}

}  // namespace hans::nn
