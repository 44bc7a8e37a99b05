// Layers done together where nothing is tracked give what they give one after the other, to the bit.
#include <hans/nn/sequential.hpp>

#include <gtest/gtest.h>

#include <string>

#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>
#include "network_testing.hpp"

namespace hans::fused_test {
namespace {

using nn::Sequential;

/// Numbers that are neither 0 nor 1, so that each of them shows.
Sequential made(const std::string& architecture) {
  Sequential net = Sequential::parse(architecture, Rng(3));
  std::vector<Tensor> weights(net.weights().begin(), net.weights().end());
  std::vector<Tensor> others(net.buffers().begin(), net.buffers().end());
  Stream stream = Rng(4).stream("numbers");
  for (Tensor& weight : weights) {
    for (real& value : weight.mutable_values()) value += stream.uniform() / 4;
  }
  for (Tensor& other : others) {
    for (real& value : other.mutable_values()) value += stream.uniform();
  }
  net.set_weights(weights);
  net.set_buffers(others);
  return net;
}

TEST(FusedLayers, GiveTheSameAsOneAfterTheOther) {
  const std::string conv = "conv2d:filters=3,kernel=3,padding=1";
  const std::string end = ";flatten;linear:units=4";
  for (const std::string& layers : {
           conv + ";batch_norm;relu;max_pool2d:kernel=2" + end,
           conv + ";batch_norm;add:of=1/input;relu" + end,
           conv + ";add:of=input/0" + end,
           conv + ";relu;" + conv + ";batch_norm;add:of=3/1;relu;max_pool2d:kernel=3,stride=2,padding=1" + end,
           conv + ";relu;" + conv + ";batch_norm;" + conv + ",of=1;batch_norm;add:of=3/5;relu;" + conv +
               ";batch_norm;add:of=9/7" + end,
           conv + ";relu;" + conv + ";add:of=2/1;add:of=3/1;add:of=4/input;relu" + end,
           conv + ";add:of=0/0;relu" + end,
           conv + ";batch_norm;batch_norm;relu;max_pool2d:kernel=2,ceil=true" + end,
           conv + ";batch_norm;relu;add:of=1/2" + end,
           "conv2d:filters=3,kernel=1;batch_norm;add:of=1/input;relu;max_pool2d:kernel=5" + end,
           "conv2d:filters=6,kernel=3,groups=3;batch_norm;relu;max_pool2d:kernel=2" + end,
           "constant:shape=5x6x3;" + conv + ",of=input;add:of=1/0;relu" + end,
           conv + ";conv2d:filters=3,kernel=5x6,of=input;add:of=0/1;relu" + end,
           "batch_norm;add:of=0/input;relu" + end,
           std::string("flatten;linear:units=7;batch_norm;relu;linear:units=7;batch_norm;add:of=5/3"),
       }) {
    const Sequential net = made("5x6x3;" + layers);
    const Tensor images = network_testing::random_images({37, 5, 6, 3});
    Tape tape;
    const Tensor apart = net.logits(tape.watch(images)).value();
    for (const std::size_t threads : {1u, 2u}) {
      set_thread_count(threads);
      EXPECT_TRUE(identical(apart, network_testing::logits(net, images))) << layers;
      EXPECT_TRUE(identical(apart, nn::logits(net, images))) << layers << ", in pieces";
    }
    set_thread_count(2);
  }
}

TEST(FusedLayers, GoThroughAFewSamplesAtATime) {
  const Sequential net = made(
      "64x64x3;conv2d:filters=16,kernel=3,padding=1;relu;conv2d:filters=16,kernel=3;flatten;"
      "linear:units=3");
  const Tensor images = network_testing::random_images({21, 64, 64, 3});
  set_thread_count(2);
  const Tensor all = network_testing::logits(net, images);
  set_thread_count(1);
  EXPECT_TRUE(identical(all, network_testing::logits(net, images)));
  set_thread_count(2);
}

}  // namespace
}  // namespace hans::fused_test
