// The models and data that commands are told to use.
#include "inputs.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/onnx_export.hpp>
#include <hans/nn/onnx_import.hpp>
#include <hans/nn/state_dict.hpp>
#include "arguments.hpp"
#include "commands.hpp"

namespace hans::apps {

namespace fs = std::filesystem;

void read_value(std::string_view word, PreprocessChoice& out) { out.preprocess = nn::read_preprocess(word); }
void append_value(std::string& out, const PreprocessChoice& choice) {
  append(out, nn::preprocess_text(choice.preprocess));
}
std::string value_help(const PreprocessChoice&) { return "STEPS"; }

void read_value(std::string_view word, Radii& out) {
  out.values.clear();
  each_part(word, ",", [&out](std::string_view part) {
    float radius = 0;
    hans::read_value(part, radius);
    check_usage(radius >= 0 && std::isfinite(radius), "a distance is a number from 0 up, not ", radius);
    out.values.push_back(radius);
  });
}
void append_value(std::string& out, const Radii& radii) {
  for (const float radius : radii.values) append(out, text(&radius == radii.values.data() ? "" : ",", radius));
}
std::string value_help(const Radii&) { return "NUMBER,NUMBER,..."; }

bool is_onnx(std::string_view path) { return path.ends_with(".onnx"); }
bool is_state_dict(std::string_view path) { return path.ends_with(".safetensors") || path.ends_with(".npz"); }

namespace {

/// A built-in model or an architecture; the message for another name also says how files are written.
nn::Sequential untrained_net(std::string_view word, std::uint64_t seed) {
  try {
    return nn::make_model(word, Rng(seed));
  } catch (const UsageError& error) {
    std::error_code ignored;
    const bool is_file = fs::is_regular_file(word, ignored);
    if (nn::is_architecture(word) && !is_file) throw;
    throw UsageError(text(
        error.what(), is_file ? "; for the file of that name write ./" : "; a model file is written with a '.' or '/'",
        is_file ? word : ""));
  }
}

}  // namespace

NamedModel load_model(std::string_view word, std::uint64_t seed, const std::optional<PreprocessChoice>& preprocess,
                      nn::OnnxOutput output) {
  if (is_path(word)) {
    const std::string path(word);
    const std::string name = visible(fs::path(word).filename().string());
    check_usage(!is_state_dict(word), in_quotes(word),
                " holds weights, not a whole model; make one of them: hans convert ", word,
                " model.hans --model ARCHITECTURE");
    if (is_onnx(word)) {
      std::vector<std::string> notes;
      nn::Model model = nn::load_onnx(path, preprocess ? preprocess->preprocess : nn::Preprocess{}, notes, output);
      for (const std::string& one : notes) note(text(path, ": ", one));
      return {name, path, std::move(model)};
    }
    check_usage(!preprocess, "--preprocess is for ONNX files; ", in_quotes(word), " holds its own");
    return {name, path, nn::load_model(path)};
  }
  check_usage(!preprocess, "--preprocess is for ONNX files, not for ", in_quotes(word));
  if (const Net* const net = find_net(word)) {
    return {std::string(net->name), std::string(net->name), nn::parse_model(net_bytes(*net), net->name)};
  }
  NamedModel untrained{std::string(word), "", nn::Model{untrained_net(word, seed)}};
  if (nn::is_architecture(word)) untrained.name = untrained.model.net.architecture();
  untrained.model.sha256 = sha256(nn::dump_model(untrained.model));
  return untrained;
}

std::string dump_as(const nn::Model& model, std::string_view path) {
  if (is_onnx(path)) return nn::onnx::dump(nn::export_onnx(model.net));
  if (path.ends_with(".safetensors")) return nn::dump_safetensors(model);
  return path.ends_with(".npz") ? nn::dump_npz(model) : nn::dump_model(model);
}

Facts training_record(std::string_view model, const data::Dataset& train, const nn::FitOptions& fit,
                      std::string_view continued_from) {
  Facts entries{{"model", std::string(model)}};
  if (!continued_from.empty()) entries.emplace_back("continued_from_sha256", continued_from);
  const Facts rest{{"recipe", nn::recipe(fit)},
                   {"data", short_name(train.name())},
                   {"data_sha256", train.sha256()},
                   {"seed", text(fit.seed)},
                   {"hans", std::string(build_version())}};
  entries.insert(entries.end(), rest.begin(), rest.end());
  return entries;
}

void warn_if_untrained(const NamedModel& model) {
  if (!model.path.empty()) return;
  note(text(model.name, " is untrained; hans train makes a model file of it"));
}

Subject subject_of(const NamedModel& model, const data::Dataset& data, std::uint64_t seed) {
  const nn::Model& given = model.model;
  return {model.path.empty() ? text("untrained ", model.name) : model.name,
          given.sha256,
          given.net.architecture(),
          given.preprocessing,
          short_name(data.name()),
          data.sha256(),
          data.size(),
          data.box(),
          seed};
}

std::size_t first_count(const std::optional<std::uint64_t>& limit, std::size_t size) {
  return limit && *limit < size ? static_cast<std::size_t>(*limit) : size;
}

void read_value(std::string_view word, TargetsChoice& out) { out.targets = attacks::read_targets(word); }
void append_value(std::string&, const TargetsChoice&) {}
std::string value_help(const TargetsChoice&) { return "next|all|random|N"; }

std::string short_name(std::string_view data_name) {
  std::string part;
  for (const data::Part candidate : {data::Part::train, data::Part::test}) {
    const std::string ending = text("/", data::to_text(candidate));
    if (data_name.ends_with(ending)) part = ending;
  }
  fs::path folder(data_name.substr(0, data_name.size() - part.size()));
  if (!folder.has_filename()) folder = folder.parent_path();
  if (folder.filename() == "." || folder.filename() == "..") {
    std::error_code ignored;
    folder = fs::weakly_canonical(folder, ignored);
  }
  return text(visible(folder.filename().string()), part);
}

data::Dataset load_data(std::string_view word, data::Part part, const nn::Sequential& model) {
  data::Dataset data = data::load(word, part, model.classes());
  if (!data.note().empty()) note(text(data.name(), ": ", data.note()));
  check(data.image_shape() == model.input(), "the model takes images of ", model.input(), ", but those of ",
        data.name(), " are ", data.image_shape(), "; use data or a model of the same shape");
  check(data.classes() <= model.classes(), "the model tells ", model.classes(), " classes apart, but ", data.name(),
        " has ", data.classes());
  return data;
}

}  // namespace hans::apps
