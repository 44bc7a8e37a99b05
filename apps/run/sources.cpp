// The model and data that a manifest is about, found again by their hashes.
#include "sources.hpp"

#include <filesystem>

#include <hans/core/text.hpp>

namespace hans::apps {

namespace fs = std::filesystem;

NamedModel find_model(const Manifest& manifest, const std::string& path, const SourceOptions& options) {
  const Subject& subject = manifest.run.plan.subject;
  const std::string given = manifest.here.at("model_given").string();
  std::vector<std::string> candidates{options.model ? options.model->text : given};
  const bool built_in = !is_path(candidates[0]);
  if (!options.model && !built_in) {
    const std::string beside = (fs::path(path).parent_path() / fs::path(given).filename()).string();
    candidates.push_back(is_path(beside) ? beside : text("./", beside));
  }
  std::string tried;
  for (const std::string& word : candidates) {
    append(tried, text(tried.empty() ? "" : "; ", word));
    if (std::error_code ignored; !built_in && !fs::exists(word, ignored)) {
      append(tried, " is not there");
      continue;
    }
    std::optional<PreprocessChoice> preprocess;
    if (is_onnx(word) && subject.preprocessing != "none") {
      preprocess = PreprocessChoice{nn::read_preprocess(subject.preprocessing)};
    }
    NamedModel found = load_model(word, subject.seed, preprocess);
    if (found.model.sha256 == subject.model_sha256) return found;
    append(tried, text(" has sha256 ", found.model.sha256));
  }
  throw Error(text("the manifest is about a model with sha256 ", subject.model_sha256, ", but ", tried,
                   "; give it with --model"));
}

data::Dataset find_data(const Manifest& manifest, const SourceOptions& options, const NamedModel& model) {
  const std::string word = options.data ? options.data->text : manifest.here.at("data_given").string();
  data::Dataset data = load_data(word, data::Part::test, model.model.net);
  const std::string &wanted = manifest.run.plan.subject.data_sha256, found = data.sha256();
  check(found == wanted, "the manifest is about data with sha256 ", wanted, ", but ", word, " has ", found,
        "; give the right data with --data");
  return data;
}

}  // namespace hans::apps
