// What a JSON file of results holds.
#include "kind.hpp"

#include "certified_part.hpp"
#include "radii_part.hpp"

namespace hans::apps {

FileKind kind_of(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  try {
    const Json json = Json::parse(bytes);
    return is_certified(json) ? FileKind::certified : is_radii(json) ? FileKind::radii : FileKind::manifest;
  } catch (const MemoryError&) {
    throw;
  } catch (const Error&) {
    return FileKind::manifest;
  }
}

}  // namespace hans::apps
