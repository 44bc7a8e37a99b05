// hans certify in parts: shards and what hans merge makes of them, and going on after a kill.
#include <signal.h>

#include <array>
#include <chrono>
#include <hans/core/json.hpp>
#include <hans/data/npz.hpp>
#include <thread>

#include "../../../apps/arguments.hpp"
#include "../cli_testing.hpp"

namespace hans::cli_certify_parts_test {
namespace {

using cli::expect_refused;

/// Results without the seconds, which differ between runs.
Json timeless(Json json) {
  if (json.find("radius") != nullptr) {
    Json radius = json.at("radius");
    json.set("radius", radius.set("seconds", 0));
    return json;
  }
  Json all = Json::array();
  for (Json ball : json.at("certify").items()) all.push(ball.set("seconds", 0));
  json.set("certify", all);
  return json;
}

class CliCertifyParts : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (IsSkipped()) return;
    output(
        "train --data mnist-5k --model 28x28x1;flatten;linear:units=20;relu;linear:units=20;relu;linear:units=10 "
        "--epochs 3 --quiet --out n.hans");
  }
  void certify(std::string_view rest) { output(text("certify n.hans --data mnist-5k --quiet ", rest)); }
  /// The bytes of a file, none if there is none.
  std::string saved(std::string_view file) { return std::filesystem::exists(folder_ / file) ? bytes(file) : ""; }
  std::string results(std::string_view file) { return timeless(Json::parse(bytes(file))).dump(2); }
};

TEST_F(CliCertifyParts, AreTheWhole) {
  struct Row {
    std::string_view line;
    int parts;
  };
  for (const Row& row : {Row{"--limit 31 --eps 0.02", 4}, Row{"--limit 31 --eps 0.02,0.01,0.05 --per-sample", 3},
                         Row{"--limit 20 --eps 0.03 --nodes 3 --attack none --method complete --seed 5", 2},
                         Row{"--limit 20 --eps 0.2 --norm l2 --attack fgsm", 3}, Row{"--limit 20 --eps 0.01", 1},
                         Row{"--limit 2 --eps 0.01", 3}}) {
    SCOPED_TRACE(row.line);
    const bool proofs = row.line.find(',') == std::string_view::npos && row.line.find("l2") == std::string_view::npos;
    certify(text(row.line, " --json whole.json", proofs ? " --out whole.npz" : ""));
    std::string json_files, proof_files;
    for (int k = row.parts; k >= 1; --k) {
      certify(text(row.line, " --shard ", k, "/", row.parts, " --json p{shard}.json",
                   proofs ? " --out p{shard}.npz --counterexamples c{shard}.npz" : ""));
      append(json_files, text(" p", k, ".json"));
      append(proof_files, text(" p", k, ".npz"));
    }
    const std::string said = output(text("merge --out merged.json", json_files));
    EXPECT_EQ(results("merged.json"), results("whole.json"));
    EXPECT_NE(said.find("We certified the robustness of n.hans"), std::string::npos) << said;
    if (!proofs) continue;
    output(text("merge --out merged.npz", proof_files));
    EXPECT_TRUE(bytes("merged.npz") == bytes("whole.npz"));
    if (row.parts == 4) {
      EXPECT_NE(output("check p2.npz --model n.hans --data mnist-5k").find("rejected         0"), std::string::npos);
    }
  }
}

