// The version, defined here only. CMake, the command and every report read it from this line.
#pragma once

#include <string_view>

namespace hans {

inline constexpr std::string_view version = "1.1.0";

/// The version as results state it. Ends in "+openblas" in builds without the guarantee of equal bits (see
/// kernels::reproducible).
std::string_view build_version();

}  // namespace hans
