// hans certify: both ends of the number, the JSON, what `hans check` says of its adversarial images, and refusals.
#include <hans/core/json.hpp>
#include <hans/data/npz.hpp>
#include "../../apps/run/certified.hpp"

#include "cli_testing.hpp"

namespace hans::cli_certify_test {
namespace {

using cli::expect_refused;
using defenses::Certainty;

std::uint64_t natural(const Json& json, std::string_view key) { return json.at(key).natural(); }

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> all;
  for (const auto& member : object.members()) all.push_back(member.first);
  return all;
}

class CliCertify : public cli::Test {
 protected:
  void train_net() {
    output(
        "train --data mnist-5k --model 28x28x1;flatten;linear:units=20;relu;linear:units=20;relu;linear:units=10 "
        "--epochs 3 --quiet --out n.hans");
  }
  /// The results without what differs between runs.
  Json results(std::string_view line) {
    Json json = Json::parse(output(text("certify n.hans --data mnist-5k --per-sample --json - ", line)));
    Json all = Json::array();
    for (Json ball : json.at("certify").items()) {
      EXPECT_GE(ball.at("seconds").number(), 0);
      all.push(ball.set("seconds", 0));
    }
    return json.set("certify", all);
  }
};

/// What must follow from the certificates of one radius.
void expect_sums(const Json& ball, std::size_t count) {
  std::map<std::string, std::uint64_t> verdicts, steps;
  const auto& samples = ball.at("samples").items();
  ASSERT_EQ(samples.size(), count);
  for (std::size_t k = 0; k < count; ++k) {
    const Json& one = samples[k];
    EXPECT_EQ(keys(one), (std::vector<std::string>{"index", "label", "prediction", "verdict", "reason", "method",
                                                   "bound", "nodes", "real", "float32", "runner_up"}));
    const std::string verdict = one.at("verdict").string();
    ++verdicts[verdict];
    EXPECT_EQ(natural(one, "index"), k);
    EXPECT_EQ(one.at("prediction").integer() == one.at("label").integer(), verdict != "wrong");
    EXPECT_EQ(one.at("reason").is_null(), verdict != "unknown");
    EXPECT_EQ(one.at("method").is_null(), verdict == "wrong");
    EXPECT_EQ(one.at("bound").is_null(), one.at("runner_up").is_null());
    EXPECT_EQ(verdict == "certified", one.at("real").boolean() && one.at("float32").boolean());
    if (verdict == "certified") {
      EXPECT_GT(one.at("bound").number(), 0);
      ++steps[one.at("method").string()];
    }
  }
  for (const char* verdict : {"certified", "attacked", "unknown", "wrong"}) {
    EXPECT_EQ(natural(ball, verdict), verdicts[verdict]);
  }
  for (const auto& [step, many] : ball.at("by_method").members()) EXPECT_EQ(many.natural(), steps[step]) << step;
  const auto all = static_cast<double>(count);
  const std::uint64_t certified = natural(ball, "certified");
  EXPECT_EQ(ball.at("certified_accuracy").number(), static_cast<double>(certified) / all);
  EXPECT_EQ(ball.at("attacked_accuracy").number(), static_cast<double>(certified + natural(ball, "unknown")) / all);
  for (const char* key : {"certified_accuracy", "attacked_accuracy"}) {
    const auto& interval = ball.at(text(key, "_interval")).items();
    EXPECT_LT(interval[0].number(), ball.at(key).number());
    EXPECT_GT(interval[1].number(), ball.at(key).number());
  }
}

TEST_F(CliCertify, SaysBothEndsForEachRadius) {
  train_net();
  const Json json = results("--limit 40 --eps 0.01,0.03,0.05");
  EXPECT_EQ(json.dump(), results("--limit 40 --eps 0.01,0.03,0.05 --threads 1").dump());
  EXPECT_EQ(natural(json, "sample_count"), 40U);
  const auto& balls = json.at("certify").items();
  ASSERT_EQ(balls.size(), 3U);
  for (const Json& ball : balls) {
    expect_sums(ball, 40);
    EXPECT_EQ(natural(ball, "unknown"), 0U);
    EXPECT_EQ(natural(ball, "not_reproducible"), 0U);
    EXPECT_EQ(natural(ball, "wrong") + natural(ball, "certified") + natural(ball, "attacked"), 40U);
    EXPECT_EQ(json.at("clean_accuracy").number(), 1 - static_cast<double>(natural(ball, "wrong")) / 40);
    EXPECT_EQ(ball.at("attacks").items().size(), 2U);
    EXPECT_NE(ball.at("sentence").string().find(", so the number is exact."), std::string::npos);
  }
  EXPECT_GT(natural(balls[0], "certified"), natural(balls[1], "certified"));
  EXPECT_GT(natural(balls[1].at("by_method"), "branching"), 0U);
  EXPECT_EQ(balls[1].at("eps").number(), 0.03);

  const std::string said = output("certify n.hans --data mnist-5k --limit 40 --eps 0.03 --nodes 1 --attack none");
  const Json few = results("--limit 40 --eps 0.03 --nodes 1 --attack none");
  const Json& ball = few.at("certify").items()[0];
  expect_sums(ball, 40);
  EXPECT_GT(natural(ball, "unknown"), 0U);
  EXPECT_EQ(natural(ball.at("attacked_by"), "attack"), 0U);
  EXPECT_EQ(ball.at("attacks").items().size(), 0U);
  EXPECT_LT(natural(ball, "certified"), natural(balls[1], "certified"));
  EXPECT_LE(natural(balls[1], "certified"), natural(ball, "certified") + natural(ball, "unknown"));
  const auto ends = [&](std::size_t place) {
    const std::uint64_t certified = natural(ball, "certified"), part[]{certified, certified + natural(ball, "unknown")};
    return apps::percent_of({part[place], 40});
  };
  EXPECT_NE(said.find(text("linf 0.03: certified ", ends(0), " % <= true <= ", ends(1), " %\n")), std::string::npos);
  EXPECT_EQ(said.find("EXACT"), std::string::npos);
  EXPECT_NE(said.find("  unknown: nodes "), std::string::npos) << said;
  EXPECT_NE(said.find("Proved: "), std::string::npos);
}

TEST_F(CliCertify, KnowsEveryNormAndMethod) {
  train_net();
  struct Row {
    std::string_view line, method, norm;
    std::uint64_t attacks;
  };
  constexpr Row rows[]{{"--norm l2 --eps 0.2", "alpha", "l2", 1},
                       {"--norm l1 --eps 0.5 --method crown --attack fgsm", "crown", "l1", 1},
                       {"--eps 0.005 --method ibp --attack none", "ibp", "linf", 0},
                       {"--eps 0.01 --method zonotope --attack none", "zonotope", "linf", 0},
                       {"--eps 0.02 --method joint --attack none", "joint", "linf", 0},
                       {"--eps 0.02 --method complete --attack fmn:steps=5", "complete", "linf", 2}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.line);
    const Json json = results(text("--limit 20 ", row.line));
    const Json& ball = json.at("certify").items()[0];
    expect_sums(ball, 20);
    EXPECT_GT(natural(ball, "certified"), 0U);
    EXPECT_EQ(ball.at("method").string(), row.method);
    EXPECT_EQ(ball.at("norm").string(), row.norm);
    EXPECT_EQ(ball.at("attacks").items().size(), row.attacks);
  }
}

