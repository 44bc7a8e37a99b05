// hans show: what is in a file that hans made.
#include <algorithm>
#include <filesystem>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/memory.hpp>
#include <hans/nn/safetensors.hpp>
#include "../../data/detail/bytes.hpp"
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../manifest/manifest.hpp"
#include "../nets.hpp"
#include "../run/figures.hpp"

namespace hans::apps {
namespace {

struct ShowOptions : Common {
  Required<FileName> file;
  std::optional<PreprocessChoice> preprocess = {};
  bool memory = false;
  unsigned batch = 128;

  static constexpr std::string_view command = "show";
  static constexpr std::string_view meaning = "show what a model, an ONNX file or another file of hans contains";
  static constexpr std::string_view details =
      "Shows model files and checkpoints of hans train, ONNX files, the .npz and JSON files of hans attack, and the "
      "manifests of hans benchmark. The name of a built-in model shows its layers. --memory runs a training step and "
      "an attack once and measures the memory of each.";
  static constexpr std::string_view example =
      "hans show v1.hans\n"
      "hans show madry --memory --batch 1";
  static constexpr auto fields() {
    return with_common(field("FILE", &ShowOptions::file, "the file, or a name that hans list models shows"),
                       field("preprocess", &ShowOptions::preprocess, preprocess_meaning, "none"),
                       field("memory", &ShowOptions::memory, "also how many bytes a training step and an attack take"),
                       field("batch", &ShowOptions::batch, between(1, 65536), "images at once, for --memory"));
  }
};

/// The same for people and for machines.
struct Shown {
  std::string page;
  Json json;
};

std::string facts_text(Facts facts) {
  for (auto& [key, value] : facts) {
    key = visible(key);
    value = visible(value);
  }
  return aligned(facts, {0, 2, std::string::npos});
}

std::string megabytes(std::size_t bytes) { return text(with_commas((bytes + 500000) / 1000000), " MB"); }

void add_memory(Shown& shown, const nn::Sequential& net, unsigned batch) {
  const nn::MemoryUse use = nn::memory_use(net, batch);
  append(shown.page, text("\nmemory at ", counted(batch, "image"), " a batch, beside the program and the data\n",
                          facts_text({{"weights", megabytes(use.weights)},
                                      {"infer", megabytes(use.weights + use.infer)},
                                      {"attack", megabytes(use.weights + use.attack)},
                                      {"train with adam", megabytes(use.weights + use.train)}})));
  shown.json.set("memory", Json::object({{"batch", batch},
                                         {"weights", use.weights},
                                         {"infer", use.weights + use.infer},
                                         {"attack", use.weights + use.attack},
                                         {"train", use.weights + use.train}}));
}

Shown show_model(std::string_view what, const nn::Model& model, const ShowOptions& options) {
  const std::string joined = listed(model.class_names, std::identity());
  Shown shown;
  const std::string weights = nn::weights_sha256(model);
  Facts facts{{"sha256", model.sha256},
              {"weights_sha256", weights},
              {"numbers", std::string(enum_name(model.numbers))},
              {"input", text(model.net.input())},
              {"classes", text(model.net.classes(), joined.empty() ? "" : ": ", joined)},
              {"parameters", with_commas(model.net.parameters())},
              {"preprocessing", model.preprocessing}};
  shown.page = text(what, "\n\n", facts_text(facts), "\n", model.net.summary());
  if (!model.training.empty()) append(shown.page, text("\ntraining\n", facts_text(model.training)));
  shown.json = Json::object({{"kind", "model"},
                             {"model_sha256", model.sha256},
                             {"weights_sha256", weights},
                             {"numbers", enum_name(model.numbers)},
                             {"architecture", model.net.architecture()},
                             {"preprocessing", model.preprocessing},
                             {"input", text(model.net.input())},
                             {"classes", model.net.classes()},
                             {"class_names", column(model.class_names, std::identity())},
                             {"parameters", model.net.parameters()},
                             {"training", facts_json(model.training)}});
  if (options.memory) add_memory(shown, model.net, options.batch);
  return shown;
}

Shown show_net(const Net& net, const nn::Model& model, const ShowOptions& options) {
  Shown shown = show_model(text(net.name, ": ", net.meaning), model, options);
  const Facts figures{{"images", text(with_commas(net.images), " of ", net.data)},
                      {"eps", text(net.eps, " in linf")},
                      {"clean", text(percent_of(net.clean()), " %")},
                      {"both ends", ends_words(net.proved(), net.unbroken())},
                      {"recipe", std::string(net.command)}};
  append(shown.page, text("\nfigures\n", facts_text(figures)));
  shown.json.set("name", net.name).set("figures", facts_json(figures));
  return shown;
}

Shown show_tensors(std::string_view name, std::string_view bytes, const nn::Safetensors& file) {
  const std::string* format = file.find("format");
  const bool is_checkpoint = format != nullptr && format->starts_with("hans checkpoint");
  Facts rows;
  Json tensors = Json::array();
  for (const auto& [key, tensor] : file.tensors) {
    rows.push_back({key, text(tensor.shape())});
    tensors.push(Json::object({{"name", key}, {"shape", text(tensor.shape())}}));
  }
  Facts facts{{"sha256 of the file", sha256(bytes)}};
  for (const auto& [key, value] : file.metadata) facts.push_back({key == "sha256" ? "checksum" : key, value});
  return {text(name, ": ", is_checkpoint ? "a checkpoint of hans train" : "a safetensors file", "\n\n",
               facts_text(facts), "\n", facts_text(rows)),
          Json::object({{"kind", is_checkpoint ? "checkpoint" : "safetensors"},
                        {"metadata", facts_json(file.metadata)},
                        {"tensors", std::move(tensors)}})};
}

Shown show_arrays(std::string_view name, std::string_view bytes) {
  Json arrays = Json::array();
  Facts rows, facts;
  data::each_npz(bytes, [&](const std::string& key, const data::Array& array) {
    rows.push_back({key, text(array.type_name(), " ", array.shape)});
    arrays.push(Json::object({{"name", key}, {"type", array.type_name()}, {"shape", text(array.shape)}}));
    const bool is_text = array.shape.rank() == 0 && array.kind == data::Array::Kind::text;
    if (is_text) facts.push_back({key, array.text()});
    if (key == "success" && array.shape.rank() == 1 && array.kind == data::Array::Kind::natural) {
      const std::vector<std::int64_t> values = array.integers();
      const auto successes = values.size() - static_cast<std::size_t>(std::count(values.begin(), values.end(), 0));
      facts.push_back({"successes", text(with_commas(successes), " of ", with_commas(values.size()), " attempts")});
    }
  });
  return {text(name, ": arrays in an .npz file\n\n", facts_text(rows), facts.empty() ? "" : "\n", facts_text(facts)),
          Json::object({{"kind", "npz"}, {"arrays", std::move(arrays)}, {"facts", facts_json(facts)}})};
}

Shown show_results(std::string_view name, std::string_view bytes) {
  const Json json = Json::parse(bytes);
  if (json.is_object() && json.find("manifest") != nullptr) {
    const Manifest manifest = parse_manifest(bytes);
    return {text(name, ": a manifest\n\n", manifest_report(manifest.run, manifest.name, manifest.former)), json};
  }
  check(json.is_object() && json.find("hans") != nullptr && json.find("model") != nullptr,
        "it is JSON, but not a result of hans: the keys hans and model are not there");
  Facts facts;
  for (const auto& [key, value] : json.members()) {
    if (value.is_array() || value.is_object()) continue;
    facts.emplace_back(key, value.is_string() ? value.string() : value.dump());
  }
  Shown shown{text(name, ": results of hans ", visible(json.at("hans").string()), "\n\n", facts_text(facts)), json};
  if (const Json* attacks = json.find("attacks")) {
    for (const Json& attack : attacks->items()) {
      append(shown.page, text("\n", visible(attack.at("sentence").string(), "\n"), "\n"));
    }
  }
  return shown;
}

// Whether the bytes begin with the length of a JSON header and the header. Asked first: a length may look like "PK" or
// "{".
bool begins_like_tensors(std::string_view bytes) {
  constexpr std::size_t length_bytes = 8;
  return bytes.size() > length_bytes && bytes[length_bytes] == '{' &&
         data::little<std::uint64_t>(bytes.data()) <= bytes.size() - length_bytes;
}

Shown show_other(const std::string& name, const std::string& bytes) {
  if (bytes.starts_with("PK")) return show_arrays(name, bytes);
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  check(first != std::string::npos && bytes[first] == '{', "it is no model file, checkpoint, .npz or JSON of hans");
  return show_results(name, bytes);
}

Shown show(const ShowOptions& options) {
  const std::string& word = options.file.value().text;
  namespace fs = std::filesystem;
  std::error_code ignored;
  const bool names_file = is_path(word) || (find_net(word) == nullptr && fs::exists(word, ignored));
  if (!names_file) {
    const NamedModel made = load_model(word, options.seed, options.preprocess);
    if (const Net* const net = find_net(word)) return show_net(*net, made.model, options);
    return show_model(
        text(made.name, nn::is_architecture(word) ? ": an architecture" : ": a built-in model", ", untrained"),
        made.model, options);
  }
  const std::string name = visible(fs::path(word).filename().string());
  if (is_onnx(word)) {
    return show_model(text(name, ": an ONNX file"), load_model(word, options.seed, options.preprocess).model, options);
  }
  check_usage(!options.preprocess, "--preprocess is for ONNX files, not for ", in_quotes(word));
  const std::string bytes = read_file(word);
  const std::string no_network = text("--memory is for networks; ", in_quotes(word), " is no model file");
  if (!begins_like_tensors(bytes)) {
    check_usage(!options.memory, no_network);
    nn::refuse_foreign(bytes, in_quotes(word));
    try {
      return show_other(name, bytes);
    } catch (const Error& error) {
      throw Error(text(in_quotes(word), " cannot be shown: ", error.what()));
    }
  }
  const nn::Safetensors file = nn::Safetensors::parse(bytes, word);
  const std::string* format = file.find("format");
  if (format != nullptr && format->starts_with("hans model")) {
    return show_model(text(name, ": a model file"), nn::parse_model(bytes, word), options);
  }
  check_usage(!options.memory, no_network);
  return show_tensors(name, bytes, file);
}

int run(const ShowOptions& options) {
  begin(options);
  const Shown shown = show(options);
  finish(options, shown.page, shown.json);
  return 0;
}

}  // namespace

Command show_command() { return make_command<ShowOptions, run>(); }

}  // namespace hans::apps
