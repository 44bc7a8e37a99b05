// The tape: records operations and runs the backward pass.
#include <hans/autodiff/tape.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>

namespace hans {
namespace {
constexpr std::size_t chunk_bytes = 16384;
}

Tape::Tape() : arranged_(std::make_shared<Arrangements>()) { check_float_environment(); }
Tape::~Tape() { clear(); }

Var Tape::watch(Tensor value) {
  return add_node("watch", std::move(value), {}, nullptr, nullptr, nullptr, Pass::everywhere);
}

std::span<const Var> Tape::watch(std::span<const Tensor> values) {
  watched_.clear();
  for (const Tensor& value : values) watched_.push_back(watch(value));
  return watched_;
}

Tensor Tape::full(const Shape& shape, real value) {
  Tensor made = make(shape);
  std::ranges::fill(made.mutable_values(), value);
  return made;
}

bool Tape::any_tracked(std::span<const Var* const> inputs) const {
  bool any = false;
  for (const Var* input : inputs) {
    check(!input->tracked() || input->tape_ == this,
          "an operand is tracked by another tape; make it a constant of this");
    any = any || input->tracked();
  }
  return any;
}

Var Tape::add_node(const char* operation, Tensor value, std::span<const Var* const> inputs, void* closure, Call call,
                   Destroy destroy, Pass pass) {
  const auto index = static_cast<std::uint32_t>(nodes_.size());
  nodes_.push_back({operation, value.shape(), inputs_.size(), inputs.size(), closure, call, destroy,
                    pass == Pass::where_positive ? value : Tensor()});
  for (const Var* input : inputs) inputs_.push_back(input->node_);
  return {*this, std::move(value), index};
}

void* Tape::memory(std::size_t bytes, std::size_t alignment) {
  used_ = (used_ + alignment - 1) / alignment * alignment;
  check(bytes <= chunk_bytes, "a backward closure of ", bytes, " bytes is larger than ", chunk_bytes);
  if (chunks_.empty() || used_ + bytes > chunk_bytes) {
    if (!chunks_.empty()) ++chunk_;
    if (chunk_ == chunks_.size()) chunks_.push_back(std::make_unique<std::byte[]>(chunk_bytes));
    used_ = 0;
  }
  void* place = chunks_[chunk_].get() + used_;
  used_ += bytes;
  return place;
}

void Tape::rewind() {
  for (Node& node : nodes_) {
    if (node.closure != nullptr) node.destroy(node.closure);
  }
  nodes_.clear();
  inputs_.clear();
  watched_.clear();
  chunk_ = used_ = 0;
}

void Tape::clear() {
  rewind();
  for (const std::unique_ptr<Tape>& helper : helpers_) helper->rewind();
  const std::lock_guard lock(arranged_->mutex);
  arranged_->all.clear();
}

Tape& Tape::helper(std::size_t number) {
  while (helpers_.size() <= number) {
    helpers_.push_back(std::make_unique<Tape>());
    helpers_.back()->arranged_ = arranged_;
  }
  return *helpers_[number];
}

std::size_t Tape::bytes() const {
  std::size_t all = pool_.bytes();
  for (const std::unique_ptr<Tape>& helper : helpers_) all += helper->bytes();
  return all;
}

// Entries are found by the address of their weights. This is safe: an entry shares the memory of its weights, so a
// change to the weights writes to a copy at another address.
const Tensor* Tape::find_arranged(const Tensor& weights, int kind) const {
  for (const Arranged& entry : arranged_->all) {
    if (entry.kind == kind && entry.weights.data() == weights.data() && entry.weights.shape() == weights.shape()) {
      return &entry.made;
    }
  }
  return nullptr;
}

// In `f(x) + g(x)` a compiler may record f or g first, so the order of recording must not decide the order in which
// gradients of x are added. A depth-first order over the inputs depends on the computation alone.
void Tape::sort_from(std::uint32_t output) {
  order_.clear();
  visits_.assign({{output, 0}});
  seen_.assign(nodes_.size(), 0);
  seen_[output] = 1;
  while (!visits_.empty()) {
    Visit& visit = visits_.back();
    const Node& node = nodes_[visit.node];
    if (visit.next_input == node.input_count) {
      order_.push_back(visit.node);
      visits_.pop_back();
      continue;
    }
    const std::uint32_t input = inputs_[node.first_input + visit.next_input++];
    if (input == Var::untracked || wanted_[input] == 0 || seen_[input] != 0) continue;
    seen_[input] = 1;
    visits_.push_back({input, 0});
  }
}

void Tape::gradients(const Var& output, const Tensor& seed, std::span<const Var> targets, std::span<Tensor> gradients) {
  check(output.present() && &output.tape() == this, "gradients of a value that is not on this tape");
  check(seed.shape() == output.shape(), "the seed has shape ", seed.shape(), ", the output ", output.shape());
  check(targets.size() == gradients.size(), targets.size(), " targets need as many places, not ", gradients.size());

  // A node is wanted if it is a target or depends on one.
  targets_.assign(nodes_.size(), 0);
  for (const Var& target : targets) {
    check(target.tracked() && target.tape_ == this,
          "a gradient was asked for with respect to a constant; watch it first");
    targets_[target.node_] = 1;
  }
  wanted_ = targets_;
  for (std::size_t n = 0; n < nodes_.size(); ++n) {
    const Node& node = nodes_[n];
    for (std::size_t i = 0; i < node.input_count; ++i) {
      const std::uint32_t input = inputs_[node.first_input + i];
      if (input != Var::untracked && wanted_[input] != 0) wanted_[n] = 1;
    }
  }

  slots_.assign(nodes_.size(), Tensor());  // also clears the remains of a pass that threw
  gated_.assign(nodes_.size(), 0);
  if (output.tracked() && wanted_[output.node_] != 0) {
    slots_[output.node_] = seed;
    sort_from(output.node_);
    for (std::size_t k = order_.size(); k-- > 0;) {
      const std::uint32_t n = order_[k];
      const Node& node = nodes_[n];
      if (node.closure == nullptr || slots_[n].size() == 0) continue;
      Tensor gradient = targets_[n] != 0 ? slots_[n] : std::exchange(slots_[n], Tensor());
      if (node.gate.size() > 0 && gated_[n] == 0) {
        kernels::apply_gate(node.gate.data(), gradient.mutable_data(), gradient.size());
      }
      Inputs into(*this, n);
      node.call(node.closure, std::move(gradient), into);
    }
  }
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const Tensor& slot = slots_[targets[t].node_];
    if (slot.shape() == targets[t].shape()) {
      gradients[t] = slot;
    } else {
      gradients[t] = full(targets[t].shape(), 0);
    }
  }
  std::ranges::fill(slots_, Tensor());
}

