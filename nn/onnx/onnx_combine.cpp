// Combining values of an ONNX graph: broadcasting and matrix products.
#include <algorithm>

#include <hans/autodiff/arrays.hpp>
#include <hans/core/error.hpp>
#include "detail/onnx_builder.hpp"

namespace hans::nn::onnx {
namespace {

Dims broadcast_dims(const Dims& a, const Dims& b) {
  Dims made(std::max(a.size(), b.size()));
  for (std::size_t k = 1; k <= made.size(); ++k) {
    const std::int64_t x = k <= a.size() ? a[a.size() - k] : 1;
    const std::int64_t y = k <= b.size() ? b[b.size() - k] : 1;
    check(x == y || x == 1 || y == 1, "shapes ", to_text(a), " and ", to_text(b), " do not broadcast");
    made[made.size() - k] = x == 1 ? y : x;
  }
  return made;
}

}  // namespace

void Builder::align(std::vector<Value>& operands, Value& result) {
  const Value* last = nullptr;
  const Value* flat = nullptr;
  result.batched = std::ranges::all_of(operands, [&](const Value& operand) {
    return operand.known() || (operand.batched && operand.rank() == result.dims.size());
  });
  for (Value& operand : operands) {
    if (operand.known()) continue;
    if (!result.batched) operand = within_sample(operand);
    if (operand.rank() < result.dims.size()) {
      Dims dims = operand.dims;
      dims.insert(dims.begin(), result.dims.size() - dims.size(), 1);
      operand = reshaped(operand, dims);
    }
    if (operand.order == Order::channels_last) last = &operand;
    if (operand.order == Order::flat) flat = &operand;
  }
  for (const Value& operand : operands) {
    if (!operand.known() && flat != nullptr && (operand.order != Order::flat || operand.image != flat->image)) {
      flat = nullptr;
      break;
    }
  }
  if (last != nullptr) result.order = Order::channels_last;
  if (last == nullptr && flat != nullptr) {
    result.order = Order::flat;
    result.image = flat->image;
  }
  const std::size_t rank = result.dims.size() - (result.batched ? 1 : 0);
  for (Value& operand : operands) {
    if (!operand.known()) {
      if (result.order == Order::channels_last) operand = channels_last(operand);
      if (result.order == Order::plain) operand = plain(operand);
      continue;
    }
    Dims dims = operand.dims;
    if (dims.size() > rank) {
      check(dims.size() == rank + 1 && dims[0] == 1, "numbers of shape ", to_text(dims),
            " are combined with values of shape ", to_text(result.dims), ": each sample would need its own");
      dims.erase(dims.begin());
    }
    if (operand.constant->size() == 1) dims.clear();
    if (result.order == Order::channels_last && !dims.empty()) {
      dims.insert(dims.begin(), rank - dims.size(), 1);
      Value ordered = operand;
      ordered.dims = dims;
      ordered.constant = operand.constant->reshaped(to_shape(dims));
      operand = transposed(ordered, channels_behind(rank));
      dims = operand.dims;
    }
    if (result.order == Order::flat && !dims.empty() && dims.back() > 1) {
      Value ordered = operand;
      ordered.dims = result.image;
      ordered.constant = operand.constant->reshaped(to_shape(result.image));
      operand = transposed(ordered, channels_behind(result.image.size()));
    }
    operand.constant = operand.constant->reshaped(to_shape(dims));
    operand.dims = dims;
  }
}

Value Builder::combine(const Layer& layer, std::vector<Value> operands, bool learn) {
  Value result;
  result.whole = std::ranges::all_of(operands, &Value::whole);
  for (const Value& operand : operands) result.dims = broadcast_dims(result.dims, operand.dims);
  if (std::ranges::all_of(operands, &Value::known)) {
    Value made = fold(layer, operands, {});
    made.whole = result.whole;
    return made;
  }
  align(operands, result);
  if (learn)
    std::ranges::transform(operands, operands.begin(), [this](const Value& value) { return trainable(value); });
  Value made = formed_like(result, add(layer, operands));
  made.whole = result.whole;
  return made;
}

Value Builder::trainable(Value value) {
  if (!value.known()) return value;
  value.source = source_of(value, true);
  value.constant.reset();
  return value;
}

Value Builder::product(Value a, Value b) {
  const bool row = a.rank() == 1, column = b.rank() == 1;
  if (row) a = reshaped(a, {1, a.dims[0]});
  if (column) b = reshaped(b, {b.dims[0], 1});
  const auto fit = [&] { return text("matrices of shapes ", to_text(a.dims), " and ", to_text(b.dims)); };
  check(a.rank() >= 2 && b.rank() >= 2 && a.dims.back() == b.dims[b.rank() - 2], fit());
  Dims dims = broadcast_dims(Dims(a.dims.begin(), a.dims.end() - 2), Dims(b.dims.begin(), b.dims.end() - 2));
  dims.push_back(a.dims[a.rank() - 2]);
  dims.push_back(b.dims.back());
  Value made;
  if (a.known() && b.known()) {
    budget.take_work(static_cast<std::uint64_t>(elements(dims)), static_cast<std::uint64_t>(a.dims.back()));
    made = fold(hans::matmul, std::vector{a, b}, {});
  } else {
    const auto apart = [&](const Value& each) {  // whether samples stay separate
      return each.known() || (each.batched && each.sample().size() >= 2 && each.rank() == dims.size());
    };
    const bool batched = apart(a) && apart(b);
    for (Value* each : {&a, &b}) {
      if (!batched) *each = within_sample(*each);
      if (!each->known() && each->rank() < dims.size()) {
        Dims more = each->dims;
        more.insert(more.begin(), dims.size() - more.size(), 1);
        *each = reshaped(*each, more);
      }
      if (each->known() && batched && each->rank() == dims.size()) {
        check(each->dims[0] == 1, fit(), ": each sample would need its own");
        *each = reshaped(*each, Dims(each->dims.begin() + 1, each->dims.end()));
      }
      *each = each->known() ? trainable(*each) : plain(*each);
    }
    made = add(hans::matmul, std::vector{a, b});
    made.batched = batched;
  }
  made.dims = dims;
  if (row) dims.erase(dims.end() - 2);
  if (column) dims.pop_back();
  return reshaped(made, dims);
}

}  // namespace hans::nn::onnx
