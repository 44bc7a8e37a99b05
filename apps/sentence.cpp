// The sentence to cite: one number with everything needed to make it again.
#include <hans/apps/sentence.hpp>

#include <algorithm>

#include <hans/core/kernels.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

std::string in_brackets(std::string_view words) { return words.empty() ? "" : text(" (", words, ")"); }

std::string full_name(const Spec& spec) {
  return spec.version.empty() ? spec.name : text(spec.name, "@", spec.version);
}

bool is_clip(std::string_view key) { return key == "clip_min" || key == "clip_max"; }

// "clipped to [0,1]", "not clipped"; nothing for an attack that has no such parameters. The @cleverhans versions keep
// an open end open, and clip only if both are given.
std::string clip_text(const attacks::Attack& attack) {
  const attacks::AttackInfo info = attack.info();
  const Spec spec = attack.spec();
  if (std::none_of(info.fields.begin(), info.fields.end(),
                   [](const FieldInfo& field) { return is_clip(field.name); })) {
    return "";
  }
  const Spec::Item* low = spec.find("clip_min");
  const Spec::Item* high = spec.find("clip_max");
  const bool clipped = low != nullptr && high != nullptr && (low->value != "-inf" || high->value != "inf");
  return clipped ? text("clipped to [", low->value, ",", high->value, "]") : "not clipped";
}

std::string aim_text(const std::string& targets) {
  if (targets == "none") return "";
  if (targets == "next") return "targeted at the class after the label";
  if (targets == "all") return "targeted at every other class in turn";
  if (targets == "random") return "targeted at a random other class";
  return text("targeted at class ", targets);
}

}  // namespace

std::string with_commas(std::uint64_t value) {
  std::string digits = text(value);
  for (std::size_t k = digits.size(); k > 3; k -= 3) digits.insert(k - 3, 1, ',');
  return digits;
}

std::string percent_of(std::size_t right, std::size_t n) {
  return fixed(100 * static_cast<double>(right) / static_cast<double>(n), 2);
}

std::string interval_text(std::size_t right, std::size_t n) {
  const attacks::Interval interval = attacks::wilson(right, n);
  return text(fixed(100 * interval.low, 2), " to ", fixed(100 * interval.high, 2));
}

std::string images_text(const Subject& subject, std::size_t count) {
  const std::string slice = count < subject.data_size ? text("first ", with_commas(count), " of the ") : "";
  return text("the ", slice, with_commas(subject.data_size), " image", subject.data_size == 1 ? "" : "s", " of ",
              subject.data);
}

std::string targets_text(attacks::Targets targets, const attacks::Attack& attack) {
  using Kind = attacks::Targets::Kind;
  switch (targets.kind) {
    case Kind::by_attack:
      return attack.info().targets_by_default ? "next" : "none";
    case Kind::next:
      return "next";
    case Kind::all:
      return "all";
    case Kind::random:
      return "random";
    case Kind::one:
      break;
  }
  return text(targets.target);
}

std::string sentence(const Subject& subject, const Claim& claim) {
  const Spec given = claim.given.spec();
  const std::string targets = targets_text(claim.targets, claim.given);
  std::string settings;
  const auto add = [&](std::string_view part) {
    if (!part.empty()) append(settings, text(settings.empty() ? " with " : ", ", part));
  };
  for (const Spec::Item& item : given.items) {
    if (!is_clip(item.key)) add(text("`", item.key, "` of ", item.value));
  }
  add(aim_text(targets));
  add(clip_text(claim.resolved));

  const std::string first =
      text("We benchmarked the robustness of ", subject.model, " to adversarial attack using v", build_version(),
           " of hans", in_brackets(kernels::reservation()), ". On ", images_text(subject, claim.samples),
           " modified by `", full_name(given), "`", settings, ", we obtained a test set accuracy of ",
           percent_of(claim.robust, claim.samples), " % (95 % interval ", interval_text(claim.robust, claim.samples),
           "; ", percent_of(claim.right, claim.samples), " % on the unmodified images).");
  const std::string second =
      text(claim.resolved.pinned(), " | targets ", targets, " | data ", subject.data, " sha256 ", subject.data_sha256,
           " | preprocessing ", subject.preprocessing, " | architecture ", subject.architecture, " | model ",
           subject.model, " sha256 ", subject.model_sha256, " | seed ", subject.seed);
  return text(first, "\n", second);
}

}  // namespace hans::apps
