// Manifests and certificates as people want to see them: a page, tables, figures and a reference.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../manifest/manifest.hpp"
#include "certification.hpp"
#include "chart.hpp"
#include "pictures.hpp"

namespace hans::apps {

/// A success that a page shows.
struct Shown {
  std::string title;  ///< of the kind of sample: nearest, farthest
  Triptych panels;
};

/// A manifest and what follows from it.
struct Publication {
  std::string file;  ///< its name, without folders, visible() (utf8.hpp)
  Manifest manifest;
  std::optional<attacks::Judgement> judgement = {};  ///< none: of schema 1, which was judged by other rules
  std::vector<Shown> shown = {};                     ///< made again from model and data
  std::string not_shown = {};                        ///< or why there are none

  const Run& run() const { return manifest.run; }

  /// "RELIABLE", or what another version said: "RELIABLE (hans 1.0.0)".
  std::string verdict() const;

  /// That of an attack, at the radius with that number (0 without radii); empty where another version judged.
  std::string verdict(std::size_t attack, std::size_t radius) const;
};

/// All that one report is about; not empty.
struct Published {
  std::vector<Publication> benchmarks = {};
  std::vector<CertifiedFile> files = {};      ///< of hans certify
  std::vector<Certification> certified = {};  ///< what these say
};

/// One line for each manifest: the same in every format. The first row is the heading; the certified accuracies are a
/// column if there are any.
TextTable comparison(std::span<const Publication> all);

/// One line for each attack of a manifest, and for each radius of it, below a heading; then both ends of each ball that
/// is certified.
TextTable attack_rows(const Publication& one);

/// What two manifests do not have in common.
struct Changes {
  TextTable rows;                 ///< a heading; what is asked, as far as it differs; what was found; the fallen images
  std::vector<std::string> same;  ///< what is asked of both

  std::string notes() const;
};
Changes changes(const Publication& one, const Publication& other);

/// A name for each, by which it is told from the others: the model's or, where two have the same, the file's, too.
std::vector<std::string> short_names(std::span<const Publication> all);

/// Adds a point with its 95 % interval.
void add_point(Curve& curve, double x, attacks::Share share);

/// The share of the probed images that PGD leaves at 0, half, whole and double eps.
Curve probed_curve(const std::string& name, const attacks::ProbedBall& ball);

/// Accuracy against eps: from the distances of attacks that look for the nearest image, else as the probes found it at
/// 0, half, whole and double eps. Where two radii or more are certified, also the certified accuracy. Without curves
/// where nothing can be had.
Chart eps_chart(std::span<const Publication> all);

/// Accuracy against what the attacks cost: forward passes and gradients of all attempts, attack after attack.
Chart cost_chart(std::span<const Publication> all);

/// Share of the attempts that did not succeed within a distance; those that never did stay for ever. Curves are
/// attacks for one manifest, the nearest of all attacks for several.
Chart distance_chart(std::span<const Publication> all, attacks::Norm norm);

/// All charts of benchmarks that have curves, at most most_charts.
inline constexpr std::size_t most_charts = 6;
std::vector<Chart> charts(std::span<const Publication> all);

/// A figure as SVG: for a page, and as a file of its own.
struct Illustration {
  std::string title, in_page, in_file;
};

/// Those of a certification, at most figures_of_file for each of its files: both ends against eps, from its balls and
/// from its radii, and histograms of radii.
inline constexpr std::size_t figures_of_file = 2;
std::vector<Illustration> illustrations(const Certification& one);

/// All figures, at most most_charts and figures_of_file for each file of hans certify.
std::vector<Illustration> illustrations(const Published& all);

class Html;

/// The card of a ball: its certified accuracy, and what is known beyond it.
void certified_card(Html& html, const BallCounts& ball);

/// All of a certification.
void certified_section(Html& html, const Certification& one);

/// The formats. The same files give the same bytes.
std::string publication_html(const Published& all);
std::string publication_markdown(const Published& all);
std::string publication_latex(const Published& all);
std::string publication_csv(const Published& all);
std::string publication_bibtex(const Published& all);

}  // namespace hans::apps
