// The results of `hans certify --eps` on a part of the images.
#include "certified_part.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <hans/core/version.hpp>
#include "../../core/text/detail/utf8.hpp"
#include "manifest.hpp"
#include "parts.hpp"
#include "reading.hpp"

namespace hans::apps {
namespace {

using defenses::Certainty;
using defenses::Certificate;

defenses::CertifyOptions asked_of(const Json& ball, std::uint64_t seed) {
  defenses::CertifyOptions asked{.norm = enum_of<Norm>(ball.at("norm")), .eps = float_of(ball.at("eps"), "eps")};
  check(asked.eps.value() >= 0, "eps is ", asked.eps.value());
  asked.method = enum_of<defenses::CertifyMethod>(ball.at("method"));
  asked.nodes = ball.at("nodes").natural();
  if (const Json& timeout = ball.at("timeout"); !timeout.is_null()) asked.seconds = timeout.number();
  asked.seed = seed;
  const Json::Array& specs = ball.at("attacks").items();
  check(specs.size() <= 2, "attacks has ", specs.size(), " entries; there are at most 2");
  for (const Json& spec : specs) {
    (asked.first ? asked.second : asked.first) = attacks::Attack::from_spec(Spec::parse(spec.string()));
  }
  return asked;
}

int class_of(const Json& json, std::string_view what) {
  const std::int64_t value = json.integer();
  check(value >= -1 && value < std::numeric_limits<int>::max(), what, " is ", value);
  return static_cast<int>(value);
}

Certificate certificate_of(const Json& row) {
  Certificate one{static_cast<std::uint32_t>(count_at(row, "index")), class_of(row.at("label"), "label"),
                  class_of(row.at("prediction"), "prediction"), enum_of<Certainty>(row.at("verdict"))};
  one.doubt = optional_of<defenses::Doubt>(row.at("reason"));
  one.step = optional_of<defenses::Step>(row.at("method"));
  const Json &bound = row.at("bound"), &runner_up = row.at("runner_up");
  one.bound = bound.is_null() ? std::numeric_limits<double>::quiet_NaN() : bound.number();
  one.nodes = row.at("nodes").natural();
  one.real = row.at("real").boolean();
  one.float32 = row.at("float32").boolean();
  one.runner_up = runner_up.is_null() ? -1 : class_of(runner_up, "runner_up");
  return one;
}

CertifiedBall ball_of(const Json& json, const Slice& slice, std::uint64_t seed) {
  CertifiedBall ball{asked_of(json, seed)};
  ball.seconds = json.at("seconds").number();
  const Json::Array& rows = json.at("samples").items();
  check(rows.size() == slice.count, "there are certificates of ", rows.size(), " images, of ", slice.count);
  for (const std::size_t k : places(rows.size())) {
    const Certificate& one = ball.all.emplace_back(certificate_of(rows[k]));
    check(one.index == slice.first + k, "certificate ", k, " is of image ", one.index, ", not ", slice.first + k);
    const bool fooled = one.certainty == Certainty::attacked && one.step == defenses::Step::attack;
    const std::string_view wrong = contradiction(one, fooled, ball.asked);
    check(wrong.empty(), "the certificate of image ", one.index, " within ", ball.words(), ": ", wrong);
  }
  return ball;
}

/// Why such counts cannot be; empty if they can.
std::string_view contradiction(const BallCounts& ball) {
  const auto sum = [](const auto& counts) { return std::accumulate(counts.begin(), counts.end(), std::size_t{0}); };
  const std::size_t certified = ball.count(Certainty::certified), attacked = ball.count(Certainty::attacked);
  if (sum(ball.certified_by) != certified) return "by_method does not add up to certified";
  if (sum(ball.attacked_by) != attacked) return "attacked_by does not add up to attacked";
  const defenses::CertifyMethod method = ball.asked.method;
  const std::vector<defenses::Step> proving = proving_steps(method);
  const std::span<const defenses::Step> asked = defenses::steps_of(method);
  for (const std::size_t k : places(proving.size())) {
    const bool was_asked = std::ranges::find(asked, proving[k]) != asked.end();
    if (ball.certified_by[k] > 0 && !was_asked) return "a step certified that was not asked for";
  }
  const auto& [by_attack, by_branching] = ball.attacked_by;
  if (by_attack > 0 && !ball.asked.first && !ball.asked.second) return "attacks fooled images, and there is no attack";
  const bool minimisers = std::ranges::find(asked, defenses::Step::alpha) != asked.end();  // are tried
  if (by_branching > 0 && !minimisers) return "nothing was branched";
  if (ball.nodes > 0 && method != defenses::CertifyMethod::complete) return "nothing was branched";
  if (ball.late > 0 && !(ball.asked.seconds > 0)) return "there is no clock";
  return ball.late > ball.count(Certainty::unknown) ? "more images hit the clock than are unknown" : "";
}

/// The counts of a ball of which the file has no certificates.
BallCounts counts_of(const Json& json, const Slice& slice, std::uint64_t seed) {
  BallCounts ball{asked_of(json, seed)};
  const auto read = [](const Json& from, const auto& names, auto& counts) {
    for (const std::size_t k : places(names.size())) counts[k] = count_at(from, enum_name(names[k]));
  };
  read(json, std::array{Certainty::certified, Certainty::attacked, Certainty::unknown, Certainty::wrong},
       ball.verdicts);
  const std::vector<defenses::Step> proving = proving_steps(ball.asked.method);
  ball.certified_by.resize(proving.size());
  read(json.at("by_method"), proving, ball.certified_by);
  read(json.at("attacked_by"), fooling_steps, ball.attacked_by);
  ball.late = count_at(json, "not_reproducible");
  ball.nodes = json.at("nodes_used").natural();
  ball.seconds = json.at("seconds").number();
  check(ball.images() == slice.count, ball.words(), ": certified, attacked, unknown and wrong add up to ",
        ball.images(), " images, of ", slice.count);
  const std::string_view wrong = contradiction(ball);
  check(wrong.empty(), ball.words(), ": ", wrong);
  return ball;
}

/// Throws Error for balls of one file that no run of hans certify can have come to.
void check_together(std::span<const BallCounts> balls) {
  check(!balls.empty(), "certify has no ball");
  const BallCounts& front = balls.front();
  for (const BallCounts& ball : balls) {
    const defenses::CertifyOptions &one = ball.asked, &other = front.asked;
    check(one.norm == other.norm && one.method == other.method && one.nodes == other.nodes &&
              one.seconds == other.seconds,
          ball.words(), " and ", front.words(), " differ in norm, method, nodes or timeout");
    const auto same_eps = [&](const BallCounts& more) { return float{more.asked.eps} == float{one.eps}; };
    check(std::ranges::count_if(balls, same_eps) == 1, ball.words(), " is there twice");
    check(ball.right().part() == front.right().part(), ball.words(), " and ", front.words(), " have ",
          ball.count(Certainty::wrong), " and ", front.count(Certainty::wrong), " wrong images");
  }
}

void check_same_samples(std::span<const CertifiedBall> balls) {
  const auto same = [](const Certificate& one, const Certificate& other) {
    return one.label == other.label && one.prediction == other.prediction;
  };
  for (const CertifiedBall& ball : balls) {
    const auto [one, other] = std::ranges::mismatch(ball.all, balls.front().all, same);
    check(one == ball.all.end(), "image ", one == ball.all.end() ? 0 : one->index,
          " has other labels or predictions within ", ball.words(), " and within ", balls.front().words());
  }
}

std::vector<BallCounts> counts_of(std::span<const CertifiedBall> balls) {
  std::vector<BallCounts> all;
  for (const CertifiedBall& ball : balls) all.push_back(ball.counts());
  return all;
}

/// `results` with the key `part`.
Json as_part(Json results, const Slice& slice, bool per_sample) {
  Json part = slice_json(slice);
  results.set("part", part.set("per_sample", per_sample));
  return results;
}

CertifiedResults results_of(const Json& all) {
  check(is_certified(all), "it has no results of hans certify --eps");
  CertifiedResults found;
  read_subject(all, found.subject, found.slice);
  const Json::Array& balls = all.at("certify").items();
  const bool certificates = !balls.empty() && balls.front().find("samples") != nullptr;
  for (const Json& ball : balls) {
    if (certificates) {
      found.certificates.push_back(ball_of(ball, found.slice, found.subject.seed));
    } else {
      found.balls.push_back(counts_of(ball, found.slice, found.subject.seed));
    }
  }
  if (certificates) found.balls = counts_of(found.certificates);
  check_together(found.balls);
  check_same_samples(found.certificates);
  Json made = certified_json(found.subject, found.balls, found.certificates, found.slice.first);
  if (const Json* part = all.find("part"); part != nullptr) {
    check(certificates, "it is a part without certificates");
    made = as_part(std::move(made), found.slice, part->at("per_sample").boolean());
  }
  check_follows(made, without_reservation(all), "it", build_version());
  return found;
}

}  // namespace

Json subject_json(const Subject& subject) {
  return Json::object({{"hans", build_version()},
                       {"seed", subject.seed},
                       {"model_sha256", subject.model_sha256},
                       {"architecture", subject.architecture},
                       {"preprocessing", subject.preprocessing},
                       {"data_sha256", subject.data_sha256},
                       {"data_size", subject.data_size},
                       {"box", Json::array({subject.box.lo, subject.box.hi})}});
}

Json slice_json(const Slice& slice) {
  return Json::object({{"first", slice.first}, {"count", slice.count}, {"images", slice.whole}});
}

void check_is_part(const Json& all) {
  check(all.find("part") != nullptr, "it is no part: hans certify --shard NUMBER/COUNT --json FILE writes parts");
}

void read_subject(const Json& all, Subject& subject, Slice& slice) {
  const std::string& version = all.at("hans").string();
  check(version == build_version(), "it was made by hans ", version, ", this is ", build_version());
  const std::size_t count = count_at(all, "sample_count");
  const Json* part = all.find("part");
  slice = part != nullptr ? Slice{count_at(*part, "first"), count_at(*part, "count"), count_at(*part, "images")}
                          : Slice{0, count, count};
  subject.data_size = count_at(all, "data_size");
  check(slice.first + slice.count <= slice.whole && slice.whole <= subject.data_size, "the slice of ", slice.count,
        " images from ", slice.first, " does not fit ", slice.whole, " of ", subject.data_size);
  subject.model = visible(all.at("model").string());
  subject.data = visible(all.at("data").string());
  subject.model_sha256 = all.at("model_sha256").string();
  subject.architecture = all.at("architecture").string();
  subject.preprocessing = all.at("preprocessing").string();
  subject.data_sha256 = all.at("data_sha256").string();
  subject.seed = all.at("seed").natural();
  const Json::Array& box = all.at("box").items();
  check(box.size() == 2, "box has ", box.size(), " ends; there are 2");
  subject.box = {float_of(box[0], "box"), float_of(box[1], "box")};
}

std::string without_reservation(const Json& all) {
  constexpr std::array<std::string_view, 1> of_the_build{"reservation"};
  return dump_without(all, of_the_build);
}

Json question_json(const CertifiedPart& part) {
  const defenses::CertifyOptions& asked = part.balls.front().asked;
  Json json = subject_json(part.subject);
  json.set("images", part.slice.whole)
      .set("eps", column(part.balls, [](const CertifiedBall& ball) { return Json(float{ball.asked.eps}); }))
      .set("norm", enum_name(asked.norm))
      .set("method", enum_name(asked.method))
      .set("nodes", asked.nodes)
      .set("timeout", asked.seconds > 0 ? Json(asked.seconds) : Json())
      .set("attacks", column(part.balls, [](const CertifiedBall& ball) {
             return column(attack_specs(ball.asked), std::identity());
           }));
  return json;
}

Json part_json(const CertifiedPart& part) {
  return as_part(certified_json(part.subject, part.balls, true, part.slice.first), part.slice, part.per_sample);
}

Json whole_json(const CertifiedPart& whole) { return certified_json(whole.subject, whole.balls, whole.per_sample); }

bool is_certified(const Json& json) { return json.is_object() && json.find("certify") && !json.find("manifest"); }

CertifiedPart parse_certified_part(std::string_view bytes) {
  const Json all = Json::parse(bytes);
  check(is_certified(all), "it has no results of hans certify --eps");
  check_is_part(all);
  CertifiedResults found = results_of(all);
  return {std::move(found.subject), found.slice, all.at("part").at("per_sample").boolean(),
          std::move(found.certificates)};
}

CertifiedResults parse_certified(std::string_view bytes) {
  CertifiedResults found = results_of(Json::parse(bytes));
  check_consistent(found.certificates);
  for (const BallCounts& one : found.balls) {
    for (const BallCounts& other : found.balls) check_counts(one, other);
  }
  return found;
}

CertifiedPart read_certified_part(const std::filesystem::path& path) {
  return of_json_file(path, [](std::string_view bytes) { return parse_certified_part(bytes); });
}

CertifiedPart merge(std::span<const CertifiedPart> parts, std::span<const std::string> names) {
  std::vector<Part> all;
  for (const std::size_t k : places(parts.size())) all.push_back({names[k], parts[k].slice, question_json(parts[k])});
  const std::vector<std::size_t> order = in_order(all, runs_of_certify);
  CertifiedPart whole = parts[order[0]];
  for (const std::size_t next : std::span(order).subspan(1)) {
    for (const std::size_t b : places(whole.balls.size())) extend(whole.balls[b], parts[next].balls[b]);
    whole.slice.count += parts[next].slice.count;
    whole.per_sample = whole.per_sample && parts[next].per_sample;
  }
  check_consistent(whole.balls);
  return whole;
}

defenses::ProofFile merge(std::span<const defenses::ProofFile> parts, std::span<const std::string> names) {
  std::vector<Part> all;
  for (const std::size_t k : places(parts.size())) {
    const defenses::ProofFile& one = parts[k];
    check(one.part.has_value(), names[k], ": it is no part: hans certify --shard NUMBER/COUNT --out FILE writes parts");
    const auto [first, count, whole] = *one.part;
    all.push_back({names[k],
                   {static_cast<std::size_t>(first), static_cast<std::size_t>(count), static_cast<std::size_t>(whole)},
                   Json::object({{"hans", one.version},
                                 {"model_sha256", one.model_sha256},
                                 {"data_sha256", one.data_sha256},
                                 {"eps", one.eps},
                                 {"box", Json::array({one.box.lo, one.box.hi})},
                                 {"images", whole}})});
  }
  const std::vector<std::size_t> order = in_order(all, runs_of_certify);
  defenses::ProofFile whole = parts[order[0]];
  whole.part.reset();
  for (const std::size_t next : std::span(order).subspan(1)) extend(whole, parts[next]);
  return whole;
}

}  // namespace hans::apps
