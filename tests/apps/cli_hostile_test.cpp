// The command and hostile files: exit 1 or 2 with one line, or a result; in little memory and time.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "../../data/detail/bytes.hpp"
#include "../../data/detail/checksum.hpp"
#include "../../data/detail/deflate.hpp"

#include <hans/nn/model_file.hpp>
#include "../../nn/onnx/detail/protobuf.hpp"

#include "../nn/onnx_testing.hpp"
#include "cli_testing.hpp"

namespace hans::cli_hostile_test {
namespace {

using onnx_testing::attribute;
using onnx_testing::dump;
using onnx_testing::file;
using onnx_testing::node;
using onnx_testing::Node;
using onnx_testing::TensorData;

#if defined(__SANITIZE_ADDRESS__)
constexpr bool measures = false;  // the sanitizer's memory is not the command's
#else
constexpr bool measures = true;
#endif

std::string gzipped(const std::string& bytes) {
  std::string out("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
  out += data::deflate(bytes);
  data::put_little(out, data::crc32(bytes));
  data::put_little(out, static_cast<std::uint32_t>(bytes.size()));
  return out;
}

std::string header(std::initializer_list<std::uint32_t> extents) {
  std::string out;
  data::put_big(out, static_cast<std::uint32_t>(0x800 + extents.size()));
  for (const std::uint32_t each : extents) data::put_big(out, each);
  return out;
}

std::vector<Node> chain(std::size_t length, const std::string& op) {
  std::vector<Node> nodes;
  for (std::size_t k = 0; k < length; ++k) {
    nodes.push_back(node(op, {k == 0 ? "x" : text("v", k - 1)}, {k + 1 == length ? "y" : text("v", k)}));
  }
  return nodes;
}

class CommandAndHostileFiles : public cli::Test {
 protected:
  // Runs a line on files of so many bytes; what it may cost follows from these.
  void check_costs(const std::string& line, std::size_t size, int code, std::string_view part) {
    const cli::Folder outside;
    const auto start = std::chrono::steady_clock::now();
    const pid_t child = cli::start(cli::words(line), folder_, outside / "out", outside / "err");
    int status = 0;
    rusage usage{};
    ASSERT_EQ(wait4(child, &status, 0, &usage), child);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    const std::string out = read_file(outside / "out"), err = read_file(outside / "err");
    ASSERT_TRUE(WIFEXITED(status)) << line << ": " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), code) << line << "\n" << err;
    EXPECT_NE((code == 0 ? out : err).find(part), std::string::npos) << line << ": " << err;
    EXPECT_EQ(std::ranges::count(err, '\n'), code == 0 ? 0 : 1) << err;
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
    };
    EXPECT_LT(seconds(usage.ru_utime) + seconds(usage.ru_stime), 5)
        << line;  // other work beside it takes none of these
    EXPECT_LT(elapsed.count(), 60) << line;
    if (measures) {
      EXPECT_LT(usage.ru_maxrss / 1024, 200 + 20 * static_cast<long>(size >> 20)) << line << " took that many MiB";
    }
  }

  void check_model(const onnx_testing::File& model, int code, std::string_view part) {
    const std::string content = dump(model);
    write("m.onnx", content);
    check_costs("show m.onnx", content.size(), code, part);
  }
};

TEST_F(CommandAndHostileFiles, RefusesGraphsThatWouldTakeMemory) {
  std::vector<Node> filled;
  for (int k = 0; k < 1000; ++k) filled.push_back(node("ConstantOfShape", {"s"}, {text("c", k)}));
  check_model(file({-1, 4}, filled, {onnx_testing::wholes("s", {1}, {1 << 22})}), 1, "node");
  check_model(file({-1, 4}, {node("Mul", {"a", "b"}, {"y"})},
                   {onnx_testing::weights("a", {60000, 1}), onnx_testing::weights("b", {1, 60000})}),
              1, "node 0, Mul");
  check_model(file({-1, 1, 2048, 2048}, chain(100, "Sigmoid")), 1, "features for one sample");
}

