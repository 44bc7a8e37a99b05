// Compression into raw deflate data (RFC 1951) by a hash chain of length one and the fixed code.
#pragma once

#include <string>
#include <string_view>

namespace hans::data {

/// Deflate data of `bytes`; the same bytes always give the same data. Small and fast rather than tight.
std::string deflate(std::string_view bytes);

}  // namespace hans::data
