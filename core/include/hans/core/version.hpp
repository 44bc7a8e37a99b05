// Version, date and authors. CMake, the command and every report read them here; a test holds CITATION.cff equal.
#pragma once

#include <string_view>

namespace hans {

inline constexpr std::string_view version = "1.1.0";
inline constexpr std::string_view authors = "the hans authors";
inline constexpr std::string_view released = "2026-11-30";  ///< the day of this version

/// The version as results state it. Ends in "+openblas" in builds without the guarantee of equal bits (see
/// kernels::reproducible).
std::string_view build_version();

}  // namespace hans
