// Black box: attack a network whose answers alone are seen, through a substitute (Papernot 2017, arXiv:1602.02697).
#include <hans/hans.hpp>

#include <cstdio>

int main() {
  using namespace hans;
  const nn::Model black_box = nn::load_model("mine.hans");
  const data::Dataset test = data::load("mnist-5k");
  const data::Samples begin_with = test.first(100), rest = test.samples(100, 200);

  // The substitute asks the black box about each image once and doubles the images in each round.
  nn::Sequential substitute{test.image_shape(),      Rng{2}, flatten,
                            nn::Linear{.units = 64}, relu,   nn::Linear{.units = 10}};
  substitute = attacks::train_substitute(black_box.net, std::move(substitute), begin_with, {.rounds = 4});

  const attacks::Attack fgsm = attacks::Fgsm{.eps = 0.3F};
  const attacks::Goal goal = away_from(rest.labels);
  const attacks::Crafted crafted = fgsm(substitute, rest, goal);  // sees the substitute only
  const attacks::Outcome outcome =
      attacks::judge(black_box.net, rest, crafted.images, goal, fgsm.budget(substitute.input(), rest.box));
  std::printf("images made on the substitute fool the black box on %zu of %zu\n", outcome.successes(), rest.size());
}
