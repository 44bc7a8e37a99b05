// hans list: what there is to choose from, and the parameters of each.
#include <algorithm>
#include <array>

#include <hans/attacks/attack.hpp>
#include <hans/attacks/indicators.hpp>
#include <hans/data/dataset.hpp>
#include <hans/defenses/defense.hpp>
#include <hans/nn/layer.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/optim.hpp>
#include <hans/nn/schedule.hpp>
#include "../../core/text/detail/meant.hpp"
#include "../commands.hpp"
#include "../nets.hpp"
#include "../run/results.hpp"

namespace hans::apps {
namespace {

enum class Topic { attacks, defenses, models, layers, optimizers, schedules, data, indicators };
constexpr std::array<std::string_view, 8> enum_names(Topic) {
  return {"attacks", "defenses", "models", "layers", "optimizers", "schedules", "data", "indicators"};
}

/// What stands in one of the lists: "fgsm@cleverhans-1.0.0".
struct EntryName {
  std::string text;
};
void read_value(std::string_view word, EntryName& out) { out.text = word; }
void append_value(std::string& out, const EntryName& name) { append(out, name.text); }
std::string value_help(const EntryName&) { return "NAME"; }

struct ListOptions : Common {
  Required<Topic> topic;
  std::optional<EntryName> name = {};
  bool markdown = false;

