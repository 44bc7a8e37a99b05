// hans certify --explain: one image, layer by layer, and its radii as a picture.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <hans/defenses/certify.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../run/sentence.hpp"

namespace hans::apps {

/// What is asked for.
struct ExplainRequest {
  const nn::Sequential& net;
  const data::Dataset& data;
  const Subject& subject;
  std::uint64_t image;  ///< its position in the data set
  defenses::CertifyOptions asked;
  std::function<defenses::CertifyOptions(float radius)> within;  ///< the same for another radius
  std::optional<std::string> picture;                            ///< a .png file
};

/// Prints how the certificate of the image comes about, writes the picture and returns the exit code. Throws UsageError
/// if there is no such image.
int certify_explain(const Common& common, const ExplainRequest& request);

}  // namespace hans::apps
