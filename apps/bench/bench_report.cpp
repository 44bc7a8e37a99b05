// hans bench: the figures for machines (JSON) and for people (tables).
#include "bench.hpp"

#include <fstream>

#include <hans/core/parallel.hpp>
#include <hans/core/text.hpp>
#include <hans/core/version.hpp>
#include "../run/results.hpp"

namespace hans::apps {
namespace {

#if defined(__clang__)
constexpr std::string_view compiler = "clang " __clang_version__;
#elif defined(__GNUC__)
constexpr std::string_view compiler = "gcc " __VERSION__;
#else
constexpr std::string_view compiler = "unknown";
#endif

/// The processor's name as Linux tells it; empty elsewhere.
std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

bool has_share(Section section) { return section != Section::peak && section != Section::bandwidth; }

Json spread_json(const Spread& spread) {
  return Json::object({{"median", spread.median}, {"min", spread.min}, {"max", spread.max}});
}

Json figure_json(const Figure& figure) {
  Json json = figure.names;
  if (figure.flop > 0) json.set("gflops", spread_json(figure.gflops()));
  if (figure.count > 0) json.set(text(figure.unit, "_per_second"), spread_json(figure.per_second()));
  if (!has_share(figure.section)) return json;
  json.set("share_of_peak", figure.share());
  json.set("peak_before", figure.peak_before / 1e9);
  json.set("peak_after", figure.peak_after / 1e9);
  return json;
}

/// Three digits that count, or all before the point.
std::string short_number(double value) { return fixed(value, value < 10 ? 2 : value < 100 ? 1 : 0); }

constexpr std::array<std::string_view, 6> titles{"What the machine can do: multiply-adds",
                                                 "What the machine can do: memory",
                                                 "Matrix products (rows x columns x sum)",
                                                 "Layers (model, place, weights)",
                                                 "Steps of whole networks",
                                                 "Attacks on a network trained for it, without the judge"};

std::string table(const std::vector<Figure>& figures, Section section) {
  std::vector<std::vector<std::string>> rows;
  for (const Figure& figure : figures) {
    if (figure.section != section) continue;
    std::vector<std::string> row, head;
    const auto add = [&](std::string_view name, std::string value) {
      head.emplace_back(name);
      row.push_back(std::move(value));
    };
    const auto add_spread = [&](std::string_view name, const Spread& spread) {
      add(name, short_number(spread.median));
      add("min to max", text(short_number(spread.min), " to ", short_number(spread.max)));
    };
    const bool memory = section == Section::bandwidth, attacks = section == Section::attacks;
    if (figure.count > 0 && section != Section::layers) {
      add_spread(memory ? "GB/s" : attacks ? "a second" : "images/s", figure.per_second());
      if (attacks) add("of", figure.unit);
    }
    if (figure.flop > 0) add_spread("GFLOP/s", figure.gflops());
    if (has_share(section)) {
      add("of peak", text(fixed(100 * figure.share(), 0), " %"));
      add("peak", short_number((figure.peak_before + figure.peak_after) / 2e9));
    }
    add("what", figure.label);
    if (rows.empty()) rows.push_back(std::move(head));
    rows.push_back(std::move(row));
  }
  return rows.empty() ? "" : text("\n", titles[static_cast<std::size_t>(section)], "\n\n", table_text(rows));
}

}  // namespace

Json bench_json(const std::vector<Figure>& figures, const BenchPlan& plan) {
  const std::string cpu = processor();
  Json json = Json::object({{"hans", build_version()},
                            {"kernels", kernels::selected()},
                            {"threads", thread_count()},
                            {"compiler", compiler},
                            {"cpu", cpu.empty() ? Json() : Json(cpu)},
                            {"seed", plan.seed},
                            {"rounds", plan.rounds},
                            {"round_seconds", plan.seconds}});
  const auto sections = enum_names(Section{});
  for (std::size_t section = 0; section < sections.size(); ++section) {
    Json all = Json::array();
    for (const Figure& figure : figures) {
      if (figure.section == static_cast<Section>(section)) all.push(figure_json(figure));
    }
    if (!all.items().empty()) json.set(sections[section], std::move(all));
  }
  return json;
}

std::string bench_text(const std::vector<Figure>& figures, const BenchPlan& plan) {
  const std::string cpu = processor();
  const std::string threads = counted(thread_count(), "thread");
  std::string out = text("hans ", build_version(), " | kernels ", kernels::selected(), " | ", threads, " | ", compiler,
                         cpu.empty() ? "" : " | ", cpu, "\n");
  for (std::size_t section = 0; section < enum_names(Section{}).size(); ++section) {
    append(out, table(figures, static_cast<Section>(section)));
  }
  append(out, text("\nMedians of ", counted(plan.rounds, "round"), " of at least ", plan.seconds,
                   " s. The peak is what ", threads, " reached right before and after each figure: their mean.\n"));
  return out;
}

}  // namespace hans::apps
