// NumPy's .npz files: named arrays in one file, as numpy.savez writes and numpy.load reads them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/data/npy.hpp>

namespace hans::data {

using NamedArray = std::pair<std::string, Array>;

/// Calls `read`; an Error from it gets the name of the array in front of its message.
template <class Read>
auto of_array(std::string_view name, const Read& read) {
  try {
    return read();
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text("array ", in_quotes(name), ": ", error.what()));
  }
}

/// Whether the file begins like a ZIP archive with at least one entry.
bool is_npz(std::string_view file);

/// The array `name` (without ".npy") of an .npz file, stored or deflated. Refuses an array of more than `most` bytes;
/// without `most`, the limit follows from the file's size (see most_expanded). Throws Error with the list of names if
/// there is no such array, or with the defect if the file is damaged.
Array read_npz(std::string_view file, std::string_view name, std::uint64_t most);
Array read_npz(std::string_view file, std::string_view name);

/// Calls take(name, array) for every array of an .npz file, in file order. The limits of read_npz apply to each.
void each_npz(std::string_view file, const std::function<void(const std::string& name, const Array& array)>& take);

/// The names of the arrays in an .npz file, in file order. Reads only the archive's directory.
std::vector<std::string> npz_names(std::string_view file);

/// An uncompressed .npz file without time stamps. Equal arrays give equal bytes.
std::string write_npz(const std::vector<NamedArray>& arrays);

}  // namespace hans::data
