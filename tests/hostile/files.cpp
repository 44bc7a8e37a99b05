// Hostile model files, JSON and data.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <limits>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/core/json.hpp>
#include <hans/data/dataset.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/finish.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/safetensors.hpp>
#include <hans/nn/state_dict.hpp>
#include "../../data/detail/bytes.hpp"
#include "../../data/detail/checksum.hpp"
#include "../../data/detail/deflate.hpp"
#include "../../data/detail/gzip.hpp"

#include "hostile.hpp"
#include "use_network.hpp"

namespace hostile {

using hans::text;

std::int64_t extent(Random& random) {
  using Limits = std::numeric_limits<std::int64_t>;
  return random.of<std::int64_t>({0,
                                  0,
                                  1,
                                  2,
                                  7,
                                  28,
                                  255,
                                  4096,
                                  65536,
                                  1 << 22,
                                  -1,
                                  -1,
                                  -2,
                                  -3,
                                  -7,
                                  std::int64_t{1} << 31,
                                  std::int64_t{1} << 32,
                                  std::int64_t{1} << 40,
                                  Limits::max(),
                                  Limits::min(),
                                  Limits::max() / 2 + 1});
}

std::string damaged(std::string bytes, Random& random) {
  for (std::size_t times = 1 + random.below(4); times > 0 && !bytes.empty(); --times) {
    const std::size_t at = random.below(bytes.size()), length = random.below(std::min<std::size_t>(bytes.size(), 64));
    switch (random.below(6)) {
      case 0:
        bytes.resize(at);
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, bytes.substr(random.below(bytes.size()), length));
        break;
      default:
        bytes[at] = static_cast<char>(random.one_in(3) ? random.below(4) * 85 : random.below(256));
        break;
    }
  }
  return bytes;
}

// --- models ----------------------------------------------------------------------------------------------

namespace {

std::string number(Random& random) {
  return random.one_in(15) ? text(extent(random)) : text(random.of({1, 1, 2, 2, 3, 4, 5, 6, 8}));
}

std::string several(Random& random, std::string_view between, std::size_t most) {
  std::string all = number(random);
  for (std::size_t k = random.below(most); k > 0; --k) all += text(between, number(random));
  return all;
}

std::string some_layer(Random& random, std::size_t before) {
  const auto place = [&] { return random.one_in(4) ? std::string("input") : text(random.below(before + 1)); };
  switch (random.below(16)) {
    case 0:
      return text("conv2d:filters=", number(random), ",kernel=", several(random, "x", 2),
                  random.one_in(2) ? "" : text(",stride=", several(random, "x", 2)),
                  random.one_in(2) ? "" : text(",padding=", random.one_in(2) ? "same" : number(random)),
                  random.one_in(3) ? text(",dilation=", number(random)) : "",
                  random.one_in(4) ? text(",groups=", number(random)) : "");
    case 1:
      return text("conv_transpose2d:filters=", number(random), ",kernel=", number(random), ",size=", number(random));
    case 2:
      return text(random.of({"max_pool2d", "average_pool2d"}), ":kernel=", several(random, "x", 2),
                  random.one_in(2) ? "" : text(",stride=", number(random)), random.one_in(3) ? ",ceil=true" : "");
    case 3:
      return text("linear:units=", number(random));
    case 4:
      return text("reshape:shape=", several(random, "x", 6));
    case 5:
      return text("transpose:order=",
                  random.of({"0", "1/0", "2/0/1", "1/2/0", "0/0", "2/1", "0/1/2/3/4", "4/3/2/1/0"}));
    case 6:
      return text("take:axis=", random.below(5), ",count=", number(random), random.one_in(2) ? ",fill=-inf" : "");
    case 7:
      return text("concat:axis=", random.below(4), ",of=", place(), "/", place());
    case 8:
      return text("reduce:by=", random.of({"sum", "mean", "max", "min", "l2"}),
                  ",axes=", random.of({"0", "1", "0/1", "2", "0/1/2", "0/0"}), random.one_in(2) ? ",keep=true" : "");
    case 9:
      return text("constant:shape=", several(random, "x", 4), random.one_in(2) ? ",learnt=true" : "", ";",
                  random.of({"add", "multiply", "divide", "power", "prelu", "matmul", "equal", "maximum"}), ":of=",
                  random.one_in(5) ? place()
                  : before == 0    ? "input"
                                   : text(before - 1),
                  "/", before);
    case 10:
      return text(random.of({"add", "subtract", "matmul", "where", "greater"}), ":of=", place(), "/", place(),
                  random.one_in(2) ? "" : text("/", place()));
    case 11:
      return random.of<std::string>({"batch_norm", "instance_norm", "layer_norm:axes=1", "layer_norm:axes=3",
                                     "normalize:scale=2", "normalize:mean=0.5/0.5", "normalize:std=0"});
    case 12:
      return random.of<std::string>({"dropout:rate=0.5", "gaussian_noise:sigma=0.1", "clip:low=0,high=1", "gelu", "elu",
                                     "selu", "leaky_relu:slope=0.1", "hard_sigmoid"});
    default:
      return random.of<std::string>({"relu", "sigmoid", "tanh", "flatten", "softmax", "log_softmax", "round", "abs",
                                     "exp", "log", "sqrt", "erf", "softplus", "negate"});
  }
}

/// The network, if there is one and it is small.
hans::nn::Sequential network(const std::string& architecture) {
  return hans::nn::Sequential::parse(architecture, [](const std::string&, const hans::nn::WeightInfo& info) {
    hans::check(info.shape.elements() < 20000, "too large");
    return hans::Tensor::full(info.shape, info.trainable ? hans::real{0.25} : hans::real{0});
  });
}

bool usable(const std::string& architecture) {
  try {
    (void)network(architecture);
    return true;
  } catch (const hans::Error& error) {
    check_message(error);
    return false;
  }
}

void change(hans::nn::Safetensors& file, Random& random) {
  auto& [key, value] = file.metadata[random.below(file.metadata.size())];
  auto& tensors = file.tensors;
  const std::size_t which = tensors.empty() ? 0 : random.below(tensors.size());
  switch (tensors.empty() ? random.below(3) : random.below(8)) {
    case 0:
      value = damaged(value, random);
      break;
    case 1:
      file.metadata[1].second += ";" + some_layer(random, random.below(5));
      break;
    case 2:
      key = damaged(key, random);
      break;
    case 3:
      tensors.erase(tensors.begin() + static_cast<std::ptrdiff_t>(which));
      break;
    case 4:
      tensors[which].first = random.of<const char*>({"0.weight", "", "a\nb", "99.bias", "1.indices"});
      break;
    case 5:
      tensors[which].second = hans::Tensor::full({random.below(5), random.below(5)}, 0);
      break;
    case 6:
      for (hans::real& each : tensors[which].second.mutable_values()) each = random.of({-1.0F, 0.0F, 1e9F, 0.5F, 7.0F});
      break;
    default:
      tensors.push_back(tensors[which]);
      break;
  }
}

}  // namespace

