// Running what a manifest describes, the first time and again.
#include <cmath>

#include <hans/apps/rerun.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/text.hpp>

namespace hans::apps {

void check_radii(const Request& request, const Shape& image) {
  for (const attacks::Attack& attack : request.attacks) {
    const double most = attack.budget(image, data::Box{}).size;
    check_usage(request.radii.empty() || std::isinf(most), "--at is for attacks that look for the nearest image; ",
                attack.info().name, " stays within ", most);
  }
}

attacks::Evaluation rerun(
    const Benchmark& benchmark, const nn::Classifier& model, const data::Samples& samples,
    const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress) {
  attacks::EvaluateOptions settings;
  settings.targets = benchmark.request.targets;
  settings.seed = benchmark.subject.seed;
  settings.hash_images = true;
  settings.progress = progress;
  return attacks::evaluate(model, samples, benchmark.request.attacks, settings);
}

Json run_json(const Benchmark& benchmark, const NamedModel& model, std::string_view data, double seconds) {
  Json attacks = Json::array();
  for (const attacks::AttackResult& result : benchmark.found.attacks) {
    attacks.push(Json::object({{"attack", text(result.attack.spec())}, {"seconds", result.seconds}}));
  }
  return Json::object({{"model", benchmark.subject.model},
                       {"model_given", model.path.empty() ? model.name : model.path},
                       {"data", benchmark.subject.data},
                       {"data_given", data},
                       {"kernels", kernels::selected()},
                       {"threads", thread_count()},
                       {"seconds", seconds},
                       {"attacks", std::move(attacks)},
                       {"sentences", results_sentences(benchmark.subject, benchmark.request, benchmark.found)}});
}

}  // namespace hans::apps
