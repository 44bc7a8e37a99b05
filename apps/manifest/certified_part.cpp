// The results of `hans certify --eps` on a part of the images.
#include "certified_part.hpp"

#include <array>

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

Json slice_json(const Subject& subject, const Slice& slice) {
  return Json::object(
      {{"first", slice.first}, {"count", slice.count}, {"images", slice.whole}, {"data_size", subject.data_size}});
}

void read_part(const Json& all, Subject& subject, Slice& slice) {
  const std::string& version = all.at("hans").string();
  check(version == build_version(), "it was made by hans ", version, ", this is ", build_version());
  const Json* said = all.find("part");
  check(said != nullptr, "it is no part: hans certify --shard NUMBER/COUNT --json FILE writes parts");
  slice = {count_at(*said, "first"), count_at(*said, "count"), count_at(*said, "images")};
  subject.data_size = count_at(*said, "data_size");
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
      .set("attacks",
           column(part.balls, [](const CertifiedBall& ball) { return column(ball.specs(), std::identity()); }));
  return json;
}

Json part_json(const CertifiedPart& part) {
  Json json = certified_json(part.subject, part.balls, true, part.slice.first);
  Json slice = slice_json(part.subject, part.slice);
  json.set("part", slice.set("per_sample", part.per_sample));
  return json;
}

Json whole_json(const CertifiedPart& whole) { return certified_json(whole.subject, whole.balls, whole.per_sample); }

bool is_certified(const Json& json) { return json.is_object() && json.find("certify") && !json.find("manifest"); }

CertifiedPart parse_certified_part(std::string_view bytes) {
  const Json all = Json::parse(bytes);
  check(is_certified(all), "it has no results of hans certify --eps");
  CertifiedPart part;
  read_part(all, part.subject, part.slice);
  part.per_sample = all.at("part").at("per_sample").boolean();
  const std::uint64_t seed = part.subject.seed;
  for (const Json& ball : all.at("certify").items()) part.balls.push_back(ball_of(ball, part.slice, seed));
  check(!part.balls.empty(), "certify has no ball");
  for (const CertifiedBall& ball : part.balls) {
    const defenses::CertifyOptions &one = ball.asked, &other = part.balls.front().asked;
    check(one.norm == other.norm && one.method == other.method && one.nodes == other.nodes &&
              one.seconds == other.seconds,
          ball.words(), " and ", part.balls.front().words(), " differ in norm, method, nodes or timeout");
  }
  check_follows(part_json(part), without_reservation(all), "it", build_version());
  return part;
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