std::string make_model(Random& random) {
  const std::string tail = ";flatten;linear:units=3";
  std::string architecture = random.of<std::string>({"4x4x1", "6x5x3", "1x9x1", "8x8x2", "1x1x1"});
  std::size_t layers = 0;
  for (std::size_t tries = 1 + random.below(12); tries > 0; --tries) {
    const std::string more = some_layer(random, layers);
    if (!usable(architecture + ";" + more + tail)) continue;
    architecture += ";" + more;
    layers += 1 + static_cast<std::size_t>(std::ranges::count(more, ';'));
  }
  hans::nn::Model model{network(architecture + tail)};
  if (random.one_in(4)) {
    hans::nn::round_to_float16(model.net);
    model.numbers = hans::nn::NumberType::float16;
  }
  std::string bytes = hans::nn::dump_model(model);
  if (random.one_in(2)) {
    hans::nn::Safetensors file = hans::nn::Safetensors::parse(bytes, "made");
    std::erase_if(file.metadata, [](const auto& entry) { return entry.first == "sha256"; });
    for (std::size_t times = 1 + random.below(2); times > 0; --times) change(file, random);
    try {
      bytes = file.dump();
    } catch (const hans::Error& error) {
      check_message(error);
    }
  }
  if (random.one_in(4)) {  // the header says other things, and the checksum is not asked for
    bytes.replace(8, 0, "");
    const std::size_t at = bytes.find(random.of({"\"shape\":[", "\"data_offsets\":[", "F32", "sha256", "format"}));
    if (at != std::string::npos) {
      const std::string changed =
          random.of<std::string>({"I64", "F16", "BF16", "\"shape\":[0,", "\"shape\":[-1,", "4294967296,"});
      bytes.replace(at, std::min(changed.size(), bytes.size() - at), changed);
    }
  }
  return random.one_in(3) ? damaged(std::move(bytes), random) : bytes;
}

void use_model(std::string_view bytes) {
  try {
    (void)hans::nn::parse_state_dict(bytes, "case");
  } catch (const hans::Error& error) {
    check_message(error);
  }
  use_network(hans::nn::parse_model(bytes, "case").net);
}

// --- JSON ------------------------------------------------------------------------------------------------

