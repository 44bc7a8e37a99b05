// Certificates of a model: how they come about, and the results for machines (JSON) and for people.
#pragma once

#include <array>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <hans/defenses/certify.hpp>
#include "figures.hpp"
#include "sentence.hpp"

namespace hans::apps {

/// The steps that results of a method count, used or not: those that certify, and those that find adversarial images.
std::vector<defenses::Step> proving_steps(defenses::CertifyMethod method);
inline constexpr std::array fooling_steps{defenses::Step::attack, defenses::Step::branching};

/// "linf 0.1", and the pinned SPECs of its attacks.
std::string ball_words(const defenses::CertifyOptions& asked);
std::vector<std::string> attack_specs(const defenses::CertifyOptions& asked);

/// How many images of a ball have each verdict: what results say of a ball, but for single certificates.
struct BallCounts {
  defenses::CertifyOptions asked;
  std::array<std::size_t, 4> verdicts = {};    ///< by Certainty
  std::vector<std::size_t> certified_by = {};  ///< in the order of its method's proving_steps()
  std::array<std::size_t, fooling_steps.size()> attacked_by = {};
  std::size_t late = 0;     ///< unknown because a clock cut the work short: another run may give another result
  std::uint64_t nodes = 0;  ///< of branch and bound
  double seconds = 0;

  std::size_t count(defenses::Certainty certainty) const { return verdicts[static_cast<std::size_t>(certainty)]; }
  std::size_t images() const { return std::accumulate(verdicts.begin(), verdicts.end(), std::size_t{0}); }
  attacks::Share of_all(std::size_t part) const { return {part, images()}; }
  attacks::Share right() const { return of_all(images() - count(defenses::Certainty::wrong)); }

  /// The two ends of the robust accuracy: images that are certified, and those that are not known to be fooled.
  attacks::Share certified() const { return of_all(count(defenses::Certainty::certified)); }
  attacks::Share attacked() const {
    return of_all(count(defenses::Certainty::certified) + count(defenses::Certainty::unknown));
  }

  std::string words() const { return ball_words(asked); }

  /// Whether both ends meet: the robust accuracy is known.
  bool exact() const { return count(defenses::Certainty::unknown) == 0; }
};

/// The certificates of the first images of a data set within one radius.
struct CertifiedBall {
  defenses::CertifyOptions asked;
  std::vector<defenses::Certificate> all = {};  ///< one for each image
  double seconds = 0;

  BallCounts counts() const;
  std::string words() const { return ball_words(asked); }
};

/// Adds the certificates of more images, and the seconds that they took.
void extend(CertifiedBall& ball, CertifiedBall more);

/// Certifies samples in each ball, and adds them. Counterexamples stay only with `keep`. `shown` gets the samples done,
/// by the share of the work. Throws what defenses::certify() throws.
void certify_next(std::span<CertifiedBall> balls, const nn::Sequential& net, const data::Samples& samples, bool keep,
                  const std::function<void(std::size_t done)>& shown);

/// The images that attempts fooled within the ball. Throws Error, which names the image, if one of them is certified.
std::vector<bool> fooled_within(const CertifiedBall& ball, const attacks::Evaluation& found);

/// Certifies the last images of `found`, which are `samples`, in each ball of a plan. What its attacks fooled counts as
/// attacked; of these only cheap bounds are computed, which must not contradict. `shown` gets the ball at work, images
/// done and images in all. Throws what defenses::certify() and check_consistent() throw.
void certify_more(std::span<CertifiedBall> balls, const attacks::Evaluation& found, const nn::Sequential& net,
                  const data::Samples& samples,
                  const std::function<void(std::size_t ball, std::size_t done, std::size_t total)>& shown);

/// Sets the images that attacks fooled to attacked: after more attacks ran. Throws what fooled_within() throws.
void settle(std::span<CertifiedBall> balls, const attacks::Evaluation& found);

/// Throws UsageError for what defenses::certify() refuses whatever the images: layers without bounds, a radius beyond
/// the box.
void refuse_uncertifiable(std::span<const CertifiedBall> balls, const nn::Sequential& net, const data::Dataset& data);

/// Throws Error, which names the image, if one is certified within a radius although it was fooled within a smaller or
/// equal one. All balls are about the same images in the same norm.
void check_consistent(std::span<const CertifiedBall> balls);

/// Throws Error if the counts of two balls of the same images in the same norm say that of any image, without naming
/// it.
void check_counts(const BallCounts& one, const BallCounts& other);

/// Sets how many images have each verdict, both ends of the accuracy, and which steps certified. Returns `json`.
Json& set_ends(Json& json, const BallCounts& ball);

/// What a sentence about certificates says beside their numbers.
struct CertifiedBy {
  std::string version;               ///< of hans
  std::vector<std::string> attacks;  ///< SPECs of those that looked for adversarial images
  std::size_t first = 0;             ///< position of the first image in the data set
};

/// The number to cite, with both ends, and a second line with all that decides it.
std::string certified_sentence(const Subject& subject, const BallCounts& ball, const CertifiedBy& by);

/// The results with the usual keys; with `per_sample` also every certificate. The keys are stable. `first`: position of
/// the first image in the data set.
Json certified_json(const Subject& subject, std::span<const CertifiedBall> balls, bool per_sample,
                    std::size_t first = 0);

/// The same from what is known of each ball. `certificates`: those of each ball, or none.
Json certified_json(const Subject& subject, std::span<const BallCounts> balls,
                    std::span<const CertifiedBall> certificates, std::size_t first = 0);

/// The table, both ends of each number, the sentences to cite, and what is proved.
std::string certified_text(const Subject& subject, std::span<const CertifiedBall> balls, std::size_t first = 0);

}  // namespace hans::apps
