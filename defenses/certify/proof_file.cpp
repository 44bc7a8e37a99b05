// The .npz file of proofs.
#include <hans/defenses/proof_file.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>

namespace hans::defenses {
namespace {

using data::Array;

constexpr std::string_view proof_format = "hans proof 1", proof_norm = "linf";
constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::size_t hash_bytes = 32;

std::string text_in(std::string_view file, std::string_view name) {
  return data::of_array(name, [&] { return data::read_npz(file, name).text(); });
}

void check_text(std::string_view file, std::string_view name, std::string_view wanted) {
  const std::string found = text_in(file, name);
  check(found == wanted, "its ", name, " is ", in_quotes(found), "; this version of hans checks ", in_quotes(wanted));
}

/// The array of that name, a list of numbers, or of rows.
template <class T>
std::vector<T> numbers_in(std::string_view file, std::string_view name, std::size_t row = 1) {
  const Array found = data::read_npz(file, name);
  return data::of_array(name, [&] {
    const std::size_t rank = row == 1 ? 1 : 2;
    check(found.shape.rank() == rank && (row == 1 || found.shape[1] == row), "the shape is ", found.shape, ", not ",
          row == 1 ? "that of a list" : text("rows of ", row));
    if constexpr (std::is_same_v<T, float>) {
      return found.floats();
    } else if constexpr (std::is_same_v<T, double>) {
      return found.doubles();
    } else {
      std::vector<T> numbers;
      for (const std::int64_t number : found.integers()) {
        check(number >= std::numeric_limits<T>::min() && number <= std::numeric_limits<T>::max(), "it holds ", number);
        numbers.push_back(static_cast<T>(number));
      }
      return numbers;
    }
  });
}

void check_offsets(std::string_view name, std::span<const std::int64_t> offsets, std::size_t count, std::size_t size) {
  check(offsets.size() == count + 1, name, " has ", offsets.size(), " offsets for ", count, " images, not ", count + 1);
  const bool ends = offsets.front() == 0 && offsets.back() == static_cast<std::int64_t>(size);
  check(ends && std::ranges::is_sorted(offsets), name, " does not rise from 0 to ", size, ", the size of its list");
}

void check_proof(const ProofFile& proofs) {
  const std::size_t count = proofs.index.size();
  for (const auto& [name, size] : {std::pair("labels", proofs.labels.size()),
                                   {"bound", proofs.bound.size()},
                                   {"image_sha256", proofs.image_sha256.size()}}) {
    check(size == count, name, " has ", size, " rows for ", count, " images");
  }
  for (std::size_t k = 0; k < count; ++k) {
    check(proofs.index[k] > (k == 0 ? -1 : proofs.index[k - 1]), "index does not rise at row ", k, ", ",
          proofs.index[k]);
  }
  check_offsets("ties_of", proofs.ties_of, count, proofs.ties.size());
  check_offsets("tree_of", proofs.tree_of, count, proofs.tree.size());
  check_offsets("slope_units_of", proofs.slope_units_of, count, proofs.slope_units.size());
  check(std::isfinite(proofs.eps) && proofs.eps >= 0, "eps is ", proofs.eps, ", which is no radius");
  const auto [low, high] = proofs.box;
  check(low < high, "the box is [", low, ",", high, "], which is none");
  if (!proofs.part) return;
  const auto [first, images, whole] = *proofs.part;
  check(first >= 0 && images >= 0 && first <= whole && images <= whole - first, "the part of ", images, " images from ",
        first, " does not fit ", whole);
  check(count == 0 || (proofs.index.front() >= first && proofs.index.back() < first + images), "it proves images ",
        count == 0 ? 0 : proofs.index.front(), " to ", count == 0 ? 0 : proofs.index.back(), ", its part is ", images,
        " images from ", first);
}

}  // namespace

void add_proof(ProofFile& file, const Certificate& certificate, std::span<const float> image) {
  check(certificate.proof.has_value(), "the certificate of image ", certificate.index, " has no proof");
  const Proof& proof = *certificate.proof;
  const auto add = [](auto& list, auto& offsets, const auto& more) {
    list.insert(list.end(), more.begin(), more.end());
    offsets.push_back(static_cast<std::int64_t>(list.size()));
  };
  file.index.push_back(certificate.index);
  file.labels.push_back(certificate.label);
  file.image_sha256.push_back(Sha256().add(image).hex());
  file.bound.push_back(proof.bound);
  add(file.ties, file.ties_of, proof.ties);
  add(file.tree, file.tree_of, proof.tree);
  add(file.slope_units, file.slope_units_of, proof.units);
  file.slopes.insert(file.slopes.end(), proof.slopes.begin(), proof.slopes.end());
  file.multipliers.insert(file.multipliers.end(), proof.multipliers.begin(), proof.multipliers.end());
}

void extend(ProofFile& file, const ProofFile& more) {
  const auto add = [](auto& list, const auto& others) { list.insert(list.end(), others.begin(), others.end()); };
  const auto add_behind = [](std::vector<std::int64_t>& offsets, const std::vector<std::int64_t>& others) {
    const std::int64_t end = offsets.back();
    for (std::size_t k = 1; k < others.size(); ++k) offsets.push_back(end + others[k]);
  };
  add(file.index, more.index);
  add(file.labels, more.labels);
  add(file.image_sha256, more.image_sha256);
  add(file.bound, more.bound);
  add(file.ties, more.ties);
  add_behind(file.ties_of, more.ties_of);
  add(file.tree, more.tree);
  add_behind(file.tree_of, more.tree_of);
  add(file.slope_units, more.slope_units);
  add_behind(file.slope_units_of, more.slope_units_of);
  add(file.slopes, more.slopes);
  add(file.multipliers, more.multipliers);
}

bool is_proof(const std::string& path) {
  const std::string file = read_file(path);
  try {
    const std::vector<std::string> names = data::npz_names(file);
    return std::ranges::count(names, "tree") > 0 && std::ranges::count(names, "images") == 0;
  } catch (const Error&) {
    return false;
  }
}

ProofFile parse_proof(std::string_view file) {
  check_text(file, "format", proof_format);
  check_text(file, "norm", proof_norm);
  ProofFile proofs;
  proofs.version = text_in(file, "version");
  proofs.model_sha256 = text_in(file, "model_sha256");
  proofs.data_sha256 = text_in(file, "data_sha256");
  const std::vector<float> eps = numbers_in<float>(file, "eps"), box = numbers_in<float>(file, "box");
  check(eps.size() == 1 && box.size() == 2, "eps has ", eps.size(), " numbers and box ", box.size(), ", not 1 and 2");
  proofs.eps = eps[0];
  proofs.box = {box[0], box[1]};
  proofs.index = numbers_in<std::int64_t>(file, "index");
  proofs.labels = numbers_in<std::int64_t>(file, "labels");
  const std::vector<std::uint8_t> hashes = numbers_in<std::uint8_t>(file, "image_sha256", hash_bytes);
  for (std::size_t k = 0; k < hashes.size(); ++k) {
    if (k % hash_bytes == 0) proofs.image_sha256.emplace_back();
    proofs.image_sha256.back().push_back(hex_digits[hashes[k] / 16]);
    proofs.image_sha256.back().push_back(hex_digits[hashes[k] % 16]);
  }
  proofs.bound = numbers_in<double>(file, "bound");
  proofs.ties = numbers_in<std::int32_t>(file, "ties");
  proofs.ties_of = numbers_in<std::int64_t>(file, "ties_of");
  proofs.tree = numbers_in<std::int32_t>(file, "tree");
  proofs.tree_of = numbers_in<std::int64_t>(file, "tree_of");
  proofs.slope_units = numbers_in<std::int32_t>(file, "slope_units");
  proofs.slope_units_of = numbers_in<std::int64_t>(file, "slope_units_of");
  proofs.slopes = numbers_in<std::uint8_t>(file, "slopes");
  proofs.multipliers = numbers_in<float>(file, "multipliers");
  if (std::ranges::count(data::npz_names(file), "part") > 0) {
    const auto part = numbers_in<std::int64_t>(file, "part");
    check(part.size() == 3, "part has ", part.size(), " numbers, not 3");
    proofs.part = {part[0], part[1], part[2]};
  }
  check_proof(proofs);
  return proofs;
}

ProofFile read_proof(const std::string& path) try { return parse_proof(read_file(path)); } catch (const MemoryError&) {
  throw;
} catch (const Error& error) {
  throw Error(text(path, ": ", error.what()));
}

std::vector<data::NamedArray> proof_arrays(const ProofFile& proofs) {
  check_proof(proofs);
  std::vector<std::uint8_t> hashes;
  for (const std::string& hash : proofs.image_sha256) {
    check(hash.size() == 2 * hash_bytes, in_quotes(hash), " is no SHA-256");
    for (std::size_t k = 0; k < hash.size(); k += 2) {
      const std::size_t high = hex_digits.find(hash[k]), low = hex_digits.find(hash[k + 1]);
      check(high < 16 && low < 16, in_quotes(hash), " is no SHA-256");
      hashes.push_back(static_cast<std::uint8_t>(16 * high + low));
    }
  }
  const auto list = [](const auto& values) { return Array::of(Shape{values.size()}, std::span(values)); };
  const float box[] = {proofs.box.lo, proofs.box.hi};
  std::vector<data::NamedArray> arrays{
      {"format", Array::of(proof_format)},
      {"version", Array::of(proofs.version)},
      {"model_sha256", Array::of(proofs.model_sha256)},
      {"data_sha256", Array::of(proofs.data_sha256)},
      {"norm", Array::of(proof_norm)},
      {"eps", Array::of(Shape{1}, std::span(&proofs.eps, 1))},
      {"box", Array::of(Shape{2}, box)},
      {"index", list(proofs.index)},
      {"labels", list(proofs.labels)},
      {"image_sha256", Array::of(Shape{proofs.index.size(), hash_bytes}, hashes)},
      {"bound", list(proofs.bound)},
      {"ties", list(proofs.ties)},
      {"ties_of", list(proofs.ties_of)},
      {"tree", list(proofs.tree)},
      {"tree_of", list(proofs.tree_of)},
      {"slope_units", list(proofs.slope_units)},
      {"slope_units_of", list(proofs.slope_units_of)},
      {"slopes", list(proofs.slopes)},
      {"multipliers", list(proofs.multipliers)},
  };
  if (proofs.part) arrays.emplace_back("part", list(*proofs.part));
  return arrays;
}

std::string proof_file(const ProofFile& proofs) { return data::write_npz(proof_arrays(proofs)); }

}  // namespace hans::defenses
