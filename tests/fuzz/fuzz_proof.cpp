// Fuzz target: proofs. An .npz file is read or refused, and what was read is written and read back the same. Other
// bytes are the tree, lists and numbers of a proof about a small network: whatever they are, no bound is above what the
// network computes at the corners of the box.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/rng.hpp>
#include <hans/defenses/proof_file.hpp>
#include <hans/nn/model_file.hpp>
#include "../../apps/checker/network.hpp"
#include "../../apps/checker/proof.hpp"

namespace {

using namespace hans;

void read_file_of_proofs(std::string_view file) {
  std::string once;
  try {
    once = defenses::proof_file(defenses::parse_proof(file));
  } catch (const Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    return;
  }
  if (defenses::proof_file(defenses::parse_proof(once)) != once) std::abort();
}

/// The next numbers of the input; 0 behind its end.
struct Input {
  std::span<const std::uint8_t> bytes;

  std::uint8_t next() {
    const std::uint8_t byte = bytes.empty() ? std::uint8_t{0} : bytes.front();
    bytes = bytes.subspan(std::min<std::size_t>(1, bytes.size()));
    return byte;
  }
  std::vector<std::int32_t> list(std::size_t most) {
    std::vector<std::int32_t> numbers(next() % (most + 1));
    for (std::int32_t& number : numbers) number = static_cast<std::int8_t>(next());
    return numbers;
  }
};

/// The least lead of a class at the corners of the box.
double least_lead(const checker::Network& net, std::span<const float> image, std::size_t label, float eps) {
  double least = HUGE_VAL;
  for (unsigned corner = 0; corner < 16; ++corner) {
    std::vector<float> moved(image.begin(), image.end());
    for (unsigned k = 0; k < 4; ++k) {
      const float to = std::clamp(moved[k] + ((corner >> k & 1U) != 0 ? eps : -eps), 0.0F, 1.0F);
      if (std::abs(double{to} - double{moved[k]}) <= double{eps}) moved[k] = to;
    }
    const std::vector<double> logits = net.logits(moved);
    for (std::size_t c = 0; c < 3; ++c) least = c == label ? least : std::min(least, logits[label] - logits[c]);
  }
  return least;
}

void check_proof_of(Input input) {
  static const std::string model = nn::dump_model(
      nn::Model{nn::Sequential::parse("4x1x1;flatten;linear:units=4;relu;linear:units=4;relu;linear:units=3", Rng(3))});
  static const checker::Network net(model, "the model");
  constexpr float image[] = {0.1F, 0.5F, 0.75F, 0.9F};
  const std::vector<double> logits = net.logits(image);
  const auto label = static_cast<std::size_t>(std::ranges::max_element(logits) - logits.begin());
  const float eps = static_cast<float>(input.next()) / 512;
  const std::vector<std::int32_t> ties = input.list(8), tree = input.list(30), slope_units = input.list(8);
  std::vector<float> multipliers(input.next());
  for (float& multiplier : multipliers) multiplier = static_cast<float>(static_cast<std::int8_t>(input.next())) / 64;
  checker::Proof proof;
  proof.image = image;
  proof.label = proof.stated_label = static_cast<int>(label);
  proof.stated_sha256 = Sha256().add(std::span(image)).hex();
  proof.bound = 1e-30;
  proof.ties = ties;
  proof.tree = tree;
  proof.slope_units = slope_units;
  const checker::Proofs proofs{{proof}, input.bytes, multipliers, double{eps}, 0, 1};
  const checker::Proved found = checker::check_proofs(model, "the model", proofs, 1)[0];
  if (found.bound > least_lead(net, image, label, eps) || (found.reason.empty() && !(found.bound > 0))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0 && data[0] == 'P') {
    read_file_of_proofs({reinterpret_cast<const char*>(data), size});
  } else {
    check_proof_of({{data, size}});
  }
  return 0;
}
