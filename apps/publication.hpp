// Manifests as people want to see them: a page, tables, figures and a reference.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/apps/chart.hpp>
#include <hans/apps/manifest.hpp>
#include <hans/apps/pictures.hpp>
#include <hans/attacks/indicators.hpp>

namespace hans::apps {

/// A success that a page shows.
struct Shown {
  std::string title;  ///< of the kind of sample: nearest, farthest
  Triptych panels;
};

/// A manifest and what follows from it.
struct Publication {
  std::string file;  ///< its name, without folders
  Manifest manifest;
  attacks::Reliability reliability;
  std::vector<Shown> shown = {};  ///< made again from model and data
  std::string not_shown = {};     ///< or why there are none

  const Benchmark& benchmark() const { return manifest.benchmark; }
};

/// One line for each manifest: the same in every format. The first row is the heading.
std::vector<std::vector<std::string>> comparison(std::span<const Publication> all);

/// One line for each attack of a manifest, below a heading.
std::vector<std::vector<std::string>> attack_rows(const Benchmark& benchmark);

/// A name for each, by which it is told from the others: the model's or, where two have the same, the file's, too.
std::vector<std::string> short_names(std::span<const Publication> all);

/// Accuracy against eps: from the distances of attacks that look for the nearest image, else as the probes found it at
/// 0, half, whole and double eps. Without curves where neither can be had.
Chart eps_chart(std::span<const Publication> all);

/// Accuracy against what the attacks cost: forward passes and gradients of all attempts, attack after attack.
Chart cost_chart(std::span<const Publication> all);

/// Share of the attempts that did not succeed within a distance; those that never did stay for ever. Curves are
/// attacks for one manifest, the nearest of all attacks for several.
Chart distance_chart(std::span<const Publication> all, attacks::Norm norm);

/// All charts that have curves.
std::vector<Chart> charts(std::span<const Publication> all);

/// The formats. The same manifests give the same bytes.
std::string publication_html(std::span<const Publication> all);
std::string publication_markdown(std::span<const Publication> all);
std::string publication_latex(std::span<const Publication> all);
std::string publication_csv(std::span<const Publication> all);
std::string publication_bibtex(std::span<const Publication> all);

}  // namespace hans::apps
