// hans certify --vnnlib: answers, result files, lists of instances, and refusals.
#include <hans/core/json.hpp>
#include <hans/nn/model_file.hpp>

#include "../../../data/detail/checksum.hpp"
#include "../../../data/detail/gzip.hpp"
#include "../../nn/onnx_testing.hpp"
#include "../cli_testing.hpp"
#include "vnnlib_testing.hpp"

namespace hans::cli_vnnlib_test {
namespace {

using cli::expect_refused;
using testing_vnnlib::declarations;

/// `content` as a gzip file.
std::string gzipped(const std::string& content) {
  const std::string packed = data::zlib_compress(content);
  std::string file("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
  file += packed.substr(2, packed.size() - 6);
  for (const std::uint32_t number : {data::crc32(content), static_cast<std::uint32_t>(content.size())}) {
    for (unsigned shift = 0; shift < 32; shift += 8) file += static_cast<char>(number >> shift & 0xff);
  }
  return file;
}

class CliVnnlib : public cli::Test {
 protected:
  /// Y_0 = X_0 + X_1, Y_1 = X_0 - X_1; with a softmax; hard, of 20 features; and one without bounds.
  void SetUp() override {
    cli::Test::SetUp();
    if (IsSkipped()) return;
    using namespace onnx_testing;
    const auto sums = [](const std::string& name) { return onnx_testing::node("Gemm", {"x", "w"}, {name}); };
    const TensorData w = reals("w", {2, 2}, {1, 1, 1, -1});
    write("sums.onnx", dump(file({-1, 2}, {sums("y")}, {w})));
    write("softmax.onnx", dump(file({-1, 2}, {sums("s"), node("Softmax", {"s"}, {"y"})}, {w})));
    write(
        "log.onnx",
        dump(file({-1, 2},
                  {sums("s"), node("Softmax", {"s"}, {"p"}), node("Log", {"p"}, {"q"}), node("Softmax", {"q"}, {"y"})},
                  {w})));
    nn::Sequential hard =
        nn::Sequential::parse("4x5x1;flatten;linear:units=60;relu;linear:units=60;relu;linear:units=1", Rng(3));
    nn::save_model({hard}, folder_ / "hard.hans");
    const std::string unit = declarations(2, 2) + testing_vnnlib::box(2, "0", "1");
    write("no.vnnlib", unit + "(assert (>= Y_0 2.5))");
    write("yes.vnnlib", unit + "(assert (<= Y_1 -0.75))");
    write("margin.vnnlib", unit + "(assert (>= Y_1 Y_0))(assert (>= X_1 0.1))");
    write("empty.vnnlib", unit + "(assert (>= X_0 1.5))(assert (>= Y_0 0))");
    write("broken.vnnlib", unit + "(assert (>= Y_0 2.5)\n");
    write("hard.vnnlib", declarations(20, 1) + testing_vnnlib::box(20) + "(assert (>= Y_0 2.2))");
  }

  /// The answers in a JSON.
  static Json::Array instances(const std::string& json) {
    const Json all = Json::parse(json);
    return all.at("instances").items();
  }
};

TEST_F(CliVnnlib, AnswersAPropertyAsVnnCompDoes) {
  const std::string unsat = output("certify sums.onnx --vnnlib no.vnnlib --out result.txt");
  EXPECT_EQ(bytes("result.txt"), "unsat\n");
  EXPECT_TRUE(
      unsat.starts_with("unsat\nproved in real arithmetic and for every float32 program: no input violates the "
                        "property (sums.onnx, 1 box, 0 nodes, "))
      << unsat;
  EXPECT_EQ(std::count(unsat.begin(), unsat.end(), '\n'), 2);

  const std::string sat = output("certify sums.onnx --vnnlib yes.vnnlib --out result.txt");
  EXPECT_TRUE(sat.starts_with(bytes("result.txt") + "found an input ")) << sat;
  EXPECT_TRUE(sat.starts_with("sat\n((X_0 ")) << sat;
  const Json found = instances(output("certify sums.onnx --vnnlib yes.vnnlib --json -"))[0];
  EXPECT_EQ(found.at("answer").string(), "sat");
  const auto& inputs = found.at("counterexample").at("inputs").items();
  const auto& outputs = found.at("counterexample").at("outputs").items();
  ASSERT_EQ(inputs.size(), 2U);
  EXPECT_LE(inputs[0].number() - inputs[1].number(), -0.75);
  EXPECT_NEAR(outputs[1].number(), inputs[0].number() - inputs[1].number(), 1e-6);

  const std::string empty = output("certify sums.onnx --vnnlib empty.vnnlib");
  EXPECT_TRUE(empty.starts_with("unsat\nno input fulfils the property's bounds, so nothing violates it (")) << empty;
  EXPECT_NE(empty.find("1 box, 1 empty"), std::string::npos) << empty;

  write("no.vnnlib.gz", gzipped(bytes("no.vnnlib")));
  EXPECT_TRUE(output("certify sums.onnx --vnnlib no.vnnlib.gz").starts_with("unsat\n"));
}

TEST_F(CliVnnlib, StopsAtNodesAndTime) {
  const std::string line = "certify hard.hans --vnnlib hard.vnnlib ";
  const std::string nodes = output(line + "--nodes 2 --out result.txt");
  EXPECT_TRUE(nodes.starts_with("unknown\nundecided; --nodes 2 are used up (")) << nodes;
  EXPECT_EQ(bytes("result.txt"), "unknown\n");
  const std::string late = output(line + "--timeout 0.000001 --json t.json");
  EXPECT_TRUE(late.starts_with("timeout\nundecided after 1e-06 seconds (")) << late;
  EXPECT_EQ(instances(bytes("t.json"))[0].at("reason").string(), "time");
  const auto same = [&](const std::string& more) {
    Json one = instances(output(line + "--nodes 100 --json - " + more))[0];
    return one.set("seconds", 0).dump();
  };
  EXPECT_EQ(same(""), same("--threads 1"));
}

// The Y of a property are what the graph gives: after a softmax only comparisons are decided.
TEST_F(CliVnnlib, TakesOutputsAsTheGraphGivesThem) {
  EXPECT_TRUE(output("certify sums.onnx --vnnlib margin.vnnlib").starts_with("unsat\n"));
  EXPECT_TRUE(output("certify softmax.onnx --vnnlib margin.vnnlib").starts_with("unsat\n"));
  expect_refused(hans("certify softmax.onnx --vnnlib no.vnnlib"), 2, "no.vnnlib: the network ends in a softmax");
  write("less.vnnlib", declarations(2, 2) + testing_vnnlib::box(2, "0", "1") + "(assert (<= Y_1 Y_0))");
  const Json found = instances(output("certify softmax.onnx --vnnlib less.vnnlib --json -"))[0];
  double sum = 0;
  for (const Json& each : found.at("counterexample").at("outputs").items()) sum += each.number();
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST_F(CliVnnlib, RunsAListOfInstances) {
  std::filesystem::create_directory(folder_ / "sub");
  for (const char* name : {"sums.onnx", "no.vnnlib", "yes.vnnlib", "hard.hans", "hard.vnnlib"}) {
    write(text("sub/", name), bytes(name));
  }
  write("sub/list.csv", "sums.onnx,no.vnnlib,5\nsums.onnx,yes.vnnlib,5\n\nhard.hans,hard.vnnlib,1e-6\n");
  const std::string table = output("certify --vnnlib sub/list.csv --quiet");
  EXPECT_TRUE(
      table.starts_with("onnx            vnnlib            answer    seconds\n"
                        "sub/sums.onnx   sub/no.vnnlib     unsat     "))
      << table;
  EXPECT_NE(table.find("sub/hard.vnnlib   timeout "), std::string::npos) << table;
  const Json::Array all = instances(output("certify --vnnlib sub/list.csv --json -"));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].at("answer").string(), "sat");
  EXPECT_EQ(all[1].at("model_sha256").string(), sha256(bytes("sums.onnx")));

  // One that fails does not end the run.
  write("sub/list.csv",
        "none.onnx,no.vnnlib,5\nsums.onnx,none.vnnlib,5\nsums.onnx,hard.vnnlib,5\n../log.onnx,no.vnnlib,5\n"
        "sums.onnx,no.vnnlib,5\n");
  const cli::Outcome outcome = hans("certify --vnnlib sub/list.csv --json a.json");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "hans: 4 of 5 instances failed\n");
  const Json::Array some = instances(bytes("a.json"));
  constexpr std::string_view messages[]{"none.onnx", "none.vnnlib", "the property has 20 inputs, the model 2 (1x2x1)",
                                        "layer "};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_EQ(some[k].at("answer").string(), "error");
    EXPECT_NE(some[k].at("error").string().find(messages[k]), std::string::npos) << k;
    EXPECT_NE(outcome.out.find(some[k].at("error").string()), std::string::npos) << k;
  }
  EXPECT_EQ(some[4].at("answer").string(), "unsat");
  EXPECT_TRUE(some[4].at("error").is_null());
}

