// A chart for a page: SVG that takes its colours from the page's style sheet.
#include "chart.hpp"
#include <algorithm>
#include <cmath>
#include <hans/core/error.hpp>
#include <span>
#include "../arguments.hpp"
#include "svg.hpp"

namespace hans::apps {
namespace {

constexpr double height = 330;
constexpr double legend_line = 18;
constexpr double left = 56, right = 468, top = 44, bottom = 280;  // the plot inside the picture

struct Axes {
  double low, high;  ///< of x

  double x(double value) const { return left + (value - low) / (high - low) * (right - left); }
  double y(double share) const { return bottom - std::clamp(share, 0.0, 1.0) * (bottom - top); }
  std::string point(double value, double share) const { return text(fixed(x(value), 1), ',', fixed(y(share), 1)); }
};

/// How much lower the plot lies for a legend of several lines.
double legend_extra(const Chart& chart) {
  const std::size_t curves = chart.curves.size();
  return curves > 2 ? legend_line * static_cast<double>(curves - 1) : 0;
}

// Round and square, so that the curves differ without colour.
std::string marker(std::size_t curve, double x, double y) {
  const std::string at_x = fixed(x, 1), at_y = fixed(y, 1);
  if (curve % 2 == 0) {
    return text("<circle class=\"dot c", curve, "\" cx=\"", at_x, "\" cy=\"", at_y, "\" r=\"4\"/>\n");
  }
  return text("<use class=\"dot c", curve, "\" href=\"#square\" x=\"", at_x, "\" y=\"", at_y, "\"/>\n");
}

constexpr std::size_t most_labels = 8, most_markers = 12, markers_of_long = 9;

/// The values that get a marker: all if they are few, else the first of each of some equal intervals.
std::vector<std::size_t> marked(std::span<const double> x) {
  std::vector<std::size_t> places;
  double next = x.front();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x.size() > most_markers && x[i] < next) continue;
    places.push_back(i);
    while (next <= x[i]) next += (x.back() - x.front()) / static_cast<double>(markers_of_long - 1);
  }
  return places;
}

void check_values(std::span<const double> values, std::size_t count, std::string_view name) {
  check(values.size() == count, "curve ", in_quotes(name), " has ", values.size(), " values for ", count, " x");
  for (const double value : values) check(std::isfinite(value), "curve ", in_quotes(name), " holds ", value);
}

void check_rising(std::span<const double> x, std::string_view name) {
  check(x.size() >= 2, "a chart needs two x at least, not ", x.size());
  check_values(x, x.size(), name);
  for (std::size_t i = 1; i < x.size(); ++i) {
    check(x[i - 1] < x[i], "the x of a chart rise, but ", x[i], " follows ", x[i - 1]);
  }
}

std::span<const double> x_of(const Chart& chart, const Curve& curve) { return curve.x.empty() ? chart.x : curve.x; }

void check_curve(const Chart& chart, const Curve& curve) {
  const std::span<const double> x = x_of(chart, curve);
  check_rising(x, curve.name);
  check_values(curve.y, x.size(), curve.name);
  if (curve.low.empty() && curve.high.empty()) return;
  check_values(curve.low, x.size(), curve.name);
  check_values(curve.high, x.size(), curve.name);
}

/// Where x gets a label: at its own values if they are few, else at round ones.
std::vector<double> labels_of(const Chart& chart) {
  const bool own = std::ranges::any_of(chart.curves, [](const Curve& curve) { return !curve.x.empty(); });
  if (!own && chart.x.size() <= most_labels) return chart.x;
  const double from = chart.x.front(), range = chart.x.back() - from;
  double step = std::pow(10, std::floor(std::log10(range)));
  while (range / step < 4) step /= 2;
  std::vector<double> all;
  for (int k = 0; from + k * step <= chart.x.back() * (1 + 1e-9); ++k) all.push_back(from + k * step);
  return all;
}

std::string frame(const Chart& chart, const Axes& axes) {
  std::string out;
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out += svg_line("rule", axes.x(axes.low), axes.y(share), axes.x(axes.high), axes.y(share));
    out += svg_label(left - 8, bottom - share * (bottom - top) + 4, "end", text(fixed(100 * share, 0), " %"));
  }
  for (const double value : labels_of(chart)) {
    out += svg_line("tick", axes.x(value), bottom, axes.x(value), bottom + 5);
    out += svg_label(axes.x(value), bottom + 20, "middle", text(static_cast<float>(value)));
  }
  out += svg_label((left + right) / 2, height - 8, "middle", chart.x_label);
  return out;
}

