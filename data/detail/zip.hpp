// ZIP archives, as far as .npz files need them: stored and deflated entries, ZIP64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hans::data {

/// One entry of an archive's directory.
struct ZipEntry {
  std::string name;
  std::uint16_t method = 0;  ///< 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::uint64_t packed = 0;  ///< bytes in the archive
  std::uint64_t size = 0;    ///< bytes once expanded
  std::uint64_t header = 0;  ///< where the local header begins
};

/// The directory of an archive. Throws Error if it is broken, encrypted or split over several files.
std::vector<ZipEntry> read_zip_directory(std::string_view file);

/// The content of an entry of this archive. Throws Error if it is broken or longer than `most` bytes.
std::string read_zip_entry(std::string_view file, const ZipEntry& entry, std::uint64_t most);

/// An archive of (name, content) pairs, stored, dated 1980-01-01. Entries of `zip64_from` bytes or more, or that
/// begin after so many, get 64-bit fields.
std::string write_zip(const std::vector<std::pair<std::string, std::string>>& entries,
                      std::uint64_t zip64_from = 0xffffffff);

}  // namespace hans::data
