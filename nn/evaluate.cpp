// What a model says of images.
#include <hans/nn/evaluate.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>
#include <hans/nn/pieces.hpp>

namespace hans::nn {
namespace {

/// The predictions for `count` samples, whose images `images(first, count)` gives.
template <class Images>
std::vector<int> predict_pieces(const Classifier& model, std::size_t count, Images images,
                                const std::function<void(std::size_t)>& progress) {
  Tape tape;
  std::vector<int> all(count);
  Finished finished(progress);
  for_pieces(model, count, tape, [&](Tape& own, std::size_t first, std::size_t size) {
    const std::vector<int> found = predictions(model.logits(own.constant(images(first, size))).value());
    std::ranges::copy(found, all.begin() + static_cast<std::ptrdiff_t>(first));
    finished.add(size);
  });
  return all;
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

std::vector<int> predict(const Classifier& model, const Tensor& images) {
  check(images.shape().rank() > 0 && images.shape().without_front() == model.input(), "the model takes images of ",
        model.input(), ", not ", images.shape());
  return predict_pieces(model, images.shape()[0],
                        [&](std::size_t first, std::size_t size) { return images.rows(first, size); }, {});
}

std::vector<int> predict(const Classifier& model, const data::Dataset& data, std::size_t count,
                         const std::function<void(std::size_t)>& progress) {
  check(data.image_shape() == model.input(), "the model takes images of ", model.input(), ", ", data.name(), " has ",
        data.image_shape());
  return predict_pieces(
      model, std::min(count, data.size()),
      [&](std::size_t first, std::size_t size) { return data.samples(first, size).images; }, progress);
}

std::size_t count_right(std::span<const int> predictions, std::span<const int> labels) {
  check(predictions.size() == labels.size(), predictions.size(), " predictions do not fit ", labels.size(), " labels");
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predictions[i] == labels[i] ? 1U : 0U;
  return right;
}

}  // namespace hans::nn
