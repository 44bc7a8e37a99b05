// hans transfer: counts against an evaluation by hand, files of other tools, and files that are wrong.
#include <hans/core/json.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/model_file.hpp>
#include "../../apps/manifest/crafted_file.hpp"

#include "cli_testing.hpp"

namespace hans::cli_transfer_test {
namespace {

using cli::expect_refused;
using data::Array;
using data::NamedArray;
using Cli = cli::Test;

class CliTransfer : public Cli {
 protected:
  /// Two models and images that were made against the first.
  void make() {
    train("m.hans");
    output("train --data mnist-5k --model linear --epochs 1 --seed 9 --out other.hans --quiet");
    output("attack m.hans --data mnist-5k --limit 60 --attack fgsm:eps=0.1 --attack jsma:gamma=0.05 --out a.npz");
  }

  /// Replaces one array of a.npz, or leaves it out, and writes b.npz.
  void change(std::string_view name, const std::optional<Array>& array) {
    const std::string file = bytes("a.npz");
    std::vector<NamedArray> arrays;
    for (const std::string& each : data::npz_names(file)) {
      if (each != name) arrays.emplace_back(each, data::read_npz(file, each));
      if (each == name && array) arrays.emplace_back(each, *array);
    }
    write_file(folder_ / "b.npz", data::write_npz(arrays));
  }
};

TEST_F(CliTransfer, CountsWhatFoolsTheOtherModel) {
  make();
  const Json json = Json::parse(output("transfer a.npz other.hans --json -"));
  EXPECT_EQ(json.at("kind").string(), "transfer");
  EXPECT_EQ(json.at("made_against").string(), sha256(bytes("m.hans")));
  EXPECT_EQ(json.at("model_sha256").string(), sha256(bytes("other.hans")));
  ASSERT_EQ(json.at("attacks").items().size(), 2U);

  const std::string file = bytes("a.npz");
  const nn::Sequential net = nn::load_model(folder_ / "other.hans").net;
  const auto tensor = [&](std::string_view name) {
    const Array array = data::read_npz(file, name);
    const std::vector<float> values = array.floats();
    return Tensor(array.shape, std::vector<real>(values.begin(), values.end()));
  };
  const std::vector<int> before = nn::predict(net, tensor("originals")), after = nn::predict(net, tensor("images"));
  const auto labels = data::read_npz(file, "labels").integers(), targets = data::read_npz(file, "targets").integers();
  const auto attack = data::read_npz(file, "attack").integers(), success = data::read_npz(file, "success").integers();
  for (std::size_t a = 0; a < 2; ++a) {
    std::size_t images = 0, successes = 0, right = 0, transferred = 0;
    for (std::size_t k = 0; k < labels.size(); ++k) {
      if (attack[k] != static_cast<std::int64_t>(a)) continue;
      ++images;
      successes += success[k] != 0 ? 1U : 0U;
      if (before[k] != labels[k]) continue;
      ++right;
      transferred += (targets[k] < 0 ? after[k] != labels[k] : after[k] == targets[k]) ? 1U : 0U;
    }
    const Json& found = json.at("attacks").items()[a];
    EXPECT_EQ(found.at("images").natural(), images);
    EXPECT_EQ(found.at("successes").natural(), successes);
    EXPECT_EQ(found.at("right").natural(), right);
    EXPECT_EQ(found.at("transferred").natural(), transferred);
    EXPECT_EQ(found.at("outside").natural(), 0U);
    EXPECT_GT(right, 20U);
  }
  EXPECT_GT(json.at("attacks").items()[0].at("transferred").natural(), 0U);
  EXPECT_NE(output("transfer a.npz other.hans").find("transfer: "), std::string::npos);
  EXPECT_NE(output("transfer a.npz m.hans").find("same model: "), std::string::npos);
}

TEST_F(CliTransfer, TakesFilesOfOtherToolsWithoutNames) {
  make();
  const std::string file = bytes("a.npz");
  std::vector<NamedArray> arrays;
  for (const char* name : {"images", "originals", "labels"}) arrays.emplace_back(name, data::read_npz(file, name));
  write_file(folder_ / "b.npz", data::write_npz(arrays));
  const Json json = Json::parse(output("transfer b.npz other.hans --json -"));
  EXPECT_EQ(json.at("kind").string(), "made against an unknown model");
  ASSERT_EQ(json.at("attacks").items().size(), 1U);
  EXPECT_EQ(json.at("attacks").items()[0].at("attack").string(), "unknown");
  EXPECT_TRUE(json.at("attacks").items()[0].at("successes").is_null());
}

TEST_F(CliTransfer, DoesNotCountWhatLeavesBallOrBox) {
  make();
  const Array images = data::read_npz(bytes("a.npz"), "images");
  std::vector<float> values = images.floats();
  for (std::size_t i = 0; i < 784; ++i) values[i] = 1 - values[i];  // far from the first original
  values[784] = 2;
  change("images", Array::of(images.shape, values));
  const Json json = Json::parse(output("transfer b.npz other.hans --json -"));
  EXPECT_EQ(json.at("attacks").items()[0].at("outside").natural(), 2U);
}

TEST_F(CliTransfer, RefusesFilesThatDoNotFit) {
  make();
  const std::string file = bytes("a.npz");
  const std::size_t rows = data::read_npz(file, "labels").shape[0];
  const auto column = [&](std::int64_t value, std::size_t count) {
    return Array::of(Shape{count}, std::vector<std::int64_t>(count, value));
  };
  struct Row {
    std::string_view name;
    std::optional<Array> array;
    std::string_view says;
  };
  for (const Row& row : {Row{"images", {}, "images"}, Row{"originals", {}, "originals"}, Row{"labels", {}, "labels"},
                         Row{"labels", column(10, rows), "10"}, Row{"labels", column(-1, rows), "-1"},
                         Row{"labels", column(1, rows - 1), "shape"}, Row{"targets", column(10, rows), "10"},
                         Row{"targets", column(-2, rows), "-2"}, Row{"index", column(-1, rows), "-1"},
                         Row{"attack", column(2, rows), "2"}, Row{"success", column(7, rows), "7"},
                         Row{"images", column(1, rows), "shape"},
                         Row{"originals", Array::of({1, 28, 28, 1}, std::vector<float>(784)), "originals"},
                         Row{"images", Array::of({rows, 14, 56, 1}, std::vector<float>(rows * 784)), "14x56x1"},
                         Row{"images", Array::of({rows, 28, 28, 1}, std::vector<double>(rows * 784)), "float32"},
                         Row{"spec", Array::of("fsgm:eps=0.1"), "fsgm"}, Row{"spec", Array::of(""), "SPEC"}}) {
    SCOPED_TRACE(text(row.name, ' ', row.says));
    change(row.name, row.array);
    const cli::Outcome outcome = hans("transfer b.npz other.hans");
    EXPECT_NE(outcome.code, 0);
    EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1);
    EXPECT_NE(outcome.err.find(row.says), std::string::npos) << outcome.err;
    EXPECT_TRUE(outcome.out.empty());
  }
  expect_refused(hans("transfer m.hans other.hans"), 1, "m.hans");
  expect_refused(hans("transfer none.npz other.hans"), 1, "none.npz");
  expect_refused(hans("transfer a.npz"), 2, "MODEL");
  expect_refused(hans("transfer a.npz other.hans --json a.npz"), 2, "same file");
}

}  // namespace
}  // namespace hans::cli_transfer_test
