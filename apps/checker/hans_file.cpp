// The checker's own reader of .hans files: a length, a JSON header, numbers. Everything in it may be hostile.
#include "hans_file.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include "../../data/detail/bytes.hpp"

namespace hans::checker {
namespace {

/// Reads the JSON that such headers consist of: objects, strings, arrays of whole numbers.
struct HeaderReader {
  std::string_view header;
  std::size_t at = 0;

  /// Calls member(key) for each key of an object; member reads the value.
  template <class Member>
  void object(Member member) {
    expect("{");
    do {
      const std::string key = string();
      expect(":");
      member(key);
    } while (accept(","));
    expect("}");
  }

  std::string string() {
    std::string read;
    expect("\"");
    for (char c = next(); c != '"'; c = next()) {
      if (static_cast<unsigned char>(c) < 0x20) fail("a control character in a string");
      read.push_back(c == '\\' ? escaped() : c);
    }
    return read;
  }

  /// The whole numbers of an array, `most` at most.
  std::vector<std::size_t> numbers(std::size_t most) {
    std::vector<std::size_t> all;
    expect("[");
    while (!accept("]")) {
      if (!all.empty()) expect(",");
      if (all.size() == most) fail(text("more than ", most, " numbers"));
      blanks();
      const std::size_t end = std::min(header.find_first_not_of("0123456789", at), header.size());
      std::uint64_t value = 0;
      if (!read_number(header.substr(at, end - at), value)) fail("no whole number");
      all.push_back(static_cast<std::size_t>(value));
      at = end;
    }
    return all;
  }

  /// These words, whatever blanks are before them.
  template <class... Words>
  void expect(const Words&... words) {
    ((accept(words) ? void() : fail(text("no ", in_quotes(words)))), ...);
  }

  char next() {
    if (at == header.size()) fail("it ends too early");
    return header[at++];
  }
  void blanks() { at = std::min(header.find_first_not_of(" \t\r\n", at), header.size()); }
  bool accept(std::string_view wanted) {
    blanks();
    const bool found = header.substr(at).starts_with(wanted);
    at += found ? wanted.size() : 0;
    return found;
  }
  /// hans writes control characters as \u00XX and everything else beyond ASCII as it is.
  char escaped() {
    constexpr std::string_view letters = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t", digits = "0123456789abcdef";
    const char c = next();
    if (const std::size_t k = letters.find(c); k < letters.size()) return meant[k];
    if (c != 'u' || next() != '0' || next() != '0') fail("an escape that hans does not write");
    const std::size_t high = digits.find(next()), low = digits.find(next());
    if (high > 7 || low > 15) fail("an escape that hans does not write");
    return static_cast<char>(high << 4 | low);
  }
  [[noreturn]] void fail(std::string_view what) const {
    throw Error(text("its header is wrong at byte ", at, ": ", what));
  }
};

/// An IEEE binary16 number: sign, five bits of exponent, ten of fraction.
float half_value(unsigned bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto fraction = static_cast<float>(bits & 1023);
  const float size = exponent == 31  ? std::numeric_limits<float>::infinity()
                     : exponent == 0 ? std::ldexp(fraction, -24)
                                     : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

/// The array that the header describes next. Its numbers begin at byte `place` of the data, which moves behind them.
Array read_array(HeaderReader& reader, std::string_view data, std::size_t& place) {
  Array array;
  reader.expect("{", "\"dtype\"", ":");
  const bool half = reader.accept("\"F16\"");
  const std::size_t width = half ? 2 : 4;
  if (!half) reader.expect("\"F32\"");
  reader.expect(",", "\"shape\"", ":");
  array.shape = reader.numbers(6);
  reader.expect(",", "\"data_offsets\"", ":");
  const std::vector<std::size_t> offsets = reader.numbers(2);
  reader.expect("}");
  const std::size_t begin = place, end = begin + elements(array.shape, data.size() / width) * width;
  check(offsets == std::vector{begin, end} && end <= data.size(), "an array of ", shape_text(array.shape),
        " must be bytes ", begin, " to ", end, " of ", data.size(), ", not ", shape_text(offsets));
  array.values.reserve((end - begin) / width);
  for (; place < end; place += width) {
    const char* const at = data.data() + place;
    array.values.push_back(half ? half_value(data::little<std::uint16_t>(at))
                                : std::bit_cast<float>(data::little<std::uint32_t>(at)));
    check(std::isfinite(array.values.back()), "byte ", place, " of its numbers begins one that is not finite");
  }
  return array;
}

}  // namespace

HansFile read_hans_file(std::string_view bytes) {
  check(bytes.size() >= 8, "it has ", bytes.size(), " bytes, too few for the length of a header");
  const auto length = data::little<std::uint64_t>(bytes.data());
  check(length <= bytes.size() - 8, "its header of ", length, " bytes does not fit a file of ", bytes.size());
  const std::string_view data = bytes.substr(8 + static_cast<std::size_t>(length));
  HeaderReader reader{bytes.substr(8, static_cast<std::size_t>(length))};
  std::map<std::string, std::string> metadata;
  HansFile file;
  std::size_t place = 0;
  // The checksum is of each key and value but its own, then name, shape and numbers of each array, each piece behind
  // its length: in the order of the header, in which metadata stand first.
  Sha256 hash;
  const auto add = [&hash](const auto&... pieces) { (hash.add_u64(pieces.size()).add(pieces), ...); };
  reader.object([&](const std::string& name) {
    if (name != "__metadata__") {
      const std::size_t begin = place;
      const auto [entry, added] = file.arrays.emplace(name, read_array(reader, data, place));
      check(added, "the array ", in_quotes(name), " stands twice");
      return add(name, shape_text(entry->second.shape), data.substr(begin, place - begin));
    }
    check(file.arrays.empty(), "its metadata stand behind an array");
    reader.object([&](const std::string& key) {
      const auto [entry, added] = metadata.emplace(key, reader.string());
      check(added, in_quotes(key), " stands twice");
      if (key != "sha256") add(key, entry->second);
    });
  });
  reader.blanks();
  if (reader.at < reader.header.size()) reader.fail("something behind its end");
  check(metadata["format"] == "hans model 1", "its format is ", in_quotes(metadata["format"]), ", not 'hans model 1'");
  check(place == data.size(), "it has ", data.size(), " bytes of numbers, its arrays ", place);
  check(metadata["sha256"] == hash.hex(), "its checksum does not match: it was changed or damaged");
  file.architecture = std::move(metadata["architecture"]);
  return file;
}

std::size_t elements(const Shape& shape, std::size_t most) {
  std::size_t product = 1;
  for (const std::size_t extent : shape) {
    check(extent > 0 && extent <= most / product, shape_text(shape), " has no or more than ", most, " elements");
    product *= extent;
  }
  return product;
}

std::string shape_text(const Shape& shape) {
  std::string written = shape.empty() ? "scalar" : "";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) append(written, text(axis == 0 ? "" : "x", shape[axis]));
  return written;
}

}  // namespace hans::checker
