// Networks whose layers work on others than the one before.
#include <gtest/gtest.h>

#include <cmath>

#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/array_layers.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/normalization_layers.hpp>
#include <hans/nn/trainer.hpp>

#include "../data/data_testing.hpp"
#include "network_testing.hpp"

namespace hans::network_test {
namespace {

using network_testing::logits;
using network_testing::random_images;
using nn::Sequential;
using nn::Source;
using testing_data::contains;
using testing_data::error_of;

std::string parse_error(const std::string& architecture) {
  return error_of([&] { (void)Sequential::parse(architecture, Rng(1)); });
}

// y = W2 (x' + relu(W1 x')), by hand.
TEST(Networks, ALayerWorksOnWhatItNames) {
  const Sequential net = Sequential::parse("2x2x1;flatten;linear:units=4;relu;add:of=0/2;linear:units=3", Rng(4));
  const Tensor images = random_images({2, 2, 2, 1});
  Tape tape;
  const Var x = tape.constant(images.reshaped({2, 4}));
  const auto w = [&](std::size_t k) { return tape.constant(net.weights()[k]); };
  const Var hidden = linear(x, w(0), w(1), Activation::relu);
  const Var both = x + hidden;
  EXPECT_TRUE(identical(logits(net, images), linear(both, w(2), w(3)).value()));
}

TEST(Networks, AreWrittenAsTheyAreRead) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"2x2x1;flatten;relu:of=0;tanh:of=0;add:of=1/2", "2x2x1;flatten;relu;tanh:of=0;add:of=1/2"},
      {"2x2x1;flatten:of=input;flatten:of=input;concat:axis=0,of=0/1/0",
       "2x2x1;flatten;flatten:of=input;concat:axis=0,of=0/1/0"},
      {"2x2x1;constant:shape=2x2x1,learnt=true;multiply:of=input/0;flatten",
       "2x2x1;constant:shape=2x2x1,learnt=true;multiply:of=input/0;flatten"},
      {"2x2x3;batch_norm;flatten", "2x2x3;batch_norm:eps=1e-05,momentum=0.1;flatten"},
      {"4x4x2;conv2d:filters=4,kernel=1x3,stride=2x1,dilation=1x1,groups=2;flatten",
       "4x4x2;conv2d:filters=4,kernel=1x3,stride=2x1,padding=valid,bias=true,dilation=1,groups=2;flatten"}};
  for (const auto& [written, canonical] : rows) {
    const Sequential net = Sequential::parse(written, Rng(2));
    EXPECT_EQ(net.architecture(), canonical);
    const nn::Model model{net};
    const nn::Model again = nn::parse_model(nn::dump_model(model), "test");
    EXPECT_EQ(again.net.architecture(), canonical);
    const Tensor images = random_images(net.input().with_front(2));
    EXPECT_TRUE(identical(logits(net, images), logits(again.net, images))) << canonical;
  }
}

TEST(Networks, CanBeMadeInCode) {
  const Sequential net{Shape{2, 2, 1},
                       Rng(2),
                       flatten,
                       relu,
                       nn::Layer(hans::tanh).of({Source{0}}),
                       nn::Layer(hans::operator+).of({Source{1}, Source{2}})};
  EXPECT_EQ(net.architecture(), "2x2x1;flatten;relu;tanh:of=0;add:of=1/2");
}

