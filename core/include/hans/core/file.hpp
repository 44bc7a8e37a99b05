// Files, read whole and written so that nothing is ever lost or half-written (law 8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hans {

/// What is read from a pipe at most; a file says how long it is.
inline constexpr std::uint64_t most_of_pipe = std::uint64_t{1} << 28;

/// The whole content of a regular file or pipe. Throws Error naming the path when it cannot be opened or
/// read, is a directory or a device, or is longer than `most` bytes, or most_of_pipe.
std::string read_file(const std::filesystem::path& path, std::uint64_t most = std::uint64_t{1} << 32);

/// Replaces `path` with `bytes`: written beside it under another name, flushed to disk, renamed. A path that
/// exists and is no regular file (device, pipe) is written directly; a directory is refused. Every write, flush and
/// close is checked; on failure the old file is untouched, the new one removed, and Error thrown.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Removes what write_file() has written so far beside the targets, in whatever thread. For a handler of signals that
/// end the process: async-signal-safe, and later writes may fail.
void remove_unfinished_files() noexcept;

/// Throws Error now if write_file(path, ...) could not work later: missing or unwritable folder, a
/// directory, no permission. Creates nothing that stays, and removes what a process that was killed while it wrote
/// `path` left beside it.
void check_writable(const std::filesystem::path& path);

}  // namespace hans
