// Radii of single images, by bisection.
#include "radii.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>

#include <hans/core/text.hpp>
#include <hans/nn/evaluate.hpp>
#include "run.hpp"

namespace hans::apps {
namespace {

using defenses::Certainty;
using defenses::Certificate;

constexpr double most_steps = 1U << 24;  // all below are exact as float

/// Where the two ends of one image's radius can still be, in steps; both ends of both intervals are known.
struct Bracket {
  std::int64_t certified, uncertified;  ///< -1: none is certified
  std::int64_t unfooled, fooled;        ///< one more than the largest radius: none is fooled

  /// The radius to try next; none: both ends are found.
  std::optional<std::int64_t> next() const {
    if (uncertified - certified > 1) return certified + (uncertified - certified) / 2;
    if (fooled - unfooled > 1) return unfooled + (fooled - unfooled) / 2;
    return {};
  }
  void learn(std::int64_t radius, Certainty certainty) {
    if (certainty == Certainty::certified) {
      certified = std::max(certified, radius);
    } else {
      uncertified = std::min(uncertified, radius);
    }
    if (certainty == Certainty::attacked) {
      fooled = std::min(fooled, radius);
    } else {
      unfooled = std::max(unfooled, radius);
    }
  }
  /// The bisections that are left, at most.
  std::size_t left() const {
    const auto steps = [](std::int64_t low, std::int64_t high) {
      return high - low > 1 ? static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(high - low - 1))) : 0;
    };
    return steps(certified, uncertified) + steps(unfooled, fooled);
  }
};

/// The median, if more than half of the right images have one.
std::string median_radius(std::vector<std::optional<std::uint32_t>> values) {
  std::ranges::sort(values, {},
                    [](const auto& one) { return one.value_or(std::numeric_limits<std::uint32_t>::max()); });
  const auto& middle = values[(values.size() - 1) / 2];
  return middle ? radius_text(*middle) : "none";
}

}  // namespace

float largest_radius(Norm norm, data::Box box, const Shape& image) {
  const double steps =
      std::floor(std::min(attacks::diameter(norm, box, image.elements()) * radii_per_unit, most_steps));
  return static_cast<float>(steps / radii_per_unit);
}

RadiiFound find_radii(const nn::Sequential& net, const data::Samples& samples, float most,
                      const std::function<defenses::CertifyOptions(float radius)>& asked,
                      const std::function<void(std::size_t done)>& shown) {
  const auto begun = std::chrono::steady_clock::now();
  const auto end = static_cast<std::int64_t>(double{most} * radii_per_unit) + 1;
  const std::size_t count = samples.size();
  const std::vector<int> predictions = nn::predict(net, samples.images);
  RadiiFound found;
  std::vector<Bracket> brackets;
  for (const std::size_t k : places(count)) {
    found.all.push_back({samples.index[k], samples.labels[k], predictions[k]});
    brackets.push_back(found.all[k].right() ? Bracket{-1, end, -1, end} : Bracket{-1, 0, -1, 0});
  }
  std::vector<bool> late(count);
  const auto left = [&] {
    std::size_t all = 0;
    for (const Bracket& bracket : brackets) all += bracket.left();
    return all;
  };
  const std::size_t whole = std::max<std::size_t>(left(), 1);
  for (;;) {
    std::map<std::int64_t, std::vector<std::size_t>> images;  // to be tried at each radius
    for (const std::size_t k : places(count)) {
      if (const auto radius = brackets[k].next()) images[*radius].push_back(k);
    }
    if (images.empty()) break;
    for (const auto& [radius, which] : images) {
      const defenses::CertifyOptions options = asked(static_cast<float>(radius) / float{radii_per_unit});
      for (std::size_t first = 0; first < which.size(); first += images_at_once) {
        const auto some = std::span(which).subspan(first, std::min(images_at_once, which.size() - first));
        const std::vector<Certificate> all = certify(net, samples.select(some), options);
        for (const std::size_t k : places(some.size())) {
          brackets[some[k]].learn(radius, all[k].certainty);
          if (all[k].doubt == defenses::Doubt::time) late[some[k]] = true;
        }
        shown(count * (whole - left()) / whole);
      }
    }
  }
  for (const std::size_t k : places(count)) {
    Radius& one = found.all[k];
    const Bracket& bracket = brackets[k];
    if (!one.right()) continue;
    if (bracket.certified >= 0) one.certified = static_cast<std::uint32_t>(bracket.certified);
    if (bracket.fooled < end) one.attacked = static_cast<std::uint32_t>(bracket.fooled);
  }
  found.late = static_cast<std::size_t>(std::ranges::count(late, true));
  found.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return found;
}

