// Files of proofs: what is written is read back, and anything else is an Error that names the file.
#include <cmath>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/data/npz.hpp>
#include <hans/defenses/proof_file.hpp>
#include "../apps/cli_testing.hpp"

namespace hans::proof_file_test {
namespace {

using data::Array;
using defenses::ProofFile;

ProofFile example() {
  ProofFile file;
  file.version = "1.0.0";
  file.model_sha256 = std::string(64, 'a');
  file.data_sha256 = std::string(64, 'b');
  file.eps = 0.1F;
  file.index = {3, 7, 4000000000};
  file.labels = {0, 9, 1};
  file.image_sha256 = {sha256("x"), sha256("y"), sha256("z")};
  file.bound = {0.5, 1e-300, -1};
  file.ties = {2, 5};
  file.ties_of = {0, 0, 2, 2};
  file.tree = {0, -1, -2, -1};
  file.tree_of = {0, 3, 3, 4};
  file.slope_units = {1, 2, 8};
  file.slope_units_of = {0, 3, 3, 3};
  file.slopes = {0, 128, 255};
  file.multipliers = {0.25F, 0};
  return file;
}

class ProofFileTest : public testing::Test {
 protected:
  /// What reading the bytes says; empty: nothing.
  std::string said(std::string_view bytes) {
    write_file(path_, bytes);
    try {
      defenses::read_proof(path_);
      return "";
    } catch (const Error& error) {
      EXPECT_TRUE(std::string_view(error.what()).starts_with(path_)) << error.what();
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      return error.what();
    }
  }

  cli::Folder folder_;
  std::string path_ = folder_ / "proofs.npz";
};

TEST_F(ProofFileTest, WhatIsWrittenIsReadBack) {
  for (const ProofFile& file : {example(), ProofFile{.version = "ü", .box = {-1, 2}}}) {
    const std::string bytes = defenses::proof_file(file);
    EXPECT_EQ(defenses::proof_file(file), bytes);
    write_file(path_, bytes);
    EXPECT_TRUE(defenses::is_proof(path_));
    const ProofFile read = defenses::read_proof(path_);
    EXPECT_EQ(defenses::proof_file(read), bytes);
    EXPECT_EQ(read.index, file.index);
    EXPECT_EQ(read.image_sha256, file.image_sha256);
    EXPECT_EQ(read.slopes, file.slopes);
    EXPECT_EQ(read.tree_of, file.tree_of);
    EXPECT_EQ(read.box, file.box);
  }
  write_file(path_,
             data::write_npz(std::vector<data::NamedArray>{{"images", Array::of("x")}, {"tree", Array::of("x")}}));
  EXPECT_FALSE(defenses::is_proof(path_));
  write_file(path_, "");
  EXPECT_FALSE(defenses::is_proof(path_));
}

TEST_F(ProofFileTest, WhatCannotBeIsNotWritten) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::vector<std::pair<std::string, std::function<void(ProofFile&)>>> wrong{
      {"index", [](ProofFile& f) { f.index[1] = 3; }},
      {"index", [](ProofFile& f) { f.index[0] = -1; }},
      {"labels", [](ProofFile& f) { f.labels.pop_back(); }},
      {"bound", [](ProofFile& f) { f.bound.push_back(1); }},
      {"image_sha256", [](ProofFile& f) { f.image_sha256.clear(); }},
      {"SHA-256", [](ProofFile& f) { f.image_sha256[0].pop_back(); }},
      {"SHA-256", [](ProofFile& f) { f.image_sha256[0][7] = 'g'; }},
      {"ties_of", [](ProofFile& f) { f.ties_of.clear(); }},
      {"ties_of", [](ProofFile& f) { f.ties_of[0] = 1; }},
      {"ties_of", [](ProofFile& f) { f.ties.push_back(0); }},
      {"tree_of", [](ProofFile& f) { f.tree_of[1] = -5; }},
      {"tree_of", [](ProofFile& f) { std::swap(f.tree_of[1], f.tree_of[3]); }},
      {"tree_of", [](ProofFile& f) { f.tree_of[1] = std::numeric_limits<std::int64_t>::max(); }},
      {"tree_of", [](ProofFile& f) { f.tree_of.push_back(4); }},
      {"slope_units_of", [](ProofFile& f) { f.slope_units_of[1] = 4; }},
      {"slope_units_of", [](ProofFile& f) { f.slope_units.clear(); }},
      {"eps", [](ProofFile& f) { f.eps = -0.1F; }},
      {"eps", [](ProofFile& f) { f.eps = nan; }},
      {"eps", [](ProofFile& f) { f.eps = infinity; }},
      {"box",
       [](ProofFile& f) {
         f.box = {1, 0};
       }},
      {"box", [](ProofFile& f) { f.box.hi = nan; }},
  };
  for (const auto& [part, change] : wrong) {
    ProofFile file = example();
    change(file);
    try {
      defenses::proof_file(file);
      ADD_FAILURE() << part;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  }
}

TEST_F(ProofFileTest, OtherArraysAreRefused) {
  std::vector<data::NamedArray> good;
  const std::string bytes = defenses::proof_file(example());
  for (const std::string& name : data::npz_names(bytes)) good.emplace_back(name, data::read_npz(bytes, name));
  EXPECT_EQ(said(data::write_npz(good)), "");
  const std::vector<float> floats{1, 2, 3};
  const std::vector<std::int64_t> integers{1, 2, 3}, large{0, std::int64_t{1} << 31, 2, 3}, byte{256, 0, 0};
  const std::vector<std::pair<std::string, Array>> others{
      {"format", Array::of("hans proof 2")},
      {"format", Array::of(Shape{3}, floats)},
      {"norm", Array::of("l2")},
      {"version", Array::of(Shape{3}, floats)},
      {"model_sha256", Array::of(Shape{3}, integers)},
      {"eps", Array::of(Shape{3}, floats)},
      {"eps", Array::of(Shape{3}, integers)},
      {"box", Array::of(Shape{1, 3}, floats)},
      {"index", Array::of(Shape{3}, floats)},
      {"labels", Array::of(Shape{3, 1}, integers)},
      {"image_sha256", Array::of(Shape{3}, integers)},
      {"image_sha256", Array::of(Shape{1, 3}, integers)},
      {"bound", Array::of(Shape{3}, integers)},
      {"tree", Array::of(Shape{4}, large)},
      {"tree_of", Array::of(Shape{3}, integers)},
      {"slopes", Array::of(Shape{3}, byte)},
      {"multipliers", Array::of(Shape{3}, integers)},
      {"multipliers", Array::of(Shape{3}, std::vector<double>{1, 2, 3})},
  };
  for (const auto& [name, array] : others) {
    std::vector<data::NamedArray> arrays = good;
    std::ranges::find(arrays, name, &data::NamedArray::first)->second = array;
    EXPECT_NE(said(data::write_npz(arrays)).find(name), std::string::npos) << name;
  }
  for (std::size_t k = 0; k < good.size(); ++k) {
    std::vector<data::NamedArray> arrays = good;
    arrays.erase(arrays.begin() + static_cast<std::ptrdiff_t>(k));
    EXPECT_NE(said(data::write_npz(arrays)).find(good[k].first), std::string::npos) << good[k].first;
  }
  for (std::size_t size = 0; size < bytes.size(); size += 397) EXPECT_NE(said(bytes.substr(0, size)), "") << size;
  for (std::size_t at = 3; at < bytes.size(); at += 401) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    said(damaged);  // no crash
  }
}

}  // namespace
}  // namespace hans::proof_file_test
