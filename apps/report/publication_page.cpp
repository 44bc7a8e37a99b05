// Manifests and certificates as one HTML file.
#include <algorithm>

#include <hans/core/version.hpp>
#include "publication.hpp"
#include "report.hpp"

namespace hans::apps {
namespace {

void cards(Html& html, const Publication& one) {
  const attacks::Evaluation& found = one.run().found;
  const attacks::Share clean = found.of_all(found.right), robust = found.of_all(found.robust);
  html.open("div", "class=\"cards\"");
  html.card(text(percent_of(clean), " %"), text("clean accuracy (95 % interval ", interval_text(clean), ")"));
  html.card(text(percent_of(robust), " %"),
            text("robust accuracy, worst case of all attacks (95 % interval ", interval_text(robust), ")"),
            one.verdict());
  for (const CertifiedBall& ball : one.run().certified) certified_card(html, ball.counts());
  html.close();
  if (!one.judgement) html.note("The verdict is by the rules of that version; `hans reproduce` gives today's.");
}

void reasons(Html& html, const Publication& one) {
  if (!one.judgement || one.judgement->verdict <= attacks::Verdict::reliable) return;
  html.element("h3", "Why not reliable").open("ul");
  for (const attacks::Reliability* said : worst_cases(*one.judgement)) {
    if (said->verdict == attacks::Verdict::exact) continue;  // no indicator can doubt it
    if (!said->why_unchecked.empty()) html.element("li", said->why_unchecked);
    for (const attacks::Indicator& indicator : said->indicators) {
      if (indicator.verdict == attacks::Verdict::reliable) continue;
      html.element("li", text("`", indicator.info->name, "` (", indicator.info->meaning, "): ", indicator.reason));
    }
    for (const attacks::Attack& attack : said->next) {
      html.element("li", text("To try next: `--attack ", attack.spec(), "`"));
    }
  }
  html.close();
}

/// As what the adversarial images of each class are read; the more often, the darker.
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
  std::size_t largest = 1;
  for (const auto& row : counts) largest = std::max(largest, *std::ranges::max_element(row));
  html.element("h3", "Confusion matrix");
  html.open("div", "class=\"scroll\"").open("table", "class=\"data matrix\"").open("tr").element("th", "");
  for (std::size_t c = 0; c < found.classes; ++c) html.element("th", text(c), "scope=\"col\"");
  html.close();
  for (std::size_t c = 0; c < found.classes; ++c) {
    html.open("tr").element("th", text(c), "scope=\"row\"");
    for (const std::size_t count : counts[c]) {
      const double shade = 0.6 * static_cast<double>(count) / static_cast<double>(largest);
      html.element("td", count > 0 ? text(count) : "\u00b7",
                   text("style=\"background: rgba(64, 160, 255, ", fixed(shade, 2), ")\""));
    }
    html.close();
  }
  html.close().close();
  html.note(
      "Successes of all attacks. Rows: the class of the original. Columns: the class that the model gives the "
      "adversarial image.");
}

void pictures(Html& html, const Publication& one) {
  html.element("h3", "Easiest and hardest");
  if (one.shown.empty()) {
    html.note(text("No pictures: ", one.not_shown));
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
    if (!line.empty())
      html.element("p", line,
                   line.starts_with("We benchmarked") || line.starts_with("We certified") ? "" : "class=\"note\"");
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
  html.note(
      "95 % intervals are in brackets. Medians are over all attempts; a dash means that more than half failed, which "
      "makes the median infinite. The sentences above name every parameter.");
  confusion(html, one.run().found);
  pictures(html, one);
  html.element("h3", "The same bits again").open("pre");
  html.text(text("hans reproduce ", one.file, "\n")).close();
  html.note(text("Result `", one.manifest.name, "`. Model sha256 `", subject.model_sha256, "`. Data sha256 `",
                 subject.data_sha256, "`."));
}

void curves_section(Html& html, std::span<const Publication> all) {
  html.element("h2", "Curves");
  for (const Chart& chart : charts(all)) {
    html.open("figure").element("h3", chart.title).markup(svg_chart(chart)).close();
  }
  html.note(
      "Bands are 95 % intervals. A curve of distances is the share of images that no attempt fooled within that "
      "distance; images that were never fooled stay to the right end. Accuracy against eps comes from minimum-norm "
      "attacks, from the radii of several manifests, or, for one attack with an eps, from PGD on the probed images. "
      "The cost is that of whole attacks: a manifest has no cost of their stages.");
}

/// The benchmarks of a report, with their comparison.
void benchmark_sections(Html& html, std::span<const Publication> all) {
  if (all.size() > 1) {
    const TextTable rows = comparison(all);
    html.table(rows, true);
    const auto threat = static_cast<std::size_t>(std::ranges::find(rows[0], "threat model") - rows[0].begin());
    const auto same = [&](const auto& row) { return row[threat] == rows[1][threat]; };
    if (!std::all_of(rows.begin() + 1, rows.end(), same)) {
      html.note("Not all have the same threat model: these numbers are no comparison of models.");
    }
  }
  if (all.size() == 2) {
    const Changes found = changes(all[0], all[1]);
    html.element("h2", "What changed").table(found.rows, true).note(found.notes());
  }
  if (all.size() > 1) curves_section(html, all);
  for (const Publication& one : all) benchmark_section(html, one);
  if (all.size() == 1) curves_section(html, all);
}

}  // namespace

std::string publication_html(const Published& all) {
  Html html;
  const bool certificates = all.benchmarks.empty(), one = all.benchmarks.size() + all.certified.size() == 1;
  html.element("h1", certificates ? "Robustness certificates"
                     : one        ? "A robustness benchmark"
                                  : "Robustness benchmarks, side by side");
  html.lead(certificates
                ? "hans made this page from its certificates. A certified image keeps its prediction, whatever "
                  "an attack does within eps; an attacked one does not. The true accuracy lies between."
                : "hans made this page from manifests that anyone can reproduce bit for bit. A number is an "
                  "upper bound of robustness; what speaks against it stands beside it.");
  benchmark_sections(html, all.benchmarks);
  if (const TextTable ends = ends_rows(all.certified); all.certified.size() > 1 && ends.size() > 1) {
    html.element("h2", "Certificates, side by side").table(ends, true);
  }
  for (const Certification& certified : all.certified) certified_section(html, certified);
  html.open("footer").text(text("Written by hans ", build_version(), ".")).close();
  const std::string name = !one           ? (certificates ? "certificates" : "benchmarks")
                           : certificates ? all.certified.front().subject.model
                                          : all.benchmarks.front().run().plan.subject.model;
  return html_page(text("hans: ", name), html.take());
}

}  // namespace hans::apps
