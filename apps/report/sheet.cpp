// A sheet: pictures in rows, with words beside and below them, as one picture.
#include "sheet.hpp"
#include <algorithm>
#include <array>
#include <hans/core/error.hpp>

namespace hans::apps {
namespace {

using Colour = std::array<std::uint8_t, 3>;

constexpr Colour paper{32, 32, 32}, ink{224, 224, 224}, fooled_ink{255, 160, 32}, blue{64, 160, 255};
constexpr std::size_t gap = 8, dot = 2;  // in pixels; a dot of a letter is a square

/// The letters from ' ' to '~': five columns each, two hexadecimal digits a column, the lowest bit on top.
constexpr std::string_view letters =
    "000000000000005f00000003000300147f147f14242a7f2a12231328666136495522500000030000001c2241000041221c002a1c3e1c2a"
    "08083e080800e06000000808080808006060000060100804033e5149453e00427f4000426151494622414949361814127f102745454539"
    "3c4a49493001017905033649494936064949291e0036360000007636000008142241001414141414004122140802015109063e415d551e"
    "7e0909097e7f494949363e414141227f4141221c7f494949417f090909013e4149497a7f0808087f00417f41002040413f017f08142241"
    "7f404040407f020c027f7f0608307f3e4141413e7f090909063e4151215e7f09192946464949493101017f01013f4040403f0f3040300f"
    "7f2018207f631408146303047804036151494543007f41410003040810600041417f000402010204404040404000010200002054545478"
    "7f444444383844444428384444447f3854545418047e05050018a4a4a47c7f0404047800447d40000080847d007f1028440000417f4000"
    "7c047804787c040404783844444438fc2424241818242424fc7c080404084854545424043f4444203c4040207c1c2040201c3c4030403c"
    "44281028441ca0a0a07c4464544c44000836410000007f000000413608000804080804";

unsigned column_of(char letter, std::size_t column) {
  const std::size_t place = (letter >= ' ' && letter <= '~' ? static_cast<std::size_t>(letter - ' ') : '?' - ' ');
  const auto digit = [&](std::size_t k) {
    const char c = letters[10 * place + 2 * column + k];
    return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
  };
  return 16 * digit(0) + digit(1);
}

/// 32 shades a channel.
std::uint8_t coarse(unsigned byte) { return static_cast<std::uint8_t>(std::min(255U, (byte + 4) / 8 * 8)); }

class Canvas {
 public:
  Canvas(std::size_t height, std::size_t width) : all_{height, width, 3, {}} {
    all_.pixels.resize(height * width * 3);
    fill(0, 0, height, width, paper);
  }

  void fill(std::size_t top, std::size_t left, std::size_t height, std::size_t width, Colour colour) {
    for (std::size_t y = top; y < top + height; ++y) {
      for (std::size_t x = left; x < left + width; ++x) std::ranges::copy(colour, at(y, x));
    }
  }

  void write(std::string_view words, std::size_t top, std::size_t left, Colour colour) {
    for (std::size_t k = 0; k < words.size(); ++k) {
      for (std::size_t column = 0; column < 5; ++column) {
        const unsigned bits = column_of(words[k], column);
        for (std::size_t row = 0; row < 8; ++row) {
          if ((bits >> row & 1U) != 0) fill(top + row * dot, left + k * letter_width + column * dot, dot, dot, colour);
        }
      }
    }
  }

  void draw(const Picture& picture, std::size_t top, std::size_t left, std::size_t scale, bool faint) {
    check(picture.channels == 1 || picture.channels == 3, "a sheet shows pictures of 1 or 3 channels, not of ",
          picture.channels);
    for (std::size_t y = 0; y < picture.height; ++y) {
      for (std::size_t x = 0; x < picture.width; ++x) {
        const std::uint8_t* from = picture.pixels.data() + (y * picture.width + x) * picture.channels;
        Colour colour{};
        for (std::size_t c = 0; c < 3; ++c) colour[c] = coarse(from[c % picture.channels] / (faint ? 3U : 1U));
        fill(top + y * scale, left + x * scale, scale, scale, colour);
      }
    }
  }

  Picture take() { return std::move(all_); }

 private:
  std::uint8_t* at(std::size_t y, std::size_t x) { return all_.pixels.data() + (y * all_.width + x) * 3; }

  Picture all_;
};

/// The height of its pictures, and at least that of its name.
std::size_t picture_height(const SheetRow& row) {
  std::size_t most = row.name.empty() ? 0 : letter_height;
  for (const SheetCell& cell : row.cells) most = std::max(most, cell.picture ? cell.picture->height * row.scale : 0);
  return most;
}

std::size_t height_of(const SheetRow& row) {
  std::size_t lines = 0;
  for (const SheetCell& cell : row.cells) lines = std::max(lines, cell.lines.size());
  const std::size_t pictures = picture_height(row), title = row.title.empty() ? 0 : letter_height + gap;
  return title + pictures + (pictures > 0 && lines > 0 ? gap : 0) + lines * letter_height + gap;
}

std::size_t width_of(const SheetCell& cell, std::size_t scale) {
  std::size_t most = cell.picture ? cell.picture->width * scale : 0;
  for (const std::string& line : cell.lines) most = std::max(most, line.size() * letter_width);
  return most;
}

}  // namespace

std::size_t scale_for(const Shape& image, std::size_t pixels) {
  return std::max<std::size_t>(1, (pixels + image[1] / 2) / image[1]);
}

Picture sheet(std::span<const SheetRow> rows) {
  std::size_t names = 0, each = 0, columns = 0, titles = 0, height = gap;
  for (const SheetRow& row : rows) {
    names = std::max(names, row.name.size());
    titles = std::max(titles, row.title.size());
    columns = std::max(columns, row.cells.size());
    for (const SheetCell& cell : row.cells) each = std::max(each, width_of(cell, row.scale));
    height += height_of(row);
  }
  const std::size_t margin = gap + (names > 0 ? names * letter_width + gap : 0);
  Canvas canvas(height, std::max(margin + columns * (each + gap), titles * letter_width + 2 * gap));
  std::size_t top = gap;
  for (const SheetRow& row : rows) {
    const std::size_t below = top + height_of(row), pictures = picture_height(row);
    if (!row.title.empty()) {
      canvas.write(row.title, top + gap / 2, gap, ink);
      top += letter_height + gap;
    }
    canvas.write(row.name, top + (std::max(pictures, letter_height) - letter_height) / 2, gap, ink);
    for (std::size_t k = 0; k < row.cells.size(); ++k) {
      const SheetCell& cell = row.cells[k];
      const std::size_t left = margin + k * (each + gap);
      const auto centred = [&](std::size_t width) { return left + (each - width) / 2; };
      if (cell.picture) {
        const std::size_t width = cell.picture->width * row.scale, tall = cell.picture->height * row.scale;
        if (cell.mark == Mark::framed) canvas.fill(top - 3, centred(width) - 3, tall + 6, width + 6, blue);
        canvas.draw(*cell.picture, top, centred(width), row.scale, cell.mark == Mark::failed);
      }
      std::size_t line_top = top + pictures + (pictures > 0 ? gap : 0);
      for (const std::string& line : cell.lines) {
        canvas.write(line, line_top, centred(line.size() * letter_width), cell.mark == Mark::fooled ? fooled_ink : ink);
        line_top += letter_height;
      }
    }
    top = below;
  }
  return canvas.take();
}

}  // namespace hans::apps
