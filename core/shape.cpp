#include <hans/core/shape.hpp>

#include <algorithm>
#include <limits>

#include <hans/core/error.hpp>

namespace hans {

Shape::Shape(std::initializer_list<std::size_t> extents)
    : Shape(std::span<const std::size_t>(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::size_t> extents) : rank_(extents.size()) {
  check(rank_ <= max_rank, "a shape has at most ", max_rank, " extents, not ", extents.size());
  std::copy(extents.begin(), extents.end(), extents_.begin());
  // The widest element is eight bytes, so a size in bytes never overflows either.
  constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max() / 8;
  const bool empty = std::find(begin(), end(), std::size_t{0}) != end();
  for (const std::size_t extent : extents) {
    if (empty) {
      elements_ = 0;
    } else {
      check(extent <= most / elements_, "the shape ", *this, " has more elements than memory can address");
      elements_ *= extent;
    }
  }
}

Shape Shape::with_front(std::size_t extent) const {
  std::array<std::size_t, max_rank + 1> extents{extent};
  std::copy(begin(), end(), extents.begin() + 1);
  return Shape(std::span<const std::size_t>(extents.data(), rank_ + 1));
}

Shape Shape::without_front() const {
  check(rank_ > 0, "a single number has no first extent to take away");
  return Shape(std::span<const std::size_t>(extents_.data() + 1, rank_ - 1));
}

std::size_t Shape::row_elements() const { return without_front().elements(); }

bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

void append(std::string& out, const Shape& shape) {
  if (shape.rank() == 0) append(out, "scalar");
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (axis > 0) append(out, 'x');
    append(out, shape[axis]);
  }
}

Shape read_shape(std::string_view word) {
  if (word == "scalar") return {};
  std::array<std::size_t, Shape::max_rank> extents{};
  std::size_t rank = 0;
  const std::string_view whole = word;
  for (bool more = true; more; ++rank) {
    const std::size_t cross = word.find('x');
    std::uint64_t extent = 0;
    check(rank < Shape::max_rank && read_number(word.substr(0, cross), extent) && extent > 0, "'", whole,
          "' is not a shape; write at most ", Shape::max_rank, " positive extents such as 28x28x1");
    extents[rank] = static_cast<std::size_t>(extent);
    more = cross != std::string_view::npos;
    if (more) word.remove_prefix(cross + 1);
  }
  return Shape(std::span<const std::size_t>(extents.data(), rank));
}

void read_value(std::string_view word, Shape& out) {
  try {
    out = read_shape(word);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}
void append_value(std::string& out, const Shape& value) { append(out, value); }
std::string value_help(const Shape&) { return "extents such as 7x7x32"; }

Shape broadcast(const Shape& a, const Shape& b) {
  std::array<std::size_t, Shape::max_rank> extents{};
  const std::size_t rank = std::max(a.rank(), b.rank());
  for (std::size_t k = 1; k <= rank; ++k) {
    const std::size_t x = k <= a.rank() ? a[a.rank() - k] : 1;
    const std::size_t y = k <= b.rank() ? b[b.rank() - k] : 1;
    check(x == y || x == 1 || y == 1, "the shapes ", a, " and ", b, " do not broadcast: ", x, " against ", y,
          " on axis ", rank - k);
    extents[rank - k] = x == 1 ? y : x;
  }
  return Shape(std::span<const std::size_t>(extents.data(), rank));
}

std::array<std::size_t, Shape::max_rank> broadcast_strides(const Shape& from, const Shape& to) {
  std::array<std::size_t, Shape::max_rank> strides{};
  std::size_t step = 1;
  for (std::size_t k = 1; k <= from.rank(); ++k) {
    const std::size_t extent = from[from.rank() - k];
    strides[to.rank() - k] = extent == 1 ? 0 : step;
    step *= extent;
  }
  return strides;
}

}  // namespace hans
