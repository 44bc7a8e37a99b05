// Words from outside, in names, files and arguments: shown everywhere, obeyed by no terminal, page or picture.
#include <csignal>
#include <hans/core/json.hpp>
#include <hans/data/npz.hpp>
#include <thread>
#include "../../core/text/detail/utf8.hpp"

#include "cli_testing.hpp"

namespace hans::cli_words_test {
namespace {

/// Colours, a title, a bell, a line, a fence, code, markup, LaTeX, a formula and letters that run backwards.
constexpr std::string_view evil =
    "=e\x1b[31m\x1b]0;t\x07\n```\n# owned\n<b>&{$\\`` | \",\xc2\x9b"
    "5m\xe2\x80\xae.hans";

std::size_t count(std::string_view in, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = in.find(part); at != std::string_view::npos; at = in.find(part, at + part.size())) ++found;
  return found;
}

/// Nothing in `text` but letters and lines.
void expect_harmless(std::string_view text) { EXPECT_EQ(visible(text, "\n"), text); }

class CliWords : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (IsSkipped()) return;
    train("plain.hans");
    rename_model(evil);
  }
  void rename_model(std::string_view name) { std::filesystem::rename(folder_ / "plain.hans", folder_ / name); }

  cli::Outcome run(const cli::Words& words) {
    cli::Outcome outcome = cli::run(words, folder_);
    expect_harmless(outcome.out);
    expect_harmless(outcome.err);
    EXPECT_EQ(count(outcome.out, "\n# owned"), 0U) << outcome.out;
    return outcome;
  }
};

TEST_F(CliWords, ReachATerminalAsLettersOnly) {
  const std::string model(evil);
  const cli::Words data{"--data", "mnist-5k", "--limit", "5"};
  const auto with = [&](cli::Words words, const cli::Words& more = {}) {
    words.insert(words.end(), data.begin(), data.end());
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  };
  EXPECT_NE(with({"eval", model}).out.find("=e\\x1b[31m\\x1b]0;t\\x07\\x0a```\\x0a# owned"), std::string::npos);
  EXPECT_EQ(with({"attack", model}, {"--attack", "fgsm:eps=0.1", "--out", "\x1b\n# owned.npz"}).code, 0);
  EXPECT_EQ(run({"show", model}).code, 0);
  EXPECT_EQ(run({"show", "./\x1b\n# owned.npz"}).code, 0);
  EXPECT_EQ(run({"check", "./\x1b\n# owned.npz", "--model", model, "--data", "mnist-5k"}).code, 0);
  EXPECT_EQ(run({"convert", model, "x\x1b\n# owned.onnx"}).code, 0);
  for (const cli::Words& wrong : {cli::Words{"show", "./\x1b]0;t\x07\n# owned"},
                                  {"\x1b[31m\n# owned"},
                                  {"eval", model, "--\x1b[31m\n# owned"},
                                  {"eval", model, "--data", "./\x9b\xff\n# owned"},
                                  {"attack", model, "--data", "mnist-5k", "--attack", "fgsm:\x1b=\x07\n# owned"}}) {
    const cli::Outcome outcome = run(wrong);
    EXPECT_NE(outcome.code, 0);
    EXPECT_EQ(count(outcome.err, "\n"), 1U) << outcome.err;
  }
  const cli::Outcome json = with({"eval", model}, {"--json", "-"});
  EXPECT_EQ(Json::parse(json.out).at("model").string(), visible(evil));
}

TEST_F(CliWords, OfFilesAreShownAsLettersOnly) {
  const std::string lines = "a\n# owned\x1b[31m";
  write("a.npz", data::write_npz({{"spec", data::Array::of(lines)}, {"model_sha256", data::Array::of(lines)}}));
  Json json = Json::object({{"hans", lines}, {"model", lines}, {lines, lines}});
  write("a.json", json.set("attacks", Json::array()).dump());
  for (const std::string_view file : {"a.npz", "a.json"}) {
    const cli::Outcome outcome = run({"show", std::string(file)});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_NE(outcome.out.find("a\\x0a# owned\\x1b[31m"), std::string::npos) << outcome.out;
  }
  // In JSON a character means itself: here a C1 control, which JSON need not escape.
  write("c1.json", Json::object({{"hans", "1"},
                                 {"model",
                                  "\xc2\x9b"
                                  "31m\xe2\x80\xae"}})
                       .dump());
  const cli::Outcome shown = run({"show", "c1.json", "--json", "-"});
  EXPECT_EQ(Json::parse(shown.out).at("model").string(),
            "\xc2\x9b"
            "31m\xe2\x80\xae");
}

