// Certificates of a model: how they come about, and the results for machines (JSON) and for people.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include <hans/defenses/certify.hpp>
#include "figures.hpp"
#include "sentence.hpp"

namespace hans::apps {

/// The certificates of the first images of a data set within one radius.
struct CertifiedBall {
  defenses::CertifyOptions asked;
  std::vector<defenses::Certificate> all = {};  ///< one for each image
  double seconds = 0;

  std::size_t count(defenses::Certainty certainty) const;
  attacks::Share of_all(std::size_t part) const { return {part, all.size()}; }
  attacks::Share right() const { return of_all(all.size() - count(defenses::Certainty::wrong)); }

  /// The two ends of the robust accuracy: images that are certified, and those that are not known to be fooled.
  attacks::Share certified() const { return of_all(count(defenses::Certainty::certified)); }
  attacks::Share attacked() const {
    return of_all(count(defenses::Certainty::certified) + count(defenses::Certainty::unknown));
  }

  /// Images that are unknown because a clock cut the work short: with any, another run may give another result.
  std::size_t late() const;
};

/// Certifies the first `count` images. `shown` gets the images done. Counterexamples stay only with `keep`. Throws what
/// defenses::certify() throws.
CertifiedBall certify_first(const nn::Sequential& net, const data::Dataset& data, std::size_t count,
                            const defenses::CertifyOptions& options, bool keep,
                            const std::function<void(std::size_t done)>& shown);

/// Throws Error, which names the image, if one is certified within a radius although it was fooled within a smaller or
/// equal one. All balls are about the same images in the same norm.
void check_consistent(std::span<const CertifiedBall> balls);

/// The results with the usual keys; with `per_sample` also every certificate. The keys are stable.
Json certified_json(const Subject& subject, std::span<const CertifiedBall> balls, bool per_sample);

/// The table, both ends of each number, the sentences to cite, and what is proved.
std::string certified_text(const Subject& subject, std::span<const CertifiedBall> balls);

}  // namespace hans::apps
