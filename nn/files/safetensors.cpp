// The safetensors format: named tensors with text metadata.
#include <hans/nn/safetensors.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/json.hpp>
#include "../../data/detail/bytes.hpp"

namespace hans::nn {
namespace {

using Bits = std::conditional_t<sizeof(real) == 4, std::uint32_t, std::uint64_t>;
constexpr std::string_view dtype = sizeof(real) == 4 ? "F32" : "F64";
constexpr std::string_view half_dtype = "F16";
constexpr std::uint64_t most_header = std::uint64_t{1} << 26;

/// The number types that we read, converted to the nearest real. Integers occur in e.g. torch's num_batches_tracked.
struct ReadType {
  std::string_view name;
  std::size_t width;
  double (*read)(const char* at);
};
constexpr std::array<ReadType, 6> number_types{{
    {"F32", 4, [](const char* at) { return double{std::bit_cast<float>(data::little<std::uint32_t>(at))}; }},
    {"F64", 8, [](const char* at) { return std::bit_cast<double>(data::little<std::uint64_t>(at)); }},
    {half_dtype, 2, [](const char* at) { return double{data::half_number(data::little<std::uint16_t>(at))}; }},
    {"BF16", 2, [](const char* at) { return double{data::brain_number(data::little<std::uint16_t>(at))}; }},
    {"I64", 8,
     [](const char* at) { return static_cast<double>(static_cast<std::int64_t>(data::little<std::uint64_t>(at))); }},
    {"I32", 4,
     [](const char* at) { return static_cast<double>(static_cast<std::int32_t>(data::little<std::uint32_t>(at))); }},
}};

std::string numbers(const std::string& name, const Tensor& tensor, NumberType type) {
  std::string out;
  out.reserve(tensor.size() * sizeof(real));
  for (const real value : tensor.values()) {
    if (type == NumberType::float32) {
      data::put_little(out, std::bit_cast<Bits>(value));
      continue;
    }
    const std::optional<std::uint16_t> bits = data::half_bits(double{value});
    check(bits && double{data::half_number(*bits)} == double{value}, "tensor ", in_quotes(name), " holds ", value,
          ", which is no float16");
    data::put_little(out, *bits);
  }
  return out;
}

/// The stored bytes of each tensor.
std::vector<std::string> all_numbers(const Safetensors& file) {
  std::vector<std::string> all;
  for (const auto& [name, tensor] : file.tensors) all.push_back(numbers(name, tensor, file.numbers));
  return all;
}

/// Each piece is preceded by its length, so that moving a byte between pieces changes the hash.
void add_piece(Sha256& hash, std::string_view piece) { hash.add_u64(piece.size()).add(piece); }

template <class Bytes>
void add_tensors(Sha256& hash, const Safetensors& file, const std::vector<Bytes>& bytes) {
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    add_piece(hash, file.tensors[k].first);
    add_piece(hash, text(file.tensors[k].second.shape()));
    add_piece(hash, bytes[k]);
  }
}

/// The hash of metadata and tensors; `bytes` are the stored bytes of each tensor.
template <class Bytes>
std::string checksum(const Safetensors& file, const std::vector<Bytes>& bytes) {
  Sha256 hash;
  for (const auto& [key, value] : file.metadata) {
    if (key == "sha256") continue;
    add_piece(hash, key);
    add_piece(hash, value);
  }
  add_tensors(hash, file, bytes);
  return hash.hex();
}

Tensor read_tensor(const Json& entry, std::string_view data, const std::string& what) {
  const std::string& kind = entry.at("dtype").string();
  const auto type = std::ranges::find(number_types, std::string_view(kind), &ReadType::name);
  check(type != number_types.end(), what, " has numbers of type ", in_quotes(kind),
        "; read are F32, F64, F16, BF16, I64 and I32");
  const std::size_t width = type->width;
  std::vector<std::size_t> extents;
  for (const Json& extent : entry.at("shape").items()) {
    check(extent.is_integer() && extent.integer() >= 0, what, " has a shape with an extent that is no count");
    extents.push_back(static_cast<std::size_t>(extent.integer()));
  }
  const Shape shape{std::span<const std::size_t>(extents)};
  const Json::Array& offsets = entry.at("data_offsets").items();
  check(offsets.size() == 2, what, " needs two data_offsets, not ", offsets.size());
  const std::int64_t begin = offsets[0].integer();
  const std::int64_t end = offsets[1].integer();
  check(begin >= 0 && begin <= end && static_cast<std::uint64_t>(end) <= data.size() &&
            static_cast<std::uint64_t>(end - begin) / width == shape.elements() &&
            static_cast<std::uint64_t>(end - begin) % width == 0,
        what, " of shape ", shape, " cannot be bytes ", begin, " to ", end, " of ", data.size());
  Tensor tensor = Tensor::uninitialised(shape);
  std::size_t at = static_cast<std::size_t>(begin);
  for (real& value : tensor.mutable_values()) {
    value = static_cast<real>(type->read(data.data() + at));
    check(std::isfinite(value), what, " holds a number that is not finite, at byte ", at);
    at += width;
  }
  return tensor;
}

}  // namespace

