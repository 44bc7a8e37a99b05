// What a model file says of its training.
#pragma once

#include <hans/data/dataset.hpp>
#include <hans/nn/fit.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hans::apps {

/// Enough to repeat the training, nothing that differs between machines. `model` is the built-in name of the
/// architecture; `continued_from` the hash of the file that it went on from, if any.
std::vector<std::pair<std::string, std::string>> training_record(std::string_view model, const data::Dataset& train,
                                                                 const nn::FitOptions& fit,
                                                                 std::string_view continued_from = {});

}  // namespace hans::apps
