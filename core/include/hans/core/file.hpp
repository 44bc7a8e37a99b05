// File input, and output that replaces a file atomically.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hans {

/// The most bytes read_file() takes from a pipe, whose length is not known in advance: 256 MiB.
inline constexpr std::uint64_t most_of_pipe = std::uint64_t{1} << 28;

/// The whole content of a regular file or a pipe. Throws Error with the path if the file cannot be opened or read, is a
/// directory or a device, or holds more than `most` bytes (4 GiB by default); a pipe is also limited to most_of_pipe.
std::string read_file(const std::filesystem::path& path, std::uint64_t most = std::uint64_t{1} << 32);

/// Replaces the file at `path` by `bytes` atomically: writes a temporary file beside it, flushes that to disk and
/// renames it. Writes directly to a path that is not a regular file (device, pipe); refuses a directory. Throws Error
/// if any write, flush or close fails; the old file is then untouched and the temporary file removed.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Removes the temporary files of all write_file() calls in progress, on every thread. Async-signal-safe: meant for
/// handlers of signals that end the process. Writes after this call may fail.
void remove_unfinished_files() noexcept;

/// Throws Error now if write_file(path, ...) would fail later: missing or unwritable folder, a directory, no
/// permission. Leaves no file behind, and removes temporary files of `path` that a killed process left.
void check_writable(const std::filesystem::path& path);

}  // namespace hans
