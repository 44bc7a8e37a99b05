// Validation and encoding of UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hans {

/// The length of the UTF-8 sequence at `at` (which is below text.size()): 1 to 4 bytes, or 0 if it is malformed,
/// overlong, truncated, a surrogate or beyond U+10FFFF.
std::size_t utf8_length(std::string_view text, std::size_t at);

/// Whether all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

/// How visible() escapes: "\x1b" for each byte, or "\u001b" for each UTF-16 unit, which has the same meaning inside a
/// JSON string.
enum class Escape { bytes, json };

/// Makes untrusted `text` safe to display in a terminal, a page or a picture. Escapes control characters (C0, DEL, C1),
/// bytes that are not UTF-8, marks that change the writing direction, line separators and noncharacters. Bytes in
/// `keep` are not escaped: pass "\n" to keep your own line breaks.
std::string visible(std::string_view text, std::string_view keep = {}, Escape escape = Escape::bytes);

/// Appends the code point `code`, which must be at most U+10FFFF and not a surrogate.
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace hans
