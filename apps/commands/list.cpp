// hans list: what there is to choose from, and the parameters of each.
#include <hans/attacks/attack.hpp>
#include <hans/attacks/indicators.hpp>
#include <hans/data/dataset.hpp>
#include <hans/defenses/defense.hpp>
#include <hans/nn/layer.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/optim.hpp>
#include "../commands.hpp"
#include "../run/results.hpp"

namespace hans::apps {
namespace {

enum class Topic { attacks, defenses, models, layers, optimizers, data, indicators };
constexpr std::array<std::string_view, 7> enum_names(Topic) {
  return {"attacks", "defenses", "models", "layers", "optimizers", "data", "indicators"};
}

struct ListOptions : Common {
  Required<Topic> topic;
  bool markdown = false;

  static constexpr std::string_view command = "list";
  static constexpr std::string_view meaning =
      "the attacks, defences, models, layers, optimizers, data and indicators there are";
  static constexpr std::string_view details =
      "Parameters are written NAME:KEY=VALUE,KEY=VALUE without spaces; a value that is itself such a text stands in "
      "brackets.";
  static constexpr std::string_view example = "hans list attacks";
  static constexpr auto fields() {
    return with_common(
        field("TOPIC", &ListOptions::topic, "attacks, defenses, models, layers, optimizers, data or indicators"),
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
      break;
    case Topic::layers:
      add(nn::list_layers());
      break;
    case Topic::optimizers:
      add(nn::list_optimizers());
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
      const bool code = key == "example" || key == "architecture";
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
  const std::vector<Entry> all = entries(topic);
  finish(options, options.markdown ? markdown_page(topic, all) : page(all),
         Json::object({{enum_name(topic).data(), entries_json(all)}}));
  return 0;
}

}  // namespace

Command list_command() { return make_command<ListOptions, run>(); }

}  // namespace hans::apps
