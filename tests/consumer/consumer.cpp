// What an embedder does: build a network, attack it, let the judge decide.
#include <cstdio>
#if __has_include("hans_all.hpp")
#include "hans_all.hpp"
#else
#include <hans/hans.hpp>
#endif

int main() {
  using namespace hans;
  const data::Dataset train = data::load("mnist-5k", data::Part::train);
  nn::Sequential net{train.image_shape(), Rng{1}, flatten, nn::Linear{.units = 10}};
  const data::Samples digits = train.first(50);
  const attacks::Attack fgsm = attacks::Fgsm{.eps = 0.1F};
  const attacks::Goal goal = away_from(digits.labels);
  const attacks::Crafted made = fgsm(net, digits, goal);
  const attacks::Outcome found = attacks::judge(net, digits, made.images, goal, fgsm.budget(net.input(), digits.box));
  std::printf("hans %s: %zu of %zu succeeded\n", std::string(version).c_str(), found.successes(), digits.size());
  return found.findings.size() == digits.size() && found.successes() > 0 ? 0 : 1;
}
