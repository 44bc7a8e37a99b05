// Predictions of a model on images.
#include <hans/nn/evaluate.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>
#include <hans/nn/pieces.hpp>

namespace hans::nn {
namespace {

/// Computes the logits of `count` samples in pieces and calls `use(first, logits)` for each. `images(first, count)`
/// gives the images of a piece.
template <class Images, class Use>
void ask_pieces(const Classifier& model, std::size_t count, Tape& tape, Images images, Use use,
                const std::function<void(std::size_t)>& progress = {}) {
  Finished finished(progress);
  tape.clear();
  for_pieces(model, count, tape, [&](Tape& own, std::size_t first, std::size_t size) {
    use(first, model.logits(own.constant(images(first, size))).value());
    finished.add(size);
  });
  tape.clear();
}

}  // namespace

std::vector<int> predictions(const Tensor& logits) {
  check(logits.shape().rank() == 2, "logits are samples x classes, not ", logits.shape());
  const std::size_t classes = logits.shape()[1];
  std::vector<int> found;
  found.reserve(logits.shape()[0]);
  for (std::size_t i = 0; i < logits.shape()[0]; ++i) {
    const std::size_t best = argmax(logits.values().subspan(i * classes, classes));
    found.push_back(best == classes ? no_prediction : static_cast<int>(best));
  }
  return found;
}

Tensor logits(const Classifier& model, const Tensor& images, Tape* tape) {
  check(images.shape().rank() > 0 && images.shape().without_front() == model.input(), "the model takes images of ",
        model.input(), ", not ", images.shape());
  Tensor all(Shape{images.shape()[0], model.classes()});
  real* out = all.mutable_data();
  Tape own;
  ask_pieces(
      model, images.shape()[0], tape == nullptr ? own : *tape,
      [&](std::size_t first, std::size_t size) { return images.rows(first, size); },
      [&](std::size_t first, const Tensor& found) {
        std::ranges::copy(found.values(), out + first * model.classes());
      });
  return all;
}

std::vector<int> predict(const Classifier& model, const Tensor& images, Tape* tape) {
  return predictions(logits(model, images, tape));
}

std::vector<int> predict(const Classifier& model, const data::Dataset& data, std::size_t count,
                         const std::function<void(std::size_t)>& progress) {
  check(data.image_shape() == model.input(), "the model takes images of ", model.input(), ", ", data.name(), " has ",
        data.image_shape());
  std::vector<int> all(std::min(count, data.size()));
  Tape tape;
  ask_pieces(
      model, all.size(), tape, [&](std::size_t first, std::size_t size) { return data.samples(first, size).images; },
      [&](std::size_t first, const Tensor& found) {
        std::ranges::copy(predictions(found), all.begin() + static_cast<std::ptrdiff_t>(first));
      },
      progress);
  return all;
}

std::size_t count_correct(std::span<const int> predictions, std::span<const int> labels) {
  check(predictions.size() == labels.size(), predictions.size(), " predictions do not fit ", labels.size(), " labels");
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predictions[i] == labels[i] ? 1U : 0U;
  return right;
}

}  // namespace hans::nn
