// What an attack sees of one sample and of the model: as much as it is meant to see, and nothing else.
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

/// The loss of an image, its gradient, and the logits it follows from. Valid until the next question.
struct Slope {
  real loss = 0;
  std::span<const real> gradient;
  std::span<const real> logits;
};

namespace detail {

/// What an oracle and the driver tell each other of one sample.
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
  double reach = 0;  ///< how far images may be from the original just now
  Note* note = nullptr;
  std::span<const unsigned char> mask;  ///< 0: this feature stays; empty: all may change

  std::coroutine_handle<> waiting;  ///< goes on when the question is answered
  Asks asks = Asks::nothing;
  std::span<real> question;  ///< the image asked about
  const void* loss = nullptr;
  real (*climb)(const void* loss, std::span<const real> logits, std::span<real> seed) = nullptr;
  std::vector<real> weights;  ///< of the logits, whose sum a gradient is asked of; for all draws, or for each
  std::span<const real> logits, gradient;
  int prediction = 0;
  real loss_value = 0;
  bool unless_reached = false;  ///< no gradient where the prediction is the goal's
  std::vector<real> kept;       ///< the best image that reached the goal; empty: none
};

struct Answer {
  Sample& sample;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> who) const noexcept { sample.waiting = who; }
};

}  // namespace detail

/// One sample and the classes a model gives its images: for attacks that only see decisions.
///
/// Every image that is asked about is first brought into the box and, where the attack has a budget, the ball, in
/// place; so all that the model sees counts. The driver keeps the best image and ends the attack on the sample when it
/// is done; an attack only searches.
///
/// A question keeps references to what it is given, the attack waits meanwhile, and compilers differ in how long they
/// keep a temporary in a co_await. So give questions named objects: losses that are temporaries do not compile.
class LabelOracle {
 public:
  explicit LabelOracle(detail::Sample& sample) : sample_(sample) {}

  std::span<const real> original() const { return sample_.original; }

  /// The image the attack works on: the original at first; what is returned where the driver kept none.
  std::span<real> image() const { return sample_.image; }
  const Shape& shape() const { return *sample_.shape; }  ///< height x width x channels
  std::size_t classes() const { return sample_.classes; }

  /// The least and largest value of each feature that box, mask and, in linf, the ball leave.
  std::span<const real> low() const { return sample_.low; }
  std::span<const real> high() const { return sample_.high; }
  const Budget& budget() const { return sample_.budget; }
  real eps() const { return static_cast<real>(sample_.budget.size); }

  /// The best image so far that reached the goal; empty if none has.
  std::span<const real> kept() const { return sample_.kept; }

  bool targeted() const { return sample_.targeted; }
  int goal() const { return sample_.goal; }  ///< the class to reach, or to get away from
  int label() const { return sample_.label; }
  std::uint32_t index() const { return sample_.index; }  ///< in the data set
  Note& note() const { return *sample_.note; }

  /// Whether a prediction is what the attack wants.
  bool reached(int prediction) const { return (prediction == sample_.goal) == sample_.targeted; }

  /// Random numbers of this sample alone.
  Stream random(std::string_view purpose, std::uint32_t step = 0) const {
    return Rng(sample_.seed).stream(purpose, sample_.index, step);
  }

  /// Brings an image into box and ball, exactly.
  void project(std::span<real> image) const;

  /// The radius of the ball just now.
  double reach() const { return sample_.reach; }

  /// Lets the attack roam: from now on the ball has this radius, infinity for none. What is outside the budget's is
  /// never kept.
  void set_reach(double size) const;

  /// co_await: the class the model gives the image, an int.
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

/// The same and the logits: for attacks that see scores.
class ScoreOracle : public LabelOracle {
 public:
  using LabelOracle::LabelOracle;

  /// co_await: the logits of the image, a std::span<const real> that is valid until the next question.
  auto scores(std::span<real> image) const {
    struct Scores : detail::Answer {
      std::span<const real> await_resume() const noexcept { return sample.logits; }
    };
    ask(detail::Sample::Asks::scores, image);
    return Scores{{sample_}};
  }
};

/// The same and gradients: for attacks that know the model.
class GradientOracle : public ScoreOracle {
 public:
  using ScoreOracle::ScoreOracle;

  /// co_await: the Slope of a loss at the image. `loss(logits, seed)` gives the loss of one row of logits, and its
  /// gradient with respect to them in `seed`, which is zeros before. With
  /// `unless_reached` the gradient is left out, and empty, where the prediction is the goal's.
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

  /// co_await: the gradient of another sum of logits at the image of the last slope(), weighted by `weights`, one for
  /// each class. A std::span<const real>, valid until the next question.
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
