// Manifests and certificates as Markdown, LaTeX and BibTeX.
#include <algorithm>

#include <hans/core/version.hpp>
#include "../../core/text/detail/utf8.hpp"
#include "publication.hpp"

namespace hans::apps {
namespace {

std::string median_text(const std::optional<double>& median) { return median ? fixed(*median, 3) : "-"; }

/// What LaTeX takes for a command, or shows as another letter, as that letter.
std::string for_latex(std::string_view words) {
  std::string out;
  for (const char c : visible(words)) {
    if (c == '\\') {
      out += "\\textbackslash{}";
    } else if (c == '{' || c == '}') {
      out += c == '{' ? "\\textbraceleft{}" : "\\textbraceright{}";  // BibTeX counts braces, also escaped ones
    } else if (c == '<' || c == '>' || c == '|') {
      out += c == '<' ? "\\textless{}" : c == '>' ? "\\textgreater{}" : "\\textbar{}";
    } else if (c == '~' || c == '^') {
      append(out, text('\\', c, "{}"));
    } else {
      if (std::string_view("&%$#_").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

std::string for_markdown(std::string_view cell) { return escaped(visible(cell), "|*_`<>[]\\"); }

/// The mark around code in Markdown: longer than any row of backticks in it, `least` at least.
std::string fence(std::string_view code, std::size_t least) {
  std::size_t longest = 0, now = 0;
  for (const char c : code) {
    now = c == '`' ? now + 1 : 0;
    longest = std::max(longest, now);
  }
  return std::string(std::max(longest + 1, least), '`');
}

std::string markdown_code(std::string_view words) {
  const std::string code = visible(words), mark = fence(code, 1);
  const std::string_view space = mark.size() > 1 ? " " : "";
  return text(mark, space, code, space, mark);
}

std::string markdown_block(std::string_view words) {
  const std::string code = visible(words, "\n"), mark = fence(code, 3);
  return text(mark, "text\n", code, mark, "\n");
}

std::string markdown_table(const TextTable& rows) {
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    append(out, text("| ", listed(rows[r], for_markdown, " | "), " |\n"));
    if (r > 0) continue;
    out += '|';
    for (std::size_t c = 0; c < rows[0].size(); ++c) out += " --- |";
    out += '\n';
  }
  return out;
}

std::string latex_table(const TextTable& rows) {
  std::string out = "\\begin{tabular}{";
  for (std::size_t c = 0; c < rows[0].size(); ++c) {
    const auto number = [c](const auto& row) { return row[c].find_first_of("0123456789-") == 0; };
    out += c > 0 && std::ranges::any_of(rows, number) ? 'r' : 'l';
  }
  out += "}\n\\toprule\n";
  for (std::size_t r = 0; r < rows.size(); ++r) {
    append(out, text(listed(rows[r], for_latex, " & "), " \\\\\n", r == 0 ? "\\midrule\n" : ""));
  }
  return text(out, "\\bottomrule\n\\end{tabular}\n");
}

}  // namespace

std::string Publication::verdict() const {
  if (judgement) return std::string(enum_name(judgement->verdict));
  return text(manifest.former.value_or("-"), " (hans ", run().plan.version, ")");
}

std::string Publication::verdict(std::size_t attack, std::size_t radius) const {
  return judgement ? std::string(enum_name(judgement->attacks[attack][radius].verdict)) : "";
}

TextTable comparison(std::span<const Publication> all) {
  TextTable rows{
      {"model", "robust accuracy", "verdict", "clean accuracy", "threat model", "attacks", "data", "result"}};
  const bool certified = std::ranges::any_of(all, [](const Publication& one) { return !one.run().certified.empty(); });
  if (certified) rows[0].insert(rows[0].begin() + 3, "certified accuracy");
  const std::vector<std::string> names = short_names(all);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Run& run = all[k].run();
    const attacks::Evaluation& found = run.found;
    rows.push_back({names[k], share_text(found.of_all(found.robust)), all[k].verdict(),
                    share_text(found.of_all(found.right)), threat_text(threat_model(run.plan)),
                    listed(run.plan.attacks, [](const auto& attack) { return attack.info().name; }),
                    text(run.plan.subject.data, ", ", with_commas(found.size()), " images"),
                    all[k].manifest.name.substr(0, 12)});
    if (!certified) continue;
    const auto within = [](const CertifiedBall& ball) {
      return text(share_text(ball.counts().certified()), " within ", ball.words());
    };
    rows.back().insert(rows.back().begin() + 3, run.certified.empty() ? "-" : listed(run.certified, within, "; "));
  }
  return rows;
}

TextTable attack_rows(const Publication& one) {
  TextTable rows{{"attack", "accuracy", "verdict", "success", "median linf", "median l2", "median l1", "median l0",
                  "gradients", "forward passes"}};
  const attacks::Evaluation& found = one.run().found;
  const std::vector<float>& radii = one.run().plan.radii;
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    const attacks::AttackResult& result = found.attacks[k];
    const std::size_t attempts = result.attempts.size();
    rows.push_back({text(as_written(result.attack, one.run().plan.subject.box, true)),
                    share_text(found.of_all(result.robust_count)), radii.empty() ? one.verdict(k, 0) : "",
                    attempts > 0 ? text(percent_of({result.successes, attempts}), " %") : "-",
                    median_text(result.linf.median), median_text(result.l2.median), median_text(result.l1.median),
                    median_text(result.l0.median), with_commas(result.gradients), with_commas(result.forwards)});
    for (const attacks::StageResult& stage : result.stages) {
      rows.push_back({text("after ", stage.attack.info().name), share_text(stage.robust)});
      rows.back().resize(rows[0].size());
    }
    for (std::size_t r = 0; r < radii.size(); ++r) {
      rows.push_back({text("within ", enum_name(result.budget.norm), " ", eps_text(radii[r])),
                      share_text(robust_within(found, result, static_cast<double>(radii[r]))), one.verdict(k, r)});
      rows.back().resize(rows[0].size());
    }
  }
  for (const CertifiedBall& ball : one.run().certified) {
    const BallCounts counts = ball.counts();
    rows.push_back({text("certified within ", ball.words()), share_text(counts.certified()), verdict_of(counts)});
    rows.back().resize(rows[0].size());
    rows.push_back(
        {text("certified or unknown within ", ball.words()), share_text(counts.attacked()), verdict_of(counts)});
    rows.back().resize(rows[0].size());
  }
  return rows;
}

std::string publication_markdown(const Published& all) {
  std::string out = "# Robustness, measured by hans\n";
  const std::span<const Publication> benchmarks = all.benchmarks;
  if (!benchmarks.empty()) append(out, text("\n", markdown_table(comparison(benchmarks))));
  if (benchmarks.size() == 2) {
    const Changes found = changes(benchmarks[0], benchmarks[1]);
    append(out, text("\n## What changed\n\n", markdown_table(found.rows), "\n", for_markdown(found.notes()), "\n"));
  }
  for (const Publication& one : benchmarks) {
    append(out,
           text("\n## ", for_markdown(one.file), "\n\n", markdown_block(results_sentences(one.run(), one.judgement)),
                "\n", markdown_table(attack_rows(one)), "\nResult `", one.manifest.name, "`; ",
                markdown_code(text("hans reproduce ", one.file)), " makes the same bits again.\n"));
  }
  for (const Certification& one : all.certified) {
    append(out, text("\n## ", for_markdown(title_of(one)), "\n"));
    if (!one.balls.empty()) {
      const auto sentence = [&](const Certification::Ball& ball) { return sentence_of(one, ball.counts) + "\n"; };
      append(out, text("\n", markdown_block(listed(one.balls, sentence, "\n")), "\n",
                       markdown_table(ends_rows({&one, 1})), "\n", markdown_table(decided_rows(one))));
    }
    for (const auto& [file, part] : one.radii) {
      append(out, text("\n", markdown_block(radii_text(part.found))));
      if (const TextTable gaps = gap_rows(part); gaps.size() > 1) append(out, text("\n", markdown_table(gaps)));
    }
  }
  return out;
}

std::string publication_latex(const Published& all) {
  std::string out = "% In the preamble: \\usepackage{booktabs}\n";
  if (!all.benchmarks.empty()) out += latex_table(comparison(all.benchmarks));
  for (const Publication& one : all.benchmarks) {
    append(out, text("\n% ", for_latex(one.file), "\n", latex_table(attack_rows(one))));
  }
  for (const Certification& one : all.certified) {
    append(out, text("\n% ", for_latex(title_of(one)), "\n"));
    if (!one.balls.empty()) append(out, text(latex_table(ends_rows({&one, 1})), "\n", latex_table(decided_rows(one))));
    for (const auto& [file, part] : one.radii) {
      if (const TextTable gaps = gap_rows(part); gaps.size() > 1) append(out, text("\n", latex_table(gaps)));
    }
  }
  return out;
}

namespace {

std::string bibtex_entry(std::string_view key, std::string_view what, const Subject& subject, std::string_view version,
                         std::string_view note) {
  return text("@misc{hans-", key, ",\n  author = {{", authors, "}},\n  year = {", released.substr(0, 4),
              "},\n  title = {", what, " of ", for_latex(subject.model), " on ", for_latex(subject.data),
              "},\n  howpublished = {hans v", for_latex(version), "},\n  note = {", note, "}\n}\n");
}

}  // namespace

std::string publication_bibtex(const Published& all) {
  std::vector<std::string> entries;
  for (const Publication& one : all.benchmarks) {
    const Run& run = one.run();
    entries.push_back(bibtex_entry(one.manifest.name.substr(0, 12), "Robustness", run.plan.subject, run.plan.version,
                                   text(for_latex(threat_text(threat_model(run.plan))), ": ",
                                        for_latex(share_text(run.found.of_all(run.found.robust))), ", ",
                                        for_latex(one.verdict()), ". Result sha256 ", one.manifest.name)));
  }
  for (const CertifiedFile& file : all.files) {
    const auto ends = [](const BallCounts& ball) {
      return for_latex(
          text(ball.words(), ": certified ", share_text(ball.certified()), ", attacked ", share_text(ball.attacked())));
    };
    const std::string what = file.within ? listed(file.within->balls, ends, "; ") : "radii of single images";
    entries.push_back(bibtex_entry(file.sha256.substr(0, 12), "Certified robustness", file.subject(), build_version(),
                                   text(what, ". Results sha256 ", file.sha256)));
  }
  return listed(entries, std::identity(), "\n");
}

}  // namespace hans::apps
