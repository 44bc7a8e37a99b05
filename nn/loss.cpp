// The plain loss.
#include <hans/nn/loss.hpp>

namespace hans::nn {

Loss cross_entropy_loss(float smoothing) {
  return {text("cross_entropy:smoothing=", smoothing), [smoothing](const TrainStep& step) {
            return cross_entropy(step.logits(step.batch.images), step.batch.labels, static_cast<real>(smoothing));
          }};
}

}  // namespace hans::nn
