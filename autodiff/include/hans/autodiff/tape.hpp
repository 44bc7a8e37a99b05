// Reverse-mode differentiation: values, and the tape that remembers how they were made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <hans/core/tensor.hpp>

namespace hans {

class Tape;

/// A value in a computation. Copying is cheap. It belongs to a tape and is valid until that is rewound.
class Var {
 public:
  Var() = default;  ///< no value at all; stands for an absent bias

  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  Tape& tape() const { return *tape_; }
  bool present() const { return tape_ != nullptr; }

  /// True if it depends on something watched, so that a gradient may flow through it.
  bool tracked() const { return node_ != untracked; }

 private:
  friend class Tape;
  friend class Inputs;
  static constexpr std::uint32_t untracked = ~std::uint32_t{0};
  Var(Tape& tape, Tensor value, std::uint32_t node) : tape_(&tape), value_(std::move(value)), node_(node) {}

  Tape* tape_ = nullptr;
  Tensor value_;
  std::uint32_t node_ = untracked;
};

/// Where a backward closure puts the gradients of its operation's inputs.
class Inputs {
 public:
  /// Whether anybody asked for a gradient that flows through input i; if not, do not compute it.
  bool wants(std::size_t i) const;

  /// Adds to the gradient of input i. A gradient of a shape that input i was broadcast to is summed back. `gated`: it
  /// is +0 wherever gate(i) is not > 0.
  void add(std::size_t i, Tensor gradient, bool gated = false);

  /// Whether nothing has been added to the gradient of input i, which is wanted.
  bool untouched(std::size_t i) const;

  /// Where input i is rectified and its own gradient not asked for: its values. Only what comes in where they are > 0
  /// is used, so an operation may spare itself the rest, or the tape the work of cutting it off. Otherwise null.
  const Tensor* gate(std::size_t i) const;

  /// Unwritten memory from the tape's pool.
  Tensor make(const Shape& shape);

 private:
  friend class Tape;
  Inputs(Tape& tape, std::uint32_t node) : tape_(tape), node_(node) {}
  Tape& tape_;
  std::uint32_t node_;
};

/// Whether a gradient passes an operation everywhere or, as through a ReLU, only where its value is > 0.
enum class Pass { everywhere, where_positive };

/// Remembers operations on what it watches, and nothing else: a computation on constants records
/// nothing. Tapes are independent, so a computation may differentiate another one inside. A tape keeps
/// its memory between uses; after the first of many equal steps it asks for no more.
/// One thread at a time; helper() gives others for other threads.
class Tape {
 public:
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Var constant(Tensor value) { return {*this, std::move(value), Var::untracked}; }
  Var watch(Tensor value);
  std::span<const Var> watch(std::span<const Tensor> values);  ///< valid until the next such call or rewind()

  /// Unwritten memory for a result.
  Tensor make(const Shape& shape) { return Tensor::uninitialised(shape, pool_); }
  Tensor full(const Shape& shape, real value);  ///< the same, with `value` everywhere

  /// The result of an operation. `backward(Tensor gradient, Inputs& inputs)` is called at most once a
  /// backward pass with the gradient of `value`, which it may overwrite; with Pass::where_positive, it is +0 wherever
  /// `value` is not > 0. Dropped if no input is tracked.
  template <class Backward>
  Var record(const char* operation, Tensor value, std::initializer_list<const Var*> inputs, Backward backward,
             Pass pass = Pass::everywhere) {
    return record(operation, std::move(value), std::span<const Var* const>(inputs.begin(), inputs.size()),
                  std::move(backward), pass);
  }
  template <class Backward>
  Var record(const char* operation, Tensor value, std::span<const Var* const> inputs, Backward backward,
             Pass pass = Pass::everywhere) {
    if (!any_tracked(inputs)) return constant(std::move(value));
    using Stored = std::decay_t<Backward>;
    void* closure = new (memory(sizeof(Stored), alignof(Stored))) Stored(std::move(backward));
    return add_node(
        operation, std::move(value), inputs, closure,
        [](const void* stored, Tensor gradient, Inputs& into) {
          (*static_cast<const Stored*>(stored))(std::move(gradient), into);
        },
        [](void* stored) { static_cast<Stored*>(stored)->~Stored(); }, pass);
  }

