// Layers that rearrange, combine and reduce.
#include <hans/nn/array_layers.hpp>

#include <algorithm>
#include <cmath>

#include <hans/autodiff/functions.hpp>
#include <hans/core/error.hpp>

namespace hans::nn {
namespace {

/// Converts axes of a sample to axes of a batch.
std::vector<std::size_t> in_batch(const Axes& axes, std::size_t rank) {
  std::vector<std::size_t> shifted;
  for (const std::size_t axis : axes.all) {
    check(axis < rank, "it has no axis ", axis, " of ", rank);
    shifted.push_back(axis + 1);
  }
  return shifted;
}

std::size_t rank_of_sample(const Var& x) { return x.shape().rank() - 1; }

}  // namespace

void read_value(std::string_view word, Axes& out) {
  out.all.clear();
  for (std::size_t end = 0; end != std::string_view::npos; word.remove_prefix(std::min(end, word.size() - 1) + 1)) {
    end = word.find('/');
    std::uint64_t axis = 0;
    check_usage(read_number(word.substr(0, end), axis) && axis + 1 < Shape::max_rank, "not ", value_help(out));
    out.all.push_back(static_cast<std::size_t>(axis));
  }
}
void append_value(std::string& out, const Axes& value) {
  for (std::size_t k = 0; k < value.all.size(); ++k) append(out, text(k == 0 ? "" : "/", value.all[k]));
}
std::string value_help(const Axes&) { return "axes such as 0/2/1"; }

std::vector<WeightInfo> Constant::weights(std::span<const Shape>) const {
  return {{.name = "value", .shape = shape, .trainable = trainable}};
}

Var Constant::operator()(Tape& tape, std::span<const Var>, const Run& run) const {
  return trainable ? run.weights[0] : tape.constant(run.buffers[0]);
}

Var Reshape::operator()(const Var& x, const Run&) const {
  check(shape.value().elements() == x.shape().row_elements(), "a sample of ", x.shape().without_front(),
        " has other features than ", shape.value());
  return reshape(x, shape.value().with_front(x.shape()[0]));
}

Var Transpose::operator()(const Var& x, const Run&) const {
  std::vector<std::size_t> whole = in_batch(order, rank_of_sample(x));
  whole.insert(whole.begin(), 0);
  return transpose(x, whole);
}

std::vector<WeightInfo> Take::weights(const Shape& in) const {
  check(axis < in.rank(), "a sample of ", in, " has no axis ", axis);
  return {{.name = "indices", .shape = {count}, .trainable = false}};
}

Var Take::operator()(const Var& x, const Run& run) const {
  const std::size_t extent = x.shape()[axis + 1];
  std::vector<std::size_t> indices;
  indices.reserve(count);
  for (const real value : run.buffers[0].values()) {
    check(value >= -1 && value < static_cast<real>(extent) && value == std::floor(value), "the index ", value,
          " is none of the ", extent, " elements of axis ", axis);
    indices.push_back(value < 0 ? nothing : static_cast<std::size_t>(value));
  }
  return take(x, axis + 1, indices, fill);
}

Var Concat::operator()(Tape&, std::span<const Var> x, const Run&) const {
  const Var* batch = &x[0];
  for (const Var& part : x) batch = part.shape().rank() > batch->shape().rank() ? &part : batch;
  check(axis + 1 < batch->shape().rank(), "a sample of ", batch->shape().without_front(), " has no axis ", axis);
  std::vector<Var> parts;
  for (const Var& part : x) {  // constants are repeated for every sample
    const bool of_network = part.shape().rank() < batch->shape().rank();
    parts.push_back(of_network ? broadcast_to(part, part.shape().with_front(batch->shape()[0])) : part);
  }
  return concat(parts, axis + 1);
}

void Reduce::validate() const { check_usage(!axes.value().all.empty(), "reduce needs an axis at least"); }

Var Reduce::operator()(const Var& x, const Run&) const {
  return reduce(x, by, in_batch(axes, rank_of_sample(x)), keep);
}

Var Where::operator()(Tape&, std::span<const Var> x, const Run&) const { return where(x[0], x[1], x[2]); }

}  // namespace hans::nn