TEST_F(CliCertify, RunsOnlyTheAttacksThatTheModelHasClassesFor) {
  constexpr std::size_t count = 12;
  std::vector<float> pixels(count * 16);
  for (std::size_t k = 0; k < pixels.size(); ++k) pixels[k] = static_cast<float>(k * k % 17) / 17;
  const std::vector<std::int64_t> labels(count, 0);
  write("d.npz", data::write_npz({{"images", data::Array::of(Shape{count, 4, 4, 1}, pixels)},
                                  {"labels", data::Array::of(Shape{count}, labels)}}));
  const std::size_t attacks[]{1, 1, 2};
  for (std::size_t classes = 2; classes <= 4; ++classes) {
    SCOPED_TRACE(classes);
    const cli::Outcome outcome = hans(text("certify 4x4x1;flatten;linear:units=5;relu;linear:units=", classes,
                                           " --data ./d.npz --eps 0.05 --nodes 300 --seed 5 --per-sample --json -"));
    ASSERT_EQ(outcome.code, 0) << outcome.err;
    const Json json = Json::parse(outcome.out), &ball = json.at("certify").items()[0];
    EXPECT_EQ(ball.at("attacks").items().size(), attacks[classes - 2]);
    for (const Json& one : ball.at("samples").items()) {
      EXPECT_EQ(one.at("method").is_null(), one.at("verdict").string() == "wrong");
    }
  }
}

