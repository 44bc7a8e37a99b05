// Pieces of SVG that the figures of a page share.
#include "svg.hpp"

#include <hans/core/text.hpp>
#include "report.hpp"

namespace hans::apps {
namespace {

std::string whole_svg(const Drawing& drawing, std::string_view attributes, std::string_view first) {
  return text("<svg class=\"chart\"", attributes, " viewBox=\"0 0 ", fixed(drawing.width, 0), ' ',
              fixed(drawing.height, 0), "\" role=\"img\">\n<title>", escape_html(drawing.title), "</title>\n<desc>",
              escape_html(drawing.description), "</desc>\n", first, drawing.content, "</svg>\n");
}

}  // namespace

std::string svg_label(double x, double y, std::string_view anchor, std::string_view words, std::string_view more) {
  return text("<text x=\"", fixed(x, 1), "\" y=\"", fixed(y, 1), "\" text-anchor=\"", anchor, "\"", more, ">",
              escape_html(words), "</text>\n");
}

std::string svg_line(std::string_view kind, double x1, double y1, double x2, double y2) {
  return text("<line class=\"", kind, "\" x1=\"", fixed(x1, 1), "\" y1=\"", fixed(y1, 1), "\" x2=\"", fixed(x2, 1),
              "\" y2=\"", fixed(y2, 1), "\"/>\n");
}

std::string svg_of(const Drawing& drawing) { return whole_svg(drawing, "", ""); }

std::string svg_file_of(const Drawing& drawing) {
  return whole_svg(drawing, " xmlns=\"http://www.w3.org/2000/svg\"", text("<style>", chart_style(), "</style>\n"));
}

}  // namespace hans::apps
