// Named arrays in one file, as numpy.savez writes and numpy.load reads them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/data/npy.hpp>

namespace hans::data {

using NamedArray = std::pair<std::string, Array>;

/// Whether a file begins like a ZIP archive that holds anything.
bool is_npz(std::string_view file);

/// The array `name` (without ".npy") of an .npz file, stored or deflated, larger than `most` bytes refused; without
/// `most`, than a file of this size may hold (see most_expanded).
/// Throws Error listing the names that there are if it is none of them, or saying how the file is broken.
Array read_npz(std::string_view file, std::string_view name, std::uint64_t most);
Array read_npz(std::string_view file, std::string_view name);

/// Calls take(name, array) for all arrays in an .npz file, in the file's order, with the limits of read_npz on each.
void each_npz(std::string_view file, const std::function<void(const std::string& name, const Array& array)>& take);

/// The names of the arrays in an .npz file, in the file's order. Reads only the directory.
std::vector<std::string> npz_names(std::string_view file);

/// An .npz file, uncompressed, without the time: the same arrays always give the same bytes.
std::string write_npz(const std::vector<NamedArray>& arrays);

}  // namespace hans::data
