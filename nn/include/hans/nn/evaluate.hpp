// What a model says of images.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include <hans/data/dataset.hpp>
#include <hans/nn/classifier.hpp>

namespace hans::nn {

/// What predict() gives for a sample whose logits hold a NaN: no class, never right.
inline constexpr int no_prediction = -1;

/// The class of each row of logits, samples x classes: the lowest index among the largest, no_prediction with a NaN.
std::vector<int> predictions(const Tensor& logits);

/// The logits of each image, samples x classes, computed in pieces (nn/pieces.hpp). `tape`: memory of an earlier call
/// to work in, cleared before and after; null: the call's own.
Tensor logits(const Classifier& model, const Tensor& images, Tape* tape = nullptr);

/// The class the model gives each image. `tape` as above.
std::vector<int> predict(const Classifier& model, const Tensor& images, Tape* tape = nullptr);

/// The classes the model gives the first `count` samples of a data set (all, if there are fewer).
/// `progress(done)` is called after each piece, by one thread at a time.
std::vector<int> predict(const Classifier& model, const data::Dataset& data, std::size_t count,
                         const std::function<void(std::size_t)>& progress = {});

/// How many predictions equal the label.
std::size_t count_right(std::span<const int> predictions, std::span<const int> labels);

}  // namespace hans::nn
