// Manifests as Markdown, LaTeX, CSV and BibTeX.
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

/// RFC 4180: in quotes where it must be. What a spreadsheet would compute gets a quote in front.
std::string for_csv(std::string_view cell) {
  std::string out = visible(cell);
  if (!out.empty() && std::string_view("=+-@").find(out[0]) != std::string_view::npos && out.size() > 1) {
    out.insert(out.begin(), '\'');
  }
  if (out.find_first_of(",\"") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
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
  const std::vector<std::string> names = short_names(all);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Run& run = all[k].run();
    const attacks::Evaluation& found = run.found;
    rows.push_back({names[k], share_text(found.of_all(found.robust)), all[k].verdict(),
                    share_text(found.of_all(found.right)), threat_text(threat_model(run.plan)),
                    listed(run.plan.attacks, [](const auto& attack) { return attack.info().name; }),
                    text(run.plan.subject.data, ", ", with_commas(found.size()), " images"),
                    all[k].manifest.name.substr(0, 12)});
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
    const std::string verdict(ball.exact() ? enum_name(attacks::Verdict::exact) : "");
    rows.push_back({text("certified within ", ball.words()), share_text(ball.certified()), verdict});
    rows.back().resize(rows[0].size());
    rows.push_back({text("certified or unknown within ", ball.words()), share_text(ball.attacked()), verdict});
    rows.back().resize(rows[0].size());
  }
  return rows;
}

std::string publication_markdown(std::span<const Publication> all) {
  std::string out = text("# Robustness, measured by hans\n\n", markdown_table(comparison(all)));
  if (all.size() == 2) {
    const Changes found = changes(all[0], all[1]);
    append(out, text("\n## What changed\n\n", markdown_table(found.rows), "\n", for_markdown(found.notes()), "\n"));
  }
  for (const Publication& one : all) {
    append(out,
           text("\n## ", for_markdown(one.file), "\n\n", markdown_block(results_sentences(one.run(), one.judgement)),
                "\n", markdown_table(attack_rows(one)), "\nResult `", one.manifest.name, "`; ",
                markdown_code(text("hans reproduce ", one.file)), " makes the same bits again.\n"));
  }
  return out;
}

std::string publication_latex(std::span<const Publication> all) {
  std::string out = text("% In the preamble: \\usepackage{booktabs}\n", latex_table(comparison(all)));
  for (const Publication& one : all)
    append(out, text("\n% ", for_latex(one.file), "\n", latex_table(attack_rows(one))));
  return out;
}

std::string publication_csv(std::span<const Publication> all) {
  TextTable rows{{"file", "model", "data", "images", "threat_model", "attack", "stage", "radius"}};
  const auto accuracy_names = [&](std::string_view name) {
    for (const std::string_view end : {"", "_low", "_high"}) rows[0].push_back(text(name, end));
  };
  accuracy_names("accuracy");
  for (const std::string_view name : {"verdict", "attempts", "successes", "median_linf", "median_l2", "median_l1",
                                      "median_l0", "gradients", "forwards"}) {
    rows[0].emplace_back(name);
  }
  accuracy_names("clean_accuracy");
  accuracy_names("robust_accuracy");
  rows[0].insert(rows[0].end(), {"robust_accuracy_verdict", "result"});
  for (const Publication& one : all) {
    const Run& run = one.run();
    const attacks::Evaluation& found = run.found;
    const auto add = [&](const attacks::AttackResult& result, const std::string& stage, const std::string& radius,
                         attacks::Share accuracy, const std::string& verdict, std::vector<std::string> figures) {
      std::vector<std::string> row{one.file,
                                   run.plan.subject.model,
                                   run.plan.subject.data,
                                   text(found.size()),
                                   threat_text(threat_model(run.plan)),
                                   text(result.attack.pinned()),
                                   stage,
                                   radius};
      const auto put = [&row](attacks::Share share) {
        const attacks::Interval interval = share.interval();
        for (const double value : {share.value(), interval.low, interval.high}) row.push_back(text(value));
      };
      put(accuracy);
      row.push_back(verdict);
      figures.resize(8);  // none of a stage or a radius
      row.insert(row.end(), figures.begin(), figures.end());
      put(found.of_all(found.right));
      put(found.of_all(found.robust));
      row.insert(row.end(), {one.verdict(), one.manifest.name});
      rows.push_back(std::move(row));
    };
    for (std::size_t k = 0; k < found.attacks.size(); ++k) {
      const attacks::AttackResult& result = found.attacks[k];
      const auto median = [](const attacks::Summary& summary) { return summary.median ? text(*summary.median) : ""; };
      add(result, "", "", found.of_all(result.robust_count), run.plan.radii.empty() ? one.verdict(k, 0) : "",
          {text(result.attempts.size()), text(result.successes), median(result.linf), median(result.l2),
           median(result.l1), median(result.l0), text(result.gradients), text(result.forwards)});
      for (const attacks::StageResult& stage : result.stages) {
        add(result, text(stage.attack.pinned()), "", stage.robust, "", {});
      }
      for (std::size_t r = 0; r < run.plan.radii.size(); ++r) {
        const float radius = run.plan.radii[r];
        add(result, "", text(radius), robust_within(found, result, static_cast<double>(radius)), one.verdict(k, r), {});
      }
    }
  }
  return listed(
      rows, [](const auto& row) { return text(listed(row, for_csv, ","), "\r\n"); }, "");
}

std::string publication_bibtex(std::span<const Publication> all) {
  std::string out;
  for (const Publication& one : all) {
    const Run& run = one.run();
    append(out, text(out.empty() ? "" : "\n", "@misc{hans-", one.manifest.name.substr(0, 12), ",\n  author = {{",
                     authors, "}},\n  year = {", released.substr(0, 4), "},\n  title = {Robustness of ",
                     for_latex(run.plan.subject.model), " on ", for_latex(run.plan.subject.data),
                     "},\n  howpublished = {hans v", for_latex(run.plan.version), "},\n  note = {",
                     for_latex(threat_text(threat_model(run.plan))), ": ",
                     for_latex(share_text(run.found.of_all(run.found.robust))), ", ", for_latex(one.verdict()),
                     ". Result sha256 ", one.manifest.name, "}\n}\n"));
  }
  return out;
}

}  // namespace hans::apps
