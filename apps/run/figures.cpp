// Numbers as results show them: counts, shares with their intervals, tables.
#include "figures.hpp"

#include <algorithm>
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

std::string table_text(const TextTable& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool last = c + 1 == row.size();
      if (!last) out.append(widths[c] - row[c].size(), ' ');
      append(out, text(row[c], last ? "" : "   "));
    }
    out += '\n';
  }
  return out;
}

}  // namespace hans::apps
