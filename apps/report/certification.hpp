// Results of hans certify as people want to see them: both ends of the accuracy, and the radii of single images.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../manifest/certified_part.hpp"
#include "../manifest/radii_part.hpp"
#include "../run/run.hpp"
#include "chart.hpp"
#include "two_sided.hpp"

namespace hans::apps {

/// One file of hans certify: --eps wrote `within`, --radius `radii`.
struct CertifiedFile {
  std::string name;    ///< without folders, visible() (utf8.hpp)
  std::string sha256;  ///< of its bytes
  std::optional<CertifiedResults> within = {};
  std::optional<RadiiPart> radii = {};

  const Subject& subject() const { return within ? within->subject : radii->subject; }
  const Slice& slice() const { return within ? within->slice : radii->slice; }
};

/// Reads and validates a file of either kind. Throws Error, which names it: see parse_certified() and parse_radii().
CertifiedFile read_certified_file(const std::string& path);

/// What files say of one model on the same images in one norm.
struct Certification {
  struct Ball {
    std::string file;
    BallCounts counts;
  };
  struct Radii {
    std::string file;
    RadiiPart part;
  };
  Subject subject;
  std::size_t images = 0;
  attacks::Share right;
  Norm norm{};
  std::vector<Ball> balls = {};  ///< by rising eps
  std::vector<Radii> radii = {};

  bool several_files() const;
};

/// A benchmark that stands beside certificates.
struct NamedRun {
  std::string file;
  const Run* run;
};

/// The files, put together by model, preprocessing, data, images, box and norm, in the order of the first of each.
/// Throws Error, which names the files, if two of them contradict each other: another clean accuracy, or an image that
/// is certified within a radius in one and attacked or fooled within a smaller or equal one in another or in a
/// benchmark.
std::vector<Certification> certifications(std::span<const CertifiedFile> files, std::span<const NamedRun> runs);

/// "m.onnx on the first 100 of the 10,000 images of mnist/test, linf".
std::string title_of(const Certification& one);

/// "linf within 0.1, features in [0,1], untargeted", as threat_text() of a manifest; without eps of all radii.
std::string threat_of(const Certification& one, std::optional<float> eps);

/// "EXACT" where both ends meet, else empty.
std::string verdict_of(const BallCounts& ball);

/// Both ends in each ball, below a heading; of several certifications with the model and its clean accuracy.
TextTable ends_rows(std::span<const Certification> all);

/// How many images of each ball have each verdict, and which steps decided, below a heading.
TextTable decided_rows(const Certification& one);

/// The images whose two radii are farthest apart, at most ten, below a heading; without rows where all are one step
/// apart.
TextTable gap_rows(const RadiiPart& part);

/// The radii that images have, certified or attacked, rising, in 1/1024.
std::vector<std::uint32_t> distinct_radii(const RadiiFound& found);

/// Both ends of the accuracy at a radius in 1/1024, as shares of all images: those whose largest certified radius is at
/// least that one, and the right ones whose smallest attacked radius is above it.
struct EndsAt {
  attacks::Share certified, attacked;
};
EndsAt ends_at(const RadiiFound& found, std::uint32_t radius);

/// Certified and attacked accuracy against eps, the gap between them shaded: from the balls of two radii or more, and
/// from the radii of all images. Without curves where there is nothing to draw.
Chart ends_chart(const Certification& one);
Chart radii_chart(const Certification& one, const Certification::Radii& radii);

/// How many right images have their certified radius in each interval, and how many their attacked one.
TwoSided radii_histogram(const Certification& one, const Certification::Radii& radii);

/// The sentence to cite for a ball, and the line with all that decides it.
std::string sentence_of(const Certification& one, const BallCounts& ball);

}  // namespace hans::apps
