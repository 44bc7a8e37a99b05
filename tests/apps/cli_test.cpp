// The command from outside: what it prints and writes, and the same bytes again.
#include <cmath>
#include <hans/attacks/judge.hpp>
#include <hans/core/json.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/version.hpp>
#include <hans/data/dataset.hpp>
#include <hans/data/npz.hpp>
#include <thread>
#include "../../data/detail/idx.hpp"

#include "cli_testing.hpp"

namespace hans::cli_test {
namespace {

using cli::expect_refused;
using cli::words;

using Cli = cli::Test;
using DeterminismCli = Cli;
using SlowCli = Cli;

TEST_F(Cli, VersionAndHelp) {
  const std::string_view reserved = kernels::reservation();
  EXPECT_EQ(output("--version"), text("hans ", build_version(), reserved.empty() ? "" : text(", ", reserved), "\n"));
  const std::string page = output("--help");
  EXPECT_EQ(output("help"), page);
  EXPECT_EQ(output("-h"), page);
  for (const std::string_view command : {"demo", "train", "eval", "attack", "benchmark", "certify", "reproduce",
                                         "merge", "transfer", "convert", "show", "list", "bench"}) {
    EXPECT_NE(page.find(text("\n  ", command, " ")), std::string::npos) << command;
    const std::string help = output(text("help ", command));
    EXPECT_EQ(output(text(command, " --help")), help);
    EXPECT_EQ(output(text(command, " anything --help")), help);
    EXPECT_NE(help.find("\nexample\n  hans "), std::string::npos) << help;
    for (const std::string_view option : {"--json FILE|-", "--seed N", "--threads N", "--quiet"}) {
      EXPECT_NE(help.find(text("\n  ", option, " ")), std::string::npos) << command << option;
    }
    const std::string_view described = std::string_view(help).substr(0, help.find("\nexample\n"));
    for (std::size_t begin = 0; begin < described.size();) {
      const std::size_t end = std::min(described.find('\n', begin), described.size());
      EXPECT_LE(end - begin, 100U) << described.substr(begin, end - begin);
      begin = end + 1;
    }
  }
  EXPECT_NE(output("help train").find("adam:rate=0.002,beta1=0.9,beta2=0.999,eps=1e-08"), std::string::npos);
}

std::vector<std::string> keys(const Json& object) {
  std::vector<std::string> all;
  for (const auto& member : object.members()) all.push_back(member.first);
  return all;
}

TEST_F(Cli, SaysOfEachAttackWhetherToBelieveIt) {
  train("m.hans");
  const std::string line =
      "attack m.hans --data mnist-5k --limit 40 --attack pgd:eps=0.02 --attack pgd:eps=1 --attack jsma:gamma=0.1";
  const Json json = Json::parse(output(line + " --json -"));
  const Json::Array& all = json.at("attacks").items();
  ASSERT_EQ(all.size(), 3U);
  const std::string page = output(line);
  for (std::size_t k = 0; k < all.size(); ++k) {
    const std::string& verdict = all[k].at("verdict").string();
    EXPECT_EQ(verdict == "UNRELIABLE", k == 1) << "each in its own ball";
    EXPECT_NE(all[k].at("sentence").string().find(text("; verdict ", verdict, ")")), std::string::npos);
    EXPECT_NE(page.find(text(all[k].at("sentence").string(), "\nVerdict: ", verdict, " (")), std::string::npos);
  }
  EXPECT_NE(page.find("eps_range: eps is 1, features go from 0 to 1"), std::string::npos);
}

TEST_F(Cli, NumbersOfARangeThatNoImageReachesAreNotBelieved) {
  train("m.hans");
  const std::string page =
      output("attack m.hans --data mnist-5k --limit 40 --attack fgsm:eps=0.02,clip_min=0.45,clip_max=0.55");
  EXPECT_NE(page.find("Verdict: UNRELIABLE"), std::string::npos) << page;
  EXPECT_NE(page.find("eps_range: no image inside ball and box for"), std::string::npos) << page;
}

TEST_F(Cli, AWeakAttackIsNoOpponent) {
  train("m.hans");
  for (const char* attacks :
       {"fgsm:eps=0.05 --attack fgsm:eps=0.05,label=model", "fgsm:eps=0.05 --attack noise:eps=0.05",
        "jsma:gamma=0.01 --attack jsma:gamma=0.01,of=logits"}) {
    const Json json = Json::parse(
        output(text("attack m.hans --data mnist-5k --limit 40 --targets next --json - --attack ", attacks)));
    EXPECT_GT(json.at("robust_accuracy").number(), 0) << attacks;
    EXPECT_NE(json.at("verdict").string(), "RELIABLE") << attacks;
    for (const Json& attack : json.at("attacks").items()) EXPECT_NE(attack.at("verdict").string(), "RELIABLE");
  }
}

TEST_F(Cli, JsonHasTheStableKeys) {
  train("m.hans");
  const std::string line =
      "attack m.hans --data mnist-5k --limit 40 --attack fgsm:eps=0.02 --attack jsma:gamma=0.1 --per-sample";
  const Json json = Json::parse(output(line + " --json -"));
  std::vector<std::string> wanted{"hans",
                                  "model",
                                  "model_sha256",
                                  "architecture",
                                  "preprocessing",
                                  "data",
                                  "data_sha256",
                                  "box",
                                  "seed",
                                  "sample_count",
                                  "clean_accuracy",
                                  "clean_accuracy_interval",
                                  "robust_accuracy",
                                  "robust_accuracy_interval",
                                  "verdict",
                                  "attacks"};
  if (!kernels::reproducible()) wanted.emplace_back("reservation");
  EXPECT_EQ(keys(json), wanted);
  EXPECT_EQ(json.at("hans").string(), build_version());
  EXPECT_EQ(json.at("model").string(), "m.hans");
  EXPECT_EQ(json.at("model_sha256").string(), sha256(bytes("m.hans")));
  EXPECT_EQ(json.at("data").string(), "mnist-5k/test");
  EXPECT_EQ(json.at("data_sha256").string(), data::load("mnist-5k").sha256());
  EXPECT_EQ(json.at("box").dump(), "[0,1]");
  EXPECT_EQ(json.at("sample_count").integer(), 40);
  ASSERT_EQ(json.at("attacks").items().size(), 2U);
  double worst = 1;
  for (const Json& attack : json.at("attacks").items()) {
    EXPECT_EQ(keys(attack),
              (std::vector<std::string>{"attack", "targets", "robust_accuracy", "robust_accuracy_interval",
                                        "success_rate", "attempts", "distances", "gradients", "forwards", "seconds",
                                        "sentence", "verdict", "probed", "opposed", "unchecked", "indicators", "next",
                                        "narrow_successes", "samples"}));
    EXPECT_EQ(keys(attack.at("distances")), (std::vector<std::string>{"l0", "l1", "l2", "linf"}));
    EXPECT_EQ(keys(attack.at("distances").at("l2")), (std::vector<std::string>{"median", "mean"}));
    // Everything can be counted again from the samples.
    std::size_t attempts = 0, successes = 0, robust = 0, right = 0;
    for (const Json& sample : attack.at("samples").items()) {
      EXPECT_EQ(keys(sample),
                (std::vector<std::string>{"index", "label", "target", "prediction", "adversarial_prediction", "success",
                                          "reason", "stop", "l0", "l1", "l2", "linf"}));
      const bool attempted = sample.at("reason").string() != "wrong_before";
      const auto label = sample.at("label").integer();
      right += sample.at("prediction").integer() == label ? 1U : 0U;
      attempts += attempted ? 1U : 0U;
      successes += sample.at("success").boolean() ? 1U : 0U;
      robust += attempted && sample.at("adversarial_prediction").integer() == label ? 1U : 0U;
      EXPECT_EQ(attempted, sample.at("prediction").integer() == label);
    }
    EXPECT_EQ(attack.at("samples").items().size(), 40U);
    EXPECT_EQ(attack.at("attempts").natural(), attempts);
    EXPECT_DOUBLE_EQ(attack.at("success_rate").number(),
                     static_cast<double>(successes) / static_cast<double>(attempts));
    EXPECT_DOUBLE_EQ(attack.at("robust_accuracy").number(), static_cast<double>(robust) / 40);
    EXPECT_DOUBLE_EQ(json.at("clean_accuracy").number(), static_cast<double>(right) / 40);
    worst = std::min(worst, attack.at("robust_accuracy").number());
  }
  EXPECT_LE(json.at("robust_accuracy").number(), worst);
  // fgsm with so small a step fails for most samples: an infinite median is null, and the mean is still there.
  const Json& linf = json.at("attacks").items()[0].at("distances").at("linf");
  EXPECT_TRUE(linf.at("median").is_null()) << linf.dump();
  EXPECT_FALSE(linf.at("mean").is_null());

  // Without --per-sample there are no samples, and a file gets what - prints.
  const std::string short_line = "attack m.hans --data=mnist-5k --limit=40 --attack=fgsm:eps=0.02";
  const std::string page = output(short_line + " --json r.json");
  Json file = Json::parse(bytes("r.json"));
  EXPECT_EQ(file.at("attacks").items()[0].find("samples"), nullptr);
  EXPECT_NE(page.find(file.at("attacks").items()[0].at("sentence").string() + "\n"), std::string::npos) << page;
}

TEST_F(Cli, EveryCommandPutsOnlyItsJsonOnStandardOutput) {
  train("m.hans");
  output("attack m.hans --data mnist-5k --limit 5 --attack fgsm:eps=0.1 --out a.npz --json a.json");
  output("train --data mnist-5k --model linear --epochs 1 --checkpoint c.ckpt --out n.hans");
  struct Row {
    std::string_view line, key;
  };
  constexpr Row rows[]{{"train --data mnist-5k --model linear --epochs 1 --eval mnist-5k --out n.hans", "evaluation"},
                       {"eval m.hans --data mnist-5k", "clean_accuracy"},
                       {"benchmark m.hans --data mnist-5k --limit 5 --attack fgsm:eps=0.1 --out b.json", "result"},
                       {"certify m.hans --data mnist-5k --limit 5 --eps 0.01", "certify"},
                       {"reproduce b.json", "identical"},
                       {"merge b.json --out c.json", "result"},
                       {"transfer a.npz m.hans", "kind"},
                       {"show m.hans", "training"},
                       {"show c.ckpt", "metadata"},
                       {"show a.npz", "arrays"},
                       {"show a.json", "attacks"},
                       {"show v1", "parameters"},
                       {"show linear --memory --batch 3", "memory"},
                       {"list attacks", "attacks"},
                       {"list defenses", "defenses"},
                       {"list models", "models"},
                       {"list layers", "layers"},
                       {"list optimizers", "optimizers"},
                       {"list schedules", "schedules"},
                       {"list data", "data"}};
  for (const Row& row : rows) {
    SCOPED_TRACE(row.line);
    EXPECT_NE(Json::parse(output(text(row.line, " --json -"))).find(row.key), nullptr);
    EXPECT_GT(output(row.line).size(), 40U);
  }
}

TEST_F(Cli, TheGeneratedPagesAreWhatTheListsSay) {
  for (const std::string_view topic : {"attacks", "defenses", "indicators"}) {
    const std::string file =
        topic == "indicators" ? std::string("attacks/verdict/indicators.md") : text(topic, "/", topic, ".md");
    EXPECT_EQ(output(text("list ", topic, " --markdown")), read_file(text(HANS_SOURCE_DIR "/", file)))
        << "hans list " << topic << " --markdown > " << file;
  }
}

TEST_F(Cli, TheNpzHoldsWhatWasJudged) {
  train("m.hans");
  const Json json =
      Json::parse(output("attack m.hans --data mnist-5k --limit 30 --attack fgsm:eps=0.1 --attack jsma:gamma=0.05 "
                         "--targets next --out a.npz "
                         "--per-sample --json -"));
  const std::string file = bytes("a.npz");
  EXPECT_EQ(data::npz_names(file), (std::vector<std::string>{"images", "originals", "labels", "targets", "index",
                                                             "attack", "success", "spec", "model_sha256"}));
  std::vector<const Json*> attempts;
  std::string specs;
  for (const Json& attack : json.at("attacks").items()) {
    for (const Json& sample : attack.at("samples").items()) {
      if (sample.at("reason").string() != "wrong_before") attempts.push_back(&sample);
    }
    specs += (specs.empty() ? "" : " ") + attack.at("attack").string();
  }
  const data::Array images = data::read_npz(file, "images");
  ASSERT_EQ(images.shape, (Shape{attempts.size(), 28, 28, 1}));
  const std::vector<float> pixels = images.floats(), originals = data::read_npz(file, "originals").floats();
  const auto labels = data::read_npz(file, "labels").integers(), targets = data::read_npz(file, "targets").integers();
  const auto index = data::read_npz(file, "index").integers(), success = data::read_npz(file, "success").integers();
  const data::Samples samples = data::load("mnist-5k").first(30);
  for (std::size_t k = 0; k < attempts.size(); ++k) {
    const Json& attempt = *attempts[k];
    EXPECT_EQ(labels[k], attempt.at("label").integer());
    EXPECT_EQ(targets[k], attempt.at("target").integer());
    EXPECT_EQ(index[k], attempt.at("index").integer());
    EXPECT_EQ(success[k] != 0, attempt.at("success").boolean());
    const std::span<const float> original = std::span(originals).subspan(k * 784, 784);
    EXPECT_TRUE(
        std::ranges::equal(original, samples.images.values().subspan(static_cast<std::size_t>(index[k]) * 784, 784)));
    const attacks::Distances distance = attacks::distances(original, std::span(pixels).subspan(k * 784, 784));
    EXPECT_EQ(distance.l0, attempt.at("l0").natural());
    EXPECT_EQ(distance.l2, attempt.at("l2").number());
    EXPECT_EQ(distance.linf, attempt.at("linf").number());
  }
  EXPECT_EQ(data::read_npz(file, "spec").text(), specs);
  EXPECT_EQ(data::read_npz(file, "model_sha256").text(), sha256(bytes("m.hans")));
}

TEST_F(Cli, TargetsMakeTheRightAttempts) {
  train("m.hans");
  struct Row {
    std::string_view targets;
    std::string_view shown;
    std::size_t per_sample;
  };
  const std::string line = "attack m.hans --data mnist-5k --limit 20 --attack fgsm:eps=0.1 --per-sample --json -";
  const Json plain = Json::parse(output(line)).at("attacks").items()[0];
  const std::size_t right = plain.at("attempts").natural();
  EXPECT_EQ(plain.at("targets").string(), "none");
  for (const Row& row : {Row{"next", "next", 1}, Row{"random", "random", 1}, Row{"all", "all", 9}, Row{"3", "3", 1}}) {
    SCOPED_TRACE(row.targets);
    const Json attack = Json::parse(output(text(line, " --targets ", row.targets))).at("attacks").items()[0];
    std::size_t unattempted = 0;
    for (const Json& sample : attack.at("samples").items()) {
      const std::string reason = sample.at("reason").string();
      if (reason == "target_is_label") {
        ++unattempted;
        EXPECT_EQ(sample.at("label").integer(), 3);
        EXPECT_EQ(sample.at("l0").integer(), 0);
      } else if (reason != "wrong_before") {
        EXPECT_NE(sample.at("target").integer(), sample.at("label").integer());
      }
    }
    EXPECT_EQ(attack.at("targets").string(), row.shown);
    EXPECT_EQ(attack.at("attempts").natural(), (right - unattempted) * row.per_sample);
    EXPECT_EQ(unattempted > 0, row.targets == "3");
  }
}

TEST_F(Cli, TrainingNeedsNoTestPartAndRecordsNoFolder) {
  const data::Samples samples = data::load("mnist-5k/train").first(200);
  std::vector<std::uint8_t> pixels, labels;
  for (const real value : samples.images.values())
    pixels.push_back(static_cast<std::uint8_t>(std::lround(value * 255)));
  for (const int label : samples.labels) labels.push_back(static_cast<std::uint8_t>(label));
  for (const std::string_view name : {"here", "there"}) {
    std::filesystem::create_directories(folder_.path() / name / "digits");
    write(text(name, "/digits/train-images-idx3-ubyte"), data::write_idx({200, 28, 28}, pixels));
    write(text(name, "/digits/train-labels-idx1-ubyte"), data::write_idx({200}, labels));
    output(text("train --data ", name, "/digits --model linear --epochs 1 --out ", name, ".hans"));
  }
  EXPECT_EQ(bytes("here.hans"), bytes("there.hans"));
  const Json shown = Json::parse(output("show here.hans --json -"));
  EXPECT_EQ(keys(shown.at("training")),
            (std::vector<std::string>{"model", "recipe", "data", "data_sha256", "seed", "hans"}));
  EXPECT_EQ(shown.at("training").at("data").string(), "digits/train");
  EXPECT_EQ(shown.at("training").at("data_sha256").string(), data::load(folder_ / "here/digits/train").sha256());
  EXPECT_EQ(hans("eval here.hans --data here/digits").code, 1);
}

TEST_F(Cli, AModelFileCanBeTrainedOn) {
  train("m.hans");
  const std::string first = sha256(bytes("m.hans"));
  output("train --data mnist-5k --model m.hans --epochs 1 --out m.hans --quiet");
  const Json training = Json::parse(output("show m.hans --json -")).at("training");
  EXPECT_EQ(training.at("model").string(), "linear");
  EXPECT_EQ(training.at("continued_from_sha256").string(), first);
  EXPECT_NE(sha256(bytes("m.hans")), first);
}

TEST_F(Cli, ABuiltInModelIsCalledUntrained) {
  const cli::Outcome outcome = hans("attack linear --data mnist-5k --limit 20 --attack fgsm:eps=0.1");
  EXPECT_NE(outcome.err.find("untrained"), std::string::npos);
  EXPECT_NE(outcome.out.find("robustness of untrained linear to"), std::string::npos) << outcome.out;
}

TEST_F(DeterminismCli, SameSeedSameBytesForAnyThreadCount) {
  if (!kernels::reproducible()) GTEST_SKIP() << kernels::reservation();
  std::string model, images;
  for (const int threads : {1, 2, 3}) {
    output(
        text("train --data mnist-5k --model linear --epochs 2 --defense adversarial:attack=[fgsm:eps=0.1] --seed 5 "
             "--out m.hans "
             "--threads ",
             threads));
    output(
        text("attack m.hans --data mnist-5k --limit 60 --attack fgsm:eps=0.1,norm=l2 --attack jsma:gamma=0.1 --targets "
             "random "
             "--seed 5 --out a.npz --threads ",
             threads));
    if (threads == 1) model = bytes("m.hans");
    if (threads == 1) images = bytes("a.npz");
    EXPECT_EQ(bytes("m.hans"), model) << threads;
    EXPECT_EQ(bytes("a.npz"), images) << threads;
  }
  output(
      "train --data mnist-5k --model linear --epochs 2 --defense adversarial:attack=[fgsm:eps=0.1] --seed 6 --out "
      "m.hans");
  EXPECT_NE(bytes("m.hans"), model);
}

TEST_F(SlowCli, KilledAndResumedGivesTheSameBytes) {
  const std::string line = "train --data mnist-5k --model linear --epochs 24 --batch 16 --quiet --out ";
  output(line + "whole.hans");
  const cli::Words parts = words(line + "parts.hans --checkpoint run.ckpt --resume");
  const cli::Folder outside;
  int kills = 0;
  std::string last;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const pid_t child = cli::start(parts, folder_, outside / "out", outside / "err");
    // A kill counts once the run has got further than the one before it.
    for (int wait = 0; wait < 20000; ++wait) {
      std::error_code missing;
      if (std::filesystem::exists(folder_ / "run.ckpt", missing) && sha256(bytes("run.ckpt")) != last) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    kill(child, SIGKILL);
    const int code = cli::wait_for(child);
    ASSERT_EQ(code, -1) << "the run ended before it was killed: " << read_file(outside / "err");
    ++kills;
    last = sha256(bytes("run.ckpt"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "parts.hans"));
  }
  EXPECT_EQ(kills, 3);
  output(line + "parts.hans --checkpoint run.ckpt --resume");
  EXPECT_EQ(bytes("parts.hans"), bytes("whole.hans"));
  // Nothing is left to do, and the result is the same; another run does not take the checkpoint.
  output(line + "parts.hans --checkpoint run.ckpt --resume");
  EXPECT_EQ(bytes("parts.hans"), bytes("whole.hans"));
  expect_refused(hans(line + "parts.hans --checkpoint run.ckpt --resume --seed 1"), 1, "run.ckpt");
}

}  // namespace
}  // namespace hans::cli_test
