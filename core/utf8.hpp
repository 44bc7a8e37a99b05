// UTF-8, checked and written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hans {

/// The bytes of the UTF-8 sequence that starts at `at` (below text.size()): 1 to 4, or 0 if it is malformed,
/// overlong, cut off, a surrogate or beyond U+10FFFF.
std::size_t utf8_length(std::string_view text, std::size_t at);

/// Appends the code point `code`, at most U+10FFFF and no surrogate.
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace hans
