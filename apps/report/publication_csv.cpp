// Manifests and certificates as CSV: a row for each number.
#include "../../core/text/detail/utf8.hpp"
#include "publication.hpp"

namespace hans::apps {
namespace {

using attacks::Share;

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

/// What all numbers of a file share.
struct CsvFile {
  std::string file, model, data, images, threat;
  Share clean = {};
  std::optional<Share> robust = {};  ///< none of certificates alone
  std::string verdict = {}, result = {};
};

/// A number of it.
struct CsvNumber {
  std::string attack, stage, radius;
  Share accuracy;
  std::string verdict = {};
  std::vector<std::string> figures = {};  ///< attempts to forwards; none of a stage, a radius or a certificate
};

std::vector<std::string> csv_heading() {
  std::vector<std::string> row{"file", "model", "data", "images", "threat_model", "attack", "stage", "radius"};
  const auto accuracy_names = [&](std::string_view name) {
    for (const std::string_view end : {"", "_low", "_high"}) row.push_back(text(name, end));
  };
  accuracy_names("accuracy");
  for (const std::string_view name : {"verdict", "attempts", "successes", "median_linf", "median_l2", "median_l1",
                                      "median_l0", "gradients", "forwards"}) {
    row.emplace_back(name);
  }
  accuracy_names("clean_accuracy");
  accuracy_names("robust_accuracy");
  row.insert(row.end(), {"robust_accuracy_verdict", "result"});
  return row;
}

std::vector<std::string> csv_row(const CsvFile& of, CsvNumber number) {
  std::vector<std::string> row{of.file,   of.model,      of.data,      of.images,
                               of.threat, number.attack, number.stage, number.radius};
  const auto put = [&row](const std::optional<Share>& share) {
    if (!share) return row.insert(row.end(), {"", "", ""});
    const attacks::Interval interval = share->interval();
    return row.insert(row.end(), {text(share->value()), text(interval.low), text(interval.high)});
  };
  put(number.accuracy);
  row.push_back(number.verdict);
  number.figures.resize(8);
  row.insert(row.end(), number.figures.begin(), number.figures.end());
  put(of.clean);
  put(of.robust);
  row.insert(row.end(), {of.verdict, of.result});
  return row;
}

/// Both ends of a ball, and the share of images between them.
void add_ball(TextTable& rows, const CsvFile& of, const BallCounts& ball) {
  const std::string attack = listed(attack_specs(ball.asked), std::identity(), " ");
  const std::string radius = text(float{ball.asked.eps}), verdict = verdict_of(ball);
  rows.push_back(csv_row(of, {attack, "certified", radius, ball.certified(), verdict}));
  rows.push_back(csv_row(of, {attack, "attacked", radius, ball.attacked(), verdict}));
  rows.push_back(csv_row(of, {attack, "unknown", radius, ball.of_all(ball.count(defenses::Certainty::unknown))}));
}

void add_benchmark(TextTable& rows, const Publication& one) {
  const Run& run = one.run();
  const attacks::Evaluation& found = run.found;
  const CsvFile of{one.file,
                   run.plan.subject.model,
                   run.plan.subject.data,
                   text(found.size()),
                   threat_text(threat_model(run.plan)),
                   found.of_all(found.right),
                   found.of_all(found.robust),
                   one.verdict(),
                   one.manifest.name};
  for (std::size_t k = 0; k < found.attacks.size(); ++k) {
    const attacks::AttackResult& result = found.attacks[k];
    const std::string attack = text(result.attack.pinned());
    const auto median = [](const attacks::Summary& summary) { return summary.median ? text(*summary.median) : ""; };
    rows.push_back(
        csv_row(of, {attack,
                     "",
                     "",
                     found.of_all(result.robust_count),
                     run.plan.radii.empty() ? one.verdict(k, 0) : "",
                     {text(result.attempts.size()), text(result.successes), median(result.linf), median(result.l2),
                      median(result.l1), median(result.l0), text(result.gradients), text(result.forwards)}}));
    for (const attacks::StageResult& stage : result.stages) {
      rows.push_back(csv_row(of, {attack, text(stage.attack.pinned()), "", stage.robust}));
    }
    for (std::size_t r = 0; r < run.plan.radii.size(); ++r) {
      const float radius = run.plan.radii[r];
      rows.push_back(csv_row(of, {attack, "", text(radius), robust_within(found, result, static_cast<double>(radius)),
                                  one.verdict(k, r)}));
    }
  }
  for (const CertifiedBall& ball : run.certified) add_ball(rows, of, ball.counts());
}

void add_certification(TextTable& rows, const Certification& one) {
  CsvFile of{"", one.subject.model, one.subject.data, text(one.images), "", one.right};
  for (const auto& [file, ball] : one.balls) {
    of.file = file;
    of.threat = threat_of(one, float{ball.asked.eps});
    add_ball(rows, of, ball);
  }
  of.threat = threat_of(one, {});
  for (const auto& [file, part] : one.radii) {
    of.file = file;
    const std::string attack = listed(part.attacks, std::identity(), " ");
    for (const std::uint32_t steps : distinct_radii(part.found)) {
      const EndsAt ends = ends_at(part.found, steps);
      const std::string radius = text(static_cast<double>(steps) / radii_per_unit);
      rows.push_back(csv_row(of, {attack, "certified", radius, ends.certified}));
      rows.push_back(csv_row(of, {attack, "attacked", radius, ends.attacked}));
    }
  }
}

}  // namespace

std::string publication_csv(const Published& all) {
  TextTable rows{csv_heading()};
  for (const Publication& one : all.benchmarks) add_benchmark(rows, one);
  for (const Certification& one : all.certified) add_certification(rows, one);
  return listed(
      rows, [](const auto& row) { return text(listed(row, for_csv, ","), "\r\n"); }, "");
}

}  // namespace hans::apps
