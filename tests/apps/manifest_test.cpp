// Manifests that lie although their hashes fit.
#include <gtest/gtest.h>

#include <hans/core/json.hpp>
#include <hans/core/version.hpp>
#include "../../apps/manifest/manifest.hpp"

#include "cli_manifest_testing.hpp"

namespace hans::manifest_test {
namespace {

using apps::Manifest;
using cli_manifest::CliManifest;
using cli_manifest::golden;
using Measured = apps::Run;  // testing::Test has a Run of its own
using attacks::Attempt;
using attacks::Reason;
using cli::expect_refused;

class SlowManifest : public CliManifest {};

TEST_F(SlowManifest, EveryEditIsNoticed) {
  for (const char* what : {"--probes 5 --attack pgd:eps=0.02,steps=2 --attack square:eps=0.02,queries=10",
                           "--attack composite:attacks=[pgd:eps=0.02,steps=1]/[noise:eps=0.02] --targets next",
                           "--probes 5 --attack fmn:norm=l2,steps=5 --at 0.4,0.8"}) {
    SCOPED_TRACE(what);
    benchmark(text("--limit 22 ", what), "m.json");
    const Json manifest = Json::parse(bytes("m.json"));
    ASSERT_EQ(refusal(manifest), "");
    ASSERT_EQ(hans("reproduce m.json --quiet").code, 0);
    expect_noticed(manifest, "result", 300);
    expect_noticed(manifest, "judgement", 100);
  }
}

void expect_described(const Json& schema, const std::string& page) {
  if (!schema.is_object()) return;
  for (const auto& [keyword, inside] : schema.members()) {
    if (keyword != "properties") {
      expect_described(inside, page);
      continue;
    }
    for (const auto& [key, value] : inside.members()) {
      EXPECT_TRUE(key.ends_with("_interval") || page.find(text("`", key, "`")) != page.npos) << key;
      expect_described(value, page);
    }
  }
}

TEST(ManifestFormat, ThePageNamesEveryKey) {
  const std::string folder = HANS_SOURCE_DIR "/apps/manifest/";
  expect_described(Json::parse(read_file(folder + "manifest.schema.json")), read_file(folder + "FORMAT.md"));
}

// ---- what no evaluation can have come to ----------------------------------------------------------------

/// A lie, told to a run from which a whole manifest is then made: every figure and every hash follows from it.
struct Lie {
  const char* name;
  const char* attacks;
  void (*tell)(Measured& run);
  const char* part;  ///< of the message
};

constexpr const char* two = "--attack pgd:eps=0.05,steps=2 --attack square:eps=0.05,queries=10";
constexpr const char* staged = "--attack composite:attacks=[pgd:eps=0.02,steps=1]/[noise:eps=0.02]";
constexpr const char* aimed = "--attack pgd:eps=0.06,steps=5 --targets random";
constexpr const char* at_three = "--attack pgd:eps=0.05,steps=2 --targets 3";

std::vector<Attempt>& attempts(Measured& run) { return run.found.attacks[0].attempts; }
Attempt& first(Measured& run, bool success) {
  for (Attempt& one : attempts(run)) {
    if (one.finding.success == success) return one;
  }
  throw Error(success ? "no attempt succeeds" : "every attempt succeeds");
}
Attempt& success(Measured& run) { return first(run, true); }
Attempt& failure(Measured& run) { return first(run, false); }
std::size_t wrong_image(const Measured& run) {
  for (std::size_t k = 0; k < run.found.size(); ++k) {
    if (run.found.predictions[k] != run.found.samples.labels[k]) return k;
  }
  throw Error("every image is right");
}
void drop_probe(Measured& run) {
  run.probes.samples.pop_back();
  run.probes.model.pop_back();
  for (attacks::ProbedBall& ball : run.probes.balls) ball.probes.pop_back();
}

const std::vector<Lie> lies{
    {"a right image without an attempt", two, [](Measured& run) { attempts(run).erase(attempts(run).begin()); },
     "pgd made 21 attempts, not 1 for each of the 22"},
    {"an image that is attacked in place of another", two,
     [](Measured& run) { attempts(run)[1].sample = attempts(run)[0].sample; }, "its attempts are not those"},
    {"three attempts an image", two,
     [](Measured& run) { attempts(run).insert(attempts(run).begin(), 2, attempts(run).front()); },
     "pgd made 24 attempts"},
    {"attempts in another order", two, [](Measured& run) { std::swap(attempts(run)[0], attempts(run)[1]); },
     "its attempts are not those"},
    {"a target in an untargeted run", two, [](Measured& run) { attempts(run)[0].target = 3; },
     "its attempts are not those"},
    {"another random target", aimed,
     [](Measured& run) {
       Attempt& one = failure(run);
       const int label = run.found.samples.labels[one.sample];
       for (int target = 0; target < 10; ++target) {
         if (target != label && target != *one.target && target != one.finding.prediction) one.target = target;
       }
     },
     "its attempts are not those"},
    {"pairs left out", two, [](Measured& run) { run.found.attacks[0].no_attempts = 3; }, "pgd made 22 attempts"},
    {"a target that is the label", at_three, [](Measured& run) { run.found.attacks[0].no_attempts += 1; },
     "attempts, not 1"},
    {"success with the label as prediction", two,
     [](Measured& run) { success(run).finding.prediction = run.found.samples.labels[success(run).sample]; },
     "its prediction and its reason disagree"},
    {"success with another class than the target", aimed,
     [](Measured& run) { success(run).finding.prediction = run.found.samples.labels[success(run).sample]; },
     "its prediction and its reason disagree"},
    {"a failure that is read as another class", two,
     [](Measured& run) { failure(run).finding.prediction = (run.found.samples.labels[failure(run).sample] + 1) % 10; },
     "its prediction and its reason disagree"},
    {"other_class without a target", two, [](Measured& run) { failure(run).finding.reason = Reason::other_class; },
     "its prediction and its reason disagree"},
    {"outside_ball inside of it", two, [](Measured& run) { success(run).finding.reason = Reason::outside_ball; },
     "its distance and its reason disagree"},
    {"a distance of 1e300 within 0.05", two, [](Measured& run) { success(run).finding.distance.linf = 1e300; },
     "no change has these distances"},
    {"all distances beyond the ball", two,
     [](Measured& run) { success(run).finding.distance = {.linf = 0.5, .l2 = 0.5, .l1 = 0.5, .l0 = 1}; },
     "its distance and its reason disagree"},
    {"all distances beyond the box", two,
     [](Measured& run) {
       failure(run).finding.distance = {.linf = 1.5, .l2 = 1.5, .l1 = 1.5, .l0 = 1};
       failure(run).finding.reason = Reason::outside_ball;
     },
     "it is outside of the box"},
    {"negative distances", two,
     [](Measured& run) { success(run).finding.distance = {.linf = -0.01, .l2 = -0.01, .l1 = -0.01, .l0 = 1}; },
     "no change has these distances"},
    {"an l2 above l1", two,
     [](Measured& run) { success(run).finding.distance.l2 = 1.5 * success(run).finding.distance.l1; },
     "no change has these distances"},
    {"no feature changed, and yet far", two, [](Measured& run) { success(run).finding.distance.l0 = 0; },
     "no change has these distances"},
    {"more features than there are", two, [](Measured& run) { success(run).finding.distance.l0 = 785; },
     "more features changed than there are"},
    {"no number with finite logits and distances", two,
     [](Measured& run) { failure(run).finding.reason = Reason::not_a_number; },
     "is no number, or its reason says so wrongly"},
    {"a prediction beyond the classes", two, [](Measured& run) { success(run).finding.prediction = 10; },
     "its prediction is no class"},
    {"the hash of an image", two, [](Measured& run) { success(run).image_sha256 = "none"; }, "its hash is none"},
    {"label 99 of 10", two, [](Measured& run) { run.found.samples.labels[wrong_image(run)] = 99; },
     "has the label 99 of 10 classes"},
    {"a clean prediction beyond the classes", two, [](Measured& run) { run.found.predictions[wrong_image(run)] = 12; },
     "has the prediction 12 of 10 classes"},
    {"no probes", two,
     [](Measured& run) {
       while (!run.probes.samples.empty()) drop_probe(run);
     },
     "its probes are not on the images that must be probed"},
    {"a probe less", two, [](Measured& run) { drop_probe(run); },
     "its probes are not on the images that must be probed"},
    {"a probe on another image", two, [](Measured& run) { run.probes.samples.back() = wrong_image(run); },
     "its probes are not on the images that must be probed"},
    {"gradients of an attack that sees none", two, [](Measured& run) { run.found.attacks[1].gradients = 7; },
     "square sees no gradients, and took 7"},
    {"stages that rise", staged,
     [](Measured& run) {
       run.found.attacks[0].stages[0].robust = {0, run.found.size()};
     },
     "more images are left after noise"},
    {"a last stage that leaves others than the outcomes", staged,
     [](Measured& run) {
       for (attacks::StageResult& stage : run.found.attacks[0].stages) stage.robust = {1, run.found.size()};
     },
     "its last stage leaves 1 images"},
    {"the hash of the model", two, [](Measured& run) { run.plan.subject.model_sha256 = "none"; },
     "the hash of its model"},
    {"no version", two, [](Measured& run) { run.plan.version = "the best"; }, "which is no version"}};

// By all that read manifests, with the same words.
TEST_F(CliManifest, LiesAreRefused) {
  std::map<std::string, std::string> files;
  for (const Lie& lie : lies) {
    SCOPED_TRACE(lie.name);
    std::string& file = files[lie.attacks];
    if (file.empty()) {
      file = text("m", files.size(), ".json");
      benchmark(text("--limit 24 ", lie.attacks), file);
    }
    Manifest manifest = apps::read_manifest(folder_ / file);
    lie.tell(manifest.run);
    sum_up(manifest.run.found);
    write("lie.json", apps::manifest_json(manifest.run, manifest.here).dump(2));
    for (const char* command : {"reproduce lie.json --quiet", "report lie.json --out r.md",
                                "merge lie.json --out no.json", "show lie.json"}) {
      expect_refused(hans(command), 1, lie.part);
    }
  }
}

// A result that follows from its outcomes may still have another judgement than it must have, and the other way round.
TEST_F(CliManifest, FiguresMustFollow) {
  benchmark(text("--limit 24 ", two), "m.json");
  const std::string good = bytes("m.json");
  const Json manifest = Json::parse(good);
  struct Row {
    const char *from, *to, *part;
  };
  for (const Row& row : std::vector<Row>{
           {R"("robust_accuracy":)", R"("robust_accuracy":1)",
            "its result does not follow from its outcomes: see robust"},
           {R"("judged_by_prediction_alone":false)", R"("judged_by_prediction_alone":true)", "see threat_model"},
           {R"("box":[0,1])", R"("box":[0,1e300])", "its result does not follow"},
           {R"("box":[0,1],"data_sha256")", R"("box":[0,1e300],"data_sha256")", "box is 1e+300"},
           {R"("box":[0,1],"data_sha256")", R"("box":[1,0],"data_sha256")", "box goes from 1 to 0"},
           {R"("prediction":[)", R"("prediction":[1,)", "prediction has 25 entries for 24"},
           {R"("label":[0)", R"("label":[-7)", "label has a -7"},
           {R"("unchanged_prediction")", R"("luck")", "luck"},
           {R"("attack":"pgd)", R"("attack":"pgf)", "see found"},
           {R"("attacks":["pgd)", R"("attacks":["pgf)", "pgf"},
           {R"("count":24)", R"("count":600)", "does not fit"},
           {R"("image":[28,28,1])", R"("image":[28,28])", "extents"},
           {R"("index":[0)", R"("index":[99)", "image 99, which is not here"},
           {R"("seed":0)", R"("seed":"x")", "JSON"},
           {R"("verdict":"RELIABLE")", R"("verdict":"SUSPECT")", "its judgement does not follow"},
           {R"("rules":2)", R"("rules":3)", "its judgement follows rules 3"},
           {R"("opposed":true)", R"("opposed":false)", "its judgement does not follow"}}) {
    std::string bad = manifest.dump();
    const std::size_t at = bad.find(row.from);
    ASSERT_NE(at, std::string::npos) << row.from;
    bad.replace(at, std::string_view(row.from).size(), row.to);
    const Json edited = Json::parse(bad);
    const std::string why = refusal(manifests::with_hashes(manifest, edited.at("result"), edited.at("judgement")));
    EXPECT_NE(why.find(row.part), std::string::npos) << row.to << ": " << why;
  }
  EXPECT_NE(refusal(manifests::with_hashes(manifest, manifest.at("result"), {})).find("judgement"), std::string::npos);
  EXPECT_NE(refusal(Json::object()).find("it is no manifest"), std::string::npos);
  EXPECT_NE(refusal(Json::object({{"manifest", 9}, {"result", 1}})).find("it has schema 9"), std::string::npos);
  Json more = manifest;
  more.set("sha256", {}).set("more", 1);
  EXPECT_NE(refusal(more).find("the key 'more' is none of a manifest's"), std::string::npos);
}

// What says how it was run on a machine is no claim.
TEST_F(CliManifest, HowItWasRunIsOutside) {
  benchmark(text("--limit 24 ", two), "m.json");
  const Manifest manifest = apps::read_manifest(folder_ / "m.json");
  Json here = manifest.here;
  here.set("kernels", "abacus").set("threads", 1000).set("sentences", "It is robust.").set("model", "another");
  write("m.json", apps::manifest_json(manifest.run, here).dump(2));
  const std::string said = output("reproduce m.json --quiet");
  EXPECT_NE(said.find(text("identical: all 24 images have the same bits, result ", manifest.name)), std::string::npos);
}

TEST_F(CliManifest, ShowSaysWhatBenchmarkSaid) {
  const cli::Outcome made = hans(text("benchmark linear.hans --data mnist-5k --limit 24 --quiet --out m.json ", two));
  const std::string report = made.out.substr(0, made.out.find("wrote m.json"));
  const std::string shown = output("show m.json");
  const auto behind_seconds = [](const std::string& all) { return all.substr(all.find("threat model:")); };
  EXPECT_TRUE(shown.starts_with("m.json: a manifest\n\nlinear.hans on the first 24 of"));
  EXPECT_EQ(behind_seconds(shown), behind_seconds(report));
}

// ---- the images that --quick runs -------------------------------------------------------------------------

TEST_F(CliManifest, QuickComparesAllOfItsImages) {
  struct Row {
    const char* attacks;
    void (*tell)(Measured& run);
    int code;
    const char* part;
  };
  for (const Row& row : std::vector<Row>{
           {two, [](Measured& run) { run.found.samples.labels[21] = (run.found.samples.labels[21] + 1) % 10; }, 1,
            "image 21, pgd: was label "},
           {two,
            [](Measured& run) {
              int& prediction = run.found.predictions[21];
              prediction =
                  (prediction + 1) % 10 == run.found.samples.labels[21] ? (prediction + 2) % 10 : (prediction + 1) % 10;
            },
            1, "image 21, pgd: was label "},
           {two, [](Measured& run) { run.found.attacks[0].gradients = 1; }, 1, "these images alone took"},
           {two, [](Measured& run) { run.found.attacks[1].forwards = 7; }, 1, "these images alone took"},
           {two, [](Measured& run) { attempts(run)[0].note.stop = attacks::Stop::zero_gradient; }, 1, "zero_gradient"},
           {two, [](Measured& run) { run.probes.model[0].roughness *= 2; }, 1, "judgement.probes.roughness"},
           {two, [](Measured& run) { run.plan.subject.architecture = "28x28x1;linear:units=10,bias=true"; }, 1,
            "architecture: was"},
           {two, [](Measured& run) { run.plan.version = "9.9.9"; }, 0, "The manifest was made by hans 9.9.9, this is "},
           {"--attack composite:attacks=[fgsm:eps=0.02]/[noise:eps=0.02]",
            [](Measured& run) { run.found.attacks[0].stages[0].attack = run.found.attacks[0].stages[1].attack; }, 1,
            "stages"}}) {
    benchmark(text("--limit 24 ", row.attacks), "m.json");
    Manifest manifest = apps::read_manifest(folder_ / "m.json");
    row.tell(manifest.run);
    sum_up(manifest.run.found);
    write("m.json", apps::manifest_json(manifest.run, manifest.here).dump(2));
    const cli::Outcome outcome = hans("reproduce m.json --quiet --quick 8");
    EXPECT_EQ(outcome.code, row.code) << row.part << "\n" << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find(row.part), std::string::npos) << row.part << "\n" << outcome.out << outcome.err;
  }
}

}  // namespace
}  // namespace hans::manifest_test
