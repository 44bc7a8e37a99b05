// The version: here and nowhere else. CMake, the command and every report read it from this line.
#pragma once

#include <string_view>

namespace hans {

inline constexpr std::string_view version = "1.1.0";

/// The version as results state it: with "+openblas" behind it where they are outside the guarantee of equal bits (see
/// kernels::reproducible).
std::string_view build_version();

}  // namespace hans
