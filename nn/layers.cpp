// The layers, and the table they are looked up in.
#include <hans/nn/layers.hpp>

#include <array>

#include <hans/core/error.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::nn {
namespace {

template <class... Ls>
struct Kinds {
  static std::vector<LayerInfo> list() {
    return {{std::string(Ls::name), std::string(Ls::meaning), describe<Ls>()}...};
  }

  static std::shared_ptr<const Layer> find(const Spec& spec) {
    std::shared_ptr<const Layer> found;
    (void)((spec.name == Ls::name ? (found = std::make_shared<const Layer>(from_spec<Ls>(spec)), true) : false) || ...);
    return found;
  }
};
using AllKinds = Kinds<Conv2d, Linear, MaxPool2d, Dropout>;

struct NamedFunction {
  std::string_view name;
  Var (*function)(const Var&);
  std::string_view meaning;
};

void check_features(std::size_t given) {
  check(given <= Sequential::most_features, "it would give more than ", Sequential::most_features,
        " features for one sample");
}

constexpr std::array<NamedFunction, 4> functions{{
    {"relu", hans::relu, "x where it is positive, else 0"},
    {"sigmoid", hans::sigmoid, "1 / (1 + exp(-x))"},
    {"tanh", hans::tanh, "hyperbolic tangent"},
    {"flatten", hans::flatten, "all features of a sample in one row"},
}};

}  // namespace

/// A function without settings or weights.
struct Layer::Function final : Layer::Concept {
  explicit Function(const NamedFunction& found) : named(found) {}
  Spec spec() const override { return {std::string(named.name), "", {}}; }
  std::vector<WeightInfo> weights(const Shape&) const override { return {}; }
  Var run(const Var& x, const Run&) const override { return named.function(x); }
  bool fuses() const override { return false; }
  const NamedFunction& named;
};

Layer::Layer(Var (*function)(const Var&)) {
  for (const NamedFunction& named : functions) {
    if (named.function == function) self_ = std::make_shared<Function>(named);
  }
  check_usage(self_ != nullptr, "a network can only hold functions it can save by name: relu, sigmoid, tanh, flatten");
}

Layer Layer::from_spec(const Spec& spec) {
  check_usage(spec.version.empty(), "layer '", spec.name, "' has no versions, so not '@", spec.version, "'");
  for (const NamedFunction& named : functions) {
    if (named.name != spec.name) continue;
    check_usage(spec.items.empty(), "layer '", spec.name, "' takes no parameters");
    return Layer(named.function);
  }
  const auto found = AllKinds::find(spec);
  if (found == nullptr) {
    std::string names;
    for (const LayerInfo& info : list_layers()) append(names, text(names.empty() ? "" : ", ", info.name));
    throw UsageError(text("there is no layer '", spec.name, "'; there are ", names));
  }
  return *found;
}

std::vector<LayerInfo> list_layers() {
  std::vector<LayerInfo> all = AllKinds::list();
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

// --- layers with weights ---------------------------------------------------------------------------

std::vector<WeightInfo> Linear::weights(const Shape& in) const {
  check(in.rank() == 1, "linear takes features, not ", in, "; put flatten before it");
  check_features(units);
  std::vector<WeightInfo> all{{"weight", {in[0], units}, in[0], units}};
  if (bias) all.push_back({"bias", {units}, 0, 0});
  return all;
}

Var Linear::operator()(const Var& x, const Run& run) const {
  return linear(x, run.weights[0], bias ? run.weights[1] : Var(), run.activation);
}

std::vector<WeightInfo> Conv2d::weights(const Shape& in) const {
  check(in.rank() == 3, "conv2d takes height x width x channels, not ", in);
  const bool given = padding.kind == Padding::Kind::given;
  const std::size_t height = in[0] + (given ? std::size_t{padding.top} + padding.bottom : kernel.value());
  const std::size_t width = in[1] + (given ? std::size_t{padding.left} + padding.right : kernel.value());
  check_features(Shape{height / stride, width / stride, filters}.elements() / 4);  // roughly: before memory is taken
  const std::size_t area = std::size_t{kernel} * kernel;
  std::vector<WeightInfo> all{{"weight", {kernel, kernel, in[2], filters}, area * in[2], area * filters}};
  if (bias) all.push_back({"bias", {filters}, 0, 0});
  return all;
}

Var Conv2d::operator()(const Var& x, const Run& run) const {
  Window window{stride, stride, padding.top, padding.bottom, padding.left, padding.right};
  if (padding.kind == Padding::Kind::same)
    window = same_window(x.shape().without_front(), kernel, kernel, stride, stride);
  return conv2d(x, run.weights[0], bias ? run.weights[1] : Var(), window, run.activation);
}

Var MaxPool2d::operator()(const Var& x, const Run&) const { return max_pool2d(x, kernel, stride.value_or(kernel)); }

Var Dropout::operator()(const Var& x, const Run& run) const {
  if (run.mode.training == nullptr) return x;
  return dropout(x, static_cast<real>(rate.value()), *run.mode.training, text("dropout/", run.position));
}

}  // namespace hans::nn
