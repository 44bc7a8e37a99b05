// The parts of the demo's page: escapes, pictures inside the page, grid, chart; and the page as a whole.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <hans/core/error.hpp>
#include <hans/nn/sequential.hpp>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include "../../apps/report/chart.hpp"
#include "../../apps/report/gallery.hpp"
#include "../../apps/report/pictures.hpp"
#include "../../apps/report/report.hpp"

namespace hans::report_test {
namespace {

using namespace apps;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

struct Pair {
  std::string_view in, out;
};

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

TEST(Report, EscapesHtml) {
  constexpr std::array<Pair, 5> cases{{{"", ""},
                                       {"plain", "plain"},
                                       {"a<b>&\"c'", "a&lt;b&gt;&amp;&quot;c&#39;"},
                                       {"&amp;", "&amp;amp;"},
                                       {"\u2192", "\u2192"}}};
  for (const Pair& each : cases) EXPECT_EQ(escape_html(each.in), each.out);
}

TEST(Report, Base64VectorsOfRfc4648) {
  constexpr std::array<Pair, 7> cases{{{"", ""},
                                       {"f", "Zg=="},
                                       {"fo", "Zm8="},
                                       {"foo", "Zm9v"},
                                       {"foob", "Zm9vYg=="},
                                       {"fooba", "Zm9vYmE="},
                                       {"foobar", "Zm9vYmFy"}}};
  for (const Pair& each : cases) EXPECT_EQ(base64(each.in), each.out);
  EXPECT_EQ(base64("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(base64(std::string_view("\0\0", 2)), "AAA=");
}

TEST(Report, ProseMarksCodeAndBold) {
  constexpr std::array<Pair, 8> cases{{{"a `x<y` b", "a <code>x&lt;y</code> b"},
                                       {"**7** read", "<strong>7</strong> read"},
                                       {"2 * 3 < 7", "2 * 3 &lt; 7"},
                                       {"*", "*"},
                                       {"`**`", "<code>**</code>"},
                                       {"`open<", "`open&lt;"},
                                       {"a **open", "a **open"},
                                       {"", ""}}};
  for (const Pair& each : cases) EXPECT_EQ(prose(each.in), each.out);
}

TEST(Report, PercentNeverShowsWhatIsNoNumber) {
  EXPECT_EQ(percent(0.9744), "97.4 %");
  EXPECT_EQ(percent(1.0, 0), "100 %");
  for (const double value : {no_number, infinity, -infinity}) EXPECT_EQ(percent(value), "\u2013");
  EXPECT_EQ(percent(std::nullopt), "\u2013");
}

TEST(Report, HtmlIsClosedInOrder) {
  Html html;
  html.open("p", "class=\"x\"").text("<").element("b", "`y`").close();
  EXPECT_EQ(html.take(), "<p class=\"x\">&lt;<b><code>y</code></b>\n</p>\n");
  EXPECT_THROW(html.close(), Error);
  html.open("p");
  EXPECT_THROW(html.take(), Error);
}

TEST(Report, NumbersOfATableStayOnALine) {
  Html html;
  html.table({{"attack", "accuracy", "threat model"},
              {"fgsm", "100.00 % (99.24 to 100.00)", "linf within 0.3, untargeted"},
              {"pgd", "**1.00 %** RELIABLE |(0.40 to 2.00)", "none"}});
  const std::string page = html.take();
  EXPECT_EQ(count(page, "class=\"words\""), 3U) << page;  // the third column with its heading
  EXPECT_NE(page.find("<td>100.00 %"), std::string::npos);
}

TEST(Report, AVerdictStandsBesideItsNumber) {
  for (const Pair& each : {Pair{"RELIABLE", "<span class=\"good\"><b>Verdict: RELIABLE</b>"},
                           Pair{"UNCHECKED", "<span><b>Verdict: UNCHECKED</b>"},
                           Pair{"SUSPECT", "<span class=\"bad\"><b>Verdict: SUSPECT</b>"}}) {
    Html html;
    std::string page = html.card("9.31 %", "under `fgsm`", each.in).take();
    std::erase(page, '\n');
    EXPECT_NE(page.find(each.out), std::string::npos) << page;
  }
}

TEST(Report, TableRefusesRaggedRows) {
  Html html;
  html.table({{"a", "b"}, {"1", "2"}});
  EXPECT_EQ(count(html.take(), "</td>"), 1U);
  EXPECT_THROW(html.table({{"a", "b"}, {"1"}}), Error);
}

// What stands between `before` and the next double quote.
std::string_view attribute(std::string_view html, std::string_view before) {
  const std::size_t from = html.find(before) + before.size();
  return html.substr(from, html.find('"', from) - from);
}

std::string from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0, have = 0;
  for (const char c : text) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) break;
    bits = bits << 6U | static_cast<unsigned>(digit);
    have += 6;
    if (have >= 8) out += static_cast<char>(bits >> (have -= 8) & 255U);
  }
  return out;
}

std::size_t big_endian(std::string_view bytes, std::size_t at) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

TEST(Pictures, ImgHoldsThePngOfThePixels) {
  const Picture picture{2, 3, 1, {0, 50, 100, 150, 200, 250}};
  const std::string html = img_tag(picture, "a \"small\" one");
  EXPECT_NE(html.find("alt=\"a &quot;small&quot; one\""), std::string::npos);
  EXPECT_NE(html.find("width=\"3\" height=\"2\""), std::string::npos);
  const std::string png = from_base64(attribute(html, "src=\"data:image/png;base64,"));
  ASSERT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  EXPECT_EQ(big_endian(png, 16), 3U);
  EXPECT_EQ(big_endian(png, 20), 2U);
  EXPECT_EQ(png.substr(png.size() - 8, 4), "IEND");
}

TEST(Pictures, ImageGoesFromBlackToWhite) {
  const std::array<real, 4> image{0, 1, real{0.5F}, 2};
  EXPECT_EQ(image_picture(image, Shape{2, 2, 1}, {0, 1}).pixels, (std::vector<std::uint8_t>{0, 255, 128, 255}));
  EXPECT_EQ(image_picture(image, Shape{2, 2, 1}, {-2, 2}).pixels[0], 128);
}

TEST(Pictures, EveryByteComesBack) {
  std::vector<real> image;
  for (unsigned byte = 0; byte < 256; ++byte) image.push_back(static_cast<real>(static_cast<float>(byte) / 255.0F));
  const Picture picture = image_picture(image, Shape{16, 16, 1}, {0, 1});
  for (std::size_t byte = 0; byte < 256; ++byte) EXPECT_EQ(picture.pixels[byte], byte);
}

TEST(Pictures, RefusesWhatIsNoPicture) {
  const std::array<real, 2> image{0, static_cast<real>(no_number)};
  EXPECT_THROW(image_picture(image, Shape{1, 2, 1}, {0, 1}), Error);
  const std::array<real, 2> zeros{};
  EXPECT_THROW(image_picture(zeros, Shape{2, 2, 1}, {0, 1}), Error);
  EXPECT_THROW(image_picture(zeros, Shape{1, 1, 2}, {0, 1}), Error);
  EXPECT_THROW(image_picture(zeros, Shape{1, 2, 1}, {0, static_cast<float>(infinity)}), Error);
}

using Pixel = std::vector<std::uint8_t>;

Pixel pixel_of(const Picture& picture, std::size_t row, std::size_t column) {
  const auto from = picture.pixels.begin() + static_cast<std::ptrdiff_t>((row * picture.width + column) * 3);
  return Pixel(from, from + 3);
}

TEST(Pictures, StandInRowsOnASheet) {
  const Picture grey{1, 2, 1, {8, 16}}, colour{1, 2, 3, {8, 16, 24, 32, 40, 253}};
  const std::vector<SheetRow> rows{{"", "", {{grey}}, 10}, {"", "", {{colour}, {grey, {}, Mark::failed}}, 10}};
  const Picture all = sheet(rows);
  EXPECT_EQ(all.height, 2U * (10 + 8) + 8);
  EXPECT_EQ(all.width, 2U * (20 + 8) + 8);
  EXPECT_EQ(pixel_of(all, 8, 8), (Pixel{8, 8, 8}));
  EXPECT_EQ(pixel_of(all, 17, 27), (Pixel{16, 16, 16}));
  EXPECT_EQ(pixel_of(all, 26, 18), (Pixel{32, 40, 255}));  // few shades
  EXPECT_EQ(pixel_of(all, 26, 46), (Pixel{8, 8, 8}));      // faint
  for (const std::size_t row : {7U, 18U, 25U, 36U}) EXPECT_EQ(pixel_of(all, row, 8), pixel_of(all, 0, 0)) << row;
  EXPECT_EQ(pixel_of(all, 8, 36), pixel_of(all, 0, 0));  // an empty place
  EXPECT_THROW(sheet(std::vector<SheetRow>{{"", "", {{Picture{1, 1, 2, {1, 2}}}}}}), Error);
}

TEST(Pictures, WordsOfASheetCanBeTold) {
  std::set<std::vector<std::uint8_t>> seen;
  for (char letter = ' '; letter <= '~'; ++letter) {
    const Picture all = sheet(std::vector<SheetRow>{{"", "", {{{}, {std::string(1, letter)}}}}});
    EXPECT_EQ(all.width, letter_width + 16);
    const bool dark = std::ranges::all_of(all.pixels, [](std::uint8_t byte) { return byte == 32; });
    EXPECT_EQ(dark, letter == ' ') << letter;
    EXPECT_TRUE(seen.insert(all.pixels).second) << letter;
  }
  const auto of_cell = [](std::string_view line, Mark mark) {
    return sheet(std::vector<SheetRow>{{"", "", {{{}, {std::string(line)}, mark}}}}).pixels;
  };
  EXPECT_EQ(of_cell("\xe9", Mark::none), of_cell("?", Mark::none));
  EXPECT_NE(of_cell("7", Mark::fooled), of_cell("7", Mark::none));
}

TEST(Pictures, ReadingSaysLabelPredictionAndHowSure) {
  const nn::Sequential net{Shape{1, 2, 1}, Rng(1), flatten, nn::Linear{.units = 3}};
  const std::array<real, 2> zeros{}, no_image{static_cast<real>(no_number), 0};  // biases are 0
  using Lines = std::vector<std::string>;
  EXPECT_EQ(reading(net, zeros, 0), (Lines{"0", "33 %"}));
  EXPECT_EQ(reading(net, zeros, 2), (Lines{"2 -> 0", "33 %"}));
  EXPECT_EQ(reading(net, no_image, 2), (Lines{"2 -> ?"}));
}

TEST(Pictures, ChangeShowsSignAndSize) {
  const std::array<real, 4> before{0, 1, 0, 0};
  const std::array<real, 4> after{real{0.5F}, 0, 0, 1};
  const Picture change = change_picture(before, after, Shape{2, 2, 1});
  ASSERT_EQ(change.channels, 3U);
  ASSERT_EQ(change.pixels.size(), 12U);
  EXPECT_GT(change.pixels[0], change.pixels[2]);  // raised: more red than blue
  EXPECT_LT(change.pixels[3], change.pixels[5]);  // lowered: the reverse
  EXPECT_EQ(change.pixels[6] + change.pixels[7] + change.pixels[8], 0);
  EXPECT_EQ((change.pixels[9] + 1) / 2, change.pixels[0]);  // twice the change, twice the light
}

TEST(Pictures, NoChangeIsBlack) {
  const std::array<real, 3> image{0, 1, real{0.5F}};
  const Picture change = change_picture(image, image, Shape{1, 1, 3});
  EXPECT_EQ(change.pixels, (std::vector<std::uint8_t>{0, 0, 0}));
}

TEST(Pictures, AsciiTakesTwoRowsAtATime) {
  const Picture picture{3, 2, 1, {0, 0, 255, 0, 0, 128}};
  EXPECT_EQ(ascii_picture(picture), (std::vector<std::string>{"@ ", " +"}));
}

Grid small_grid() {
  Grid grid{2, {"0", "1"}, {}};
  for (std::size_t cell = 0; cell < 4; ++cell) {
    grid.cells.push_back({Picture{1, 1, 1, {static_cast<std::uint8_t>(cell)}}, text("cell ", cell), cell == 1});
  }
  return grid;
}

TEST(Pictures, GridHasSourcesInRowsAndTargetsInColumns) {
  const std::string html = grid(small_grid());
  EXPECT_EQ(count(html, "<tr>"), 3U);
  EXPECT_EQ(count(html, "<img"), 4U);
  EXPECT_EQ(count(html, "scope=\"col\""), 2U);
  EXPECT_EQ(count(html, "scope=\"row\""), 2U);
  EXPECT_EQ(count(html, "class=\"original\""), 2U);
  EXPECT_EQ(count(html, "class=\"failed\""), 1U);  // cell 2: class 1 aimed at 0; cell 1 succeeded
  std::size_t at = 0;
  for (const std::string_view part :
       {"scope=\"row\">0", "cell 0", "cell 1", "scope=\"row\">1", "class=\"failed\"", "cell 2", "cell 3"}) {
    at = html.find(part, at);
    ASSERT_NE(at, std::string::npos) << part;
  }
}

TEST(Pictures, GridRefusesWrongCounts) {
  Grid grid_without_cell = small_grid();
  grid_without_cell.cells.pop_back();
  EXPECT_THROW(grid(grid_without_cell), Error);
  Grid grid_without_name = small_grid();
  grid_without_name.names.pop_back();
  EXPECT_THROW(grid(grid_without_name), Error);
}

Chart small_chart() { return {"title", "x", "y", {0, 1, 2}, {{"one <1>", {1, 0.5, 0}, {0.9, 0.4, 0}, {1, 0.6, 0.1}}}}; }

TEST(Report, ChartDrawsEveryPoint) {
  const std::string svg = svg_chart(small_chart());
  EXPECT_EQ(count(svg, "<circle"), 4U);  // three values and the legend
  EXPECT_NE(svg.find("one &lt;1&gt;"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

TEST(Report, ChartRefusesWhatItCannotDraw) {
  const std::vector<void (*)(Chart&)> faults{
      [](Chart& chart) { chart.x.pop_back(); },
      [](Chart& chart) { chart.x[2] = 0.5; },
      [](Chart& chart) { chart.curves[0].y[1] = no_number; },
      [](Chart& chart) { chart.curves[0].high[1] = infinity; },
      [](Chart& chart) { chart.x = {0}; },
      [](Chart& chart) { chart.curves.resize(9, chart.curves[0]); },
  };
  for (const auto fault : faults) {
    Chart chart = small_chart();
    fault(chart);
    EXPECT_THROW(svg_chart(chart), Error);
  }
}

}  // namespace
}  // namespace hans::report_test
