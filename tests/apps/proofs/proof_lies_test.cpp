// Lies in proofs, each of which the checker must notice.
#include <cmath>
#include <cstdlib>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/data/npz.hpp>
#include "../cli_testing.hpp"
#include "proof_testing.hpp"

namespace hans::proof_lies_test {
namespace {

using defenses::ProofFile;
using proof_testing::Subject;

constexpr std::int32_t all_units = 76;

/// Three images. The first has a tree with two splits and two leaves with slopes, the second a leaf with slopes, and
/// the third two ties. What is claimed are the checker's own bounds.
Subject honest() {
  Subject subject("6x6x1;conv2d:filters=4,kernel=3;relu;flatten;linear:units=12;relu;linear:units=3", 1, 3);
  subject.shrink_eps();
  const std::vector<std::int32_t> units = subject.unstable(0), others = subject.unstable(1);
  subject.set_tree(0, {units.at(0), -1, units.at(1), -2, -2, -1});
  subject.set_slope_units(0, units);
  subject.set_tree(1, {-1, -2});
  subject.set_slope_units(1, others);
  subject.set_ties(2, {2 * subject.unstable(2).at(0), 2 * subject.unstable(2).at(1) + 1});
  subject.file.slopes.assign(2 * units.size() + others.size(), 0);
  subject.file.multipliers = {0.05F, 0.04F, 0.03F, 0.02F, 0.01F};
  subject.file.model_sha256 = sha256(subject.model());
  subject.claim();
  return subject;
}

/// A lie, and the reason for which the first proof that is wrong is rejected.
struct Lie {
  std::string name;
  std::function<void(Subject&)> tell;
  std::string reason;
};

using Nodes = std::vector<std::int32_t>;

/// Tells the lie in the first image's tree, a, -1, b, -2, -2, -1, or in its list of units with slopes.
std::function<void(Subject&)> tree(std::function<void(Nodes&)> change) {
  return [change = std::move(change)](Subject& s) {
    Nodes nodes = s.tree(0);
    change(nodes);
    s.set_tree(0, nodes);
  };
}
std::function<void(Subject&)> units(std::function<void(Nodes&)> change) {
  return [change = std::move(change)](Subject& s) {
    Nodes list(s.file.slope_units.begin(), s.file.slope_units.begin() + s.file.slope_units_of[1]);
    change(list);
    s.set_slope_units(0, list);
  };
}

/// A unit that cannot be on both sides of 0 for the first image.
std::int32_t stable_unit() {
  const Nodes unstable = honest().unstable(0);
  std::int32_t unit = 0;
  while (std::ranges::count(unstable, unit) > 0) ++unit;
  return unit;
}

std::vector<Lie> lies() {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const std::string not_stated = "no positive bound is claimed", more = "more is claimed than follows";
  const std::string missing = "a leaf is missing", surplus = "a leaf is surplus",
                    negative = "the bound is not positive";
  const std::string no_unit = "no such unit", order = "units out of order", stable = "a stable unit is split";
  const std::string unfit = "slopes or multipliers do not fit the leaves",
                    factor = "a multiplier is no number from 0 on";
  return {
      {"another label", [](Subject& s) { s.file.labels[0] = (s.file.labels[0] + 1) % 3; }, "other label"},
      {"a label that is no class", [](Subject& s) { s.file.labels[2] = -1; }, "other label"},
      {"a label beyond all integers", [](Subject& s) { s.file.labels[2] += std::int64_t{1} << 32; }, "other label"},
      {"another image's hash", [](Subject& s) { s.file.image_sha256[0] = s.file.image_sha256[1]; }, "other image"},
      {"one bit of a hash", [](Subject& s) { s.file.image_sha256[0][5] ^= 1; }, "other image"},
      {"an image with one pixel changed", [](Subject& s) { s.samples.images.mutable_values()[7] += 1e-6F; },
       "other image"},
      {"a smaller box", [](Subject& s) { s.file.box.hi = 0.5F; }, "image outside the box"},
      {"a box that is NaN", [](Subject& s) { s.file.box.lo = nan; }, "image outside the box"},
      {"no bound", [](Subject& s) { s.file.bound[0] = 0; }, not_stated},
      {"a negative bound", [](Subject& s) { s.file.bound[1] *= -1; }, not_stated},
      {"a bound that is NaN", [](Subject& s) { s.file.bound[1] = nan; }, not_stated},
      {"an infinite bound", [](Subject& s) { s.file.bound[1] = infinity; }, more},
      {"a bound too large by two millionths", [](Subject& s) { s.file.bound[0] *= 1 + 2e-6; }, more},
      {"a bound too large by half", [](Subject& s) { s.file.bound[2] *= 1.5; }, more},
      {"a ball that is larger by a thousandth", [](Subject& s) { s.file.eps *= 1.001F; }, more},
      {"a ball twice as large", [](Subject& s) { s.file.eps *= 2; }, negative},
      {"a ball that is the whole box", [](Subject& s) { s.file.eps = 1; }, negative},
      {"a ball without end", [](Subject& s) { s.file.eps = infinity; }, negative},
      {"a radius that is NaN", [](Subject& s) { s.file.eps = nan; }, "numbers too large"},
      {"no tree", tree([](Nodes& n) { n.clear(); }), missing},
      {"the last leaf missing", tree([](Nodes& n) { n.pop_back(); }), missing},
      {"a leaf of a split missing", tree([](Nodes& n) { n.erase(n.begin() + 3); }), missing},
      {"a split without leaves", tree([](Nodes& n) { n.back() = n[0]; }), missing},
      {"a surplus leaf", tree([](Nodes& n) { n.push_back(-1); }), surplus},
      {"a surplus split", tree([](Nodes& n) { n.push_back(n[0]); }), surplus},
      {"a leaf twice", tree([](Nodes& n) { n.insert(n.begin() + 3, n[3]); }), surplus},
      {"leaves in another order", tree([](Nodes& n) { std::swap(n[1], n[3]); }), more},
      {"trees in another order", tree([](Nodes& n) { n = {-1, n[0], -1, n[2], -2, -2}; }), more},
      {"the proof without splits",
       [](Subject& s) {
         s.set_tree(0, {-2, -2}), s.file.multipliers.clear();
       },
       more},
      {"another kind of leaf", tree([](Nodes& n) { n[1] = -3; }), "no such leaf"},
      {"the lowest leaf there is", tree([](Nodes& n) { n[1] = std::numeric_limits<std::int32_t>::min(); }),
       "no such leaf"},
      {"a leaf that needs no slopes any more", tree([](Nodes& n) { n[3] = -1; }), unfit},
      {"a split of a stable unit", tree([](Nodes& n) { n[0] = stable_unit(); }), stable},
      {"a split of a unit that is none", tree([](Nodes& n) { n[0] = all_units; }), no_unit},
      {"a split of the last unit there can be", tree([](Nodes& n) { n[0] = std::numeric_limits<std::int32_t>::max(); }),
       no_unit},
      {"a unit that is split twice", tree([](Nodes& n) { n[2] = n[0]; }), "a unit is split twice"},
      {"another unit that is split", [](Subject& s) { tree([&](Nodes& n) { n[0] = s.unstable(0).at(2); })(s); },
       negative},
      {"a slope for a unit that is none", units([](Nodes& n) { n.back() = all_units; }), no_unit},
      {"a slope for a negative unit", units([](Nodes& n) { n[0] = -1; }), no_unit},
      {"units with slopes that fall", units([](Nodes& n) { std::swap(n[0], n[1]); }), order},
      {"two slopes for a unit", units([](Nodes& n) { n[1] = n[0]; }), order},
      {"a unit with a slope too many", units([](Nodes& n) { n.erase(n.begin()); }), unfit},
      {"a slope missing", [](Subject& s) { s.file.slopes.pop_back(); }, unfit},
      {"a slope too many", [](Subject& s) { s.file.slopes.push_back(0); }, unfit},
      {"no slopes", [](Subject& s) { s.file.slopes.clear(); }, unfit},
      {"other slopes", [](Subject& s) { std::ranges::fill(s.file.slopes, std::uint8_t{255}); }, negative},
      {"a multiplier missing", [](Subject& s) { s.file.multipliers.erase(s.file.multipliers.begin()); }, unfit},
      {"a multiplier too many", [](Subject& s) { s.file.multipliers.push_back(0); }, unfit},
      {"no multipliers", [](Subject& s) { s.file.multipliers.clear(); }, unfit},
      {"a negative multiplier", [](Subject& s) { s.file.multipliers[0] *= -1; }, factor},
      {"a multiplier that is NaN", [](Subject& s) { s.file.multipliers[4] = nan; }, factor},
      {"an infinite multiplier", [](Subject& s) { s.file.multipliers[2] = infinity; }, factor},
      {"a large multiplier", [](Subject& s) { s.file.multipliers[1] = 1e30F; }, negative},
      {"a multiplier of another leaf", [](Subject& s) { std::swap(s.file.multipliers[0], s.file.multipliers[4]); },
       more},
      {"a tie of a unit that is none", [](Subject& s) { s.file.ties.back() = 2 * all_units; }, no_unit},
      {"a tie of a negative unit", [](Subject& s) { s.file.ties[0] = -1; }, no_unit},
      {"ties that fall", [](Subject& s) { std::swap(s.file.ties[0], s.file.ties[1]); }, order},
      {"a tie with both slopes", [](Subject& s) { s.file.ties[1] = s.file.ties[0] ^ 1; }, order},
      {"a tie the other way", [](Subject& s) { s.file.ties[0] ^= 1, s.file.ties[1] ^= 1; }, more},
      {"other weights", [](Subject& s) { s.net.mutable_weights()[0].mutable_values()[0] -= 0.01F; }, more},
      {"another last bias", [](Subject& s) { s.net.mutable_weights()[5].mutable_values()[1] += 0.01F; }, more},
  };
}

TEST(ProofLies, EachIsRejected) {
  const Subject truth = honest();
  for (const checker::Proved& one : truth.check()) EXPECT_EQ(one.reason, "");
  EXPECT_GE(lies().size(), 30U);
  for (const Lie& lie : lies()) {
    Subject told = truth;
    lie.tell(told);
    std::string_view first;
    for (const checker::Proved& one : told.check()) first = first.empty() ? one.reason : first;
    EXPECT_EQ(first, lie.reason) << lie.name;
  }
}

/// Saves the images, at the places that a file of proofs names, and their labels.
void save_data(const Subject& subject, const std::string& path) {
  const std::size_t count = static_cast<std::size_t>(subject.file.index.back()) + 1,
                    features = subject.net.input().elements();
  std::vector<float> images(count * features);
  std::vector<std::int64_t> labels(count);
  for (std::size_t k = 0; k < subject.samples.size(); ++k) {
    const std::size_t place = subject.samples.index[k];
    std::ranges::copy(subject.samples.images.values().subspan(k * features, features),
                      images.begin() + static_cast<std::ptrdiff_t>(place * features));
    labels[place] = subject.samples.labels[k];
  }
  write_file(path,
             data::write_npz(std::vector<data::NamedArray>{{"images", data::Array::of(Shape{count, features}, images)},
                                                           {"labels", data::Array::of(Shape{count}, labels)}}));
}

class ProofPeer : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 -c 'import numpy' 2>/dev/null") != 0) GTEST_SKIP() << "python3 has no numpy";
  }

