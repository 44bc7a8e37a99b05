// The course of a training, as a page, for machines and in words.
#include "training_page.hpp"

#include <array>
#include <optional>
#include <vector>

#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "../run/figures.hpp"
#include "chart.hpp"
#include "report.hpp"

namespace hans::apps {
namespace {

using defenses::HeldOutFigures;

/// What may be measured after an epoch.
struct Column {
  std::string_view name;
  std::optional<double> (*of)(const HeldOutFigures& figures);
};
constexpr std::array<Column, 3> columns{{
    {"clean", [](const HeldOutFigures& figures) { return std::optional(figures.clean); }},
    {"certified", [](const HeldOutFigures& figures) { return figures.certified; }},
    {"attacked", [](const HeldOutFigures& figures) { return figures.attacked; }},
}};

}  // namespace

std::string held_out_words(const HeldOutFigures& figures) {
  std::string all;
  for (const Column& column : columns) {
    const std::optional<double> share = column.of(figures);
    if (share) append(all, text(all.empty() ? "" : ", ", column.name, " ", fixed(100 * *share, 2), " %"));
  }
  return all;
}

Json held_out_json(std::span<const HeldOutFigures> epochs) {
  Json all = Json::array();
  for (const HeldOutFigures& figures : epochs) {
    Json epoch = Json::object();
    for (const Column& column : columns) {
      const std::optional<double> share = column.of(figures);
      epoch.set(column.name, share ? Json(*share) : Json());
    }
    all.push(std::move(epoch));
  }
  return all;
}

std::string training_page(std::string_view name, const Facts& record, std::span<const HeldOutFigures> epochs,
                          std::size_t images, float eps) {
  Chart chart{"Held-out images against epochs", "epoch", "share of the held-out images"};
  std::vector<std::vector<std::string>> rows{{"epoch"}};
  for (const std::size_t k : places(epochs.size())) {
    chart.x.push_back(static_cast<double>(k + 1));
    rows.push_back({text(k + 1)});
  }
  for (const Column& column : columns) {
    if (epochs.empty() || !column.of(epochs[0])) continue;
    Curve& curve = chart.curves.emplace_back(Curve{std::string(column.name)});
    rows[0].emplace_back(column.name);
    for (const std::size_t k : places(epochs.size())) {
      curve.y.push_back(column.of(epochs[k]).value_or(0));
      rows[k + 1].push_back(percent(column.of(epochs[k]), 2));
    }
  }
  Html html;
  html.element("h1", "The course of a training");
  html.open("p", "class=\"lead\"").text(name).close();
  html.paragraph(text(with_commas(images),
                      " images of the training data were held out. After each epoch the network was "
                      "measured on them: how many it reads correctly (clean)",
                      eps > 0 ? text(", how many intervals certify within ", eps,
                                     " in linf (certified), and how many it reads correctly under 10 steps of `pgd` in "
                                     "that ball (attacked)")
                              : "",
                      "."));
  if (epochs.size() > 1) html.open("figure").markup(svg_chart(chart)).close();
  html.table(rows, true);
  html.element("h2", "Make it again");
  std::vector<std::vector<std::string>> facts{{"", "value"}};
  for (const auto& [key, value] : record) facts.push_back({key, value});
  html.table(facts, true);
  html.element("footer", text("Written by hans ", build_version(), "."));
  return html_page(text("hans train: ", name), html.take());
}

}  // namespace hans::apps
