// The best of several attacks.
#include <hans/attacks/composite.hpp>

#include <hans/attacks/stages.hpp>
#include <hans/core/error.hpp>

namespace hans::attacks {

Budget Composite::budget(const Shape& image, data::Box box) const {
  check_usage(!attacks.value().all.empty(), "a composite attack needs attacks");
  const Attack& first = attacks.value().all.front();
  const Budget all = first.budget(image, box);
  for (const Attack& one : attacks.value().all) {
    check_usage(one.budget(image, box) == all, "the best of several attacks is that of one norm, budget and range; ",
                first.spec(), " and ", one.spec(), " have different ones");
  }
  return all;
}

Crafted Composite::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                              const CraftOptions& options) const {
  return run_stages(attacks.value().all, budget(model.input(), samples.box), model, samples, goal, options);
}

}  // namespace hans::attacks