TEST_F(CliCertify, ItsAdversarialImagesAreConfirmed) {
  train_net();
  const Json json = results("--limit 40 --eps 0.03,0.05 --attack none --counterexamples c.npz");
  std::uint64_t attacked = 0;
  for (const Json& ball : json.at("certify").items()) attacked += natural(ball, "attacked");
  EXPECT_GT(attacked, 20U);
  const std::string check = "check c.npz --model n.hans --data mnist-5k --json - ";
  const Json checked = Json::parse(output(check));
  EXPECT_EQ(natural(checked, "claims"), attacked);
  EXPECT_EQ(natural(checked, "confirmed") + natural(checked, "within_rounding"), attacked);
  EXPECT_EQ(checked.at("attacks").items()[1].at("ball").string(), "linf within 0.05, box [0,1]");
  EXPECT_NE(output("transfer c.npz n.hans").find("linf within 0.05"), std::string::npos);

  // The ball is the file's: with half of it, every image is outside.
  std::vector<data::NamedArray> arrays;
  const std::string file = bytes("c.npz");
  for (const std::string& name : data::npz_names(file)) arrays.emplace_back(name, data::read_npz(file, name));
  const auto with = [&](std::string_view name, const data::Array& array) {
    std::vector<data::NamedArray> changed = arrays;
    for (auto& [each, value] : changed) {
      if (each == name) value = array;
    }
    write("c.npz", data::write_npz(changed));
  };
  with("eps", data::Array::of(Shape{2}, std::vector<float>{0.015F, 0.025F}));
  const cli::Outcome outside = hans(check);
  EXPECT_EQ(outside.code, 1);
  EXPECT_EQ(Json::parse(outside.out).at("rejected").items().size(), attacked);
  with("eps", data::Array::of(Shape{1}, std::vector<float>{0.1F}));
  expect_refused(hans(check), 1, "attack in c.npz has a 1; allowed are 0 to 0");
  with("eps", data::Array::of(Shape{2}, std::vector<float>{0.1F, -1}));
  expect_refused(hans(check), 2, "eps = -1");
  with("norm", data::Array::of("l7"));
  expect_refused(hans(check), 1, "c.npz: array 'norm': none of linf");

  output("certify n.hans --data mnist-5k --limit 5 --eps 0 --counterexamples c.npz");
  EXPECT_EQ(natural(Json::parse(output(check)), "claims"), 0U);
}

TEST_F(CliCertify, FindsBothEndsOfEachRadius) {
  train_net();
  const std::string line = "--limit 3 --method alpha --attack pgd:steps=5";
  const Json json = Json::parse(output(text("certify n.hans --data mnist-5k --radius --json - ", line)));
  const auto& radii = json.at("radii").items();
  ASSERT_EQ(radii.size(), 3U);
  EXPECT_EQ(json.at("radius").at("step").number(), 1.0 / 1024);
  EXPECT_EQ(natural(json.at("radius"), "not_reproducible"), 0U);
  EXPECT_EQ(json.at("radius").at("attacks").items()[0].string(), "pgd:steps=5");
  const auto verdict = [&](std::size_t image, double radius) {
    const Json all = results(text(line, " --eps ", radius));
    return all.at("certify").items()[0].at("samples").items()[image].at("verdict").string();
  };
  for (const std::size_t image : {0U, 2U}) {
    SCOPED_TRACE(image);
    const double certified = radii[image].at("certified").number(), attacked = radii[image].at("attacked").number();
    EXPECT_LT(certified, attacked);
    EXPECT_EQ(verdict(image, certified), "certified");
    EXPECT_EQ(verdict(image, attacked), "attacked");
    EXPECT_NE(verdict(image, certified + 1.0 / 1024), "certified");
    EXPECT_NE(verdict(image, attacked - 1.0 / 1024), "attacked");
  }
  // Intervals are exact for a linear model.
  train("m.hans");
  const std::string linear = "certify m.hans --data mnist-5k --limit 20 --attack none --radius";
  std::uint64_t right = 0;
  const Json found = Json::parse(output(linear + " --json -"));
  for (const Json& one : found.at("radii").items()) {
    const bool is_right = one.at("label").integer() == one.at("prediction").integer();
    EXPECT_EQ(one.at("certified").is_null(), !is_right);
    EXPECT_EQ(one.at("attacked").is_null(), !is_right);
    if (!is_right) continue;
    ++right;
    EXPECT_EQ(one.at("attacked").number(), one.at("certified").number() + 1.0 / 1024);
  }
  const std::string said = output(linear);
  EXPECT_NE(said.find(text("1/1024 apart for ", right, " images\n")), std::string::npos) << said;
  EXPECT_NE(said.find("\n0.0156 to 0.0312 "), std::string::npos) << said;
}

