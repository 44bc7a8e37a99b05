// The model and data that a manifest is about, found again by their hashes.
#pragma once

#include <string>

#include "../manifest/manifest.hpp"

namespace hans::apps {

/// Where model and data of a manifest are now, for the commands that look for them.
struct SourceOptions : Common {
  std::optional<ModelName> model = {};
  std::optional<DataName> data = {};
};
inline constexpr auto moved_model =
    field("model", &SourceOptions::model, "the model, if it is not where it was", "as it was");
inline constexpr auto moved_data =
    field("data", &SourceOptions::data, "the images, if they are not where they were", "as they were");

/// The model of the manifest at `path`: where it says, beside it, or where --model says. Throws Error that lists what
/// was tried if none has the manifest's hash.
NamedModel find_model(const Manifest& manifest, const std::string& path, const SourceOptions& options);

/// Its data: where it says, or where --data says. Throws Error if they have not its hash.
data::Dataset find_data(const Manifest& manifest, const SourceOptions& options, const NamedModel& model);

}  // namespace hans::apps
