// Work split over the threads of this process.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace hans {

/// How many threads parallel_for uses; at first as many as the processors this process may run on.
std::size_t thread_count();

/// Sets it. Throws UsageError for 0 or more than 1024. Not to be called while work is under way.
void set_thread_count(std::size_t threads);

namespace detail {
void parallel_for(std::size_t units, void (*run)(void*, std::size_t), void* context);
}

/// Calls body(0) .. body(units - 1), each once, begun in rising order, on any thread; returns when all are
/// done. The first exception is thrown again here. A call from inside a body runs its units in turn.
/// Results must not depend on the order: every unit writes what no other unit reads or writes.
/// Throws Error if this thread does not round to nearest or flushes denormals to zero, because the
/// results would then differ from everybody else's.
template <class Body>
void parallel_for(std::size_t units, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  detail::parallel_for(
      units, [](void* context, std::size_t unit) { (*static_cast<Plain*>(context))(unit); },
      const_cast<std::remove_const_t<Plain>*>(std::addressof(body)));
}

/// How many elements of a tensor are worth a unit of their own: elementwise work on fewer stays on one thread.
inline constexpr std::size_t elementwise_grain = 16384;

/// Calls body(begin, end) for ranges of 0 .. size - 1 that cover it, of `grain` elements each but the last, as
/// parallel_for does.
template <class Body>
void parallel_ranges(std::size_t size, std::size_t grain, Body&& body) {
  parallel_for(size / grain + (size % grain != 0 ? 1 : 0), [&](std::size_t unit) {
    const std::size_t begin = unit * grain;
    body(begin, size - begin < grain ? size : begin + grain);
  });
}

/// True inside a body: parallel_for would run its units in turn there, so that cutting work for it is of no use.
bool in_parallel_for();

/// Throws Error unless this thread rounds to nearest and keeps denormal numbers.
void check_float_environment();

}  // namespace hans
