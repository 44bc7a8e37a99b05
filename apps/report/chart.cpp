// A chart for a page: SVG that takes its colours from the page's style sheet.
#include "chart.hpp"
#include <algorithm>
#include <cmath>
#include <hans/core/error.hpp>
#include <span>
#include "report.hpp"

namespace hans::apps {
namespace {

constexpr double width = 480, height = 330;
constexpr double legend_line = 18;
constexpr double left = 56, right = 468, top = 44, bottom = 280;  // the plot inside the picture

struct Axes {
  double low, high;  ///< of x

  std::string x(double value) const { return fixed(left + (value - low) / (high - low) * (right - left), 1); }
  std::string y(double share) const { return fixed(bottom - std::clamp(share, 0.0, 1.0) * (bottom - top), 1); }
  std::string point(double value, double share) const { return text(x(value), ',', y(share)); }
};

std::string label(double x, double y, std::string_view anchor, std::string_view words, std::string_view more = {}) {
  return text("<text x=\"", fixed(x, 1), "\" y=\"", fixed(y, 1), "\" text-anchor=\"", anchor, "\"", more, ">",
              escape_html(words), "</text>\n");
}

std::string line(std::string_view kind, std::string_view x1, std::string_view y1, std::string_view x2,
                 std::string_view y2) {
  return text("<line class=\"", kind, "\" x1=\"", x1, "\" y1=\"", y1, "\" x2=\"", x2, "\" y2=\"", y2, "\"/>\n");
}

/// How much lower the plot lies for a legend of several lines.
double legend_extra(const Chart& chart) {
  const std::size_t curves = chart.curves.size();
  return curves > 2 ? legend_line * static_cast<double>(curves - 1) : 0;
}

// Round and square, so that the curves differ without colour.
std::string marker(std::size_t curve, const std::string& x, const std::string& y) {
  if (curve % 2 == 0) return text("<circle class=\"dot c", curve, "\" cx=\"", x, "\" cy=\"", y, "\" r=\"4\"/>\n");
  return text("<use class=\"dot c", curve, "\" href=\"#square\" x=\"", x, "\" y=\"", y, "\"/>\n");
}

constexpr std::size_t most_labels = 8, most_markers = 12;

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
    out += line("rule", axes.x(axes.low), axes.y(share), axes.x(axes.high), axes.y(share));
    out += label(left - 8, bottom - share * (bottom - top) + 4, "end", text(fixed(100 * share, 0), " %"));
  }
  for (const double value : labels_of(chart)) {
    out += line("tick", axes.x(value), fixed(bottom, 1), axes.x(value), fixed(bottom + 5, 1));
    out += label(left + (value - axes.low) / (axes.high - axes.low) * (right - left), bottom + 20, "middle",
                 text(static_cast<float>(value)));
  }
  out += label((left + right) / 2, height - 8, "middle", chart.x_label);
  return out;
}

std::string draw(const Chart& chart, const Axes& axes, std::size_t number) {
  const Curve& curve = chart.curves[number];
  const std::span<const double> xs = x_of(chart, curve);
  std::string path, band, markers;
  for (std::size_t i = 0; i < xs.size(); ++i) {
    path += text(i == 0 ? "" : " ", axes.point(xs[i], curve.y[i]));
    if (!curve.high.empty()) band += text(i == 0 ? "" : " ", axes.point(xs[i], curve.high[i]));
    if (xs.size() <= most_markers) markers += marker(number, axes.x(xs[i]), axes.y(curve.y[i]));
  }
  if (!curve.low.empty()) {
    for (std::size_t i = xs.size(); i-- > 0;) band += text(' ', axes.point(xs[i], curve.low[i]));
    band = text("<polygon class=\"band c", number, "\" points=\"", band, "\"/>\n");
  }
  return text(band, "<polyline class=\"line c", number, "\" points=\"", path, "\"/>\n", markers);
}

/// The names of the curves: two beside each other, more below each other.
std::string legend(const Chart& chart) {
  std::string out;
  double x = left + 4, y = 32;
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const std::string& name = chart.curves[i].name;
    out += marker(i, fixed(x, 1), fixed(y, 1));
    out += label(x + 10, y + 4, "start", name, text(" class=\"c", i, "\""));
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
  out += label(left - 48, 16, "start", chart.y_label);
  out += legend(chart);
  out += text("<g transform=\"translate(0,", fixed(legend_extra(chart), 0), ")\">\n", frame(chart, axes));
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    check_curve(chart, chart.curves[i]);
    out += draw(chart, axes, i);
  }
  return out + "</g>\n";
}

std::string svg(const Chart& chart, std::string_view attributes, std::string_view first) {
  return text("<svg class=\"chart\"", attributes, " viewBox=\"0 0 ", fixed(width, 0), ' ',
              fixed(height + legend_extra(chart), 0), "\" role=\"img\" aria-label=\"", escape_html(chart.title),
              "\">\n", first, content(chart), "</svg>\n");
}

}  // namespace

std::string svg_chart(const Chart& chart) { return svg(chart, "", ""); }

std::string svg_file(const Chart& chart) {
  return svg(chart, " xmlns=\"http://www.w3.org/2000/svg\"", text("<style>", chart_style(), "</style>\n"));
}

}  // namespace hans::apps
