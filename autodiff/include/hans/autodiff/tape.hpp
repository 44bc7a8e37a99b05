// Reverse-mode differentiation: values, and the tape that records the operations on them.
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

/// A value in a computation. Cheap to copy. Belongs to a tape and is valid until that tape is rewound.
class Var {
 public:
  Var() = default;  ///< no value; stands for an absent bias

  const Tensor& value() const { return value_; }
  const Shape& shape() const { return value_.shape(); }
  Tape& tape() const { return *tape_; }
  bool present() const { return tape_ != nullptr; }

  /// True if the value depends on a watched one, so that a gradient may flow through it.
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

/// The inputs of an operation, as its backward closure sees them: the closure adds their gradients here.
class Inputs {
 public:
  /// Whether the gradient of input i is needed; if not, do not compute it.
  bool wants(std::size_t i) const;

  /// Adds to the gradient of input i. A gradient with a shape that input i was broadcast to is summed back to its
  /// shape. `gated`: the gradient is already +0 wherever gate(i) is not > 0.
  void add(std::size_t i, Tensor gradient, bool gated = false);

  /// Whether nothing has been added yet to the gradient of input i, which is wanted.
  bool untouched(std::size_t i) const;

  /// The values of input i if it is the output of a ReLU and its own gradient was not asked for; otherwise null. Only
  /// gradients where these values are > 0 are used, so an operation may skip the others, or zero them itself and spare
  /// the tape a pass (see `gated`).
  const Tensor* gate(std::size_t i) const;

  /// A tensor from the tape's pool; contents undefined.
  Tensor make(const Shape& shape);

 private:
  friend class Tape;
  Inputs(Tape& tape, std::uint32_t node) : tape_(tape), node_(node) {}
  Tape& tape_;
  std::uint32_t node_;
};

/// Whether an operation passes gradients everywhere or, like a ReLU, only where its output is > 0.
enum class Pass { everywhere, where_positive };

/// Records the operations on watched values. Operations on constants alone are not recorded. Tapes are independent, so
/// a computation may differentiate another one inside. A tape keeps its memory between uses: after the first of many
/// equal steps it allocates nothing. Not thread-safe; helper() gives tapes for other threads.
class Tape {
 public:
  Tape();
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  Var constant(Tensor value) { return {*this, std::move(value), Var::untracked}; }
  Var watch(Tensor value);
  std::span<const Var> watch(std::span<const Tensor> values);  ///< valid until the next such call or rewind()

  /// A tensor for a result; contents undefined.
  Tensor make(const Shape& shape) { return Tensor::uninitialised(shape, pool_); }
  Tensor full(const Shape& shape, real value);  ///< the same, with `value` everywhere

  /// Records an operation and returns its result. A backward pass calls `backward(Tensor gradient, Inputs& inputs)` at
  /// most once, with the gradient of `value`, which it may overwrite. With Pass::where_positive, that gradient is +0
  /// wherever `value` is not > 0. If no input is tracked, nothing is recorded and `backward` is dropped.
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

  /// Computes the gradient of the sum of output * seed with respect to each target (a watched or computed Var of this
  /// tape) into `gradients`. Visits only operations between the targets and the output, and changes nothing else, so it
  /// may be called again with another seed. A target that the output does not depend on gets zeros. Gradients that meet
  /// are added in an order given by the structure of the computation, not by the order of recording.
  void gradients(const Var& output, const Tensor& seed, std::span<const Var> targets, std::span<Tensor> gradients);

  /// Forgets all operations and watched values. Keeps memory and packed weights.
  void rewind();

  /// rewind(), and forgets packed weights, also on the helpers. Call it before weights change.
  void clear();

  /// A tape for another thread that runs the same model; created on first use and kept as long as this one. It has its
  /// own operations and memory but shares packed weights. Must not be called by two threads at once.
  Tape& helper(std::size_t number);

  /// `arrange(weights)`, computed at most once until clear() if the weights are constant. `kind` identifies the
  /// packing. Helpers wait while `arrange` runs, so it must not call arranged() itself.
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

  /// Operations recorded since the last rewind; and bytes of tensor memory obtained from the system, helpers included.
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
  std::vector<std::unique_ptr<std::byte[]>> chunks_;  // storage of the closures
  std::size_t chunk_ = 0, used_ = 0;
  std::shared_ptr<Arrangements> arranged_;  // shared by a tape and its helpers
  std::vector<std::unique_ptr<Tape>> helpers_;
  // State of the current backward pass, one entry per node.
  std::vector<Tensor> slots_;
  std::vector<unsigned char> wanted_, targets_, gated_, seen_;
  std::vector<std::uint32_t> order_;  // wanted nodes, each after its inputs
  std::vector<Visit> visits_;
};

/// Sums `gradient` over the axes along which `shape` was broadcast. Each element is summed in rising index order by
/// sum()'s 16 partial sums.
Tensor sum_to(const Tensor& gradient, const Shape& shape);
Tensor sum_to(const Tensor& gradient, const Shape& shape, Pool& pool);  ///< the same with memory from `pool`

}  // namespace hans
