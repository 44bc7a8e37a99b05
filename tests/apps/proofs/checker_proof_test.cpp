// The checker's bounds: never above what an image of the box gives, and equal to a naive computation.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include <hans/core/error.hpp>
#include "proof_testing.hpp"

namespace hans::checker_proof_test {
namespace {

using proof_testing::Subject;

/// Networks in which every layer is that bounds pass through.
const std::vector<std::string> passable{
    "6x5x2;flatten;linear:units=7;relu;linear:units=5;relu;linear:units=3,bias=false",
    "7x6x2;conv2d:filters=4,kernel=3x2,stride=2x1,padding=1x0x2x1;relu;flatten;linear:units=3",
    "9x9x1;conv2d:filters=2,kernel=3x2,dilation=2x3,padding=same,stride=2;relu;flatten;linear:units=3",
    "7x7x4;conv2d:filters=8,kernel=3,dilation=2,groups=2;relu;flatten;linear:units=3",
    "6x6x3;conv2d:filters=6,kernel=3,padding=1,groups=3;relu;conv2d:filters=3,kernel=3;relu;flatten;linear:units=3",
    "7x7x2;conv2d:filters=3,kernel=2;relu;average_pool2d:kernel=3,stride=2,padding=same;flatten;linear:units=3",
    "7x7x2;average_pool2d:kernel=3,stride=2,padding=1,count_padding=true;flatten;linear:units=4;relu;linear:units=2",
    "5x5x3;conv2d:filters=4,kernel=3;batch_norm;relu;flatten;batch_norm:eps=0.001;dropout:rate=0.5;linear:units=3",
    "5x5x2;conv2d:filters=2,kernel=3,padding=1;relu;add:of=input/1;conv2d:filters=2,kernel=1;relu;subtract:of=2/4;"
    "flatten;linear:units=3",
    "4x4x2;conv2d:filters=2,kernel=1;relu;add:of=1/1;add:of=2/0;relu;add:of=3/4;flatten;linear:units=3",
    "3x3x2;constant:shape=2;multiply:of=input/0;constant:shape=1x3x2,learnt=true;subtract:of=1/2;negate;relu;"
    "constant:shape=1;multiply:of=6/5;reshape:shape=1x9x2x1;transpose:order=3/2/0/1;flatten;linear:units=3",
    "3x3x2;normalize:scale=2,mean=0.25/0.5,std=0.5;conv2d:filters=3,kernel=2;relu;flatten;linear:units=3",
    "4x1x1;flatten;linear:units=6;relu;relu;linear:units=2;relu",
};

/// Points and corners of ball and box, by turns.
Tensor points(const Subject& subject, std::size_t row, std::size_t count) {
  const std::size_t features = subject.net.input().elements();
  const auto image = subject.samples.images.values().subspan(row * features, features);
  Stream stream = Rng(3).stream("points");
  Tensor moved(subject.net.input().with_front(count));
  for (std::size_t k = 0; k < count * features; ++k) {
    const float x = image[k % features], way = 2 * stream.uniform() - 1;
    const float corner = way < 0 ? -1.0F : 1.0F, step = k / features % 2 == 0 ? corner : way;
    const float to = std::clamp(x + subject.file.eps * step, 0.0F, 1.0F);
    moved.mutable_values()[k] = std::abs(double{to} - double{x}) <= double{subject.file.eps} ? to : x;
  }
  return moved;
}

/// The least lead of those, and by how much leads in float32 are off at most.
std::pair<double, double> sampled(const Subject& subject, const checker::Network& net, std::size_t row) {
  constexpr std::size_t count = 60;
  const Tensor images = points(subject, row, count), logits = network_testing::logits(subject.net, images);
  const auto label = static_cast<std::size_t>(subject.samples.labels[row]);
  std::pair found(HUGE_VAL, 0.0);
  for (std::size_t k = 0; k < count; ++k) {
    const std::vector<double> exact = net.logits(images.values().subspan(k * net.features(), net.features()));
    const auto rough = logits.values().subspan(k * net.classes(), net.classes());
    for (std::size_t c = 0; c < exact.size(); ++c) {
      if (c == label) continue;
      const double lead = exact[label] - exact[c];
      found.first = std::min(found.first, lead);
      found.second = std::max(found.second, std::abs(double{rough[label]} - double{rough[c]} - lead));
    }
  }
  return found;
}

/// Trees that split some units, with slopes and multipliers of any kind.
void grow(Subject& subject, std::size_t row, Stream& stream) {
  const std::vector<std::int32_t> units = subject.unstable(row);
  if (units.empty()) return;
  const auto any = [&] {
    return units[static_cast<std::size_t>(stream.uniform() * 0.999F * static_cast<float>(units.size()))];
  };
  std::vector<std::int32_t> nodes;
  std::size_t given = 0, splits = 0;
  for (std::size_t tree = 0; tree + 1 < subject.net.classes(); ++tree) {
    const std::int32_t first = any(), second = any();
    if (first == second) {
      nodes.push_back(-2);
      ++given;
      continue;
    }
    nodes.insert(nodes.end(), {first, second, -2, -1, -2});
    given += 2;
    splits += 5;
  }
  subject.set_tree(row, nodes);
  subject.set_slope_units(row, units);
  for (std::size_t k = 0; k < given * units.size(); ++k)
    subject.file.slopes.push_back(static_cast<std::uint8_t>(stream.uniform() * 255));
  for (std::size_t k = 0; k < splits; ++k) subject.file.multipliers.push_back(stream.uniform() * 0.1F);
}

TEST(CheckerProof, NoPointOfTheBoxIsBelowTheBound) {
  std::size_t with_units = 0, positive = 0;
  for (const std::string& architecture : passable) {
    for (const std::uint64_t seed : {1U, 2U}) {
      Subject subject(architecture, seed, 2);
      const checker::Network net(subject.model(), "the model");
      for (const float eps : {0.0F, 0.02F, 0.1F, 0.4F}) {
        Subject plain = subject, grown = subject;
        plain.file.eps = grown.file.eps = eps;
        Stream stream = Rng(seed).stream("trees");
        const std::vector<checker::Proved> adaptive = plain.check();
        for (std::size_t row = 0; row < 2; ++row) {
          const auto [least, off] = sampled(plain, net, row);
          EXPECT_LE(adaptive[row].bound, least) << architecture << " " << eps;
          EXPECT_GE(adaptive[row].bound, eps == 0 ? least - 1e-4 : -HUGE_VAL) << architecture;
          EXPECT_GE(adaptive[row].rounding, off) << architecture << " " << eps;
          positive += adaptive[row].bound > 0 ? 1U : 0U;
          if (row > 0) continue;
          grow(grown, row, stream);
          with_units += grown.file.multipliers.empty() ? 0U : 1U;
          const checker::Proved one = grown.check()[row];
          EXPECT_LE(one.bound, least) << architecture << " " << eps;
          EXPECT_TRUE(one.reason.empty() || one.bound <= 0 || one.bound <= one.rounding) << one.reason;
        }
      }
    }
  }
  EXPECT_GT(with_units, 20U);
  EXPECT_GT(positive, 20U);
}

TEST(CheckerProof, ABoundBelowTheRoundingOfFloat32IsNoProof) {
  Subject subject("4x4x1;conv2d:filters=3,kernel=2;relu;flatten;linear:units=3", 4);
  float right = 0, wrong = 1;  // radii with and without a positive bound
  checker::Proved found;
  for (int k = 0; k < 60 && found.reason != "float32 may round it away"; ++k) {
    subject.file.eps = right + (wrong - right) / 2;
    found = subject.check()[0];
    (found.reason.empty() ? right : wrong) = subject.file.eps;
  }
  EXPECT_EQ(found.reason, "float32 may round it away");
  EXPECT_GT(found.bound, 0);
  EXPECT_LE(found.bound, found.rounding);
}

TEST(CheckerProof, AnyNumberOfThreadsFindsTheSame) {
  Subject subject(passable[1], 1, 7);
  subject.file.bound[3] = -1;
  const std::vector<checker::Proved> alone = subject.check();
  for (const std::size_t threads : {0U, 2U, 50U}) {
    const std::vector<checker::Proved> found = subject.check(threads);
    for (std::size_t k = 0; k < found.size(); ++k) {
      EXPECT_EQ(found[k].reason, alone[k].reason);
      EXPECT_EQ(std::bit_cast<std::uint64_t>(found[k].bound), std::bit_cast<std::uint64_t>(alone[k].bound));
    }
  }
}

TEST(CheckerProof, WhatBoundsCannotPassIsRefusedByName) {
  const std::vector<std::pair<std::string, std::string>> refused{
      {"max_pool2d", "4x4x1;max_pool2d:kernel=2;flatten;linear:units=2"},
      {"leaky_relu", "4x4x1;leaky_relu;flatten;linear:units=2"},
      {"elu", "4x4x1;elu;flatten;linear:units=2"},
      {"sigmoid", "4x4x1;flatten;linear:units=2;sigmoid"},
      {"tanh", "4x4x1;tanh;flatten;linear:units=2"},
      {"prelu", "4x4x1;constant:shape=1,learnt=true;prelu:of=input/0;flatten;linear:units=2"},
      {"divide", "4x4x1;constant:shape=1,learnt=true;divide:of=input/0;flatten;linear:units=2"},
      {"multiply", "4x4x1;multiply:of=input/input;flatten;linear:units=2"},
      {"normalize", "4x4x1;normalize:std=1e-7;flatten;linear:units=2"},
      {"one class", "4x4x1;flatten;linear:units=1"},
      {"does not know the layer abs", "4x4x1;abs;flatten;linear:units=2"}};
  for (const auto& [part, architecture] : refused) {
    const std::string model = nn::dump_model(nn::Model{network_testing::changed(architecture, 1)});
    try {
      checker::check_proofs(model, "f.hans", {}, 1);
      ADD_FAILURE() << part << " is not refused";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("f.hans"), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace hans::checker_proof_test
