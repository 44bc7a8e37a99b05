// What a model file says of its training.
#include <hans/apps/inputs.hpp>
#include <hans/apps/training.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {

std::vector<std::pair<std::string, std::string>> training_record(std::string_view model, const data::Dataset& train,
                                                                 const nn::FitOptions& fit,
                                                                 std::string_view continued_from) {
  std::vector<std::pair<std::string, std::string>> entries{{"model", std::string(model)}};
  if (!continued_from.empty()) entries.push_back({"continued_from_sha256", std::string(continued_from)});
  entries.push_back({"recipe", nn::recipe(fit)});
  entries.push_back({"data", short_name(train.name())});
  entries.push_back({"data_sha256", train.sha256()});
  entries.push_back({"seed", text(fit.seed)});
  entries.push_back({"hans", std::string(build_version())});
  return entries;
}

}  // namespace hans::apps
