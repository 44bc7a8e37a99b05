// Named arrays in one file, as numpy.savez writes and numpy.load reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/data/npy.hpp>

namespace hans::data {

using NamedArray = std::pair<std::string, Array>;

/// Whether a file begins like a ZIP archive that holds anything.
bool is_npz(std::string_view file);

/// The array `name` (without ".npy") of an .npz file, stored or deflated, larger than `most` bytes refused.
/// Throws Error listing the names that there are if it is none of them, or saying how the file is broken.
Array read_npz(std::string_view file, std::string_view name, std::uint64_t most = std::uint64_t{1} << 32);

/// The names of the arrays in an .npz file, in the file's order. Reads only the directory.
std::vector<std::string> npz_names(std::string_view file);

/// An .npz file, uncompressed, without the time: the same arrays always give the same bytes.
std::string write_npz(const std::vector<NamedArray>& arrays);

}  // namespace hans::data