bool Inputs::wants(std::size_t i) const {
  const Tape::Node& node = tape_.nodes_[node_];
  const std::uint32_t input = tape_.inputs_[node.first_input + i];
  return input != Var::untracked && tape_.wanted_[input] != 0;
}

bool Inputs::untouched(std::size_t i) const {
  return wants(i) && tape_.slots_[tape_.inputs_[tape_.nodes_[node_].first_input + i]].size() == 0;
}

const Tensor* Inputs::gate(std::size_t i) const {
  const std::uint32_t input = tape_.inputs_[tape_.nodes_[node_].first_input + i];
  if (input == Var::untracked || tape_.targets_[input] != 0) return nullptr;
  const Tensor& gate = tape_.nodes_[input].gate;
  return gate.size() > 0 ? &gate : nullptr;
}

void Inputs::add(std::size_t i, Tensor gradient, bool gated) {
  if (!wants(i)) return;
  const std::uint32_t input = tape_.inputs_[tape_.nodes_[node_].first_input + i];
  const Shape& shape = tape_.nodes_[input].shape;
  if (!(gradient.shape() == shape)) gradient = sum_to(gradient, shape, tape_.pool_);
  Tensor& slot = tape_.slots_[input];
  if (slot.size() == 0) {
    slot = std::move(gradient);
    tape_.gated_[input] = gated ? 1 : 0;
    return;
  }
  if (!gated) tape_.gated_[input] = 0;
  real* into = slot.mutable_data();
  const real* from = gradient.data();
  parallel_ranges(slot.size(), elementwise_grain, [=](std::size_t k, std::size_t end) {
    for (; k < end; ++k) into[k] += from[k];
  });
}

Tensor Inputs::make(const Shape& shape) { return tape_.make(shape); }

}  // namespace hans
