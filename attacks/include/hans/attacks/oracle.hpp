// What an attack sees of one sample and of the model, by threat model.
#pragma once

#include <coroutine>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/attacks/task.hpp>
#include <hans/core/rng.hpp>

namespace hans::attacks {

/// The loss of an image, its gradient with respect to the image, and the logits. The spans are valid until the next
/// question.
struct Slope {
  real loss = 0;
  std::span<const real> gradient;
  std::span<const real> logits;
};

namespace detail {

/// The state of one sample, shared by its oracle and the driver.
struct Sample {
  enum class Asks { nothing, scores, slope, gradient };

  std::span<const real> original;
  std::span<real> image;
  std::vector<real> low, high;
  const Shape* shape = nullptr;
  std::size_t classes = 0;
  int label = 0, goal = 0;
  bool targeted = false;
  std::uint32_t index = 0;
  std::uint64_t seed = 0;
  Budget budget;
  double reach = 0;  ///< the current radius of the ball, see LabelOracle::set_radius()
  Note* note = nullptr;
  std::span<const unsigned char> mask;  ///< 0: the feature must not change; empty: all may

  std::coroutine_handle<> waiting;  ///< to resume once the question is answered
  Asks asks = Asks::nothing;
  std::span<real> question;  ///< the image asked about
  const void* loss = nullptr;
  real (*climb)(const void* loss, std::span<const real> logits, std::span<real> seed) = nullptr;
  std::vector<real> weights;  ///< the gradient asked for is of the logits' sum with these; for all draws, or for each
  std::span<const real> logits, gradient;
  int prediction = 0;
  real loss_value = 0;
  bool unless_reached = false;  ///< no gradient if the prediction reaches the goal
  std::vector<real> kept;       ///< the best image that reached the goal; empty: none
};

struct Answer {
  Sample& sample;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> who) const noexcept { sample.waiting = who; }
};

}  // namespace detail

/// One sample, and the class that the model predicts for an image: for decision-based attacks.
///
/// Before the model sees an image, the oracle brings it into the box and, if the attack has a budget, into the ball, in
/// place. So every image the model sees can become the result (unless set_radius() enlarged the ball). The driver keeps
/// the best one and ends the attack on the sample when it is done; the attack only searches.
///
/// Questions keep references to their arguments while the attack is suspended, and compilers differ in how long a
/// temporary in a co_await lives. So pass named objects; a temporary loss does not compile.
class LabelOracle {
 public:
  explicit LabelOracle(detail::Sample& sample) : sample_(sample) {}

  std::span<const real> original() const { return sample_.original; }

  /// The image the attack works on, at first the original. It is the result if no image reached the goal.
  std::span<real> image() const { return sample_.image; }
  const Shape& shape() const { return *sample_.shape; }  ///< height x width x channels
  std::size_t classes() const { return sample_.classes; }

  /// The range of each feature: box, mask and, in linf, ball together.
  std::span<const real> low() const { return sample_.low; }
  std::span<const real> high() const { return sample_.high; }
  const Budget& budget() const { return sample_.budget; }
  real eps() const { return static_cast<real>(sample_.budget.size); }

  /// The best image so far that reached the goal; empty if none has.
  std::span<const real> kept() const { return sample_.kept; }

  bool targeted() const { return sample_.targeted; }
  int goal() const { return sample_.goal; }  ///< the class to reach, or (untargeted) to get away from
  int label() const { return sample_.label; }
  std::uint32_t index() const { return sample_.index; }  ///< the sample's index in its data set
  Note& note() const { return *sample_.note; }

  /// Whether this prediction reaches the goal.
  bool reached(int prediction) const { return (prediction == sample_.goal) == sample_.targeted; }

  /// A stream of random numbers that follows from seed, purpose, sample and step alone.
  Stream random(std::string_view purpose, std::uint32_t step = 0) const {
    return Rng(sample_.seed).stream(purpose, sample_.index, step);
  }

  /// Projects an image into box and ball, exactly.
  void project(std::span<real> image) const;

  /// The current radius of the ball.
  double reach() const { return sample_.reach; }

  /// Changes the radius of the ball from now on; infinity removes the ball. Images outside the attack's budget are
  /// never kept.
  void set_radius(double size) const;

  /// co_await: the predicted class of the image, an int.
  auto prediction(std::span<real> image) const {
    struct Prediction : detail::Answer {
      int await_resume() const noexcept { return sample.prediction; }
    };
    ask(detail::Sample::Asks::scores, image);
    return Prediction{{sample_}};
  }

 protected:
  void ask(detail::Sample::Asks what, std::span<real> image) const {
    sample_.asks = what;
    sample_.question = image;
  }
  detail::Sample& sample_;
};

/// LabelOracle and the logits: for score-based attacks.
class ScoreOracle : public LabelOracle {
 public:
  using LabelOracle::LabelOracle;

  /// co_await: the logits of the image, a std::span<const real>, valid until the next question.
  auto scores(std::span<real> image) const {
    struct Scores : detail::Answer {
      std::span<const real> await_resume() const noexcept { return sample.logits; }
    };
    ask(detail::Sample::Asks::scores, image);
    return Scores{{sample_}};
  }
};

/// ScoreOracle and gradients: for white-box attacks.
class GradientOracle : public ScoreOracle {
 public:
  using ScoreOracle::ScoreOracle;

  /// co_await: the Slope of a loss at the image. `loss(logits, seed)` returns the loss of one row of logits and adds
  /// its gradient with respect to the logits to `seed`, which begins at zero. With `unless_reached`, no gradient is
  /// computed (the span is empty) if the prediction reaches the goal.
  template <class Loss>
  auto slope(std::span<real> image, const Loss& loss, bool unless_reached = false) const {
    struct Found : detail::Answer {
      Slope await_resume() const noexcept { return {sample.loss_value, sample.gradient, sample.logits}; }
    };
    ask(detail::Sample::Asks::slope, image);
    sample_.loss = &loss;
    sample_.unless_reached = unless_reached;
    sample_.climb = [](const void* given, std::span<const real> logits, std::span<real> seed) -> real {
      return (*static_cast<const Loss*>(given))(logits, seed);
    };
    return Found{{sample_}};
  }
  template <class Loss>
  requires(!std::is_lvalue_reference_v<Loss>) void slope(
      std::span<real> image, Loss&& loss, bool unless_reached = false) const = delete;  ///< give it a name

  /// co_await: the gradient of the logits' sum weighted by `weights`, one for each class, at the image of the last
  /// slope(). A std::span<const real>, valid until the next question.
  auto gradient(std::span<const real> weights) const {
    struct Found : detail::Answer {
      std::span<const real> await_resume() const noexcept { return sample.gradient; }
    };
    sample_.asks = detail::Sample::Asks::gradient;
    sample_.weights.assign(weights.begin(), weights.end());
    return Found{{sample_}};
  }
};

}  // namespace hans::attacks
