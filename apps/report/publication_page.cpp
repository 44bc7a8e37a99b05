// Manifests as one HTML file.
#include <algorithm>

#include <hans/core/version.hpp>
#include "publication.hpp"
#include "report.hpp"

namespace hans::apps {
namespace {

void card(Html& html, std::string_view kind, std::string_view number, std::string_view words) {
  html.open("div", text("class=\"card ", kind, "\""));
  html.open("b").text(number).close().open("span").text(words).close().close();
}

void cards(Html& html, const Publication& one) {
  const attacks::Evaluation& found = one.run().found;
  const attacks::Share clean = found.of_all(found.right), robust = found.of_all(found.robust);
  html.open("div", "class=\"cards\"");
  card(html, "", text(percent_of(clean), " %"), text("clean accuracy, ", interval_text(clean)));
  card(html, "", text(percent_of(robust), " %"),
       text("robust accuracy, worst case of all attacks, ", interval_text(robust)));
  const bool reliable = one.judgement && one.judgement->trust == attacks::Trust::reliable;
  card(html, reliable ? "good" : "bad", one.verdict(),
       one.judgement ? "verdict on the robust accuracy" : "by the rules of that version; hans reproduce gives today's");
  html.close();
}

void reasons(Html& html, const Publication& one) {
  if (!one.judgement || one.judgement->trust == attacks::Trust::reliable) return;
  html.element("h3", "Why not reliable").open("ul");
  for (const attacks::Reliability* said : worst_cases(*one.judgement)) {
    if (!said->why_unchecked.empty()) html.open("li").text(said->why_unchecked).close();
    for (const attacks::Indicator& indicator : said->indicators) {
      if (indicator.trust == attacks::Trust::reliable) continue;
      html.open("li").open("code").text(indicator.info->name).close();
      html.text(text(" (", indicator.info->meaning, "): ", indicator.reason)).close();
    }
    for (const attacks::Attack& attack : said->next) {
      html.open("li").text("To try next: ").open("code").text(text("--attack ", attack.spec())).close().close();
    }
  }
  html.close();
}

/// What the images of each class were taken for, where an attack succeeded.
void confusion(Html& html, const attacks::Evaluation& found) {
  constexpr std::size_t most = 20;
  if (found.classes > most) return;
  std::vector<std::vector<std::size_t>> counts(found.classes, std::vector<std::size_t>(found.classes));
  for (const attacks::AttackResult& result : found.attacks) {
    for (const attacks::Attempt& attempt : result.attempts) {
      if (!attempt.finding.success) continue;
      const auto label = static_cast<std::size_t>(found.samples.labels[attempt.sample]);
      const auto read_as = static_cast<std::size_t>(attempt.finding.prediction);
      if (label < found.classes && read_as < found.classes) ++counts[label][read_as];
    }
  }
  TextTable rows{{"class"}};
  for (std::size_t c = 0; c < found.classes; ++c) rows[0].push_back(text(c));
  for (std::size_t c = 0; c < found.classes; ++c) {
    rows.push_back({text(c)});
    for (const std::size_t count : counts[c]) rows.back().push_back(count > 0 ? text(count) : "\u00b7");
  }
  html.element("h3", "What they were taken for");
  html.table(rows, true);
  html.note("Rows: the class of the original; columns: that of the adversarial image. All attacks together.");
}

void pictures(Html& html, const Publication& one) {
  html.element("h3", "Easiest and hardest");
  if (one.shown.empty()) {
    html.open("p", "class=\"note\"").text(text("No pictures: ", one.not_shown)).close();
    return;
  }
  for (const Shown& shown : one.shown) {
    html.open("figure").markup(triptych(shown.panels));
    html.open("figcaption").text(shown.title).close().close();
  }
}

/// Each sentence, small behind it what makes it exact, and what the verdict rests on.
void sentences(Html& html, const Publication& one) {
  html.open("blockquote");
  each_part(results_sentences(one.run(), one.judgement), "\n", [&](std::string_view line) {
    if (!line.empty()) html.open("p", line.starts_with("We benchmarked") ? "" : "class=\"note\"").text(line).close();
  });
  html.close();
}

void benchmark_section(Html& html, const Publication& one) {
  const Subject& subject = one.run().plan.subject;
  html.open("h2").text(text(subject.model, " on ", subject.data)).close();
  cards(html, one);
  sentences(html, one);
  reasons(html, one);
  html.element("h3", "Attacks");
  html.table(attack_rows(one), true);
  html.note("Medians are over all attempts; a dash where more than half did not succeed, so that it is infinite.");
  confusion(html, one.run().found);
  pictures(html, one);
  html.element("h3", "The same bits again").open("pre");
  html.text(text("hans reproduce ", one.file, "\n")).close();
  const std::string hashes = text("Result ", one.manifest.name, ". Model sha256 ", subject.model_sha256,
                                  ". Data sha256 ", subject.data_sha256, ".");
  html.open("p", "class=\"note\"").text(hashes).close();
}

}  // namespace

std::string publication_html(std::span<const Publication> all) {
  Html html;
  html.element("h1", all.size() == 1 ? "A robustness benchmark" : "Robustness benchmarks, side by side");
  html.lead(
      "Made by hans from manifests that anyone can reproduce to the last bit. A number is an upper bound of "
      "robustness, and comes with what speaks against it.");
  if (all.size() > 1) {
    const TextTable rows = comparison(all);
    html.table(rows, true);
    const bool same = std::all_of(rows.begin() + 1, rows.end(), [&](const auto& row) { return row[2] == rows[1][2]; });
    if (!same) html.note("Not all have the same threat model: these numbers are no comparison of models.");
  }
  for (const Publication& one : all) benchmark_section(html, one);
  html.element("h2", "Curves");
  for (const Chart& chart : charts(all)) {
    html.open("figure").element("h3", chart.title).markup(svg_chart(chart)).close();
  }
  html.note(
      "Bands are 95 % intervals. Distances: the share that was not misled within a distance; what never "
      "succeeded stays to the right end. Accuracy against eps is that of attacks for the nearest image, or, "
      "for attacks with an eps, of PGD on the images that were probed for the indicators.");
  html.open("footer").text(text("Written by hans ", build_version(), ".")).close();
  return html_page(all.size() == 1 ? text("hans: ", all.front().run().plan.subject.model) : "hans: benchmarks",
                   html.take());
}

}  // namespace hans::apps