namespace {

void append_json(std::string& out, Random& random, int depth) {
  const auto list = [&](char open, char close, auto each) {
    out += open;
    const std::size_t count = random.one_in(20) ? random.below(5000) : random.below(6);
    for (std::size_t k = 0; k < count && out.size() < 100000; ++k) {
      if (k > 0) out += ',';
      each(k);
    }
    out += close;
  };
  switch (random.below(depth > 6 ? 6 : 9)) {
    case 0:
      out += random.of({"null", "true", "false", "nul", "0", "-0", "1e5", "1e999", "-", "18446744073709551615"});
      break;
    case 1:
      out +=
          random.of({"\"\"", "\"a\"", "\"\\u00e9\\n\"", "\"\\ud800\"", "\"\x80\"", "\"unending", "\"\\ud83d\\ude00\""});
      break;
    case 2:
    case 3:
      out += text(extent(random));
      break;
    case 4:
    case 5:
      out += text(static_cast<double>(random.below(1000)) / 7);
      break;
    case 6:
      list('{', random.one_in(40) ? ']' : '}', [&](std::size_t k) {
        out += text('"', random.one_in(30) ? std::size_t{0} : k, "\":");
        append_json(out, random, depth + 4);
      });
      break;
    default:
      list('[', random.one_in(40) ? '}' : ']', [&](std::size_t) { append_json(out, random, depth + 2); });
      break;
  }
}

}  // namespace

std::string make_json(Random& random) {
  std::string out;
  if (random.one_in(20)) out.append(random.below(200000), random.one_in(2) ? '[' : ' ');
  append_json(out, random, 0);
  return random.one_in(4) ? damaged(std::move(out), random) : out;
}

void use_json(std::string_view bytes) {
  const std::string written = hans::Json::parse(bytes).dump();
  if (hans::Json::parse(written).dump() != written) throw Wrong("JSON that is not read back as it was written");
}

// --- data ------------------------------------------------------------------------------------------------

namespace {

std::string gzipped(const std::string& bytes) {
  std::string out("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
  out += hans::data::deflate(bytes);
  hans::data::put_little(out, hans::data::crc32(bytes));
  hans::data::put_little(out, static_cast<std::uint32_t>(bytes.size()));
  return out;
}

std::string some_idx(Random& random) {
  const std::size_t rank = random.one_in(10) ? random.below(8) : random.of({1U, 3U, 3U, 4U});
  std::string out;
  hans::data::put_big(out, static_cast<std::uint32_t>(random.one_in(20) ? random.bits() : 0x800 + rank));
  std::uint64_t bytes = 1;
  for (std::size_t k = 0; k < rank; ++k) {
    const auto each = static_cast<std::uint32_t>(random.one_in(8) ? extent(random) : random.of({1, 2, 3, 28}));
    hans::data::put_big(out, each);
    bytes = std::min<std::uint64_t>(bytes * each, std::uint64_t{1} << 20);
  }
  if (random.one_in(10)) bytes = random.below(100000);
  if (random.one_in(300)) bytes = std::uint64_t{1} << 28;
  out.append(static_cast<std::size_t>(bytes), '\x07');
  return out;
}

}  // namespace

std::string make_data(Random& random) {
  if (random.one_in(2)) {
    std::string idx = some_idx(random);
    if (!random.one_in(3) || idx.size() > 1 << 20) idx = gzipped(idx);
    return random.one_in(4) ? damaged(std::move(idx), random) : idx;
  }
  const std::size_t count = 1 + random.below(4), side = 1 + random.below(4);
  const hans::Shape shape{count, side, side};
  const std::vector<float> pixels(shape.elements(), random.of({0.0F, 0.5F, 1.0F, 2.0F}));
  const std::vector<std::int64_t> labels(count, random.one_in(5) ? extent(random) : 3);
  std::vector<hans::data::NamedArray> arrays{{"images", hans::data::Array::of(shape, pixels)},
                                             {"labels", hans::data::Array::of({count}, labels)}};
  if (random.one_in(6)) std::swap(arrays[0].second, arrays[1].second);
  if (random.one_in(6)) arrays.push_back(arrays[0]);
  std::string bytes = hans::data::write_npz(arrays);
  return random.one_in(2) ? damaged(std::move(bytes), random) : bytes;
}

void use_data(std::string_view bytes) {
  namespace fs = std::filesystem;
  static const fs::path folder = [] {
    const fs::path made = fs::temp_directory_path() / text("hans_hostile_", reinterpret_cast<std::uintptr_t>(&folder));
    fs::create_directories(made);
    return made;
  }();
  const auto write = [](const char* name, std::string_view content) {  // without waiting for the disk
    std::ofstream(folder / name, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
  };
  if (hans::data::is_npz(bytes)) {
    write("case.npz", bytes);
    (void)hans::data::load((folder / "case.npz").string()).sha256();
    return;
  }
  for (const char* name : {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) write(name, bytes);
  const auto load = [&] { (void)hans::data::load(folder.string()).sha256(); };
  try {
    load();
  } catch (const hans::Error& error) {
    check_message(error);
  }
  std::string labels;
  for (const std::uint32_t each : {0x801U, 2U}) hans::data::put_big(labels, each);
  write("t10k-labels-idx1-ubyte", labels + std::string("\1\2", 2));
  load();
}

}  // namespace hostile
