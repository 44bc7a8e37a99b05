// Running what a manifest describes, the first time and again.
#include <hans/apps/rerun.hpp>

#include <hans/apps/verdict.hpp>

namespace hans::apps {

attacks::Evaluation rerun(
    const Benchmark& benchmark, const nn::Classifier& model, const data::Dataset& data, const data::Samples& samples,
    const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress) {
  attacks::EvaluateOptions settings;
  settings.targets = benchmark.request.targets;
  settings.seed = benchmark.subject.seed;
  settings.hash_images = true;
  settings.progress = progress;
  attacks::Evaluation found = attacks::evaluate(model, samples, benchmark.request.attacks, settings);
  found.probes = probe_some(model, found, data, benchmark.slice.whole, settings.seed);
  return found;
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
