// The worker threads: started on first use, spinning during short gaps between jobs, asleep during long ones.
#include <atomic>
#include <cfenv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <hans/core/parallel.hpp>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <hans/core/error.hpp>

namespace hans {
namespace {

using Piece = void (*)(void*, std::size_t);

std::size_t usable_processors() {
#if defined(__linux__)
  cpu_set_t mask;
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) {
    const int count = CPU_COUNT(&mask);
    if (count > 0) return static_cast<std::size_t>(count);
  }
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? count : 1;
}

void relax() {
#if defined(__SSE__)
  _mm_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Set while this thread runs a unit; nested calls then run their units one after another.
thread_local bool inside_unit = false;

class Inside {
 public:
  Inside() { inside_unit = true; }
  ~Inside() { inside_unit = false; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

/// How long an idle worker spins before it sleeps. Waking a worker takes up to two milliseconds, and the gaps between
/// the parallel parts of a training step are shorter than this. Spinning workers yield to other processes.
constexpr auto idle_time = std::chrono::microseconds(1000);

/// Runs one job at a time. The high half of `ticket_` is the job's number, its low half the number of unclaimed units.
/// A late worker can therefore never claim a unit of a job other than the one whose description it has read: the
/// description only changes when no unit is left to claim, and the exchange fails if the number has changed.
class Workers {
 public:
  explicit Workers(std::size_t workers) {
    workers_.reserve(workers);
    try {
      while (workers_.size() < workers) workers_.push_back(std::thread([this] { work(); }));
    } catch (const std::system_error&) {
      // No more threads available: those that started, or the caller alone, do the work.
    }
  }

  ~Workers() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  /// Runs at most 2^32 - 1 units; the first has the number `first`.
  void run(Piece body, void* context, std::size_t first, std::uint32_t units) {
    body_.store(body, std::memory_order_relaxed);
    context_.store(context, std::memory_order_relaxed);
    first_.store(first, std::memory_order_relaxed);
    units_.store(units, std::memory_order_relaxed);
    done_.store(0, std::memory_order_relaxed);
    failed_.store(false, std::memory_order_relaxed);
    const std::uint64_t number = (ticket_.load(std::memory_order_relaxed) >> 32) + 1;
    ticket_.store(number << 32 | units);  // sequentially consistent, as is the next load: see sleep()
    if (asleep_.load() != 0) {
      { const std::lock_guard lock(mutex_); }
      wake_.notify_all();
    }
    while (run_one()) {
    }
    // All units are claimed now; wait until the last ones finish.
    for (int spins = 0; done_.load(std::memory_order_acquire) != units; ++spins) {
      if (spins < 10000) {
        relax();
      } else {
        std::this_thread::yield();
      }
    }
    if (failed_.load(std::memory_order_relaxed)) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  /// Claims and runs a unit; false if none is left.
  bool run_one() {
    std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
    Piece body;
    void* context;
    std::size_t unit;
    do {
      const auto left = static_cast<std::uint32_t>(ticket);
      if (left == 0) return false;
      body = body_.load(std::memory_order_relaxed);
      context = context_.load(std::memory_order_relaxed);
      unit = first_.load(std::memory_order_relaxed) + (units_.load(std::memory_order_relaxed) - left);
    } while (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel, std::memory_order_acquire));
    if (!failed_.load(std::memory_order_relaxed)) {
      try {
        check_float_environment();  // in workers too: earlier code on this thread may have changed it
        const Inside inside;
        body(context, unit);
      } catch (...) {
        if (!failed_.exchange(true)) error_ = std::current_exception();
      }
    }
    done_.fetch_add(1, std::memory_order_acq_rel);
    return true;
  }

  void work() {
    for (;;) {
      while (run_one()) {
      }
      const auto until = std::chrono::steady_clock::now() + idle_time;
      bool found = false;
      for (unsigned looks = 1; !found; ++looks) {
        found = static_cast<std::uint32_t>(ticket_.load(std::memory_order_relaxed)) != 0;
        relax();
        if (looks % 256 == 0) {
          std::this_thread::yield();
          if (std::chrono::steady_clock::now() > until) break;
        }
      }
      if (!found && !sleep()) return;
    }
  }

  /// Sleeps until there is work; false on shutdown. No wake-up is lost: the worker announces its sleep before it looks
  /// for a job, and the caller announces the job before it looks for sleepers.
  bool sleep() {
    std::unique_lock lock(mutex_);
    asleep_.fetch_add(1);
    wake_.wait(lock, [this] { return stop_ || static_cast<std::uint32_t>(ticket_.load()) != 0; });
    asleep_.fetch_sub(1);
    return !stop_;
  }

  alignas(64) std::atomic<std::uint64_t> ticket_{0};
  alignas(64) std::atomic<std::uint32_t> done_{0};
  std::atomic<std::uint32_t> units_{0};
  std::atomic<Piece> body_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<std::size_t> first_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  std::atomic<std::size_t> asleep_{0};
  bool stop_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
};

/// The worker pool and its intended size. The thread whose job is running holds `busy`.
struct Threads {
  std::mutex busy;
  std::atomic<std::size_t> count{usable_processors()};
  std::unique_ptr<Workers> pool;
  Workers* left_behind = nullptr;
};

Threads& threads() {
  static Threads all;
#if defined(__unix__) || defined(__APPLE__)
  // A forked child has no workers. It abandons the pool, whose destructor would wait for them, and creates a new one.
  [[maybe_unused]] static const int registered =
      pthread_atfork(nullptr, nullptr, [] { all.left_behind = all.pool.release(); });
#endif
  return all;
}

void run_in_turn(std::size_t units, Piece run, void* context) {
  for (std::size_t unit = 0; unit < units; ++unit) run(context, unit);
}

}  // namespace

bool in_parallel_for() { return inside_unit; }

std::size_t thread_count() { return threads().count.load(std::memory_order_relaxed); }

void set_thread_count(std::size_t count) {
  check_usage(count >= 1 && count <= 1024, "the number of threads must be from 1 to 1024, not ", count);
  Threads& all = threads();
  const std::lock_guard lock(all.busy);
  if (count == all.count) return;
  all.pool.reset();
  all.count = count;
}

void check_float_environment() {
  bool nearest = std::fegetround() == FE_TONEAREST;
  bool gradual = true;
#if defined(__SSE__)
  constexpr unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040, rounding = 0x6000;
  const unsigned control = _mm_getcsr();
  nearest = nearest && (control & rounding) == 0;
  gradual = (control & (flush_to_zero | denormals_are_zero)) == 0;
#elif defined(__aarch64__)
  std::uint64_t control;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  constexpr std::uint64_t flush_to_zero = 1u << 24, flush_inputs = 1u << 0, rounding = 3u << 22;
  nearest = nearest && (control & rounding) == 0;
  gradual = (control & (flush_to_zero | flush_inputs)) == 0;
#else
  volatile float smallest_normal = std::numeric_limits<float>::min();
  volatile float half = smallest_normal * 0.5f;
  gradual = half != 0 && half * 2 == smallest_normal;
#endif
  check(nearest, "this thread does not round to nearest, so results would differ from everybody else's; ",
        "call fesetround(FE_TONEAREST) first");
  check(gradual, "this thread flushes denormal numbers to zero, so results would differ from everybody else's; ",
        "clear its flush-to-zero and denormals-are-zero bits first");
}

namespace detail {

void parallel_for(std::size_t units, void (*run)(void*, std::size_t), void* context) {
  check_float_environment();
  Threads& all = threads();
  if (units <= 1 || inside_unit || all.count.load(std::memory_order_relaxed) == 1) {
    return run_in_turn(units, run, context);
  }
  const std::unique_lock lock(all.busy, std::try_to_lock);
  if (!lock.owns_lock()) return run_in_turn(units, run, context);  // the workers are busy with another thread's job
  if (all.pool == nullptr) all.pool = std::make_unique<Workers>(all.count - 1);
  constexpr std::size_t most = std::numeric_limits<std::uint32_t>::max();
  for (std::size_t first = 0; first < units; first += most) {
    all.pool->run(run, context, first, static_cast<std::uint32_t>(units - first < most ? units - first : most));
  }
}

}  // namespace detail
}  // namespace hans
