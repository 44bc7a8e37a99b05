// hans attack: attacks a model, judges the images, and says what is left of its accuracy.
#include <array>

#include <hans/core/file.hpp>
#include "../manifest/crafted_file.hpp"
#include "../report/gallery.hpp"
#include "../run/results.hpp"

namespace hans::apps {
namespace {

struct AttackOptions : RunOptions {
  bool per_sample = false;
  std::optional<OutputName> out = {};
  std::optional<OutputName> picture = {};

  static constexpr std::string_view command = "attack";
  static constexpr std::string_view meaning = "attack a model and measure its robust accuracy";
  static constexpr std::string_view details =
      "An attack is written NAME:KEY=VALUE,KEY=VALUE; hans list attacks shows names and keys. A budget such as eps has "
      "no default; it is in units of the data, whose features lie in [0, 1]: write 0.3 or 8/255.\n"
      "\n"
      "An image that is wrong before the attack is not attacked and counts as not robust. With several attacks the worst "
      "case counts: an image is robust if no attack succeeds. A verdict stands beside each accuracy (hans list "
      "indicators): RELIABLE, UNCHECKED (nothing was tried that could contradict it), SUSPECT or UNRELIABLE. The "
      "sentence for your paper, the reasons of the verdict and what to try next follow below.";
  static constexpr std::string_view example =
      "hans attack v1.hans --data mnist-5k --attack fgsm:eps=0.3\n"
      "hans attack v1.hans --data mnist --limit 100 --attack jsma:gamma=0.145 --targets all --out adversarial.npz";
  static constexpr auto fields() {
    return with_run_fields(
        field("per-sample", &AttackOptions::per_sample, "also write every attempt to the JSON"),
        field("out", &AttackOptions::out, "write the adversarial images and their originals to an .npz file", "none"),
        field("picture", &AttackOptions::picture,
              "write a PNG: the first ten images that were attacked, with labels, predictions and how sure the model "
              "is, and for each attack what it made, raised (orange) and lowered (blue); with --targets all a grid of "
              "originals and targets",
              "none"));
  }
};

/// The outcome of one plan, as text and as JSON.
struct Attacked {
  std::string report;
  Json json;
};

Attacked attack_by(const Plan& plan, const Setup& setup, const AttackOptions& options) {
  const std::string out = with_at("--out", options.out ? options.out->text : "", setup, plan);
  const std::string picture = with_at("--picture", options.picture ? options.picture->text : "", setup, plan);
  const Run run = carry_out(setup, plan, {!out.empty() || !picture.empty(), false}, options);
  const std::optional<attacks::Judgement> verdicts = verdicts_of(run);
  if (!out.empty()) write_file(out, crafted_file(run));
  if (!picture.empty()) write_file(picture, picture_png(gallery(setup.named.model.net, run.found)));
  std::string report = text(results_table(run, verdicts), "\n", results_sentences(run, verdicts));
  for (const std::string& file : {out, picture}) {
    if (!file.empty()) append(report, text("\nwrote ", visible(file), "\n"));
  }
  return {report, results_json(run, verdicts, options.per_sample)};
}

int run(const AttackOptions& options) {
  check_ending("--out", options.out ? options.out->text : "", std::to_array<std::string_view>({".npz", ""}));
  check_ending("--picture", options.picture ? options.picture->text : "",
               std::to_array<std::string_view>({".png", ""}));
  begin(options);
  const Setup setup = setup_of(options);
  std::string report;
  Json all = Json::array();
  for (const Plan& plan : setup.plans) {
    Attacked one = attack_by(plan, setup, options);
    append(report, text(report.empty() ? "" : "\n", one.report));
    all.push(std::move(one.json));
  }
  finish(options, report, setup.plans.size() == 1 ? all.items()[0] : Json::object({{"at", std::move(all)}}));
  return 0;
}

}  // namespace

Command attack_command() { return make_command<AttackOptions, run>(); }

}  // namespace hans::apps
