// hans benchmark, reproduce and merge: the same result from any machine, threads, shards and after any crash, and files
// that were edited.
#include <sys/wait.h>

#include <chrono>
#include <hans/core/json.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/rng.hpp>
#include <thread>
#include "../../apps/manifest/manifest.hpp"

#include "cli_testing.hpp"

namespace hans::cli_benchmark_test {
namespace {

using cli::expect_refused;

class CliBenchmark : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (!IsSkipped()) train("m.hans");
  }

  void benchmark(std::string_view rest, std::string_view out) {
    const cli::Outcome outcome = hans(text("benchmark m.hans --data mnist-5k --quiet --out ", out, " ", rest));
    EXPECT_TRUE(outcome.code == 0 || outcome.code == 3) << outcome.err;  // 3: done, and not to be believed
    EXPECT_EQ(outcome.err, "") << rest;
  }

  Json manifest(std::string_view name) { return Json::parse(bytes(name)); }
  std::string name_of(std::string_view file) { return manifest(file).at("name").string(); }
};

bool is_of(const Json& value, const std::string& type) {
  return type == "null"      ? value.is_null()
         : type == "boolean" ? value.is_bool()
         : type == "integer" ? value.is_integer()
         : type == "number"  ? value.is_number()
         : type == "string"  ? value.is_string()
         : type == "array"   ? value.is_array()
                             : value.is_object();
}

/// Compares with the keywords of JSON Schema that ours has.
void expect_valid(const Json& value, const Json& schema, const std::string& where) {
  for (const auto& [keyword, wanted] : schema.members()) {
    if (keyword == "type" && wanted.is_array()) {
      EXPECT_TRUE(std::ranges::any_of(wanted.items(), [&](const Json& one) { return is_of(value, one.string()); }))
          << where;
    } else if (keyword == "type") {
      ASSERT_TRUE(is_of(value, wanted.string())) << where << " is no " << wanted.string();
    } else if (keyword == "enum") {
      EXPECT_TRUE(std::ranges::any_of(wanted.items(), [&](const Json& one) { return one.dump() == value.dump(); }))
          << where << " is " << value.dump();
    } else if (keyword == "const") {
      EXPECT_EQ(value.dump(), wanted.dump()) << where;
    } else if (keyword == "properties" && value.is_object()) {
      for (const auto& [key, member] : value.members()) {
        ASSERT_NE(wanted.find(key), nullptr) << where << " has " << key;
        expect_valid(member, wanted.at(key), text(where, ".", key));
      }
    } else if (keyword == "required" && value.is_object()) {
      for (const Json& key : wanted.items()) EXPECT_NE(value.find(key.string()), nullptr) << where << key.string();
    } else if (keyword == "items" && value.is_array()) {
      for (const Json& item : value.items()) expect_valid(item, wanted, where + "[]");
    } else if (keyword == "minItems" || keyword == "maxItems") {
      EXPECT_EQ(value.items().size(), wanted.natural()) << where;
    } else if (keyword == "minimum" || keyword == "maximum") {
      const double sign = keyword == "minimum" ? 1 : -1;
      EXPECT_TRUE(value.is_null() || sign * value.number() >= sign * wanted.number()) << where << value.dump();
    } else if (keyword == "pattern") {
      EXPECT_EQ(value.string().size(), 64U) << where;
      EXPECT_EQ(value.string().find_first_not_of("0123456789abcdef"), std::string::npos) << where;
    }
  }
}

TEST_F(CliBenchmark, FollowsItsSchema) {
  const Json schema = Json::parse(read_file(HANS_SOURCE_DIR "/apps/manifest/manifest.schema.json"));
  for (const char* what :
       {"--limit 20 --attack autoattack:eps=0.1", "--limit 5 --attack jsma:gamma=0.02 --targets all",
        "--limit 5 --attack deepfool --at 0.1,0.2 --certify", "--limit 5 --attack fgsm:eps=0.02 --certify",
        "--limit 1 --attack noise:eps=0.1 --shard 2/2"}) {
    benchmark(what, "m.json");
    expect_valid(manifest("m.json"), schema, "");
  }
  benchmark("--limit 1 --attack noise:eps=0.1 --shard 1/2", "first.json");
  output("merge m.json first.json --out both.json");
  expect_valid(manifest("both.json"), schema, "");
}

