// Running what a manifest describes, the first time and again.
#include <hans/apps/rerun.hpp>

#include <filesystem>

#include <hans/apps/verdict.hpp>

namespace hans::apps {

namespace fs = std::filesystem;

attacks::Evaluation rerun(
    const Benchmark& benchmark, const nn::Classifier& model, const data::Dataset& data, const data::Samples& samples,
    const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress) {
  attacks::EvaluateOptions settings;
  settings.targets = benchmark.request.targets;
  settings.seed = benchmark.subject.seed;
  settings.hash_images = true;
  settings.progress = progress;
  attacks::Evaluation found = attacks::evaluate(model, samples, benchmark.request.attacks, settings);
  found.probes = probe_some(model, found, found.attacks.front().budget, data, benchmark.slice.whole, settings.seed);
  return found;
}

NamedModel find_model(const Manifest& manifest, const std::string& path, const std::string& model) {
  const Subject& subject = manifest.benchmark.subject;
  const std::string given = manifest.run.at("model_given").string();
  std::vector<std::string> candidates{given};
  if (!model.empty()) candidates = {model};
  const bool built_in = candidates[0].find_first_of("/.") == std::string::npos;
  if (model.empty() && !built_in) {
    const fs::path beside = fs::path(path).parent_path() / fs::path(given).filename();
    candidates.push_back(beside.has_parent_path() ? beside.string() : text("./", beside.string()));
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

data::Dataset find_data(const Manifest& manifest, const std::string& given, const NamedModel& model) {
  const std::string word = !given.empty() ? given : manifest.run.at("data_given").string();
  data::Dataset data = load_data(word, data::Part::test, model.model.net);
  const std::string &wanted = manifest.benchmark.subject.data_sha256, found = data.sha256();
  check(found == wanted, "the manifest is about data with sha256 ", wanted, ", but ", word, " has ", found,
        "; give the right data with --data");
  return data;
}

Json run_json(const Benchmark& benchmark, std::string_view model_given, std::string_view data_given) {
  Json seconds = Json::array();
  for (const attacks::AttackResult& result : benchmark.found.attacks) seconds.push(result.seconds);
  return Json::object(
      {{"model", benchmark.subject.model},
       {"model_given", model_given},
       {"data", benchmark.subject.data},
       {"data_given", data_given},
       {"seconds", std::move(seconds)},
       {"sentences",
        text(results_sentences(benchmark.subject, benchmark.request, benchmark.found), "\n",
             verdict_text(attacks::reliability(benchmark.found), benchmark.found.attacks.front().budget))}});
}

}  // namespace hans::apps
