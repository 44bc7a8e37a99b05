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

/// Whether all of `text` is well-formed UTF-8.
bool is_utf8(std::string_view text);

/// How visible() writes what must not be shown as it is: "\x1b" for each of its bytes, or "\u001b" for each UTF-16
/// unit, which inside a JSON string means the same character.
enum class Escape { bytes, json };

/// `text`, which may come from anywhere, such that a terminal, a page or a picture shows it and does nothing else with
/// it: control characters (C0, DEL, C1), bytes that are not UTF-8, marks that turn the direction of writing, separators
/// of lines and noncharacters are escaped. Bytes in `keep` stay, for a layout of one's own: "\n".
std::string visible(std::string_view text, std::string_view keep = {}, Escape escape = Escape::bytes);

/// Appends the code point `code`, at most U+10FFFF and no surrogate.
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace hans
