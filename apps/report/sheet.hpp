// A sheet: pictures in rows, with words beside and below them, as one picture.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pictures.hpp"

namespace hans::apps {

/// How a picture of a sheet is marked.
enum class Mark {
  none,
  fooled,  ///< its words in orange
  failed,  ///< faint
  framed   ///< in blue
};

/// A picture and the lines below it, which are ASCII; all else is shown as '?'.
struct SheetCell {
  std::optional<Picture> picture = {};  ///< none: only the lines
  std::vector<std::string> lines = {};
  Mark mark = Mark::none;
};

struct SheetRow {
  std::string title = {};  ///< above it
  std::string name = {};   ///< on the left of it
  std::vector<SheetCell> cells = {};
  std::size_t scale = 1;  ///< how many pixels of the sheet a pixel of its pictures is wide
};

/// How wide a pixel is drawn, so that an image of height x width x channels is about `pixels` wide.
std::size_t scale_for(const Shape& image, std::size_t pixels);

/// The rows below each other, dark, in colours of few shades so that the file is small. Throws Error for pictures that
/// are neither grey nor coloured.
Picture sheet(std::span<const SheetRow> rows);

/// Width and height of a letter on a sheet, with the space behind and below it.
inline constexpr std::size_t letter_width = 12, letter_height = 18;

}  // namespace hans::apps
