// The sentence to cite: one number with everything needed to make it again.
#include "sentence.hpp"

#include <algorithm>
#include <cmath>

#include <hans/core/kernels.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "../arguments.hpp"

namespace hans::apps {
namespace {

bool is_clip(std::string_view key) { return key == "clip_min" || key == "clip_max"; }

/// "clipped to [0,1]" or "not clipped". The @cleverhans versions clip only if both ends are given.
std::string clip_text(const Spec& spec, const attacks::Budget& budget) {
  const auto clips = std::ranges::count_if(spec.items, [](const Spec::Item& item) { return is_clip(item.key); });
  const bool clipped =
      budget.prediction_only ? clips == 2 : std::isfinite(budget.box.lo) || std::isfinite(budget.box.hi);
  return clipped ? text("clipped to [", budget.box.lo, ",", budget.box.hi, "]") : "not clipped";
}

std::string aim_text(const std::string& targets) {
  if (targets == "none") return "";
  if (targets == "next") return "targeted at the class after the label";
  if (targets == "all") return "targeted at every other class in turn";
  if (targets == "random") return "targeted at a random other class";
  return text("targeted at class ", targets);
}

}  // namespace

Spec as_written(const attacks::Attack& attack, data::Box box, bool shortest) {
  Spec spec = attack.spec();
  const Spec complete = attack.resolved(box).spec();
  const auto follows = [&](const Spec& shorter, std::string_view key) {
    try {
      const attacks::Attack other = attacks::Attack::from_spec(shorter);
      const Spec shown = other.spec();
      return (shortest || shown.find(key) == nullptr) && other.resolved(box).spec() == complete;
    } catch (const UsageError&) {
      return false;
    }
  };
  for (const Spec::Item& item : complete.items) {
    Spec shorter = spec;
    std::erase_if(shorter.items, [&](const Spec::Item& one) { return one.key == item.key; });
    if (follows(shorter, item.key)) spec = std::move(shorter);
  }
  for (Spec::Item& item : spec.items) {
    float eps = 0;
    if (item.key == "eps" && read_number(item.value, eps)) item.value = eps_text(eps);
    if (!item.nested) continue;
    attacks::Attacks parts;
    read_value(item.value, parts);
    item.value = listed(
        parts.all, [&](const attacks::Attack& part) { return as_written(part, box, shortest); }, "]/[");
  }
  return spec;
}

Json clean_json(const Subject& subject, attacks::Share right) {
  Json json = Json::object({{"hans", build_version()},
                            {"model", subject.model},
                            {"model_sha256", subject.model_sha256},
                            {"architecture", subject.architecture},
                            {"preprocessing", subject.preprocessing},
                            {"data", subject.data},
                            {"data_sha256", subject.data_sha256},
                            {"box", Json::array({subject.box.lo, subject.box.hi})},
                            {"seed", subject.seed},
                            {"sample_count", right.whole()}});
  return set_accuracy(json, "clean_accuracy", right);
}

std::string images_text(const Subject& subject, std::size_t count, std::size_t first) {
  const std::string slice = first > 0                   ? text("images ", first, " to ", first + count - 1, " of ")
                            : count < subject.data_size ? text("the first ", with_commas(count), " of ")
                                                        : "";
  return text(slice, "the ", with_commas(subject.data_size), " image", subject.data_size == 1 ? "" : "s", " of ",
              subject.data);
}

std::string provenance_text(const Subject& subject) {
  return text(" | data ", subject.data, " sha256 ", subject.data_sha256, " | preprocessing ", subject.preprocessing,
              " | architecture ", subject.architecture, " | model ", subject.model, " sha256 ", subject.model_sha256,
              " | seed ", subject.seed);
}

std::string hans_text(std::string_view version) {
  const std::string_view reservation = kernels::reservation();
  return text("v", version, " of hans", reservation.empty() ? "" : text(" (", reservation, ")"));
}

std::string sentence(const Subject& subject, const Claim& claim) {
  const Spec spec = as_written(claim.attack, subject.box);
  const std::string name = spec.version.empty() ? spec.name : text(spec.name, "@", spec.version);
  std::string settings;
  const auto add = [&](std::string_view part) {
    if (!part.empty()) append(settings, text(settings.empty() ? " with " : ", ", part));
  };
  for (const Spec::Item& item : spec.items) {
    if (!is_clip(item.key)) add(text("`", item.key, "` of ", item.nested ? text("[", item.value, "]") : item.value));
  }
  add(aim_text(claim.targets));
  add(clip_text(spec, claim.budget));
  if (claim.radius) add(text("kept within ", eps_text(*claim.radius), " in ", enum_name(claim.budget.norm)));

  const std::string verdict = claim.verdict ? text("; verdict ", enum_name(*claim.verdict)) : "";
  const std::string first =
      text("We benchmarked the robustness of ", subject.model, " to adversarial attack using ",
           hans_text(claim.version), ". On ", images_text(subject, claim.robust.whole(), claim.first), " modified by `",
           name, "`", settings, ", we obtained a test set accuracy of ", percent_of(claim.robust), " % (95 % interval ",
           interval_text(claim.robust), "; ", percent_of(claim.right), " % on the unmodified images", verdict, ").");
  return text(first, "\n", claim.attack.pinned(), " | targets ", claim.targets, provenance_text(subject));
}

}  // namespace hans::apps
