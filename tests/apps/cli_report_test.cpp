// hans report: every format from one manifest and from several.
#include "../../apps/manifest/manifest.hpp"

#include "cli_testing.hpp"

namespace hans::cli_report_test {
namespace {

std::size_t count(std::string_view in, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = in.find(part); at != std::string_view::npos; at = in.find(part, at + 1)) ++found;
  return found;
}

class CliReport : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (IsSkipped()) return;
    train("a_b&c.hans");  // what LaTeX and HTML take for something else
    benchmark("one", "pgd:eps=0.05,steps=5");
    benchmark("two", "deepfool --attack ddn");
  }

  void benchmark(std::string_view name, std::string_view attack) {
    hans(text("benchmark a_b&c.hans --data mnist-5k --limit 30 --quiet --out ", name, ".json --attack ", attack));
  }

  std::string report(std::string_view manifests, std::string_view out) {
    output(text("report ", manifests, " --out ", out));
    return bytes(out);
  }
};

TEST_F(CliReport, ThePageHoldsEverythingInOneFile) {
  const std::string page = report("one.json", "one.html");
  const apps::Manifest manifest = apps::read_manifest(folder_ / "one.json");
  for (const std::string_view part :
       {std::string_view("a_b&amp;c.hans"), std::string_view("We benchmarked the robustness of"),
        std::string_view("SPECT"), std::string_view("robust accuracy"), std::string_view("hans reproduce one.json"),
        std::string_view(manifest.name), std::string_view("Accuracy against eps"),
        std::string_view("Accuracy against cost"), std::string_view("Distances in l0"),
        std::string_view("Hard: image "), std::string_view("<code>incomplete"), std::string_view("<b>Verdict: "),
        std::string_view("modified by <code>pgd</code>"), std::string_view("Confusion matrix"),
        std::string_view("rgba(64, 160, 255, 0.60)"), std::string_view("@media print")}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(count(page, "class=\"triptych\""), 6U);
  EXPECT_EQ(count(page, "<svg"), 6U);
  EXPECT_EQ(count(page.substr(page.find("</style>")), "`"), 0U);
  for (const std::string_view outside : {"http://", "https://", "<script", "src=\"/", "@import"}) {
    EXPECT_EQ(count(page, outside), 0U) << outside;
  }
  EXPECT_EQ(report("one.json", "again.html"), page);
}

TEST_F(CliReport, SeveralManifestsStandSideBySide) {
  const std::string page = report("one.json two.json", "both.html");
  EXPECT_NE(page.find("a_b&amp;c.hans (one.json)"), std::string::npos);
  EXPECT_NE(page.find("Not all have the same threat model"), std::string::npos);
  const std::string alike = report("one.json one.json", "same.html");
  EXPECT_EQ(alike.find("Not all have the same threat model"), std::string::npos);
}

TEST_F(CliReport, OfTwoManifestsItSaysWhatChanged) {
  train("other.hans");
  hans(
      "benchmark other.hans --data mnist-5k --limit 40 --quiet --out other.json --attack pgd:eps=0.1,steps=5 --attack "
      "fgsm:eps=0.1");
  const std::string said = output("report one.json other.json --out r.md"), markdown = bytes("r.md");
  const auto row = [&](std::string_view what) {  // its words without the space between columns
    const std::size_t at = said.find(text("\n", what, "  "));
    std::string line;
    for (const char c : at == said.npos ? "" : said.substr(at + 1, said.find('\n', at + 1) - at - 1)) {
      if (c != ' ' || (!line.empty() && line.back() != ' ')) line += c;
    }
    return line.substr(0, line.find_last_not_of(' ') + 1);
  };
  for (const auto& [what, values] :
       {std::pair{"images", "30 40"}, std::pair{"pgd eps", "0.05 0.1"}, std::pair{"pgd alpha", "0.025 0.05"},
        std::pair{"fgsm", "- fgsm:eps=0.1"},
        std::pair{"threat model",
                  "linf within 0.05, features in [0,1], untargeted linf within 0.1, features in [0,1], "
                  "untargeted"}}) {
    EXPECT_EQ(row(what), text(what, " ", values)) << said;
  }
  const apps::Manifest one = apps::read_manifest(folder_ / "one.json"),
                       other = apps::read_manifest(folder_ / "other.json");
  std::size_t only_one = 0, only_other = 0;
  for (std::size_t i = 0; i < 30; ++i) {
    const auto stands = [i](const apps::Manifest& manifest) {
      const attacks::Evaluation& found = manifest.run.found;
      return std::ranges::all_of(found.attacks, [i](const auto& result) { return result.robust[i]; });
    };
    only_one += !stands(one) && stands(other) ? 1U : 0U;
    only_other += stands(one) && !stands(other) ? 1U : 0U;
  }
  EXPECT_GT(only_other, 0U);
  EXPECT_EQ(row("images that fell only here"),
            text("images that fell only here ", only_one, " of 30 ", only_other, " of 30"));
  EXPECT_NE(said.find("The same in both: architecture, preprocessing, data, seed, version of hans. "), said.npos)
      << said;
  for (const std::string_view what : {"clean accuracy", "robust accuracy", "accuracy under pgd"}) {
    EXPECT_NE(row(what), "") << what;
  }
  EXPECT_NE(markdown.find("## What changed"), markdown.npos);
  EXPECT_NE(markdown.find("| pgd eps | 0.05 | 0.1 |"), markdown.npos) << markdown;
  const std::string page = report("one.json other.json", "both.html");
  EXPECT_EQ(count(page, "What changed"), 1U);
  EXPECT_NE(page.find(">pgd eps</th>"), page.npos);
  EXPECT_EQ(count(report("one.json two.json other.json", "three.html"), "What changed"), 0U);
}

TEST_F(CliReport, WithoutTheModelThereAreNoPictures) {
  std::filesystem::rename(folder_ / "a_b&c.hans", folder_ / "elsewhere.hans");
  const std::string page = report("one.json", "one.html");
  EXPECT_EQ(count(page, "class=\"triptych\""), 0U);
  EXPECT_NE(page.find("No pictures: the manifest is about a model with sha256"), std::string::npos);
  EXPECT_EQ(count(report("one.json --model ./elsewhere.hans", "two.html"), "class=\"triptych\""), 6U);
}

TEST_F(CliReport, WritesTheOtherFormats) {
  const std::string markdown = report("one.json two.json", "r.md");
  EXPECT_EQ(count(markdown, "\n| --- |"), 4U);
  EXPECT_NE(markdown.find("a\\_b&c.hans"), std::string::npos) << markdown;
  const std::string latex = report("one.json two.json", "r.tex");
  EXPECT_EQ(count(latex, "\\begin{tabular}"), 3U);
  EXPECT_NE(latex.find("a\\_b\\&c.hans"), std::string::npos) << latex;
  EXPECT_EQ(count(latex, " % ("), 0U);  // every per cent sign is escaped
  for (const std::string_view rule : {"\\toprule\n", "\\midrule\n", "\\bottomrule\n"})
    EXPECT_EQ(count(latex, rule), 3U);
  EXPECT_EQ(count(latex, "\\hline"), 0U);
  const std::string bibtex = report("one.json two.json", "r.bib");
  EXPECT_EQ(count(bibtex, "@misc{hans-"), 2U);
  EXPECT_EQ(count(bibtex, "{"), count(bibtex, "}"));
  EXPECT_NE(bibtex.find(apps::read_manifest(folder_ / "one.json").name), std::string::npos);
  EXPECT_EQ(count(bibtex, "  author = {{the hans authors}},\n  year = {20"), 2U) << bibtex;
  output("report one.json two.json --out figure.svg");
  for (int k = 1; k <= 6; ++k) {
    const std::string svg = bytes(text("figure-", k, ".svg"));
    EXPECT_TRUE(svg.starts_with("<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\"")) << k;
    EXPECT_EQ(count(svg, "<g"), count(svg, "</g>"));
    EXPECT_EQ(svg.find("nan"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "figure.svg"));
}

/// The cells of CSV without commas and quotes inside them.
std::vector<std::vector<std::string>> cells(std::string_view csv) {
  std::vector<std::vector<std::string>> rows;
  apps::each_part(csv, "\r\n", [&](std::string_view line) {
    if (line.empty()) return;
    rows.emplace_back();
    std::string cell;
    bool quoted = false;
    for (const char c : line) {
      if (c == '"') {
        quoted = !quoted;
      } else if (c == ',' && !quoted) {
        rows.back().push_back(std::exchange(cell, ""));
      } else {
        cell += c;
      }
    }
    rows.back().push_back(std::move(cell));
  });
  return rows;
}

TEST_F(CliReport, CellsOfCsvAreNumbersAlone) {
  benchmark("at", "deepfool --at 0.5,1");
  benchmark("stages", "composite:attacks=[fgsm:eps=0.05]/[pgd:eps=0.05,steps=2]");
  const auto rows = cells(report("one.json two.json at.json stages.json", "r.csv"));
  ASSERT_EQ(rows.size(), 1U + 1 + 2 + 3 + 3);  // a heading; attacks, radii and stages
  const cli::Words words{
      "file", "model", "data", "threat_model", "attack", "stage", "verdict", "robust_accuracy_verdict", "result"};
  for (std::size_t r = 1; r < rows.size(); ++r) {
    ASSERT_EQ(rows[r].size(), rows[0].size()) << r;
    for (std::size_t c = 0; c < rows[0].size(); ++c) {
      double number = 0;
      if (rows[r][c].empty() || std::ranges::find(words, rows[0][c]) != words.end()) continue;
      EXPECT_TRUE(read_number(rows[r][c], number)) << rows[0][c] << ": " << rows[r][c];
    }
  }
  EXPECT_EQ(rows[0][7], "radius");
  EXPECT_EQ(rows[5][7], "0.5");
  EXPECT_EQ(rows[8][6].substr(0, 7), "fgsm@1:");
  EXPECT_EQ(rows[8][12], "");  // attempts of a stage
}

TEST_F(CliReport, RefusesWhatIsNoWholeBenchmark) {
  hans("benchmark a_b&c.hans --data mnist-5k --limit 30 --quiet --out part.json --shard 1/2 --attack fgsm:eps=0.1");
  using cli::Refusal;
  for (const Refusal& one :
       {Refusal{"report part.json --out r.html", 1, "hans merge"}, Refusal{"report one.json --out r.pdf", 2, ".html"},
        Refusal{"report one.json", 2, "--out"}, Refusal{"report one.json --out one.json", 2, "ending"},
        Refusal{"report missing.json --out r.html", 1, "missing.json"},
        Refusal{"report a_b&c.hans --out r.html", 1, "a_b&c.hans"},
        Refusal{"report one.json --out r.html --seed 1", 2, "--seed"},
        Refusal{"report one.json --out nowhere/r.html", 1, "nowhere"}}) {
    cli::expect_refused(hans(one.line), one.code, one.part);
  }
}

}  // namespace
}  // namespace hans::cli_report_test
