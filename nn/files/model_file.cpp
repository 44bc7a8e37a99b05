// The .hans model file.
#include <hans/nn/model_file.hpp>

#include <map>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/json.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/preprocess.hpp>
#include <hans/nn/safetensors.hpp>

namespace hans::nn {
namespace {

constexpr std::string_view model_format = "hans model 1";

void add_tensors(Safetensors& file, const Model& model) {
  const auto add = [&file](std::span<const std::string> named, std::span<const Tensor> tensors) {
    for (std::size_t k = 0; k < named.size(); ++k) file.tensors.emplace_back(named[k], tensors[k]);
  };
  add(model.net.weight_names(), model.net.weights());
  add(model.net.buffer_names(), model.net.buffers());
  file.numbers = model.numbers;
}

}  // namespace

std::string weights_sha256(const Model& model) {
  Safetensors file;
  add_tensors(file, model);
  return file.tensors_sha256();
}

std::string dump_model(const Model& model) {
  check(model.class_names.empty() || model.class_names.size() == model.net.classes(), "the model has ",
        model.net.classes(), " classes, but ", model.class_names.size(), " names for them");
  Json names = Json::array();
  for (const std::string& name : model.class_names) names.push(name);
  Json training = Json::object();
  for (const auto& [key, value] : model.training) training.set(key, value);
  Safetensors file;
  file.metadata = {{"format", std::string(model_format)},
                   {"architecture", model.net.architecture()},
                   {"preprocessing", model.preprocessing},
                   {"class_names", names.dump()},
                   {"training", training.dump()}};
  add_tensors(file, model);
  return file.dump();
}

std::string save_model(const Model& model, const std::filesystem::path& path) {
  const std::string bytes = dump_model(model);
  write_file(path, bytes);
  return sha256(bytes);
}

Model parse_model(std::string_view bytes, std::string_view where) {
  const Safetensors file = Safetensors::parse(bytes, where);
  try {
    const std::string* kind = file.find("format");
    check(kind != nullptr && *kind == model_format, "its format is ", kind == nullptr ? "not stated" : in_quotes(*kind),
          ", not '", model_format, "'");
    check(file.find("sha256") != nullptr, "it has no checksum");
    std::map<std::string_view, const Tensor*> tensors;
    for (const auto& [name, tensor] : file.tensors) tensors[name] = &tensor;
    // Use the file's own tensors, so that an absurd architecture allocates nothing beyond the file's content.
    Model model{Sequential::parse(file.at("architecture"), [&tensors](const std::string& name, const WeightInfo&) {
      const auto found = tensors.find(name);
      check(found != tensors.end(), "the file has no tensor ", in_quotes(name));
      return *found->second;
    })};
    model.preprocessing = preprocess_text(read_preprocess(file.at("preprocessing")));
    const Json names = Json::parse(file.at("class_names"));
    for (const Json& name : names.items()) model.class_names.push_back(name.string());
    check(model.class_names.empty() || model.class_names.size() == model.net.classes(), "it names ",
          model.class_names.size(), " classes of ", model.net.classes());
    const Json training = Json::parse(file.at("training"));
    for (const auto& [key, value] : training.members()) {
      model.training.emplace_back(key, value.string());
    }
    const std::size_t asked = model.net.weights().size() + model.net.buffers().size();
    check(file.tensors.size() == asked, "it holds ", file.tensors.size(), " tensors, its architecture asks for ",
          asked);
    model.numbers = file.numbers;
    model.sha256 = sha256(bytes);
    return model;
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text(where, " is not a usable model: ", error.what()));
  }
}

Model load_model(const std::filesystem::path& path) { return parse_model(read_file(path), path.string()); }

}  // namespace hans::nn
