// What the demo computes: two networks, two attacks, on the embedded digits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <hans/apps/results.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace hans::apps {

/// What is to be computed; the same plan gives the same findings, bit for bit.
struct DemoPlan {
  std::string model = "v1";
  unsigned epochs = 6;
  unsigned batch = 32;  ///< small, so that a few epochs of few digits are enough steps
  std::uint64_t seed = 0;
};

/// How far it is: the part under way, what of it is done, and a remark.
using DemoProgress =
    std::function<void(std::string_view part, std::uint64_t done, std::uint64_t total, std::string_view note)>;

/// The eps of the fgsm curve, rising; the pictures and the sentences are about demo_eps[demo_shown].
inline constexpr std::array<std::string_view, 8> demo_eps{"0.05", "0.1", "0.15", "0.2", "0.25", "0.3", "0.35", "0.4"};
inline constexpr std::size_t demo_shown = 5;
inline constexpr std::string_view demo_jsma = "jsma:gamma=0.145,theta=1";
inline constexpr std::string_view demo_data = "mnist-5k";

/// One network and what was found about it.
struct DemoNet {
  std::string command;  ///< that trains it
  std::size_t parameters = 0;
  Subject subject;
  Request fgsm_request;
  attacks::Evaluation fgsm;  ///< all test images, an attack for each of demo_eps, with images
  Request jsma_request;
  attacks::Evaluation jsma;  ///< the first images, aimed at every other class, with images

  const attacks::AttackResult& shown() const { return fgsm.attacks[demo_shown]; }
  const attacks::AttackResult& saliency() const { return jsma.attacks[0]; }
};

struct DemoFindings {
  DemoPlan plan;
  std::string train_data, train_sha256;
  std::size_t train_size = 0;
  DemoNet plain, trained;      ///< learnt from the digits as they are; from attacked digits as well
  std::size_t jsma_limit = 0;  ///< how many of the first test images jsma starts from
  std::vector<std::size_t>
      sources;  ///< of each class the first image of those that the plain network reads; none: jsma_limit
};

/// Trains both networks and attacks them. Throws Error.
DemoFindings run_demo(const DemoPlan& plan, const DemoProgress& progress);

/// A command, and what of the demo it gives again.
struct DemoCommand {
  std::string what, line;
};

/// The commands that give the same networks and numbers, in order.
std::vector<DemoCommand> demo_commands(const DemoFindings& found);

/// The attempt of jsma that starts from `sample` and aims at `target`, or null.
const attacks::Attempt* find_attempt(const attacks::AttackResult& result, std::size_t sample, int target);

/// The success of jsma on a 4 that changed fewest pixels; on another digit where no 4 was turned; null without
/// successes.
const attacks::Attempt* cheapest_attempt(const DemoNet& net);

}  // namespace hans::apps
