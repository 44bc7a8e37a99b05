// Pages for people: one HTML file that needs nothing beside it and no script.
#include "report.hpp"
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <hans/core/error.hpp>
#include "../../core/text/detail/utf8.hpp"

namespace hans::apps {
namespace {

constexpr std::string_view colours = R"(
:root { color-scheme: light dark; --paper: #fbfaf7; --card: #ffffff; --ink: #1d2129; --soft: #5b6270; --rule: #dedbd3;
  --c0: #c2410c; --c1: #1d5fa8; --c2: #1d7a46; --c3: #7c3aad; --c4: #a1660a; --c5: #0f766e; --c6: #b0256b;
  --c7: #4b5563; --code: #f1efe9; --bad: #c2410c; --good: #1d7a46; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #15171c; --card: #1d2027; --ink: #e8e6e1; --soft: #a2a8b4;
  --rule: #353a45; --c0: #ff8a4c; --c1: #6db3ff; --c2: #5fce8f; --c3: #c79bf2; --c4: #e8b45a; --c5: #4fd1c5;
  --c6: #f58ac0; --c7: #b6bdc9; --code: #262a33; --bad: #ff8a4c; --good: #5fce8f; } }
)";

constexpr std::string_view chart_rules =
    R"(.chart { display: block; width: 100%; max-width: 40rem; height: auto; font: 13px system-ui, sans-serif; }
.chart text { fill: var(--ink); }
.chart .rule { stroke: var(--rule); } .chart .tick { stroke: var(--soft); }
.chart .line { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
.chart .band { opacity: .16; stroke: none; } .chart .gap { fill: var(--soft); opacity: .22; stroke: none; }
.bar.c0 { fill: var(--c0); } .bar.c1 { fill: var(--c1); }
.line.c0 { stroke: var(--c0); } .band.c0, .dot.c0 { fill: var(--c0); } .chart text.c0 { fill: var(--c0); font-weight: 600; }
.line.c1 { stroke: var(--c1); } .band.c1, .dot.c1 { fill: var(--c1); } .chart text.c1 { fill: var(--c1); font-weight: 600; }
.line.c2 { stroke: var(--c2); } .band.c2, .dot.c2 { fill: var(--c2); } .chart text.c2 { fill: var(--c2); font-weight: 600; }
.line.c3 { stroke: var(--c3); } .band.c3, .dot.c3 { fill: var(--c3); } .chart text.c3 { fill: var(--c3); font-weight: 600; }
.line.c4 { stroke: var(--c4); } .band.c4, .dot.c4 { fill: var(--c4); } .chart text.c4 { fill: var(--c4); font-weight: 600; }
.line.c5 { stroke: var(--c5); } .band.c5, .dot.c5 { fill: var(--c5); } .chart text.c5 { fill: var(--c5); font-weight: 600; }
.line.c6 { stroke: var(--c6); } .band.c6, .dot.c6 { fill: var(--c6); } .chart text.c6 { fill: var(--c6); font-weight: 600; }
.line.c7 { stroke: var(--c7); } .band.c7, .dot.c7 { fill: var(--c7); } .chart text.c7 { fill: var(--c7); font-weight: 600; }
)";

constexpr std::string_view style = R"(
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 2.5rem 1.1rem 3rem; }
h1 { font-size: clamp(1.7rem, 5.5vw, 2.5rem); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 .5rem;
  text-wrap: balance; }
h2 { font-size: 1.4rem; line-height: 1.25; letter-spacing: -.01em; margin: 3rem 0 .6rem; text-wrap: balance; }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
p, ul, dl { margin: .6rem 0; }
ul { padding-left: 1.2rem; }
li { margin: .35rem 0; }
.lead { font-size: 1.15rem; color: var(--soft); }
.note, figcaption, footer { font-size: .88rem; line-height: 1.5; color: var(--soft); }
code, pre { font: .86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  background: var(--code);
  border-radius: 4px; }
code { padding: .08em .3em; overflow-wrap: anywhere; }
pre { padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .6rem 0; }
blockquote { margin: .8rem 0; padding: .2rem 0 .2rem 1rem; border-left: 3px solid var(--c1);
  overflow-wrap: anywhere; }
blockquote p { margin: .3rem 0; }
table { border-collapse: collapse; }
table.data { width: 100%; margin: .8rem 0; font-variant-numeric: tabular-nums; }
.data th, .data td { text-align: right; padding: .4rem .5rem; border-bottom: 1px solid var(--rule);
  vertical-align: baseline; white-space: nowrap; }
.data:not(.matrix) th:first-child, .data .words { text-align: left; font-weight: 400; min-width: 9rem; white-space: normal;
  overflow-wrap: break-word; }
.data .words, .data .words:first-child { min-width: 12.5rem; }
.data thead th, .data thead .words { color: var(--soft); font-size: .86em; font-weight: 600; white-space: normal; }
.data small { display: block; color: var(--soft); }
table.matrix { width: auto; } .matrix th, .matrix td { text-align: center; padding: .3rem .45rem; }
.scroll { overflow-x: auto; }
@media (min-width: 64rem) { .scroll { width: max-content; min-width: 100%; max-width: calc(50vw + 20.5rem); }
  .data { font-size: .9rem; } }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: .9rem; margin: 1.6rem 0; }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: .9rem 1.1rem; }