// What a clock cut short is counted: another run may give another result.
TEST_F(CliCertify, CountsWhatTheClockCutShort) {
  train_net();
  const std::string line = "--limit 40 --eps 0.03 --attack none ";
  const Json whole = results(line), late = results(line + "--timeout 0.000000001");
  const Json &all = whole.at("certify").items()[0], &ball = late.at("certify").items()[0];
  std::uint64_t branched = 0;
  for (std::size_t k = 0; k < 40; ++k) {
    const Json &one = all.at("samples").items()[k], &cut = ball.at("samples").items()[k];
    const bool open = one.at("method").dump() == "\"branching\"";
    EXPECT_EQ(cut.at("reason").dump() == "\"time\"", open && cut.at("verdict").string() == "unknown");
    if (cut.at("verdict").string() == "unknown") ++branched;
    if (!open) {
      EXPECT_EQ(cut.dump(), one.dump());
    }
  }
  EXPECT_GT(branched, 2U);
  EXPECT_EQ(natural(ball, "not_reproducible"), branched);
  EXPECT_EQ(natural(all, "not_reproducible"), 0U);
  const std::string said = output(text("certify n.hans --data mnist-5k --quiet --timeout 0.000000001 ", line));
  EXPECT_NE(said.find(text("  not reproducible: ", branched, " samples hit the clock\n")), std::string::npos) << said;
}

TEST_F(CliCertify, FailsForLessThanExpected) {
  train_net();
  const std::string line = "certify n.hans --data mnist-5k --limit 20 --eps 0.01,0.03 --quiet --expect ";
  EXPECT_NE(output(line + "0.3").find("certified"), std::string::npos);
  const cli::Outcome less = hans(line + "0.7");
  EXPECT_EQ(less.code, 1);
  EXPECT_NE(less.out.find("certified"), std::string::npos);
  EXPECT_NE(less.err.find("within linf 0.03 is 0."), std::string::npos) << less.err;
  EXPECT_EQ(std::count(less.err.begin(), less.err.end(), '\n'), 1);
}