  /// The gradient of the sum of output * seed with respect to each target (a watched or computed Var of this
  /// tape), into `gradients`. Only what lies between is visited, and nothing else changes; may be called
  /// again with another seed. A target that output does not depend on gets zeros. Where several gradients meet,
  /// they are added in an order that follows from the computation, not from when its parts were recorded.
  void gradients(const Var& output, const Tensor& seed, std::span<const Var> targets, std::span<Tensor> gradients);

  /// Forgets all operations and watched values, keeps memory and rearranged weights.
  void rewind();

  /// rewind(), and forgets rearranged weights. To be called before weights may change. Does the same to its helpers.
  void clear();

  /// A tape for another thread that works on the same, made when first asked for and kept as long as this one. It has
  /// its own operations and memory; weights rearranged by one of them serve all. Not to be called by two threads at
  /// a time.
  Tape& helper(std::size_t number);

  /// `arrange(weights)`, made at most once for constant weights until clear(). `kind` tells arrangements apart.
  /// Meanwhile the helpers wait for it, so it must not ask for another arrangement.
  template <class Arrange>
  Tensor arranged(const Var& weights, int kind, Arrange&& arrange) {
    if (weights.tracked()) return arrange(weights.value());
    return arranged(weights.value(), kind, arrange);
  }
  template <class Arrange>
  Tensor arranged(const Tensor& weights, int kind, Arrange&& arrange) {
    const std::lock_guard lock(arranged_->mutex);
    if (const Tensor* known = find_arranged(weights, kind)) return *known;
    Tensor made = arrange(weights);
    arranged_->all.push_back({weights, kind, made});
    return made;
  }

  /// Operations recorded since the last rewind, and bytes of tensor memory taken from the system, helpers included.
  std::size_t operations() const { return nodes_.size(); }
  std::size_t bytes() const;

 private:
  friend class Inputs;
  using Call = void (*)(const void*, Tensor, Inputs&);
  using Destroy = void (*)(void*);
  struct Node {
    const char* operation;
    Shape shape;
    std::size_t first_input, input_count;
    void* closure;  // null for a watched value
    Call call;
    Destroy destroy;
    Tensor gate;  // the value, if the gradient passes only where it is > 0
  };
  struct Arranged {
    Tensor weights;
    int kind;
    Tensor made;
  };
  struct Arrangements {
    std::mutex mutex;
    std::vector<Arranged> all;
  };
  struct Visit {
    std::uint32_t node;
    std::size_t next_input;
  };

  bool any_tracked(std::span<const Var* const> inputs) const;
  Var add_node(const char* operation, Tensor value, std::span<const Var* const> inputs, void* closure, Call call,
               Destroy destroy, Pass pass);
  void* memory(std::size_t bytes, std::size_t alignment);
  void sort_from(std::uint32_t output);
  const Tensor* find_arranged(const Tensor& weights, int kind) const;

  Pool pool_;
  std::vector<Node> nodes_;
  std::vector<std::uint32_t> inputs_;
  std::vector<Var> watched_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;  // closures live here
  std::size_t chunk_ = 0, used_ = 0;
  std::shared_ptr<Arrangements> arranged_;  // one for a tape and its helpers
  std::vector<std::unique_ptr<Tape>> helpers_;
  // Of the backward pass under way, one per node.
  std::vector<Tensor> slots_;
  std::vector<unsigned char> wanted_, targets_, gated_, seen_;
  std::vector<std::uint32_t> order_;  // wanted nodes, each behind its inputs
  std::vector<Visit> visits_;
};

/// The sum of `gradient` over the axes along which `shape` was broadcast to its shape. Each element sums in rising
/// index order by sum()'s 16 partials.
Tensor sum_to(const Tensor& gradient, const Shape& shape);
Tensor sum_to(const Tensor& gradient, const Shape& shape, Pool& pool);  ///< with memory from there

}  // namespace hans
