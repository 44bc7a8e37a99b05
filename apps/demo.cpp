// hans demo: the whole story on the embedded digits, in a minute.
#include <hans/apps/commands.hpp>
#include <hans/apps/demo_page.hpp>
#include <hans/apps/progress.hpp>
#include <hans/core/file.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

struct DemoOptions : Common {
  FileName out{"report.html"};

  static constexpr std::string_view command = "demo";
  static constexpr std::string_view meaning = "train, attack and defend a small network, and show what happened";
  static constexpr std::string_view details =
      "Trains a network on the built-in handwritten digits, attacks it with fgsm and jsma, trains a second one with "
      "adversarial "
      "training, attacks that as well, and writes a page with pictures that opens in any browser, offline. The same "
      "seed gives "
      "the same page, byte for byte.";
  static constexpr std::string_view example = "hans demo\nhans demo --out lesson.html --seed 7";
  static constexpr auto fields() {
    return std::tuple_cat(std::tuple(field("out", &DemoOptions::out, "where to write the page")), common_fields());
  }
};

int run(const DemoOptions& options) {
  begin(options);
  check_distinct(std::vector<NamedFile>{{"--out", options.out.text}, {"--json", json_file(options)}});
  check_writable(options.out.text);
  DemoPlan plan;
  plan.seed = options.seed;
  if (!options.quiet && !options.json_only()) {
    print(text("hans ", build_version(),
               " demo: two networks learn to read digits and are attacked; this takes about a minute. Seed ", plan.seed,
               "\n\n"));
  }
  ProgressBar bar("", "images", options.quiet);
  std::string current;
  const auto progress = [&](std::string_view part, std::uint64_t done, std::uint64_t total, std::string_view note) {
    if (part != current) bar.restart(std::string(current = part));
    bar.update(done, total, note);
  };
  const DemoFindings found = run_demo(plan, progress);
  bar.clear();
  write_file(options.out.text, demo_page(found));
  finish(options, text(demo_text(found), "\nwrote ", options.out.text, "; open it in a browser\n"), demo_json(found));
  return 0;
}

}  // namespace

Command demo_command() { return make_command<DemoOptions, run>(); }

}  // namespace hans::apps
