// Pictures of images and of what an attack did to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <hans/core/real.hpp>
#include <hans/core/shape.hpp>
#include <hans/data/dataset.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hans::apps {

/// Rows of pixels; one channel is grey, three are red, green and blue.
struct Picture {
  std::size_t height = 0, width = 0, channels = 1;
  std::vector<std::uint8_t> pixels;

  friend bool operator==(const Picture&, const Picture&) = default;
};

/// One of several images.
inline std::span<const real> image_at(const Tensor& images, std::size_t k) {
  const std::size_t features = images.shape().row_elements();
  return images.values().subspan(k * features, features);
}

/// The image as it looks: box.lo is black, box.hi white, what lies outside is cut off. Throws Error unless `shape` is
/// height x width x 1 or 3, has as many elements as there are values, and every value is finite.
Picture image_picture(std::span<const real> image, const Shape& shape, data::Box box);

/// What was changed: black where nothing was, orange where a feature was raised, blue where it was lowered, full colour
/// for the largest change (over all channels of a pixel). Throws Error as image_picture does.
Picture change_picture(std::span<const real> original, std::span<const real> image, const Shape& shape);

/// The picture as lines of characters, two rows of pixels to a line, so that it looks square in a terminal.
std::vector<std::string> ascii_picture(const Picture& picture);

/// The picture as a PNG file.
std::string picture_png(const Picture& picture);

/// An <img> element with the picture inside it. `alt` says what is to be seen.
std::string img_tag(const Picture& picture, std::string_view alt, std::string_view attributes = {});

/// An original, what was added, and the sum.
struct Triptych {
  Picture original, change, adversarial;
  std::string original_text, change_text, adversarial_text;  ///< below each; prose
  bool fooled = false;                                       ///< marks the third
};

/// The three panels side by side, as HTML.
std::string triptych(const Triptych& panels);

/// A square of pictures: row = class of the original, column = class aimed at, originals on the diagonal.
struct Grid {
  struct Cell {
    std::optional<Picture> picture = {};  ///< none: an empty place
    std::string alt = {};
    bool success = false;  ///< else the cell is marked; the diagonal never is
  };
  std::size_t classes;
  std::vector<std::string> names;  ///< of the classes
  std::vector<Cell> cells;         ///< classes x classes, row by row

  const Cell& at(std::size_t source, std::size_t target) const { return cells[source * classes + target]; }
};

/// The grid as HTML. Throws Error unless there are classes x classes cells and a name for each class.
std::string grid(const Grid& pictures);

}  // namespace hans::apps
