// What fits a small device: a model file, its predictions, and one attack.
#include <cstdio>
#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/models.hpp>

int main() {
  using namespace hans;
  const std::string file = nn::dump_model({nn::make_model("v1", Rng{1})});
  const nn::Model model = nn::parse_model(file, "v1");
  const data::Samples samples{Tensor::full({1, 28, 28, 1}, 0.5F), {3}, {0}, {}};
  const attacks::Goal goal = away_from(samples.labels);
  const attacks::Attack fgsm = attacks::Fgsm{.eps = 0.1F};
  const attacks::Crafted made = fgsm(model.net, samples, goal);
  const attacks::Outcome found =
      attacks::judge(model.net, samples, made.images, goal, fgsm.budget(model.net.input(), samples.box));
  const double linf = found.findings[0].distance.linf;
  std::printf("hans %s: prediction %d, changed by %g\n", std::string(version).c_str(), found.findings[0].prediction,
              linf);
  return linf > 0 && linf <= 0.1F ? 0 : 1;
}
