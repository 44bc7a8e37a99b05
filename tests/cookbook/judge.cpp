// Judge: robust accuracy with its interval, and whether the number can be believed.
#include <hans/hans.hpp>

#include <cstdio>

int main() {
  using namespace hans;
  const nn::Model model = nn::load_model("mine.hans");
  const data::Dataset test = data::load("mnist-5k");
  const data::Samples samples = test.first(100);

  // Robust accuracy is the worst case over all attacks, a share of all images; wrong images are not robust.
  const std::vector<attacks::Attack> list{attacks::Fgsm{.eps = 0.05F}, attacks::Pgd{.eps = 0.05F}};
  const attacks::Evaluation evaluation = attacks::evaluate(model.net, samples, list, {.seed = 1});
  const attacks::Share robust = evaluation.of_all(evaluation.robust);
  const attacks::Interval interval = robust.interval();
  std::printf("robust accuracy %.1f %% (95 %% interval %.1f to %.1f)\n", 100 * robust.value(), 100 * interval.low,
              100 * interval.high);

  // Probes try other attacks in the same ball; the rules of verdicts say what follows from them.
  const attacks::Probes probes =
      attacks::probe(model.net, samples, evaluation, {},
                     {.every = 4, .reference = data::load("mnist-5k", data::Part::train).first(1000)});
  const attacks::Judgement judgement = attacks::judge_numbers(evaluation, {}, probes);
  for (const attacks::Reliability& number : judgement.together) {
    std::printf("verdict %s\n", std::string(enum_name(number.verdict)).c_str());
    for (const attacks::Indicator& indicator : number.indicators) {
      if (!indicator.reason.empty()) std::printf("  %s\n", indicator.reason.c_str());
    }
    for (const attacks::Attack& next : number.next) std::printf("  next: %s\n", text(next.spec()).c_str());
  }
}