TEST_F(CliWords, LeaveNoPlaceInAReport) {
  const std::string model(evil);
  const cli::Outcome made = run({"benchmark", model, "--data", "mnist-5k", "--limit", "10", "--attack",
                                 "pgd:eps=0.05,steps=3", "--quiet", "--out", "m.json"});
  ASSERT_EQ(made.err, "");
  EXPECT_EQ(Json::parse(bytes("m.json")).at("run").at("model_given").string(), model);
  const std::string strange = "m`` ```\n# owned\x1b.json";
  std::filesystem::copy_file(folder_ / "m.json", folder_ / strange);
  for (const std::string_view ending : {"html", "md", "tex", "csv", "bib", "svg"}) {
    SCOPED_TRACE(ending);
    ASSERT_EQ(run({"report", "m.json", strange, "--out", text("r.", ending)}).code, 0);
    std::string written = bytes(ending == "svg" ? "r-1.svg" : text("r.", ending));
    std::erase(written, '\r');
    expect_harmless(written);
    EXPECT_EQ(count(written, "\n# owned"), 0U);
    if (ending == "html" || ending == "svg") {
      EXPECT_EQ(count(written, "<b>&{"), 0U);
    }
    if (ending == "csv") {
      EXPECT_EQ(count(written, "\n"), 3U);
    }
    if (ending == "bib") {
      EXPECT_EQ(count(written, "{"), count(written, "}"));
    }
    if (ending != "md") continue;
    EXPECT_EQ(count(written, "\n````text\n"), 2U) << written;
    EXPECT_EQ(count(written, "\n````\n"), 2U) << written;
    EXPECT_EQ(count(written, "```` hans reproduce m`` ```\\x0a# owned\\x1b.json ````"), 1U) << written;
  }
  const cli::Outcome again = run({"reproduce", strange, "--quiet"});
  EXPECT_NE(again.out.find("identical: all"), std::string::npos) << again.err;
}

TEST_F(CliWords, ThatAreNotUtf8NameNoFileInAManifest) {
  train("plain.hans");
  const std::string model = "caf\xe9.hans";
  rename_model(model);
  const cli::Words line{"benchmark", model, "--data", "mnist-5k", "--limit", "5", "--attack", "fgsm:eps=0.05"};
  cli::Words words = line;
  words.insert(words.end(), {"--out", "m.json"});
  const cli::Outcome made = run(words);
  EXPECT_NE(made.err.find("hans: note: the model's path is not UTF-8"), std::string::npos) << made.err;
  EXPECT_EQ(Json::parse(bytes("m.json")).at("run").at("model_given").string(), "caf\\xe9.hans");
  const cli::Outcome lost = run({"reproduce", "m.json"});
  EXPECT_EQ(lost.code, 1);
  EXPECT_NE(lost.err.find("caf\\xe9.hans is not there"), std::string::npos) << lost.err;
  EXPECT_NE(lost.err.find("--model"), std::string::npos) << lost.err;
  EXPECT_NE(run({"reproduce", "m.json", "--model", model}).out.find("identical: all"), std::string::npos);
}

using CliOutput = cli::Test;

TEST_F(CliOutput, OfTrainIsWhatConvertMakes) {
  train("m.hans");
  for (const std::string_view ending : {"onnx", "safetensors"}) {
    train(text("trained.", ending));
    output(text("convert m.hans converted.", ending));
    EXPECT_EQ(sha256(bytes(text("trained.", ending))), sha256(bytes(text("converted.", ending)))) << ending;
  }
  EXPECT_EQ(output("eval trained.onnx --data mnist-5k --limit 50").substr(12, 80),
            output("eval converted.onnx --data mnist-5k --limit 50").substr(14, 80));
}

TEST_F(CliOutput, HalfWrittenIsRemovedBySignals) {
  write("two.npz", data::write_npz({{"images", data::Array::of(Shape{2, 28, 28, 1}, std::vector<float>(2 * 784))},
                                    {"labels", data::Array::of(Shape{2}, std::vector<std::int64_t>{3, 4})}}));
  const auto half_written = [&] {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().filename().string().find(".tmp-") != std::string::npos) return true;
    }
    return false;
  };
  for (const int signal : {SIGTERM, SIGINT}) {
    bool caught = false;
    for (int attempt = 0; attempt < 20 && !caught; ++attempt) {
      const cli::Folder outside;
      const pid_t child =
          cli::start(cli::words("train --data ./two.npz --model madry --epochs 40 --checkpoint c --quiet --out m.hans"),
                     folder_, outside / "out", outside / "err");
      int status = 0;
      while (!half_written() && waitpid(child, &status, WNOHANG) == 0) {
      }
      kill(child, SIGSTOP);
      while (waitpid(child, &status, WUNTRACED) == child && !WIFSTOPPED(status) && !WIFEXITED(status)) {
      }
      caught = WIFSTOPPED(status) && half_written();
      kill(child, caught ? signal : SIGKILL);
      kill(child, SIGCONT);
      waitpid(child, &status, 0);
      if (!caught) continue;
      EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
      EXPECT_FALSE(half_written());
    }
    EXPECT_TRUE(caught) << "never seen half-written: nothing was tested";
  }
}

}  // namespace
}  // namespace hans::cli_words_test
