// hans demo: the whole story on the embedded digits, in a minute.
#include <array>
#include <filesystem>

#include <hans/core/file.hpp>
#include <hans/core/version.hpp>
#include "../demo/demo_page.hpp"
#include "../run/progress.hpp"

namespace hans::apps {
namespace {

namespace fs = std::filesystem;

struct DemoOptions : Common {
  OutputName out{"report.html"};
  std::optional<OutputName> picture = {};

  static constexpr std::string_view command = "demo";
  static constexpr std::string_view meaning = "train, attack and defend a small network, and show what happened";
  static constexpr std::string_view details =
      "Trains a network on the built-in handwritten digits and a second one with adversarial training, attacks both "
      "with fgsm, noise, pgd and jsma, says of every number whether to believe it, certifies a network that comes with "
      "hans, and writes a page with pictures that opens in any browser, offline. The same seed gives the same page, byte for byte. The networks are kept "
      "beside the page, v1.hans and v1-adversarial.hans (in the working folder where the page goes to a pipe).";
  static constexpr std::string_view example = "hans demo\nhans demo --out lesson.html --seed 7";
  static constexpr auto fields() {
    return with_common(
        field("out", &DemoOptions::out, "where to write the page"),
        field("picture", &DemoOptions::picture,
              "write a PNG of one digit: as it was, what jsma changed, and as what it is read then", "none"));
  }
};

/// Where a network is kept: beside the page.
std::string model_path(const DemoOptions& options, const DemoPlan& plan, bool adversarial) {
  const fs::path page(options.out.text);
  std::error_code ignored;
  const bool device = fs::exists(page, ignored) && !fs::is_regular_file(page, ignored);
  return ((device ? fs::path() : page.parent_path()) / demo_file(plan, adversarial)).string();
}

/// Throws Error if a network cannot be kept there: another model may be replaced, nothing else.
void check_model_path(const std::string& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return;
  try {
    nn::load_model(path);
  } catch (const Error&) {
    throw Error(text(in_quotes(path),
                     " exists and is no model file, and the demo keeps a network there; move it, or write the page to "
                     "another folder with --out FOLDER/report.html"));
  }
}

int run(const DemoOptions& options) {
  DemoPlan plan;
  plan.seed = options.seed;
  const std::string plain = model_path(options, plan, false), trained = model_path(options, plan, true);
  const std::string picture = options.picture ? options.picture->text : "";
  check_ending("--picture", picture, std::to_array<std::string_view>({".png", ""}));
  begin(options, {{"the plain network", plain}, {"the adversarially trained network", trained}});
  for (const std::string& path : {plain, trained}) check_model_path(path);
  if (!options.quiet && !options.json_only()) {
    print(text("hans ", build_version(),
               " demo: two networks learn to read digits and are attacked; this takes less than a minute. Seed ",
               plan.seed, "\n\n"));
  }
  ProgressBar bar("", "images", options.quiet);
  const auto progress = [&](std::string_view part, std::uint64_t done, std::uint64_t total, std::string_view note) {
    bar.restart(std::string(part));
    bar.update(done, total, note);
  };
  const DemoFindings found = run_demo(plan, progress);
  bar.clear();
  nn::save_model(found.plain.named.model, plain);
  nn::save_model(found.trained.named.model, trained);
  write_file(options.out.text, demo_page(found));
  if (!picture.empty()) write_file(picture, demo_picture(found));
  finish(options,
         text(demo_text(found), "\nwrote ", plain, " and ", trained, "\nwrote ", options.out.text,
              "; open it in a browser\n", picture.empty() ? "" : text("wrote ", visible(picture), "\n")),
         demo_json(found));
  return 0;
}

}  // namespace

Command demo_command() { return make_command<DemoOptions, run>(); }

}  // namespace hans::apps