TEST_F(CliVnnlib, RefusesInOneLine) {
  write("list.csv", "sums.onnx,no.vnnlib,5\n");
  write("bad.csv", "sums.onnx,no.vnnlib\n");
  write("bad.vnnlib.gz", gzipped(bytes("no.vnnlib")).substr(0, 60));
  constexpr cli::Refusal refusals[]{
      {"--vnnlib no.vnnlib", 2, "--vnnlib with a property needs a MODEL"},
      {"sums.onnx --vnnlib list.csv", 2, "leave MODEL out"},
      {"--vnnlib list.csv --out result.txt", 2, "--out is for the result of one property"},
      {"sums.onnx --vnnlib no.vnnlib --data mnist-5k", 2, "with --vnnlib give MODEL"},
      {"sums.onnx --vnnlib no.vnnlib --eps 0.1", 2, "with --vnnlib give MODEL"},
      {"sums.onnx --vnnlib no.vnnlib --radius", 2, "with --vnnlib give MODEL"},
      {"sums.onnx --vnnlib no.vnnlib --norm l2", 2, "with --vnnlib give MODEL"},
      {"sums.onnx --vnnlib no.vnnlib --method ibp", 2, "with --vnnlib give MODEL"},
      {"sums.onnx --vnnlib no.vnnlib --preprocess mean=0.5", 2, "--preprocess takes only layout and shape"},
      {"hard.hans --vnnlib hard.vnnlib --preprocess layout=nhwc", 2, "--preprocess is for ONNX files"},
      {"sums.onnx --vnnlib no.vnnlib --nodes 0", 2, "--nodes '0' is refused"},
      {"sums.onnx --vnnlib no.vnnlib --timeout 0", 2, "--timeout '0' is refused"},
      {"sums.onnx --vnnlib no.vnnlib --out sums.onnx", 2, "--out"},
      {"log.onnx --vnnlib no.vnnlib", 2, "has no bound"},
      {"", 2, "give MODEL and --data, or --vnnlib"},
      {"sums.onnx --eps 0.1", 2, "give MODEL and --data, or --vnnlib"},
      {"--data mnist-5k --eps 0.1", 2, "give MODEL and --data, or --vnnlib"},
      {"none.onnx --vnnlib no.vnnlib", 1, "none.onnx"},
      {"sums.onnx --vnnlib none.vnnlib", 1, "none.vnnlib"},
      {"sums.onnx --vnnlib sums.onnx", 1, "sums.onnx, line 1"},
      {"sums.onnx --vnnlib broken.vnnlib", 1, "broken.vnnlib, line "},
      {"sums.onnx --vnnlib bad.vnnlib.gz", 1, "bad.vnnlib.gz: "},
      {"sums.onnx --vnnlib hard.vnnlib", 1, "hard.vnnlib: the property has 20 inputs, the model 2 (1x2x1)"},
      {"--vnnlib bad.csv", 1, "bad.csv, line 1"},
      {"--vnnlib none.csv", 1, "none.csv"}};
  const auto before = folder_.state();
  for (const cli::Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.line);
    expect_refused(hans(text("certify ", refusal.line)), refusal.code, refusal.part);
  }
  EXPECT_EQ(folder_.state(), before);
}

}  // namespace
}  // namespace hans::cli_vnnlib_test
