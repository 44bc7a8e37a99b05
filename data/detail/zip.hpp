// ZIP archives as .npz files use them: stored and deflated entries, ZIP64.
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
  std::uint64_t packed = 0;  ///< compressed bytes in the archive
  std::uint64_t size = 0;    ///< uncompressed bytes
  std::uint64_t header = 0;  ///< offset of the local header
};

/// The directory of an archive. Throws Error if it is damaged, encrypted or split over several files.
std::vector<ZipEntry> read_zip_directory(std::string_view file);

/// The content of an entry of this archive. Throws Error if it is damaged or longer than `most` bytes.
std::string read_zip_entry(std::string_view file, const ZipEntry& entry, std::uint64_t most);

/// An archive of (name, content) pairs, uncompressed and dated 1980-01-01. Entries of at least `zip64_from` bytes, or
/// that begin at or after that offset, get 64-bit fields.
std::string write_zip(const std::vector<std::pair<std::string, std::string>>& entries,
                      std::uint64_t zip64_from = 0xffffffff);

}  // namespace hans::data
