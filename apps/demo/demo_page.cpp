// The page that the demo writes.
#include <algorithm>
#include <optional>

#include <hans/core/version.hpp>
#include "../report/pictures.hpp"
#include "../report/publication.hpp"
#include "demo_page.hpp"

namespace hans::apps {
namespace {

using attacks::Attempt;
using attacks::Share;

std::string class_text(int prediction) { return prediction < 0 ? std::string("nothing") : text(prediction); }

Picture picture_of(const DemoRun& made, std::span<const real> image) {
  return image_picture(image, made.run.plan.image, made.found().samples.box);
}

std::string triptych_of(const DemoRun& made, const Attempt& attempt, std::string change_text) {
  const std::span<const real> original = image_at(made.found().samples.images, attempt.sample),
                              image = attempt.image.values();
  return triptych(
      {picture_of(made, original), change_picture(original, image, made.run.plan.image), picture_of(made, image),
       text("original, read as **", class_text(made.found().predictions[attempt.sample]), "**"), std::move(change_text),
       text("attacked, read as **", class_text(attempt.finding.prediction), "**"), attempt.finding.success});
}

/// What attack k made of a sample.
void show(Html& html, const DemoRun& made, std::size_t k, std::size_t sample, std::string_view what) {
  const attacks::AttackResult& result = made.attack(k);
  html.markup(triptych_of(made, *find_attempt(result, sample), text("`", result.attack.info().name, "`: ", what)));
}

/// "0.40 %", its interval and, of an attack, its verdict.
std::string accuracy_cell(Share share, std::string_view verdict = {}) {
  return text("**", percent_of(share), " %** ", verdict, " |(", interval_text(share), ")");
}

/// A number, and of an attack its verdict.
void card(Html& html, Share share, const attacks::Reliability* said, std::string_view words) {
  html.card(percent(share.value()), words, said != nullptr ? enum_name(said->verdict) : "");
}

void summary(Html& html, const DemoFindings& found) {
  const DemoRun &plain = found.plain.linf, &trained = found.trained.linf;
  html.open("div", "class=\"cards\"");
  card(html, plain.right(), nullptr,
       text("of ", plain.right().whole(), " digits it never saw, a small network reads correctly"));
  card(html, plain.robust(demo_fgsm), &plain.said(demo_fgsm),
       text("once `fgsm`, in one step, has moved each pixel by at most ", demo_eps));
  html.close().open("div", "class=\"cards\"");
  card(html, trained.robust(demo_fgsm), &trained.said(demo_fgsm),
       "under the same attack, for a network that was defended: it trained on attacked digits as well");
  card(html, trained.robust(demo_pgd), &trained.said(demo_pgd),
       text("for the defended network once `pgd` moves each pixel by at most ", demo_eps, ", in 40 small steps"));
  html.close();
  html.note(
      "A verdict says whether a number can be believed. RELIABLE: nothing that hans tried speaks against it. "
      "SUSPECT or UNRELIABLE: changes of the same size fool the network on a few, or on most, of the digits "
      "that the attack left. UNCHECKED: too little was tried to tell.");
}

void fgsm_section(Html& html, const DemoFindings& found) {
  const DemoRun& plain = found.plain.linf;
  html.element("h2", "FGSM: a small step for every pixel");
  html.paragraph(
      "For each pixel of an image, the fast gradient sign method asks the network itself: would your error "
      "grow if this pixel were a little brighter, or a little darker? Then it moves every pixel by `eps` in "
      "that direction, once. That is all. A person still reads the digit.");
  html.open("figure");
  const std::vector<std::size_t> examples = demo_examples(plain, demo_fgsm, demo_noise, 2);
  for (const std::size_t sample : examples) show(html, plain, demo_fgsm, sample, "aimed");
  if (!examples.empty()) show(html, plain, demo_noise, examples[0], "not aimed");
  html.caption(
      "Orange pixels were made brighter, blue ones darker, black ones stayed. In numbers, 0 is black and 1 is "
      "white; a pixel never leaves that range. The network is the plain one. The last row is noise: no pixel "
      "moves further, but nobody asks the network where to.");
  html.close();
}

/// The first curves of fgsm on all images that were right, then those of pgd on the probed ones.
Chart curves(const DemoFindings& found) {
  Chart chart{"Digits read correctly against eps", "eps: the largest change of a pixel",
              "read correctly, of those that were before"};
  for (const auto& [name, net] : found.nets()) {
    const std::size_t right = net->linf.right().part();
    Curve curve{text("fgsm, one step: ", name)};
    add_point(curve, 0, {right, right});
    for (std::size_t k = 0; k < demo_curve.size(); ++k) {
      double eps = 0;
      read_number(demo_curve[k], eps);
      add_point(curve, eps, net->curve[k]);
    }
    chart.x = {0, curve.x.back()};
    chart.curves.push_back(std::move(curve));
  }
  for (const auto& [name, net] : found.nets()) {
    chart.curves.push_back(probed_curve(text("pgd, many steps: ", name), net->linf.run.probes.balls.front()));
    chart.x.back() = std::max(chart.x.back(), chart.curves.back().x.back());
  }
  return chart;
}

void defence_section(Html& html, const DemoFindings& found) {
  const DemoRun &plain = found.plain.linf, &trained = found.trained.linf;
  html.element("h2", "Adversarial training: learning from attacked digits");
  html.paragraph(
      "A defence: while the second network learns, each batch of digits is attacked with `fgsm` first, and the "
      "network learns from the digits and from their attacked copies in equal parts. Both networks have the "
      "same architecture, start from the same weights and see the same digits equally often.");
  std::vector<std::vector<std::string>> rows{
      {"digits read correctly", "plain", "adversarially trained"},
      {"digits as they are", accuracy_cell(plain.right()), accuracy_cell(trained.right())}};
  for (const std::size_t k : {demo_noise, demo_fgsm, demo_pgd}) {
    rows.push_back({text("under `", demo_attacks[k], "`"), accuracy_cell(plain.robust(k), plain.verdict(k)),
                    accuracy_cell(trained.robust(k), trained.verdict(k))});
  }
  html.table(rows);
  html.note(text("A verdict stands beside each number under attack. The 95 % interval is in brackets: with ",
                 plain.right().whole(),
                 " images, a difference smaller than that may be chance. An attacked digit counts as read correctly "
                 "only if it was read correctly before. Each network is attacked through its own gradients."));

  html.element("h3", "What the defence is worth");
  html.paragraph(
      text("Against the attack that it has met it looks strong: ", percent(trained.robust(demo_fgsm).value()),
           " under `fgsm`, verdict ", trained.verdict(demo_fgsm), ". `pgd` may change no pixel by more, and leaves ",
           percent(trained.robust(demo_pgd).value()), ", verdict ", trained.verdict(demo_pgd),
           ". Training against a single step teaches the network to bend its gradient at the image, so that "
           "the one step goes astray; the misread digits are still there, a little to the side. `pgd` asks for "
           "the gradient anew after each small step and walks around the bend."));
  html.paragraph(
      "Noise of the same size hardly matters to either network: a change must be aimed, and how well it is "
      "aimed decides the number.");
  html.open("figure");
  for (const std::size_t sample : demo_examples(trained, demo_pgd, demo_fgsm, 1)) {
    show(html, trained, demo_fgsm, sample, "one step");
    show(html, trained, demo_pgd, sample, "up to 40 steps");
  }
  html.caption("One digit, attacked twice through the adversarially trained network.").close();
  html.paragraph(text("Why the verdict on the number under `fgsm` is ", trained.verdict(demo_fgsm), ":"));
  html.open("ul");
  for (const attacks::Indicator& one : trained.said(demo_fgsm).indicators) {
    if (one.verdict == attacks::Verdict::reliable) continue;
    html.open("li").open("code").text(one.info->name).close().text(text(": ", one.reason)).close();
  }
  html.close();
  html.paragraph(
      "This is why the report that hans follows (Papernot et al. 2016, arXiv:1610.00768) asks for reference "
      "implementations of attacks. Without them benchmarks cannot be compared:");
  html.open("blockquote")
      .paragraph(
          "\u201ca good result may indicate a robust model or it may merely indicate a weak implementation of the "
          "adversarial example construction procedure\u201d")
      .close();

  html.element("h3", "Digits read correctly against eps");
  html.open("figure").markup(svg_chart(curves(found)));
  html.caption(text(
      "For one network both lines tell the same story, `fgsm` with one step, `pgd` with many. The gap between them "
      "is what a single step does not find. `fgsm` attacked all digits, `pgd` the hundred with which hans checked "
      "the verdicts, at half, whole and double ",
      demo_eps, ". The bands are 95 % intervals. `hans attack` gives any point with its verdict."));
  html.close();
}

void proved_section(Html& html, const DemoFindings& found) {
  const DemoRun& held = found.proved;
  const BallCounts ball = held.ball();
  html.element("h2", "A network that holds");
  html.paragraph(
      text("An attack that fails proves nothing: a better one may come. The third network, `", demo_net,
           "`, comes with hans. It learned from bounds: from the worst that changes of up to ", demo_net_eps,
           " in every pixel can do. For each digit hans computes a proof that none of them turns it, or finds "
           "one that does."));
  html.open("div", "class=\"cards\"");
  card(html, held.right(), nullptr, "of the digits as they are");
  card(html, held.robust(0), &held.said(0), text("once `pgd` moves each pixel by at most ", demo_net_eps));
  html.card(percent(ball.certified().value()), "are proved: no attack within that distance succeeds, known or not",
            ball.exact() ? "EXACT" : "");
  html.close();
  html.paragraph(
      text("The true accuracy under any attack lies between two ends: ", ends_words(ball.certified(), ball.attacked()),
           ". Each proof is a file of numbers that `hans check` verifies with code of its own, and "
           "`tests/peers/proof.py` with another language."));
  html.note(seen_by_demo_net());
  html.open("figure");
  for (const std::size_t sample : demo_examples(held, 0, 0, 1)) show(html, held, 0, sample, "up to 40 steps");
  const std::size_t turned = held.attack(0).successes;
  html.caption(turned > 0 ? text("One of ", counted(turned, "digit"),
                                 " that `pgd` turned. For a digit with a proof there "
                                 "is no such picture.")
                          : text("`pgd` turned no digit."));
  html.close();
}

std::string mean_pixels(const DemoRun& jsma) {
  const std::optional<double> mean = jsma.attack(0).l0.mean;
  const std::size_t features = jsma.run.plan.image.elements();
  if (!mean) return "\u2013";
  return text(fixed(*mean, 1), " of ", features, " |(", percent(*mean / static_cast<double>(features)), ")");
}

void jsma_section(Html& html, const DemoFindings& found) {
  html.element("h2", "JSMA: a few pixels, changed a lot");
  html.paragraph(
      "The Jacobian-based saliency map attack has a wish: the network should read a 4 as, say, a 9. It looks "
      "for the two pixels that push the network furthest towards that answer, makes them white, looks again, "
      "and stops as soon as the answer has changed or too many pixels have.");
  html.open("figure").element("p", "Columns: what the network was made to read. Rows: what was written.",
                              "class=\"axis\"");
  html.markup(grid(target_grid(found.plain.jsma.found(), found.plain.jsma.attack(0))));
  html.caption(
      "The originals are framed in blue on the diagonal; the network reads each correctly. Every other picture is "
      "the digit of its row, changed until the plain network reads it as the digit of its column. In faint pictures "
      "the attack did not succeed.");
  html.close();
  const auto row = [](const char* name, const DemoRun& jsma) -> std::vector<std::string> {
    const attacks::AttackResult& result = jsma.attack(0);
    const Share successes(result.successes, result.attempts.size());
    return {name,
            text("**", successes.part(), "** of ", successes.whole(), " ", jsma.verdict(0), " |(",
                 percent(successes.value()), ")"),
            mean_pixels(jsma)};
  };
  html.table({{"network", "attempts that succeed", "pixels changed, on average"},
              row("plain", found.plain.jsma),
              row("adversarially trained", found.trained.jsma)});
  const std::string& unchecked = found.plain.jsma.said(0).why_unchecked;
  html.note(text("From each of the first ", found.plain.jsma.found().size(),
                 " test images that the network reads correctly, to each of the nine other digits; the average is "
                 "over successes. A defence trained against one attack is not a defence against another.",
                 unchecked.empty() ? "" : text(" UNCHECKED: ", unchecked, ".")));
  if (const Attempt* example = cheapest_attempt(found.plain); example != nullptr) {
    html.open("figure").markup(
        triptych_of(found.plain.jsma, *example, text(example->finding.distance.l0, " pixels made white")));
    const int label = found.plain.jsma.found().samples.labels[example->sample];
    html.caption(text("The cheapest way out of a ", label, ".")).close();
  }
}

void command(Html& html, const std::string& line) { html.open("pre").text(line).close(); }

void words_section(Html& html) {
  html.element("h2", "Three words");
  html.open("dl");
  const auto word = [&html](std::string_view name, std::string_view meaning) {
    html.element("dt", name).element("dd", meaning);
  };
  word("`eps`", "of FGSM, noise and PGD: how far each pixel may move. 0.3 is 30 % of the way from black to white.");
  word("`theta`", "of JSMA: how much a chosen pixel changes in one step. 1 takes a black pixel to white at once.");
  word("`gamma`", "of JSMA: which share of all pixels may change before it gives up. 0.145 of 784 is 112 pixels.");
  html.close();
}

void class_section(Html& html) {
  html.element("h2", "For a class");
  html.list(
      {"Which pictures of the grid would you read as the network does? Which columns look easy to reach, and why?",
       "Noise may move every pixel as far as `fgsm` does. What does `fgsm` know that noise does not?",
       "A vendor says that a network withstands attacks. Which attacks would you ask for, and with which verdict?",
       "The attacker here knows everything about the network. Who does, outside a classroom?",
       "Above which `eps` is it no longer fair to blame the network?"});
}

void limits_section(Html& html, const DemoFindings& found) {
  html.element("h2", "What this page does not show");
  html.list({text("The networks learned from ", with_commas(found.train_size), " digits in ", found.plan.epochs,
                  " rounds, which takes seconds. Trained on all 60,000 of MNIST they read better. The numbers differ "
                  "then, and with another seed."),
             "An accuracy under attack is an upper bound: an attack stronger than `pgd` may lower it further. Training "
             "against `pgd` instead of `fgsm` makes more robust networks and takes many times as long.",
             "Small digits on black are the easiest of images. A change of 0.3 can be seen here; on "
             "photographs far smaller ones suffice.",
             text("What is proved is proved for changes of each pixel by up to ", demo_net_eps,
                  ", not for turned, moved or painted digits.")});
}

void reproduce_section(Html& html, const DemoFindings& found) {
  html.element("h2", "Cite it");
  html.paragraph("Each number with everything that is needed to make it again:");
  for (const std::string& lines : demo_sentences(found)) {
    const std::size_t end = lines.find('\n');
    html.open("blockquote").paragraph(lines.substr(0, end));
    html.open("details").element("summary", "every parameter and hash, reasons of the verdict");
    html.open("pre").text(lines.substr(end + 1)).close().close().close();
  }
  html.element("h2", "Make it again");
  html.paragraph("This page, byte for byte, on any machine:");
  command(html, text("hans demo --seed ", found.plan.seed));
  html.paragraph("The networks, the numbers and their verdicts, one by one:");
  const auto with_comment = [](const DemoCommand& each) { return text("# ", each.what, "\n", each.line); };
  html.open("pre").text(listed(demo_commands(found), with_comment, "\n\n")).close();
  const Subject& subject = found.plain.subject();
  html.table({{"", "value"},
              {"hans", text("version ", build_version())},
              {"seed", text(found.plan.seed)},
              {"architecture", text("`", subject.architecture, "`")},
              {"parameters", with_commas(found.plain.named.model.net.parameters())},
              {text("sha256 of ", subject.model), text("`", subject.model_sha256, "`")},
              {text("sha256 of ", found.trained.subject().model), text("`", found.trained.subject().model_sha256, "`")},
              {text("sha256 of ", found.train_data), text("`", found.train_sha256, "`")},
              {text("sha256 of ", subject.data), text("`", subject.data_sha256, "`")}});
}

}  // namespace

std::string demo_page(const DemoFindings& found) {
  Html html;
  html.element("h1", "How to fool a network that reads digits");
  html.element(
      "p",
      "A small neural network learned to read handwritten digits. Attacks then changed the digits so that "
      "people still read them correctly and the network does not. Such images are called adversarial examples. "
      "A second network was trained against one attack; a stronger attack shows what this defence is worth. A third one "
      "holds, and that is proved.",
      "class=\"lead\"");
  summary(html, found);
  fgsm_section(html, found);
  defence_section(html, found);
  jsma_section(html, found);
  proved_section(html, found);
  words_section(html);
  class_section(html);
  limits_section(html, found);
  reproduce_section(html, found);
  html.element(
      "footer",
      text("Written by hans ", build_version(),
           ". The digits are from MNIST by Yann LeCun and Corinna Cortes, CC BY-SA 3.0 "
           "(`hans list data`). FGSM: Goodfellow, Shlens, Szegedy 2014, arXiv:1412.6572. PGD: Madry et al. 2017, "
           "arXiv:1706.06083. JSMA: Papernot et al. 2016, arXiv:1511.07528."));
  return html_page("hans demo: how to fool a network that reads digits", html.take());
}

}  // namespace hans::apps
