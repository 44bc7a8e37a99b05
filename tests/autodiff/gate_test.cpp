// Gradients at rectified values that are asked for themselves: whole there, and cut off only on the way further back.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/autodiff/ops.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/text.hpp>

namespace hans::gate_test {
namespace {

Tensor normals(const Shape& shape, std::string_view name) {
  Tensor made(shape);
  Rng(12).stream(name).normals(made.mutable_values());
  return made;
}

/// What relu does, by a product with 0 or 1: the tape knows of no gate here.
Var cut(const Var& z) {
  Tensor mask(z.shape());
  for (std::size_t k = 0; k < mask.size(); ++k) mask.mutable_data()[k] = z.value().data()[k] > 0 ? real{1} : real{0};
  return z * z.tape().constant(mask);
}

/// Where the rectified value comes from: `inputs` are what is watched; with `plain` it is cut() instead.
struct Source {
  std::string name;
  std::vector<Tensor> inputs;
  std::function<Var(std::span<const Var>, bool plain)> make;
};

/// What becomes of it: a number for each sample.
struct Use {
  std::string name;
  std::function<Var(const Var&)> apply;
};

std::vector<Source> sources() {
  const auto flow = [](bool plain) { return plain ? Activation::none : Activation::relu; };
  return {{"relu", {normals({3, 6, 6, 2}, "x")}, [](auto v, bool plain) { return plain ? cut(v[0]) : relu(v[0]); }},
          {"conv2d",
           {normals({3, 7, 7, 3}, "x"), normals({2, 2, 3, 2}, "w"), normals({2}, "b")},
           [flow](auto v, bool plain) {
             const Var z = conv2d(v[0], v[1], v[2], {}, flow(plain));
             return plain ? cut(z) : z;
           }},
          {"linear", {normals({3, 5}, "x"), normals({5, 72}, "w"), normals({72}, "b")}, [flow](auto v, bool plain) {
             const Var z = linear(v[0], v[1], v[2], flow(plain));
             return plain ? cut(z) : z;
           }}};
}

Var as_images(const Var& y) { return y.shape().rank() == 4 ? y : reshape(y, {3, 6, 6, 2}); }

Var by_conv2d(const Var& y) {
  return sum_rows(conv2d(as_images(y), y.tape().constant(normals({3, 3, 2, 5}, "kernel")), {}, {2, 1, 1, 1, 0, 0}));
}
Var by_linear(const Var& y) {
  const Var x = y.shape().rank() == 2 ? y : flatten(y);
  return sum_rows(linear(x, y.tape().constant(normals({72, 3}, "matrix"))));
}
Var by_elements(const Var& y) { return sum_rows(y * y.tape().constant(normals(y.shape(), "factors"))); }
Var by_pooling(const Var& y) {
  const Var pooled = max_pool2d(as_images(y), 2, 2);
  return sum_rows(pooled * y.tape().constant(normals(pooled.shape(), "weights of maxima")));
}
Var by_overlapping_pooling(const Var& y) {
  const Var pooled = max_pool2d(as_images(y), 2, 1);
  return sum_rows(pooled * y.tape().constant(normals(pooled.shape(), "weights of maxima")));
}

std::vector<Use> uses() {
  return {{"conv2d", by_conv2d},
          {"linear", by_linear},
          {"elements", by_elements},
          {"pooling", by_pooling},
          {"overlapping pooling", by_overlapping_pooling},
          {"conv2d and elements", [](const Var& y) { return by_conv2d(y) + by_elements(y); }},
          {"elements and conv2d", [](const Var& y) { return by_elements(y) + by_conv2d(y); }},
          {"linear and elements", [](const Var& y) { return by_linear(y) + by_elements(y); }},
          {"pooling and elements", [](const Var& y) { return by_pooling(y) + by_elements(y); }},
          {"elements and pooling", [](const Var& y) { return by_elements(y) + by_pooling(y); }},
          {"conv2d and pooling", [](const Var& y) { return by_conv2d(y) + by_pooling(y); }},
          {"conv2d twice", [](const Var& y) { return by_conv2d(y) + by_conv2d(y); }},
          {"all of them", [](const Var& y) { return by_conv2d(y) + by_elements(y) + by_pooling(y) + by_linear(y); }}};
}

/// The gradients of the inputs and, as the last, of the rectified value. Those not asked for stay empty.
struct Asked {
  bool of_value, of_inputs;
};
constexpr Asked passes[]{{true, false}, {false, true}, {true, true}, {false, true}, {true, false}};

/// The gradients of each pass, one behind the other on the same tape.
std::vector<std::vector<Tensor>> gradients(const Source& source, const Use& use, bool plain) {
  Tape tape;
  std::vector<Var> inputs;
  for (const Tensor& input : source.inputs) inputs.push_back(tape.watch(input));
  const Var y = source.make(inputs, plain);
  const Var output = use.apply(y);
  std::vector<std::vector<Tensor>> all;
  for (const Asked& pass : passes) {
    std::vector<Var> targets;
    if (pass.of_inputs) targets = inputs;
    if (pass.of_value) targets.push_back(y);
    all.emplace_back(targets.size());
    tape.gradients(output, normals(output.shape(), "seed"), targets, all.back());
  }
  return all;
}

bool equal(const Tensor& a, const Tensor& b) {  // +0 is -0: cut() does not care
  return a.shape() == b.shape() && std::ranges::equal(a.values(), b.values());
}

TEST(Gates, AreNotAppliedToWhatIsAskedFor) {
  if (!kernels::reproducible()) GTEST_SKIP() << kernels::reservation();
  const std::string before(kernels::selected());
  for (const std::string& set : kernels::available()) {
    kernels::select(set);
    for (const Source& source : sources()) {
      for (const Use& use : uses()) {
        SCOPED_TRACE(text(source.name, " into ", use.name, " by ", set));
        const auto found = gradients(source, use, false);
        const auto expected = gradients(source, use, true);
        for (std::size_t p = 0; p < found.size(); ++p) {
          for (std::size_t t = 0; t < found[p].size(); ++t) {
            EXPECT_TRUE(equal(found[p][t], expected[p][t])) << "pass " << p << " target " << t;
          }
        }
      }
    }
  }
  kernels::select(before);
}

/// Told directly: something comes in where the value is 0, and nothing of it goes on.
TEST(Gates, LetTheGradientOfTheValueBe) {
  for (const Use& use : uses()) {
    SCOPED_TRACE(use.name);
    Tape tape;
    const Var x = tape.watch(normals({3, 6, 6, 2}, "x"));
    const Var y = relu(x);
    const Var output = use.apply(y);
    const std::vector<Var> targets{x, y};
    std::vector<Tensor> found(2);
    tape.gradients(output, Tensor::full(output.shape(), 1), targets, found);
    std::size_t cut_off = 0;
    for (std::size_t k = 0; k < y.shape().elements(); ++k) {
      const bool passes_on = x.value().data()[k] > 0;
      cut_off += !passes_on && found[1].data()[k] != 0 ? 1U : 0U;
      EXPECT_EQ(found[0].data()[k], passes_on ? found[1].data()[k] : 0) << k;
    }
    EXPECT_GT(cut_off, 0U) << "the test sees nothing that would have to be cut off";
  }
}

TEST(Gates, AreAppliedToTheSeedOfARectifiedOutput) {
  Tape tape;
  const std::vector<real> values{-1, 0, 2};
  const Var x = tape.watch(Tensor(Shape{3}, values));
  const Var y = relu(x);
  const std::vector<Var> targets{x, y};
  std::vector<Tensor> found(2);
  const std::vector<real> seed{5, 6, 7};
  tape.gradients(y, Tensor(Shape{3}, seed), targets, found);
  EXPECT_TRUE(identical(found[1], Tensor(Shape{3}, seed)));
  EXPECT_TRUE(identical(found[0], Tensor(Shape{3}, std::vector<real>{0, 0, 7})));
}

}  // namespace
}  // namespace hans::gate_test