TEST_F(CliCertifyParts, OfRadiiAreTheWhole) {
  const std::string line = "--limit 11 --radius --method alpha --attack pgd:steps=3 ";
  certify(line + "--json whole.json");
  for (int k = 1; k <= 3; ++k) certify(text(line, "--shard ", k, "/3 --json p{shard}.json"));
  certify("--limit 11 --radius --method crown --attack pgd:steps=3 --shard 2/3 --json other.json");
  certify("--limit 11 --eps 0.01 --shard 2/3 --json eps.json");
  const std::string said = output("merge p2.json p3.json p1.json --out merged.json");
  EXPECT_TRUE(said.starts_with("n.hans on the first 11 of the 500 images of mnist-5k/test, linf\n")) << said;
  EXPECT_EQ(results("merged.json"), results("whole.json"));
  struct Row {
    std::string_view files, part;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"p1.json p3.json", "images 4 to 7 are missing between p1.json and p3.json"},
           {"p1.json p2.json p2.json p3.json", "overlap"},
           {"p1.json other.json p3.json", R"(different runs of hans certify: method is "alpha" and "crown")"},
           {"p1.json eps.json p3.json", "eps.json: it has no results of hans certify --radius"},
           {"eps.json p1.json", "p1.json: it has no results of hans certify --eps"},
           {"whole.json", "it is no part"}}) {
    SCOPED_TRACE(row.files);
    expect_refused(hans(text("merge --out no.json ", row.files)), 1, row.part);
  }
  const std::string honest = bytes("p1.json");
  for (const auto& [from, to, part] :
       std::initializer_list<std::array<std::string_view, 3>>{{R"("certified": 0)", R"("certified": 3)", "attacked"},
                                                              {R"("attacked": 0.)", R"("attacked": 0.3)", "no radius"},
                                                              {R"("index": 2)", R"("index": 1)", "of image 1, not 2"},
                                                              {R"("step": 0)", R"("step": 1)", "see radius"}}) {
    std::string lie = honest;
    ASSERT_NE(lie.find(from), std::string::npos);
    lie.replace(lie.find(from), from.size(), to);
    write("p1.json", lie);
    expect_refused(hans("merge p1.json p2.json p3.json --out no.json"), 1, part);
  }
}

TEST_F(CliCertifyParts, SayWhichImagesTheyAre) {
  const std::string said =
      output("certify n.hans --data mnist-5k --quiet --limit 6 --eps 0.01 --shard 2/2 --json p.json");
  EXPECT_TRUE(said.starts_with("n.hans on images 3 to 5 of the 500 images of mnist-5k/test, linf\n")) << said;
  EXPECT_NE(said.find("This is a part: images 3 to 5 of the first 6; hans merge joins all parts.\n"),
            std::string::npos);
  const Json part = Json::parse(bytes("p.json"));
  EXPECT_EQ(part.at("part").dump(), R"({"first":3,"count":3,"images":6,"per_sample":false})");
  EXPECT_EQ(part.at("certify").items()[0].at("samples").items()[0].at("index").natural(), 3U);
}

TEST_F(CliCertifyParts, ThatDoNotFitAreRefused) {
  output("train --data mnist-5k --model 28x28x1;flatten;linear:units=10 --epochs 1 --quiet --out other.hans");
  certify("--limit 30 --eps 0.02 --json whole.json --out whole.npz --counterexamples c.npz");
  const auto parts = [&](std::string_view what, std::string_view name, int count) {
    for (int k = 1; k <= count; ++k) {
      output(text("certify ", what, " --quiet --shard ", k, "/", count, " --json ", name, "{shard}.json --out ", name,
                  "{shard}.npz"));
    }
  };
  parts("n.hans --data mnist-5k --limit 30 --eps 0.02", "p", 3);
  parts("n.hans --data mnist-5k --limit 30 --eps 0.02", "half", 2);
  parts("n.hans --data mnist-5k --limit 30 --eps 0.03", "eps", 3);
  parts("other.hans --data mnist-5k --limit 30 --eps 0.02", "model", 3);
  parts("n.hans --data mnist-5k/train --limit 30 --eps 0.02", "data", 3);
  parts("n.hans --data mnist-5k --limit 30 --eps 0.02 --nodes 7", "nodes", 3);
  struct Row {
    std::string_view files, part;
  };
  for (const Row& row : std::initializer_list<Row>{
           {"p2.json p3.json", "images 0 to 9 are missing: there is nothing in front of p2.json"},
           {"p1.json p3.json", "images 10 to 19 are missing between p1.json and p3.json"},
           {"p2.json p1.json", "images 20 to 29 are missing: there is nothing behind p2.json"},
           {"p1.json p2.json p2.json p3.json", "p2.json (images 10 to 19) and p2.json (images 10 to 19) overlap"},
           {"half1.json p2.json p3.json", "half1.json (images 0 to 14) and p2.json (images 10 to 19) overlap"},
           {"p1.json eps2.json p3.json", "p1.json and eps2.json are parts of different runs of hans certify: eps is"},
           {"p1.json model2.json p3.json", "of hans certify: model_sha256 is"},
           {"p1.json data2.json p3.json", "of hans certify: data_sha256 is"},
           {"p1.json nodes2.json p3.json", "of hans certify: nodes is 80000 and 7"},
           {"whole.json", "whole.json: it is no part"},
           {"p1.json n.hans", "n.hans: JSON"},
           {"p1.json none.json", "none.json"},
           {"p2.npz p3.npz", "images 0 to 9 are missing: there is nothing in front of p2.npz"},
           {"p1.npz p3.npz", "images 10 to 19 are missing between p1.npz and p3.npz"},
           {"p2.npz p1.npz", "images 20 to 29 are missing: there is nothing behind p2.npz"},
           {"p1.npz p2.npz p2.npz p3.npz", "overlap"},
           {"p1.npz eps2.npz p3.npz", "p1.npz and eps2.npz are parts of different runs of hans certify: eps is"},
           {"p1.npz model2.npz p3.npz", "of hans certify: model_sha256 is"},
           {"p1.npz data2.npz p3.npz", "of hans certify: data_sha256 is"},
           {"whole.npz", "whole.npz: it is no part"},
           {"c.npz", "adversarial images are computed again by hans check"},
           {"p1.json p2.npz p3.json", "p1.json and p2.npz: only one of them is a file of proofs"},
           {"p1.npz p2.json", "p1.npz and p2.json: only one of them is a file of proofs"}}) {
    SCOPED_TRACE(row.files);
    expect_refused(hans(text("merge --out no.json ", row.files)), 1, row.part);
  }
  expect_refused(hans("merge --out p1.json p1.json p2.json p3.json"), 2, "the same file");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "no.json"));
}

