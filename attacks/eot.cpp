// Expectation over transformation.
#include <hans/attacks/eot.hpp>

namespace hans::attacks {

Budget Eot::budget(const Shape& image, data::Box box) const { return attack.value().budget(image, box); }

Crafted Eot::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                        const CraftOptions& options) const {
  CraftOptions several = options;
  several.draws = draws;
  return attack.value()(model, samples, goal, several);
}

}  // namespace hans::attacks
