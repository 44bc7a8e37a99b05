// The page that the demo writes.
#include <algorithm>
#include <hans/apps/chart.hpp>
#include <hans/apps/demo_page.hpp>
#include <hans/apps/pictures.hpp>
#include <hans/apps/report.hpp>
#include <hans/core/version.hpp>
#include <optional>

namespace hans::apps {
namespace {

using attacks::Attempt;
using attacks::Evaluation;

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string class_text(int prediction) { return prediction < 0 ? std::string("nothing") : text(prediction); }

std::span<const real> image_of(const Evaluation& found, std::size_t sample) {
  const std::size_t features = found.samples.images.shape().row_elements();
  return found.samples.images.values().subspan(sample * features, features);
}

Shape image_shape(const Evaluation& found) { return found.samples.images.shape().without_front(); }

Picture original_picture(const Evaluation& found, std::size_t sample) {
  return image_picture(image_of(found, sample), image_shape(found), found.samples.box);
}

Picture attacked_picture(const Evaluation& found, const attacks::AttackResult& result, const Attempt& attempt) {
  const auto number = static_cast<std::size_t>(&attempt - result.attempts.data());
  return image_picture(result.images[number].values(), image_shape(found), found.samples.box);
}

std::string triptych_of(const Evaluation& found, const attacks::AttackResult& result, const Attempt& attempt,
                        std::string change_text) {
  const auto number = static_cast<std::size_t>(&attempt - result.attempts.data());
  Triptych panels;
  panels.original = original_picture(found, attempt.sample);
  panels.change = change_picture(image_of(found, attempt.sample), result.images[number].values(), image_shape(found));
  panels.adversarial = attacked_picture(found, result, attempt);
  panels.original_text = text("original, read as **", class_text(found.predictions[attempt.sample]), "**");
  panels.change_text = std::move(change_text);
  panels.adversarial_text = text("attacked, read as **", class_text(attempt.finding.prediction), "**");
  panels.fooled = attempt.finding.success;
  return triptych(panels);
}

// "97.4 %" and its interval, for a table.
std::string accuracy_cell(std::size_t right, std::size_t n) {
  return text("**", percent(share(right, n)), "** |(", interval_text(right, n), ")");
}

void card(Html& html, std::string_view kind, const std::string& number, std::string_view words) {
  html.open("div", text("class=\"card ", kind, "\"")).element("b", number).element("span", words).close();
}

void summary(Html& html, const DemoFindings& found) {
  const std::size_t n = found.plain.fgsm.samples.size();
  html.open("div", "class=\"cards\"");
  card(html, "", percent(share(found.plain.fgsm.right, n)),
       text("of ", n, " digits it never saw, a small network reads correctly"));
  card(html, "bad", percent(share(found.plain.shown().robust_count, n)),
       text("of them once `fgsm` has moved each pixel by at most ", demo_eps[demo_shown]));
  card(html, "good", percent(share(found.trained.shown().robust_count, n)),
       "under the same attack, for a network that trained on attacked digits as well");
  html.close();
}

// The first attempts that succeeded, or the first of all if too few did.
std::vector<const Attempt*> examples(const attacks::AttackResult& result, std::size_t count) {
  std::vector<const Attempt*> chosen;
  for (const bool success : {true, false}) {
    for (const Attempt& attempt : result.attempts) {
      if (attempt.finding.success == success && chosen.size() < count) chosen.push_back(&attempt);
    }
  }
  return chosen;
}

void fgsm_section(Html& html, const DemoFindings& found) {
  const std::string_view eps = demo_eps[demo_shown];
  html.element("h2", "FGSM: a small step for every pixel");
  html.element(
      "p",
      "For each pixel of an image, the fast gradient sign method asks the network itself: would your error grow if "
      "this "
      "pixel were a little brighter, or a little darker? Then it moves every pixel by `eps` in that direction, once. "
      "That is all. A person still reads the digit.");
  html.open("figure");
  for (const Attempt* attempt : examples(found.plain.shown(), 3)) {
    html.markup(triptych_of(found.plain.fgsm, found.plain.shown(), *attempt, text("change of at most ", eps)));
  }
  html.element(
      "figcaption",
      "Orange pixels were made brighter, blue ones darker, black ones stayed. In numbers, 0 is black and 1 is white; a "
      "pixel never leaves that range. The network is the plain one.");
  html.close();
}

void table_section(Html& html, const DemoFindings& found) {
  const std::size_t n = found.plain.fgsm.samples.size();
  html.element("h2", "Adversarial training: learning from attacked digits");
  html.element(
      "p",
      "A defence: while the second network learns, each batch of digits is attacked with `fgsm` first, and the network "
      "learns from the digits and from their attacked copies in equal parts. Both networks have the same architecture, "
      "start from the same weights and see the same digits equally often.");
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](std::string_view name, std::size_t plain, std::size_t trained) {
    rows.push_back({std::string(name), accuracy_cell(plain, n), accuracy_cell(trained, n)});
  };
  row("digits as they are", found.plain.fgsm.right, found.trained.fgsm.right);
  row(text("under `fgsm:eps=", demo_eps[demo_shown], "`"), found.plain.shown().robust_count,
      found.trained.shown().robust_count);
  html.table({"digits read correctly", "plain", "adversarially trained"}, rows);
  html.element("p",
               text("Behind each number stands its 95 % interval: with ", n,
                    " images, a difference smaller than that may be chance. An attacked digit counts as read correctly "
                    "only if it was "
                    "read correctly before. Each network is attacked through its own gradients."),
               "class=\"note\"");
  const std::vector<const Attempt*> plain = examples(found.plain.shown(), 1);
  for (const Attempt& attempt : found.trained.shown().attempts) {
    if (plain.empty() || attempt.sample != plain[0]->sample) continue;
    html.open("figure").markup(triptych_of(found.trained.fgsm, found.trained.shown(), attempt,
                                           text("change of at most ", demo_eps[demo_shown])));
    html.element("figcaption", "The first digit from above, now attacked through the adversarially trained network.")
        .close();
  }
}

Curve curve_of(std::string name, const DemoNet& net) {
  const std::size_t n = net.fgsm.samples.size();
  Curve curve{std::move(name), {}, {}, {}};
  const auto add = [&](std::size_t right) {
    const attacks::Interval interval = attacks::wilson(right, n);
    curve.y.push_back(share(right, n));
    curve.low.push_back(interval.low);
    curve.high.push_back(interval.high);
  };
  add(net.fgsm.right);
  for (const attacks::AttackResult& result : net.fgsm.attacks) add(result.robust_count);
  return curve;
}

void curve_section(Html& html, const DemoFindings& found) {
  html.element("h3", "Digits read correctly against eps");
  Chart chart{"Digits read correctly against eps of fgsm",
              "eps: the largest change of a pixel",
              "digits read correctly",
              {0},
              {}};
  for (const attacks::Attack& attack : found.plain.fgsm_request.attacks) {
    double eps = 0;
    const Spec spec = attack.spec();
    read_number(spec.find("eps")->value, eps);
    chart.x.push_back(eps);
  }
  chart.curves = {curve_of("plain", found.plain), curve_of("adversarially trained", found.trained)};
  html.open("figure").markup(svg_chart(chart));
  html.element(
      "figcaption",
      text("The bands are 95 % intervals. At 0 nothing is attacked. Adversarial training used one strength, ",
           demo_eps[demo_shown],
           "; the curve shows what that is worth at others. A larger step allows all that a smaller one does, so a "
           "curve "
           "that rises shows digits which could have been misread, and which this simple attack did not find."));
  std::vector<std::vector<std::string>> rows;
  const std::size_t n = found.plain.fgsm.samples.size();
  rows.push_back({"0", accuracy_cell(found.plain.fgsm.right, n), accuracy_cell(found.trained.fgsm.right, n)});
  for (std::size_t i = 0; i < demo_eps.size(); ++i) {
    rows.push_back({std::string(demo_eps[i]), accuracy_cell(found.plain.fgsm.attacks[i].robust_count, n),
                    accuracy_cell(found.trained.fgsm.attacks[i].robust_count, n)});
  }
  html.open("details")
      .element("summary", "The same as numbers")
      .table({"eps", "plain", "adversarially trained"}, rows)
      .close();
  html.close();
}

std::string class_name(std::size_t number) { return text(number); }

Grid jsma_grid(const DemoFindings& found) {
  const Evaluation& jsma = found.plain.jsma;
  const attacks::AttackResult& result = found.plain.saliency();
  Grid grid{found.sources.size(), {}, {}};
  for (std::size_t source = 0; source < grid.classes; ++source) {
    grid.names.push_back(class_name(source));
    const std::size_t sample = found.sources[source];
    for (std::size_t target = 0; target < grid.classes; ++target) {
      Grid::Cell cell;
      const Attempt* attempt = find_attempt(result, sample, static_cast<int>(target));
      if (source == target && sample < jsma.samples.size()) {
        cell.picture = original_picture(jsma, sample);
        cell.alt = text("original ", source);
      } else if (attempt != nullptr) {
        cell.picture = attacked_picture(jsma, result, *attempt);
        cell.success = attempt->finding.success;
        cell.alt = text(source, cell.success ? " read as " : " not turned into ", target, ", ",
                        attempt->finding.distance.l0, " pixels changed");
      }
      grid.cells.push_back(std::move(cell));
    }
  }
  return grid;
}

std::string mean_pixels(const DemoNet& net) {
  const std::optional<double> mean = net.saliency().l0.mean;
  const double features = static_cast<double>(net.jsma.samples.images.shape().row_elements());
  if (!mean) return "\u2013";
  return text(fixed(*mean, 1), " of ", fixed(features, 0), " |(", percent(*mean / features), ")");
}

void jsma_section(Html& html, const DemoFindings& found) {
  html.element("h2", "JSMA: a few pixels, changed a lot");
  html.element("p",
               "The Jacobian-based saliency map attack has a wish: the network should read a 4 as, say, a 9. It looks "
               "for the two "
               "pixels that push the network furthest towards that answer, makes them white, looks again, and stops as "
               "soon as the "
               "answer has changed or too many pixels have.");
  html.open("figure").element("p", "Columns: what the network was made to read. Rows: what was written.",
                              "class=\"axis\"");
  html.markup(grid(jsma_grid(found)));
  html.element("figcaption",
               "Framed in blue on the diagonal: the originals. Each other picture is the digit of its row, changed "
               "until the plain "
               "network reads it as the digit of its column. Faint: the attack did not get there. The network read "
               "every one of the "
               "originals correctly.");
  html.close();
  const auto row = [](const char* name, const DemoNet& net) -> std::vector<std::string> {
    const attacks::AttackResult& result = net.saliency();
    return {name,
            text("**", result.successes, "** of ", result.attempts.size(), " |(",
                 percent(result.attempts.empty() ? std::optional<double>()
                                                 : share(result.successes, result.attempts.size())),
                 ")"),
            mean_pixels(net)};
  };
  html.table({"network", "attempts that succeed", "pixels changed, on average"},
             {row("plain", found.plain), row("adversarially trained", found.trained)});
  html.element("p",
               text("From each of the first ", found.jsma_limit,
                    " test images that the network reads correctly, to each of the nine other digits; the average is "
                    "over successes. A "
                    "defence trained against one attack is not a defence against another."),
               "class=\"note\"");
  const Attempt* example = cheapest_attempt(found.plain);
  if (example != nullptr) {
    html.open("figure").markup(triptych_of(found.plain.jsma, found.plain.saliency(), *example,
                                           text(example->finding.distance.l0, " pixels made white")));
    const int label = found.plain.jsma.samples.labels[example->sample];
    html.element("figcaption", text("The cheapest way out of a ", label, ".")).close();
  }
}

}  // namespace

std::string demo_page(const DemoFindings& found) {
  Html html;
  html.element("h1", "How to fool a network that reads digits");
  html.element("p",
               "A small neural network learned to read handwritten digits. Two attacks then changed the digits so that "
               "people still "
               "read them correctly and the network does not. Such images are called adversarial examples.",
               "class=\"lead\"");
  summary(html, found);
  fgsm_section(html, found);
  table_section(html, found);
  curve_section(html, found);
  jsma_section(html, found);
  demo_notes(html, found);
  html.element(
      "footer",
      text("Written by hans ", build_version(),
           ". The digits are from MNIST by Yann LeCun and Corinna Cortes, CC BY-SA 3.0 "
           "(`hans list data`). FGSM: Goodfellow, Shlens, Szegedy 2014, arXiv:1412.6572. JSMA: Papernot et al. 2016, "
           "arXiv:1511.07528."));
  return html_page("hans demo: how to fool a network that reads digits", html.take());
}

}  // namespace hans::apps
