// UTF-8, by the table of well-formed byte sequences (Unicode 15, table 3-7).
#include "detail/utf8.hpp"

#include <algorithm>

namespace hans {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
}

/// The code point of the well-formed sequence of `length` bytes at `at`.
std::uint32_t code_at(std::string_view text, std::size_t at, std::size_t length) {
  if (length == 1) return byte_at(text, at);
  std::uint32_t code = byte_at(text, at) & (0x7fU >> length);
  for (std::size_t k = 1; k < length; ++k) code = code << 6U | (byte_at(text, at + k) & 0x3fU);
  return code;
}

bool lies_in(std::uint32_t code, std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; }

bool shows_itself(std::uint32_t code) {
  const bool control = code < 0x20 || lies_in(code, 0x7f, 0x9f);
  const bool turns =
      code == 0x61c || lies_in(code, 0x200e, 0x200f) || lies_in(code, 0x202a, 0x202e) || lies_in(code, 0x2066, 0x2069);
  const bool separates = lies_in(code, 0x2028, 0x2029);
  const bool is_no_character = (code & 0xfffeU) == 0xfffe || lies_in(code, 0xfdd0, 0xfdef);
  return !control && !turns && !separates && !is_no_character;
}

void append_hex(std::string& out, std::uint32_t value, unsigned digits) {
  while (digits-- > 0) out += "0123456789abcdef"[value >> 4 * digits & 15U];
}

}  // namespace

std::size_t utf8_length(std::string_view text, std::size_t at) {
  const unsigned first = byte_at(text, at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    if ((byte_at(text, at + k) & 0xc0U) != 0x80) return 0;
  }
  const unsigned second = byte_at(text, at + 1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::string visible(std::string_view text, std::string_view keep, Escape escape) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const std::uint32_t code = length == 0 ? 0 : code_at(text, at, length);
    if (length > 0 && (shows_itself(code) || keep.find(text[at]) != std::string_view::npos)) {
      out += text.substr(at, length);
    } else if (escape == Escape::json && code > 0xffff) {
      out += "\\u";
      append_hex(out, 0xd7c0 + (code >> 10), 4);
      out += "\\u";
      append_hex(out, 0xdc00 + (code & 0x3ff), 4);
    } else if (escape == Escape::json) {
      out += "\\u";
      append_hex(out, length == 0 ? 0xfffd : code, 4);
    } else {
      for (std::size_t k = 0; k < std::max<std::size_t>(length, 1); ++k) {
        out += "\\x";
        append_hex(out, byte_at(text, at + k), 2);
      }
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | (code >> 6));
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3f));
    put(0x80 | ((code >> 6) & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

}  // namespace hans
