// The demo as a whole, with a network that trains in a moment: what the page holds, that no number stands without its
// verdict, that the commands it names give the same again, and that its bytes depend on the seed alone.
#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/version.hpp>
#include "../../../apps/commands.hpp"
#include "../../../apps/demo/demo_page.hpp"
#include "../../../apps/run/figures.hpp"

#include "../cli_testing.hpp"

namespace hans::demo_test {
namespace {

using namespace apps;

DemoPlan plan_of(std::uint64_t seed) { return {"linear", 2, 32, seed}; }

DemoFindings findings(std::uint64_t seed) {
  return run_demo(plan_of(seed), [](std::string_view, std::uint64_t done, std::uint64_t total, std::string_view) {
    EXPECT_LE(done, total);
  });
}

const DemoFindings& found() {
  static const DemoFindings once = findings(5);
  return once;
}

std::vector<std::size_t> sources() { return first_of_each(found().plain.jsma.found()); }

std::vector<const DemoNet*> nets() { return {&found().plain, &found().trained}; }

std::size_t exact_ends() { return found().proved.ball().exact() ? 1 : 0; }

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++times;
  return times;
}

// The words that a reader sees: no tags, no pictures, no style sheet.
std::string visible_words(std::string_view page) {
  std::string out;
  bool tag = false;
  for (const char c : page.substr(page.find("<main>"))) {
    if (c == '<') tag = true;
    if (!tag) out += c;
    if (c == '>') tag = false;
  }
  return out;
}

TEST(SlowDemoPage, PageHoldsEverything) {
  const std::string page = demo_page(found());
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(page.ends_with("</html>\n"));
  // Nine cells or more in each row whose class the network reads, and the triptychs.
  const auto rows = static_cast<std::size_t>(
      std::ranges::count_if(sources(), [](std::size_t i) { return i < found().plain.jsma.found().size(); }));
  EXPECT_GE(rows, 8U);
  EXPECT_GE(count(page, "<img"), 10 * rows + 5 * 3);
  EXPECT_EQ(count(page, "<svg"), 1U);
  for (const std::string_view curve : {"fgsm, one step: plain", "fgsm, one step: adversarially trained",
                                       "pgd, many steps: plain", "pgd, many steps: adversarially trained"}) {
    EXPECT_EQ(count(page, text(">", curve, "</text>")), 1U) << curve;
  }
  for (const DemoCommand& each : demo_commands(found())) {
    EXPECT_NE(page.find(escape_html(each.line)), std::string::npos) << each.line;
  }
  for (const DemoNet* net : nets()) {
    EXPECT_NE(page.find(net->named.model.sha256), std::string::npos);
    EXPECT_NE(page.find(net->subject().data_sha256), std::string::npos);
  }
  EXPECT_NE(page.find(found().train_sha256), std::string::npos);
  EXPECT_NE(page.find(version), std::string::npos);
}

TEST(SlowDemoPage, PageStandsAlone) {
  const std::string page = demo_page(found());
  for (const std::string_view part : {"<script", "<link", "@import", "url(", "http:", "https:", "src=\"/", "src=\"."}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

TEST(SlowDemoPage, PageEscapesNames) {
  DemoFindings other = found();
  constexpr std::string_view name = "<b>'v1' & \"more\"</b>.hans";
  for (DemoNet* net : {&other.plain, &other.trained}) {
    net->named.name = net->command = name;
    for (DemoRun* made : {&net->linf, &net->jsma}) {
      Subject& subject = made->run.plan.subject;
      subject.model = subject.architecture = subject.preprocessing = subject.data = name;
    }
  }
  other.train_data = name;
  const std::string page = demo_page(other);
  EXPECT_EQ(page.find("<b>'v1"), std::string::npos);
  EXPECT_EQ(page.find("\"more\""), std::string::npos);
  EXPECT_GE(count(page, escape_html(name)), 20U);
}

TEST(SlowDemoPage, NothingShownIsNoNumber) {
  for (std::string all : {visible_words(demo_page(found())), demo_text(found())}) {
    std::ranges::transform(all, all.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const std::string_view part : {"nan", " inf", "-inf", ">inf"}) {
      // "linf" is a norm; " inf" with a blank before it is an infinity.
      EXPECT_EQ(all.find(part), std::string::npos) << part << " in " << all.substr(all.find(part), 60);
    }
  }
}

TEST(SlowDemoPage, AttacksAreOneRunInOneBall) {
  for (const DemoNet* net : nets()) {
    ASSERT_EQ(net->linf.found().attacks.size(), 3U);
    EXPECT_EQ(net->linf.found().size(), 500U);
    EXPECT_EQ(threat_model(net->linf.run.plan).budget.size, static_cast<double>(0.3F));
    EXPECT_EQ(net->linf.run.probes.balls.size(), 1U);
    EXPECT_GT(net->linf.said(demo_pgd).probed, 60U);
    EXPECT_EQ(net->curve.size(), demo_curve.size());
    EXPECT_EQ(net->curve[5], attacks::Share(net->linf.robust(demo_fgsm).part(), net->linf.right().part()));
  }
  EXPECT_GT(found().plain.linf.right().value(), 0.6);
  EXPECT_LT(found().plain.linf.robust(demo_fgsm).value(), found().plain.linf.right().value() / 4);
  EXPECT_GT(found().plain.linf.robust(demo_noise).value(), found().plain.linf.right().value() / 2);
}

// Each robust accuracy as the page and the terminal write it, and the verdict right behind it.
TEST(SlowDemoPage, NoNumberWithoutItsVerdict) {
  const std::string page = demo_page(found()), words = visible_words(page), shown = demo_text(found());
  for (const DemoNet* net : nets()) {
    for (const std::size_t k : {demo_fgsm, demo_noise, demo_pgd}) {
      const attacks::Share robust = net->linf.robust(k);
      const std::string_view verdict = net->linf.verdict(k);
      const std::string cell = text("<strong>", percent_of(robust), " %</strong> ", verdict, " <small>(",
                                    interval_text(robust), ")</small>");
      EXPECT_NE(page.find(cell), std::string::npos) << cell;
      const std::string line = shown.substr(shown.find(text("under ", demo_attacks[k])));
      const std::size_t at = line.find(share_text(robust));
      ASSERT_LT(at, line.find('\n'));
      EXPECT_EQ(line.find_first_not_of(' ', at + share_text(robust).size()),
                line.find(verdict, at + share_text(robust).size()))
          << line;
    }
    const attacks::AttackResult& jsma = net->jsma.attack(0);
    EXPECT_NE(words.find(text(jsma.successes, " of ", jsma.attempts.size(), ' ', net->jsma.verdict(0))),
              std::string::npos);
  }
  // The cards: all numbers but those of unattacked digits.
  EXPECT_EQ(count(page, "<div class=\"card\">"), 7U);
  EXPECT_EQ(count(page, "<b>Verdict: "), 4U + exact_ends());
  std::vector<std::string> sentences = demo_sentences(found());
  ASSERT_EQ(sentences.size(), 10U);
  EXPECT_NE(sentences.back().find("we obtained a certified accuracy of"), std::string::npos);
  sentences.pop_back();
  for (const std::string& lines : sentences) {
    EXPECT_EQ(count(lines, "; verdict "), 1U) << lines;
    EXPECT_EQ(count(lines, "\nVerdict: "), 1U) << lines;
  }
}

TEST(SlowDemoPage, ANetworkInTheBoxHoldsAndThatIsProved) {
  const DemoRun& held = found().proved;
  const BallCounts ball = held.ball();
  EXPECT_EQ(ball.images(), 500U);
  EXPECT_GT(ball.certified().value(), 0.9);
  EXPECT_LE(ball.certified().part(), held.robust(0).part());
  const std::string ends = ends_words(ball.certified(), ball.attacked());
  for (const std::string& all : {demo_page(found()), demo_text(found())}) {
    EXPECT_NE(all.find(apps::demo_net), std::string::npos);
    EXPECT_TRUE(all.find(ends) != std::string::npos || all.find(escape_html(ends)) != std::string::npos) << ends;
    EXPECT_NE(all.find("It has seen these digits"), std::string::npos);
  }
}

TEST(SlowDemoPage, OnlyWhatIsReliableIsGreen) {
  DemoFindings other = found();
  for (const attacks::Verdict verdict : {attacks::Verdict::reliable, attacks::Verdict::unchecked,
                                         attacks::Verdict::suspect, attacks::Verdict::unreliable}) {
    for (DemoNet* net : {&other.plain, &other.trained}) {
      for (auto& radii : net->linf.judgement.attacks) radii[0].verdict = verdict;
    }
    other.proved.judgement.attacks[0][0].verdict = verdict;
    const std::string page = demo_page(other);
    EXPECT_EQ(count(page, "class=\"good\""), (verdict == attacks::Verdict::reliable ? 4U : 0U) + exact_ends());
    EXPECT_EQ(count(page, "class=\"bad\""), verdict >= attacks::Verdict::suspect ? 4U : 0U);
  }
}

TEST(SlowDemoPage, JsonHoldsBothNetworksWithVerdicts) {
  const Json json = Json::parse(demo_json(found()).dump());
  for (const std::string_view net : {"plain", "adversarially_trained"}) {
    for (const auto& [key, size] : {std::pair("linf", demo_attacks.size()), std::pair("jsma", demo_jsma.size())}) {
      const Json& result = json.at(net).at(key);
      EXPECT_FALSE(result.at("verdict").string().empty());
      ASSERT_EQ(result.at("attacks").items().size(), size);
      for (const Json& attack : result.at("attacks").items()) EXPECT_FALSE(attack.at("verdict").string().empty());
    }
  }
}

TEST(SlowDemoPage, ThePictureIsSmall) {
  const std::string png = demo_picture(found());
  EXPECT_EQ(png.substr(1, 3), "PNG");
  EXPECT_LT(png.size(), 8192U);
}

TEST(SlowDemoPage, SourcesAreReadCorrectly) {
  const DemoRun& jsma = found().plain.jsma;
  ASSERT_EQ(sources().size(), 10U);
  for (std::size_t label = 0; label < 10; ++label) {
    const std::size_t sample = sources()[label];
    if (sample == jsma.found().size()) continue;
    EXPECT_EQ(jsma.found().samples.labels[sample], static_cast<int>(label));
    EXPECT_EQ(jsma.found().predictions[sample], static_cast<int>(label));
    EXPECT_EQ(find_attempt(jsma.attack(0), sample, static_cast<int>(label)), nullptr);
    EXPECT_NE(find_attempt(jsma.attack(0), sample, static_cast<int>((label + 1) % 10)), nullptr);
  }
}

TEST(SlowDemoPage, ExamplesShowWhatTheTextSays) {
  const std::vector<std::size_t> chosen = demo_examples(found().plain.linf, demo_fgsm, demo_noise, 2);
  ASSERT_EQ(chosen.size(), 2U);
  for (const std::size_t sample : chosen) {
    EXPECT_TRUE(find_attempt(found().plain.linf.attack(demo_fgsm), sample)->finding.success);
    EXPECT_FALSE(find_attempt(found().plain.linf.attack(demo_noise), sample)->finding.success);
  }
}

TEST(DeterminismDemo, SameSeedSameBytes) {
  const std::string page = demo_page(found());
  const std::size_t threads = thread_count();
  set_thread_count(threads == 1 ? 3 : 1);
  const DemoFindings again = findings(5);
  set_thread_count(threads);
  EXPECT_EQ(page, demo_page(again));
  EXPECT_EQ(demo_text(found()), demo_text(again));
  EXPECT_NE(page, demo_page(findings(6)));
}

TEST(SlowDemoPage, TextShowsADigitBeforeAndAfter) { EXPECT_EQ(count(demo_text(found()), "    |    "), 15U); }

class DemoCommandTest : public cli::Test {};
class SlowDemo : public cli::Test {};

// A result as far as it is the same in every run.
Json without_seconds(const Json& result) {
  Json out = Json::parse(result.dump());
  Json all = Json::array();
  for (Json attack : out.at("attacks").items()) {
    attack.set("seconds", Json());
    all.push(std::move(attack));
  }
  out.set("attacks", std::move(all));
  return out;
}

TEST_F(DemoCommandTest, CommandsGiveNetworksNumbersAndVerdictsAgain) {
  const std::vector<DemoCommand> commands = demo_commands(found());
  ASSERT_EQ(commands.size(), 8U);
  std::vector<Json> results;
  for (const DemoCommand& each : commands) {
    ASSERT_TRUE(each.line.starts_with("hans "));
    results.push_back(Json::parse(output(text(each.line.substr(5), " --quiet --json -"))));
  }
  EXPECT_EQ(results[6].at("certify").items()[0].at("certified").number(),
            static_cast<double>(found().proved.ball().certified().part()));
  for (std::size_t k = 0; k < 2; ++k) {
    const DemoNet& net = *nets()[k];
    const std::string path = folder_ / net.named.name;
    EXPECT_EQ(read_file(path), nn::dump_model(net.named.model));
    EXPECT_EQ(nn::load_model(path).sha256, net.named.model.sha256);
    const Json shown = demo_json(found()).at(k == 0 ? "plain" : "adversarially_trained");
    EXPECT_EQ(without_seconds(results[2 + 2 * k]).dump(), without_seconds(shown.at("linf")).dump());
    EXPECT_EQ(without_seconds(results[3 + 2 * k]).dump(), without_seconds(shown.at("jsma")).dump());
  }
}

TEST_F(DemoCommandTest, RefusesOutputsBeforeTheWork) {
  std::filesystem::create_directory(folder_ / "d");
  std::filesystem::create_directory(folder_ / "d/v1.hans");
  std::filesystem::create_directory(folder_ / "e");
  for (const std::string_view file : {"v1-adversarial.hans", "e/v1-adversarial.hans"}) {
    write_file(folder_ / file, "a letter");
  }
  const auto before = folder_.state();
  for (const cli::Refusal& row : std::initializer_list<cli::Refusal>{
           {"demo --out . --quiet", 1, "."},
           {"demo --out no/such/folder/report.html", 1, "no/such/folder"},
           {"demo --out report.html --json report.html", 2, "same file"},
           {"demo --out v1.hans", 2, "same file, 'v1.hans'"},
           {"demo --out e/v1-adversarial.hans", 2, "same file, 'e/v1-adversarial.hans'"},
           {"demo --json v1.hans", 2, "same file, 'v1.hans'"},
           // Beside a device is no place for a network.
           {"demo --out /dev/null", 1, "'v1-adversarial.hans' exists and is no model file"},
           {"demo --out d/report.html", 1, "d/v1.hans"},
           {"demo --out e/report.html", 1, "'e/v1-adversarial.hans' exists and is no model file"}}) {
    expect_refused(hans(row.line), row.code, row.part);
    EXPECT_EQ(folder_.state(), before) << row.line;
  }
}

// With the network of the demo itself, which takes most of a minute on a busy machine.
TEST_F(SlowDemo, KeepsBothNetworksBesideThePage) {
  std::filesystem::create_directory(folder_ / "page");
  // A model of an earlier demo is replaced.
  nn::Model other{found().plain.named.model};
  nn::save_model(other, folder_ / "page/v1.hans");
  const Json json = Json::parse(output("demo --quiet --json - --out page/report.html --picture nine.png"));
  EXPECT_EQ(folder_.state().size(), 5U);
  for (const auto& [key, file] :
       {std::pair("plain", "page/v1.hans"), std::pair("adversarially_trained", "page/v1-adversarial.hans")}) {
    EXPECT_EQ(json.at(key).at("linf").at("model_sha256").string(), nn::load_model(folder_ / file).sha256);
  }
  // What the defence is worth: much under fgsm, next to nothing under pgd, and no verdict takes fgsm at its word.
  const Json& trained = json.at("adversarially_trained").at("linf").at("attacks");
  EXPECT_GT(trained.items()[demo_fgsm].at("robust_accuracy").number(), 0.5);
  EXPECT_EQ(trained.items()[demo_fgsm].at("verdict").string(), "UNRELIABLE");
  EXPECT_GT(trained.items()[demo_noise].at("robust_accuracy").number(), 0.9);
  EXPECT_LT(trained.items()[demo_pgd].at("robust_accuracy").number(), 0.1);
}

}  // namespace
}  // namespace hans::demo_test
