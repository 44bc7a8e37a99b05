// Work split over threads.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace hans {

/// The number of threads that parallel_for uses. Initially the number of processors available to this process.
std::size_t thread_count();

/// Sets the number of threads. Throws UsageError for 0 or more than 1024. Must not be called while parallel_for runs.
void set_thread_count(std::size_t threads);

namespace detail {
void parallel_for(std::size_t units, void (*run)(void*, std::size_t), void* context);
}

/// Calls body(0) .. body(units - 1) once each, on any thread and started in rising order; returns when all are done.
/// Rethrows the first exception. A nested call runs its units one after another on its own thread. A unit must not
/// write what another unit reads or writes, so that results do not depend on the order. Throws Error if this thread
/// does not round to nearest or flushes denormals to zero, because either would change the results.
template <class Body>
void parallel_for(std::size_t units, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  detail::parallel_for(
      units, [](void* context, std::size_t unit) { (*static_cast<Plain*>(context))(unit); },
      const_cast<std::remove_const_t<Plain>*>(std::addressof(body)));
}

/// The fewest elements of a tensor that are worth another thread.
inline constexpr std::size_t elementwise_grain = 16384;

/// Splits 0 .. size - 1 into ranges of `grain` elements (the last may be shorter) and calls body(begin, end) for each,
/// as parallel_for does.
template <class Body>
void parallel_ranges(std::size_t size, std::size_t grain, Body&& body) {
  parallel_for(size / grain + (size % grain != 0 ? 1 : 0), [&](std::size_t unit) {
    const std::size_t begin = unit * grain;
    body(begin, size - begin < grain ? size : begin + grain);
  });
}

/// True inside a parallel_for body. A nested parallel_for runs on one thread, so splitting work there gains nothing.
bool in_parallel_for();

/// Throws Error unless this thread rounds to nearest and keeps denormal numbers.
void check_float_environment();

}  // namespace hans
