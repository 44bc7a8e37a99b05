// Own layer: an aggregate with settings, weights and a function; gradients follow from the operations.
#include <hans/hans.hpp>

#include <cstdio>

namespace {

// x * sigmoid(beta * x) with a beta for each feature that training changes (Ramachandran 2017, arXiv:1710.05941).
struct Swish {
  float beta = 1;

  static constexpr std::string_view name = "swish";
  static constexpr std::string_view meaning = "x * sigmoid(beta * x), beta learnt";
  static constexpr auto fields() {
    return std::tuple(hans::field("beta", &Swish::beta, hans::at_least(0), "where beta starts"));
  }
  std::vector<hans::nn::WeightInfo> weights(const hans::Shape& in) const {
    return {{.name = "beta", .shape = in, .start = beta}};
  }
  hans::Var operator()(const hans::Var& x, const hans::nn::Run& run) const {
    return x * hans::sigmoid(x * run.weights[0]);
  }
};

}  // namespace

int main() {
  using namespace hans;
  const data::Dataset train = data::load("mnist-5k", data::Part::train);
  const data::Dataset test = data::load("mnist-5k");
  nn::Sequential net{train.image_shape(),     Rng{1},           flatten,
                     nn::Linear{.units = 32}, Swish{.beta = 1}, nn::Linear{.units = 10}};
  nn::fit(net, train, {.epochs = 1});
  std::printf("%s\n", net.architecture().c_str());
  std::printf("%zu of %zu right after one epoch; the first beta is %.3f\n",
              nn::count_correct(nn::predict(net, test, test.size()), test.labels()), test.size(),
              static_cast<double>(net.weights(2)[0].values()[0]));
}
