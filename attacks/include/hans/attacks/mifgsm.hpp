// The momentum iterative fast gradient sign method.
#pragma once

#include <hans/attacks/driver.hpp>
#include <hans/attacks/losses.hpp>

namespace hans::attacks {

/// FGSM in steps along a momentum, for images that transfer to other models (Dong 2018). The momentum is `decay` times
/// itself plus the gradient divided by its l1 norm. With nesterov=true the gradient is taken alpha * decay ahead along
/// the momentum (NI-FGSM, Lin 2020). With a diversity p > 0 the model sees, with probability p, the image shrunk by up
/// to a tenth and placed at random on zeros (DI-FGSM, Xie 2019). Cost: `steps` gradients and one more forward pass.
struct MiFgsm {
  Required<float> eps;
  Norm norm = Norm::linf;
  unsigned steps = 10;
  std::optional<float> alpha = {};
  float decay = 1;
  bool nesterov = false;
  float diversity = 0;
  Loss loss = Loss::ce;

  static constexpr std::string_view name = "mi-fgsm";
  static constexpr std::string_view meaning = "FGSM in steps with momentum, for images that transfer";
  static constexpr std::string_view paper =
      "Dong 2018, arXiv:1710.06081; nesterov: Lin 2020, arXiv:1908.06281; diversity: Xie 2019, arXiv:1803.06978";
  static constexpr std::string_view example = "mi-fgsm:eps=0.3";
  static constexpr auto fields() {
    return std::tuple(field("eps", &MiFgsm::eps, at_least(0), "radius of the ball, in data units"),
                      field("norm", &MiFgsm::norm, up_to(Norm::l2), "of the ball"),
                      field("steps", &MiFgsm::steps, at_least(1), "gradients"),
                      field("alpha", &MiFgsm::alpha, at_least(0), "size of a step, in data units", "eps/steps"),
                      field("decay", &MiFgsm::decay, at_least(0), "share of the mean that is kept"),
                      field("nesterov", &MiFgsm::nesterov, "look ahead before the gradient is taken"),
                      field("diversity", &MiFgsm::diversity, between(0, 1), "how often the image is resized"),
                      field("loss", &MiFgsm::loss, up_to(Loss::cw), "what to climb"));
  }

  void check_goal(const Goal& goal, std::size_t class_count) const;
  Task<Stop> search(GradientOracle& sample) const;
  MiFgsm resolved(data::Box box) const;
};

}  // namespace hans::attacks
