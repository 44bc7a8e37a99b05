// Networks written as ONNX: read again they are the same; every layer is in the table.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/data/npy.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/onnx_export.hpp>
#include <hans/nn/onnx_import.hpp>

#include "network_testing.hpp"

namespace hans::onnx_export_test {
namespace {

using network_testing::logits;
using network_testing::random_images;
using nn::Sequential;

struct Exported {
  const char* name;
  const char* architecture;
  bool same;  ///< read again it has the same layers
};

const std::vector<Exported> exported{
    {"v1", "", true},
    {"small", "", true},
    {"madry", "", true},
    {"mlp", "", true},
    {"linear", "", true},
    {"conv", "7x6x2;conv2d:filters=4,kernel=3x2,stride=2x1,padding=1x0x2x1;relu;flatten;linear:units=3", true},
    {"conv_same", "7x6x2;conv2d:filters=4,kernel=3,stride=2,padding=same,bias=false;flatten;linear:units=3", true},
    {"conv_groups", "6x6x4;conv2d:filters=8,kernel=3,dilation=2,groups=2;tanh;flatten;linear:units=3", true},
    {"conv_depthwise", "6x6x3;conv2d:filters=3,kernel=3,padding=1,groups=3;flatten;linear:units=3,bias=false", true},
    {"conv_transpose", "4x5x4;conv_transpose2d:filters=6,kernel=3,size=8x10,stride=2,padding=1x1x0x1,groups=2;flatten",
     true},
    {"conv_transpose_dilated", "4x5x2;conv_transpose2d:filters=3,kernel=2x3,size=6x9,dilation=2,bias=false;flatten",
     true},
    {"max_pool", "7x7x2;max_pool2d:kernel=3x2,stride=2,padding=1x0x1x1;flatten;linear:units=3", true},
    {"max_pool_ceil", "6x6x2;max_pool2d:kernel=3,stride=2,ceil=true;flatten;linear:units=3", true},
    {"average_pool", "7x7x2;average_pool2d:kernel=3,stride=2,padding=same;flatten;linear:units=3", true},
    {"average_pool_counted", "7x7x2;average_pool2d:kernel=3,stride=2,padding=1,count_padding=true;flatten", true},
    {"batch_norm",
     "5x5x3;conv2d:filters=4,kernel=3;batch_norm;relu;flatten;batch_norm:eps=0.001,momentum=0.03;linear:units=3", true},
    {"batch_norm_rows", "4x3x2;reshape:shape=4x6;batch_norm;flatten", true},
    {"many_channels", "5x6x7;conv2d:filters=3,kernel=2;flatten", true},
    {"instance_norm", "5x5x3;instance_norm:eps=0.01;flatten;linear:units=3", true},
    {"layer_norm", "4x4x2;flatten;layer_norm;linear:units=3", true},
    {"layer_norm_images", "4x4x2;layer_norm:axes=3,eps=0.001;flatten", true},
    {"activations",
     "3x3x2;conv2d:filters=4,kernel=2;leaky_relu:slope=0.2;elu:alpha=0.5;selu;hard_sigmoid;gelu;gelu:form=tanh;"
     "clip:low=-0.5,high=inf;sigmoid;softplus;erf;abs;negate;exp;sqrt;log;flatten;linear:units=3",
     true},
    {"round", "3x3x2;conv2d:filters=4,kernel=2;exp;exp;round;flatten;linear:units=3", true},
    {"dropout", "3x3x2;flatten;dropout:rate=0.25;linear:units=3", true},
    {"softmax", "3x3x2;softmax;flatten;log_softmax;linear:units=3", true},
    {"residual",
     "5x5x2;conv2d:filters=2,kernel=3,padding=1;relu;add:of=input/1;conv2d:filters=2,kernel=1;multiply:of=2/3;"
     "average_pool2d:kernel=5;flatten;linear:units=3",
     true},
    {"numbers",
     "3x3x2;constant:shape=2;multiply:of=input/0;constant:shape=3x1x2,learnt=true;subtract:of=1/2;"
     "constant:shape=1;divide:of=3/4;flatten;linear:units=3",
     false},
    {"two",
     "2x3x2;flatten;linear:units=4;sigmoid;linear:of=0,units=4;abs;minimum:of=2/4;maximum:of=2/4;power:of=2/4;"
     "add:of=5/6;add:of=8/7",
     true},
    {"comparisons",
     "2x3x2;flatten;linear:units=4;linear:of=0,units=4;greater:of=1/2;less:of=1/2;equal:of=1/2;add:of=3/5;"
     "where:of=4/1/2;add:of=6/7",
     true},
    {"prelu", "4x4x3;constant:shape=3,learnt=true;prelu:of=input/0;flatten;linear:units=3", false},
    {"arrays", "4x3x2;transpose:order=1/0/2;take:axis=1,count=3;concat:axis=2,of=1/1;flatten;linear:units=3", true},
    {"take_fill", "4x3x2;take:axis=0,count=6,fill=0.5;conv2d:filters=2,kernel=2;take:axis=2,count=3;flatten", false},
    {"concat_numbers", "3x2x2;constant:shape=3x2x1;concat:axis=2,of=input/0;flatten;linear:units=3", true},
    {"reductions",
     "4x4x3;conv2d:filters=5,kernel=2;reduce:by=mean,axes=0/1;linear:units=3;reduce:of=0,by=max,axes=2,keep=true;"
     "reduce:of=3,by=sum,axes=1/0;reduce:of=0,by=l2,axes=0;reduce:of=5,by=min,axes=0;linear:units=3;add:of=2/"
     "7;add:of=8/4",
     false},
    {"matmul",
     "3x2x2;reshape:shape=3x4;constant:shape=4x3,learnt=true;matmul:of=0/1;transpose:order=1/0;matmul:of=2/3;flatten",
     true},
    {"normalize", "3x3x2;normalize:scale=2,mean=0.25/0.5,std=0.5;flatten;linear:units=3", false},
    {"probabilities", "3x3x1;flatten;linear:units=3;softmax;reshape:shape=3", false},
};

void PrintTo(const Exported& row, std::ostream* out) { *out << row.name; }

/// Different numbers that training could have made; of variances and what is divided by, positive ones.
Sequential network(const Exported& row) {
  Sequential net =
      *row.architecture == '\0' ? nn::make_model(row.name, Rng(3)) : Sequential::parse(row.architecture, Rng(3));
  Stream stream = Rng(5).stream("export");
  std::vector<Tensor> weights(net.weights().begin(), net.weights().end());
  for (Tensor& weight : weights) {
    for (real& value : weight.mutable_values()) value += (stream.uniform() - 0.25F) * 0.25F;
  }
  net.set_weights(weights);
  std::vector<Tensor> others(net.buffers().begin(), net.buffers().end());
  for (std::size_t k = 0; k < others.size(); ++k) {
    const bool indices = net.buffer_names()[k].ends_with("indices");
    std::size_t place = 0;
    for (real& value : others[k].mutable_values()) {
      value = indices ? static_cast<real>(place++ * 2 % 3) : value + stream.uniform() * 0.5F + 0.25F;
    }
    if (indices && std::string_view(row.name) == "take_fill") others[k].mutable_values()[1] = -1;
  }
  net.set_buffers(others);
  return net;
}

Sequential read_again(const std::string& bytes) {
  std::vector<std::string> notes;
  return nn::import_onnx(nn::onnx::parse(bytes, "the export"), {}, notes).net;
}

class OnnxExports : public testing::TestWithParam<Exported> {};

TEST_P(OnnxExports, AreReadAgainAsTheSameNetwork) {
  const Sequential net = network(GetParam());
  const std::string bytes = nn::onnx::dump(nn::export_onnx(net));
  EXPECT_EQ(bytes, nn::onnx::dump(nn::export_onnx(network(GetParam()))));
  const Tensor images = random_images(net.input().with_front(3));
  const Tensor wanted = logits(net, images);
  const Sequential again = read_again(bytes);
  EXPECT_EQ(again.input(), net.input());
  const Tensor found = logits(again, images);
  ASSERT_EQ(found.shape(), wanted.shape());
  for (std::size_t k = 0; k < wanted.size(); ++k) {
    EXPECT_NEAR(found.values()[k], wanted.values()[k], 1e-5F * std::max(1.0F, std::fabs(wanted.values()[k])));
  }
  if (GetParam().same) {
    EXPECT_EQ(again.architecture(), net.architecture());
    ASSERT_EQ(again.weights().size(), net.weights().size());
    for (std::size_t k = 0; k < net.weights().size(); ++k) EXPECT_TRUE(identical(again.weights()[k], net.weights()[k]));
    EXPECT_TRUE(identical(found, wanted));
  } else {
    EXPECT_NE(again.architecture(), net.architecture()) << "it is the same now: say so in the table";
  }
  // For tests/peers/onnx_export.py, which has another runtime compute the logits.
  if (const char* folder = std::getenv("HANS_EXPORTS")) {
    const std::filesystem::path path = std::filesystem::path(folder) / GetParam().name;
    write_file(path.string() + ".onnx", bytes);
    write_file(path.string() + ".images.npy", data::write_npy(data::Array::of(images.shape(), images.values())));
    write_file(path.string() + ".logits.npy", data::write_npy(data::Array::of(wanted.shape(), wanted.values())));
  }
}

INSTANTIATE_TEST_SUITE_P(All, OnnxExports, testing::ValuesIn(exported),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(OnnxExport, KnowsEveryLayer) {
  std::set<std::string> met;
  for (const Exported& row : exported) {
    const Sequential net = network(row);
    for (const nn::Layer& layer : net.layers()) met.insert(layer.spec().name);
  }
  for (const nn::LayerInfo& info : nn::list_layers()) {
    EXPECT_EQ(met.contains(info.name), info.name != "gaussian_noise")  // other programs have other noise
        << "add a row with the layer " << info.name << " to the table of this file";
  }
  const Sequential noisy = Sequential::parse("4x4x1;gaussian_noise:sigma=0.1;flatten", Rng(1));
  EXPECT_THROW(nn::export_onnx(noisy), Error);
}

// The bytes that another runtime was seen to compute the same logits from: tests/peers/onnx_export.py wrote the list.
TEST(OnnxExport, GivesTheFilesThatAnotherRuntimeWasGiven) {
  std::ifstream list(HANS_SOURCE_DIR "/tests/golden/onnx_exports.txt");
  std::map<std::string, std::string> known;
  for (std::string name, hash; list >> name >> hash;) known[name] = hash;
  constexpr const char* advice = "write the list anew: tests/peers/onnx_export.py --tests PROGRAM --write";
  EXPECT_EQ(known.size(), exported.size()) << advice;
  for (const Exported& row : exported) {
    EXPECT_EQ(known[row.name], sha256(nn::onnx::dump(nn::export_onnx(network(row))))) << row.name << ": " << advice;
  }
}

}  // namespace
}  // namespace hans::onnx_export_test
