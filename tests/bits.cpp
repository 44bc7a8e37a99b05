// Prints one line `name hash` for each golden computation, whose bits define the version (see tests/golden/bits.txt).
// A plain program, so that it runs wherever a program runs: hans_bits [--threads N], kernels by HANS_KERNELS.
// Add a computation: a function that gives a hash, and a row in the table at the end.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <hans/hans.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bits.hpp"

namespace bits {

using namespace hans;

std::string hash(std::span<const float> values) { return Sha256().add(values).hex(); }
std::string hash(const Tensor& values) { return hash(values.values()); }

std::string hash(std::span<const Tensor> tensors) {
  Sha256 all;
  for (const Tensor& tensor : tensors) all.add(tensor.values());
  return all.hex();
}

Tensor noise(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(7).stream(name).normals(made.mutable_values());
  return made;
}

data::Dataset random_images(std::uint32_t count, const Shape& image) {
  std::string pixels(std::size_t{count} * image.elements(), '\0');
  std::vector<int> labels(count);
  Stream stream = Rng(4).stream("pixels");
  for (char& pixel : pixels) pixel = static_cast<char>(static_cast<unsigned char>(stream.below(256)));
  for (int& label : labels) label = static_cast<int>(stream.below(10));
  return data::Dataset("random", image, pixels, labels, 10);
}

std::string op(const std::vector<Shape>& shapes, const std::function<Var(Vars)>& f) {
  Tape tape;
  std::vector<Tensor> inputs, results(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) inputs.push_back(noise(shapes[i], text("input ", i)));
  const Tensor value = f([&] {
                         std::vector<Var> vars;
                         for (const Tensor& input : inputs) vars.push_back(tape.constant(input));
                         return vars;
                       }())
                           .value();
  const Tensor seed = noise(value.shape(), "seed");
  const Tensor same = value_and_grads(tape, f, inputs, seed, results);
  check(identical(value, same), "watching changed the value");
  results.push_back(value);
  return hash(results);
}

}  // namespace bits