TEST_F(CliCertifyParts, ThatLieAreRefused) {
  certify("--limit 20 --eps 0.03 --nodes 3 --attack none --shard 1/1 --json p.json");
  const std::string honest = bytes("p.json");
  ASSERT_EQ(hans("merge p.json --out m.json").code, 0);
  struct Row {
    std::string_view from, to, part;
  };
  for (const Row& row : std::initializer_list<Row>{
           {R"("certified": )", R"("certified": 1)", "p.json: it does not follow from its outcomes: see certify"},
           {R"("unknown": )", R"("unknown": 1)", "does not follow from its outcomes: see certify"},
           {R"("clean_accuracy": 0)", R"("clean_accuracy": 1)",
            "does not follow from its outcomes: see clean_accuracy"},
           {R"("verdict": "unknown")", R"("verdict": "certified")", "the certificate of image"},
           {R"("verdict": "wrong")", R"("verdict": "certified")", "it is wrong exactly if its prediction is"},
           {R"("float32": false)", R"("float32": true)", "certified are those with both flags"},
           {R"("reason": "nodes")", R"("reason": "time")", "there is no clock"},
           {R"("index": 3,)", R"("index": 4,)", "certificate 3 is of image 4, not 3"},
           {R"("count": 20)", R"("count": 19)", "there are certificates of 20 images, of 19"},
           {R"("data_size": 500)", R"("data_size": 5)", "does not fit"},
           {R"("hans": ")", R"("hans": "9)", "it was made by hans 9"},
           {R"("model": ")", R"("model": "\u001b)", "does not follow from its outcomes: see model"}}) {
    SCOPED_TRACE(row.to);
    std::string lie = honest;
    const std::size_t place = lie.find(row.from);
    ASSERT_NE(place, std::string::npos);
    lie.replace(place, row.from.size(), row.to);
    write("p.json", lie);
    expect_refused(hans("merge p.json --out m.json"), 1, row.part);
  }
}

