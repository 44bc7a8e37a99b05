// Deflate compression (RFC 1951): hash chains, and per block the fixed or the best Huffman code.
#pragma once

#include <string>
#include <string_view>

namespace hans::data {

/// `bytes` as deflate data. Equal input gives equal output. Fast and simple rather than tight.
std::string deflate(std::string_view bytes);

}  // namespace hans::data
