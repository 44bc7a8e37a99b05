// hans page: other networks in hans.html.
#include <algorithm>
#include <filesystem>
#include <vector>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/version.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../nets.hpp"

namespace hans::apps {
namespace {

constexpr std::string_view begins = "<!--models-->\n";
constexpr std::string_view ends = "<!--/models-->";
constexpr std::size_t most_bytes = 16'000'000;

struct PageOptions : Common {
  Required<FileName> page;
  Required<OutputName> out;
  std::optional<Many<ModelName>> model = {};

  static constexpr std::string_view command = "page";
  static constexpr std::string_view meaning = "put other networks into hans.html";
  static constexpr std::string_view details =
      "hans.html is the library in one file for a browser: it attacks, certifies, trains and verifies without a "
      "network. `cmake --workflow --preset page` makes it. This command copies it with other networks in place of its "
      "own, in the order given. The page shows digits, so a network must take 28x28x1 images. An ONNX file becomes a "
      ".hans file first, by hans convert. Networks have at most 16 MB together.";
  static constexpr std::string_view example =
      "hans page hans.html --model mnist-linf0.3 --model v1.hans --out mine.html";
  static constexpr auto fields() {
    return with_common(field("PAGE", &PageOptions::page, "a hans.html"),
                       field("out", &PageOptions::out, "the file to write"),
                       field("model", &PageOptions::model,
                             "a .hans file, or a network that hans list models shows; may be given several times"));
  }
};

/// A character of windows-1252 for each byte. Bytes that HTML changes or that could end an element, and '=', become '='
/// and a character 64 higher; apps/page/engine.js undoes it.
std::string packed(std::string_view bytes) {
  constexpr std::string_view changed("\0\n\r&<=", 6);
  std::string out;
  for (const char byte : bytes) {
    const bool plain = changed.find(byte) == std::string_view::npos;
    if (!plain) out += '=';
    out += plain ? byte : static_cast<char>(byte + 64);
  }
  return out;
}

struct PageModel {
  std::string name;  ///< in the page: that of a network in the box, or the file's
  std::string bytes;
  std::string sha256;
};

PageModel page_model(const std::string& word, std::uint64_t seed) {
  const Net* const net = find_net(word);
  check_usage(net != nullptr || word.ends_with(".hans"),
              "--model takes a .hans file or a network that hans list models "
              "shows, not ",
              in_quotes(word), "; hans convert makes .hans files");
  const NamedModel model = load_model(word, seed);
  const Shape& input = model.model.net.input();
  check(input == Shape({28, 28, 1}), in_quotes(word), " takes ", input, " images; the page shows digits of 28x28x1");
  PageModel made{net != nullptr ? std::string(net->name) : std::filesystem::path(word).filename().string(),
                 net != nullptr ? net_bytes(*net) : read_file(word), model.model.sha256};
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  check(made.name.find_first_not_of(letters) == std::string::npos, "the name ", in_quotes(made.name),
        " cannot stand in a page; rename the file with letters, digits, '.', '_' and '-'");
  return made;
}

int run(const PageOptions& options) {
  const std::string in = options.page.value().text, out = options.out.value().text;
  check_ending("--out", out, std::to_array<std::string_view>({".html"}));
  check_usage(options.model.has_value(), "--model is missing: the networks to put in");
  begin(options);
  const std::string page = read_file(in);
  const std::size_t first = page.find(begins), last = page.find(ends);
  check(page.find("id=\"hans-wasm\"") != std::string::npos && first != std::string::npos && last != std::string::npos &&
            first < last && page.find(begins, first + 1) == std::string::npos &&
            page.find(ends, last + 1) == std::string::npos,
        in_quotes(in), " is no hans.html: it lacks the engine, or the place for networks");
  std::string elements, report;
  std::vector<std::string> names;
  Json models = Json::array();
  std::size_t total = 0;
  for (const ModelName& word : options.model->values) {
    const PageModel model = page_model(word.text, options.seed);
    check(std::ranges::find(names, model.name) == names.end(), "two networks have the name ", in_quotes(model.name),
          "; rename one file");
    names.push_back(model.name);
    total += model.bytes.size();
    check(total <= most_bytes, "the networks up to ", in_quotes(model.name), " have ", with_commas(total),
          " bytes; a page takes ", with_commas(most_bytes));
    append(elements, text("<script type=\"application/octet-stream\" class=\"hans-model\" data-name=\"", model.name,
                          "\">", packed(model.bytes), "</script>\n"));
    append(report, text(model.name, "  ", with_commas(model.bytes.size()), " bytes, sha256 ", model.sha256, "\n"));
    models.push(Json::object({{"name", model.name}, {"sha256", model.sha256}}));
  }
  const std::string made = text(page.substr(0, first + begins.size()), elements, page.substr(last));
  write_file(out, made);
  append(report, text("wrote ", visible(out), " (", with_commas(made.size()), " bytes, sha256 ", sha256(made), ")\n"));
  finish(options, report,
         Json::object(
             {{"hans", build_version()}, {"page", out}, {"page_sha256", sha256(made)}, {"models", std::move(models)}}));
  return 0;
}

}  // namespace

Command page_command() { return make_command<PageOptions, run>(); }

}  // namespace hans::apps
