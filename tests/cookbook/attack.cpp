// Attack: adversarial examples of one network, counted and saved as a picture.
#include <hans/hans.hpp>

#include <cstdio>

int main() {
  using namespace hans;
  const nn::Model model = nn::load_model("mine.hans");
  const data::Samples digits = data::load("mnist-5k").first(100);

  // Any attack by its parameters, or as text: attacks::Attack::from_spec(Spec::parse("pgd:eps=0.1,steps=20")).
  const attacks::Attack pgd = attacks::Pgd{.eps = 0.1F, .steps = 20};
  const attacks::Goal goal = away_from(digits.labels);  // or towards(7)
  const attacks::Crafted crafted = pgd(model.net, digits, goal, {.seed = 1});

  // The attack only makes images. The judge looks at them alone: prediction, exact distance, ball and box.
  const attacks::Outcome outcome =
      attacks::judge(model.net, digits, crafted.images, goal, pgd.budget(model.net.input(), digits.box));
  std::printf("%zu of %zu images fool the network\n", outcome.successes(), digits.size());

  for (std::size_t i = 0; i < digits.size(); ++i) {
    const attacks::Finding& finding = outcome.findings[i];
    if (!finding.success) continue;
    std::vector<std::uint8_t> pixels;
    for (const real value : crafted.images.values().subspan(i * 784, 784)) {
      pixels.push_back(static_cast<std::uint8_t>(value * 255 + 0.5F));
    }
    write_file("adversarial.png", data::encode_png(28, 28, 1, pixels));
    std::printf("adversarial.png: a %d read as %d\n", digits.labels[i], finding.prediction);
    break;
  }
}