// Killed whenever it has saved something new, the same command goes on each time, and ends in what a run that nobody
// disturbed writes.
using SlowCliCertifyParts = CliCertifyParts;
TEST_F(SlowCliCertifyParts, GoOnAfterBeingKilled) {
  constexpr std::string_view kinds[]{
      "--limit 220 --nodes 60 --attack pgd:steps=20 --eps 0.02,0.01 --per-sample --counterexamples NAME_c.npz",
      "--limit 220 --attack none --eps 0.02 --out NAME.npz", "--limit 600 --radius --method alpha --attack none"};
  for (const std::string_view kind : kinds) {
    SCOPED_TRACE(kind);
    const auto line = [&](std::string_view name) {
      return text("certify n.hans --data mnist-5k/train --quiet --threads 1 --json ", name, ".json ",
                  apps::replaced(kind, "NAME", name));
    };
    output(line("whole"));
    std::size_t went_on = 0;
    for (int k = 0; k < 3; ++k) {
      const std::string before = saved("killed.json.part");
      const pid_t child = cli::start(cli::words(line("killed")), folder_, folder_ / "out", folder_ / "err");
      for (int wait = 0; wait < 3000 && saved("killed.json.part") == before; ++wait) {
        if (std::filesystem::exists(folder_ / "killed.json")) break;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      kill(child, SIGKILL);
      cli::wait_for(child);
      went_on += bytes("err").find("going on") != std::string::npos ? 1U : 0U;
      if (std::filesystem::exists(folder_ / "killed.json")) break;
    }
    if (!std::filesystem::exists(folder_ / "killed.json")) {
      const cli::Outcome last = hans(line("killed"));
      ASSERT_EQ(last.code, 0) << last.err;
      went_on += last.err.find("going on") != std::string::npos ? 1U : 0U;
    }
    EXPECT_GT(went_on, 0U);
    EXPECT_EQ(results("killed.json"), results("whole.json"));
    for (const char* file : {".npz", "_c.npz"}) {
      if (kind.find(text("NAME", file)) == std::string_view::npos) continue;
      EXPECT_TRUE(bytes(text("killed", file)) == bytes(text("whole", file))) << file;
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / "whole.json.part"));
    // A kill may come just before the progress is removed.
    for (const char* file : {"killed.json", "killed.json.part"}) std::filesystem::remove(folder_ / file);
  }
}

TEST_F(CliCertifyParts, DoNotMixUpTheProgressOfTwo) {
  // Killed as soon as there is progress.
  const std::string line = "certify n.hans --data mnist-5k/train --quiet --attack none --eps 0.02 --json a.json";
  const pid_t child = cli::start(cli::words(line + " --out a.npz"), folder_, folder_ / "out", folder_ / "err");
  for (int k = 0; k < 3000 && !std::filesystem::exists(folder_ / "a.json.part"); ++k) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGKILL);
  cli::wait_for(child);
  ASSERT_TRUE(std::filesystem::exists(folder_ / "a.json.part"));
  const std::string other = "a.json.part holds the progress of another run";
  constexpr std::string_view rest = " --eps 0.02 --json a.json --out a.npz --attack none";
  expect_refused(hans(line), 1, other);  // without proofs
  expect_refused(hans(line + " --out a.npz --counterexamples c.npz"), 1, other);
  for (const std::string_view change :
       {"--data mnist-5k/train --seed 1", "--data mnist-5k/train --limit 4000", "--data mnist-5k/train --nodes 7",
        "--data mnist-5k/train --shard 2/2", "--data mnist-5k/train --shard 1/5000", "--data mnist-5k/test"}) {
    SCOPED_TRACE(change);
    expect_refused(hans(text("certify n.hans --quiet ", change, rest)), 1, other);
  }
  const std::string progress = bytes("a.json.part");
  write("a.json.part", progress.substr(0, progress.size() / 2));
  expect_refused(hans(line + " --out a.npz"), 1, "a.json.part holds no progress that fits: ");
  write("a.json.part", "");
  expect_refused(hans(line + " --out a.npz"), 1, "a.json.part holds no progress that fits: ");
}

TEST_F(CliCertifyParts, RefuseInOneLine) {
  constexpr cli::Refusal refusals[]{
      {"n.hans --data mnist-5k --eps 0.1 --shard 1/2 --expect 0.5", 2,
       "--expect is for all images, --shard for a part"},
      {"n.hans --vnnlib p.vnnlib --shard 1/2", 2, "with --vnnlib give"},
      {"n.hans --data mnist-5k --eps 0.1 --shard 3/2", 2, "NUMBER from 1 to COUNT"},
      {"n.hans --data mnist-5k --eps 0.1 --json no/a.json", 1, "no/a.json"},
      {"n.hans --data mnist-5k --eps 0.1 --json a.json --out a.json.part", 2, "a.json.part"}};
  for (const cli::Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.line);
    expect_refused(hans(text("certify --quiet ", refusal.line)), refusal.code, refusal.part);
  }
}

}  // namespace
}  // namespace hans::cli_certify_parts_test
