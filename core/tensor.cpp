// Tensors: shared, aligned, pooled memory.
#include <hans/core/tensor.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>

namespace hans {
namespace {
constexpr std::size_t alignment = 64;
}

/// An allocation: this header, followed by the elements.
struct alignas(alignment) Tensor::Block {
  std::atomic<std::size_t> users;
  std::size_t capacity;
  Pool::Core* pool;  // where the block returns to; null: the system
  void* memory;      // as allocated
  real* numbers() { return reinterpret_cast<real*>(this + 1); }
};

/// The pool's state. Lives until the pool and all its blocks are gone, so that tensors may outlive their pool.
struct Pool::Core {
  std::mutex mutex;
  std::vector<Tensor::Block*> free;
  std::size_t bytes = 0;
  std::size_t lent = 0;
  bool open = true;

  // The smallest free block that is large enough, or null.
  Tensor::Block* take(std::size_t elements) {
    const std::lock_guard lock(mutex);
    auto best = free.end();
    for (auto block = free.begin(); block != free.end(); ++block) {
      if ((*block)->capacity >= elements && (best == free.end() || (*block)->capacity < (*best)->capacity))
        best = block;
    }
    ++lent;
    if (best == free.end()) return nullptr;
    Tensor::Block* found = *best;
    *best = free.back();
    free.pop_back();
    return found;
  }

  void give_back(Tensor::Block* block) {
    bool last = false;
    {
      const std::lock_guard lock(mutex);
      --lent;
      if (open) {
        free.push_back(block);  // capacity was reserved when the block was allocated
        block = nullptr;
      }
      last = !open && lent == 0;
    }
    if (block != nullptr) release(block);
    if (last) delete this;
  }

  static void release(Tensor::Block* block) {
    void* const memory = block->memory;
    block->~Block();
    ::operator delete(memory);
  }

  void close() {
    bool last = false;
    {
      const std::lock_guard lock(mutex);
      open = false;
      for (Tensor::Block* block : free) release(block);
      free.clear();
      last = lent == 0;
    }
    if (last) delete this;
  }
};

Pool::Pool() : core_(new Core) {}
Pool::~Pool() { core_->close(); }

std::size_t Pool::bytes() const {
  const std::lock_guard lock(core_->mutex);
  return core_->bytes;
}

Tensor::Block* Tensor::allocate(std::size_t elements, Pool::Core* pool) {
  if (pool != nullptr) {
    if (Block* block = pool->take(elements)) {
      block->users.store(1, std::memory_order_relaxed);
      return block;
    }
  }
  // Aligned by hand: glibc before 2.38 cannot reuse the memory of a freed aligned block for another of the same size,
  // so memory use would grow without bound.
  const std::size_t bytes = sizeof(Block) + elements * sizeof(real);
  std::size_t room = bytes + alignment;
  void* const memory = ::operator new(room, std::nothrow);
  if (memory == nullptr) {
    if (pool != nullptr) {
      const std::lock_guard lock(pool->mutex);
      --pool->lent;
    }
    throw MemoryError(text("out of memory: no room for a tensor of ", elements, " numbers (", bytes, " bytes)"));
  }
  if (pool != nullptr) {
    const std::lock_guard lock(pool->mutex);
    pool->bytes += bytes;
    pool->free.reserve(pool->free.size() + pool->lent + 1);
  }
  void* aligned = memory;
  std::align(alignment, bytes, aligned, room);
  return new (aligned) Block{{1}, elements, pool, memory};
}

Tensor::Tensor(const Shape& shape) : Tensor(uninitialised(shape)) { std::fill_n(data_, size(), real{0}); }

Tensor::Tensor(const Shape& shape, std::span<const real> values) : Tensor(uninitialised(shape)) {
  check(values.size() == size(), "a tensor of shape ", shape, " takes ", size(), " numbers, not ", values.size());
  std::copy(values.begin(), values.end(), data_);
}

Tensor Tensor::full(const Shape& shape, real value) {
  Tensor made = uninitialised(shape);
  std::fill_n(made.data_, made.size(), value);
  return made;
}

Tensor Tensor::uninitialised(const Shape& shape) {
  Tensor made;
  made.block_ = allocate(shape.elements(), nullptr);
  made.data_ = made.block_->numbers();
  made.shape_ = shape;
  return made;
}

Tensor Tensor::uninitialised(const Shape& shape, Pool& pool) {
  Tensor made;
  made.block_ = allocate(shape.elements(), pool.core_);
  made.data_ = made.block_->numbers();
  made.shape_ = shape;
  return made;
}

Tensor::Tensor(const Tensor& other) noexcept : block_(other.block_), data_(other.data_), shape_(other.shape_) {
  if (block_ != nullptr) block_->users.fetch_add(1, std::memory_order_relaxed);
}

Tensor::Tensor(Tensor&& other) noexcept { swap(*this, other); }

Tensor& Tensor::operator=(Tensor other) noexcept {
  swap(*this, other);
  return *this;
}

Tensor::~Tensor() {
  if (block_ == nullptr || block_->users.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  if (block_->pool != nullptr) {
    block_->pool->give_back(block_);
  } else {
    Pool::Core::release(block_);
  }
}

void swap(Tensor& a, Tensor& b) noexcept {
  std::swap(a.block_, b.block_);
  std::swap(a.data_, b.data_);
  std::swap(a.shape_, b.shape_);
}

bool Tensor::unique() const { return block_ != nullptr && block_->users.load(std::memory_order_acquire) == 1; }

real* Tensor::mutable_data() {
  if (block_ != nullptr && !unique()) {
    Tensor copy;
    copy.block_ = allocate(size(), block_->pool);
    copy.data_ = copy.block_->numbers();
    copy.shape_ = shape_;
    std::copy_n(data_, size(), copy.data_);
    swap(*this, copy);
  }
  return data_;
}

Tensor Tensor::reshaped(const Shape& shape) const {
  check(shape.elements() == size(), "cannot reshape ", shape_, " (", size(), " numbers) to ", shape, " (",
        shape.elements(), ")");
  Tensor same = *this;
  same.shape_ = shape;
  return same;
}

Tensor Tensor::rows(std::size_t first, std::size_t count) const {
  check(shape_.rank() > 0 && first <= shape_[0] && count <= shape_[0] - first, "a tensor of shape ", shape_, " has no ",
        count, " rows from row ", first, " on");
  Tensor view = *this;
  view.shape_ = shape_.without_front().with_front(count);
  view.data_ += first * shape_.row_elements();
  return view;
}

bool identical(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(real)) == 0);
}

}  // namespace hans
