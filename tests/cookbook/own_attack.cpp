// Own attack: a search on one sample, written as if it were alone; hans runs it, holds it in the ball and judges it.
#include <hans/hans.hpp>

#include <cstdio>

namespace {

using namespace hans;
using namespace hans::attacks;

// The basic iterative method (Kurakin 2016, arXiv:1607.02533): small steps along the sign of the gradient.
struct Bim {
  Required<float> eps;
  unsigned steps = 10;

  static constexpr std::string_view name = "bim";
  static constexpr std::string_view meaning = "small steps along the sign of the gradient";
  static constexpr std::string_view paper = "Kurakin 2016, arXiv:1607.02533";
  static constexpr std::string_view norms = "linf";
  static constexpr std::string_view example = "bim:eps=0.1";
  static constexpr auto fields() {
    return std::tuple(field("eps", &Bim::eps, at_least(0), "radius of the ball, in data units"),
                      field("steps", &Bim::steps, at_least(1), "gradients"));
  }

  // The oracle gives what the threat model allows: a LabelOracle classes, a ScoreOracle logits, this one gradients.
  Task<Stop> search(GradientOracle& sample) const {
    const Climb climb(Loss::ce, sample);
    for (unsigned i = 0; i < steps; ++i) {
      const Slope slope = co_await sample.slope(sample.image(), climb);
      step_up(sample, slope.gradient, sample.eps() / static_cast<real>(steps), sample.image());
    }
    co_return Stop::finished;
  }
};

}  // namespace

int main() {
  const nn::Model model = nn::load_model("mine.hans");
  const std::vector<Attack> list{Fgsm{.eps = 0.1F}, Bim{.eps = 0.1F}};
  const Evaluation evaluation = evaluate(model.net, data::load("mnist-5k").first(200), list, {});
  for (const AttackResult& result : evaluation.attacks) {
    std::printf("%s: robust accuracy %.1f %%\n", text(result.attack.spec()).c_str(),
                100 * evaluation.of_all(result.robust_count).value());
  }
}
