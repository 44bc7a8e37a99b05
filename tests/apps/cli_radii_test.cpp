// One curve from one command.
#include <hans/core/json.hpp>

#include "cli_testing.hpp"

namespace hans::cli_radii_test {
namespace {

using CliRadii = cli::Test;
using cli::expect_refused;

TEST_F(CliRadii, EachIsABenchmarkOfItsOwn) {
  train("m.hans");
  const std::string said = output(
      "benchmark m.hans --data mnist-5k --limit 30 --attack pgd:steps=3 --attack fgsm --at 0.02,8/255 --quiet "
      "--out b-{at}.json");
  EXPECT_NE(said.find("The curve: hans report b-0.02.json b-0.03137255.json --out curve.html"), std::string::npos)
      << said;
  for (const std::string_view eps : {"0.02", "0.03137255"}) {
    output(text(
        "benchmark m.hans --data mnist-5k --limit 30 --quiet --out one.json --attack pgd:steps=3,eps=", eps,
        " --attack fgsm:eps=", eps));
    EXPECT_EQ(Json::parse(bytes(text("b-", eps, ".json"))).at("name").string(),
              Json::parse(bytes("one.json")).at("name").string());
  }
  output("report b-0.02.json b-0.03137255.json --out c.svg");
  const std::string chart = bytes("c-1.svg");
  EXPECT_NE(chart.find("Accuracy against eps"), std::string::npos);
  EXPECT_NE(chart.find(">m.hans<"), std::string::npos) << chart;
  const Json both = Json::parse(output("attack m.hans --data mnist-5k --limit 5 --attack fgsm --at 0,0.1 --json -"));
  ASSERT_EQ(both.at("at").items().size(), 2U);
  EXPECT_EQ(both.at("at").items()[1].at("attacks").items()[0].at("attack").string().substr(0, 14), "fgsm@1:eps=0.1");
  const std::string many = "attack m.hans --data mnist-5k --limit 5 --at 0.1,0.2 ";
  const cli::Refusal refusals[]{{"--attack fgsm:eps=0.3", 2, "fgsm: eps = 0.3 is none of the radii of --at"},
                                {"--attack fgsm --attack ddn:steps=2", 2, "give them in two commands"},
                                {"--attack composite:attacks=[fgsm:eps=0.1]", 2, "composite stays within 0.1"},
                                {"--attack cw:eps=0.1", 2, "takes no eps; --at 0.1 gives"},
                                {"--attack nothing:eps=0.1", 2, "there is no attack 'nothing'"},
                                {"--attack fgsm --out a.npz", 2, "--out needs {at} in its name"},
                                {"--attack fgsm --picture a.png", 2, "--picture needs {at} in its name"}};
  for (const cli::Refusal& refusal : refusals)
    expect_refused(hans(text(many, refusal.line)), refusal.code, refusal.part);
  expect_refused(hans("benchmark m.hans --data mnist-5k --attack fgsm --at 0.1,0.2 --out b.json"), 2, "{at}");
  expect_refused(hans("attack m.hans --data mnist-5k --attack fgsm --at 0.1,0.1"), 2, "0.1 is given twice");
  expect_refused(hans("attack m.hans --data mnist-5k --attack fgsm"), 2, "eps is missing");
}

}  // namespace
}  // namespace hans::cli_radii_test
