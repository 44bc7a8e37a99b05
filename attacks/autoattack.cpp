// AutoAttack.
#include <hans/attacks/autoattack.hpp>

#include <hans/attacks/apgd.hpp>
#include <hans/attacks/eot.hpp>
#include <hans/attacks/fab.hpp>
#include <hans/attacks/losses.hpp>
#include <hans/attacks/square.hpp>
#include <hans/attacks/stages.hpp>

namespace hans::attacks {

std::vector<Attack> AutoAttack::stages() const {
  Apgd ce{.eps = eps, .norm = norm};
  if (version == AutoVersion::standard && norm == Norm::l1) {
    ce.restarts = 5;
    ce.large_eps = true;
  }
  if (version == AutoVersion::plus) ce.restarts = 5;
  Apgd dlr = ce;
  dlr.loss = Loss::dlr;
  if (version == AutoVersion::rand) return {Eot{Attack(ce), 20}, Eot{Attack(dlr), 20}};
  const ApgdT targeted{.eps = eps, .norm = norm, .classes = ce.large_eps ? 5U : 9U, .large_eps = ce.large_eps};
  const Fab fab_targeted{.norm = norm, .eps = eps, .classes = 9};
  const Square square{.eps = eps, .norm = norm};
  if (version == AutoVersion::standard) return {ce, targeted, fab_targeted, square};
  return {ce, dlr, Fab{.norm = norm, .eps = eps, .restarts = 5}, square, targeted, fab_targeted};
}

Crafted AutoAttack::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                               const CraftOptions& options) const {
  check_classes(name, Loss::dlr, version != AutoVersion::rand, model.classes());
  return run_stages(stages(), Attack(*this).budget(model.input(), samples.box), model, samples, goal, options);
}

}  // namespace hans::attacks