std::string draw(const Chart& chart, const Axes& axes, std::size_t number) {
  const Curve& curve = chart.curves[number];
  const std::span<const double> xs = x_of(chart, curve);
  std::string path, band, markers;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    path += text(i == 0 ? "" : " ", axes.point(xs[i], curve.y[i]));
    if (!curve.high.empty()) band += text(i == 0 ? "" : " ", axes.point(xs[i], curve.high[i]));
  }
  for (const std::size_t i : marked(xs)) markers += marker(number, axes.x(xs[i]), axes.y(curve.y[i]));
  if (!curve.low.empty()) {
    for (std::size_t i = xs.size(); i-- > 0;) band += text(' ', axes.point(xs[i], curve.low[i]));
    band = text("<polygon class=\"band c", number, "\" points=\"", band, "\"/>\n");
  }
  return text(band, "<polyline class=\"line c", number, "\" points=\"", path, "\"/>\n", markers);
}

/// The area between the first two curves.
std::string shaded_gap(const Chart& chart, const Axes& axes) {
  check(chart.curves.size() >= 2, "a shaded gap lies between two curves");
  const Curve &one = chart.curves[0], &other = chart.curves[1];
  const std::span<const double> xs = x_of(chart, one), back = x_of(chart, other);
  std::string points;
  for (std::size_t i = 0; i < xs.size(); ++i) points += text(i == 0 ? "" : " ", axes.point(xs[i], one.y[i]));
  for (std::size_t i = back.size(); i-- > 0;) points += text(' ', axes.point(back[i], other.y[i]));
  return text("<polygon class=\"gap\" points=\"", points, "\"/>\n");
}

/// The names of the curves: two beside each other, more below each other.
std::string legend(const Chart& chart) {
  std::string out;
  double x = left + 4, y = 32;
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const std::string& name = chart.curves[i].name;
    out += marker(i, x, y);
    out += svg_label(x + 10, y + 4, "start", name, text(" class=\"c", i, "\""));
    x += 40 + 7.5 * static_cast<double>(name.size());  // about the width of a letter
    if (chart.curves.size() > 2) {
      x = left + 4;
      y += legend_line;
    }
  }
  return out;
}

std::string content(const Chart& chart) {
  check_rising(chart.x, "x");
  check(chart.curves.size() <= most_curves, "a chart shows ", most_curves, " curves at most, not ",
        chart.curves.size());
  const Axes axes{chart.x.front(), chart.x.back()};
  std::string out = text("<defs><rect id=\"square\" x=\"-4\" y=\"-4\" width=\"8\" height=\"8\"/></defs>\n");
  out += svg_label(left - 48, 16, "start", chart.y_label);
  out += legend(chart);
  out += text("<g transform=\"translate(0,", fixed(legend_extra(chart), 0), ")\">\n", frame(chart, axes));
  for (const Curve& curve : chart.curves) check_curve(chart, curve);
  if (chart.shaded) out += shaded_gap(chart, axes);
  for (std::size_t i = 0; i < chart.curves.size(); ++i) out += draw(chart, axes, i);
  return out + "</g>\n";
}

/// The values with markers, in words.
std::string description(const Chart& chart) {
  std::string out = text(chart.x_label, ": ", chart.y_label);
  for (const Curve& curve : chart.curves) {
    const std::span<const double> xs = x_of(chart, curve);
    append(out, text("; ", curve.name, ": ", listed(marked(xs), [&](std::size_t i) {
                       return text(fixed(100 * curve.y[i], 1), " % at ", static_cast<float>(xs[i]));
                     })));
  }
  return out;
}

Drawing drawing_of(const Chart& chart) {
  Drawing out{chart.title, "", content(chart)};
  out.description = description(chart);
  out.height += legend_extra(chart);
  return out;
}

}  // namespace

std::string svg_chart(const Chart& chart) { return svg_of(drawing_of(chart)); }

std::string svg_file(const Chart& chart) { return svg_file_of(drawing_of(chart)); }

}  // namespace hans::apps
