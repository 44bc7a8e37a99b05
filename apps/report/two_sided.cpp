// A histogram of two quantities in the same intervals.
#include "two_sided.hpp"

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/text.hpp>
#include "svg.hpp"

namespace hans::apps {
namespace {

constexpr double bars_left = 30, bars_right = 450, axis = 160, half = 92;  // half: the height of the highest bar
constexpr double labels_y = 288, end_y = 322;
constexpr std::size_t most_edge_labels = 8;

/// Both bars of an interval that begins at x, with their counts.
std::string both_bars(const BothSides& counts, double x, double width, double per_image) {
  std::string out;
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    if (counts[side] == 0) continue;
    const double height = per_image * static_cast<double>(counts[side]);
    append(out, text("<rect class=\"bar c", side, "\" x=\"", fixed(x + 0.07 * width, 1), "\" y=\"",
                     fixed(side == 0 ? axis - height : axis, 1), "\" width=\"", fixed(0.86 * width, 1), "\" height=\"",
                     fixed(height, 1), "\"/>\n"));
    out += svg_label(x + width / 2, side == 0 ? axis - height - 5 : axis + height + 14, "middle", text(counts[side]));
  }
  return out;
}

std::string counts_text(const TwoSided& histogram, const BothSides& counts) {
  return text(histogram.names[0], " ", counts[0], ", ", histogram.names[1], " ", counts[1]);
}

Drawing drawing_of(const TwoSided& histogram) {
  const std::size_t count = histogram.bars.size();
  check(count > 0 && histogram.edges.size() == count + 1, "a histogram of ", count, " bars has ",
        histogram.edges.size(), " edges");
  std::size_t most = 1;
  for (const BothSides& bar : histogram.bars) most = std::max({most, bar[0], bar[1]});
  most = std::max({most, histogram.none[0], histogram.none[1]});
  const bool none = histogram.none != BothSides{};
  const double slots = static_cast<double>(count) + (none ? 1.5 : 0);
  const double width = (bars_right - bars_left) / slots, per_image = half / static_cast<double>(most);
  Drawing out{histogram.title, histogram.x_label, ""};
  for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
    out.content +=
        svg_label(bars_left, side == 0 ? 18 : 36, "start",
                  text(side == 0 ? "above: " : "below: ", histogram.names[side]), text(" class=\"c", side, "\""));
  }
  const std::size_t step = (count + most_edge_labels) / most_edge_labels;
  for (std::size_t k = 0; k <= count; ++k) {
    const double x = bars_left + static_cast<double>(k) * width;
    out.content += svg_line("rule", x, axis - half - 18, x, labels_y - 16);
    if (k % step == 0) out.content += svg_label(x, labels_y, "middle", histogram.edges[k]);
    if (k == count) break;
    out.content += both_bars(histogram.bars[k], x, width, per_image);
    append(out.description, text(k == 0 ? ": " : "; ", histogram.edges[k], " to ", histogram.edges[k + 1], ": ",
                                 counts_text(histogram, histogram.bars[k])));
  }
  if (none) {
    const double x = bars_right - width;
    out.content += both_bars(histogram.none, x, width, per_image);
    out.content += svg_label(x + width / 2, labels_y, "middle", "none");
    append(out.description, text("; none: ", counts_text(histogram, histogram.none)));
  }
  out.content += svg_line("tick", bars_left, axis, bars_right, axis);
  out.content += svg_label((bars_left + bars_right) / 2, end_y, "middle", histogram.x_label);
  return out;
}

}  // namespace

std::string svg_two_sided(const TwoSided& histogram) { return svg_of(drawing_of(histogram)); }

std::string svg_two_sided_file(const TwoSided& histogram) { return svg_file_of(drawing_of(histogram)); }

}  // namespace hans::apps
