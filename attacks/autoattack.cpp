// AutoAttack.
#include <hans/attacks/autoattack.hpp>

#include <hans/attacks/apgd.hpp>
#include <hans/attacks/ball.hpp>
#include <hans/attacks/fab.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/attacks/square.hpp>
#include <hans/attacks/stages.hpp>

namespace hans::attacks {

std::vector<Attack> AutoAttack::stages() const {
  const bool l1 = norm == Norm::l1;
  const bool plus = version == AutoVersion::plus;
  const Apgd ce{.eps = eps, .norm = norm, .restarts = l1 || plus ? 5U : 1U, .large_eps = l1};
  const ApgdT targeted{.eps = eps, .norm = norm, .classes = l1 && !plus ? 5U : 9U, .large_eps = l1};
  const Fab fab_targeted{.norm = norm, .eps = eps, .classes = 9};
  const Square square{.eps = eps, .norm = norm};
  if (version == AutoVersion::standard) return {ce, targeted, fab_targeted, square};
  Apgd dlr = ce;
  dlr.loss = Loss::dlr;
  return {ce, dlr, Fab{.norm = norm, .eps = eps, .restarts = 5}, square, targeted, fab_targeted};
}

Budget AutoAttack::budget(const Shape& image, data::Box box) const {
  check_fields(*this);
  return ball_budget(name, eps, norm, image, box);
}

Crafted AutoAttack::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                               const CraftOptions& options) const {
  check_untargeted(name, goal);
  check_classes(name, Loss::dlr, true, model.classes());
  return in_stages(stages(), budget(model.input(), samples.box), model, samples, goal, options);
}

}  // namespace hans::attacks
