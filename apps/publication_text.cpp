// Manifests as Markdown, LaTeX, CSV and BibTeX.
#include <algorithm>
#include <cmath>

#include <hans/apps/publication.hpp>
#include <hans/apps/verdict.hpp>

namespace hans::apps {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string accuracy_text(std::size_t right, std::size_t n) {
  return text(percent_of(right, n), " % (", interval_text(right, n), ")");
}

ThreatModel threat_of(const Benchmark& benchmark) {
  return threat_model(benchmark.request.attacks, benchmark.request.targets, benchmark.image, benchmark.subject.box);
}

std::string median_text(const std::optional<double>& median) { return median ? fixed(*median, 3) : "-"; }

/// What LaTeX takes for a command, as a letter.
std::string for_latex(std::string_view words) {
  std::string out;
  for (const char c : words) {
    if (c == '\\') {
      out += "\\textbackslash{}";
    } else if (c == '\n' || c == '\r') {
      out += ' ';  // a name of a file may have one
    } else if (c == '~' || c == '^') {
      append(out, text('\\', c, "{}"));
    } else {
      if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

/// RFC 4180: in quotes where it must be. What a spreadsheet would compute gets a quote in front.
std::string for_csv(std::string_view cell) {
  std::string out(cell);
  if (!out.empty() && std::string_view("=+-@").find(out[0]) != std::string_view::npos && out.size() > 1) {
    out.insert(out.begin(), '\'');
  }
  if (out.find_first_of(",\"\n\r") == std::string::npos) return out;
  std::string quoted = "\"";
  for (const char c : out) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::string for_markdown(std::string_view cell) {
  std::string out;
  for (const char c : cell) {
    if (c == '\n' || c == '\r') {
      out += ' ';
      continue;
    }
    if (std::string_view("|*_`<>[]\\").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

template <class Escape>
std::string line_of(const std::vector<std::string>& cells, std::string_view between, std::string_view end,
                    Escape escape) {
  std::string out;
  for (const std::string& cell : cells) append(out, text(out.empty() ? "" : between, escape(cell)));
  return text(out, end);
}

std::string markdown_table(const Rows& rows) {
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    append(out, text("| ", line_of(rows[r], " | ", " |\n", for_markdown)));
    if (r > 0) continue;
    out += '|';
    for (std::size_t c = 0; c < rows[0].size(); ++c) out += " --- |";
    out += '\n';
  }
  return out;
}

std::string latex_table(const Rows& rows) {
  std::string out = text("\\begin{tabular}{", std::string(rows[0].size(), 'l'), "}\n\\hline\n");
  for (std::size_t r = 0; r < rows.size(); ++r) {
    append(out, text(line_of(rows[r], " & ", " \\\\\n", for_latex), r == 0 ? "\\hline\n" : ""));
  }
  return text(out, "\\hline\n\\end{tabular}\n");
}

}  // namespace

Rows comparison(std::span<const Publication> all) {
  Rows rows{{"model", "data", "threat model", "attacks", "clean accuracy", "robust accuracy", "verdict", "result"}};
  const std::vector<std::string> names = short_names(all);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Benchmark& benchmark = all[k].benchmark();
    const attacks::Evaluation& found = benchmark.found;
    std::string attacks;
    for (const attacks::Attack& attack : benchmark.request.attacks) {
      append(attacks, text(attacks.empty() ? "" : ", ", attack.info().name));
    }
    rows.push_back({names[k], text(benchmark.subject.data, ", ", with_commas(benchmark.slice.count), " images"),
                    threat_text(threat_of(benchmark)), attacks, accuracy_text(found.right, benchmark.slice.count),
                    accuracy_text(found.robust, benchmark.slice.count),
                    std::string(enum_name(all[k].reliability.trust)), all[k].manifest.name.substr(0, 12)});
  }
  return rows;
}

Rows attack_rows(const Benchmark& benchmark) {
  Rows rows{{"attack", "accuracy", "success", "median linf", "median l2", "median l1", "median l0", "gradients",
             "forward passes"}};
  const std::size_t n = benchmark.slice.count;
  for (const attacks::AttackResult& result : benchmark.found.attacks) {
    const std::size_t attempts = result.attempts.size();
    rows.push_back({text(result.attack.pinned()), accuracy_text(result.robust_count, n),
                    attempts > 0 ? text(percent_of(result.successes, attempts), " %") : "-",
                    median_text(result.linf.median), median_text(result.l2.median), median_text(result.l1.median),
                    median_text(result.l0.median), with_commas(result.gradients), with_commas(result.forwards)});
  }
  return rows;
}

std::string publication_markdown(std::span<const Publication> all) {
  std::string out = text("# Robustness, measured by hans\n\n", markdown_table(comparison(all)));
  for (const Publication& one : all) {
    const Benchmark& benchmark = one.benchmark();
    append(out, text("\n## ", for_markdown(one.file), "\n\n"));
    std::string sentences = results_sentences(benchmark.subject, benchmark.request, benchmark.found);
    append(out,
           text("```text\n", sentences, "\n", verdict_text(one.reliability, benchmark.found.attacks.front().budget),
                "```\n\n", markdown_table(attack_rows(benchmark)), "\nResult `", one.manifest.name,
                "`; `hans reproduce ", one.file, "` makes the same bits again.\n"));
  }
  return out;
}

std::string publication_latex(std::span<const Publication> all) {
  std::string out = latex_table(comparison(all));
  for (const Publication& one : all)
    append(out, text("\n% ", for_latex(one.file), "\n", latex_table(attack_rows(one.benchmark()))));
  return out;
}

std::string publication_csv(std::span<const Publication> all) {
  std::string out;
  const Rows summary = comparison(all);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Rows rows = attack_rows(all[k].benchmark());
    for (std::size_t r = k == 0 ? 0 : 1; r < rows.size(); ++r) {
      std::vector<std::string> cells = summary[r == 0 ? 0 : k + 1];
      cells.insert(cells.end(), rows[r].begin(), rows[r].end());
      out += line_of(cells, ",", "\r\n", for_csv);
    }
  }
  return out;
}

std::string publication_bibtex(std::span<const Publication> all) {
  std::string out;
  for (const Publication& one : all) {
    const Benchmark& benchmark = one.benchmark();
    append(out, text(out.empty() ? "" : "\n", "@misc{hans-", one.manifest.name.substr(0, 12),
                     ",\n  title = {Robustness of ", for_latex(benchmark.subject.model), " on ",
                     for_latex(benchmark.subject.data), "},\n  howpublished = {hans v", benchmark.version,
                     "},\n  note = {", for_latex(threat_text(threat_of(benchmark))), ": ",
                     for_latex(accuracy_text(benchmark.found.robust, benchmark.slice.count)), ", ",
                     enum_name(one.reliability.trust), ". Result sha256 ", one.manifest.name, "}\n}\n"));
  }
  return out;
}

}  // namespace hans::apps