.card > b { display: block; white-space: nowrap; font-size: 2.1rem; line-height: 1.2; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.card span { display: block; font-size: .88rem; line-height: 1.4; color: var(--soft); }
.bad b { color: var(--bad); } .good b { color: var(--good); } .card span b { font-size: .95rem; }
figure { margin: 1.4rem 0; }
figcaption { margin-top: .5rem; }
img { image-rendering: pixelated; image-rendering: crisp-edges; image-rendering: pixelated; background: #000;
  display: block; }
.triptych { container-type: inline-size; display: grid; grid-template-columns: 1fr auto 1fr auto 1fr; gap: .5rem;
  align-items: start; margin: 1.1rem 0; max-width: 34rem; }
.triptych img { width: 100%; height: auto; border-radius: 5px; }
.triptych > b { color: var(--soft); font-weight: 400; font-size: 1.4rem; line-height: 1;
  padding-top: calc(14cqw - .5rem); }
.triptych span { display: block; text-align: center; font-size: .86rem; line-height: 1.35; margin-top: .35rem;
  color: var(--soft); }
.triptych strong { color: var(--ink); }
.triptych .fooled strong { color: var(--bad); }
.grid { width: 100%; max-width: 38rem; table-layout: fixed; margin: 0; }
.grid th { font-weight: 600; font-size: .84rem; color: var(--soft); padding: 0 0 2px; width: auto;
  text-align: center; }
.grid tr > th:first-child { width: 1.5rem; padding: 0 .3rem 0 0; text-align: right; }
.grid td { padding: 1.5px; }
.grid img { width: 100%; height: auto; border-radius: 2px; }
.grid .original img { outline: 2px solid var(--c1); }
.grid .failed img { opacity: .35; }
.axis { font-size: .84rem; color: var(--soft); margin: 0 0 .2rem 1.6rem; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .5rem .9rem; } dd { margin: 0; }
details { margin: .8rem 0; } summary { cursor: pointer; color: var(--soft); font-size: .92rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--rule); }
@media (max-width: 30rem) { body { font-size: 16px; } .data th, .data td { padding: .35rem .25rem; font-size: .9rem; }
  .grid td { padding: 1px; } .grid tr > th:first-child { width: 1rem; } .data td strong { display: block; }
  .data:not(.matrix) th:first-child, .data .words, .data .words:first-child { min-width: 6.6rem; } h2 { margin-top: 2.4rem; }
  .cards { grid-template-columns: 1fr; gap: .6rem; } .card { display: flex; align-items: center; gap: 1rem;
  padding: .7rem .9rem; }
  .card > b { flex: 0 0 6.4rem; font-size: 1.7rem; } .chart { font-size: 15px; } }
@media print { :root { color-scheme: light; } body { background: #fff; font-size: 11pt; }
  main { max-width: none; padding: 0; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  h2, h3, figure, .card, .matrix, tr { break-inside: avoid; } .chart { max-width: 26rem; } h2, h3 { break-after: avoid; }
  .scroll { overflow: visible; width: auto; max-width: none; } .data { font-size: .72rem; }
  .data th, .data td { padding: .25rem .3rem; }
  .data:not(.matrix) th:first-child, .data .words, .data .words:first-child { min-width: 5rem; } }
)";

/// Whether a cell is words that need several lines, and no number with what belongs to it.
bool is_long(std::string_view cell) {
  constexpr std::size_t most_on_a_line = 18;
  return cell.size() > most_on_a_line && cell.find_first_not_of('*') != cell.find_first_of("0123456789");
}

constexpr std::array<std::pair<char, std::string_view>, 5> entities{
    {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}}};

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : visible(text, "\n")) {
    const auto* const special = std::ranges::find(entities, c, &std::pair<char, std::string_view>::first);
    special != entities.end() ? out += special->second : out += c;
  }
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t have = bytes.size() - at < 3 ? bytes.size() - at : 3;
    std::uint32_t group = 0;  // three bytes, missing ones zero
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (i < have ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) out += i <= have ? digits[group >> (18 - 6 * i) & 63U] : '=';
  }
  return out;
}

