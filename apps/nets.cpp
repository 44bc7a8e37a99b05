// Trained networks that hans ships: their files, how each was made, and what is known of them.
#include "nets.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/text.hpp>

namespace hans::apps {

namespace fs = std::filesystem;

namespace embedded_nets {  // in the source that data/embed.cmake makes
extern const unsigned char mnist_linf0_1[];
extern const unsigned long mnist_linf0_1_size;
extern const unsigned char mnist_linf0_3[];
extern const unsigned long mnist_linf0_3_size;
extern const unsigned char mnist_linf0_1_tiny[];
extern const unsigned long mnist_linf0_1_tiny_size;
}  // namespace embedded_nets

namespace {

std::string_view bytes_of(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

/// The folder of the command that runs, or empty where the system does not tell.
fs::path command_folder() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

}  // namespace

std::span<const Net> list_nets() {
  static const std::array<Net, 4> nets{{
      {.name = "mnist-linf0.1",
       .meaning = "holds within 0.1",
       .input = "28x28x1",
       .parameters = 166406,
       .command =
           "hans train --data mnist --model convsmall --epochs 50 --batch 256 --optimizer adam:rate=0.001 --clip 10 "
           "--init intervals --defense mtl-ibp:eps=0.15,alpha=0.1 --statistics population --weights float16 "
           "--out mnist-linf0.1.hans",
       .sha256 = "af79e417fc548f1780ba8dc6390950fe562545ed9ea2e06cef02fcb474ced5fc",
       .weights_sha256 = "9b74f13af62858e75176831ac67fa85351eeca70f51c1623d3399ca87977b366",
       .data = "mnist/test",
       .eps = 0.1F,
       .images = 10000,
       .right = 9863,
       .certified = 9698,
       .attacked = 164,
       .embedded = bytes_of(embedded_nets::mnist_linf0_1, embedded_nets::mnist_linf0_1_size)},
      {.name = "mnist-linf0.3",
       .meaning = "holds within 0.3",
       .input = "28x28x1",
       .parameters = 166406,
       .command =
           "hans train --data mnist --model convsmall --epochs 50 --batch 256 --optimizer adam:rate=0.001 --clip 10 "
           "--init intervals --defense ibp:eps=0.3 --statistics population --weights float16 "
           "--out mnist-linf0.3.hans",
       .sha256 = "d7c3545de405e034223dee22a83924330e7028f28c2d0d81a4297b2ac2a571c4",
       .weights_sha256 = "f14452c334bc57a55f8a4cf506d5aa857b87693c883683431c1453b5f1c7a430",
       .data = "mnist/test",
       .eps = 0.3F,
       .images = 10000,
       .right = 9674,
       .certified = 8964,
       .attacked = 704,
       .embedded = bytes_of(embedded_nets::mnist_linf0_3, embedded_nets::mnist_linf0_3_size)},
      {.name = "mnist-linf0.1-tiny",
       .meaning = "holds within 0.1, and fits on a board",
       .input = "28x28x1",
       .parameters = 42554,
       .command = "hans train --data mnist --model '28x28x1;conv2d:filters=16,kernel=4,stride=2,padding=1,bias=false;"
                  "batch_norm;relu;conv2d:filters=16,kernel=4,stride=2,padding=1,bias=false;batch_norm;relu;flatten;"
                  "linear:units=48,bias=false;batch_norm;relu;linear:units=10' --epochs 60 --batch 256 "
                  "--optimizer adam:rate=0.001 --clip 10 --init intervals --defense mtl-ibp:eps=0.15,alpha=0.1 "
                  "--statistics population --weights float16 --out mnist-linf0.1-tiny.hans",
       .sha256 = "94d4a27978142b62af6cbc6b3f9ba3e9de91c2df78579c69633e7d19e47d2de1",
       .weights_sha256 = "ae2ec1f62a4bf876bdf2687bab942ab12cbccef2625fbf2803fe4a5446b8f504",
       .data = "mnist/test",
       .eps = 0.1F,
       .images = 10000,
       .right = 9835,
       .certified = 9589,
       .attacked = 242,
       .embedded = bytes_of(embedded_nets::mnist_linf0_1_tiny, embedded_nets::mnist_linf0_1_tiny_size)},
      {.name = "fashion-linf0.1",
       .meaning = "holds within 0.1 on Fashion-MNIST",
       .input = "28x28x1",
       .parameters = 839018,
       .command =
           "hans train --data fashion-mnist --model '28x28x1;conv2d:filters=32,kernel=4,stride=2,padding=1,bias=false;"
           "batch_norm;relu;conv2d:filters=64,kernel=4,stride=2,padding=1,bias=false;batch_norm;relu;flatten;"
           "linear:units=256,bias=false;batch_norm;relu;linear:units=10' --epochs 40 --batch 256 "
           "--optimizer adam:rate=0.0005 --schedule steps:at=0.7/0.85,factor=0.2 --augment augment:shift=1 "
           "--clip 10 --init intervals --defense ibp:eps=0.1,l1=1e-6,regularize=0.5 --held-out 1000 "
           "--statistics population --weights float16 --out fashion-linf0.1.hans",
       .sha256 = "b8989128dbf1a4dd0165ce27e6ae5121a87cd764dd2eb05094e612ef53ab0efe",
       .weights_sha256 = "68d79b7e8d3ef39069bde07180a1882698309873b62cd5bae2fa5f1bd27f14e6",
       .data = "fashion-mnist/test",
       .eps = 0.1F,
       .images = 10000,
       .right = 8319,
       .certified = 7522,
       .attacked = 794},
  }};
  return nets;
}

const Net* find_net(std::string_view word) {
  const std::span<const Net> all = list_nets();
  const auto found =
      std::ranges::find_if(all, [word](const Net& net) { return net.name == word || net.sha256 == word; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> net_folders() {
  std::vector<std::string> all;
  if (const char* const own = std::getenv("HANS_NETS"); own != nullptr && *own != '\0') all.emplace_back(own);
  all.emplace_back("data/nets");
  if (const fs::path folder = command_folder(); !folder.empty()) {
    all.push_back((folder.parent_path() / "share" / "hans" / "nets").string());
  }
  return all;
}

std::optional<std::string> net_path(const Net& net) {
  if (!net.embedded.empty()) return {};
  for (const std::string& folder : net_folders()) {
    const fs::path path = fs::path(folder) / text(net.name, ".hans");
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored) && sha256(read_file(path)) == net.sha256) return path.string();
  }
  return {};
}

std::string net_bytes(const Net& net) {
  if (!net.embedded.empty()) return std::string(net.embedded);
  const std::optional<std::string> path = net_path(net);
  std::string searched;
  for (const std::string& folder : net_folders()) append(searched, text(searched.empty() ? "" : ", ", folder));
  check(path.has_value(), "the network ", net.name, " is not here: no file ", net.name, ".hans with sha256 ",
        net.sha256, " in ", searched, "; set HANS_NETS to its folder");
  return read_file(*path);
}

}  // namespace hans::apps