void extend(RadiiFound& found, const RadiiFound& more) {
  found.all.insert(found.all.end(), more.all.begin(), more.all.end());
  found.late += more.late;
  found.seconds += more.seconds;
}

Json radii_json(const RadiiFound& found) {
  return column(found.all, [](const Radius& one) {
    const auto radius = [](const std::optional<std::uint32_t>& steps) {
      return steps ? Json(static_cast<double>(*steps) / radii_per_unit) : Json();
    };
    return Json::object({{"index", one.index},
                         {"label", one.label},
                         {"prediction", one.prediction},
                         {"certified", radius(one.certified)},
                         {"attacked", radius(one.attacked)}});
  });
}

Radius read_radius(const Json& entry) {
  const auto steps = [](const Json& radius) -> std::optional<std::uint32_t> {
    if (radius.is_null()) return {};
    const double value = radius.number() * radii_per_unit;
    check(value >= 0 && value <= most_steps && value == std::floor(value), radius.number(), " is no radius");
    return static_cast<std::uint32_t>(value);
  };
  const auto natural = [](const Json& number) {
    const std::int64_t value = number.integer();
    check(value >= -1 && value < std::numeric_limits<int>::max(), "an index or a class is ", value);
    return static_cast<int>(value);
  };
  return {static_cast<std::uint32_t>(natural(entry.at("index"))), natural(entry.at("label")),
          natural(entry.at("prediction")), steps(entry.at("certified")), steps(entry.at("attacked"))};
}

std::string radius_text(std::uint64_t steps) { return fixed(static_cast<double>(steps) / radii_per_unit, 4); }

RadiusBins radius_bins(const RadiiFound& found) {
  constexpr std::uint32_t most_bins = 12;
  std::uint32_t largest = 0;
  for (const Radius& one : found.all)
    largest = std::max({largest, one.certified.value_or(0), one.attacked.value_or(0)});
  RadiusBins bins{std::bit_ceil(largest / most_bins + 1)};
  bins.counts.resize(largest / bins.width + 1);
  for (const Radius& one : found.all) {
    if (!one.right()) continue;
    ++(one.certified ? bins.counts[*one.certified / bins.width] : bins.none).certified;
    ++(one.attacked ? bins.counts[*one.attacked / bins.width] : bins.none).attacked;
  }
  return bins;
}

std::string radii_text(const RadiiFound& found) {
  std::vector<std::optional<std::uint32_t>> certified, attacked;
  std::size_t adjacent = 0;
  for (const Radius& one : found.all) {
    if (!one.right()) continue;
    certified.push_back(one.certified);
    attacked.push_back(one.attacked);
    adjacent += one.certified && one.attacked && *one.attacked == *one.certified + 1 ? 1U : 0U;
  }
  if (certified.empty()) return "no image is right\n";
  const RadiusBins bins = radius_bins(found);
  TextTable rows{{"radius", "certified", "attacked"}};
  for (const std::size_t k : places(bins.counts.size())) {
    rows.push_back({text(radius_text(k * bins.width), " to ", radius_text((k + 1) * bins.width)),
                    text(bins.counts[k].certified), text(bins.counts[k].attacked)});
  }
  rows.push_back({"none", text(bins.none.certified), text(bins.none.attacked)});
  return text(
      table_text(rows, "lrr"), "\nEach of the ", counted(certified.size(), "right image"),
      " is certified within its first radius; an adversarial image of it lies within its second.\nmedian: certified ",
      median_radius(certified), ", attacked ", median_radius(attacked), "; one step of 1/", radii_per_unit,
      " apart for ", counted(adjacent, "image"), "\n",
      found.late > 0 ? text("not reproducible: ", counted(found.late, "sample"), " hit the clock\n") : "");
}

}  // namespace hans::apps