std::string png_uri(std::string_view png) { return "data:image/png;base64," + base64(png); }

std::string percent(std::optional<double> share, unsigned digits) {
  if (!share || !std::isfinite(*share)) return "\u2013";
  return text(fixed(100 * *share, digits), " %");
}

std::string prose(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    const std::string_view mark = rest.starts_with("`") ? "`" : rest.starts_with("**") ? "**" : "";
    if (mark.empty()) {
      const std::size_t plain = std::min(rest.find_first_of("`*", 1), rest.size());
      out += escape_html(rest.substr(0, plain));
      at += plain;
      continue;
    }
    const std::size_t begin = at + mark.size(), end = text.find(mark, begin);
    if (end == std::string_view::npos) return out + escape_html(rest);
    const std::string_view tag = mark == "`" ? "code" : "strong";
    out += hans::text("<", tag, ">", escape_html(text.substr(begin, end - begin)), "</", tag, ">");
    at = end + mark.size();
  }
  return out;
}

Html& Html::open(std::string_view tag, std::string_view attributes) {
  html_ += hans::text('<', tag, attributes.empty() ? "" : " ", attributes, '>');
  open_.emplace_back(tag);
  return *this;
}

Html& Html::close() {
  check(!open_.empty(), "no HTML element is open that could be closed");
  html_ += hans::text("</", open_.back(), ">\n");
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) {
  html_ += escape_html(text);
  return *this;
}

Html& Html::markup(std::string_view html) {
  html_ += html;
  return *this;
}

Html& Html::prose(std::string_view text) { return markup(apps::prose(text)); }

Html& Html::element(std::string_view tag, std::string_view text, std::string_view attributes) {
  return open(tag, attributes).prose(text).close();
}

Html& Html::cell(std::string_view tag, std::string_view text, std::string_view attributes) {
  const std::size_t bar = text.find('|');
  open(tag, attributes).prose(text.substr(0, bar));
  if (bar != std::string_view::npos) markup("<small>").prose(text.substr(bar + 1)).markup("</small>");
  return close();
}

Html& Html::list(const std::vector<std::string>& points) {
  open("ul");
  for (const std::string& point : points) element("li", point);
  return close();
}

Html& Html::card(std::string_view number, std::string_view words, std::string_view verdict) {
  open("div", "class=\"card\"").open("b").text(number).close().open("div").element("span", words);
  if (!verdict.empty()) {
    const bool good = verdict == "RELIABLE" || verdict == "EXACT", open_question = verdict == "UNCHECKED";
    open("span", good ? "class=\"good\"" : open_question ? "" : "class=\"bad\"");
    open("b").text(hans::text("Verdict: ", verdict)).close().close();
  }
  return close().close();
}

Html& Html::table(const std::vector<std::vector<std::string>>& rows, bool plain) {
  const std::size_t columns = rows[0].size();
  std::vector<bool> words(columns);  // may be broken into lines; numbers may not
  for (std::size_t r = 1; r < rows.size(); ++r) {
    check(rows[r].size() == columns, "a table of ", columns, " columns has a row of ", rows[r].size());
    for (std::size_t c = 0; c < columns; ++c) words[c] = words[c] || is_long(rows[r][c]);
  }
  open("div", "class=\"scroll\"").open("table", "class=\"data\"").open("thead");
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (r == 1) close().open("tbody");
    open("tr");
    for (std::size_t c = 0; c < columns; ++c) {
      const std::string_view tag = r == 0 || c == 0 ? "th" : "td";
      const std::string_view scope = r == 0 ? "scope=\"col\"" : c == 0 ? "scope=\"row\"" : "";
      const std::string attributes = hans::text(scope, words[c] ? " class=\"words\"" : "");
      plain ? open(tag, attributes).text(rows[r][c]).close() : cell(tag, rows[r][c], attributes);
    }
    close();
  }
  return close().close().close();
}

std::string Html::take() {
  check(open_.empty(), "HTML element ", open_.empty() ? std::string() : open_.back(), " was not closed");
  return std::move(html_);
}

std::string chart_style() { return text(colours, chart_rules); }

std::string html_page(std::string_view title, std::string_view body) {
  return text("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
              "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>", escape_html(title),
              "</title>\n<style>", colours, style, chart_rules, "</style>\n</head>\n<body>\n<main>\n", body,
              "</main>\n</body>\n</html>\n");
}

}  // namespace hans::apps
