// Pieces of VNN-LIB properties for tests.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <hans/core/text.hpp>

namespace hans::testing_vnnlib {

inline std::string declarations(std::size_t inputs, std::size_t outputs) {
  std::string out;
  for (std::size_t i = 0; i < inputs; ++i) out += text("(declare-const X_", i, " Real)\n");
  for (std::size_t i = 0; i < outputs; ++i) out += text("(declare-const Y_", i, " Real)\n");
  return out;
}

inline std::string box(std::size_t inputs, std::string_view low = "-1", std::string_view high = "1") {
  std::string out;
  for (std::size_t i = 0; i < inputs; ++i)
    out += text("(assert (>= X_", i, ' ', low, "))(assert (<= X_", i, ' ', high, "))");
  return out;
}

inline std::string repeated(std::size_t count, const std::function<std::string(std::size_t)>& piece) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += piece(i);
  return out;
}

}  // namespace hans::testing_vnnlib
