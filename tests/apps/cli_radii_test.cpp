// One curve from one command, numbers without probes, and what the command says of itself to other programs.
#include <hans/core/json.hpp>

#include "cli_testing.hpp"

namespace hans::cli_radii_test {
namespace {

using CliRadii = cli::Test;
using cli::expect_refused;

TEST_F(CliRadii, EachIsABenchmarkOfItsOwn) {
  train("m.hans");
  const std::string said = output(
      "benchmark m.hans --data mnist-5k --limit 30 --attack pgd:steps=3 --attack fgsm --at 0.02,8/255 --probes 0 --quiet "
      "--out b-{at}.json");
  EXPECT_NE(said.find("The curve: hans report b-0.02.json b-0.03137255.json --out curve.html"), std::string::npos)
      << said;
  for (const std::string_view eps : {"0.02", "0.03137255"}) {
    output(text(
        "benchmark m.hans --data mnist-5k --limit 30 --probes 0 --quiet --out one.json --attack pgd:steps=3,eps=", eps,
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

TEST_F(CliRadii, WithoutProbesAreUnchecked) {
  train("m.hans");
  const std::string line = "benchmark m.hans --data mnist-5k --limit 60 --attack pgd:eps=0.02,steps=3 --quiet ";
  const std::string said = output(line + "--probes 0 --out b.json");
  EXPECT_NE(
      said.find("Verdict: UNCHECKED (nothing was probed: no image was asked for)\n  next: --attack apgd:eps=0.02"),
      std::string::npos)
      << said;
  EXPECT_NE(output("reproduce b.json --quiet").find("Verdict: UNCHECKED"), std::string::npos);
  const auto probed = [&](std::string_view file) {
    const Json manifest = Json::parse(bytes(file));
    return manifest.at("judgement").at("probes").at("index").items().size();
  };
  EXPECT_EQ(probed("b.json"), 0U);
  output(line + "--probes 12 --out few.json");
  output(line + "--out usual.json");
  EXPECT_LE(probed("few.json"), 12U);
  EXPECT_GT(probed("few.json"), 6U);
  EXPECT_GT(probed("usual.json"), 40U);
  EXPECT_EQ(Json::parse(bytes("usual.json")).at("judgement").at("probes").find("wanted"), nullptr);
  EXPECT_NE(output("reproduce few.json --quiet").find("identical"), std::string::npos);
  EXPECT_EQ(Json::parse(bytes("b.json")).at("name").string(), Json::parse(bytes("usual.json")).at("name").string());
  // Parts that are probed differently are no whole.
  output(line + "--probes 0 --shard 1/2 --out 1.json");
  output(line + "--probes 12 --shard 2/2 --out 2.json");
  expect_refused(hans("merge 1.json 2.json --out all.json"), 1, "are probed differently: --probes 0 and 12");
}

using CliManual = cli::Test;

TEST_F(CliManual, HoldsEveryCommandOptionAndName) {
  const std::string page = output("help --man"), script = output("help --completion"), commands = output("help");
  EXPECT_TRUE(page.starts_with(".TH HANS 1 ")) << page.substr(0, 40);
  const std::string plain = [&] {
    std::string out = page;
    for (std::size_t at = out.find("\\-"); at != out.npos; at = out.find("\\-")) out.erase(at, 1);
    return out;
  }();
  EXPECT_NE(plain.find("3 when the number is UNRELIABLE"), std::string::npos);
  for (const std::string_view command : {"train", "eval", "attack", "benchmark", "reproduce", "list", "bench"}) {
    EXPECT_NE(plain.find(text("\n.SS hans ", command, "\n")), std::string::npos) << command;
    EXPECT_NE(script.find(text("    ", command, ":*) words=\"")), std::string::npos) << command;
    const bool publishes = command == "benchmark" || command == "reproduce";
    EXPECT_EQ(output(text("help ", command)).find("3 when the number is UNRELIABLE") != std::string::npos, publishes);
  }
  EXPECT_NE(commands.find("3 when benchmark or reproduce"), std::string::npos);
  const Json attacks = Json::parse(output("list attacks --json -"));
  for (const Json& attack : attacks.at("attacks").items()) {
    const std::string& name = attack.at("name").string();
    EXPECT_NE(plain.find(text("\n.B ", name, "\n")), std::string::npos) << name;
    EXPECT_NE(script.find(text(" ", name, " ")), std::string::npos) << name;
  }
  EXPECT_NE(script.find("train:--schedule) words=\"constant cosine steps cyclic\""), std::string::npos);
  EXPECT_NE(script.find("--probes"), std::string::npos);
  for (std::size_t at = page.find("\n'"); at != page.npos;) FAIL() << "a line that roff takes for a request: " << at;
  write("check.sh", script);
  EXPECT_EQ(std::system(text("command -v bash >/dev/null || exit 0; bash -n ", folder_ / "check.sh").c_str()), 0);
}

}  // namespace
}  // namespace hans::cli_radii_test