TEST(Networks, SayWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"2x2x1;flatten;add", "works on 2 operands or more"},
      {"2x2x1;flatten;add:of=0", "works on 2 operands, not 1"},
      {"2x2x1;flatten;relu:of=0/0", "works on 1 operands, not 2"},
      {"2x2x1;flatten;add:of=0/1", "works on layer 1, which does not come before it"},
      {"2x2x1;flatten;add:of=0/7", "works on layer 7"},
      {"2x2x1;flatten;add:of=0/x", "not 'x'"},
      {"2x2x1;flatten;add:of=0/", "not ''"},
      {"2x2x1;flatten;add:of=-1/0", "not '-1'"},
      {"2x2x1;flatten;add:of=[0]", "brackets"},
      {"2x2x1;flatten;linear:units=2;flatten:of=input", "layer 1 (linear:units=2,bias=true) is used by no other"},
      {"2x2x1;constant:shape=4;relu;flatten:of=input", "do not depend on the images"},
      {"2x2x1;constant:shape=3x4;flatten:of=input;add:of=0/1", "more axes"},
      {"2x2x1;constant:shape=3;flatten:of=input;add:of=0/1", "do not broadcast"},
      {"2x2x1;constant:shape=4", "a classifier ends in one row of logits"},
      {"2x2x1;reshape:shape=5", "other features"},
      {"2x2x1;transpose:order=0/1", "transpose"},
      {"2x2x1;transpose:order=0/1/3;flatten", "no axis 3"},
      {"2x2x1;take:axis=3,count=1;flatten", "no axis 3"},
      {"2x2x1;conv2d:filters=4,kernel=1,groups=2;flatten", "do not split into 2 groups"},
      {"2x2x1;max_pool2d:kernel=3x1;flatten", "does not fit"},
      {"2x2x1;max_pool2d:kernel=2,padding=2;flatten", "every window must move and see some of the image"},
      {"2x2x1;conv_transpose2d:filters=1,kernel=2,size=9;flatten", "cannot be turned back"},
      {"2x2x1;layer_norm:axes=4;flatten", "only 3"},
      {"2x2x1;clip:low=1,high=0;flatten", "clip"},
  };
  for (const auto& [architecture, part] : cases) {
    const std::string error = parse_error(architecture);
    EXPECT_TRUE(contains(error, part)) << architecture << ": " << error;
  }
}

// The stored mean and variance after one step are those of the batch by the documented rule, and the file keeps them.
TEST(Networks, BatchNormFollowsTheBatchesAndIsResumed) {
  Sequential net = Sequential::parse("1x1x2;batch_norm:momentum=0.25;flatten", Rng(1));
  nn::Optimizer optimizer = nn::Sgd{.rate = 0.1F};
  nn::Trainer trainer(net, optimizer, nn::cross_entropy_loss(), Rng(1));
  data::Samples batch;
  batch.images = Tensor({4, 1, 1, 2}, std::vector<real>{0, 1, 0.5F, 1, 0.5F, 0, 1, 1});
  batch.labels = {0, 1, 0, 1};
  batch.index = {0, 1, 2, 3};
  trainer.step(batch, 0);
  ASSERT_EQ(net.buffer_names()[0], "0.mean");
  EXPECT_FLOAT_EQ(net.buffers()[0].data()[0], 0.25F * 0.5F);
  EXPECT_FLOAT_EQ(net.buffers()[0].data()[1], 0.25F * 0.75F);
  EXPECT_FLOAT_EQ(net.buffers()[1].data()[0], 0.75F + 0.25F * (0.5F / 3));
  EXPECT_FLOAT_EQ(net.buffers()[1].data()[1], 0.75F + 0.25F * (0.75F / 3));
  // In evaluation a sample does not depend on the others.
  EXPECT_TRUE(identical(logits(net, batch.images).rows(1, 1), logits(net, batch.images.rows(1, 1))));

  const testing_data::TemporaryFolder folder;
  const data::Dataset train = data::load("mnist-5k/test");
  const auto run = [&](std::uint64_t stop) {
    Sequential made =
        Sequential::parse("28x28x1;conv2d:filters=2,kernel=5,stride=4;batch_norm;relu;flatten;linear:units=10", Rng(3));
    nn::FitOptions options;
    options.epochs = 2;
    options.batch = 100;
    options.checkpoint = folder.path() / text("checkpoint", stop == 0 ? 0 : 1);
    options.checkpoint_steps = 2;
    options.resume = true;
    options.progress = [&](const nn::Progress& at) {
      if (at.step == stop) throw Error("stopped");
    };
    nn::fit(made, train, options);
    return nn::dump_model(nn::Model{made});
  };
  const std::string whole = run(0);
  EXPECT_EQ(error_of([&] { (void)run(7); }), "stopped");
  EXPECT_EQ(run(100), whole);
}

}  // namespace
}  // namespace hans::network_test
