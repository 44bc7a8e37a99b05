// Finds the model and data of a manifest by their hashes.
#pragma once

#include <string>

#include "../manifest/manifest.hpp"

namespace hans::apps {

/// The options that say where model and data of a manifest are now.
struct SourceOptions : Common {
  std::optional<ModelName> model = {};
  std::optional<DataName> data = {};
};
inline constexpr auto moved_model =
    field("model", &SourceOptions::model, "the model, if it is not where it was", "as it was");
inline constexpr auto moved_data =
    field("data", &SourceOptions::data, "the images, if they are not where they were", "as they were");

/// Loads the model of the manifest at `path`: from where --model says, else from the path in the manifest, else from
/// beside the manifest. Throws Error, which lists what was tried, if none has the manifest's hash.
NamedModel find_model(const Manifest& manifest, const std::string& path, const SourceOptions& options);

/// Loads its data: from where --data says, else as the manifest says. Throws Error if the hash differs from the
/// manifest's.
data::Dataset find_data(const Manifest& manifest, const SourceOptions& options, const NamedModel& model);

}  // namespace hans::apps
