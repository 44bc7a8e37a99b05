// Pictures of images and of what an attack did to them.
#include "pictures.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <hans/core/error.hpp>
#include <hans/data/png.hpp>
#include "report.hpp"

namespace hans::apps {
namespace {

constexpr std::array<double, 3> raised{255, 159, 28};  // orange and blue: told apart by everybody
constexpr std::array<double, 3> lowered{64, 160, 255};

std::uint8_t to_byte(double value) { return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

void check_image(std::span<const real> image, const Shape& shape) {
  check(shape.rank() == 3 && (shape[2] == 1 || shape[2] == 3), "a picture is made of height x width x 1 or 3, not of ",
        shape);
  check(image.size() == shape.elements(), "a picture of ", shape, " needs ", shape.elements(), " numbers, not ",
        image.size());
  for (const real value : image) {
    check(std::isfinite(value), "a picture cannot show ", value, ": every feature must be finite");
  }
}

// Grey of a pixel, 0 to 255.
double grey(const Picture& picture, std::size_t row, std::size_t column) {
  double sum = 0;
  for (std::size_t channel = 0; channel < picture.channels; ++channel) {
    sum += picture.pixels[(row * picture.width + column) * picture.channels + channel];
  }
  return sum / static_cast<double>(picture.channels);
}

void panel(Html& html, const Picture& picture, std::string_view alt, std::string_view caption,
           std::string_view attributes = {}) {
  html.open("div", attributes).markup(img_tag(picture, alt)).element("span", caption).close();
}

}  // namespace

Picture image_picture(std::span<const real> image, const Shape& shape, data::Box box) {
  check_image(image, shape);
  check(std::isfinite(box.lo) && std::isfinite(box.hi) && box.lo < box.hi, "a picture needs a finite range, not ",
        box.lo, " to ", box.hi);
  Picture out{shape[0], shape[1], shape[2], {}};
  out.pixels.reserve(image.size());
  const double lo = static_cast<double>(box.lo), hi = static_cast<double>(box.hi);
  for (const real value : image) out.pixels.push_back(to_byte(255 * ((static_cast<double>(value) - lo) / (hi - lo))));
  return out;
}

Picture change_picture(std::span<const real> original, std::span<const real> image, const Shape& shape) {
  check_image(original, shape);
  check_image(image, shape);
  const std::size_t channels = shape[2], pixels = shape[0] * shape[1];
  std::vector<double> changes(pixels);  // of each pixel the change of the channel that changed most
  double largest = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    const double change = static_cast<double>(image[i]) - static_cast<double>(original[i]);
    double& most = changes[i / channels];
    if (std::abs(change) > std::abs(most)) most = change;
    largest = std::max(largest, std::abs(change));
  }
  Picture out{shape[0], shape[1], 3, {}};
  out.pixels.reserve(3 * pixels);
  for (const double change : changes) {
    const double share = largest > 0 ? std::abs(change) / largest : 0;
    const std::array<double, 3>& colour = change > 0 ? raised : lowered;
    for (const double part : colour) out.pixels.push_back(to_byte(share * part));
  }
  return out;
}

std::vector<std::string> ascii_picture(const Picture& picture) {
  constexpr std::string_view ramp = " .:-=+*#%@";
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < picture.height; row += 2) {
    std::string line;
    for (std::size_t column = 0; column < picture.width; ++column) {
      const double upper = grey(picture, row, column);
      // A single changed pixel must not be halved away, so the brighter of the two counts.
      const double both = row + 1 < picture.height ? std::max(upper, grey(picture, row + 1, column)) : upper;
      line += ramp[static_cast<std::size_t>(std::lround(both * static_cast<double>(ramp.size() - 1) / 255))];
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string picture_png(const Picture& picture) {
  return data::encode_png(picture.height, picture.width, picture.channels, picture.pixels);
}

std::string img_tag(const Picture& picture, std::string_view alt, std::string_view attributes) {
  std::string out = text("<img src=\"", png_uri(picture_png(picture)), "\" width=\"", picture.width, "\" height=\"",
                         picture.height, "\" alt=\"", escape_html(alt), "\"");
  if (!attributes.empty()) out += text(' ', attributes);
  return out + '>';
}

std::string triptych(const Triptych& panels) {
  Html html;
  html.open("div", "class=\"triptych\"");
  panel(html, panels.original, "original", panels.original_text);
  html.element("b", "+", "aria-hidden=\"true\"");
  panel(html, panels.change, "what the attack changed", panels.change_text);
  html.element("b", "=", "aria-hidden=\"true\"");
  panel(html, panels.adversarial, "adversarial image", panels.adversarial_text,
        panels.fooled ? "class=\"fooled\"" : "");
  html.close();
  return html.take();
}

std::string grid(const Grid& pictures) {
  const std::size_t n = pictures.classes;
  check(pictures.cells.size() == n * n, "a grid of ", n, " classes has ", n * n, " cells, not ", pictures.cells.size());
  check(pictures.names.size() == n, "a grid of ", n, " classes has as many names, not ", pictures.names.size());
  Html html;
  html.open("table", "class=\"grid\"").open("tr").element("th", "");
  for (const std::string& name : pictures.names) html.element("th", name, "scope=\"col\"");
  html.close();
  for (std::size_t source = 0; source < n; ++source) {
    html.open("tr").element("th", pictures.names[source], "scope=\"row\"");
    for (std::size_t target = 0; target < n; ++target) {
      const Grid::Cell& cell = pictures.at(source, target);
      const std::string_view kind = source == target ? "class=\"original\"" : !cell.success ? "class=\"failed\"" : "";
      html.open("td", kind);
      if (cell.picture) html.markup(img_tag(*cell.picture, cell.alt, text("title=\"", escape_html(cell.alt), "\"")));
      html.close();
    }
    html.close();
  }
  html.close();
  return html.take();
}

}  // namespace hans::apps
