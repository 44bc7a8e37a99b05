// hans certify --explain: one image, layer by layer, and its radii as a picture.
#include "certify_explain.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <hans/core/file.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include <hans/defenses/explain.hpp>
#include "../report/gallery.hpp"
#include "../run/figures.hpp"
#include "../run/progress.hpp"
#include "../run/radii.hpp"
#include "../run/run.hpp"

namespace hans::apps {
namespace {

using defenses::Certainty;
using defenses::Certificate;
using defenses::Explanation;
using defenses::LayerBounds;
using defenses::MarginSteps;
using defenses::Units;
using defenses::UnitSplits;
using defenses::Widths;

/// Three digits that count.
std::string three_digits(double value) {
  if (!std::isfinite(value) || value == 0) return text(value);
  const double digits = 2 - std::floor(std::log10(std::abs(value)));
  return fixed(value, static_cast<unsigned>(std::clamp(digits, 0.0, 8.0)));
}

std::string layer_name(std::size_t layer, std::string_view name) { return text(layer, " ", name); }

std::string layers_text(const Explanation& all) {
  TextTable rows{{"layer", "shape", "least", "mean", "most", "least", "mean", "most", "on", "off", "unstable"}};
  TextTable heads{{"", "", "ibp", "", "", "crown", "", "", "units", "", "(by ibp)"}};
  rows.insert(rows.begin(), heads.front());
  for (const LayerBounds& layer : all.layers) {
    std::vector<std::string> row{layer_name(layer.layer, layer.name), text(layer.shape)};
    for (const Widths& widths : {layer.ibp, layer.crown}) {
      for (const double width : {widths.least, widths.mean, widths.most}) row.push_back(three_digits(width));
    }
    if (layer.units_by_crown) {
      row.push_back(with_commas(layer.units_by_crown->active));
      row.push_back(with_commas(layer.units_by_crown->inactive));
      row.push_back(
          text(with_commas(layer.units_by_crown->unstable), " (", with_commas(layer.units_by_ibp->unstable), ")"));
    } else {
      row.insert(row.end(), 3, "");
    }
    rows.push_back(std::move(row));
  }
  return table_text(rows, "llrrrrrrrrr");
}

std::string margins_text(std::vector<MarginSteps> margins) {
  std::ranges::stable_sort(margins, {}, &MarginSteps::crown);
  TextTable rows{{"over class", "on the image", "ibp", "crown", "alpha"}};
  const auto proved = [&](double MarginSteps::*bound) {
    return text(std::ranges::count_if(margins, [&](const MarginSteps& one) { return one.*bound > 0; }));
  };
  for (const MarginSteps& one : margins) {
    rows.push_back({text(one.other), three_digits(one.image), three_digits(one.ibp), three_digits(one.crown),
                    three_digits(one.alpha)});
  }
  rows.push_back({"above 0", proved(&MarginSteps::image), proved(&MarginSteps::ibp), proved(&MarginSteps::crown),
                  proved(&MarginSteps::alpha)});
  return table_text(rows, "lrrrr");
}

/// The splits of one layer.
struct LayerSplits {
  std::size_t layer = 0, units = 0, times = 0, most = 0, unit = 0;  ///< `unit` was split `most` times
};

std::vector<LayerSplits> splits_of(const Certificate& certificate) {
  std::vector<LayerSplits> all;
  for (const UnitSplits& split : certificate.splits) {
    if (all.empty() || all.back().layer != split.layer) all.push_back({split.layer});
    LayerSplits& layer = all.back();
    ++layer.units;
    layer.times += split.times;
    if (split.times <= layer.most) continue;
    layer.most = split.times;
    layer.unit = split.unit;
  }
  return all;
}

std::string branching_text(const Explanation& all) {
  const Certificate& one = all.certificate;
  if (one.nodes == 0) return "branching: none\n";
  std::string lines = text("branching: ", counted(one.nodes, "node"),
                           one.anew ? ", begun anew within closer bounds of all units, " : ", ", one.deepest,
                           one.deepest == 1 ? " split" : " splits", " deep\n");
  TextTable rows{{"layer", "units split", "splits", "most for one unit"}};
  for (const LayerSplits& layer : splits_of(one)) {
    const auto at = std::ranges::find(all.layers, layer.layer, &LayerBounds::layer);
    rows.push_back({layer_name(layer.layer, at->name), with_commas(layer.units), with_commas(layer.times),
                    text(layer.most, " (unit ", layer.unit, ")")});
  }
  return rows.size() == 1 ? lines : text(lines, table_text(rows, "lrrr"));
}

/// "certified by crown: the smallest margin is over class 4, at least 0.31".
std::string certificate_text(const Certificate& one) {
  const std::string verdict(enum_name(one.certainty));
  if (one.certainty == Certainty::wrong) return verdict + ": the image itself is misread, and was not examined";
  if (one.certainty == Certainty::attacked) {
    const bool searched = one.step == defenses::Step::branching;
    return text(verdict, searched ? ": the search for a proof came upon an adversarial image"
                                  : ": an attack found an adversarial image");
  }
  const std::string margin = one.runner_up < 0 ? ""
                                               : text(": the smallest margin is over class ", one.runner_up,
                                                      ", at least ", three_digits(one.bound));
  if (one.certainty == Certainty::certified) return text(verdict, " by ", enum_name(*one.step), margin);
  return text(verdict, " after ", enum_name(*one.step), " (", enum_name(*one.doubt), ")", margin);
}

/// Both ends of the radius, and the image that was found at the upper one.
struct BothRadii {
  Radius radius;
  Tensor adversarial = {};  ///< no elements: none was found
};

std::optional<double> units_of(std::optional<std::uint32_t> steps) {
  return steps ? std::optional(static_cast<double>(*steps) / radii_per_unit) : std::nullopt;
}

std::string radii_line(const BothRadii& both, Norm norm) {
  const std::optional<double> certified = units_of(both.radius.certified), attacked = units_of(both.radius.attacked);
  if (!both.radius.right()) return text(enum_name(norm), " radius: none, the image itself is misread");
  return text(enum_name(norm), " radius: ", certified ? text("certified ", fixed(*certified, 4)) : "nothing certified",
              " <= true <= ", attacked ? text("attacked ", fixed(*attacked, 4)) : "?, no adversarial image found");
}

BothRadii both_radii(const ExplainRequest& request, const Common& common) {
  ProgressBar bar("radius", "image", common.quiet);
  const auto position = static_cast<std::uint32_t>(request.image);
  const float most = largest_radius(request.asked.norm, request.data.box(), request.net.input());
  const auto shown = [&](std::size_t done) { bar.update(done, 1); };
  BothRadii both{find_radii(request.net, request.data.gather({&position, 1}), most, request.within, shown).all[0]};
  if (const std::optional<double> attacked = units_of(both.radius.attacked)) {
    const data::Samples sample = request.data.samples(position, 1);
    both.adversarial = certify(request.net, sample, request.within(static_cast<float>(*attacked)))[0].counterexample;
  }
  return both;
}

/// From 0 to the largest radius known: certified blue, open dark, attacked orange.
Picture radius_bar(const Radius& radius, std::size_t width) {
  constexpr std::size_t height = 12;
  const std::uint32_t certified = radius.certified.value_or(0);
  const double end = 1.25 * std::max(1.0, static_cast<double>(radius.attacked.value_or(certified)));
  Picture bar{height, width, 3, {}};
  for (std::size_t k = 0; k < height * width; ++k) {
    const double at = (static_cast<double>(k % width) + 0.5) / static_cast<double>(width) * end;
    const std::array<std::uint8_t, 3> blue{64, 160, 255}, open{72, 72, 72}, orange{255, 160, 32};
    const auto& colour = at <= static_cast<double>(certified)                             ? blue
                         : radius.attacked && at >= static_cast<double>(*radius.attacked) ? orange
                                                                                          : open;
    bar.pixels.insert(bar.pixels.end(), colour.begin(), colour.end());
  }
  return bar;
}

/// The image, the adversarial image at the smallest radius where one was found, what was changed, and both radii.
std::string radii_picture(const ExplainRequest& request, const BothRadii& both) {
  const data::Samples sample = request.data.samples(static_cast<std::size_t>(request.image), 1);
  const Shape shape = request.net.input();
  const auto show = [&](const Tensor& image, std::string name, Mark mark) {
    std::vector<std::string> lines = reading(request.net, image.values(), sample.labels[0]);
    lines.insert(lines.begin(), std::move(name));
    return SheetCell{image_picture(image.values(), shape, sample.box), lines, mark};
  };
  const std::string title = radii_line(both, request.asked.norm);
  SheetRow images{title, "", {show(sample.images, text("image ", request.image), Mark::none)}, scale_for(shape, 168)};
  if (both.adversarial.size() > 0) {
    const std::string radius = fixed(*units_of(both.radius.attacked), 4);
    images.cells.push_back(show(both.adversarial, text("within ", radius), Mark::fooled));
    images.cells.push_back({change_picture(sample.images.values(), both.adversarial.values(), shape), {"changed"}});
  }
  const SheetRow bar{"blue: certified, orange: attacked", "", {{radius_bar(both.radius, images.scale * shape[1])}}};
  return picture_png(sheet(std::to_array<SheetRow>({images, bar})));
}

Json finite_json(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json layers_json(const Explanation& all) {
  return column(all.layers, [](const LayerBounds& layer) {
    const auto widths = [](const Widths& one) {
      return Json::object(
          {{"least", finite_json(one.least)}, {"mean", finite_json(one.mean)}, {"most", finite_json(one.most)}});
    };
    const auto units = [](const std::optional<Units>& one) {
      if (!one) return Json();
      return Json::object({{"active", one->active}, {"inactive", one->inactive}, {"unstable", one->unstable}});
    };
    return Json::object({{"layer", layer.layer},
                         {"name", layer.name},
                         {"shape", text(layer.shape)},
                         {"ibp_width", widths(layer.ibp)},
                         {"crown_width", widths(layer.crown)},
                         {"ibp_units", units(layer.units_by_ibp)},
                         {"crown_units", units(layer.units_by_crown)}});
  });
}

Json explanation_json(const ExplainRequest& request, const Explanation& all) {
  const Certificate& one = all.certificate;
  const auto name = [](const auto& value) { return value ? Json(enum_name(*value)) : Json(); };
  return Json::object({{"index", one.index},
                       {"label", one.label},
                       {"prediction", one.prediction},
                       {"norm", enum_name(request.asked.norm)},
                       {"eps", hans::detail::number_json(float{request.asked.eps})},
                       {"verdict", enum_name(one.certainty)},
                       {"reason", one.certainty == Certainty::unknown ? name(one.doubt) : Json()},
                       {"method", name(one.step)},
                       {"bound", one.runner_up < 0 ? Json() : finite_json(one.bound)},
                       {"runner_up", one.runner_up < 0 ? Json() : Json(one.runner_up)},
                       {"layers", layers_json(all)},
                       {"margins", column(all.margins,
                                          [](const MarginSteps& margin) {
                                            return Json::object({{"other", margin.other},
                                                                 {"image", finite_json(margin.image)},
                                                                 {"ibp", finite_json(margin.ibp)},
                                                                 {"crown", finite_json(margin.crown)},
                                                                 {"alpha", finite_json(margin.alpha)}});
                                          })},
                       {"nodes", one.nodes},
                       {"anew", one.anew},
                       {"deepest", one.deepest},
                       {"splits", column(one.splits, [](const UnitSplits& split) {
                          return Json::object({{"layer", split.layer}, {"unit", split.unit}, {"times", split.times}});
                        })}});
}

}  // namespace

int certify_explain(const Common& common, const ExplainRequest& request) {
  check_usage(request.image < request.data.size(), "--explain: there is no image ", request.image, "; ",
              request.subject.data, " has the images 0 to ", request.data.size() - 1);
  const data::Samples sample = request.data.samples(static_cast<std::size_t>(request.image), 1);
  const Explanation all = explain(request.net, sample, request.asked);
  const Certificate& one = all.certificate;
  std::string report = text(
      "Image ", request.image, " of ", request.subject.data, ", label ", one.label, ", read as ", one.prediction,
      " by ", request.subject.model, ", within ", enum_name(request.asked.norm), " ", eps_text(request.asked.eps),
      "\n\nwidths of the intervals of each layer, and where relus and the like are always on, always off or unstable:\n\n",
      layers_text(all), "\nlower bounds of the logit ", one.label, " less another:\n\n", margins_text(all.margins),
      "\n", branching_text(all), certificate_text(one), "\n");
  Json json = explanation_json(request, all);
  if (request.picture) {
    const BothRadii both = both_radii(request, common);
    write_file(*request.picture, radii_picture(request, both));
    append(report, text("\n", radii_line(both, request.asked.norm), "\nwrote ", visible(*request.picture), "\n"));
    json.set("radius", Json::object({{"certified", optional_json(units_of(both.radius.certified))},
                                     {"attacked", optional_json(units_of(both.radius.attacked))},
                                     {"step", 1.0 / radii_per_unit}}));
  }
  Json whole = Json::object({{"hans", std::string(build_version())},
                             {"model", request.subject.model},
                             {"model_sha256", request.subject.model_sha256},
                             {"data", request.subject.data},
                             {"data_sha256", request.subject.data_sha256}});
  finish(common, report, whole.set("explained", std::move(json)));
  return 0;
}

}  // namespace hans::apps