  void save(const ProofFile& file, const std::string& name) { write_file(folder_ / name, defenses::proof_file(file)); }

  /// What proof.py says of the files.
  std::string said(const Subject& subject, const std::string& files) {
    write_file(folder_ / "m.hans", subject.model());
    save_data(subject, folder_ / "data.npz");
    const std::string line = text("cd ", folder_.path().string(), " && python3 -B ", HANS_SOURCE_DIR,
                                  "/tests/peers/proof.py m.hans data.npz ", files, " > out");
    EXPECT_NE(std::system(line.c_str()), -1);
    return read_file(folder_ / "out");
  }

  cli::Folder folder_;
};

TEST_F(ProofPeer, HasTheSameBounds) {
  for (const char* architecture :
       {"7x6x2;normalize:scale=2,mean=0.25/0.5,std=0.5;conv2d:filters=4,kernel=3x2,stride=2x1,padding=1x0x2x1;relu;"
        "conv2d:filters=4,kernel=2,groups=2,dilation=2;relu;flatten;linear:units=3",
        "5x5x2;conv2d:filters=2,kernel=3,padding=1;relu;constant:shape=2;multiply:of=1/2;add:of=3/input;relu;"
        "constant:shape=5x5x2;subtract:of=5/6;flatten;linear:units=6;relu;linear:units=2"}) {
    Subject subject(architecture, 3, 2);
    subject.shrink_eps();
    subject.file.model_sha256 = sha256(subject.model());
    subject.claim();
    save(subject.file, "right.npz");
    for (double& bound : subject.file.bound) bound *= 1 + 2e-6;
    save(subject.file, "wrong.npz");
    std::string wanted = "ok right.npz\n";
    for (std::size_t row = 0; row < 2; ++row) {
      append(wanted,
             text("wrong.npz: row ", row, ", image ", subject.file.index[row], ": more is claimed than follows\n"));
    }
    EXPECT_EQ(said(subject, "right.npz wrong.npz"), wanted) << architecture;
  }
}

TEST_F(ProofPeer, FindsTheSameLies) {
  const Subject truth = honest();
  save(truth.file, "truth.npz");
  std::string files = "truth.npz", wanted = "ok truth.npz\n";
  std::size_t count = 0;
  for (const Lie& lie : lies()) {
    Subject told = truth;
    lie.tell(told);
    // Not those about the data, the network or the whole file.
    const auto pixels = [](const Subject& of) { return of.samples.images.values(); };
    if (!std::ranges::equal(pixels(told), pixels(truth)) || told.model() != truth.model()) continue;
    if (told.file.box != truth.file.box || !std::isfinite(told.file.eps)) continue;
    const std::string name = text("lie", count++, ".npz");
    save(told.file, name);
    append(files, text(" ", name));
    const std::vector<checker::Proved> checked = told.check();
    for (std::size_t row = 0; row < checked.size(); ++row) {
      if (checked[row].reason.empty()) continue;
      append(wanted, text(name, ": row ", row, ", image ", told.file.index[row], ": ", checked[row].reason, "\n"));
    }
  }
  EXPECT_GE(count, 50U);
  EXPECT_EQ(said(truth, files), wanted);
}

}  // namespace
}  // namespace hans::proof_lies_test
