// What a JSON file of results holds.
#pragma once

#include <filesystem>

namespace hans::apps {

/// A manifest, or what hans certify wrote with --eps or with --radius.
enum class FileKind { manifest, certified, radii };

/// What the file says that it is. A manifest for all else, whose reader says what is wrong. Throws Error for a file
/// that cannot be read.
FileKind kind_of(const std::filesystem::path& path);

}  // namespace hans::apps
