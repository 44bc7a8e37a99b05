// Numbers as results show them: counts, shares with their intervals, tables.
#include "figures.hpp"

#include <cmath>

#include <hans/core/text.hpp>

namespace hans::apps {

std::string with_commas(std::uint64_t value) {
  std::string digits = text(value);
  for (std::size_t k = digits.size(); k > 3; k -= 3) digits.insert(k - 3, 1, ',');
  return digits;
}

std::string counted(std::uint64_t count, std::string_view what) {
  return text(count, " ", what, count == 1 ? "" : "s");
}

std::string percent_of(attacks::Share share) { return fixed(100 * share.value(), 2); }

std::string ends_words(attacks::Share certified, attacks::Share attacked) {
  return text("certified ", percent_of(certified), " % <= true <= ", percent_of(attacked), " %",
              certified == attacked ? ": EXACT" : "");
}

std::string interval_text(attacks::Share share) {
  const attacks::Interval interval = share.interval();
  return text(fixed(100 * interval.low, 2), " to ", fixed(100 * interval.high, 2));
}

std::string share_text(attacks::Share share) { return text(percent_of(share), " % (", interval_text(share), ")"); }

std::string eps_text(float eps) {
  constexpr std::size_t short_decimal = 6;  // "0." and four digits
  std::string decimal = text(eps);
  const double steps = std::round(255 * static_cast<double>(eps));
  const bool fraction = steps >= 1 && steps <= 254 && static_cast<float>(steps / 255) == eps;
  return fraction && decimal.size() > short_decimal ? text(static_cast<int>(steps), "/255") : decimal;
}

std::string escaped(std::string_view words, std::string_view special) {
  std::string out;
  for (const char c : words) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

Json& set_accuracy(Json& json, std::string_view key, attacks::Share share) {
  const attacks::Interval interval = share.interval();
  return json.set(key, share.value()).set(text(key, "_interval"), Json::array({interval.low, interval.high}));
}

}  // namespace hans::apps