TEST_F(CliBenchmark, SaysWhatTheAttackCommandSays) {
  const std::string attacks = "--limit 60 --attack pgd:eps=0.1,steps=5 --attack square:eps=0.1,queries=20";
  benchmark(attacks, "m.json");
  const Json written = manifest("m.json");
  const Json& result = written.at("result");
  const Json plain = Json::parse(output(text("attack m.hans --data mnist-5k --quiet --json - ", attacks)));
  EXPECT_EQ(written.at("name").string(), sha256(result.dump()));
  for (const char* key : {"robust_accuracy", "clean_accuracy", "model_sha256", "data_sha256", "architecture"}) {
    EXPECT_EQ(result.at(key).dump(), plain.at(key).dump()) << key;
  }
  const Json& threat = result.at("threat_model");
  EXPECT_EQ(threat.dump(), R"({"norm":"linf","budget":0.1,"box":[0,1],"goal":"untargeted","knowledge":"gradients",)"
                           R"("judged_by_prediction_alone":false})");
  EXPECT_GT(result.at("conditional_robust_accuracy").number(), result.at("robust_accuracy").number());
  ASSERT_EQ(result.at("found").items().size(), 2U);
  for (std::size_t a = 0; a < 2; ++a) {
    const Json &found = result.at("found").items()[a], &same = plain.at("attacks").items()[a];
    for (const char* key : {"attack", "robust_accuracy", "attempts", "distances", "gradients", "forwards"}) {
      EXPECT_EQ(found.at(key).dump(), same.at(key).dump()) << key;
    }
    EXPECT_EQ(found.at("outcomes").at("image_sha256").items().size(), found.at("attempts").natural());
  }
  EXPECT_TRUE(result.at("found").items()[0].at("queries").is_null());
  EXPECT_EQ(result.at("found").items()[1].at("queries").dump(), result.at("found").items()[1].at("forwards").dump());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "m.json.part"));
}

// The acceptance list of attacks, on other kernels and another number of threads.
TEST_F(CliBenchmark, ReproducesEveryKindOfAttack) {
  for (const char* attack :
       {"fgsm:eps=0.1", "pgd:eps=0.1,steps=5", "jsma:gamma=0.02", "apgd:eps=0.1,steps=5", "square:eps=0.1,queries=30",
        "cw:searches=2,steps=10", "deepfool", "hopskipjump:steps=1"}) {
    benchmark(text("--limit 12 --threads 3 --attack ", attack), "m.json");
    const cli::Outcome outcome =
        hans("reproduce m.json --threads 1 --quiet", cli::Surroundings{.variable = "HANS_KERNELS=portable"});
    const bool believable = manifest("m.json").at("judgement").at("verdict").string() != "UNRELIABLE";
    EXPECT_EQ(outcome.code, believable ? 0 : 3) << attack << "\n" << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find(text("identical: all 12 images have the same bits, result ", name_of("m.json"))),
              std::string::npos)
        << outcome.out;
  }
}

TEST_F(CliBenchmark, FindsModelAndDataByTheirHashes) {
  benchmark("--limit 20 --attack fgsm:eps=0.1", "m.json");
  std::filesystem::create_directory(folder_ / "moved");
  for (const char* file : {"m.hans", "m.json"}) {
    std::filesystem::rename(folder_ / file, folder_ / text("moved/", file));
  }
  EXPECT_NE(output("reproduce moved/m.json --quiet").find("identical"), std::string::npos);
  std::filesystem::rename(folder_ / "moved/m.hans", folder_ / "moved/renamed.hans");
  expect_refused(hans("reproduce moved/m.json --quiet"), 1, "m.hans is not there; moved/m.hans is not there");
  EXPECT_NE(output("reproduce moved/m.json --model moved/renamed.hans --quick 7 --quiet").find("identical: 7 of 20"),
            std::string::npos);
  train("m.hans");
  output("train --data mnist-5k --model linear --epochs 1 --seed 9 --out other.hans --quiet");
  expect_refused(hans("reproduce moved/m.json --model other.hans --quiet"), 1, "give it with --model");
  expect_refused(hans("reproduce moved/m.json --data mnist-5k/train --quiet"), 1, "give the right data with --data");
  expect_refused(hans("reproduce moved/m.json --seed 3"), 2, "the seed is the manifest's");
}

