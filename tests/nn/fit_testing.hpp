// What the tests of training share: a task that is easy to learn, a net for it, short runs.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/model_file.hpp>

#include "../data/data_testing.hpp"

namespace testing_fit {

using namespace hans;
using nn::FitOptions;
using nn::Sequential;

inline constexpr std::string_view architecture =
    "6x6x1;conv2d:filters=4,kernel=3;relu;dropout:rate=0.25;flatten;linear:units=4";

/// Noise with one bright quarter, which is the label.
inline data::Dataset quarters(std::size_t count, std::uint64_t seed = 1, std::size_t side = 6) {
  std::string pixels;
  std::vector<int> labels;
  Stream stream = Rng(seed).stream("quarters");
  for (std::size_t i = 0; i < count; ++i) {
    labels.push_back(static_cast<int>(stream.below(4)));
    for (std::size_t k = 0; k < side * side; ++k) {
      const bool low = k / side >= side / 2;
      const bool right = k % side >= side / 2;
      const bool bright = labels.back() == (low ? 2 : 0) + (right ? 1 : 0);
      pixels.push_back(static_cast<char>(static_cast<unsigned char>(stream.below(100) + (bright ? 80 : 0))));
    }
  }
  return {"quarters", Shape{side, side, 1}, std::move(pixels), std::move(labels), 4};
}

inline Sequential fresh(std::string_view text = architecture) { return Sequential::parse(text, Rng(5)); }

inline std::string bytes(const Sequential& net) { return nn::dump_model({net}); }

/// Options for a run of 3 epochs of 5 steps, the last of each with 2 samples, on quarters(18).
inline FitOptions short_run() { return {.epochs = 3, .batch = 4, .seed = 9}; }

inline std::string trained(const FitOptions& options, const data::Dataset& data = quarters(18)) {
  Sequential net = fresh();
  nn::fit(net, data, options);
  return bytes(net);
}

/// The message of the Error that fit() throws, which must be one line.
inline std::string refusal(const FitOptions& options, const data::Dataset& data = quarters(18),
                           Sequential net = fresh()) {
  const std::string error = testing_data::error_of([&] { nn::fit(net, data, options); });
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  return error;
}

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace testing_fit
