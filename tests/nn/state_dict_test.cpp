// Weights under PyTorch's names: in, out, and what is refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include <hans/core/file.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/onnx_import.hpp>
#include <hans/nn/safetensors.hpp>
#include <hans/nn/state_dict.hpp>

#include "../data/data_testing.hpp"

namespace hans::state_dict_test {
namespace {

using nn::Sequential;
using nn::StateDict;
using testing_data::contains;
using testing_data::error_of;

Tensor counted(const Shape& shape, real first = 0) {
  Tensor made(shape);
  for (real& value : made.mutable_values()) value = first++;
  return made;
}

const Tensor& named(const StateDict& dict, std::string_view name) {
  const auto found = std::ranges::find(dict, name, &StateDict::value_type::first);
  if (found == dict.end()) throw std::runtime_error(text("there is no ", name));
  return found->second;
}

std::vector<real> values(const Tensor& tensor) { return {tensor.values().begin(), tensor.values().end()}; }

TEST(StateDicts, AreInPyTorchsLayouts) {
  // Element k is k here, so that a layout shows where each went.
  Sequential net =
      Sequential::parse("2x1x2;conv2d:filters=2,kernel=2x1,padding=1x0x0x0;flatten;linear:units=2", Rng(1));
  net.set_weights(std::vector<Tensor>{counted({2, 1, 2, 2}), counted({2}), counted({4, 2}), counted({2})});
  const StateDict dict = nn::state_dict(net);
  ASSERT_EQ(dict.size(), 4U);
  // Filters x channels x rows x columns, of rows x columns x channels x filters.
  EXPECT_EQ(named(dict, "0.weight").shape(), (Shape{2, 2, 2, 1}));
  EXPECT_EQ(values(named(dict, "0.weight")), (std::vector<real>{0, 4, 2, 6, 1, 5, 3, 7}));
  // Units x (channel, row), of (row, channel) x units.
  EXPECT_EQ(named(dict, "2.weight").shape(), (Shape{2, 4}));
  EXPECT_EQ(values(named(dict, "2.weight")), (std::vector<real>{0, 4, 2, 6, 1, 5, 3, 7}));
  // So do numbers for each feature of a flattened image, and no others.
  net = Sequential::parse(
      "2x1x2;flatten;constant:shape=4,learnt=true;prelu:of=0/1;linear:units=4;constant:shape=4,learnt=true;prelu:of=3/"
      "4",
      Rng(1));
  net.set_weights(std::vector<Tensor>{counted({4}), net.weights()[1], net.weights()[2], counted({4})});
  EXPECT_EQ(values(named(nn::state_dict(net), "1.weight")), (std::vector<real>{0, 2, 1, 3}));
  EXPECT_EQ(values(named(nn::state_dict(net), "4.weight")), (std::vector<real>{0, 1, 2, 3}));
}

struct Kept {
  const char* name;
  const char* architecture;
};

const std::vector<Kept> kept{
    {"v1", ""},
    {"small", ""},
    {"madry", ""},
    {"mlp", ""},
    {"linear", ""},
    {"batch_norm", "5x5x3;conv2d:filters=4,kernel=3;batch_norm;relu;flatten;batch_norm;linear:units=3"},
    {"groups",
     "6x6x4;conv2d:filters=8,kernel=3,groups=2,bias=false;instance_norm;conv2d:filters=8,kernel=1,groups=8;flatten"},
    {"transposed", "4x5x4;conv_transpose2d:filters=6,kernel=3,size=9x11,stride=2,groups=2;flatten;linear:units=3"},
    {"layer_norm", "4x4x2;layer_norm:axes=3;layer_norm;flatten;layer_norm;dropout:rate=0.5;linear:units=3,bias=false"},
    {"prelu", "4x4x3;constant:shape=3,learnt=true;prelu:of=input/0;take:axis=0,count=2;flatten;linear:units=3"},
    {"slopes", "2x2x2;flatten;constant:shape=8,learnt=true;prelu:of=0/1;linear:units=2"},
    {"residual", "3x3x2;flatten;multiply:of=0/0;relu;linear:units=4;add:of=3/3"},
};

void PrintTo(const Kept& row, std::ostream* out) { *out << row.name; }

Sequential network(const Kept& row, std::uint64_t seed) {
  return *row.architecture == '\0' ? nn::make_model(row.name, Rng(seed))
                                   : Sequential::parse(row.architecture, Rng(seed));
}

class StateDictsKept : public testing::TestWithParam<Kept> {};

TEST_P(StateDictsKept, BitForBitInBothContainers) {
  nn::Model model{network(GetParam(), 1)};
  std::vector<Tensor> others(model.net.buffers().begin(), model.net.buffers().end());
  for (Tensor& other : others) other = counted(other.shape(), 1);
  model.net.set_buffers(others);
  for (const std::string& bytes : {nn::dump_safetensors(model), nn::dump_npz(model)}) {
    Sequential again = network(GetParam(), 2);
    const std::vector<nn::StateOf> states = nn::load_state_dict(again, nn::parse_state_dict(bytes, "file"));
    for (const nn::StateOf& state : states) EXPECT_EQ(state.prefix, text(state.layer));
    for (std::size_t k = 0; k < again.weights().size(); ++k) {
      EXPECT_TRUE(identical(again.weights()[k], model.net.weights()[k])) << again.weight_names()[k];
    }
    for (std::size_t k = 0; k < again.buffers().size(); ++k) {
      EXPECT_TRUE(identical(again.buffers()[k], model.net.buffers()[k])) << again.buffer_names()[k];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, StateDictsKept, testing::ValuesIn(kept),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(StateDicts, FindTheirLayersByNaturalOrderAndShape) {
  Sequential net = Sequential::parse(
      "4x4x1;conv2d:filters=2,kernel=3;batch_norm;conv2d:filters=2,kernel=1;flatten;linear:units=3", Rng(1));
  const auto conv = [](real first) { return counted({2, 2, 1, 1}, first); };
  const StateDict dict{{"conv10.weight", conv(10)},
                       {"conv10.bias", counted({2}, 3)},
                       {"conv9.weight", counted({2, 1, 3, 3})},
                       {"conv9.bias", counted({2})},
                       {"bn.weight", counted({2})},
                       {"bn.bias", counted({2})},
                       {"bn.running_mean", counted({2})},
                       {"bn.running_var", counted({2}, 5)},
                       {"bn.num_batches_tracked", counted({}, 7)},
                       {"head.fc.weight", counted({3, 8})},
                       {"head.fc.bias", counted({3})}};
  std::string went;
  for (const nn::StateOf& state : nn::load_state_dict(net, dict))
    append(went, text(state.layer, "=", state.prefix, " "));
  EXPECT_EQ(went, "0=conv9 1=bn 2=conv10 4=head.fc ");
  EXPECT_EQ(values(net.weights(2)[1]), (std::vector<real>{3, 4}));
  EXPECT_EQ(values(net.buffers(1)[1]), (std::vector<real>{5, 6}));
  // Two of one shape go by their names, unless they are said.
  Sequential twins = Sequential::parse("1x1x2;flatten;linear:units=2,bias=false;linear:units=2,bias=false", Rng(1));
  const StateDict two{{"b.weight", counted({2, 2}, 4)}, {"a.weight", counted({2, 2})}};
  nn::load_state_dict(twins, two);
  EXPECT_EQ(values(twins.weights()[0]), (std::vector<real>{0, 2, 1, 3}));
  nn::load_state_dict(twins, two, std::vector<std::string>{"b", "a"});
  EXPECT_EQ(values(twins.weights()[0]), (std::vector<real>{4, 6, 5, 7}));
}

TEST(StateDicts, OfOtherShapesAndNamesAreRefused) {
  const Sequential net = Sequential::parse("1x1x2;flatten;linear:units=2", Rng(1));
  const Tensor weight = counted({2, 2}), bias = counted({2});
  const std::vector<std::pair<StateDict, std::string>> rows{
      {{}, "layer 1 (linear:units=2,bias=true), which needs weight 2x2, bias 2; left are none"},
      {{{"fc.weight", counted({2, 3})}, {"fc.bias", bias}}, "left are 'fc.bias' 2, 'fc.weight' 2x3"},
      {{{"fc.weight", weight}}, "left are 'fc.weight' 2x2"},
      {{{"fc.weight", weight}, {"fc.bias", bias}, {"more.weight", weight}}, "no layer takes 'more.weight' 2x2"},
      {{{"fc.weight", weight}, {"fc.weight", weight}, {"fc.bias", bias}}, "'fc.weight' is there twice"},
      {{{"fc.weight", Tensor::full({2, 2}, std::numeric_limits<real>::infinity())}, {"fc.bias", bias}}, "not finite"},
  };
  for (const auto& [dict, wanted] : rows) {
    Sequential changed = net;
    const std::string error = error_of([&changed, &given = dict] { nn::load_state_dict(changed, given); });
    EXPECT_TRUE(contains(error, wanted)) << error;
    EXPECT_TRUE(identical(changed.weights()[0], net.weights()[0]));
  }
  const StateDict good{{"fc.weight", weight}, {"fc.bias", bias}};
  for (const auto& [names, wanted] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"fc", "fc"}, "2 names for 1 layers"}, {{"fd"}, "'fd' is not for layer 1"}}) {
    Sequential changed = net;
    EXPECT_TRUE(contains(error_of([&, &given = names] { nn::load_state_dict(changed, good, given); }), wanted));
  }
  const Sequential mixed =
      Sequential::parse("2x2x2;flatten;linear:units=8;concat:axis=0,of=0/1;linear:units=2", Rng(1));
  EXPECT_TRUE(contains(error_of([&] { (void)nn::state_dict(mixed); }), "layer 3, linear, works on features"));
}

TEST(StateDicts, OfOtherTypesAreRead) {
  const std::string header = R"({"h.weight":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                             R"("b.weight":{"dtype":"BF16","shape":[1],"data_offsets":[4,6]},)"
                             R"("n":{"dtype":"I64","shape":[],"data_offsets":[6,14]}})";
  std::string file(8, '\0');
  file[0] = static_cast<char>(header.size());
  file += header + std::string("\x00\x3c\x01\x80", 4) + std::string("\x80\x3f", 2) + "\x05" + std::string(7, '\0');
  const StateDict dict = nn::parse_state_dict(file, "file");
  EXPECT_EQ(values(named(dict, "h.weight")), (std::vector<real>{1, -0x1p-24F}));
  EXPECT_EQ(values(named(dict, "b.weight")), (std::vector<real>{1}));
  EXPECT_EQ(values(named(dict, "n")), (std::vector<real>{5}));
  EXPECT_TRUE(contains(error_of([] { (void)nn::parse_state_dict("PK\x03\x04", "w.npz"); }),
                       "w.npz is not a usable state dict"));
  const std::vector<data::NamedArray> words{{"a", data::Array::of("text")}};
  EXPECT_TRUE(contains(error_of([&] { (void)nn::parse_state_dict(data::write_npz(words), "w.npz"); }), "w.npz"));
}

// The same weights as published and as another program wrote them.
TEST(StateDicts, OfPyTorchGiveTheWeightsOfItsOnnxFiles) {
  if (testing_data::shared_folder().empty()) GTEST_SKIP() << "no shared data; set HANS_SHARED";
  const std::filesystem::path folder = testing_data::shared_folder() / "models";
  for (const char* name : {"art_no_mpool", "lirpa_mnist_a_adv", "locuslab_mnist_linf0.1", "rsl18a_mnist_linf0.1"}) {
    std::vector<std::string> notes;
    const Sequential wanted = nn::load_onnx(folder / text(name, ".onnx"), {}, notes).net;
    Sequential net = Sequential::parse(wanted.architecture(), Rng(1));
    nn::load_state_dict(net, nn::parse_state_dict(read_file(folder / text(name, ".safetensors")), name));
    for (std::size_t k = 0; k < net.weights().size(); ++k) {
      EXPECT_TRUE(identical(net.weights()[k], wanted.weights()[k])) << name << " " << net.weight_names()[k];
    }
  }
}

}  // namespace
}  // namespace hans::state_dict_test