TEST_F(CommandAndHostileFiles, ReadsExternalNumbersOnce) {
  // A file of 4 MiB in which 2,000 tensors say that they lie.
  write("numbers", std::string(std::size_t{4} << 20, '\0'));
  std::string graph;
  nn::protobuf::Writer writer(graph);
  const auto message = [](auto fill) {
    std::string bytes;
    nn::protobuf::Writer inner(bytes);
    fill(inner);
    return bytes;
  };
  for (int k = 0; k < 2000; ++k) {
    writer.message(5, message([&](auto& tensor) {
                     tensor.integer(1, 1 << 20);
                     tensor.integer(2, 1);
                     tensor.message(8, text("t", k));
                     tensor.message(13, message([](auto& entry) {
                                      entry.message(1, "location");
                                      entry.message(2, "numbers");
                                    }));
                     tensor.integer(14, 1);
                   }));
  }
  const std::string model = message([&](auto& whole) { whole.message(7, graph); });
  write("m.onnx", model);
  check_costs("show m.onnx", model.size() + (std::size_t{4} << 20), 1, "more than twice over");
}

TEST_F(CommandAndHostileFiles, LoadsLongGraphsInLinearTime) {
  check_model(file({-1, 4}, chain(100000, "Identity")), 0, "flatten");
  auto many = file({-1, 4}, chain(1, "Relu"));
  for (int k = 0; k < 100000; ++k) {
    many.graph.inputs.push_back(onnx_testing::value(text("t", k), {1}));
    many.graph.initializers.push_back(onnx_testing::reals(text("t", k), {1}, {0}));
  }
  check_model(many, 0, "relu");
  check_model(file({-1, 1, 2047, 2047},
                   {node("Conv", {"x", "k"}, {"c"}, {attribute("pads", {1023, 1023, 1023, 1023})}),
                    node("Flatten", {"c"}, {"y"})},
                   {onnx_testing::weights("k", {1, 1, 2047, 2047})}),
              1, "multiply-adds for one sample");
}

TEST_F(CommandAndHostileFiles, ReadsNoMoreThanAHeaderPromises) {
  std::filesystem::create_directory(folder_.path() / "d");
  write("d/t10k-labels-idx1-ubyte", header({20}) + std::string(20, '\1'));
  std::string images = gzipped(header({20, 28, 28}) + std::string(15680, '\0'));
  const std::string more = gzipped(std::string(std::size_t{1} << 20, '\0'));
  for (int k = 0; k < 400; ++k) images += more;
  write("d/t10k-images-idx3-ubyte.gz", images);
  train("lin.hans");
  check_costs("eval lin.hans --data ./d", images.size(), 1, "more than the 15696 bytes that are allowed");
  images = gzipped(header({4000000000U, 28, 28}));
  write("d/t10k-images-idx3-ubyte.gz", images);
  check_costs("eval lin.hans --data ./d", images.size(), 1, "its header promises 3136000000016 bytes");
}

TEST_F(CommandAndHostileFiles, ReadsJsonInLittleMemoryAndNoDevices) {
  std::string json = "[1";
  while (json.size() < std::size_t{30} << 20) json += ",1";
  write("big.json", json + "]");
  check_costs("reproduce big.json", json.size(), 1, "big.json");
  train("lin.hans");
  check_costs("eval /dev/zero --data mnist-5k", 0, 1, "it is a device; name a file");
  check_costs("reproduce /dev/zero", 0, 1, "it is a device; name a file");
}

TEST_F(CommandAndHostileFiles, LoadsManyLayersInLinearTime) {
  std::string layers = "2x2x1;flatten";
  for (int k = 0; k < 20000; ++k) layers += ";linear:units=4";
  nn::Model model{nn::Sequential::parse(layers, Rng(1))};
  const std::string content = nn::dump_model(model);
  write("m.hans", content);
  check_costs("show m.hans", content.size(), 0, "linear");
}

}  // namespace
}  // namespace hans::cli_hostile_test
