// Pages for people: one HTML file that needs nothing beside it and no script.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hans::apps {

/// `text`, made visible() (utf8.hpp), for any place in a page or an SVG, attribute values in double quotes included.
std::string escape_html(std::string_view text);

/// RFC 4648 section 4, with padding.
std::string base64(std::string_view bytes);

/// "data:image/png;base64,...": a picture as the address of an image.
std::string png_uri(std::string_view png);

/// `share` of one as "97.4 %"; a dash for none and for what is not finite.
std::string percent(std::optional<double> share, unsigned digits = 1);

/// `text` escaped, with `words` between backticks set as code and **words** between double stars set bold.
/// What is not closed stays as it is.
std::string prose(std::string_view text);

/// HTML as it grows. Elements are closed in the order they were opened, or take() throws.
class Html {
 public:
  /// `attributes` as they stand in the tag: "class=\"card\"".
  Html& open(std::string_view tag, std::string_view attributes = {});
  Html& close();

  Html& text(std::string_view text);    ///< escaped
  Html& markup(std::string_view html);  ///< as it is
  Html& prose(std::string_view text);   ///< see apps::prose

  /// One whole element around prose.
  Html& element(std::string_view tag, std::string_view text, std::string_view attributes = {});

  /// Such elements of their usual kinds.
  Html& paragraph(std::string_view text) { return element("p", text); }
  Html& lead(std::string_view text) { return element("p", text, "class=\"lead\""); }
  Html& note(std::string_view text) { return element("p", text, "class=\"note\""); }
  Html& caption(std::string_view text) { return element("figcaption", text); }

  /// A list, a point for each.
  Html& list(const std::vector<std::string>& points);

  /// A number, what it is (prose) and, of a robust accuracy, its verdict.
  Html& card(std::string_view number, std::string_view words, std::string_view verdict = {});

  /// A whole table; the first row is the heading, the first of each row its name. Cells are prose, small behind a '|',
  /// or, with `plain`, words that may hold anything.
  Html& table(const std::vector<std::vector<std::string>>& rows, bool plain = false);

  /// What was written. Throws Error if an element is still open.
  std::string take();

 private:
  Html& cell(std::string_view tag, std::string_view text, std::string_view attributes);

  std::string html_;
  std::vector<std::string> open_;
};

/// The style sheet of charts alone, for those outside of a page.
std::string chart_style();

/// The complete file: head, style sheet, `body`. Light or dark as the reader's system asks.
std::string html_page(std::string_view title, std::string_view body);

}  // namespace hans::apps
