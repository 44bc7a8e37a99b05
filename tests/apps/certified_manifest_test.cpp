// Certificates in manifests: both ends of a number, and files that lie about them.
#include <gtest/gtest.h>

#include "cli_manifest_testing.hpp"

namespace hans::certified_manifest_test {
namespace {

using apps::Manifest;
using cli::expect_refused;
using cli_manifest::CliManifest;
using defenses::Certainty;
using defenses::Certificate;
using defenses::Doubt;
using defenses::Step;
using Measured = apps::Run;

constexpr const char* network = "'28x28x1;flatten;linear:units=24,bias=true;relu;linear:units=10,bias=true'";
constexpr const char* attacked = "--attack pgd:eps=0.03,steps=3 --attack noise:eps=0.03 --probes 0";
constexpr const char* radii = "--attack deepfool --at 0.2,0.4,0.2 --probes 0";

class CliCertified : public CliManifest {
 protected:
  /// A manifest of a network with hidden units, trained for an epoch. Few nodes leave some images unknown.
  void certify(std::string_view rest, std::string_view out) {
    if (!std::filesystem::exists(folder_ / "n.hans")) {
      output(text("train --data mnist-5k --epochs 1 --quiet --out n.hans --model ", network));
    }
    const cli::Outcome outcome = hans(text("benchmark n.hans --data mnist-5k --quiet --out ", out, " ", rest));
    EXPECT_TRUE(outcome.code == 0 || outcome.code == 3) << rest << outcome.err;
  }
  Json result(std::string_view file) { return Json::parse(bytes(file)).at("result"); }
};

std::size_t number_of(const Json& column, std::string_view word) {
  return static_cast<std::size_t>(std::ranges::count_if(
      column.items(), [&](const Json& item) { return item.is_string() && item.string() == word; }));
}

TEST_F(CliCertified, BothEndsInOneFile) {
  for (const std::string& what : {text("--limit 40 --certify-nodes 1 ", attacked), text("--limit 30 ", radii),
                                  std::string("--limit 20 --attack pgd:norm=l2,eps=0.3,steps=3 --probes 0")}) {
    SCOPED_TRACE(what);
    certify(text(what, " --certify"), "c.json");
    const std::size_t nodes = what.find(" --certify-nodes 1"), balls = what.find("--at ") == what.npos ? 1 : 2;
    certify(nodes == what.npos ? what : text(what.substr(0, nodes), what.substr(nodes + 18)), "p.json");
    EXPECT_EQ(Json::parse(bytes("c.json")).at("manifest").natural(), 3U);
    EXPECT_EQ(Json::parse(bytes("p.json")).at("manifest").natural(), 2U);
    const Json both = result("c.json"), plain = result("p.json");
    ASSERT_EQ(both.members().size(), plain.members().size() + 1);
    for (const auto& [key, value] : plain.members()) EXPECT_EQ(value.dump(), both.at(key).dump()) << key;
    const double images = plain.at("slice").at("count").number();
    ASSERT_EQ(both.at("certify").items().size(), balls);
    for (const Json& ball : both.at("certify").items()) {
      const Json& verdicts = ball.at("samples").at("verdict");
      std::size_t all = 0;
      for (const char* verdict : {"certified", "attacked", "unknown", "wrong"}) {
        EXPECT_EQ(ball.at(verdict).natural(), number_of(verdicts, verdict));
        all += ball.at(verdict).natural();
      }
      EXPECT_EQ(static_cast<double>(all), images);
      const double certified = ball.at("certified").number(), unknown = ball.at("unknown").number();
      EXPECT_EQ(ball.at("certified_accuracy").number(), certified / images);
      EXPECT_EQ(ball.at("attacked_accuracy").number(), (certified + unknown) / images);
      for (const auto& [step, count] : ball.at("by_method").members()) {
        EXPECT_LE(count.natural(), number_of(ball.at("samples").at("method"), step));
      }
      if (balls > 1) continue;  // with radii the robust accuracy is that of the largest distance
      EXPECT_LE(ball.at("attacked_accuracy").number(), both.at("robust_accuracy").number());
    }
    EXPECT_NE(output("reproduce c.json --threads 1 --quiet").find("identical: all "), std::string::npos);
    EXPECT_NE(output("reproduce c.json --quick 7 --quiet").find("identical: 7 of "), std::string::npos);
  }
}

TEST_F(CliCertified, PartsAndAddedAttacksGiveTheWhole) {
  const std::string what = text("--limit 30 --certify --certify-nodes 1 ", attacked);
  certify(what, "whole.json");
  for (const char* part : {"1", "2", "3"}) certify(text(what, " --shard ", part, "/3"), text(part, ".json"));
  output("merge 2.json 3.json 1.json --out merged.json --quiet");
  EXPECT_EQ(result("merged.json").dump(), result("whole.json").dump());
  certify(text("--limit 30 --shard 2/3 --certify --certify-nodes 2 ", attacked), "2.json");
  expect_refused(hans("merge 2.json 3.json 1.json --out no.json"), 1, "are certified differently: --certify");
  certify("--limit 30 --certify --certify-nodes 1 --attack noise:eps=0.03 --adaptive", "adaptive.json");
  EXPECT_GT(result("adaptive.json").at("found").items().size(), 1U);
  EXPECT_NE(output("reproduce adaptive.json --quiet").find("identical: all 30 "), std::string::npos);
}

TEST_F(CliCertified, RefusesWhatNoCertificateIsAbout) {
  for (const auto& [what, part] : std::vector<std::pair<const char*, const char*>>{
           {"--attack deepfool --certify", "--certify needs a radius: give --at"},
           {"--attack sigma-zero --at 5 --certify", "--certify is for linf, l2 and l1, not for l0"},
           {"--attack pgd:eps=0.1,clip_max=0.9 --certify", "the box of the data; leave clip_min and clip_max out"},
           {"--attack fgsm@cleverhans-1.0.0:eps=0.1 --certify", "--certify: fgsm has no ball"},
           {"--attack pgd:eps=0.1 --certify-nodes 5", "--certify-nodes is for --certify"},
           {"--attack pgd:eps=0.1 --certify --certify-nodes 0", "--certify-nodes '0' is refused"}}) {
    SCOPED_TRACE(what);
    expect_refused(hans(text("benchmark linear.hans --data mnist-5k --quiet --out no.json ", what)), 2, part);
  }
}

TEST_F(CliCertified, EveryEditIsNoticed) {
  certify(text("--limit 12 --certify --certify-nodes 1 ", attacked), "m.json");
  const Json manifest = Json::parse(bytes("m.json"));
  const Json::Object& members = manifest.at("result").members();
  ASSERT_EQ(members.back().first, "certify");
  std::size_t edits = 0, by_running = 0;
  manifests::for_each_edit(members.back().second, "certify", [&](const std::string& where, const Json& edited) {
    const Json lying = manifests::with_member(manifest.at("result"), members.size() - 1, edited);
    const Json lie = manifests::with_hashes(manifest, lying, manifest.at("judgement"));
    ++edits;
    if (where == "certify[0].nodes: one more" || !refusal(lie).empty()) return;  // one node more changes nothing
    ++by_running;
    write("lie.json", lie.dump());
    const cli::Outcome outcome = hans("reproduce lie.json --quiet --threads 1");
    EXPECT_EQ(outcome.code, 1) << where << "\n" << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("different:\n  certify[0]."), std::string::npos) << where << "\n" << outcome.out;
  });
  EXPECT_GT(edits, 100U);
  EXPECT_GT(by_running, 0U);
  EXPECT_LT(by_running, edits / 3);
}

// ---- EXACT ----------------------------------------------------------------------------------------------

TEST_F(CliCertified, IsExactWhereBothEndsMeet) {
  struct Row {
    const char* what;
    const char* verdict;
    const char* part;  ///< of the report
  };
  // One step finds all there is on a linear network; noise does not, and the search for proofs does.
  for (const Row& row : {Row{"--limit 30 --attack fgsm:eps=0.02", "EXACT", "verdict EXACT"},
                         Row{"--limit 10 --attack fgsm:eps=0.02", "EXACT",
                             "Verdict: EXACT (every image that withstood is "
                             "certified)\n"},
                         Row{"--limit 30 --attack noise:eps=0.06", "UNRELIABLE", "the search for proofs fools "}}) {
    SCOPED_TRACE(row.what);
    const cli::Outcome outcome =
        hans(text("benchmark linear.hans --data mnist-5k --quiet --certify --out m.json ", row.what));
    const Json manifest = Json::parse(bytes("m.json"));
    EXPECT_EQ(manifest.at("result").at("certify").items()[0].at("unknown").natural(), 0U);
    EXPECT_EQ(manifest.at("judgement").at("verdict").string(), row.verdict);
    const bool exact = std::string_view(row.verdict) == "EXACT";
    EXPECT_EQ(outcome.code, exact ? 0 : 3);
    EXPECT_NE(outcome.out.find(row.part), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("certified within linf 0.0"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("%, so the number is exact."), std::string::npos) << outcome.out;
    const cli::Outcome again = hans("reproduce m.json --quiet");
    EXPECT_EQ(again.code, outcome.code) << again.err;
    EXPECT_NE(again.out.find(text("Verdict: ", row.verdict)), std::string::npos) << again.out;
    output("report m.json --out m.html");
    EXPECT_EQ(bytes("m.html").find("Why not reliable") == std::string::npos, exact);
    EXPECT_NE(bytes("m.html").find("Verdict: EXACT"), std::string::npos);
    EXPECT_EQ(output("show m.json").find("Verdict: EXACT") != std::string::npos, exact);
  }
}

TEST_F(CliCertified, ReportsShowBothEnds) {
  certify("--limit 40 --attack pgd:steps=3 --at 0.01,0.03,0.06 --certify --certify-nodes 1", "c-{at}.json");
  output("report c-0.01.json c-0.03.json c-0.06.json --out c.html");
  EXPECT_NE(bytes("c.html").find("n.hans, certified"), std::string::npos);
  EXPECT_NE(bytes("c.html").find("We certified the robustness of n.hans with v"), std::string::npos);
  output("report c-0.03.json --out c.md");
  EXPECT_NE(bytes("c.md").find("| certified within linf 0.03 | "), std::string::npos);
  EXPECT_NE(bytes("c.md").find("| certified or unknown within linf 0.03 | "), std::string::npos);
  certify(text("--limit 30 --certify ", radii), "r.json");
  output("report r.json --out r.html");
  EXPECT_NE(bytes("r.html").find("n.hans, certified"), std::string::npos);
}

// As a run does, when more attacks have run on what is certified.
TEST_F(CliCertified, ARunNamesAnImageThatIsCertifiedAndFooled) {
  certify(text("--limit 12 --certify --certify-nodes 1 ", attacked), "m.json");
  Measured run = apps::read_manifest(folder_ / "m.json").run;
  settle(run.certified, run.found);
  for (attacks::Attempt& attempt : run.found.attacks[1].attempts) {
    Certificate& one = run.certified[0].all[attempt.sample];
    if (one.certainty != Certainty::certified) continue;
    attempt.finding.evades = true;
    try {
      settle(run.certified, run.found);
      ADD_FAILURE() << "a contradiction passed";
    } catch (const Error& error) {
      const std::string part = text("image ", one.index, " is certified within linf 0.03, but noise fooled it there");
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
    one.certainty = Certainty::unknown;
    settle(run.certified, run.found);
    EXPECT_EQ(one.certainty, Certainty::attacked);
    EXPECT_EQ(one.step, Step::attack);
    return;
  }
  ADD_FAILURE() << "no image is certified";
}

// ---- certificates that cannot be ------------------------------------------------------------------------

Certificate& certificate(Measured& run, Certainty certainty) {
  for (Certificate& one : run.certified[0].all) {
    if (one.certainty == certainty && (certainty != Certainty::attacked || one.step == Step::attack)) return one;
  }
  throw Error(text("no image is ", enum_name(certainty)));
}
Certificate& certified(Measured& run) { return certificate(run, Certainty::certified); }
Certificate& unknown(Measured& run) { return certificate(run, Certainty::unknown); }
Certificate& wrong(Measured& run) { return certificate(run, Certainty::wrong); }
Certificate& fooled(Measured& run) { return certificate(run, Certainty::attacked); }

struct Lie {
  const char* attacks;
  void (*tell)(Measured& run);
  const char* part;  ///< of the message
};

const std::vector<Lie> lies{
    {attacked,
     [](Measured& run) {
       const Certificate good = certified(run);
       Certificate& bad = fooled(run);
       bad = {bad.index, bad.label, bad.prediction, Certainty::certified, {}, good.step, good.bound};
       bad.real = bad.float32 = true;
     },
     " is certified within linf 0.03, but pgd fooled it there: one of the two is wrong"},
    {attacked, [](Measured& run) { fooled(run).certainty = Certainty::unknown; }, "an attack fooled it"},
    {attacked, [](Measured& run) { fooled(run).step = Step::branching; }, "the attacks say otherwise"},
    {attacked, [](Measured& run) { certified(run).step = Step::attack; }, "the attacks say otherwise"},
    {attacked, [](Measured& run) { fooled(run).bound = 1; }, "its bound and `real` disagree"},
    {attacked, [](Measured& run) { fooled(run).bound = -1; }, "nothing was bounded"},
    {attacked, [](Measured& run) { fooled(run).nodes = 1; }, "nothing was branched"},
    {attacked, [](Measured& run) { certified(run).certainty = Certainty::attacked; }, "nothing found an adversarial"},
    {attacked, [](Measured& run) { certified(run).bound = -1; }, "its bound and `real` disagree"},
    {attacked, [](Measured& run) { certified(run).real = false; }, "its bound and `real` disagree"},
    {attacked, [](Measured& run) { certified(run).float32 = false; }, "certified are those with both flags"},
    {attacked, [](Measured& run) { certified(run).doubt = Doubt::nodes; }, "unknown images, and no others"},
    {attacked, [](Measured& run) { certified(run).step.reset(); }, "all but wrong images have a method"},
    {attacked, [](Measured& run) { certified(run).certainty = Certainty::wrong; }, "wrong exactly if its prediction"},
    {attacked, [](Measured& run) { wrong(run).certainty = Certainty::unknown; }, "wrong exactly if its prediction"},
    {attacked, [](Measured& run) { wrong(run).step = Step::ibp; }, "all but wrong images have a method"},
    {attacked, [](Measured& run) { unknown(run).certainty = Certainty::certified; }, "unknown images, and no others"},
    {attacked, [](Measured& run) { unknown(run).float32 = true; }, "certified are those with both flags"},
    {attacked, [](Measured& run) { unknown(run).doubt = Doubt::time; }, "there is no clock"},
    {attacked, [](Measured& run) { unknown(run).doubt = Doubt::rounding; }, "its reason and `real` disagree"},
    {attacked, [](Measured& run) { unknown(run).doubt = Doubt::nan; }, "it has a bound"},
    {attacked, [](Measured& run) { unknown(run).doubt = Doubt::bound; }, "its reason belongs to another method"},
    {attacked,
     [](Measured& run) {
       unknown(run).step = Step::crown;
       unknown(run).nodes = 0;
     },
     "not every method"},
    {attacked, [](Measured& run) { run.certified[0].all.pop_back(); }, "verdict has 29 entries for 30"},
    {radii,
     [](Measured& run) {
       for (std::size_t k = 0; k < run.found.size(); ++k) {
         if (run.certified[1].all[k].certainty != Certainty::certified) continue;
         Certificate& bad = run.certified[0].all[k];
         bad = {bad.index, bad.label, bad.prediction, Certainty::attacked, {}, Step::branching, -1};
         return;
       }
     },
     " is certified within l2 0.4, but an adversarial image of it lies within l2 0.2"},
    {"--attack pgd:norm=l2,eps=0.4,steps=3 --probes 0", [](Measured& run) { certified(run).step = Step::branching; },
     "its method was not asked for"},
    {"--attack pgd:norm=l2,eps=0.4,steps=3 --probes 0", [](Measured& run) { unknown(run).doubt = Doubt::nodes; },
     "its reason belongs to another method"},
};

TEST_F(CliCertified, LiesAreRefused) {
  std::map<std::string, std::string> files;
  for (const Lie& lie : lies) {
    std::string& file = files[lie.attacks];
    if (file.empty()) {
      file = text("m", files.size(), ".json");
      certify(text("--limit 30 --certify --certify-nodes 1 ", lie.attacks), file);
    }
    Manifest manifest = apps::read_manifest(folder_ / file);
    lie.tell(manifest.run);
    const std::string why = refusal(apps::manifest_json(manifest.run, manifest.here));
    EXPECT_NE(why.find(lie.part), std::string::npos) << "no '" << lie.part << "' in: " << why;
  }
}

}  // namespace
}  // namespace hans::certified_manifest_test
