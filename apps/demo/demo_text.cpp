// What the demo says in a terminal, and to machines.
#include <hans/core/version.hpp>
#include "../run/results.hpp"
#include "demo_page.hpp"

namespace hans::apps {
namespace {

std::string jsma_text(const DemoRun& jsma) {
  const attacks::AttackResult& result = jsma.attack(0);
  const std::string pixels = result.l0.mean ? text(", ", fixed(*result.l0.mean, 1), " pixels each") : "";
  return text(result.successes, " of ", result.attempts.size(), pixels);
}

std::string table(const DemoFindings& found) {
  const DemoRun &plain = found.plain.linf, &trained = found.trained.linf;
  TextTable rows{{"digits read correctly", "plain", "verdict", "adversarially trained", "verdict"},
                 {"as they are", share_text(plain.right()), "", share_text(trained.right()), ""}};
  for (const std::size_t k : {demo_noise, demo_fgsm, demo_pgd}) {
    rows.push_back({text("under ", demo_attacks[k]), share_text(plain.robust(k)), std::string(plain.verdict(k)),
                    share_text(trained.robust(k)), std::string(trained.verdict(k))});
  }
  const DemoRun &plain_jsma = found.plain.jsma, &trained_jsma = found.trained.jsma;
  rows.push_back({"misled by jsma", jsma_text(plain_jsma), std::string(plain_jsma.verdict(0)), jsma_text(trained_jsma),
                  std::string(trained_jsma.verdict(0))});
  return table_text(rows);
}

std::string proved_text(const DemoFindings& found) {
  const DemoRun& held = found.proved;
  const BallCounts ball = held.ball();
  return text(demo_net, " comes with hans and was trained with bounds: ", percent_of(held.right()), " % as they are, ",
              percent_of(held.robust(0)), " % under ", demo_net_attacks[0], ",\n",
              ends_words(ball.certified(), ball.attacked()),
              ". No attack in that ball, known or not, takes it below the first number.\n", seen_by_demo_net(), "\n");
}

std::string before_and_after(const DemoNet& net) {
  const attacks::Attempt* attempt = cheapest_attempt(net);
  if (attempt == nullptr) return "";
  const attacks::Evaluation& jsma = net.jsma.found();
  const Shape shape = net.jsma.run.plan.image;
  const Tensor original = jsma.samples.images.rows(attempt->sample, 1);
  const std::vector<std::string> before = ascii_picture(image_picture(original.values(), shape, jsma.samples.box));
  const std::vector<std::string> after = ascii_picture(image_picture(attempt->image.values(), shape, jsma.samples.box));
  std::string out;
  for (std::size_t line = 0; line < before.size(); ++line)
    append(out, text("  ", before[line], "    |    ", after[line], "\n"));
  const std::string left = text("  read as ", jsma.predictions[attempt->sample]);
  append(out, text(left, std::string(before[0].size() + 2 - left.size(), ' '), "    |    read as ",
                   attempt->finding.prediction, ": jsma changed ", attempt->finding.distance.l0, " of ",
                   shape.elements(), " pixels\n"));
  return out;
}

}  // namespace

std::string demo_picture(const DemoFindings& found) {
  const DemoRun& jsma = found.plain.jsma;
  const attacks::Attempt* attempt = cheapest_attempt(found.plain);
  check(attempt != nullptr, "jsma turned no digit, so that --picture has none to show");
  const nn::Sequential& net = found.plain.named.model.net;
  const Shape& shape = jsma.run.plan.image;
  const int label = jsma.found().samples.labels[attempt->sample];
  const std::span<const real> original = image_at(jsma.found().samples.images, attempt->sample),
                              made = attempt->image.values();
  const data::Box box = jsma.found().samples.box;
  const SheetRow row{
      "",
      "",
      {{image_picture(original, shape, box), reading(net, original, label)},
       {change_picture(original, made, shape), {text(attempt->finding.distance.l0, " pixels"), "changed"}},
       {image_picture(made, shape, box), reading(net, made, label), Mark::fooled}},
      6};
  return picture_png(sheet(std::span(&row, 1)));
}

std::vector<std::string> demo_sentences(const DemoFindings& found) {
  std::vector<std::string> all;
  for (const DemoRun* made :
       {&found.plain.linf, &found.plain.jsma, &found.trained.linf, &found.trained.jsma, &found.proved}) {
    each_part(results_sentences(made->run, made->judgement), "\n\n",
              [&](std::string_view lines) { all.emplace_back(lines); });
  }
  return all;
}

std::string demo_text(const DemoFindings& found) {
  const DemoRun& trained = found.trained.linf;
  std::string out = text(
      table(found), "\nIn brackets 95 % intervals, of ", images_text(found.plain.subject(), trained.found().size()),
      ", seed ", found.plan.seed, ".\n\n", before_and_after(found.plain), "\n", demo_attacks[demo_fgsm], " on ",
      found.trained.named.name, "\n", verdict_text(trained.said(demo_fgsm)),
      "\nThe trained network has met fgsm, which takes one step. pgd takes up to 40, changes no pixel by more, and "
      "shows\nwhat the defence is worth. The page says why.\n\n",
      proved_text(found),
      "\n"
      "These commands give the same networks, numbers and verdicts:\n");
  for (const DemoCommand& each : demo_commands(found)) append(out, text("  ", each.line, "\n"));
  return out;
}

Json demo_json(const DemoFindings& found) {
  const auto net = [](const DemoNet& made) {
    return Json::object({{"train", made.command},
                         {"linf", results_json(made.linf.run, made.linf.judgement, false)},
                         {"jsma", results_json(made.jsma.run, made.jsma.judgement, false)}});
  };
  return Json::object({{"hans", build_version()},
                       {"seed", found.plan.seed},
                       {"plain", net(found.plain)},
                       {"adversarially_trained", net(found.trained)},
                       {"proved", results_json(found.proved.run, found.proved.judgement, false)}});
}

}  // namespace hans::apps
