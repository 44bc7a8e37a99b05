// hans certify --explain: what it says is what certify and --radius say.
#include <cstdint>

#include <hans/core/json.hpp>

#include "../cli_testing.hpp"

namespace hans::cli_explain_test {
namespace {

class CliExplain : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (!IsSkipped()) train("m.hans");
  }

  Json json(const std::string& name) { return Json::parse(bytes(name)); }
};

TEST_F(CliExplain, SaysWhatCertifySays) {
  output("certify m.hans --data mnist-5k --eps 0.02 --limit 6 --per-sample --json all.json --quiet");
  const Json all = json("all.json").at("certify").items()[0];
  for (std::size_t k = 0; k < 6; ++k) {
    const std::string said =
        output(text("certify m.hans --data mnist-5k --eps 0.02 --explain ", k, " --json one.json --quiet"));
    const Json whole = json("one.json"), one = whole.at("explained"), row = all.at("samples").items()[k];
    EXPECT_EQ(whole.at("model_sha256").dump(), json("all.json").at("model_sha256").dump());
    for (const char* const key :
         {"index", "label", "prediction", "verdict", "reason", "method", "bound", "nodes", "runner_up"}) {
      EXPECT_EQ(one.at(key).dump(), row.at(key).dump()) << k << " " << key;
    }
    EXPECT_EQ(one.at("margins").items().size(), 9U);
    EXPECT_NE(said.find(text("Image ", k, " of ")), std::string::npos) << said;
    EXPECT_NE(said.find(text("\n", one.at("verdict").string())), std::string::npos) << said;
  }
}

TEST_F(CliExplain, ShowsBothRadii) {
  output("certify m.hans --data mnist-5k --radius --limit 3 --json radii.json --quiet --nodes 50");
  const Json radii = json("radii.json").at("radii");
  for (std::size_t k = 0; k < 3; ++k) {
    const std::string said = output(text("certify m.hans --data mnist-5k --eps 0.02 --nodes 50 --explain ", k,
                                         " --picture p.png --json one.json --quiet"));
    const Json radius = json("one.json").at("explained").at("radius"), row = radii.items()[k];
    EXPECT_EQ(radius.at("certified").dump(), row.at("certified").dump()) << k;
    EXPECT_EQ(radius.at("attacked").dump(), row.at("attacked").dump()) << k;
    EXPECT_NE(said.find("wrote p.png"), std::string::npos) << said;
    const bool right = row.at("label").integer() == row.at("prediction").integer();
    EXPECT_NE(said.find(right ? " <= true <= attacked " : "the image itself is misread"), std::string::npos) << said;
    const std::string png = bytes("p.png");
    EXPECT_EQ(png.substr(1, 3), "PNG");
    EXPECT_LT(png.size(), 45000U);
  }
}

TEST_F(CliExplain, RefusesWhatItCannotExplain) {
  constexpr cli::Refusal refusals[]{
      {"--eps 0.1,0.2 --explain 0", 2, "--explain is within one --eps; give one"},
      {"--explain 0", 2, "--explain is within one --eps; give one"},
      {"--radius --explain 0", 2, "--explain is within one --eps; give one"},
      {"--eps 0.1 --explain 500", 2, "there is no image 500; mnist-5k/test has the images 0 to 499"},
      {"--eps 0.1 --explain -1", 2, "--explain"},
      {"--eps 0.1 --explain 0 --limit 3", 2, "leave out --limit"},
      {"--eps 0.1 --explain 0 --out a.npz", 2, "leave out --limit"},
      {"--eps 0.1 --explain 0 --per-sample", 2, "leave out --limit"},
      {"--eps 0.1 --explain 0 --expect 1", 2, "leave out --limit"},
      {"--eps 0.1 --picture p.png", 2, "--picture is for --explain"},
      {"--eps 0.1 --explain 0 --picture p.txt", 2, ".png, not 'p.txt'"},
      {"--eps 0.1 --explain 0 --norm l2 --method complete", 2, "complete is for linf"}};
  const auto before = folder_.state();
  for (const cli::Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.line);
    expect_refused(hans(text("certify m.hans --data mnist-5k --quiet ", refusal.line)), refusal.code, refusal.part);
  }
  write("p.vnnlib", "");
  cli::expect_refused(hans("certify m.hans --vnnlib p.vnnlib --explain 0"), 2, "with --vnnlib give MODEL");
  std::filesystem::remove(folder_ / "p.vnnlib");
  EXPECT_EQ(folder_.state(), before);
}

}  // namespace
}  // namespace hans::cli_explain_test