namespace {

using namespace hans;
using namespace bits;

// ---- random numbers and functions ----------------------------------------------------------------------

std::string random_words() {
  Sha256 all;
  Stream stream = Rng(0x0123456789abcdef).stream("words", 3, 5);
  for (int i = 0; i < 1000; ++i) all.add_u64(stream.word());
  for (const std::uint32_t i : permutation(Rng(1).stream("shuffle"), 1000)) all.add_u64(i);
  return all.hex();
}

std::string random_numbers() {
  Stream stream = Rng(2).stream("uniform");
  std::vector<float> values(1001);
  for (float& value : values) value = stream.uniform();
  return hash(values);
}

std::string random_normals() { return hash(noise(Shape{4099}, "normals")); }

/// The function of numbers of every size and sign, infinities included, NaN not (its bits are not defined).
template <class Function>
std::string over_all_sizes(Function function) {
  std::vector<float> in, out;
  Stream stream = Rng(3).stream("bit patterns");
  while (in.size() < 20000) {
    const std::uint32_t word = stream.word();
    float value;
    std::memcpy(&value, &word, sizeof value);
    if (value == value) in.push_back(value);
  }
  const Tensor near = noise(Shape{5000}, "near zero");
  in.insert(in.end(), near.values().begin(), near.values().end());
  out.resize(in.size());
  function(std::span<const float>(in), std::span<float>(out));
  for (float& value : out) {
    if (value != value) value = -1234;
  }
  return hash(out);
}

std::string function_exp() {
  return over_all_sizes([](auto in, auto out) { exp(in, out); });
}
std::string function_log() {
  return over_all_sizes([](auto in, auto out) { log(in, out); });
}
std::string function_tanh() {
  return over_all_sizes([](auto in, auto out) { tanh(in, out); });
}
std::string function_sigmoid() {
  return over_all_sizes([](auto in, auto out) { sigmoid(in, out); });
}
std::string function_erf() {
  return over_all_sizes([](auto in, auto out) { erf(in, out); });
}
std::string function_sin_cos() {
  return over_all_sizes([](auto in, auto out) {
    for (std::size_t i = 0; i < in.size(); ++i) out[i] = i % 2 == 0 ? hans::sin(in[i]) : hans::cos(in[i]);
  });
}

std::string row_sums() {
  const Tensor values = noise(Shape{4000}, "sums");
  std::vector<float> sums;
  for (std::size_t count = 0; count < 400; ++count) {
    sums.push_back(sum(values.values().subspan(count, count)));
    sums.push_back(sum_strided(values.data() + count, count, 9));
  }
  return hash(sums);
}

// ---- operations, forward and backward ------------------------------------------------------------------

// One operation a statement: the order in which an expression's operands are evaluated is the compiler's choice, and a
// value used three times sums its gradients in the order of recording.
std::string op_arithmetic() {
  return op({{5, 7, 3}, {7, 1}, {5, 7, 3}}, [](Vars x) {
    const Var product = x[0] * x[1];
    const Var square = x[1] * x[1] + 1;
    const Var quotient = x[2] / square;
    const Var difference = product - quotient;
    const Var triple = x[0] * 3;
    return difference + triple;
  });
}
std::string op_activations() {
  return op({{9, 50}}, [](Vars x) {
    const Var positive = relu(x[0]);
    const Var squashed = sigmoid(x[0]);
    const Var bent = tanh(x[0]);
    const Var grown = exp(-x[0]);
    const Var logarithm = log(grown + 2);
    const Var product = squashed * bent;
    return positive + product - logarithm;
  });
}
std::string op_sums() {
  return op({{6, 5, 43}, {6}}, [](Vars x) {
    const Var rows = sum_rows(x[0]) * x[1];
    const Var all = sum(x[0]);
    return rows + all;
  });
}
std::string op_linear() {
  return op({{37, 53}, {53, 29}, {29}}, [](Vars x) { return linear(x[0], x[1], x[2], Activation::relu); });
}
std::string op_linear_narrow() {
  return op({{5, 200}, {200, 10}, {10}}, [](Vars x) { return linear(x[0], x[1], x[2]); });
}
std::string op_conv_same() {
  return op({{3, 11, 13, 5}, {8, 8, 5, 19}, {19}}, [](Vars x) {
    return conv2d(x[0], x[1], x[2], same_window(x[0].shape().without_front(), 8, 8, 2, 2), Activation::relu);
  });
}
std::string op_conv_first_layer() {
  return op({{9, 28, 28, 1}, {5, 5, 1, 32}, {32}}, [](Vars x) { return conv2d(x[0], x[1], x[2]); });
}
std::string op_conv_uneven() {
  return op({{2, 9, 10, 3}, {3, 2, 3, 17}, {17}}, [](Vars x) {
    return conv2d(
        x[0], x[1], x[2],
        {.stride_height = 2, .stride_width = 3, .pad_top = 1, .pad_bottom = 0, .pad_left = 0, .pad_right = 1});
  });
}
std::string op_max_pool() {
  return op({{3, 9, 10, 4}}, [](Vars x) { return max_pool2d(x[0], 3, 2); });
}
std::string op_softmax() {
  return op({{17, 10}}, [](Vars x) {
    const Var shares = softmax(x[0]);
    const Var logs = log_softmax(x[0] * 30);
    return shares * logs;
  });
}
std::string op_cross_entropy() {
  const std::vector<int> labels{3, 1, 4, 1, 5, 9, 2, 6, 5};
  return op({{9, 10}}, [&](Vars x) {
    const Var sharp = cross_entropy(x[0] * 20, labels);
    const Var smoothed = cross_entropy(x[0], labels, 0.1F);
    return sharp + smoothed;
  });
}
std::string op_dropout() {
  const std::vector<std::uint32_t> samples{4, 400, 40, 0, 7};
  return op({{5, 6, 31}}, [&](Vars x) { return dropout(x[0], 0.3F, {Rng(5), 11, samples}, "bits/dropout"); });
}

// ---- training --------------------------------------------------------------------------------------------

nn::Sequential small_net(std::string_view middle = "dropout:rate=0.25;") {
  return nn::Sequential::parse(
      text("28x28x1;conv2d:filters=8,kernel=5,stride=3;relu;", middle, "flatten;linear:units=10"), Rng(9));
}

/// The weights after an epoch on random images.
std::string trained(nn::FitOptions options) {
  cover("optimizer " + options.optimizer.spec().name);
  cover("defence " + options.loss.spec().substr(0, options.loss.spec().find(':')));
  nn::Sequential net = small_net();
  options.epochs = 2;
  options.batch = 50;
  options.seed = 6;
  nn::fit(net, random_images(203), options);
  return hash(net.weights());
}

// Every setting is written out: the golden lines do not change with the default recipe.
const nn::Loss hard_labels = nn::cross_entropy_loss(0);
std::string train_sgd() {
  return trained({.optimizer = nn::Sgd{.rate = 0.1F, .momentum = 0.9F}, .clip = 0.5, .loss = hard_labels});
}
std::string train_adadelta() {
  return trained({.optimizer = nn::Adadelta{}, .schedule = nn::Schedule::constant, .loss = hard_labels});
}
std::string train_adam() { return trained({.optimizer = nn::Adam{}, .loss = nn::cross_entropy_loss(0.1F)}); }
std::string train_adamw() { return trained({.optimizer = nn::AdamW{}, .loss = hard_labels}); }
std::string train_adversarial() {
  return trained(
      {.optimizer = nn::Adam{}, .loss = defenses::adversarial_training(attacks::Fgsm{.eps = 0.1F}, {.smoothing = 0})});
}

std::string train_trades() {
  return trained({.optimizer = nn::Adam{}, .loss = defenses::Defense(defenses::Trades{.eps = 0.1F, .steps = 3})});
}
std::string train_fast() {
  return trained({.optimizer = nn::Adam{}, .loss = defenses::Defense(defenses::Fast{.eps = 0.1F, .probe = 3})});
}
std::string train_awp() {
  return trained({.optimizer = nn::Adam{},
                  .loss = defenses::Defense(defenses::Awp{.of = defenses::Trades{.eps = 0.1F, .steps = 3}})});
}
std::string train_on_intervals(const nn::Loss& loss) {
  cover("defence " + loss.spec().substr(0, loss.spec().find(':')));
  const data::Dataset images = random_images(203);
  nn::Sequential net = nn::Sequential::parse(
      text(images.image_shape(),
           ";conv2d:filters=20,kernel=3,stride=2,padding=1,bias=false;batch_norm;relu;conv2d:filters=5,kernel=2;relu;"
           "flatten;linear:units=17;batch_norm;relu;linear:units=10"),
      Rng(6));
  start_for_intervals(net, Rng(6));
  nn::fit(net, images, {.epochs = 2, .batch = 50, .optimizer = nn::Adam{}, .clip = 10, .loss = loss, .seed = 6});
  return hash(net.weights());
}
std::string train_ibp() {
  return train_on_intervals(
      defenses::Defense(defenses::Ibp{{.eps = 0.1F, .clean_start = 1.0F, .warmup = 0.1F, .ramp = 0.5F, .l1 = 1e-4F}}));
}
std::string train_crown_ibp() {
  return train_on_intervals(defenses::Defense(defenses::CrownIbp{{.eps = 0.2F, .ramp = 1}}));
}
std::string train_ibp_regularized() {
  return train_on_intervals(defenses::Defense(defenses::Ibp{{.eps = 0.2F, .ramp = 1, .regularize = 0.5F}}));
}
std::string train_mtl_ibp() {
  return train_on_intervals(defenses::Defense(defenses::MtlIbp{{.eps = 0.1F, .ramp = 0.5F}, 0.2F, 2}));
}
std::string train_sabr() {
  return train_on_intervals(defenses::Defense(defenses::Sabr{{.eps = 0.1F, .ramp = 0.5F}, 0.4F, 2}));
}
std::string train_augmented() {
  return trained({.optimizer = nn::Adam{}, .loss = hard_labels, .augment = nn::Augment{.shift = 2, .flip = true}});
}

/// A network that knows its digits, trained on the embedded data.
const nn::Sequential& reader() {
  static const nn::Sequential net = [] {
    nn::Sequential made = small_net("");
    nn::fit(made, data::load("mnist-5k/train"),
            {.epochs = 1, .optimizer = nn::Adam{.rate = 5e-3F}, .loss = hard_labels, .seed = 8});
    return made;
  }();
  return net;
}

std::string train_reader() { return sha256(nn::dump_model({reader()})); }
std::string data_mnist_5k() {
  return sha256(data::load("mnist-5k/train").sha256() + data::load("mnist-5k/test").sha256());
}

struct Row {
  const char* name;
  std::string (*compute)();
};
constexpr Row operations[] = {
    {"random.words", random_words},
    {"random.numbers", random_numbers},
    {"random.normals", random_normals},
    {"function.exp", function_exp},
    {"function.log", function_log},
    {"function.tanh", function_tanh},
    {"function.sigmoid", function_sigmoid},
    {"function.erf", function_erf},
    {"function.sin_cos", function_sin_cos},
    {"row_sums", row_sums},
    {"op.arithmetic", op_arithmetic},
    {"op.activations", op_activations},
    {"op.sums", op_sums},
    {"op.linear", op_linear},
    {"op.linear_narrow", op_linear_narrow},
    {"op.conv_same", op_conv_same},
    {"op.conv_first_layer", op_conv_first_layer},
    {"op.conv_uneven", op_conv_uneven},
    {"op.conv_groups", op_conv_groups},
    {"op.conv_depthwise", op_conv_depthwise},
    {"op.conv_transpose", op_conv_transpose},
    {"op.max_pool", op_max_pool},
    {"op.max_pool_padded", op_max_pool_padded},
    {"op.average_pool", op_average_pool},
    {"op.softmax", op_softmax},
    {"op.cross_entropy", op_cross_entropy},
    {"op.dropout", op_dropout},
};
constexpr Row networks[] = {
    {"layer.others", layer_others},
    {"layer.gaussian_noise", layer_gaussian_noise},
    {"model.v1", model_v1},
    {"model.small", model_small},
    {"model.madry", model_madry},
    {"model.mlp", model_mlp},
    {"model.linear", model_linear},
    {"model.lenet5", model_lenet5},
    {"model.convsmall", model_convsmall},
    {"model.resnet8", model_resnet8},
    {"model.resnet20", model_resnet20},
    {"train.sgd", train_sgd},
    {"train.adadelta", train_adadelta},
    {"train.adam", train_adam},
    {"train.adamw", train_adamw},
    {"train.adversarial", train_adversarial},
    {"train.trades", train_trades},
    {"train.fast", train_fast},
    {"train.awp", train_awp},
    {"train.ibp", train_ibp},
    {"train.crown_ibp", train_crown_ibp},
    {"train.ibp_regularized", train_ibp_regularized},
    {"train.mtl_ibp", train_mtl_ibp},
    {"train.sabr", train_sabr},
    {"train.augmented", train_augmented},
    {"train.reader", train_reader},
    {"data.mnist_5k", data_mnist_5k},
    {"bounds", bounds},
    {"certificates", certificates},
};

}  // namespace

int main(int count, char** arguments) try {
  if (count == 3 && std::string_view(arguments[1]) == "--threads") {
    hans::set_thread_count(static_cast<std::size_t>(std::stoul(arguments[2])));
  } else if (count != 1) {
    std::fprintf(stderr, "usage: hans_bits [--threads N]\n");
    return 2;
  }
  if (!hans::kernels::reproducible()) {
    std::fprintf(stderr, "hans_bits: this build has no golden bits: it was %s\n",
                 std::string(hans::kernels::reservation()).c_str());
    return 1;
  }
  (void)hans::kernels::selected();  // an unusable HANS_KERNELS is refused before anything is printed
  std::printf("# hans %s\n", std::string(hans::version).c_str());
  const auto print = [](const Row& row) { std::printf("%s %s\n", row.name, row.compute().c_str()); };
  std::ranges::for_each(operations, print);
  bits::print_layers();
  std::ranges::for_each(networks, print);
  bits::print_attacks(reader());
  bits::check_covered();
  return std::fflush(stdout) == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "hans_bits: %s\n", error.what());
  return 1;
}