TEST_F(CliBenchmark, NamesTheImagesThatDiffer) {
  benchmark("--limit 20 --attack fgsm:eps=0.1 --attack noise:eps=0.1", "m.json");
  apps::Manifest manifest = apps::read_manifest(folder_ / "m.json");
  attacks::Attempt& lie = manifest.run.found.attacks[1].attempts[3];
  lie.finding.distance.l2 *= 0.99;
  sum_up(manifest.run.found);
  write("lie.json", apps::manifest_json(manifest.run, manifest.here).dump(2));
  const cli::Outcome outcome = hans("reproduce lie.json --quiet");
  EXPECT_EQ(outcome.code, 1);
  const std::uint32_t index = manifest.run.found.samples.index[lie.sample];
  EXPECT_NE(outcome.out.find(text("different:\n  image ", index, ", noise: was label ")), std::string::npos)
      << outcome.out;
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 3) << outcome.out;
  manifest = apps::read_manifest(folder_ / "m.json");
  ++manifest.run.found.attacks[0].gradients;
  write("lie.json", apps::manifest_json(manifest.run, manifest.here).dump(2));
  EXPECT_EQ(hans("reproduce lie.json --quiet").code, 1);
}

TEST_F(CliBenchmark, AdaptiveRunsWhatTheIndicatorsAskFor) {
  const std::string weak = "--limit 60 --attack noise:eps=0.1";
  benchmark(weak, "weak.json");
  const Json weak_result = manifest("weak.json").at("result");
  const Json said = manifest("weak.json").at("judgement");
  EXPECT_EQ(said.at("verdict").string(), "UNRELIABLE");
  const Json next = said.at("attacks").items()[0].at("next");
  ASSERT_FALSE(next.items().empty());
  benchmark(weak + " --adaptive", "m.json");
  const Json result = manifest("m.json").at("result");
  EXPECT_EQ(result.at("attacks").items().size(), 1 + next.items().size());
  EXPECT_LT(result.at("robust_accuracy").number(), weak_result.at("robust_accuracy").number());
  EXPECT_EQ(manifest("m.json").at("judgement").at("verdict").string(), "RELIABLE");
  EXPECT_NE(output("reproduce m.json --quiet").find("identical"), std::string::npos);
  // The same as if they had been given by hand.
  std::string all = weak;
  for (const Json& spec : next.items()) append(all, text(" --attack ", spec.string()));
  benchmark(all, "by_hand.json");
  EXPECT_EQ(name_of("m.json"), name_of("by_hand.json"));
  for (const char* file : {"m.json.part", "m.json.next.part"}) {
    EXPECT_FALSE(std::filesystem::exists(folder_ / file)) << file;
  }
  expect_refused(hans(text("benchmark m.hans --data mnist-5k --out x.json --shard 1/2 --adaptive ", weak)), 2,
                 "leave --shard out");
}

TEST_F(CliBenchmark, ShardsAreTheWhole) {
  const std::string what = "--limit 50 --attack pgd:eps=0.1,steps=3 --attack noise:eps=0.1";
  benchmark(what, "whole.json");
  std::string files;
  for (const int k : {4, 1, 7, 3, 6, 2, 5}) {
    benchmark(text(what, " --shard ", k, "/7"), "part-{shard}.json");
    append(files, text(" part-", k, ".json"));
  }
  output(text("merge --out merged.json", files));
  EXPECT_EQ(manifest("merged.json").at("result").dump(), manifest("whole.json").at("result").dump());
  EXPECT_NE(output("reproduce merged.json --quiet").find("identical: all 50"), std::string::npos);
  EXPECT_NE(output("reproduce part-3.json --quiet").find("identical: all 7"), std::string::npos);

  benchmark("--limit 50 --attack pgd:eps=0.1,steps=4 --attack noise:eps=0.1 --shard 2/7", "other.json");
  benchmark(text(what, " --shard 1/3"), "third.json");
  struct Row {
    const char* files;
    const char* part;
  };
  for (const Row& row : std::vector<Row>{
           {"part-2.json part-3.json", "images 0 to 7 are missing: there is nothing in front of part-2.json"},
           {"part-1.json part-3.json", "images 8 to 14 are missing between part-1.json and part-3.json"},
           {"part-1.json part-2.json", "images 15 to 49 are missing: there is nothing behind part-2.json"},
           {"part-1.json part-2.json part-2.json", "overlap"},
           {"part-1.json part-1.json", "overlap"},
           {"part-1.json third.json", "overlap"},
           {"whole.json part-1.json", "overlap"},
           {"part-1.json other.json", "are parts of different benchmarks: attacks is"},
           {"part-1.json m.hans", "m.hans: JSON"},
           {"part-1.json none.json", "none.json"}}) {
    expect_refused(hans(text("merge --out no.json ", row.files)), 1, row.part);
  }
  expect_refused(hans("merge --out part-1.json part-1.json part-2.json"), 2, "the same file");
  expect_refused(hans("merge --out no.json"), 2, "FILE");
}

