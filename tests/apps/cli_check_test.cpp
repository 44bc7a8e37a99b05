// hans check: no success of hans is rejected, and every lie is.
#include <bit>
#include <cmath>
#include <functional>
#include <hans/attacks/attack.hpp>
#include <hans/core/json.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/version.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/model_file.hpp>
#include <limits>

#include "cli_check_testing.hpp"

namespace hans::cli_check_test {
namespace {

using cli_check::CliCheck;
using cli_check::File;
using data::Array;

/// A lie about the images that an attack made, and what the checker says of the row (or, with exit code 1 and 2 and one
/// line, of the file).
struct Lie {
  std::string name;
  std::function<void(File&)> tell;
  std::string finding;
  std::string arguments = {};
};

void swap_rows(std::span<float> one, std::span<float> other) { std::ranges::swap_ranges(one, other); }

/// To the next number away from the original.
void nudge_out(File& file, std::size_t row, std::size_t feature) {
  float& value = file.pixel(row, feature);
  value = std::nextafter(value, value > file.original(row, feature) ? 2.0F : -2.0F);
}

/// Moves features outwards until the distance, in the norm that `size` computes, is beyond eps: by one step of the
/// last.
void leave_ball(File& file, double eps, const std::function<double(File&, std::size_t)>& size) {
  const std::size_t row = file.first(true);
  for (std::size_t feature = file.changed(row); feature < file.features; ++feature) {
    float& value = file.pixel(row, feature);
    float near = value, far = value > file.original(row, feature) ? 1.0F : 0.0F;
    value = far;
    if (size(file, row) <= eps) continue;
    for (int step = 0; step < 64; ++step) {
      const float middle = near + (far - near) / 2;
      value = middle;
      (size(file, row) > eps ? far : near) = middle;
    }
    value = far;
    return;
  }
  ADD_FAILURE() << "still inside " << eps;
}

double sum_of(File& file, std::size_t row, const std::function<double(double)>& f) {
  double sum = 0;
  for (std::size_t k = 0; k < file.features; ++k) sum += f(double{file.pixel(row, k)} - double{file.original(row, k)});
  return sum;
}

const std::vector<Lie>& lies() {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  static const std::vector<Lie> all{
      {"out of the ball by one step of a float",
       [](File& f) {
         leave_ball(f, double{0.05F}, [](File& file, std::size_t row) {
           double largest = 0;
           for (std::size_t k = 0; k < file.features; ++k) {
             largest = std::max(largest, std::abs(double{file.pixel(row, k)} - double{file.original(row, k)}));
           }
           return largest;
         });
       },
       "outside the ball"},
      {"far out of the ball", [](File& f) { f.pixel(f.first(true), f.changed(f.first(true))) = 0.999F; },
       "outside the ball"},
      {"above the box by one step", [](File& f) { f.pixel(f.first(true), 300) = std::nextafter(1.0F, 2.0F); },
       "outside the box"},
      {"below the box by one step", [](File& f) { f.pixel(f.first(true), 0) = std::nextafter(0.0F, -1.0F); },
       "outside the box"},
      {"images from 0 to 255", [](File& f) { std::ranges::for_each(f.pixels, [](float& x) { x *= 255; }); },
       "outside the box"},
      {"images from -1 to 1", [](File& f) { std::ranges::for_each(f.pixels, [](float& x) { x = 2 * x - 1; }); },
       "outside the box"},
      {"a NaN", [](File& f) { f.pixel(f.first(true), 5) = std::numeric_limits<float>::quiet_NaN(); }, "not a number"},
      {"infinity", [](File& f) { f.pixel(f.first(true), 5) = infinity; }, "not a number"},
      {"minus infinity", [](File& f) { f.pixel(f.first(true), 5) = -infinity; }, "not a number"},
      {"another label", [](File& f) { f.columns["labels"][f.first(true)] ^= 1; }, "other label"},
      {"all labels moved by one",
       [](File& f) { std::ranges::for_each(f.columns["labels"], [](auto& label) { label = (label + 1) % 10; }); },
       "other label"},
      {"the images of two rows swapped", [](File& f) { swap_rows(f.row(0), f.row(1)); }, "outside the ball"},
      {"the originals of two rows swapped", [](File& f) { swap_rows(f.original_row(0), f.original_row(1)); },
       "other original"},
      {"images and originals of two rows swapped",
       [](File& f) {
         swap_rows(f.row(0), f.row(1));
         swap_rows(f.original_row(0), f.original_row(1));
       },
       "other original"},
      {"the places of two rows swapped", [](File& f) { std::swap(f.columns["index"][0], f.columns["index"][1]); },
       "other label"},
      {"the places of all rows moved by ten: the same labels in mnist-5k",
       [](File& f) { std::ranges::for_each(f.columns["index"], [](auto& place) { place += 10; }); }, "other original"},
      {"an original that lies nearer to the image",
       [](File& f) {
         const std::size_t row = f.first(true), feature = f.changed(row);
         f.before[row * f.features + feature] = f.pixel(row, feature);
         nudge_out(f, row, feature);
       },
       "other original"},
      {"the clean image",
       [](File& f) { std::ranges::copy(f.original_row(f.first(true)), f.row(f.first(true)).begin()); }, "clean image"},
      {"all images clean", [](File& f) { f.pixels = f.before; }, "clean image"},
      {"a failure called a success", [](File& f) { f.columns["success"][f.first(false)] = 1; }, "still the label"},
      {"everything called a success", [](File& f) { std::ranges::fill(f.columns["success"], 1); }, "still the label"},
      {"success never stated", [](File& f) { f.columns.erase("success"); }, "still the label"},
      {"a small change that changes no class",
       [](File& f) {
         const std::size_t row = f.first(true);
         std::ranges::copy(f.original_row(row), f.row(row).begin());
         f.pixel(row, 0) = 0.001F;
       },
       "still the label"},
      {"the change turned round",
       [](File& f) {
         for (std::size_t k = 0; k < f.pixels.size(); ++k) {
           f.pixels[k] = std::clamp(f.before[k] - (f.pixels[k] - f.before[k]) / 2, 0.0F, 1.0F);
         }
       },
       "still the label"},
      {"a row twice",
       [](File& f) {
         const std::size_t row = f.first(true), other = row + 1;
         std::ranges::copy(f.row(row), f.row(other).begin());
         std::ranges::copy(f.original_row(row), f.original_row(other).begin());
         for (auto& [name, column] : f.columns) column[other] = column[row];
       },
       "stated before"},
      {"a target that was not reached",
       [](File& f) {
         const std::size_t row = f.first(true);
         f.columns["targets"][row] = (f.columns["labels"][row] + 1) % 10;
         f.columns["targets"][row + 1] = (f.columns["labels"][row + 1] + 2) % 10;
         f.columns["targets"][row + 2] = (f.columns["labels"][row + 2] + 3) % 10;
       },
       "another class than the target"},
      {"a target that is the label",
       [](File& f) { f.columns["targets"][f.first(true)] = f.columns["labels"][f.first(true)]; },
       "target is the label"},
      {"a smaller eps", [](File& f) { f.spec.replace(f.spec.find("eps=0.05"), 8, "eps=0.04"); }, "outside the ball"},
      {"an eps smaller by one digit at the end",
       [](File& f) { f.spec.replace(f.spec.find("eps=0.05"), 8, "eps=0.049999997"); }, "outside the ball"},
      {"another norm", [](File& f) { f.spec.replace(f.spec.find("norm=linf"), 9, "norm=l2"); }, "outside the ball"},
      {"a ball that the command line makes smaller", [](File&) {}, "outside the ball", "--eps 0.02"},
      {"images of another tool that claims a smaller ball", [](File& f) { f.spec.clear(); }, "outside the ball",
       "--norm linf --eps 0.04"},
      {"originals of another part of the data", [](File&) {}, "other", "--data mnist-5k/train"},
      {"every image in 8 bit, which leaves the ball",
       [](File& f) { std::ranges::for_each(f.pixels, [](float& x) { x = std::round(x * 255) / 255; }); },
       "outside the ball"},
      {"one image for all rows",
       [](File& f) {
         for (std::size_t k = 1; k < f.pixels.size() / f.features; ++k) std::ranges::copy(f.row(0), f.row(k).begin());
       },
       "outside the ball"},
      // Of the whole file:
      {"a place that the data have not", [](File& f) { f.columns["index"][0] = 500; }, "500"},
      {"a negative place", [](File& f) { f.columns["index"][0] = -1; }, "-1"},
      {"a label that is no class", [](File& f) { f.columns["labels"][0] = 10; }, "labels"},
      {"a target that is no class", [](File& f) { f.columns["targets"][0] = 10; }, "targets"},
      {"an attack that the file has not", [](File& f) { f.columns["attack"][0] = 1; }, "attack"},
      {"a success that is neither", [](File& f) { f.columns["success"][0] = 2; }, "success"},
      {"fewer labels than images", [](File& f) { f.columns["labels"].pop_back(); }, "labels"},
      {"an attack without a budget", [](File& f) { f.spec = "pgd:norm=linf"; }, "eps"},
      {"another model",
       [](File& f) {
         f.take("model_sha256");
         f.others.push_back({"model_sha256", Array::of(std::string(64, 'a'))});
       },
       "sha256"},
  };
  return all;
}

TEST_F(CliCheck, EveryLieIsRejected) {
  const File honest = attacked("pgd:eps=0.05,steps=5");
  const cli::Outcome truth = check(honest);
  EXPECT_EQ(truth.code, 0) << truth.out << truth.err;
  EXPECT_NE(truth.out.find("rejected            0"), std::string::npos) << truth.out;
  for (const Lie& lie : lies()) {
    File file = honest;
    lie.tell(file);
    std::filesystem::remove(folder_ / "lie.json");
    const cli::Outcome outcome =
        lie.arguments.starts_with("--data")
            ? (write("lie.npz", file.bytes()), hans(text("check lie.npz --model m.hans ", lie.arguments)))
            : check(file, lie.arguments);
    EXPECT_NE(outcome.code, 0) << lie.name;
    const std::string& said = outcome.err.empty() ? outcome.out : outcome.err;
    const std::string::size_type rejected = outcome.err.empty() ? said.find("rejected") : 0;
    ASSERT_NE(rejected, std::string::npos) << lie.name << "\n" << said;
    EXPECT_NE(said.find(lie.finding, rejected), std::string::npos)
        << lie.name << ": no '" << lie.finding << "' in " << said;
  }
  EXPECT_GE(lies().size(), 30U);
}

TEST_F(CliCheck, LeavingABallByOneStepInTheOtherNorms) {
  struct Case {
    std::string spec;
    std::function<void(File&)> leave;
  };
  const std::vector<Case> cases{{"pgd:eps=2,norm=l2,steps=5",
                                 [](File& f) {
                                   leave_ball(f, 2, [](File& file, std::size_t row) {
                                     return std::sqrt(sum_of(file, row, [](double x) { return x * x; }));
                                   });
                                 }},
                                {"pgd:eps=15,norm=l1,steps=5",
                                 [](File& f) {
                                   leave_ball(f, 15, [](File& file, std::size_t row) {
                                     return sum_of(file, row, [](double x) { return std::abs(x); });
                                   });
                                 }},
                                {"jsma:max_features=20", [](File& f) {
                                   const std::size_t row = f.first(true);
                                   for (std::size_t k = 0; k < f.features; ++k) {
                                     if (f.pixel(row, k) == f.original(row, k))
                                       f.pixel(row, k) = f.original(row, k) > 0.5F ? 0.0F : 0.9F;
                                   }
                                 }}};
  for (const Case& one : cases) {
    File file = attacked(one.spec);
    EXPECT_EQ(check(file).code, 0) << one.spec;
    one.leave(file);
    const cli::Outcome outcome = check(file);
    EXPECT_EQ(outcome.code, 1) << one.spec;
    EXPECT_NE(outcome.out.find("1: outside the ball"), std::string::npos) << one.spec << outcome.out;
  }
}

TEST_F(CliCheck, AnotherModelIsNotFooledBecauseTheFileSaysSo) {
  File file = attacked("pgd:eps=0.05,steps=5");
  output("train --data mnist-5k --model mlp --epochs 1 --quiet --out other.hans");
  write("a.npz", file.bytes());
  cli::expect_refused(hans("check a.npz --model other.hans --data mnist-5k"), 1, "hans transfer");
  file.take("model_sha256");
  write("a.npz", file.bytes());
  const cli::Outcome outcome = hans("check a.npz --model other.hans --data mnist-5k");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.out.find(": still the label"), std::string::npos) << outcome.out;
}

TEST_F(CliCheck, NoSuccessOfAnyAttackIsRejected) {
  std::string arguments;
  for (const attacks::AttackInfo& info : attacks::list_attacks()) append(arguments, text(" --attack ", info.example));
  output(text("attack m.hans --data mnist-5k --limit 5 --quiet --out a.npz", arguments));
  const std::string said = output("check a.npz --model m.hans --data mnist-5k --json a.json");
  const Json found = Json::parse(bytes("a.json"));
  EXPECT_GT(found.at("confirmed").integer(), 80) << said;
  EXPECT_EQ(found.at("rejected").items().size(), 0U) << said;
  EXPECT_LT(found.at("largest_difference").number(), 1e-4);
}

}  // namespace
}  // namespace hans::cli_check_test
