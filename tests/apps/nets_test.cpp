// The networks in the box: each is its file, its figures are those of its certificates, and every command takes it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/nn/model_file.hpp>
#include "../../apps/manifest/certified_part.hpp"
#include "../../apps/nets.hpp"
#include "../../apps/run/figures.hpp"
#include "cli_testing.hpp"

namespace hans::nets_test {
namespace {

namespace fs = std::filesystem;
using apps::Net;

fs::path folder() { return fs::path(HANS_SOURCE_DIR) / "data" / "nets"; }
std::string file_of(const Net& net) { return read_file(folder() / text(net.name, ".hans")); }

TEST(Nets, AreTheFilesOfTheirHashes) {
  std::size_t embedded = 0, beside = 0;
  ASSERT_FALSE(apps::list_nets().empty());
  for (const Net& net : apps::list_nets()) {
    const std::string bytes = file_of(net);
    EXPECT_EQ(sha256(bytes), net.sha256) << net.name;
    if (!net.embedded.empty()) {
      EXPECT_EQ(net.embedded, bytes) << net.name;
    }
    EXPECT_LT(bytes.size(), net.embedded.empty() ? 3500000U : 400000U) << net.name;
    (net.embedded.empty() ? beside : embedded) += bytes.size();
    const nn::Model model = nn::parse_model(bytes, net.name);
    EXPECT_EQ(nn::weights_sha256(model), net.weights_sha256) << net.name;
    EXPECT_EQ(model.net.parameters(), net.parameters) << net.name;
    EXPECT_EQ(text(model.net.input()), net.input) << net.name;
    EXPECT_EQ(model.numbers, nn::NumberType::float16) << net.name;
    EXPECT_FALSE(model.training.empty()) << net.name;
  }
  EXPECT_LT(embedded, 1000000U);
  EXPECT_LT(beside, 14000000U);
}

TEST(Nets, HaveTheFiguresOfTheirCertificates) {
  for (const Net& net : apps::list_nets()) {
    const std::string json = read_file(folder() / text(net.name, ".json"));
    const apps::CertifiedResults part = apps::parse_certified(json);
    EXPECT_EQ(part.subject.model_sha256, net.sha256) << net.name;
    EXPECT_EQ(part.subject.data, net.data) << net.name;
    ASSERT_EQ(part.balls.size(), 1U) << net.name;
    const apps::BallCounts& ball = part.balls[0];
    EXPECT_EQ(float{ball.asked.eps}, net.eps) << net.name;
    EXPECT_EQ(ball.asked.norm, Norm::linf) << net.name;
    EXPECT_EQ(ball.right(), net.clean()) << net.name;
    EXPECT_EQ(ball.certified(), net.proved()) << net.name;
    EXPECT_EQ(ball.attacked(), net.unbroken()) << net.name;
  }
}

TEST(Nets, HaveTheFiguresThatPagesPrint) {
  for (const char* const page : {"README.md", "data/nets/README.md"}) {
    const std::string words = read_file(fs::path(HANS_SOURCE_DIR) / page);
    for (const Net& net : apps::list_nets()) {
      const std::string ends = apps::ends_words(net.proved(), net.unbroken()).substr(std::string("certified ").size());
      const std::string row = text("| `", net.name, "` | ", apps::with_commas(net.parameters), " | ", net.eps, " | ",
                                   apps::percent_of(net.clean()), " % | ", ends, " |");
      EXPECT_NE(words.find(row), std::string::npos) << page << " has no " << row;
    }
  }
}

TEST(Nets, AreFoundByNameAndByHash) {
  for (const Net& net : apps::list_nets()) {
    EXPECT_EQ(apps::find_net(net.name), &net);
    EXPECT_EQ(apps::find_net(net.sha256), &net);
    EXPECT_EQ(apps::find_net(text("./", net.name)), nullptr);
  }
  EXPECT_EQ(apps::find_net(""), nullptr);
  EXPECT_EQ(apps::find_net("mnist-linf"), nullptr);
}

/// $HANS_NETS while this lives.
class NetsFolder {
 public:
  explicit NetsFolder(const fs::path& path) { setenv("HANS_NETS", path.c_str(), 1); }
  ~NetsFolder() { unsetenv("HANS_NETS"); }
};

TEST(Nets, FilesOfAnotherHashAreNone) {
  const fs::path own = fs::path(testing::TempDir()) / "nets";
  fs::remove_all(own);
  fs::create_directories(own);
  const NetsFolder here(own);
  Net net = apps::list_nets()[0];
  const std::string bytes = file_of(net);
  net.embedded = {};
  net.name = "somewhere";
  EXPECT_FALSE(apps::net_path(net));
  const fs::path path = own / "somewhere.hans";
  write_file(path, bytes);
  EXPECT_EQ(apps::net_path(net), path.string());
  EXPECT_EQ(apps::net_bytes(net), bytes);
  write_file(path, bytes + " ");
  EXPECT_FALSE(apps::net_path(net));
  try {
    (void)apps::net_bytes(net);
    ADD_FAILURE() << "a file of another hash was taken";
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("somewhere.hans with sha256"), std::string::npos) << message;
    EXPECT_NE(message.find(own.string()), std::string::npos) << message;
    EXPECT_NE(message.find("HANS_NETS"), std::string::npos) << message;
  }
  fs::remove_all(own);
}

class CliNets : public cli::Test {};

constexpr std::string_view tiny = "mnist-linf0.1-tiny";

TEST_F(CliNets, TakesThemWhereverAModelIs) {
  const Net& net = *apps::find_net(tiny);
  const std::string listed = output("list models");
  EXPECT_NE(listed.find(tiny), std::string::npos) << listed;
  const std::string known = output(text("list models ", tiny, " --quiet --json -"));
  for (const std::string_view part : {net.command, net.sha256, net.weights_sha256}) {
    EXPECT_NE(known.find(part), std::string::npos) << known;
  }
  for (const std::string_view word : {tiny, net.sha256}) {
    const std::string shown = output(text("show ", word));
    for (const std::string_view part : {net.command, net.sha256, net.weights_sha256}) {
      EXPECT_NE(shown.find(part), std::string::npos) << shown;
    }
    EXPECT_NE(output(text("eval ", word, " --data mnist-5k --limit 20")).find(tiny), std::string::npos);
  }
  output(text("attack ", tiny, " --data mnist-5k --limit 20 --attack pgd:eps=0.3 --probes 0 --out a.npz --quiet"));
  output(text("check a.npz --model ", tiny, " --data mnist-5k"));
  output(text("certify ", tiny, " --data mnist-5k --limit 20 --eps 0.1 --out proofs.npz --quiet"));
  output(text("check proofs.npz --model ", tiny, " --data mnist-5k"));
  output(text("benchmark ", tiny, " --data mnist-5k --limit 20 --attack fgsm:eps=0.1 --out m.json --quiet"));
  output("reproduce m.json --quiet");
  output(text("convert ", tiny, " same.hans"));
  EXPECT_EQ(sha256(bytes("same.hans")), net.sha256);
  output(text("convert ", tiny, " net.onnx"));
  const auto right = [this](std::string_view model) {
    const std::string said = output(text("eval ", model, " --data mnist-5k --limit 200"));
    return said.substr(said.find(':'), 20);
  };
  EXPECT_EQ(right("net.onnx"), right(tiny));
  output(text("train --data mnist-5k --model ", tiny, " --epochs 1 --quiet --out more.hans"));
  EXPECT_NE(output("show more.hans").find(net.sha256), std::string::npos);
}

TEST_F(CliNets, FilesOfSuchNamesAreGivenWithAPath) {
  write(text(tiny), "no model");
  EXPECT_NE(output(text("show ", tiny)).find("parameters"), std::string::npos);
  cli::expect_refused(hans(text("show ./", tiny)), 1, "no model file");
  cli::expect_refused(hans("show mnist-linf0.2"), 1, "mnist-linf0.2");
  cli::expect_refused(hans(text("eval ", tiny, " --data mnist-5k --preprocess scale=2")), 2, "--preprocess");
  cli::expect_refused(hans(text("train --data mnist-5k --epochs 1 --init intervals --out m.hans --model ", tiny)), 2,
                      "--init");
}

}  // namespace
}  // namespace hans::nets_test
