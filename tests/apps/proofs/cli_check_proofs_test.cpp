// hans check on files of proofs.
#include <hans/core/json.hpp>
#include <hans/core/version.hpp>
#include <hans/data/dataset.hpp>
#include <hans/defenses/proof_file.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/model_file.hpp>
#include "../cli_testing.hpp"

namespace hans::cli_check_proofs_test {
namespace {

using defenses::ProofFile;

class CliCheckProofs : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (!IsSkipped()) train("m.hans");
  }

  /// Proofs about the images from 100 to 103.
  ProofFile proofs(std::string_view model) {
    const data::Dataset data = data::load("mnist-5k");
    const data::Samples samples = data.samples(100, 4);
    ProofFile file{.version = std::string(build_version()),
                   .model_sha256 = sha256(bytes(model)),
                   .data_sha256 = data.sha256(),
                   .eps = 0.001F};
    for (std::size_t k = 0; k < samples.size(); ++k) {
      file.index.push_back(samples.index[k]);
      file.labels.push_back(samples.labels[k]);
      file.image_sha256.push_back(Sha256().add(samples.images.values().subspan(k * 784, 784)).hex());
      file.bound.push_back(0.001);
      file.tree.insert(file.tree.end(), 9, -1);
      file.tree_of.push_back(static_cast<std::int64_t>(file.tree.size()));
      file.ties_of.push_back(0);
      file.slope_units_of.push_back(0);
    }
    return file;
  }

  cli::Outcome check(const ProofFile& file, std::string_view rest = "") {
    write("p.npz", defenses::proof_file(file));
    return hans(text("check p.npz --model m.hans --data mnist-5k --json p.json ", rest));
  }
};

TEST_F(CliCheckProofs, AllIsSaidInTextAndJson) {
  ProofFile file = proofs("m.hans");
  const cli::Outcome right = check(file);
  EXPECT_EQ(right.code, 0) << right.out << right.err;
  EXPECT_NE(right.out.find("linf within 0.001, box [0,1]\n"), std::string::npos) << right.out;
  EXPECT_NE(right.out.find("rejected         0\n"), std::string::npos) << right.out;
  const Json json = Json::parse(bytes("p.json"));
  EXPECT_EQ(json.at("proofs").integer(), 4);
  EXPECT_EQ(json.at("proved").integer(), 4);
  EXPECT_TRUE(json.at("rejected").items().empty());
  EXPECT_GT(json.at("smallest_bound").number(), 0.001);
  EXPECT_EQ(json.at("model_sha256").string(), file.model_sha256);
  EXPECT_EQ(json.at("checked_sha256").string(), file.model_sha256);
  EXPECT_EQ(json.at("data_sha256").string(), file.data_sha256);
  EXPECT_EQ(json.at("eps").number(), 0.001);
  file.labels[1] = 11;
  file.bound[3] = 1e9;
  const cli::Outcome wrong = check(file, "--threads 3");
  EXPECT_EQ(wrong.code, 1) << wrong.err;
  for (const std::string_view part :
       {"rejected         2\n", "    1: more is claimed than follows\n", "    1: other label\n",
        "first rejected:\n  row 1, image 101: other label\n  row 3, image 103: more is"}) {
    EXPECT_NE(wrong.out.find(part), std::string::npos) << part << " is not in " << wrong.out;
  }
  const Json found = Json::parse(bytes("p.json"));
  EXPECT_EQ(found.at("proved").integer(), 2);
  EXPECT_EQ(found.at("reasons").at("other label").integer(), 1);
  const Json& last = found.at("rejected").items().at(1);
  EXPECT_EQ(last.at("row").integer(), 3);
  EXPECT_EQ(last.at("index").integer(), 103);
  EXPECT_EQ(last.at("reason").string(), "more is claimed than follows");
  EXPECT_EQ(last.at("claimed").number(), 1e9);
  EXPECT_LT(last.at("bound").number(), 1e9);
  EXPECT_GT(last.at("rounding").number(), 0);
}

TEST_F(CliCheckProofs, AFileWithoutProofsHasNothingWrong) {
  ProofFile file = proofs("m.hans");
  file = ProofFile{
      .version = file.version, .model_sha256 = file.model_sha256, .data_sha256 = file.data_sha256, .eps = 0.1F};
  const cli::Outcome outcome = check(file);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("smallest bound   none\n"), std::string::npos) << outcome.out;
  EXPECT_TRUE(Json::parse(bytes("p.json")).at("smallest_bound").is_null());
}

TEST_F(CliCheckProofs, AnOnnxFileIsCheckedAsWhatConvertMakesOfIt) {
  output("convert m.hans m.onnx");
  write("p.npz", defenses::proof_file(proofs("m.onnx")));
  const std::string said = output("check p.npz --model m.onnx --data mnist-5k");
  EXPECT_NE(said.find("checked is what hans convert makes of the ONNX file"), std::string::npos) << said;
}

TEST_F(CliCheckProofs, RefusesWhatItCannotCheck) {
  const std::string line = "check p.npz --model m.hans --data mnist-5k";
  const ProofFile file = proofs("m.hans");
  write("p.npz", defenses::proof_file(file));
  output("train --data mnist-5k --model linear --epochs 1 --seed 3 --quiet --out other.hans");
  write("half.npz", defenses::proof_file(file).substr(0, 2000));
  for (const cli::Refusal& one : {cli::Refusal{"--eps 0.1", 2, "--eps"},
                                  {"--eps 0.1 --norm linf", 2, "--eps"},
                                  {"--norm linf", 2, "--norm"},
                                  {"--slack 1e-6", 2, "--slack"}}) {
    cli::expect_refused(hans(text(line, " ", one.line)), one.code, one.part);
  }
  cli::expect_refused(hans("check p.npz --model other.hans --data mnist-5k"), 1, "sha256");
  cli::expect_refused(hans("check p.npz --model m.hans --data mnist-5k/train"), 1, "sha256");
  cli::expect_refused(hans("check half.npz --model m.hans --data mnist-5k"), 1, "half.npz");
  ProofFile beyond = file, narrow = file;
  beyond.index.back() = 500;
  write("p.npz", defenses::proof_file(beyond));
  cli::expect_refused(hans(line), 1, "image 500; the data have 500");
  narrow.box.hi = 0.75F;
  write("p.npz", defenses::proof_file(narrow));
  cli::expect_refused(hans(line), 1, "[0,0.75]");
}

}  // namespace
}  // namespace hans::cli_check_proofs_test
