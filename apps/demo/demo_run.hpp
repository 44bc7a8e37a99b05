// What the demo computes: two networks under the attacks of one ball and under jsma, on the embedded digits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "../report/gallery.hpp"
#include "../run/run.hpp"

namespace hans::apps {

/// What is to be computed; the same plan gives the same findings, bit for bit.
struct DemoPlan {
  std::string model = "v1";
  unsigned epochs = 6;
  unsigned batch = 32;  ///< small, so that a few epochs of few digits are enough steps
  std::uint64_t seed = 0;
};

/// The file of a network: "v1.hans", "v1-adversarial.hans".
std::string demo_file(const DemoPlan& plan, bool adversarial);

/// How far it is: the part under way, what of it is done, and a remark.
using DemoProgress =
    std::function<void(std::string_view part, std::uint64_t done, std::uint64_t total, std::string_view note)>;

inline constexpr std::string_view demo_data = "mnist-5k";
inline constexpr std::string_view demo_eps = "0.3";

/// The attacks on all test images, all in one ball, and their places.
inline constexpr std::array<std::string_view, 3> demo_attacks{"fgsm:eps=0.3", "noise:eps=0.3", "pgd:eps=0.3"};
inline constexpr std::size_t demo_fgsm = 0, demo_noise = 1, demo_pgd = 2;

inline constexpr std::array<std::string_view, 1> demo_jsma{"jsma:gamma=0.145,theta=1"};

/// The network in the box that holds, the attack in its ball, and how far its certificates branch.
inline constexpr std::string_view demo_net = "mnist-linf0.1-tiny", demo_net_eps = "0.1";
inline constexpr std::array<std::string_view, 1> demo_net_attacks{"pgd:eps=0.1"};
inline constexpr Certifying demo_certifying{defenses::CertifyMethod::complete, 1000};

/// The eps of fgsm in the chart, rising.
inline constexpr std::array<std::string_view, 9> demo_curve{"0.05", "0.1", "0.15", "0.2", "0.25",
                                                            "0.3",  "0.4", "0.5",  "0.6"};

/// A run, with images, and what is to be said of its numbers.
struct DemoRun {
  Run run;
  attacks::Judgement judgement;

  const attacks::Evaluation& found() const { return run.found; }
  const attacks::AttackResult& attack(std::size_t k) const { return run.found.attacks[k]; }
  const attacks::Reliability& said(std::size_t k) const { return judgement.attacks[k][0]; }
  attacks::Share right() const { return run.found.of_all(run.found.right); }
  attacks::Share robust(std::size_t k) const { return run.found.of_all(attack(k).robust_count); }
  std::string_view verdict(std::size_t k) const { return enum_name(said(k).verdict); }
  BallCounts ball() const { return run.certified.at(0).counts(); }  ///< of a run that certifies
};

/// One network and what was found about it.
struct DemoNet {
  NamedModel named;
  std::string command;                ///< that trains it
  DemoRun linf;                       ///< all test images, demo_attacks
  DemoRun jsma;                       ///< the first images, aimed at every other class
  std::vector<attacks::Share> curve;  ///< robust under fgsm, of the images that are right, for each of demo_curve

  const Subject& subject() const { return linf.run.plan.subject; }
};

struct DemoFindings {
  DemoPlan plan;
  std::string train_data, train_sha256;
  std::size_t train_size = 0;
  DemoNet plain, trained;  ///< trained on the digits as they are; on attacked digits as well
  DemoRun proved;          ///< demo_net under demo_net_attacks, and certified in their ball

  /// Both networks, and what they are called.
  std::array<std::pair<std::string_view, const DemoNet*>, 2> nets() const {
    return {{{"plain", &plain}, {"adversarially trained", &trained}}};
  }
};

/// Trains both networks and attacks them, then attacks and certifies the one in the box. Throws Error. Cost: about half
/// a minute on two cores.
DemoFindings run_demo(const DemoPlan& plan, const DemoProgress& progress);

/// A command, and what of the demo it gives again.
struct DemoCommand {
  std::string what, line;
};

/// The commands that give the same networks, numbers and verdicts, in order.
std::vector<DemoCommand> demo_commands(const DemoFindings& found);

/// What must be said beside the numbers of demo_net on these digits, and its numbers on others.
std::string seen_by_demo_net();

/// The first samples that attack `succeeds` fools and attack `fails` does not; where there are too few, those behind
/// them in line: fooled by the first attack, attempted at all.
std::vector<std::size_t> demo_examples(const DemoRun& made, std::size_t succeeds, std::size_t fails, std::size_t count);

/// The success of jsma on a 4 that changed fewest pixels; on another digit where no 4 was turned; null without
/// successes.
const attacks::Attempt* cheapest_attempt(const DemoNet& net);

}  // namespace hans::apps
