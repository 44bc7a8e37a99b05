// The demo as a whole, with a network that trains in a moment: what the page holds, and that its bytes depend on the
// seed alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <hans/apps/commands.hpp>
#include <hans/apps/demo_page.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/version.hpp>
#include <string>
#include <string_view>

namespace {

using namespace hans;
using namespace hans::apps;

DemoFindings findings(std::uint64_t seed) {
  DemoPlan plan;
  plan.model = "linear";
  plan.epochs = 2;
  plan.seed = seed;
  return run_demo(plan, [](std::string_view, std::uint64_t done, std::uint64_t total, std::string_view) {
    EXPECT_LE(done, total);
  });
}

const DemoFindings& found() {
  static const DemoFindings once = findings(5);
  return once;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

// The words that a reader sees, lower case: no tags, no pictures, no style sheet.
std::string visible_words(std::string_view page) {
  std::string out;
  bool tag = false;
  for (const char c : page.substr(page.find("<main>"))) {
    if (c == '<') tag = true;
    if (!tag) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (c == '>') tag = false;
  }
  return out;
}

TEST(Demo, PageHoldsEverything) {
  const std::string page = demo_page(found());
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  // Nine cells or more in each row whose class the network reads, and the triptychs.
  const auto rows = static_cast<std::size_t>(std::count_if(found().sources.begin(), found().sources.end(),
                                                           [](std::size_t i) { return i < found().jsma_limit; }));
  EXPECT_GE(rows, 8U);
  EXPECT_GE(count(page, "<img"), 10 * rows + 3 * 3);
  EXPECT_EQ(count(page, "<svg"), 1U);
  EXPECT_EQ(count(page, "<blockquote>"), 4U);
  for (const DemoCommand& each : demo_commands(found())) {
    EXPECT_NE(page.find(escape_html(each.line)), std::string::npos) << each.line;
  }
  for (const DemoNet* net : {&found().plain, &found().trained}) {
    EXPECT_NE(page.find(net->subject.model_sha256), std::string::npos);
    EXPECT_NE(page.find(net->subject.data_sha256), std::string::npos);
  }
  EXPECT_NE(page.find(found().train_sha256), std::string::npos);
  EXPECT_NE(page.find(version), std::string::npos);
}

TEST(Demo, PageStandsAlone) {
  const std::string page = demo_page(found());
  for (const std::string_view part : {"<script", "<link", "@import", "url(", "http:", "https:", "src=\"/", "src=\"."}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

TEST(Demo, NothingShownIsNoNumber) {
  for (const std::string& all : {visible_words(demo_page(found())), demo_text(found())}) {
    for (const std::string_view part : {"nan", " inf", "-inf", ">inf"}) {
      // "linf" is a norm; " inf" with a blank before it is an infinity.
      EXPECT_EQ(all.find(part), std::string::npos) << part << " in " << all.substr(all.find(part), 60);
    }
  }
}

TEST(Demo, NumbersOfThePageAreTheJudges) {
  const attacks::Evaluation& fgsm = found().plain.fgsm;
  ASSERT_EQ(fgsm.attacks.size(), demo_eps.size());
  const double share = static_cast<double>(fgsm.right) / static_cast<double>(fgsm.samples.size());
  EXPECT_NE(demo_page(found()).find(text("<b>", percent(share), "</b>")), std::string::npos);
  EXPECT_GT(share, 0.6);
  EXPECT_LT(found().plain.shown().robust_count, fgsm.right / 4);
  EXPECT_GT(found().trained.shown().robust_count, found().plain.shown().robust_count);
}

TEST(Demo, SourcesAreReadCorrectly) {
  const attacks::Evaluation& jsma = found().plain.jsma;
  ASSERT_EQ(found().sources.size(), 10U);
  for (std::size_t label = 0; label < 10; ++label) {
    const std::size_t sample = found().sources[label];
    if (sample == found().jsma_limit) continue;
    EXPECT_EQ(jsma.samples.labels[sample], static_cast<int>(label));
    EXPECT_EQ(jsma.predictions[sample], static_cast<int>(label));
    EXPECT_EQ(find_attempt(found().plain.saliency(), sample, static_cast<int>(label)), nullptr);
    EXPECT_NE(find_attempt(found().plain.saliency(), sample, static_cast<int>((label + 1) % 10)), nullptr);
  }
}

TEST(Demo, SameSeedSameBytes) {
  const std::string page = demo_page(found());
  const std::size_t threads = thread_count();
  set_thread_count(threads == 1 ? 3 : 1);
  const std::string again = demo_page(findings(5));
  set_thread_count(threads);
  EXPECT_EQ(page, again);
  EXPECT_NE(page, demo_page(findings(6)));
}

TEST(Demo, TextShowsADigitBeforeAndAfter) {
  const std::string shown = demo_text(found());
  EXPECT_EQ(count(shown, "    |    "), 15U);
  EXPECT_EQ(count(shown, "We benchmarked the robustness of "), 4U);
}

TEST(Demo, JsonHoldsBothNetworks) {
  const Json json = Json::parse(demo_json(found()).dump());
  for (const std::string_view net : {"plain", "adversarially_trained"}) {
    EXPECT_EQ(json.at(net).at("fgsm").at("attacks").items().size(), demo_eps.size());
    EXPECT_EQ(json.at(net).at("jsma").at("attacks").items().size(), 1U);
  }
}

TEST(Demo, RefusesAnOutputBeforeTheWork) {
  const std::vector<std::string_view> folder{"--out", ".", "--quiet"};
  EXPECT_THROW(demo_command().run(folder), Error);
  const std::vector<std::string_view> missing{"--out", "no/such/folder/report.html"};
  EXPECT_THROW(demo_command().run(missing), Error);
  const std::vector<std::string_view> same_file{"--out", "report.html", "--json", "report.html"};
  EXPECT_THROW(demo_command().run(same_file), UsageError);
}

}  // namespace
