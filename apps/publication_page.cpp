// Manifests as one HTML file.
#include <algorithm>
#include <map>

#include <hans/apps/publication.hpp>
#include <hans/apps/report.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

using Rows = std::vector<std::vector<std::string>>;

/// A table of words that may hold anything: the first row is the heading, the first of each row its name.
void plain_table(Html& html, const Rows& rows) {
  html.open("div", "class=\"scroll\"").open("table", "class=\"data\"").open("thead").open("tr");
  for (const std::string& cell : rows[0]) html.open("th", "scope=\"col\"").text(cell).close();
  html.close().close().open("tbody");
  for (std::size_t r = 1; r < rows.size(); ++r) {
    html.open("tr");
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::string& cell = rows[r][c];
      const std::string_view name = cell.size() > 30 ? "scope=\"row\" class=\"long\"" : "scope=\"row\"";
      html.open(c == 0 ? "th" : "td", c == 0 ? name : "").text(cell).close();
    }
    html.close();
  }
  html.close().close().close();
}

void card(Html& html, std::string_view kind, std::string_view number, std::string_view words) {
  html.open("div", text("class=\"card ", kind, "\""));
  html.open("b").text(number).close().open("span").text(words).close().close();
}

void cards(Html& html, const Publication& one) {
  const Benchmark& benchmark = one.benchmark();
  const attacks::Evaluation& found = benchmark.found;
  const std::size_t n = benchmark.slice.count;
  html.open("div", "class=\"cards\"");
  card(html, "", text(percent_of(found.right, n), " %"), text("clean accuracy, ", interval_text(found.right, n)));
  card(html, "", text(percent_of(found.robust, n), " %"),
       text("robust accuracy, worst case of all attacks, ", interval_text(found.robust, n)));
  const attacks::Trust trust = one.reliability.trust;
  const std::size_t against = static_cast<std::size_t>(std::ranges::count_if(
      one.reliability.indicators, [](const attacks::Indicator& i) { return i.trust != attacks::Trust::reliable; }));
  card(html, trust == attacks::Trust::reliable ? "good" : "bad", enum_name(trust),
       text(against, " of ", one.reliability.indicators.size(), " indicators of failure speak against it"));
  html.close();
}

void reasons(Html& html, const Publication& one) {
  const attacks::Budget& budget = one.benchmark().found.attacks.front().budget;
  if (one.reliability.trust == attacks::Trust::reliable) return;
  html.element("h3", "Why not reliable").open("ul");
  for (const attacks::Indicator& indicator : one.reliability.indicators) {
    if (indicator.trust == attacks::Trust::reliable) continue;
    html.open("li").open("code").text(indicator.info->name).close();
    html.text(text(" (", indicator.info->meaning, "): ", indicator.reason)).close();
  }
  for (const attacks::Attack& attack : one.reliability.next(budget)) {
    html.open("li").text("To try next: ").open("code").text(text("--attack ", attack.spec())).close().close();
  }
  html.close();
}

/// What the images of each class were taken for, where an attack succeeded.
void confusion(Html& html, const Benchmark& benchmark) {
  const attacks::Evaluation& found = benchmark.found;
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
  Rows rows{{"class"}};
  for (std::size_t c = 0; c < found.classes; ++c) rows[0].push_back(text(c));
  for (std::size_t c = 0; c < found.classes; ++c) {
    rows.push_back({text(c)});
    for (const std::size_t count : counts[c]) rows.back().push_back(count > 0 ? text(count) : "\u00b7");
  }
  html.element("h3", "What they were taken for");
  plain_table(html, rows);
  html.element("p", "Rows: the class of the original; columns: that of the adversarial image. All attacks together.",
               "class=\"note\"");
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

/// Each sentence, and small behind it what makes it exact.
void sentences(Html& html, const Publication& one) {
  const Benchmark& benchmark = one.benchmark();
  const std::string all = results_sentences(benchmark.subject, benchmark.request, benchmark.found);
  html.open("blockquote");
  bool exact = false;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    if (end > at) {
      html.open("p", exact ? "class=\"note\"" : "").text(all.substr(at, end - at)).close();
      exact = !exact;
    }
    at = end + 1;
  }
  html.open("p").text(text("Indicators of failure: ", enum_name(one.reliability.trust), ".")).close().close();
}

void benchmark_section(Html& html, const Publication& one) {
  const Benchmark& benchmark = one.benchmark();
  html.open("h2").text(text(benchmark.subject.model, " on ", benchmark.subject.data)).close();
  cards(html, one);
  sentences(html, one);
  reasons(html, one);
  html.element("h3", "Attacks");
  plain_table(html, attack_rows(benchmark));
  html.element("p",
               "Medians are over all attempts; a dash where more than half did not succeed, so that it is infinite.",
               "class=\"note\"");
  confusion(html, benchmark);
  pictures(html, one);
  html.element("h3", "The same bits again").open("pre");
  html.text(text("hans reproduce ", one.file, "\n")).close();
  html.open("p", "class=\"note\"")
      .text(text("Result ", one.manifest.name, ". Model sha256 ", benchmark.subject.model_sha256, ". Data sha256 ",
                 benchmark.subject.data_sha256, "."));
  html.close();
}

}  // namespace

std::string publication_html(std::span<const Publication> all) {
  Html html;
  html.element("h1", all.size() == 1 ? "A robustness benchmark" : "Robustness benchmarks, side by side");
  html.element("p",
               "Made by hans from manifests that anyone can reproduce to the last bit. A number is an upper bound of "
               "robustness, and comes with what speaks against it.",
               "class=\"lead\"");
  if (all.size() > 1) {
    plain_table(html, comparison(all));
    const std::string first = comparison(all)[1][2];
    const bool same = std::ranges::all_of(comparison(all),
                                          [&](const auto& row) { return row[2] == first || row[2] == "threat model"; });
    if (!same) {
      html.element("p", "Not all have the same threat model: these numbers are no comparison of models.",
                   "class=\"note\"");
    }
  }
  for (const Publication& one : all) benchmark_section(html, one);
  html.element("h2", "Curves");
  for (const Chart& chart : charts(all)) {
    html.open("figure").element("h3", chart.title).markup(svg_chart(chart)).close();
  }
  html.element("p",
               "Bands are 95 % intervals. Distances: the share that was not misled within a distance; what never "
               "succeeded stays to the right end. Accuracy against eps is that of attacks for the nearest image, or, "
               "for attacks with an eps, of PGD on the images that were probed for the indicators.",
               "class=\"note\"");
  html.open("footer").text(text("Written by hans ", build_version(), ".")).close();
  return html_page(all.size() == 1 ? text("hans: ", all.front().benchmark().subject.model) : "hans: benchmarks",
                   html.take());
}

}  // namespace hans::apps
