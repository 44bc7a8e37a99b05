// SHA-256 (FIPS 180-4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace hans {

class Sha256 {
 public:
  Sha256();
  Sha256& add(std::span<const std::byte> bytes);
  Sha256& add(std::string_view bytes);
  Sha256& add_u64(std::uint64_t value);  ///< eight bytes, little-endian
  Sha256& add_i32(std::int32_t value);   ///< four bytes, little-endian
  /// The bits of each number, little-endian.
  Sha256& add(std::span<const float> values);

  /// The SHA-256 of everything added, as 64 lowercase hexadecimal digits. Ends the computation.
  std::string hex();

 private:
  void block(const unsigned char* bytes);
  std::array<std::uint32_t, 8> state_;
  std::array<unsigned char, 64> pending_{};
  std::uint64_t length_ = 0;
};

std::string sha256(std::string_view bytes);

}  // namespace hans
