// Backward pass differentiable approximation.
#include <hans/attacks/bpda.hpp>

namespace hans::attacks {

Crafted Bpda::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                         const CraftOptions& options) const {
  CraftOptions through = options;
  through.straight_through = true;
  return attack.value()(model, samples, goal, through);
}

}  // namespace hans::attacks
