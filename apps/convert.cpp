// hans convert: a model made elsewhere as a model file.
#include <hans/apps/commands.hpp>
#include <hans/apps/inputs.hpp>
#include <hans/apps/results.hpp>
#include <hans/core/file.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

struct ConvertOptions : Common {
  Required<FileName> in;
  Required<FileName> out;
  std::optional<PreprocessChoice> preprocess = {};

  static constexpr std::string_view command = "convert";
  static constexpr std::string_view meaning = "make a model file of an ONNX file";
  static constexpr std::string_view details =
      "Writes the network in IN as a .hans file: its layers, its weights, and what --preprocess says as its first "
      "layers. The same IN gives the same bytes everywhere. The other commands take ONNX files as they are; a .hans "
      "file "
      "loads faster, and holds its preprocessing.";
  static constexpr std::string_view example = "hans convert cnn.onnx cnn.hans --preprocess mean=0.1307,std=0.3081";
  static constexpr auto positional() {
    return std::tuple(field("IN", &ConvertOptions::in, "an ONNX file, or a .hans file to write again"),
                      field("OUT", &ConvertOptions::out, "the .hans file to write"));
  }
  static constexpr auto fields() {
    return std::tuple_cat(std::tuple(field("preprocess", &ConvertOptions::preprocess, preprocess_meaning, "none")),
                          common_fields());
  }
};

int run(const ConvertOptions& options) {
  begin(options);
  const std::string in = options.in.value().text;
  const std::string out = options.out.value().text;
  check_usage(out.ends_with(".hans"), "convert writes .hans files, not ", in_quotes(out));
  check_distinct(std::vector<NamedFile>{{"IN", in, false}, {"OUT", out}, {"--json", json_file(options)}});
  check_writable(out);
  // A name without '/' or '.' is a file here too: there is nothing to convert in a built-in model.
  const bool is_path = in.find_first_of("/.") != std::string::npos;
  NamedModel named = load_model(is_path ? in : "./" + in, options.seed, options.preprocess);
  const std::string before = named.model.sha256;
  if (is_onnx(in)) named.model.training.emplace_back("converted_from_sha256", before);
  named.model.sha256 = nn::save_model(named.model, out);
  finish(options,
         text("wrote ", out, " (", with_commas(named.model.net.parameters()), " parameters, sha256 ",
              named.model.sha256, ")\n"),
         Json::object({{"hans", build_version()},
                       {"in", in},
                       {"in_sha256", before},
                       {"out", out},
                       {"model_sha256", named.model.sha256},
                       {"architecture", named.model.net.architecture()},
                       {"preprocessing", named.model.preprocessing}}));
  return 0;
}

}  // namespace

Command convert_command() { return make_command<ConvertOptions, run>(); }

}  // namespace hans::apps
