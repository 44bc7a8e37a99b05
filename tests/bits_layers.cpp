// The golden computations of layers and models, and the check that the tables leave nothing out. Add one: a row in the
// table.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

#include "bits.hpp"

namespace bits {
namespace {

using namespace hans;

std::set<std::string>& covered() {
  static std::set<std::string> all;
  return all;
}

/// What a layer makes of random samples in training, and the gradients with respect to the samples and its weights
/// under a random seed. Its values and the samples' gradients must not depend on how the samples are split. It works on
/// so many different samples as it needs, and the numbers that are not learnt start as they do. `positive`: the samples
/// are, because no NaN may reach a hash.
std::string layer(std::string_view written, const Shape& in, bool positive = false) {
  const Spec spec = Spec::parse(written);
  cover(text("layer ", spec.name));
  const nn::Layer made = nn::Layer::from_spec(spec);
  const std::size_t operands = made.operands().least;
  const std::vector<Shape> shapes(operands, in);
  std::vector<Tensor> inputs, others;
  for (std::size_t k = 0; k < operands; ++k) {
    inputs.push_back(noise(in.with_front(parts_sum), k == 0 ? "samples" : text("samples", k)));
    for (real& value : inputs.back().mutable_values()) value = positive && value < 0 ? -value : value;
  }
  for (const nn::WeightInfo& weight : made.weights(shapes)) {
    if (weight.trainable) inputs.push_back(noise(weight.shape, weight.name));
    if (!weight.trainable) others.push_back(Tensor::full(weight.shape, weight.start));
  }
  const bool relu = made.fuses() && made.spec().name != "batch_norm";
  std::vector<std::uint32_t> positions(parts_sum);
  for (std::size_t i = 0; i < parts_sum; ++i) positions[i] = static_cast<std::uint32_t>(1000 - 3 * i);

  const auto run = [&](std::size_t first, std::size_t count) {
    Tape tape;
    const DropoutKeys keys{Rng(5), 3, std::span(positions).subspan(first, count)};
    const nn::Mode mode{&keys};
    std::vector<Var> vars;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      vars.push_back(tape.watch(i < operands ? inputs[i].rows(first, count) : inputs[i]));
    }
    const std::span<const Var> all(vars);
    const Var out = made(tape, all.first(operands),
                         {all.subspan(operands), others, mode, 2, relu ? Activation::relu : Activation::none});
    const Tensor seed = noise(out.shape().without_front().with_front(parts_sum), "seed").rows(first, count);
    std::vector<Tensor> results(inputs.size());
    tape.gradients(out, seed, vars, results);
    results.push_back(out.value());
    return results;
  };
  const std::vector<Tensor> whole = run(0, parts_sum);
  std::size_t first = 0;
  for (const std::size_t count : parts) {
    const std::vector<Tensor> part = run(first, count);
    check(identical(part.front(), whole.front().rows(first, count)) &&
              identical(part.back(), whole.back().rows(first, count)),
          "layer ", written, " gives samples ", first, " to ", first + count - 1, " other bits when they come alone");
    first += count;
  }
  return hash(whole);
}

struct LayerRow {
  const char* name;
  const char* spec;
  Shape in;  ///< of one sample
};
const LayerRow layer_rows[] = {
    {"layer.conv2d", "conv2d:filters=9,kernel=3,stride=2,padding=same", {7, 10, 3}},
    {"layer.conv2d_narrow", "conv2d:filters=5,kernel=4,stride=3,padding=1", {10, 7, 1}},
    {"layer.linear", "linear:units=18", {37}},
    {"layer.max_pool2d", "max_pool2d:kernel=3,stride=2", {9, 7, 4}},
    {"layer.dropout", "dropout:rate=0.4", {5, 31}},
    {"layer.relu", "relu", {5, 6, 3}},
    {"layer.sigmoid", "sigmoid", {5, 6, 3}},
    {"layer.tanh", "tanh", {5, 6, 3}},
    {"layer.flatten", "flatten", {5, 6, 3}},
};

/// The weights after one training step.
std::string model(const std::string& name) {
  cover("model " + name);
  nn::Sequential net = nn::make_model(name, Rng(10));
  nn::fit(net, random_images(2, net.input()),
          {.epochs = 1, .batch = 2, .optimizer = nn::Adam{}, .loss = nn::cross_entropy_loss(0), .seed = 11});
  return hash(net.weights());
}

}  // namespace

