// Certificates of a model.
#include "certified.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include <hans/core/fields.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "../arguments.hpp"

namespace hans::apps {
namespace {

using attacks::Share;
using defenses::Certainty;
using defenses::Certificate;
using defenses::Doubt;
using defenses::Step;

constexpr std::string_view report_it = "please report this with model and data";
constexpr double no_bound = std::numeric_limits<double>::quiet_NaN();
constexpr std::array all_doubts{Doubt::nodes, Doubt::time, Doubt::rounding, Doubt::nan, Doubt::bound};

std::size_t number_of(const CertifiedBall& ball, Doubt doubt) {
  return static_cast<std::size_t>(std::ranges::count_if(
      ball.all, [&](const Certificate& one) { return one.certainty == Certainty::unknown && one.doubt == doubt; }));
}

Json steps_json(std::span<const Step> steps, std::span<const std::size_t> counts) {
  Json json = Json::object();
  for (const std::size_t k : places(steps.size())) json.set(enum_name(steps[k]), counts[k]);
  return json;
}

Json sample_json(const Certificate& one) {
  const bool bounded = one.runner_up >= 0 && std::isfinite(one.bound);
  const auto name = [](const auto& value) { return value ? Json(enum_name(*value)) : Json(); };
  return Json::object({{"index", one.index},
                       {"label", one.label},
                       {"prediction", one.prediction},
                       {"verdict", enum_name(one.certainty)},
                       {"reason", one.certainty == Certainty::unknown ? name(one.doubt) : Json()},
                       {"method", one.certainty == Certainty::wrong ? Json() : name(one.step)},
                       {"bound", bounded ? Json(one.bound) : Json()},
                       {"nodes", one.nodes},
                       {"real", one.real},
                       {"float32", one.float32},
                       {"runner_up", one.runner_up >= 0 ? Json(one.runner_up) : Json()}});
}

/// That this hans certified a ball, with the ball's own attacks, from the image `first` on.
CertifiedBy by_this(const BallCounts& ball, std::size_t first) {
  return {std::string(build_version()), attack_specs(ball.asked), first};
}

Json ball_json(const Subject& subject, const BallCounts& ball, std::size_t first) {
  const defenses::CertifyOptions& asked = ball.asked;
  Json json = Json::object({{"eps", hans::detail::number_json(float{asked.eps})},
                            {"norm", enum_name(asked.norm)},
                            {"method", enum_name(asked.method)},
                            {"nodes", asked.nodes},
                            {"timeout", asked.seconds > 0 ? Json(asked.seconds) : Json()},
                            {"attacks", column(attack_specs(asked), std::identity())}});
  set_ends(json, ball).set("not_reproducible", ball.late);
  json.set("attacked_by", steps_json(fooling_steps, ball.attacked_by));
  json.set("nodes_used", ball.nodes);
  json.set("seconds", ball.seconds).set("sentence", certified_sentence(subject, ball, by_this(ball, first)));
  return json;
}

std::vector<BallCounts> counts_of(std::span<const CertifiedBall> balls) {
  std::vector<BallCounts> all;
  for (const CertifiedBall& ball : balls) all.push_back(ball.counts());
  return all;
}

/// "ibp 0, crown 379": how many each of these decided.
std::string steps_text(std::span<const Step> steps, std::span<const std::size_t> counts) {
  return listed(
      places(steps.size()), [&](std::size_t k) { return text(enum_name(steps[k]), " ", counts[k]); }, ", ");
}

/// Both ends of one number, and where they come from.
std::string ends_text(const CertifiedBall& ball) {
  const BallCounts counts = ball.counts();
  std::string lines = text(ball.words(), ": ", ends_words(counts.certified(), counts.attacked()), "\n  certified by ",
                           steps_text(proving_steps(ball.asked.method), counts.certified_by), "\n  attacked by ",
                           steps_text(fooling_steps, counts.attacked_by), "\n");
  std::string reasons;
  for (const Doubt doubt : all_doubts) {
    const std::size_t many = number_of(ball, doubt);
    if (many > 0) append(reasons, text(reasons.empty() ? "  unknown: " : ", ", enum_name(doubt), " ", many));
  }
  if (!reasons.empty()) append(lines, text(reasons, "\n"));
  const auto branched =
      static_cast<std::size_t>(std::ranges::count_if(ball.all, [](const Certificate& one) { return one.nodes > 0; }));
  if (branched > 0) {
    append(lines,
           text("  branched: ", counted(branched, "image"), ", ",
                fixed(static_cast<double>(counts.nodes) / static_cast<double>(branched), 1), " nodes on average\n"));
  }
  if (counts.late > 0) append(lines, text("  not reproducible: ", counted(counts.late, "sample"), " hit the clock\n"));
  return lines;
}

}  // namespace

std::vector<defenses::Step> proving_steps(defenses::CertifyMethod method) {
  using enum defenses::Step;
  std::vector all{ibp, crown, alpha, branching};
  const defenses::Step last = defenses::steps_of(method).back();
  if (std::ranges::find(all, last) == all.end()) all.push_back(last);
  return all;
}

std::string ball_words(const defenses::CertifyOptions& asked) {
  return text(enum_name(asked.norm), " ", eps_text(asked.eps));
}

std::vector<std::string> attack_specs(const defenses::CertifyOptions& asked) {
  std::vector<std::string> all_specs;
  for (const auto& attack : {asked.first, asked.second}) {
    if (attack) all_specs.push_back(text(attack->pinned()));
  }
  return all_specs;
}

BallCounts CertifiedBall::counts() const {
  BallCounts counts{asked};
  const auto add = [](const auto& steps, auto& by, const Certificate& one) {
    for (const std::size_t k : places(steps.size())) by[k] += one.step == steps[k] ? 1U : 0U;
  };
  const std::vector<defenses::Step> proving = proving_steps(asked.method);
  counts.certified_by.resize(proving.size());
  for (const Certificate& one : all) {
    ++counts.verdicts[static_cast<std::size_t>(one.certainty)];
    if (one.certainty == Certainty::certified) add(proving, counts.certified_by, one);
    if (one.certainty == Certainty::attacked) add(fooling_steps, counts.attacked_by, one);
    counts.nodes += one.nodes;
  }
  counts.late = number_of(*this, Doubt::time);
  counts.seconds = seconds;
  return counts;
}

void extend(CertifiedBall& ball, CertifiedBall more) {
  ball.all.insert(ball.all.end(), std::make_move_iterator(more.all.begin()), std::make_move_iterator(more.all.end()));
  ball.seconds += more.seconds;
}

void certify_next(std::span<CertifiedBall> balls, const nn::Sequential& net, const data::Samples& samples, bool keep,
                  const std::function<void(std::size_t done)>& shown) {
  for (const std::size_t b : places(balls.size())) {
    const auto begun = std::chrono::steady_clock::now();
    CertifiedBall more{balls[b].asked};
    more.asked.progress = [&](std::size_t decided) { shown((b * samples.size() + decided) / balls.size()); };
    more.all = certify(net, samples, more.asked);
    for (Certificate& one : more.all) {
      if (!keep) one.counterexample = {};
    }
    more.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    extend(balls[b], std::move(more));
  }
}

std::vector<bool> fooled_within(const CertifiedBall& ball, const attacks::Evaluation& found) {
  std::vector<bool> fooled(found.size());
  for (const attacks::AttackResult& result : found.attacks) {
    for (const attacks::Attempt& attempt : result.attempts) {
      const double distance = attempt.finding.distance.of(ball.asked.norm);
      if (!attempt.finding.evades || !(distance <= double{float{ball.asked.eps}})) continue;
      fooled[attempt.sample] = true;
      check(attempt.sample >= ball.all.size() || ball.all[attempt.sample].certainty != Certainty::certified, "image ",
            found.samples.index[attempt.sample], " is certified within ", ball.words(), ", but ",
            result.attack.info().name, " fooled it there: one of the two is wrong; ", report_it);
    }
  }
  return fooled;
}

void settle(std::span<CertifiedBall> balls, const attacks::Evaluation& found) {
  for (CertifiedBall& ball : balls) {
    const std::vector<bool> fooled = fooled_within(ball, found);
    for (const std::size_t k : places(ball.all.size())) {
      Certificate& one = ball.all[k];
      if (!fooled[k]) continue;
      one = {one.index, one.label, one.prediction, Certainty::attacked, {}, defenses::Step::attack, no_bound};
    }
  }
  check_consistent(balls);
}

void certify_more(std::span<CertifiedBall> balls, const attacks::Evaluation& found, const nn::Sequential& net,
                  const data::Samples& samples,
                  const std::function<void(std::size_t ball, std::size_t done, std::size_t total)>& shown) {
  const std::size_t first = found.size() - samples.size();
  for (const std::size_t b : places(balls.size())) {
    const auto begun = std::chrono::steady_clock::now();
    CertifiedBall& ball = balls[b];
    const std::vector<bool> fooled = fooled_within(ball, found);
    std::array<std::vector<std::size_t>, 2> halves;  // those not fooled, and the others
    for (const std::size_t k : places(samples.size())) halves[fooled[first + k] ? 1 : 0].push_back(k);
    ball.all.resize(found.size());
    std::size_t decided = 0;
    for (const std::vector<std::size_t>& half : halves) {
      defenses::CertifyOptions asked = ball.asked;
      if (&half == &halves[1]) asked.method = std::min(asked.method, defenses::CertifyMethod::crown);
      asked.progress = [&](std::size_t done) { shown(b, decided + done, samples.size()); };
      std::vector<Certificate> made = certify(net, samples.select(half), asked);
      for (const std::size_t k : places(half.size())) {
        if (made[k].runner_up < 0) made[k].bound = no_bound;
        made[k].counterexample = {};
        ball.all[first + half[k]] = std::move(made[k]);
      }
      decided += half.size();
    }
    ball.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }
  settle(balls, found);
}

void refuse_uncertifiable(std::span<const CertifiedBall> balls, const nn::Sequential& net, const data::Dataset& data) {
  try {
    for (const CertifiedBall& ball : balls) (void)certify(net, data.samples(0, 0), ball.asked);
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

void check_consistent(std::span<const CertifiedBall> balls) {
  for (const CertifiedBall& large : balls) {
    for (const CertifiedBall& small : balls) {
      if (float{small.asked.eps} > float{large.asked.eps}) continue;
      for (const std::size_t k : places(large.all.size())) {
        const Certificate& one = large.all[k];
        check(one.certainty != Certainty::certified || small.all[k].certainty != Certainty::attacked, "image ",
              one.index, " is certified within ", large.words(), ", but an adversarial image of it lies within ",
              small.words(), ": one of the two is wrong; ", report_it);
      }
    }
  }
}

void check_counts(const BallCounts& one, const BallCounts& other) {
  const bool smaller = float{one.asked.eps} <= float{other.asked.eps};
  const BallCounts &small = smaller ? one : other, &large = smaller ? other : one;
  const std::size_t certified = large.count(Certainty::certified), attacked = small.count(Certainty::attacked);
  const std::size_t right = large.right().part();
  check(certified + attacked <= right, certified, " images are certified within ", large.words(), ", and ", attacked,
        " attacked within ", small.words(), ", of only ", right, " right ones: one of the two is wrong; ", report_it);
}

std::string certified_sentence(const Subject& subject, const BallCounts& ball, const CertifiedBy& by) {
  const std::string attacks = listed(by.attacks, std::identity(), " ");
  return text(
      "We certified the robustness of ", subject.model, " with ", hans_text(by.version), ". On ",
      images_text(subject, ball.images(), by.first), " within ", ball.words(), ", features in [", subject.box.lo, ",",
      subject.box.hi, "], we obtained a certified accuracy of ", percent_of(ball.certified()), " % (95 % interval ",
      interval_text(ball.certified()), "; ", percent_of(ball.right()),
      " % on the unmodified images). No attack lowers the accuracy below that; the adversarial images found lower "
      "it to ",
      percent_of(ball.attacked()), " %", ball.exact() ? ", so the number is exact" : "", ".\ncertify method ",
      enum_name(ball.asked.method), ", nodes ", ball.asked.nodes, ", attacks ", attacks.empty() ? "none" : attacks,
      provenance_text(subject));
}

Json& set_ends(Json& json, const BallCounts& ball) {
  for (const Certainty one : {Certainty::certified, Certainty::attacked, Certainty::unknown, Certainty::wrong}) {
    json.set(enum_name(one), ball.count(one));
  }
  set_accuracy(json, "certified_accuracy", ball.certified());
  set_accuracy(json, "attacked_accuracy", ball.attacked());
  return json.set("by_method", steps_json(proving_steps(ball.asked.method), ball.certified_by));
}

Json certified_json(const Subject& subject, std::span<const CertifiedBall> balls, bool per_sample, std::size_t first) {
  return certified_json(subject, counts_of(balls), per_sample ? balls : std::span<const CertifiedBall>(), first);
}

Json certified_json(const Subject& subject, std::span<const BallCounts> balls,
                    std::span<const CertifiedBall> certificates, std::size_t first) {
  Json json = clean_json(subject, balls.front().right());
  json.set("data_size", subject.data_size);
  return json.set("certify", column(places(balls.size()), [&](std::size_t b) {
                    Json ball = ball_json(subject, balls[b], first);
                    if (!certificates.empty()) ball.set("samples", column(certificates[b].all, sample_json));
                    return ball;
                  }));
}

std::string certified_text(const Subject& subject, std::span<const CertifiedBall> balls, std::size_t first) {
  TextTable rows{{"eps", "clean", "certified (lower end)", "under attack (upper end)", "unknown", "seconds"}};
  const auto cell = [](Share share) { return text(with_commas(share.part()), "  ", share_text(share)); };
  std::string ends, sentences;
  for (const CertifiedBall& ball : balls) {
    const BallCounts counts = ball.counts();
    rows.push_back({eps_text(ball.asked.eps), cell(counts.right()), cell(counts.certified()), cell(counts.attacked()),
                    with_commas(counts.count(Certainty::unknown)), fixed(ball.seconds, 1)});
    append(ends, ends_text(ball));
    append(sentences, text(certified_sentence(subject, counts, by_this(counts, first)), "\n\n"));
  }
  const std::string norm(enum_name(balls.front().asked.norm));
  return text(
      subject.model, " on ", images_text(subject, balls.front().all.size(), first), ", ", norm, "\n\n",
      table_text(rows, "rrrrrr"), "\n", ends, "\n", sentences, "Proved: no image within eps of a certified one in ",
      norm, ", with features in [", subject.box.lo, ",", subject.box.hi,
      "], has another prediction, in real arithmetic and in every float32 program that computes the logits, adding in any order, with "
      "or without FMA. This says nothing of images outside that ball.\n");
}

}  // namespace hans::apps
