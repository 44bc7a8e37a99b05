// Results of hans certify, put together by what they are about.
#include "certification.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include <hans/core/hash.hpp>
#include <hans/core/version.hpp>
#include "../../core/text/detail/utf8.hpp"
#include "../manifest/kind.hpp"
#include "../manifest/reading.hpp"
#include "../run/plan.hpp"

namespace hans::apps {
namespace {

using defenses::Certainty;
using defenses::Certificate;

Norm norm_of(const CertifiedFile& file) {
  return file.within ? file.within->balls.front().asked.norm : file.radii->asked.norm;
}

/// What files must share to stand in one section.
std::string question_of(const CertifiedFile& file) {
  const Subject& subject = file.subject();
  return text(subject.model_sha256, " ", subject.preprocessing, " ", subject.data_sha256, " ", subject.box.lo, " ",
              subject.box.hi, " ", file.slice().count, " ", enum_name(norm_of(file)));
}

attacks::Share right_of(const CertifiedFile& file) {
  return file.within ? file.within->balls.front().right() : file.radii->found.right();
}

/// A radius of an image that some file knows.
struct KnownRadius {
  double radius = 0;
  std::string file;
};

/// The largest certified and the smallest attacked radius of an image that any file knows.
struct KnownEnds {
  std::optional<KnownRadius> certified, attacked;

