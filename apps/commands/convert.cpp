// hans convert: models from one file format to another.
#include <array>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/version.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/safetensors.hpp>
#include <hans/nn/state_dict.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../run/results.hpp"

namespace hans::apps {
namespace {

struct ConvertOptions : Common {
  Required<FileName> in;
  Required<OutputName> out;
  std::optional<PreprocessChoice> preprocess = {};
  std::optional<FileName> model = {};
  std::optional<std::string> names = {};

  static constexpr std::string_view command = "convert";
  static constexpr std::string_view meaning = "convert models between .hans, ONNX and PyTorch's weights";
  static constexpr std::string_view details =
      "Reads and writes .hans and .onnx files, and weights under PyTorch's names (a state_dict) in .safetensors and "
      ".npz files. A weights file has no architecture: pass it with --model, unless hans wrote the .safetensors file. "
      "Each layer takes the first tensors, in the order of their names, that fit it. The assignment is printed; "
      "--names corrects it. The same IN gives the same bytes everywhere, and weights keep their bits in every format.";
  static constexpr std::string_view example =
      "hans convert cnn.onnx cnn.hans --preprocess mean=0.1307,std=0.3081\n"
      "hans convert v1.hans v1.onnx\n"
      "hans convert mlp.safetensors mlp.hans --model '28x28x1;flatten;linear:units=50;relu;linear:units=10'";
  static constexpr auto fields() {
    return with_common(
        field("IN", &ConvertOptions::in, "a .hans, .onnx, .safetensors or .npz file"),
        field("OUT", &ConvertOptions::out, "the file to write; its ending decides the format"),
        field("preprocess", &ConvertOptions::preprocess, preprocess_meaning, "none"),
        field("model", &ConvertOptions::model,
              "for weights: their network, a built-in name, a model file or an architecture as hans show prints it",
              "what the file says"),
        field("names", &ConvertOptions::names,
              "for weights: the prefix of the tensors of each layer that has weights, such as conv1/conv2/fc",
              "in order"));
  }
};

/// `net` behind a layer that normalises its images.
nn::Sequential behind(const nn::Normalize& normalize, const nn::Sequential& net) {
  std::vector<nn::Layer> layers{nn::Layer(normalize)};
  std::vector<Tensor> numbers;
  for (std::size_t layer = 0; layer < net.layers().size(); ++layer) {
    std::vector<nn::Source> sources = net.sources(layer);
    for (nn::Source& source : sources) source.layer = source.layer == nn::Source::images ? 0 : source.layer + 1;
    layers.push_back(net.layers()[layer].of(std::move(sources)));
    for (const Tensor& weight : net.weights(layer)) numbers.push_back(weight);
    for (const Tensor& other : net.buffers(layer)) numbers.push_back(other);
  }
  std::size_t next = 0;
  return nn::Sequential(net.input(), std::move(layers),
                        [&](const std::string&, const nn::WeightInfo&) { return numbers[next++]; });
}

struct Converted {
  nn::Model model;
  std::string sha256;               ///< of the file that was read
  std::vector<nn::StateOf> states;  ///< of weights: whose they became
};

/// The network that weights are for.
nn::Model network_for(const ConvertOptions& options, const nn::Safetensors& file, const std::string& in) {
  if (options.model) {
    nn::Model model = load_model(options.model->text, options.seed).model;
    model.training.clear();
    return model;
  }
  const std::string* architecture = file.find("architecture");
  check_usage(architecture != nullptr, in_quotes(in), " holds weights only; pass their network: --model NAME, FILE or ",
              "ARCHITECTURE, such as '28x28x1;flatten;linear:units=10'");
  nn::Model model{nn::Sequential::parse(*architecture, Rng(options.seed))};
  if (const std::string* preprocessing = file.find("preprocessing")) {
    model.preprocessing = nn::preprocess_text(nn::read_preprocess(*preprocessing));
  }
  return model;
}

Converted read_weights(const ConvertOptions& options, const std::string& in) {
  const std::string bytes = read_file(in);
  const std::string where = in_quotes(in);
  const nn::Safetensors file = data::is_npz(bytes) ? nn::Safetensors{{}, nn::parse_state_dict(bytes, where)}
                                                   : nn::Safetensors::parse(bytes, where);
  Converted read{network_for(options, file, in), sha256(bytes), {}};
  std::vector<std::string> names;
  if (options.names) each_part(*options.names, "/", [&](std::string_view name) { names.emplace_back(name); });
  try {
    read.states = nn::load_state_dict(read.model.net, file.tensors, names);
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text(where, " cannot be used: ", error.what()));
  }
  if (options.preprocess) {
    const nn::Preprocess& preprocess = options.preprocess->preprocess;
    check_usage(preprocess.layout == nn::Layout::nchw && !preprocess.shape && read.model.preprocessing == "none",
                "for weights --preprocess may say scale, mean and std, once");
    read.model.net = behind(preprocess, read.model.net);
    read.model.preprocessing = nn::preprocess_text(preprocess);
    for (nn::StateOf& state : read.states) ++state.layer;
  }
  return read;
}

Converted read_whole(const ConvertOptions& options, const std::string& in) {
  // Another name without '/' or '.' is a file here too: there is nothing to convert in a built-in model.
  const bool known = is_path(in) || find_net(in) != nullptr;
  nn::Model model = load_model(known ? in : "./" + in, options.seed, options.preprocess).model;
  const std::string hash = model.sha256;
  return {std::move(model), hash, {}};
}

int run(const ConvertOptions& options) {
  const std::string in = options.in.value().text;
  const std::string out = options.out.value().text;
  check_ending("OUT", out, std::to_array<std::string_view>({".hans", ".onnx", ".safetensors", ".npz"}));
  check_usage(is_state_dict(in) || (!options.model && !options.names), "--model and --names are for weights; ",
              in_quotes(in), " is a whole model");
  begin(options);
  Converted read = is_state_dict(in) ? read_weights(options, in) : read_whole(options, in);
  if (!in.ends_with(".hans") && find_net(in) == nullptr)
    read.model.training.emplace_back("converted_from_sha256", read.sha256);
  const std::string bytes = dump_as(read.model, out);
  write_file(out, bytes);
  std::string page;
  Json states = Json::array();
  for (const nn::StateOf& state : read.states) {
    append(page, text(in_quotes(state.prefix), " is layer ", state.layer, ", ",
                      read.model.net.layers()[state.layer].spec(), "\n"));
    states.push(Json::object({{"prefix", state.prefix}, {"layer", state.layer}}));
  }
  append(page, text("wrote ", visible(out), " (", with_commas(read.model.net.parameters()), " parameters, sha256 ",
                    sha256(bytes), ")\n"));
  finish(options, page,
         Json::object({{"hans", build_version()},
                       {"in", in},
                       {"in_sha256", read.sha256},
                       {"out", out},
                       {"out_sha256", sha256(bytes)},
                       {"architecture", read.model.net.architecture()},
                       {"preprocessing", read.model.preprocessing},
                       {"states", std::move(states)}}));
  return 0;
}

}  // namespace

Command convert_command() { return make_command<ConvertOptions, run>(); }

}  // namespace hans::apps
