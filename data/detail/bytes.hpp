// Numbers as bytes, independent of the machine's byte order.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hans::data {

/// The little-endian number at `at`; the caller has checked that enough bytes follow.
template <std::unsigned_integral Word>
Word little(const char* at) {
  Word value = 0;
  for (std::size_t k = 0; k < sizeof(Word); ++k) {
    value = static_cast<Word>(value | static_cast<Word>(static_cast<Word>(static_cast<unsigned char>(at[k])) << 8 * k));
  }
  return value;
}

/// The big-endian number at `at`.
template <std::unsigned_integral Word>
Word big(const char* at) {
  Word value = 0;
  for (std::size_t k = 0; k < sizeof(Word); ++k) {
    const auto byte = static_cast<Word>(static_cast<unsigned char>(at[k]));
    value = static_cast<Word>(value | static_cast<Word>(byte << 8 * (sizeof(Word) - 1 - k)));
  }
  return value;
}

/// 16-bit floating-point numbers: IEEE 754 half precision, and bfloat16 (the upper half of a float).
inline float half_number(std::uint16_t bits) {
  const std::uint32_t sign = bits & 0x8000U, exponent = bits >> 10 & 31U, fraction = bits & 1023U;
  if (exponent == 0) return (sign != 0 ? -1.0F : 1.0F) * static_cast<float>(fraction) * 0x1p-24F;
  const std::uint32_t whole = exponent == 31 ? 255U : exponent + 112;
  return std::bit_cast<float>(sign << 16 | whole << 23 | fraction << 13);
}
inline float brain_number(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

/// The half precision number nearest to a finite `value`, ties to even; none if it is 65,520 or more, without its sign.
inline std::optional<std::uint16_t> half_bits(double value) {
  const double size = std::abs(value);
  if (size >= 65520) return {};
  // Numbers from 2^e to 2^(e+1) are 2^(e-10) apart, all below 2^-13 as those from 2^-14.
  const int exponent = std::max(static_cast<int>(std::bit_cast<std::uint64_t>(size) >> 52) - 1023, -14);
  const double unit = std::bit_cast<double>(static_cast<std::uint64_t>(exponent - 10 + 1023) << 52);
  constexpr double whole = 0x1p52;  // beyond it, doubles are whole
  const auto units = static_cast<std::uint32_t>((size / unit + whole) - whole);
  return static_cast<std::uint16_t>((std::signbit(value) ? 0x8000U : 0U) +
                                    (static_cast<unsigned>(exponent + 14) << 10) + units);
}

/// Appends the little-endian bytes of `value`.
template <std::unsigned_integral Word>
void put_little(std::string& out, Word value) {
  for (std::size_t k = 0; k < sizeof(Word); ++k) out.push_back(static_cast<char>(value >> 8 * k & 0xff));
}

/// Appends the big-endian bytes of `value`.
template <std::unsigned_integral Word>
void put_big(std::string& out, Word value) {
  for (std::size_t k = sizeof(Word); k-- > 0;) out.push_back(static_cast<char>(value >> 8 * k & 0xff));
}

}  // namespace hans::data
