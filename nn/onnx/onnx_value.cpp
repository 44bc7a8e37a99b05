// Values of an ONNX graph, and the import budget.
#include <algorithm>
#include <array>
#include <numeric>

#include <hans/core/error.hpp>
#include "detail/onnx_builder.hpp"

namespace hans::nn::onnx {

std::size_t Value::stored_axis(std::size_t axis) const {
  const std::size_t sample_axis = axis - (batched ? 1 : 0);
  if (order != Order::channels_last) return sample_axis;
  return sample_axis == 0 ? sample().size() - 1 : sample_axis - 1;
}

Value formed_like(const Value& x, Value made) {
  made.dims = x.dims;
  made.batched = x.batched;
  made.order = x.order;
  made.image = x.image;
  return made;
}

std::vector<std::size_t> channels_behind(std::size_t rank) {
  std::vector<std::size_t> order(rank);
  std::iota(order.begin(), order.end(), std::size_t{1});
  order.back() = 0;
  return order;
}
std::vector<std::size_t> channels_before(std::size_t rank) {
  std::vector<std::size_t> order(rank);
  std::iota(order.begin() + 1, order.end(), std::size_t{0});
  order.front() = rank - 1;
  return order;
}

Shape to_shape(std::span<const std::int64_t> dims) {
  check(dims.size() < Shape::max_rank, "a value of shape ", to_text(dims), " has more than ", Shape::max_rank - 1,
        " axes");
  std::array<std::size_t, Shape::max_rank> extents{};
  for (std::size_t k = 0; k < dims.size(); ++k) {
    check(dims[k] >= 0, "a value of shape ", to_text(dims), " has a negative extent");
    extents[k] = static_cast<std::size_t>(dims[k]);
  }
  return Shape(std::span<const std::size_t>(extents.data(), dims.size()));
}

std::int64_t elements(std::span<const std::int64_t> dims) {
  return static_cast<std::int64_t>(to_shape(dims).elements());
}

std::string to_text(std::span<const std::int64_t> dims) {
  constexpr std::size_t shown = 12;
  std::string out = "[";
  for (std::size_t k = 0; k < std::min(dims.size(), shown); ++k) append(out, text(k == 0 ? "" : ",", dims[k]));
  return out + (dims.size() > shown ? ",...]" : "]");
}

Budget::Budget(std::uint64_t numbers, std::uint64_t bytes)
    : numbers_((std::uint64_t{1} << 24) + numbers), work_((std::uint64_t{1} << 31) + 64 * bytes) {}

void Budget::take_numbers(std::uint64_t count) {
  check(count <= numbers_, "it would make more numbers than are allowed for a file of this size: ", count,
        " more, where ", numbers_, " are left");
  numbers_ -= count;
}

void Budget::take_work(std::uint64_t count, std::uint64_t each) {
  check(each == 0 || count <= work_ / each,
        "it would take more work to load than is allowed for a file of this size: ", count, " times ", each,
        " multiply-adds more, where ", work_, " are left");
  work_ -= count * each;
}

}  // namespace hans::nn::onnx