// GNU parallel and Open MPI start the processes; each finds out by itself which part is its own.
TEST_F(CliBenchmark, EnginesSayWhichShard) {
  const std::string job = text(HANS_COMMAND,
                               " benchmark m.hans --data mnist-5k --limit 20 --quiet --threads 1 --attack "
                               "noise:eps=0.1 --out 'part-{shard}.json' --shard ");
  benchmark("--limit 20 --attack noise:eps=0.1", "whole.json");
  struct Row {
    std::string program, line;
  };
  bool any = false;
  for (const Row& row : {Row{"parallel", text("seq 3 | parallel -N0 -j 2 \"", job, "auto/3\"")},
                         Row{"mpirun", text("OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun "
                                            "--oversubscribe -n 3 ",
                                            job, "auto")}}) {
    if (std::system(text("command -v ", row.program, " >/dev/null").c_str()) != 0) continue;
    any = true;
    for (const int k : {1, 2, 3}) std::filesystem::remove(folder_ / text("part-", k, ".json"));
    const std::string line = text("cd ", folder_.path().string(), " && (", row.line, ") >/dev/null 2>&1 </dev/null");
    ASSERT_EQ(std::system(line.c_str()), 0) << line;
    output("merge part-1.json part-2.json part-3.json --out merged.json");
    EXPECT_EQ(name_of("merged.json"), name_of("whole.json")) << row.program;
  }
  if (!any) GTEST_SKIP() << "neither GNU parallel nor Open MPI is installed";
}

TEST_F(CliBenchmark, APartNamesItsImages) {
  for (const std::string_view command : {"attack m.hans", "benchmark m.hans --out part.json"}) {
    const std::string said =
        output(text(command, " --data mnist-5k --quiet --limit 6 --attack noise:eps=0.1 --shard 2/2"));
    EXPECT_EQ(said.find("first 3"), std::string::npos) << said;
    EXPECT_TRUE(said.starts_with("m.hans on images 3 to 5 of the 500 images of mnist-5k/test\n")) << said;
  }
}

TEST_F(CliBenchmark, MoreShardsThanImages) {
  benchmark("--limit 2 --attack noise:eps=0.1", "whole.json");
  std::string files;
  for (const int k : {1, 2, 3}) {
    benchmark(text("--limit 2 --attack noise:eps=0.1 --shard ", k, "/3"), "part-{shard}.json");
    append(files, text(" part-", k, ".json"));
  }
  output(text("merge --out merged.json", files));
  EXPECT_EQ(name_of("merged.json"), name_of("whole.json"));
}

// Killed at ten moments, the same command goes on each time, and ends in the manifest of a run that nobody disturbed.
TEST_F(CliBenchmark, GoesOnAfterBeingKilled) {
  using Clock = std::chrono::steady_clock;
  const std::string what = "benchmark m.hans --data mnist-5k/train --quiet --attack pgd:eps=0.1,steps=60";
  const Clock::time_point begin = Clock::now();
  output(text(what, " --out whole.json"));
  const auto whole = Clock::now() - begin;
  bool went_on = false;
  for (int k = 1; k <= 10; ++k) {
    const pid_t child =
        cli::start(cli::words(text(what, " --out killed.json")), folder_, folder_ / "out", folder_ / "err");
    std::this_thread::sleep_for(whole * k / 11);
    kill(child, SIGKILL);
    cli::wait_for(child);
    went_on = went_on || bytes("err").find("going on") != std::string::npos;
    if (std::filesystem::exists(folder_ / "killed.json")) break;
  }
  if (!std::filesystem::exists(folder_ / "killed.json")) {
    EXPECT_EQ(hans(text(what, " --out killed.json")).code, 0);
  }
  EXPECT_TRUE(went_on);
  EXPECT_EQ(name_of("killed.json"), name_of("whole.json"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "killed.json.part"));
}

