// Models behind a preprocessing defence.
#include <hans/defenses/guarded.hpp>

#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>

namespace hans::defenses {

Var Guarded::logits_for(const Var& images, const nn::Query& how) const {
  const Tensor changed = step_(images.value(), how.draw);
  check(changed.shape() == images.shape(), "the step in front of the model made ", changed.shape(), " of images of ",
        images.shape());
  return model_.logits_for(how.straight_through ? straight_through(images, changed) : images.tape().constant(changed),
                           how);
}

}  // namespace hans::defenses
