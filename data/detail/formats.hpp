// The formats that data sets are read from: a row of a table each.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <hans/data/dataset.hpp>

namespace hans::data {

/// Where data lie, and what is wanted of them.
struct Source {
  std::filesystem::path path;
  Part part = Part::test;
  bool names_part = false;  ///< the caller asked for this part by its name
  std::string name;         ///< that the data set gets
  std::size_t classes = 0;  ///< as load() takes it
};

struct Format : FormatInfo {
  /// Whether `path` is to be read by this format, told by its name or by what a folder is or holds.
  bool (*recognises)(const std::filesystem::path& path);

  /// The file that a part needs and `folder` does not have; empty where it has it. Null: not for folders.
  std::string (*lacks)(const std::filesystem::path& folder, Part part);

  /// Reads one part. Throws Error that names the file and what is wrong with it; a file is as hostile as it likes.
  Dataset (*read)(const Source& source);
};

/// All formats. The first that recognises a path reads it.
std::span<const Format> formats();

/// A row of the table by its name.
const Format& format(std::string_view name);

/// One part of mnist-5k, which is built in.
Dataset read_mnist_5k(Part part, std::string name);

}  // namespace hans::data