const std::string* Safetensors::find(std::string_view key) const {
  const auto found = std::ranges::find_if(metadata, [key](const auto& entry) { return entry.first == key; });
  return found == metadata.end() ? nullptr : &found->second;
}

const std::string& Safetensors::at(std::string_view key) const {
  const std::string* found = find(key);
  check(found != nullptr, "the file's metadata has no '", key, "'");
  return *found;
}

const Tensor& Safetensors::tensor(std::string_view name) const {
  const auto found = std::ranges::find_if(tensors, [name](const auto& entry) { return entry.first == name; });
  check(found != tensors.end(), "the file has no tensor '", name, "'");
  return found->second;
}

std::string Safetensors::tensors_sha256() const {
  Sha256 hash;
  add_tensors(hash, *this, all_numbers(*this));
  return hash.hex();
}

std::string Safetensors::dump() const {
  const std::vector<std::string> data = all_numbers(*this);
  Json about = Json::object();
  for (const auto& [key, value] : metadata) about.set(key, value);
  about.set("sha256", checksum(*this, data));
  Json::Object header;
  header.emplace_back("__metadata__", std::move(about));
  std::uint64_t offset = 0;
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    const auto& [name, tensor] = tensors[k];
    Json shape = Json::array();
    for (const std::size_t extent : tensor.shape()) shape.push(extent);
    Json entry = Json::object();
    entry.set("dtype", numbers == NumberType::float16 ? half_dtype : dtype).set("shape", std::move(shape));
    entry.set("data_offsets", Json::array({offset, offset + data[k].size()}));
    header.emplace_back(name, std::move(entry));
    offset += data[k].size();
  }
  std::string head = Json::object(std::move(header)).dump();
  head.append((8 - head.size() % 8) % 8, ' ');  // keeps the numbers aligned
  std::string file;
  data::put_little(file, std::uint64_t{head.size()});
  file.reserve(file.size() + head.size() + offset);
  file += head;
  for (const std::string& numbers_of_one : data) file += numbers_of_one;
  return file;
}

void refuse_foreign(std::string_view bytes, std::string_view where) {
  if (bytes.size() > 8 && bytes[8] == '{') return;  // as safetensors files do, whatever the length before it looks like
  const std::string_view start = bytes.substr(0, 4096);
  const bool archive = start.starts_with("PK") && start.find("data.pkl") != start.npos;
  check(!archive && !(start.size() > 1 && start[0] == '\x80' && start[1] >= 2 && start[1] <= 5), where,
        " is a PyTorch pickle, which is a program and not read; in Python write torch.onnx.export(model, "
        "torch.zeros(1, channels, height, width), 'model.onnx', dynamo=False), or "
        "safetensors.torch.save_file(model.state_dict(), 'model.safetensors') for hans convert --model");
  check(!start.starts_with("\x89HDF"), where,
        " is an HDF5 file, as Keras writes it; in Python write tf2onnx.convert.from_keras(model, "
        "output_path='model.onnx')");
}

Safetensors Safetensors::parse(std::string_view bytes, std::string_view where) {
  refuse_foreign(bytes, where);
  try {
    check(bytes.size() >= 8, "it has ", bytes.size(), " bytes, too few for a header length");
    const auto length = data::little<std::uint64_t>(bytes.data());
    check(length <= most_header && length <= bytes.size() - 8, "its header of ", length,
          " bytes does not fit a file of ", bytes.size());
    const Json header = Json::parse(bytes.substr(8, static_cast<std::size_t>(length)));
    const std::string_view data = bytes.substr(8 + static_cast<std::size_t>(length));
    Safetensors file;
    std::vector<std::pair<std::int64_t, std::int64_t>> used;
    std::vector<std::string_view> stored;
    for (const auto& [name, entry] : header.members()) {
      if (name == "__metadata__") {
        for (const auto& [key, value] : entry.members()) file.metadata.emplace_back(key, value.string());
        continue;
      }
      file.tensors.emplace_back(name, read_tensor(entry, data, text("tensor ", in_quotes(name))));
      const Json::Array& offsets = entry.at("data_offsets").items();
      const auto& [begin, end] = used.emplace_back(offsets[0].integer(), offsets[1].integer());
      stored.push_back(data.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)));
    }
    const auto& members = header.members();
    const bool half = !file.tensors.empty() && std::ranges::all_of(members, [](const auto& member) {
      return member.first == "__metadata__" || member.second.at("dtype").string() == half_dtype;
    });
    if (half) file.numbers = NumberType::float16;
    std::ranges::sort(used);
    std::int64_t end = 0;
    for (const auto& [first, last] : used) {
      check(first == end, "its tensors leave a gap or overlap at byte ", first);
      end = last;
    }
    check(static_cast<std::uint64_t>(end) == data.size(), "it has ", data.size(), " bytes of numbers, its tensors ",
          end);
    if (const std::string* sum = file.find("sha256")) {
      check(*sum == checksum(file, stored),
            "its checksum does not match: it was changed or damaged after it was written");
    }
    return file;
  } catch (const Error& error) {
    throw Error(text(where, " is not a usable safetensors file: ", error.what()));
  }
}

}  // namespace hans::nn
