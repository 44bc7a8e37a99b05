// Reading and writing NumPy arrays.
#include <hans/data/npy.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include <hans/core/error.hpp>
#include "../core/text/detail/utf8.hpp"
#include "detail/bytes.hpp"

namespace hans::data {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::string_view known_types = "b1, i1, i2, i4, i8, u1, u2, u4, u8, f4, f8, U and S";

// The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderReader {
 public:
  std::string_view descr;
  bool fortran = false;
  std::array<std::size_t, Shape::max_rank> extents{};
  std::size_t rank = 0;

  explicit HeaderReader(std::string_view header) : rest_(header) {
    bool has_order = false, has_shape = false;
    expect("{");
    for (bool more = true; more && !accept("}"); more = separated("}")) {
      const std::string_view key = read_quoted();
      expect(":");
      if (key == "descr" && descr.empty()) {
        descr = read_quoted();
      } else if (key == "fortran_order" && !has_order) {
        has_order = true;
        fortran = accept("True");
        if (!fortran) expect("False");
      } else if (key == "shape" && !has_shape) {
        has_shape = true;
        read_extents();
      } else {
        throw Error(text("the NPY header has an unknown or second ", in_quotes(key)));
      }
    }
    check(!descr.empty() && has_order && has_shape, "the NPY header lacks descr, fortran_order or shape");
    skip_space();
    check(rest_.empty(), "the NPY header goes on after its closing brace");
  }

 private:
  void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }

  bool accept(std::string_view word) {
    skip_space();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  void expect(std::string_view word) { check(accept(word), "the NPY header has no '", word, "' where one belongs"); }

  // After an item: true if another may follow, false if `end` was there.
  bool separated(std::string_view end) {
    if (accept(",")) return true;
    expect(end);
    return false;
  }

  std::string_view read_quoted() {
    const bool is_double = accept("\"");
    if (!is_double) expect("'");
    const std::size_t end = rest_.find(is_double ? '"' : '\'');
    check(end != std::string_view::npos && end < 64, "the NPY header has a text without an end");
    const std::string_view result = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return result;
  }

  void read_extents() {
    expect("(");
    for (bool more = true; more && !accept(")"); more = separated(")")) {
      skip_space();
      const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
      std::uint64_t extent = 0;
      check(read_number(rest_.substr(0, digits), extent) && extent <= std::numeric_limits<std::size_t>::max(),
            "the shape in the NPY header has an extent that is no number or too large");
      rest_.remove_prefix(digits);
      accept("L");  // Python 2 marked large numbers so
      check(rank < Shape::max_rank, "the array has more than ", Shape::max_rank, " dimensions");
      extents[rank++] = static_cast<std::size_t>(extent);
    }
  }

  std::string_view rest_;
};

struct Type {
  Array::Kind kind;
  std::size_t width;
  bool swapped;
};

Type read_type(std::string_view descr) {
  struct Known {
    char letter;
    Array::Kind kind;
    std::string_view widths;
  };
  constexpr std::array<Known, 4> numbers{{{'b', Array::Kind::boolean, "1"},
                                          {'i', Array::Kind::integer, "1248"},
                                          {'u', Array::Kind::natural, "1248"},
                                          {'f', Array::Kind::floating, "48"}}};
  const auto unknown = [&] {
    return Error(text("the array has elements of type ", in_quotes(descr), "; only ", known_types, " can be read"));
  };
  if (descr.size() < 3 || std::string_view("<>|").find(descr[0]) == std::string_view::npos) throw unknown();
  const std::string_view digits = descr.substr(2);
  const bool is_text = descr[1] == 'U';
  if (is_text || descr[1] == 'S') {
    std::uint64_t length = 0;
    if (!read_number(digits, length) || length == 0 || length > 1 << 20) throw unknown();
    const auto width = static_cast<std::size_t>(length) * (is_text ? 4 : 1);
    return {is_text ? Array::Kind::text : Array::Kind::bytes, width, is_text && descr[0] == '>'};
  }
  for (const Known& known : numbers) {
    if (descr[1] != known.letter || digits.size() != 1 || known.widths.find(digits[0]) == std::string_view::npos)
      continue;
    const auto width = static_cast<std::size_t>(digits[0] - '0');
    if (descr[0] == '|' && width != 1) break;
    return {known.kind, width, descr[0] == '>'};
  }
  throw unknown();
}

