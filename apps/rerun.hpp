// Running what a manifest describes, the first time and again.
#pragma once

#include <functional>
#include <string>

#include <hans/apps/inputs.hpp>
#include <hans/apps/manifest.hpp>

namespace hans::apps {

/// Throws UsageError if radii were asked for and an attack has a ball of its own.
void check_radii(const Request& request, const Shape& image);

/// What the benchmark's attacks make of these samples.
attacks::Evaluation rerun(const Benchmark& benchmark, const nn::Classifier& model, const data::Samples& samples,
                          const std::function<void(std::size_t attack, std::size_t done, std::size_t total)>& progress);

/// The half of a manifest that is of this run alone: names, paths, kernels, threads, seconds, sentences. `data` is as
/// it was given.
Json run_json(const Benchmark& benchmark, const NamedModel& model, std::string_view data, double seconds);

}  // namespace hans::apps
