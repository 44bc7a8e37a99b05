// The file formats of data sets: one table row per format.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <hans/data/dataset.hpp>

namespace hans::data {

/// A request for data: where they are and which part.
struct Source {
  std::filesystem::path path;
  Part part = Part::test;
  bool names_part = false;  ///< the caller named this part explicitly
  std::string name;         ///< of the resulting data set
  std::size_t classes = 0;  ///< as in load()
};

struct Format : FormatInfo {
  /// Whether this format reads `path`, judged by its name or, for a folder, its content.
  bool (*recognises)(const std::filesystem::path& path);

  /// The file of this part that `folder` lacks; empty if complete. Null if the format has no folders.
  std::string (*lacks)(const std::filesystem::path& folder, Part part);

  /// Reads one part. Files are untrusted: throws Error with the file and its defect.
  Dataset (*read)(const Source& source);
};

/// All formats, in order; the first that recognises a path reads it.
std::span<const Format> formats();

/// The format of this name.
const Format& format(std::string_view name);

/// One part of the built-in mnist-5k.
Dataset read_mnist_5k(Part part, std::string name);

}  // namespace hans::data
