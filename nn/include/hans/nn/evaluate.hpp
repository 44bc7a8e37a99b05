// Predictions of a model on images.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <hans/data/dataset.hpp>
#include <hans/nn/classifier.hpp>

namespace hans::nn {

/// The prediction for a sample whose logits contain a NaN. It is never correct.
inline constexpr int no_prediction = -1;

/// The predicted class of each row of logits, samples x classes: the lowest index of the maximum, or no_prediction if
/// the row contains a NaN.
std::vector<int> predictions(const Tensor& logits);

/// The logits of the images, samples x classes, computed in pieces (nn/pieces.hpp). Pass a `tape` of an earlier call to
/// reuse its memory; it is cleared before and after. Null: a temporary tape.
Tensor logits(const Classifier& model, const Tensor& images, Tape* tape = nullptr);

/// The predicted class of each image. `tape` as above.
std::vector<int> predict(const Classifier& model, const Tensor& images, Tape* tape = nullptr);

/// The predicted classes of the first `count` samples of a data set, or of all if there are fewer. Calls
/// `progress(done)` after each piece, from one thread at a time.
std::vector<int> predict(const Classifier& model, const data::Dataset& data, std::size_t count,
                         const std::function<void(std::size_t)>& progress = {});

/// The number of predictions that equal their label.
std::size_t count_correct(std::span<const int> predictions, std::span<const int> labels);

}  // namespace hans::nn