  static constexpr std::string_view command = "list";
  static constexpr std::string_view meaning =
      "list attacks, defences, models, layers, optimizers, schedules, data and indicators";
  static constexpr std::string_view details =
      "Parameters are written NAME:KEY=VALUE,KEY=VALUE without spaces; a value that is itself such a text stands in "
      "brackets.";
  static constexpr std::string_view example =
      "hans list attacks\n"
      "hans list attacks pgd";
  static constexpr auto fields() {
    return with_common(field("TOPIC", &ListOptions::topic,
                             "attacks, defenses, models, layers, optimizers, schedules, data or indicators"),
                       field("NAME", &ListOptions::name, "all that there is to say of one of them", "a line for each"),
                       field("markdown", &ListOptions::markdown, "as a page of documentation"));
  }
};

struct Entry {
  std::string name, meaning, source;
  std::vector<FieldInfo> fields;
  Facts facts = {};  ///< what is no parameter
};

template <class Info>
Entry entry_of(const Info& info, Facts facts = {}) {
  Entry entry{std::string(info.name), std::string(info.meaning), "", {}, std::move(facts)};
  if constexpr (requires { info.paper; }) entry.source = info.paper;
  if constexpr (requires { info.source; }) entry.source = info.source;
  if constexpr (requires { info.fields; }) entry.fields = info.fields;
  return entry;
}

/// What the entry says of `key`, or null.
const std::string* fact(const Entry& entry, std::string_view key) {
  const auto found = std::ranges::find(entry.facts, key, [](const auto& pair) { return std::string_view(pair.first); });
  return found == entry.facts.end() ? nullptr : &found->second;
}

std::vector<Entry> entries(Topic topic) {
  std::vector<Entry> all;
  const auto add = [&all](const auto& infos) {
    for (const auto& info : infos) all.push_back(entry_of(info));
  };
  switch (topic) {
    case Topic::attacks:
      for (const attacks::AttackInfo& info : attacks::list_attacks()) {
        const std::string_view goals = !info.takes_targets       ? "untargeted"
                                       : info.targets_by_default ? "targeted: at the next class, or what --targets says"
                                                                 : "untargeted, or targeted if --targets says at what";
        all.push_back(entry_of(info, {{"specification", info.specification},
                                      {"norms", info.norms},
                                      {"sees", std::string(enum_name(info.knowledge))},
                                      {"goals", std::string(goals)},
                                      {"example", info.example}}));
        if (!info.version.empty()) append(all.back().name, text("@", info.version));
      }
      break;
    case Topic::defenses:
      add(defenses::list_defenses());
      break;
    case Topic::models:
      for (const nn::ModelInfo& info : nn::list_models()) {
        const std::size_t parameters = nn::make_model(info.name, Rng(0)).parameters();
        all.push_back(entry_of(info, {{"input", std::string(info.input())},
                                      {"parameters", with_commas(parameters)},
                                      {"architecture", std::string(info.architecture)}}));
      }
      for (const Net& net : list_nets()) {
        const std::optional<std::string> path = net_path(net);
        all.push_back(entry_of(net, {{"input", std::string(net.input)},
                                     {"parameters", with_commas(net.parameters)},
                                     {"clean", text(percent_of(net.clean()), " %")},
                                     {"certified", text(percent_of(net.proved()), " %")},
                                     {"attacked", text(percent_of(net.unbroken()), " %")},
                                     {"figures", text("of the ", with_commas(net.images), " images of ", net.data,
                                                      ", attacked and certified in the linf ball of ", net.eps)},
                                     {"recipe", std::string(net.command)},
                                     {"sha256", std::string(net.sha256)},
                                     {"weights_sha256", std::string(net.weights_sha256)},
                                     {"found", net.embedded.empty() ? path.value_or("not here") : "in the command"}}));
      }
      break;
    case Topic::layers:
      add(nn::list_layers());
      break;
    case Topic::optimizers:
      add(nn::list_optimizers());
      break;
    case Topic::schedules:
      add(nn::list_schedules());
      break;
    case Topic::data:
      for (const data::DataInfo& info : data::list()) {
        const std::string found = info.found.empty() ? "not here" : info.found;
        all.push_back(entry_of(info, {{"images", text(info.image, " in [", info.box.lo, ",", info.box.hi, "], ",
                                                      info.classes, " classes")},
                                      {"licence", info.licence},
                                      {"found", found}}));
        Facts& facts = all.back().facts;
        if (!info.searched.empty()) facts.emplace_back("searched", listed(info.searched, std::identity()));
        if (!info.package.empty()) facts.emplace_back("package", text("Debian's ", info.package));
      }
      add(data::list_formats());
      break;
    case Topic::indicators:
      for (const attacks::IndicatorInfo& info : attacks::list_indicators()) {
        all.push_back(entry_of(info, {{"suspect", std::string(info.suspect)},
                                      {"unreliable", std::string(info.unreliable)},
                                      {"next", info.next.empty() ? "-" : std::string(info.next)}}));
      }
      break;
  }
  return all;
}

std::string value_text(const FieldInfo& info) {
  return text(info.kind, info.range.empty() ? "" : " ", info.range, info.required ? ", " : ", default ",
              info.default_text);
}

/// For a cell of a table, where a bar would end it.
std::string in_cell(std::string_view text) { return escaped(text, "|"); }

/// What a heading is linked by: letters, digits and dashes.
std::string anchor(std::string_view heading) {
  std::string out;
  for (const char c : heading) {
    if (c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')) out += c;
  }
  return out;
}

/// With a capital letter and a full stop.
std::string sentence_of(std::string_view meaning) {
  std::string out = text(meaning, ".");
  if (out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

/// A line for each: the name, of the facts those that one chooses by, and the meaning.
std::string table(Topic topic, const std::vector<Entry>& entries) {
  constexpr std::array<std::string_view, 8> chosen_by{"norms", "sees",      "input",    "parameters",
                                                      "clean", "certified", "attacked", "found"};
  TextTable rows{{"name"}};
  const auto cell = [](std::string_view words) { return words.empty() ? std::string("-") : std::string(words); };
  for (const std::string_view key : chosen_by) {
    const auto has = [&](const Entry& entry) { return fact(entry, key) != nullptr; };
    if (std::ranges::any_of(entries, has)) rows[0].emplace_back(key);
  }
  for (const Entry& entry : entries) {
    std::vector<std::string>& row = rows.emplace_back(1, entry.name);
    for (std::size_t k = 1; k < rows[0].size(); ++k) {
      const std::string* value = fact(entry, rows[0][k]);
      row.push_back(value == nullptr ? "-" : cell(*value));
    }
    row.push_back(entry.meaning);
  }
  rows[0].emplace_back("what it is");
  return text(table_text(rows, std::string(rows[0].size(), 'l')), "\nhans list ", enum_name(topic),
              " NAME shows all of one.\n");
}

std::string page(const std::vector<Entry>& entries) {
  std::string out;
  for (const Entry& entry : entries) {
    append(out, text(out.empty() ? "" : "\n", entry.name, ": ", entry.meaning,
                     entry.source.empty() ? "" : text(" (", entry.source, ")"), "\n"));
    Facts all;
    for (const FieldInfo& info : entry.fields) {
      all.emplace_back(info.name, text(info.meaning, " (", value_text(info), ")"));
    }
    all.insert(all.end(), entry.facts.begin(), entry.facts.end());
    out += aligned(all);
  }
  return out;
}

std::string markdown_page(Topic topic, const std::vector<Entry>& all) {
  const std::string_view name = enum_name(topic);
  std::string out = text("# All ", name, "\n\nMade by `hans list ", name, " --markdown`; a test keeps it so.\n\n");
  for (const Entry& entry : all)
    append(out, text("- [`", entry.name, "`](#", anchor(entry.name), "): ", entry.meaning, "\n"));
  for (const Entry& entry : all) {
    append(out, text("\n## ", entry.name, "\n\n", sentence_of(entry.meaning), "\n"));
    if (!entry.source.empty() || !entry.facts.empty()) append(out, "\n");
    if (!entry.source.empty()) append(out, text("- source: ", entry.source, "\n"));
    for (const auto& [key, value] : entry.facts) {
      const bool code = key == "example" || key == "architecture" || key == "recipe";
      append(out, text("- ", key, ": ", code ? "`" : "", value, code ? "`" : "", "\n"));
    }
    if (entry.fields.empty()) continue;
    append(out, "\n| parameter | is | values | default |\n| --- | --- | --- | --- |\n");
    for (const FieldInfo& info : entry.fields) {
      append(out, text("| `", info.name, "` | ", in_cell(info.meaning), " | ", in_cell(info.kind),
                       info.range.empty() ? "" : text(" ", in_cell(info.range)), " | ",
                       info.required ? "required" : in_cell(info.default_text), " |\n"));
    }
  }
  return out;
}

Json entries_json(const std::vector<Entry>& all) {
  Json list = Json::array();
  for (const Entry& entry : all) {
    Json item = Json::object({{"name", entry.name}, {"meaning", entry.meaning}});
    if (!entry.source.empty()) item.set("source", entry.source);
    for (const auto& [key, value] : entry.facts) item.set(key, value);
    const auto parameter = [](const FieldInfo& info) {
      return Json::object({{"name", info.name},
                           {"kind", info.kind},
                           {"range", info.range},
                           {"required", info.required},
                           {"default", info.required ? Json() : Json(info.default_text)},
                           {"meaning", info.meaning}});
    };
    list.push(item.set("parameters", column(entry.fields, parameter)));
  }
  return list;
}

int run(const ListOptions& options) {
  begin(options);
  const Topic topic = options.topic;
  std::vector<Entry> all = entries(topic);
  if (options.name) {
    const std::string& name = options.name->text;
    const std::string unknown = did_you_mean(name, all, &Entry::name);
    const std::string names = listed(all, &Entry::name);
    std::erase_if(all, [&](const Entry& entry) { return entry.name != name; });
    check_usage(!all.empty(), "there is no ", in_quotes(name), " among the ", enum_name(topic), unknown, "there are ",
                names);
  }
  const std::string shown = options.markdown ? markdown_page(topic, all) : options.name ? page(all) : table(topic, all);
  finish(options, shown, Json::object({{enum_name(topic).data(), entries_json(all)}}));
  return 0;
}

}  // namespace

Facts listed_names(std::string_view topic) {
  Topic known{};
  hans::read_value(topic, known);
  Facts all;
  for (const Entry& entry : entries(known)) all.emplace_back(entry.name, entry.meaning);
  return all;
}

std::string help_of_name(std::string_view name) {
  std::string all;
  for (std::size_t k = 0; k < enum_names(Topic{}).size(); ++k) {
    const auto topic = static_cast<Topic>(k);
    std::vector<Entry> known = entries(topic);
    if (enum_name(topic) == name) return table(topic, known);
    std::erase_if(known, [&](const Entry& entry) { return entry.name != name; });
    append(all, text(all.empty() || known.empty() ? "" : "\n", page(known)));
  }
  return all;
}

Command list_command() { return make_command<ListOptions, run>(); }

}  // namespace hans::apps
