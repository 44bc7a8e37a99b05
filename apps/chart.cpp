// A chart for a page: SVG that takes its colours from the page's style sheet.
#include <algorithm>
#include <cmath>
#include <hans/apps/chart.hpp>
#include <hans/apps/report.hpp>
#include <hans/core/error.hpp>
#include <span>

namespace hans::apps {
namespace {

constexpr double width = 480, height = 330;
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

// Round and square, so that the curves differ without colour.
std::string marker(std::size_t curve, const std::string& x, const std::string& y) {
  if (curve == 0) return text("<circle class=\"dot c0\" cx=\"", x, "\" cy=\"", y, "\" r=\"4\"/>\n");
  return text("<use class=\"dot c", curve, "\" href=\"#square\" x=\"", x, "\" y=\"", y, "\"/>\n");
}

void check_curve(const Chart& chart, std::span<const double> values, std::string_view name) {
  check(values.size() == chart.x.size(), "curve ", in_quotes(name), " has ", values.size(), " values for ",
        chart.x.size(), " x");
  for (const double value : values) check(std::isfinite(value), "curve ", in_quotes(name), " holds ", value);
}

std::string frame(const Chart& chart, const Axes& axes) {
  std::string out;
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out += line("rule", axes.x(axes.low), axes.y(share), axes.x(axes.high), axes.y(share));
    out += label(left - 8, bottom - share * (bottom - top) + 4, "end", text(fixed(100 * share, 0), " %"));
  }
  for (const double value : chart.x) {
    out += line("tick", axes.x(value), fixed(bottom, 1), axes.x(value), fixed(bottom + 5, 1));
    out += label(left + (value - axes.low) / (axes.high - axes.low) * (right - left), bottom + 20, "middle",
                 text(static_cast<float>(value)));
  }
  out += label((left + right) / 2, height - 8, "middle", chart.x_label);
  return out;
}

std::string draw(const Chart& chart, const Axes& axes, std::size_t number) {
  const Curve& curve = chart.curves[number];
  std::string path, band, markers;
  for (std::size_t i = 0; i < chart.x.size(); ++i) {
    path += text(i == 0 ? "" : " ", axes.point(chart.x[i], curve.y[i]));
    band += text(i == 0 ? "" : " ", axes.point(chart.x[i], curve.high[i]));
    markers += marker(number, axes.x(chart.x[i]), axes.y(curve.y[i]));
  }
  for (std::size_t i = chart.x.size(); i-- > 0;) band += text(' ', axes.point(chart.x[i], curve.low[i]));
  return text("<polygon class=\"band c", number, "\" points=\"", band, "\"/>\n<polyline class=\"line c", number,
              "\" points=\"", path, "\"/>\n", markers);
}

}  // namespace

std::string svg_chart(const Chart& chart) {
  check(chart.x.size() >= 2, "a chart needs two x at least, not ", chart.x.size());
  check(chart.curves.size() <= 2, "a chart shows two curves at most, not ", chart.curves.size());
  check_curve(chart, chart.x, "x");
  for (std::size_t i = 1; i < chart.x.size(); ++i) {
    check(chart.x[i - 1] < chart.x[i], "the x of a chart rise, but ", chart.x[i], " follows ", chart.x[i - 1]);
  }
  const Axes axes{chart.x.front(), chart.x.back()};
  std::string out = text("<svg class=\"chart\" viewBox=\"0 0 ", fixed(width, 0), ' ', fixed(height, 0),
                         "\" role=\"img\" aria-label=\"", escape_html(chart.title), "\">\n",
                         "<defs><rect id=\"square\" x=\"-4\" y=\"-4\" width=\"8\" height=\"8\"/></defs>\n");
  out += label(left - 48, 16, "start", chart.y_label);
  out += frame(chart, axes);
  double x = left + 4;
  for (std::size_t i = 0; i < chart.curves.size(); ++i) {
    const Curve& curve = chart.curves[i];
    check_curve(chart, curve.y, curve.name);
    check_curve(chart, curve.low, curve.name);
    check_curve(chart, curve.high, curve.name);
    out += draw(chart, axes, i);
    out += marker(i, fixed(x, 1), fixed(32, 1));
    out += label(x + 10, 36, "start", curve.name, text(" class=\"c", i, "\""));
    x += 40 + 7.5 * static_cast<double>(curve.name.size());  // about the width of a letter
  }
  return out + "</svg>\n";
}

}  // namespace hans::apps
