// What the demo says in a terminal, and to machines.
#include <hans/apps/demo_page.hpp>
#include <hans/apps/pictures.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

std::string sentence_of(const DemoNet& net, const Request& request, const attacks::Evaluation& found, std::size_t k) {
  return sentence(net.subject, {request.attacks[k], found.attacks[k].attack, request.targets,
                                found.attacks[k].robust_count, found.right, found.samples.size()});
}

std::string accuracy_text(std::size_t right, std::size_t n) {
  return text(percent_of(right, n), " % (", interval_text(right, n), ")");
}

std::string jsma_text(const DemoNet& net) {
  const attacks::AttackResult& result = net.saliency();
  const std::string pixels = result.l0.mean ? text(", ", fixed(*result.l0.mean, 1), " pixels each") : "";
  return text(result.successes, " of ", result.attempts.size(), pixels);
}

std::string table(const DemoFindings& found) {
  const std::size_t n = found.plain.fgsm.samples.size();
  const auto row = [](std::string name, std::string plain, std::string trained) {
    return std::vector<std::string>{std::move(name), std::move(plain), std::move(trained)};
  };
  const std::vector<std::vector<std::string>> rows{
      row("digits read correctly", "plain", "adversarially trained"),
      row("as they are", accuracy_text(found.plain.fgsm.right, n), accuracy_text(found.trained.fgsm.right, n)),
      row(text("under fgsm:eps=", demo_eps[demo_shown]), accuracy_text(found.plain.shown().robust_count, n),
          accuracy_text(found.trained.shown().robust_count, n)),
      row("misled by jsma", jsma_text(found.plain), jsma_text(found.trained))};
  return table_text(rows);
}

std::string before_and_after(const DemoNet& net) {
  const attacks::Attempt* attempt = cheapest_attempt(net);
  if (attempt == nullptr) return "";
  const attacks::Evaluation& jsma = net.jsma;
  const Shape shape = jsma.samples.images.shape().without_front();
  const Tensor original = jsma.samples.images.rows(attempt->sample, 1);
  const auto number = static_cast<std::size_t>(attempt - net.saliency().attempts.data());
  const std::vector<std::string> before = ascii_picture(image_picture(original.values(), shape, jsma.samples.box));
  const std::vector<std::string> after =
      ascii_picture(image_picture(net.saliency().images[number].values(), shape, jsma.samples.box));
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

std::vector<std::string> demo_sentences(const DemoFindings& found) {
  std::vector<std::string> all;
  for (const DemoNet* net : {&found.plain, &found.trained}) {
    all.push_back(sentence_of(*net, net->fgsm_request, net->fgsm, demo_shown));
    all.push_back(sentence_of(*net, net->jsma_request, net->jsma, 0));
  }
  return all;
}

std::string demo_text(const DemoFindings& found) {
  std::string out = text(table(found), "\nIn brackets 95 % intervals, of ",
                         with_commas(found.plain.fgsm.samples.size()), " images of ", found.plain.subject.data,
                         ", seed ", found.plan.seed, ".\n\n", before_and_after(found.plain), "\n");
  for (const std::string& each : demo_sentences(found)) append(out, text(each.substr(0, each.find('\n')), "\n\n"));
  append(out, "These commands give the same networks and numbers:\n");
  for (const DemoCommand& each : demo_commands(found)) append(out, text("  ", each.line, "\n"));
  return out;
}

Json demo_json(const DemoFindings& found) {
  const auto net = [](const DemoNet& made) {
    return Json::object({{"train", made.command},
                         {"fgsm", results_json(made.subject, made.fgsm_request, made.fgsm, {})},
                         {"jsma", results_json(made.subject, made.jsma_request, made.jsma, {})}});
  };
  return Json::object({{"hans", build_version()},
                       {"seed", found.plan.seed},
                       {"plain", net(found.plain)},
                       {"adversarially_trained", net(found.trained)}});
}

}  // namespace hans::apps