TEST_F(CliCertify, RefusesInOneLine) {
  train_net();
  output("train --data mnist-5k --model 28x28x1;flatten;layer_norm;linear:units=10 --epochs 1 --quiet --out norm.hans");
  output(
      "train --data mnist-5k --model 28x28x1;gaussian_noise:sigma=0.1;flatten;linear:units=10 --epochs 1 --quiet --out noise.hans");
  constexpr cli::Refusal refusals[]{
      {"n.hans", 2, "give --eps with the radii, or --radius"},
      {"n.hans --eps 0.1 --radius", 2, "give --eps with the radii, or --radius"},
      {"n.hans --radius --expect 0.5", 2, "are for --eps, not for --radius"},
      {"n.hans --eps -0.1", 2, "-0.1"},
      {"n.hans --eps nan", 2, "nan"},
      {"n.hans --eps inf", 2, "inf"},
      {"n.hans --eps 0.1,", 2, "--eps"},
      {"n.hans --eps 0.1,0.1", 2, "--eps: 0.1 is given twice"},
      {"n.hans --eps 0.1,8", 2, "eps = 8 is more than features from 0 to 1 can change in linf, 1"},
      {"n.hans --eps 0.1 --norm l0", 2, "linf|l2|l1"},
      {"n.hans --eps 0.1 --norm l2 --method complete", 2, "complete is for linf; in l2 use alpha"},
      {"n.hans --eps 0.1 --method exact", 2, "auto|ibp|crown|alpha|complete|zonotope|joint"},
      {"n.hans --eps 0.1 --nodes 0", 2, "--nodes '0' is refused"},
      {"n.hans --eps 0.1 --timeout 0", 2, "--timeout '0' is refused"},
      {"n.hans --eps 0.1 --expect 2", 2, "--expect '2' is refused"},
      {"n.hans --eps 0.1 --limit 0", 2, "--limit '0' is refused"},
      {"n.hans --eps 0.1 --attack pgd:eps=0.1", 2, "leave eps out"},
      {"n.hans --eps 0.1 --attack nothing", 2, "'nothing'"},
      {"n.hans --eps 0.1 --attack pgd:norm=l2", 2, "pgd keeps within l2, the certificate is for linf"},
      {"n.hans --eps 0.1 --attack jsma:gamma=0.1", 2, "jsma keeps within l0"},
      {"n.hans --eps 0.1 --counterexamples a.txt", 2, "--counterexamples takes a file that ends in .npz"},
      {"n.hans --eps 0.1 --counterexamples n.hans", 2, ".npz"},
      {"n.hans --eps 0.1 --counterexamples no/a.npz", 1, "no/a.npz"},
      {"none.hans --eps 0.1", 1, "none.hans"},
      {"noise.hans --eps 0.1", 2, "the model is random"},
      {"norm.hans --eps 0.1", 2, "layer 1 (layer_norm) has no bound"}};
  const auto before = folder_.state();
  for (const cli::Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.line);
    expect_refused(hans(text("certify ", refusal.line, " --data mnist-5k --quiet")), refusal.code, refusal.part);
  }
  EXPECT_EQ(folder_.state(), before);
}

TEST(Certified, NamesAnImageThatIsCertifiedAndFooled) {
  const auto ball = [](float eps, std::vector<Certainty> all) {
    apps::CertifiedBall made{{.eps = eps}};
    for (const Certainty one : all) {
      made.all.emplace_back();
      made.all.back().index = static_cast<std::uint32_t>(made.all.size() + 4);
      made.all.back().certainty = one;
    }
    return made;
  };
  constexpr Certainty certified = Certainty::certified, attacked = Certainty::attacked, unknown = Certainty::unknown;
  apps::check_consistent(
      std::vector{ball(0.1F, {certified, unknown, attacked}), ball(0.2F, {certified, attacked, unknown})});
  for (const bool reversed : {false, true}) {
    std::vector balls{ball(0.1F, {certified, attacked}), ball(0.2F, {attacked, certified})};
    if (reversed) std::swap(balls[0], balls[1]);
    try {
      apps::check_consistent(balls);
      ADD_FAILURE() << "a contradiction passed";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("image 6 is certified within linf 0.2, but"), std::string::npos)
          << error.what();
    }
  }
  apps::CertifiedBall late = ball(0.1F, {unknown, unknown, certified});
  late.all[1].doubt = defenses::Doubt::time;
  late.all[1].bound = std::numeric_limits<double>::quiet_NaN();
  late.all[1].runner_up = 3;
  EXPECT_EQ(late.counts().late, 1U);
  EXPECT_NE(certified_text({}, std::vector{late}).find("not reproducible: 1 sample hit the clock"), std::string::npos);
  const Json json = certified_json({}, std::vector{late}, true);
  EXPECT_EQ(json.at("certify").items()[0].at("not_reproducible").natural(), 1U);
  EXPECT_EQ(json.at("certify").items()[0].at("samples").items()[1].at("reason").string(), "time");
  EXPECT_TRUE(json.at("certify").items()[0].at("samples").items()[1].at("bound").is_null());
}

}  // namespace
}  // namespace hans::cli_certify_test