// From the first extent running fastest to the last one running fastest.
std::string to_row_major(std::string_view content, const Shape& shape, std::size_t width) {
  std::string out;
  out.reserve(content.size());
  std::array<std::size_t, Shape::max_rank> strides{}, position{};
  std::size_t stride = width;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  std::size_t from = 0;
  while (out.size() < content.size()) {
    out += content.substr(from, width);
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      from += strides[axis];
      if (++position[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return out;
}

// The character that `rest` begins with, which is taken away.
std::uint32_t take_utf8(std::string_view& rest) {
  const std::size_t length = utf8_length(rest, 0);
  check(length > 0, "the text to be stored is not UTF-8");
  const std::uint32_t first = static_cast<unsigned char>(rest[0]);
  std::uint32_t code = length == 1 ? first : first & (0x7fu >> length);
  for (std::size_t k = 1; k < length; ++k) code = code << 6 | (static_cast<unsigned char>(rest[k]) & 0x3fu);
  rest.remove_prefix(length);
  return code;
}

template <class Number, class Word>
Array array_of(const Shape& shape, Array::Kind kind, std::span<const Number> values) {
  static_assert(sizeof(Number) == sizeof(Word));
  check(values.size() == shape.elements(), "an array of ", shape, " needs ", shape.elements(), " values, not ",
        values.size());
  Array array{shape, kind, sizeof(Number), {}};
  array.content.reserve(values.size() * sizeof(Number));
  for (const Number value : values) put_little(array.content, std::bit_cast<Word>(value));
  return array;
}

std::uint64_t word_at(const Array& array, std::size_t at) {
  std::uint64_t word = 0;
  for (std::size_t k = 0; k < array.width; ++k) {
    word |= std::uint64_t{static_cast<unsigned char>(array.content[at * array.width + k])} << 8 * k;
  }
  return word;
}

}  // namespace

Array Array::of(const Shape& shape, std::span<const float> values) {
  return array_of<float, std::uint32_t>(shape, Kind::floating, values);
}
Array Array::of(const Shape& shape, std::span<const double> values) {
  return array_of<double, std::uint64_t>(shape, Kind::floating, values);
}
Array Array::of(const Shape& shape, std::span<const std::int64_t> values) {
  return array_of<std::int64_t, std::uint64_t>(shape, Kind::integer, values);
}
Array Array::of(const Shape& shape, std::span<const std::int32_t> values) {
  return array_of<std::int32_t, std::uint32_t>(shape, Kind::integer, values);
}
Array Array::of(const Shape& shape, std::span<const std::uint8_t> values) {
  return array_of<std::uint8_t, std::uint8_t>(shape, Kind::natural, values);
}

Array Array::of(std::string_view text) {
  Array array{Shape{}, Kind::text, 4, {}};
  while (!text.empty()) put_little(array.content, take_utf8(text));
  array.content.resize(std::max<std::size_t>(array.content.size(), 4));  // NumPy has no text of no width
  array.width = array.content.size();
  return array;
}

std::vector<float> Array::floats() const {
  check(kind == Kind::floating && width == 4, "the array has elements of type ", type_name(), ", not float32");
  std::vector<float> out(shape.elements());
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = std::bit_cast<float>(little<std::uint32_t>(&content[4 * k]));
  return out;
}

std::vector<double> Array::doubles() const {
  check(kind == Kind::floating, "the array has elements of type ", type_name(), ", not float32 or float64");
  std::vector<double> out(shape.elements());
  for (std::size_t k = 0; k < out.size(); ++k) {
    out[k] = width == 4 ? double{std::bit_cast<float>(little<std::uint32_t>(&content[4 * k]))}
                        : std::bit_cast<double>(little<std::uint64_t>(&content[8 * k]));
  }
  return out;
}

std::vector<std::int64_t> Array::integers() const {
  check(kind == Kind::boolean || kind == Kind::integer || kind == Kind::natural, "the array has elements of type ",
        type_name(), ", not integers");
  std::vector<std::int64_t> out(shape.elements());
  for (std::size_t k = 0; k < out.size(); ++k) {
    const std::uint64_t word = word_at(*this, k);
    const std::uint64_t sign = std::uint64_t{1} << (8 * width - 1);
    check(kind != Kind::natural || word <= std::uint64_t{std::numeric_limits<std::int64_t>::max()}, "the array holds ",
          word, ", which is too large");
    // Subtracting the sign's weight twice extends it through the upper bits.
    out[k] = std::bit_cast<std::int64_t>(kind == Kind::integer   ? (word ^ sign) - sign
                                         : kind == Kind::boolean ? word != 0
                                                                 : word);
  }
  return out;
}

std::string Array::text() const {
  check((kind == Kind::text || kind == Kind::bytes) && shape.rank() == 0, "the array is ", shape, " of ", type_name(),
        ", not a single text");
  std::string out;
  if (kind == Kind::bytes) {
    out = content;
  } else {
    for (std::size_t k = 0; k < content.size(); k += 4) {
      const auto code = little<std::uint32_t>(&content[k]);
      check(code < 0x110000 && (code < 0xd800 || code > 0xdfff), "the text holds ", code, ", which is no character");
      append_utf8(out, code);
    }
  }
  out.resize(out.find_last_not_of('\0') + 1);  // npos + 1 is 0
  return out;
}

std::string Array::type_name() const {
  switch (kind) {
    case Kind::boolean:
      return "bool";
    case Kind::integer:
      return hans::text("int", 8 * width);
    case Kind::natural:
      return hans::text("uint", 8 * width);
    case Kind::floating:
      return hans::text("float", 8 * width);
    case Kind::text:
      return "text";
    case Kind::bytes:
      break;
  }
  return "bytes";
}

Array read_npy(std::string_view file) {
  check(file.starts_with(magic) && file.size() >= 10, "not an NPY file");
  const int version = little<std::uint8_t>(&file[6]);
  check(version >= 1 && version <= 3, "the NPY file has format version ", version, "; 1 to 3 are known");
  const std::size_t begin = version == 1 ? 10 : 12;
  check(file.size() >= begin, "the NPY header ends too early");
  const std::size_t length = version == 1 ? little<std::uint16_t>(&file[8]) : little<std::uint32_t>(&file[8]);
  check(length <= file.size() - begin, "the NPY header is ", length, " bytes long but only ", file.size() - begin,
        " bytes follow");
  const HeaderReader header(file.substr(begin, length));
  const Type type = read_type(header.descr);
  const Shape shape(std::span<const std::size_t>(header.extents.data(), header.rank));
  const std::string_view content = file.substr(begin + length);
  check(content.size() % type.width == 0 && content.size() / type.width == shape.elements(), "the NPY header promises ",
        shape, " elements of ", type.width, " bytes but ", content.size(), " bytes follow it");

  Array array{shape, type.kind, type.width, {}};
  array.content = header.fortran ? to_row_major(content, shape, type.width) : std::string(content);
  if (type.swapped) {
    const auto word = static_cast<std::ptrdiff_t>(type.kind == Array::Kind::text ? 4 : type.width);
    for (auto at = array.content.begin(); at != array.content.end(); at += word) std::reverse(at, at + word);
  }
  return array;
}

std::string write_npy(const Array& array) {
  check(array.width > 0 && array.content.size() % array.width == 0 &&
            array.content.size() / array.width == array.shape.elements(),
        "an array of ", array.shape, " ", array.type_name(), " cannot have ", array.content.size(), " bytes");
  constexpr std::string_view letters = "biufUS";  // in the order of Kind
  const bool plain = array.width == 1 || array.kind == Array::Kind::bytes;
  std::string header = "{'descr': '";
  header += plain ? '|' : '<';
  header += letters[static_cast<std::size_t>(array.kind)];
  append(header, array.kind == Array::Kind::text ? array.width / 4 : array.width);
  header += "', 'fortran_order': False, 'shape': (";
  for (std::size_t axis = 0; axis < array.shape.rank(); ++axis) {
    if (axis > 0) header += ' ';
    append(header, array.shape[axis]);
    if (axis == 0 || axis + 1 < array.shape.rank()) header += ',';
  }
  header += "), }";
  constexpr std::size_t before = 10, alignment = 64;  // the data begin at a multiple of 64, after a line end
  header.append(alignment - 1 - (before + header.size()) % alignment, ' ');
  header += '\n';

  std::string out(magic);
  out += std::string_view("\x01\x00", 2);
  put_little(out, static_cast<std::uint16_t>(header.size()));
  out += header;
  out += array.content;
  return out;
}

}  // namespace hans::data
