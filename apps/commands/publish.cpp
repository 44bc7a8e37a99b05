// hans report: manifests and certificates as a page, a table, figures or a reference.
#include <algorithm>
#include <filesystem>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include "../commands.hpp"
#include "../manifest/kind.hpp"
#include "../report/publication.hpp"
#include "../run/sources.hpp"

namespace hans::apps {
namespace {

struct ReportOptions : SourceOptions {
  Required<Many<FileName>> files;
  Required<OutputName> out;

  static constexpr std::string_view command = "report";
  static constexpr std::string_view meaning =
      "write manifests and certificates as a page, a table, figures or a reference";
  static constexpr std::string_view details =
      "The ending of --out decides: .html is a page in one file, with the sentence to cite, the verdict, tables, "
      "curves and pictures; .md and .tex are tables, .csv a table for other programs, .bib a reference, and .svg the "
      "curves alone, one file each: report-1.svg, ... Several manifests stand side by side. Of two manifests, page, "
      ".md and terminal say what changed.\n"
      "\n"
      "JSON of hans certify, with --eps or --radius, may stand alone or beside manifests: both ends of the accuracy at each "
      "eps, their curves, a histogram of the radii, and the images whose two radii are farthest apart. Files about the "
      "same model, images and norm share one section.\n"
      "\n"
      "Pictures are made again from model and data, which are looked for as in hans reproduce. Without these the page "
      "has no pictures and says so.";
  static constexpr std::string_view example =
      "hans report v1.json --out v1.html\n"
      "hans report plain.json trained.json --out changes.md\n"
      "hans report certificates.json radii.json --out certified.html";
  static constexpr auto fields() {
    return with_common(field("FILE", &ReportOptions::files,
                             "what hans benchmark, hans certify --json or hans merge wrote; may be several"),
                       field("out", &ReportOptions::out, "where to write it: v1.html"), moved_model, moved_data);
  }
};

/// An attempt that succeeded, and of which attack.
struct Success {
  std::size_t attack = 0, attempt = 0;
  double distance = 0;
};

/// The nearest and the farthest successes, in l2: up to three of each.
std::vector<Success> extremes(const attacks::Evaluation& found) {
  constexpr std::size_t each = 3;
  std::vector<Success> all;
  for (std::size_t a = 0; a < found.attacks.size(); ++a) {
    const std::vector<attacks::Attempt>& attempts = found.attacks[a].attempts;
    for (std::size_t k = 0; k < attempts.size(); ++k) {
      if (attempts[k].finding.success) all.push_back({a, k, attempts[k].finding.distance.l2});
    }
  }
  std::ranges::stable_sort(all, {}, &Success::distance);
  if (all.size() > 2 * each) all.erase(all.begin() + each, all.end() - each);
  return all;
}

/// The image of a success, made again. Throws Error if it has other bits than it had.
Shown made_again(const Run& run, const Success& success, const nn::Classifier& model, const data::Dataset& data,
                 bool near) {
  const attacks::AttackResult& result = run.found.attacks[success.attack];
  const attacks::Attempt& attempt = result.attempts[success.attempt];
  const std::uint32_t index = run.found.samples.index[attempt.sample];
  const data::Samples sample = data.gather(std::vector<std::uint32_t>{index});
  const attacks::Goal goal = attempt.target ? towards(*attempt.target) : away_from(sample.labels);
  const attacks::Crafted made = result.attack(model, sample, goal, {.seed = run.plan.subject.seed});
  const auto original = sample.images.values(), image = made.images.values();
  check(Sha256().add(image).hex() == attempt.image_sha256, "image ", index,
        " came out with other bits than it had: see hans reproduce");
  const Shape& shape = run.plan.image;
  Triptych panels{
      image_picture(original, shape, sample.box),
      change_picture(original, image, shape),
      image_picture(image, shape, sample.box),
      text("class ", sample.labels[0]),
      text("l2 ", fixed(attempt.finding.distance.l2, 3), ", linf ", fixed(attempt.finding.distance.linf, 3)),
      text("read as ", attempt.finding.prediction),
      true};
  return {text(near ? "Easy" : "Hard", ": image ", index, ", ", result.attack.info().name), std::move(panels)};
}

/// Puts pictures to it, or why there are none.
void add_pictures(Publication& one, const std::string& path, const ReportOptions& options) {
  try {
    const NamedModel named = find_model(one.manifest, path, options);
    const data::Dataset data = find_data(one.manifest, options, named);
    const std::vector<Success> successes = extremes(one.run().found);
    if (successes.empty()) one.not_shown = "no attempt succeeded.";
    for (std::size_t k = 0; k < successes.size(); ++k) {
      one.shown.push_back(made_again(one.run(), successes[k], named.model.net, data, 2 * k < successes.size()));
    }
  } catch (const Error& error) {
    one.shown.clear();
    one.not_shown = error.what();
  }
}

/// The file of figure k: report-1.svg for report.svg.
std::string figure_file(const std::string& out, std::size_t k) {
  return text(out.substr(0, out.size() - std::string_view(".svg").size()), "-", k, ".svg");
}

using Format = std::string (*)(const Published&);

/// The writer for an ending; null for .svg, which is several files.
Format format_of(const std::string& out) {
  const std::vector<std::pair<std::string_view, Format>> formats{
      {".html", publication_html}, {".md", publication_markdown}, {".tex", publication_latex},
      {".csv", publication_csv},   {".bib", publication_bibtex},  {".svg", nullptr}};
  for (const auto& [ending, format] : formats) {
    if (out.ends_with(ending)) return format;
  }
  throw UsageError(text("report: ", in_quotes(out),
                        " has no ending that says what to write; there are .html, .md, .tex, .csv, .bib and .svg"));
}

/// Reads all files; benchmarks with pictures where they are wanted.
Published read_published(const ReportOptions& options, bool with_pictures) {
  Published all;
  for (const FileName& file : options.files.value().values) {
    if (kind_of(file.text) != FileKind::manifest) {
      all.files.push_back(read_certified_file(file.text));
      continue;
    }
    Manifest manifest = read_manifest(file.text);
    check(manifest.run.slice().complete(), file.text, " is a part of a benchmark; hans merge joins all parts");
    all.benchmarks.push_back({visible(std::filesystem::path(file.text).filename().string()), std::move(manifest)});
    Publication& one = all.benchmarks.back();
    if (one.manifest.judged()) one.judgement = judgement_of(one.run());
    if (with_pictures) add_pictures(one, file.text, options);
  }
  std::vector<NamedRun> runs;
  for (const Publication& one : all.benchmarks) runs.push_back({one.file, &one.run()});
  all.certified = certifications(all.files, runs);
  return all;
}

int run(const ReportOptions& options) {
  const std::string out = options.out.value().text;
  const Format format = format_of(out);
  std::vector<NamedFile> outputs;
  const std::vector<FileName>& files = options.files.value().values;
  for (std::size_t k = 1; format == nullptr && k <= most_charts + figures_of_file * files.size(); ++k) {
    outputs.push_back({"a figure", figure_file(out, k)});
  }
  begin(options, outputs);
  check_usage(options.seed == 0, "report: the seed is the files'; leave --seed out");

  const Published all = read_published(options, format == publication_html);
  Json written = Json::array();
  std::string report;
  if (all.benchmarks.size() == 2) {
    const Changes found = changes(all.benchmarks[0], all.benchmarks[1]);
    report = text(table_text(found.rows, "lll"), "\n", found.notes(), "\n\n");
  }
  const auto write = [&](const std::string& path, const std::string& bytes) {
    write_file(path, bytes);
    append(report, text("wrote ", visible(path), "\n"));
    written.push(path);
  };
  if (format != nullptr) {
    write(out, format(all));
  } else {
    const std::vector<Illustration> drawn = illustrations(all);
    check(!drawn.empty(),
          "there is nothing to draw: no attempt succeeded, nothing was probed, and no two radii were certified");
    for (std::size_t k = 0; k < drawn.size(); ++k) write(figure_file(out, k + 1), drawn[k].in_file);
  }
  finish(options, report, Json::object({{"written", std::move(written)}}));
  return 0;
}

}  // namespace

Command report_command() { return make_command<ReportOptions, run>(); }

}  // namespace hans::apps