TEST_F(CliBenchmark, DoesNotMixUpTheProgressOfTwo) {
  benchmark("--limit 20 --attack noise:eps=0.1 --shard 1/2", "a.json");
  std::filesystem::rename(folder_ / "a.json", folder_ / "b.json.part");
  expect_refused(hans("benchmark m.hans --data mnist-5k --limit 20 --attack noise:eps=0.2 --out b.json"), 1,
                 "b.json.part holds the progress of another benchmark");
  const cli::Outcome outcome = hans("benchmark m.hans --data mnist-5k --limit 20 --attack noise:eps=0.1 --out b.json");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.err.find("b.json.part has the first 10 images"), std::string::npos) << outcome.err;
  benchmark("--limit 20 --attack noise:eps=0.1", "whole.json");
  EXPECT_EQ(name_of("b.json"), name_of("whole.json"));
}

// Whatever byte is changed, the file is refused or says the same.
TEST_F(CliBenchmark, NoticesEdits) {
  benchmark("--limit 12 --attack fgsm:eps=0.1 --attack noise:eps=0.1", "m.json");
  const std::string file = bytes("m.json"), meaning = Json::parse(file).dump();
  std::size_t refused = 0;
  for (std::uint32_t k = 0; k < 400; ++k) {
    auto draw = Rng(1).stream("edit", k);
    std::string edited = file;
    char& byte = edited[draw.below(static_cast<std::uint32_t>(file.size()))];
    const char before = byte;
    byte = k % 2 == 0 ? static_cast<char>(draw.below(256)) : static_cast<char>('0' + draw.below(10));
    if (byte == before) continue;
    write("edited.json", edited);
    try {
      apps::read_manifest(folder_ / "edited.json");
      EXPECT_EQ(Json::parse(edited).dump(), meaning);
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 300U);
}

TEST_F(CliBenchmark, RefusesMixedThreatModels) {
  struct Row {
    const char* rest;
    const char* part;
  };
  for (const Row& row :
       {Row{"--attack fgsm:eps=0.1 --attack fgsm:eps=0.2", "one benchmark has one threat model"},
        Row{"--attack fgsm:eps=0.1 --attack pgd:eps=0.1,norm=l2", "one benchmark has one threat model"},
        Row{"--attack deepfool --attack jsma:gamma=0.1", "one benchmark has one threat model"},
        Row{"--attack eot:attack=[fgsm:eps=0.1] --at 0.1",
            "--at is for attacks with an eps and for those that look for the nearest image"},
        Row{"--attack fgsm:eps=0.1 --shard 3/2", "NUMBER from 1 to COUNT"}, Row{"", "--attack SPEC is missing"}}) {
    expect_refused(hans(text("benchmark m.hans --data mnist-5k --out no.json ", row.rest)), 2, row.part);
  }
}

// Compilers, build types, kernels and machines: all come to this name. A change of it is a change of results: raise the
// version (CONTRIBUTING.md).
class DeterminismBenchmark : public CliBenchmark {};

TEST_F(DeterminismBenchmark, HasAGoldenName) {
  if (!kernels::reproducible()) GTEST_SKIP() << "this build has no golden results";
  benchmark("--limit 40 --attack fgsm:eps=0.1 --attack pgd:eps=0.1 --attack square:eps=0.1,queries=100", "m.json");
  EXPECT_EQ(name_of("m.json"), "926a57b4de70a44e24ce5fff2468b6ef1488b680e9d2fe0c3932071707fdcd12");
}

TEST_F(DeterminismBenchmark, TheManifestOfTheReadmeIsReproduced) {
  if (!kernels::reproducible()) GTEST_SKIP() << "this build has no golden results";
  const std::string file = HANS_SOURCE_DIR "/tests/golden/linear.json";
  const apps::Manifest manifest = apps::read_manifest(file);
  const std::string said = output(text("reproduce ", file, " --quiet"));
  EXPECT_NE(said.find(text("identical: all 500 images have the same bits, result ", manifest.name)), std::string::npos)
      << said;
  EXPECT_NE(read_file(HANS_SOURCE_DIR "/README.md").find(manifest.name), std::string::npos);
}

}  // namespace
}  // namespace hans::cli_benchmark_test
