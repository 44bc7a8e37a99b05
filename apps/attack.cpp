// hans attack: attacks a model, judges the images, and says what is left of its accuracy.
#include <algorithm>

#include <hans/apps/attack_run.hpp>
#include <hans/apps/crafted_file.hpp>
#include <hans/apps/pictures.hpp>
#include <hans/apps/progress.hpp>
#include <hans/apps/verdict.hpp>
#include <hans/core/file.hpp>
#include <hans/data/png.hpp>

namespace hans::apps {
namespace {

struct AttackOptions : AttackRun {
  bool per_sample = false;
  std::optional<FileName> out = {};
  std::optional<FileName> picture = {};

  static constexpr std::string_view command = "attack";
  static constexpr std::string_view meaning = "what is left of a model's accuracy under attack";
  static constexpr std::string_view details =
      "An attack is written NAME:KEY=VALUE,KEY=VALUE; hans list attacks shows names and keys. A budget such as eps has "
      "no "
      "default; it is in units of the data, whose features lie in [0, 1]: write 0.3 or 8/255.\n"
      "\n"
      "Images that the model gets wrong unattacked are not attacked and count as not robust. With several attacks the "
      "worst "
      "case counts: an image is robust if no attack succeeds. The last lines are for your paper: the sentence to cite, "
      "what is needed to make the number again, and whether it can be believed: a few images are measured for that "
      "(hans list indicators), RELIABLE, SUSPECT or UNRELIABLE with the reasons and what to try next.";
  static constexpr std::string_view example =
      "hans attack v1.hans --data mnist-5k --attack fgsm:eps=0.3\n"
      "hans attack v1.hans --data mnist --limit 100 --attack jsma:gamma=0.145 --targets all --out adversarial.npz";
  static constexpr auto fields() {
    return std::tuple_cat(
        attack_fields(),
        std::tuple(
            field("per-sample", &AttackOptions::per_sample, "every attempt in the JSON as well"),
            field("out", &AttackOptions::out, "write the adversarial images and their originals to an .npz file",
                  "none"),
            field("picture", &AttackOptions::picture,
                  "write a PNG of the first ten images that were attacked: originals, and below them a row for each "
                  "attack with what it made, and on the right what it raised (orange) and lowered (blue)",
                  "none")),
        common_fields());
  }
};

/// The PNG of --picture.
std::string picture_of(const attacks::Evaluation& found) {
  constexpr std::size_t most = 10;
  const Shape shape = found.samples.images.shape().without_front();
  const auto original = [&](std::size_t sample) {
    return found.samples.images.values().subspan(sample * shape.elements(), shape.elements());
  };
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < found.predictions.size() && shown.size() < most; ++i) {
    if (found.predictions[i] == found.samples.labels[i]) shown.push_back(i);
  }
  std::vector<std::vector<Picture>> rows(1);
  for (const std::size_t sample : shown) rows[0].push_back(image_picture(original(sample), shape, found.samples.box));
  for (const attacks::AttackResult& result : found.attacks) {
    std::vector<Picture> images, changes;
    for (const std::size_t sample : shown) {
      const auto attempt = std::ranges::find(result.attempts, sample, &attacks::Attempt::sample);
      const bool any = attempt != result.attempts.end();
      const std::span<const real> made =
          any ? result.images[static_cast<std::size_t>(attempt - result.attempts.begin())].values() : original(sample);
      images.push_back(image_picture(made, shape, found.samples.box));
      changes.push_back(change_picture(original(sample), made, shape));
    }
    images.insert(images.end(), changes.begin(), changes.end());
    rows.push_back(std::move(images));
  }
  const Picture all = sheet(rows, 2);
  return data::encode_png(all.height, all.width, all.channels, all.pixels);
}

int run(const AttackOptions& options) {
  begin(options);
  const std::string out = options.out ? options.out->text : "";
  const std::string picture = options.picture ? options.picture->text : "";
  for (const std::string& file : {out, picture}) {
    if (!file.empty()) check_writable(file);
  }
  const NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  warn_if_untrained(named);
  check_distinct(std::vector<NamedFile>{
      {"MODEL", named.path, false}, {"--json", json_file(options)}, {"--out", out}, {"--picture", picture}});

  const data::Dataset data = load_data(options.data.value().text, data::Part::test, named.model.net);
  Request request = request_of(options, data);
  request.per_sample = options.per_sample;

  attacks::EvaluateOptions settings;
  settings.targets = request.targets;
  settings.seed = options.seed;
  settings.keep_images = !out.empty() || !picture.empty();
  ProgressBar bar("", "attempts", options.quiet);
  settings.progress = attack_progress(bar, request.attacks.size());
  const attacks::Evaluation found = attacks::evaluate(
      named.model.net, data.first(first_count(options.limit, data.size())), request.attacks, settings);
  bar.clear();
  ProgressBar probing("indicators", "attacks", options.quiet);
  const std::vector<attacks::Reliability> verdicts =
      judge_each(named.model.net, found, data, options.seed,
                 [&](std::size_t done) { probing.update(done, found.attacks.size()); });
  probing.clear();

  const Subject subject = subject_of(named, data, options.seed);
  if (!out.empty()) write_file(out, crafted_file(subject, found));
  if (!picture.empty()) write_file(picture, picture_of(found));
  std::string report =
      text(results_table(subject, request, found), "\n", results_sentences(subject, request, found, verdicts));
  for (const std::string& file : {out, picture}) {
    if (!file.empty()) append(report, text("\nwrote ", file, "\n"));
  }
  finish(options, report, results_json(subject, request, found, verdicts));
  return 0;
}

}  // namespace

Command attack_command() { return make_command<AttackOptions, run>(); }

}  // namespace hans::apps
