// The version: here and nowhere else. CMake, the command and every report read it from this line.
#pragma once

#include <string_view>

namespace hans {

inline constexpr std::string_view version = "0.1.0";

}  // namespace hans
