// Pieces of SVG that the figures of a page share.
#pragma once

#include <string>
#include <string_view>

namespace hans::apps {

/// Words at a place; `more` attributes.
std::string svg_label(double x, double y, std::string_view anchor, std::string_view words, std::string_view more = {});

/// A line of the style sheet's class `kind`.
std::string svg_line(std::string_view kind, double x1, double y1, double x2, double y2);

/// A figure: what programs read aloud (title, and in words what it shows), and its content.
struct Drawing {
  std::string title, description, content;
  double width = 480, height = 330;
};

/// The figure for a page, whose style sheet colours it; and as a file of its own, with its colours.
std::string svg_of(const Drawing& drawing);
std::string svg_file_of(const Drawing& drawing);

}  // namespace hans::apps