  void certify(double radius, const std::string& file) {
    if (!certified || radius > certified->radius) certified = {radius, file};
  }
  void attack(double radius, const std::string& file) {
    if (!attacked || radius < attacked->radius) attacked = {radius, file};
  }
};

void learn(std::map<std::uint32_t, KnownEnds>& images, const CertifiedBall& ball, const std::string& file) {
  const double eps = double{float{ball.asked.eps}};
  for (const Certificate& one : ball.all) {
    if (one.certainty == Certainty::certified) images[one.index].certify(eps, file);
    if (one.certainty == Certainty::attacked) images[one.index].attack(eps, file);
  }
}

void learn(std::map<std::uint32_t, KnownEnds>& images, const CertifiedFile& file) {
  if (file.within) {
    for (const CertifiedBall& ball : file.within->certificates) learn(images, ball, file.name);
    return;
  }
  for (const Radius& one : file.radii->found.all) {
    const auto radius = [](std::uint32_t steps) { return static_cast<double>(steps) / radii_per_unit; };
    if (one.certified) images[one.index].certify(radius(*one.certified), file.name);
    if (one.attacked) images[one.index].attack(radius(*one.attacked), file.name);
  }
}

/// What a benchmark of the same model and data knows.
void learn(std::map<std::uint32_t, KnownEnds>& images, const NamedRun& named, const CertifiedFile& file) {
  const Subject &about = named.run->plan.subject, &subject = file.subject();
  if (about.model_sha256 != subject.model_sha256 || about.preprocessing != subject.preprocessing ||
      about.data_sha256 != subject.data_sha256) {
    return;
  }
  const attacks::Evaluation& found = named.run->found;
  for (const attacks::AttackResult& result : found.attacks) {
    if (result.budget.prediction_only || result.budget.box != subject.box) continue;
    for (const attacks::Attempt& attempt : result.attempts) {
      if (!attempt.finding.evades) continue;
      images[found.samples.index[attempt.sample]].attack(attempt.finding.distance.of(norm_of(file)), named.file);
    }
  }
  for (const CertifiedBall& ball : named.run->certified) {
    if (ball.asked.norm == norm_of(file)) learn(images, ball, named.file);
  }
}

constexpr std::string_view one_is_wrong = ": one of the two is wrong; please report this with model and data";

/// Throws Error if files about the same images contradict each other or a benchmark.
void check_files(std::span<const CertifiedFile* const> files, std::span<const NamedRun> runs) {
  const CertifiedFile& front = *files.front();
  std::map<std::uint32_t, KnownEnds> images;
  for (const CertifiedFile* file : files) {
    const attacks::Share right = right_of(*file), other = right_of(front);
    check(right.part() == other.part(), "of the same images ", other.part(), " are right in ", front.name, " and ",
          right.part(), " in ", file->name, one_is_wrong);
    learn(images, *file);
    for (const CertifiedFile* more : files) {
      if (!file->within || !more->within) continue;
      for (const BallCounts& one : file->within->balls) {
        for (const BallCounts& two : more->within->balls) {
          try {
            check_counts(one, two);
          } catch (const Error& error) {
            throw Error(text(file->name, " and ", more->name, ": ", error.what()));
          }
        }
      }
    }
  }
  for (const NamedRun& run : runs) learn(images, run, front);
  for (const auto& [index, ends] : images) {
    check(!ends.certified || !ends.attacked || ends.certified->radius < ends.attacked->radius, "image ", index,
          " is certified within ", ends.certified ? ends.certified->radius : 0, " in ",
          ends.certified ? ends.certified->file : "", ", but attacked within ",
          ends.attacked ? ends.attacked->radius : 0, " in ", ends.attacked ? ends.attacked->file : "", one_is_wrong);
  }
}

}  // namespace

CertifiedFile read_certified_file(const std::string& path) {
  CertifiedFile file{visible(std::filesystem::path(path).filename().string()), sha256(read_file(path))};
  if (kind_of(path) == FileKind::radii) {
    file.radii = of_json_file(path, parse_radii);
  } else {
    file.within = of_json_file(path, parse_certified);
  }
  check(file.slice().complete(), path, " is a part of a run; hans merge joins all parts");
  return file;
}

bool Certification::several_files() const {
  std::vector<std::string> names;
  for (const Ball& ball : balls) names.push_back(ball.file);
  return std::ranges::adjacent_find(names, std::not_equal_to()) != names.end();
}

std::vector<Certification> certifications(std::span<const CertifiedFile> files, std::span<const NamedRun> runs) {
  std::vector<std::pair<std::string, std::vector<const CertifiedFile*>>> groups;
  for (const CertifiedFile& file : files) {
    const std::string question = question_of(file);
    const auto same = [&](const auto& group) { return group.first == question; };
    const auto group = std::ranges::find_if(groups, same);
    (group == groups.end() ? groups.emplace_back(question, std::vector<const CertifiedFile*>()) : *group)
        .second.push_back(&file);
  }
  std::vector<Certification> all;
  for (const auto& [question, group] : groups) {
    check_files(group, runs);
    const CertifiedFile& front = *group.front();
    Certification& one =
        all.emplace_back(Certification{front.subject(), front.slice().count, right_of(front), norm_of(front)});
    for (const CertifiedFile* file : group) {
      if (file->radii) one.radii.push_back({file->name, *file->radii});
      if (!file->within) continue;
      for (const BallCounts& ball : file->within->balls) one.balls.push_back({file->name, ball});
    }
    std::ranges::stable_sort(one.balls, {},
                             [](const Certification::Ball& ball) { return float{ball.counts.asked.eps}; });
  }
  return all;
}

std::string title_of(const Certification& one) {
  return text(one.subject.model, " on ", images_text(one.subject, one.images), ", ", enum_name(one.norm));
}

std::string threat_of(const Certification& one, std::optional<float> eps) {
  const double size = eps ? double{*eps} : std::numeric_limits<double>::infinity();
  return threat_text({{one.norm, size, one.subject.box}, "none"});
}

std::string sentence_of(const Certification& one, const BallCounts& ball) {
  return certified_sentence(one.subject, ball, {std::string(build_version()), attack_specs(ball.asked)});
}

std::string verdict_of(const BallCounts& ball) {
  return std::string(ball.exact() ? enum_name(attacks::Verdict::exact) : "");
}

TextTable ends_rows(std::span<const Certification> all) {
  const bool several = all.size() > 1, files = std::ranges::any_of(all, &Certification::several_files);
  TextTable rows{{"within", "certified accuracy", "attacked accuracy", "verdict"}};
  if (files) rows[0].insert(rows[0].begin() + 1, "file");
  if (several) rows[0].insert(rows[0].begin(), "model");
  if (several) rows[0].push_back("clean accuracy");
  for (const Certification& one : all) {
    for (const auto& [file, ball] : one.balls) {
      std::vector<std::string> row;
      if (several) row.push_back(text(one.subject.model, " on ", images_text(one.subject, one.images)));
      row.push_back(ball.words());
      if (files) row.push_back(file);
      row.insert(row.end(), {share_text(ball.certified()), share_text(ball.attacked()), verdict_of(ball)});
      if (several) row.push_back(share_text(ball.right()));
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

TextTable decided_rows(const Certification& one) {
  const bool late = std::ranges::any_of(one.balls, [](const auto& ball) { return ball.counts.late > 0; });
  TextTable rows{{"within", "certified", "attacked", "unknown", "wrong"}};
  if (late) rows[0].push_back("hit the clock");
  for (const Certification::Ball& of_file : one.balls) {
    const BallCounts& ball = of_file.counts;
    const auto by = [&](Certainty certainty, const auto& steps, const auto& counts) {
      std::string names;
      for (const std::size_t k : places(steps.size())) {
        if (counts[k] == 0) continue;
        append(names, text(names.empty() ? "" : ", ", enum_name(steps[k]), " ", with_commas(counts[k])));
      }
      return text(with_commas(ball.count(certainty)), names.empty() ? "" : text(" (", names, ")"));
    };
    rows.push_back({ball.words(), by(Certainty::certified, proving_steps(ball.asked.method), ball.certified_by),
                    by(Certainty::attacked, fooling_steps, ball.attacked_by),
                    with_commas(ball.count(Certainty::unknown)), with_commas(ball.count(Certainty::wrong))});
    if (late) rows.back().push_back(with_commas(ball.late));
  }
  return rows;
}

TextTable gap_rows(const RadiiPart& part) {
  constexpr std::size_t most_rows = 10;
  constexpr std::int64_t nothing = -1, everything = std::numeric_limits<std::int64_t>::max() / 2;
  struct Gap {
    std::int64_t steps;
    const Radius* image;
  };
  std::vector<Gap> gaps;
  for (const Radius& one : part.found.all) {
    if (!one.right()) continue;
    const std::int64_t low = one.certified ? std::int64_t{*one.certified} : nothing;
    const std::int64_t high = one.attacked ? std::int64_t{*one.attacked} : everything;
    if (high - low > 1) gaps.push_back({high - low, &one});
  }
  std::ranges::stable_sort(gaps, std::ranges::greater(), &Gap::steps);
  gaps.resize(std::min(gaps.size(), most_rows));
  TextTable rows{{"image", "label", "certified within", "attacked within", "apart"}};
  for (const Gap& gap : gaps) {
    const Radius& one = *gap.image;
    const auto shown = [](const std::optional<std::uint32_t>& steps) { return steps ? radius_text(*steps) : "none"; };
    rows.push_back({text(one.index), text(one.label), shown(one.certified), shown(one.attacked),
                    one.certified && one.attacked ? radius_text(*one.attacked - *one.certified) : "-"});
  }
  return rows;
}

}  // namespace hans::apps