std::string op_conv_groups() {
  return op({{2, 11, 9, 8}, {3, 3, 4, 18}, {18}}, [](Vars x) {
    return conv2d(x[0], x[1], x[2],
                  {.stride_height = 2,
                   .pad_top = 2,
                   .pad_bottom = 1,
                   .pad_right = 2,
                   .dilation_height = 3,
                   .dilation_width = 2,
                   .groups = 2},
                  Activation::relu);
  });
}
std::string op_conv_depthwise() {
  return op({{3, 12, 10, 37}, {3, 5, 1, 37}, {37}}, [](Vars x) {
    return conv2d(x[0], x[1], x[2],
                  {.stride_width = 2, .pad_top = 1, .pad_bottom = 1, .pad_left = 2, .pad_right = 1, .groups = 37});
  });
}
std::string op_conv_transpose() {
  return op({{3, 5, 6, 21}, {3, 4, 5, 21}, {15}}, [](Vars x) {
    return conv_transpose2d(x[0], x[1], x[2],
                            {.stride_height = 2,
                             .stride_width = 2,
                             .pad_top = 1,
                             .pad_bottom = 1,
                             .pad_left = 1,
                             .pad_right = 1,
                             .groups = 3},
                            10, 12);
  });
}
std::string op_max_pool_padded() {
  return op({{3, 9, 10, 21}}, [](Vars x) {
    return max_pool2d(x[0], {.kernel_height = 3, .kernel_width = 2, .stride_height = 2, .pad_top = 1, .pad_right = 1});
  });
}
std::string op_average_pool() {
  return op({{3, 9, 10, 21}}, [](Vars x) {
    const PoolWindow window{
        .kernel_height = 3, .kernel_width = 3, .stride_width = 2, .pad_top = 1, .pad_left = 1, .beyond_right = 1};
    const Var inside = average_pool2d(x[0], window, false);
    const Var counted = average_pool2d(x[0], window, true);
    return inside * counted;
  });
}

void print_layers() {
  for (const LayerRow& row : layer_rows) std::printf("%s %s\n", row.name, layer(row.spec, row.in).c_str());
}

std::string layer_gaussian_noise() {
  const nn::Sequential net = nn::Sequential::parse("5x6x3;gaussian_noise:sigma=0.4;flatten;linear:units=4", Rng(12));
  Tape tape;
  const Var asked = net.logits_for(tape.constant(noise({4, 5, 6, 3}, "images")), {3});
  return sha256(layer("gaussian_noise:sigma=0.4", {5, 31}) + hash(asked.value()));
}

// Its line is released: a new layer gets a row in the table instead.
std::string layer_others() {
  std::string hashes;
  const auto add = [&](std::string_view written, const Shape& in) { hashes += layer(written, in); };
  for (const char* name :
       {"add",          "subtract", "multiply",    "divide", "minimum",    "maximum",       "prelu",
        "equal",        "greater",  "less",        "abs",    "negate",     "exp",           "erf",
        "softplus",     "softmax",  "log_softmax", "round",  "leaky_relu", "elu",           "selu",
        "hard_sigmoid", "gelu",     "clip",        "where",  "layer_norm", "instance_norm", "batch_norm"}) {
    add(name, {5, 6, 3});
  }
  for (const char* name : {"power", "sqrt", "log"}) hashes += layer(name, {5, 6, 3}, true);
  add("gelu:form=tanh", {37});
  add("matmul", {3, 6, 6});
  add("concat:axis=1", {5, 6, 3});
  add("reshape:shape=6x15", {5, 6, 3});
  add("transpose:order=2/0/1", {5, 6, 3});
  add("take:axis=1,count=4", {5, 6, 3});
  for (const char* by : {"sum", "mean", "max", "min", "l2"}) {
    add(text("reduce:axes=0/1,by=", by), {5, 7, 3});
    add(text("reduce:axes=0/2,keep=true,by=", by), {5, 7, 3});
  }
  add("average_pool2d:kernel=3x2,stride=2,padding=1x0x1x1,ceil=true", {9, 7, 4});
  add("max_pool2d:kernel=3x2,stride=2x1,padding=1", {9, 7, 4});
  add("conv2d:filters=6,kernel=3x2,dilation=2x1,groups=2,padding=1", {9, 7, 4});
  add("conv_transpose2d:filters=3,kernel=4,stride=2,size=14x10", {6, 4, 5});
  add("normalize:scale=2,mean=0.5,std=0.1/0.2/0.3", {5, 6, 3});
  cover("layer constant");
  const nn::Sequential net = nn::Sequential::parse(
      "3x3x2;constant:shape=1x2,learnt=true;subtract:of=input/0;flatten;relu;add:of=2/3;linear:units=4", Rng(12));
  Tape tape;
  hashes += hash(net.logits(tape.constant(noise({4, 3, 3, 2}, "images"))).value());
  return sha256(hashes);
}

std::string model_v1() { return model("v1"); }
std::string model_small() { return model("small"); }
std::string model_madry() { return model("madry"); }
std::string model_mlp() { return model("mlp"); }
std::string model_linear() { return model("linear"); }
std::string model_lenet5() { return model("lenet5"); }
std::string model_convsmall() { return model("convsmall"); }
std::string model_resnet8() { return model("resnet8"); }
std::string model_resnet20() { return model("resnet20"); }

void cover(const std::string& what) { covered().insert(what); }

void check_covered() {
  std::vector<std::string> all;
  for (const nn::LayerInfo& info : nn::list_layers()) all.push_back("layer " + info.name);
  for (const nn::OptimizerInfo& info : nn::list_optimizers()) all.push_back("optimizer " + info.name);
  for (const nn::ModelInfo& info : nn::list_models()) all.push_back(text("model ", info.name));
  for (const attacks::AttackInfo& info : attacks::list_attacks())
    all.push_back(text("attack ", info.name, info.version.empty() ? "" : "@", info.version));
  for (const defenses::DefenseInfo& info : defenses::list_defenses()) all.push_back("defence " + info.name);
  std::erase_if(all, [](const std::string& each) { return covered().contains(each); });
  std::string missing;
  for (const std::string& each : all) missing += (missing.empty() ? "" : ", ") + each;
  check(missing.empty(), "no row of the tables in tests/bits*.cpp covers ", missing);
}

}  // namespace bits
