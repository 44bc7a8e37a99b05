// What a model says of images.
#include <hans/nn/evaluate.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/reduce.hpp>

namespace hans::nn {
namespace {
constexpr std::size_t batch = 128;
}

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
  Tape tape;
  std::vector<int> all;
  const std::size_t count = images.shape()[0];
  for (std::size_t first = 0; first < count; first += batch) {
    const Tensor part = images.rows(first, std::min(batch, count - first));
    const std::vector<int> found = predictions(model.logits(tape.constant(part)).value());
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

std::vector<int> predict(const Classifier& model, const data::Dataset& data, std::size_t count,
                         const std::function<void(std::size_t)>& progress) {
  check(data.image_shape() == model.input(), "the model takes images of ", model.input(), ", ", data.name(), " has ",
        data.image_shape());
  Tape tape;
  std::vector<int> all;
  count = std::min(count, data.size());
  for (std::size_t first = 0; first < count; first += batch) {
    const data::Samples part = data.samples(first, std::min(batch, count - first));
    const std::vector<int> found = predictions(model.logits(tape.constant(part.images)).value());
    all.insert(all.end(), found.begin(), found.end());
    if (progress) progress(all.size());
  }
  return all;
}

std::size_t count_right(std::span<const int> predictions, std::span<const int> labels) {
  check(predictions.size() == labels.size(), predictions.size(), " predictions do not fit ", labels.size(), " labels");
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predictions[i] == labels[i] ? 1U : 0U;
  return right;
}

}  // namespace hans::nn
