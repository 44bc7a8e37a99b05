// The golden computations of bounds and certificates.
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "bits.hpp"

namespace bits {
namespace {

using namespace hans;

void add(std::string& all, double value) { append(all, text(std::bit_cast<std::uint64_t>(value), " ")); }

template <class Value>
void add(std::string& all, const std::vector<Value>& values) {
  for (const Value value : values) add(all, static_cast<double>(value));
}

}  // namespace

std::string bounds() {
  std::string all;
  for (
      const char* architecture :
      {"7x6x2;conv2d:filters=6,kernel=3,padding=1;batch_norm;relu;conv2d:filters=6,kernel=3,padding=1,groups=2;add:of=2/3;"
       "leaky_relu;max_pool2d:kernel=2;flatten;linear:units=9;relu;linear:units=4",
       "5x5x1;normalize:mean=0.3,std=0.5;flatten;linear:units=9;sigmoid;linear:units=8;tanh;linear:units=7;gelu;linear:"
       "units=6;elu;linear:units=5;softplus;linear:units=3;softmax"}) {
    const nn::Sequential net = nn::Sequential::parse(architecture, Rng(3));
    const data::Samples samples = random_images(19, net.input()).first(19);
    std::vector<int> labels = samples.labels;
    for (int& label : labels) label %= static_cast<int>(net.classes());
    for (const nn::BoundMethod method :
         {nn::BoundMethod::ibp, nn::BoundMethod::crown_ibp, nn::BoundMethod::crown, nn::BoundMethod::alpha}) {
      for (const Norm norm : {Norm::linf, Norm::l2, Norm::l1}) {
        const nn::MarginBounds found =
            nn::bound_margins(net, samples.images, labels, {norm, 0.05F}, {.method = method, .steps = 3});
        add(all, found.bound);
        add(all, found.float32_bound);
      }
    }
  }
  return sha256(all);
}

std::string certificates() {
  std::string all;
  const nn::Sequential net = nn::Sequential::parse(
      "6x6x1;conv2d:filters=6,kernel=3,stride=2;relu;flatten;linear:units=16;relu;linear:units=12;relu;linear:units=3",
      Rng(4));
  data::Samples samples = random_images(40, net.input()).first(40);
  samples.labels = nn::predict(net, samples.images);
  for (const float eps : {0.02F, 0.06F, 0.12F}) {
    for (const defenses::Certificate& one :
         defenses::certify(net, samples, {.eps = eps, .nodes = 200, .proofs = true})) {
      add(all, std::vector{static_cast<double>(one.certainty), one.bound, static_cast<double>(one.nodes)});
      if (!one.proof) continue;
      add(all, one.proof->bound);
      add(all, one.proof->tree);
      add(all, one.proof->slopes);
      add(all, one.proof->multipliers);
    }
  }
  return sha256(all);
}

}  // namespace bits
