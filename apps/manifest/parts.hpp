// Parts of one whole, as hans merge joins them.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/json.hpp>
#include "shard.hpp"

namespace hans::apps {

/// A part, as its file says.
struct Part {
  std::string name;  ///< of the file
  Slice slice;       ///< its images
  Json question;     ///< what all parts must share, an object with the version `hans`
};

/// The places of the parts in the order of their images. Throws Error, which names the files, for parts that another
/// version made, parts of different `wholes` ("benchmarks"), gaps and overlaps, and UsageError if there is no part.
std::vector<std::size_t> in_order(std::span<const Part> parts, std::string_view wholes);

/// "This is a part: images 50 to 99 of the first 1,000; hans merge joins all parts."
std::string part_text(const Slice& slice);

}  // namespace hans::apps
