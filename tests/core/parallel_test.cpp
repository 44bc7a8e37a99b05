// The thread pool: every unit once, exceptions, nesting, changes of size, and the float environment.
#include <gtest/gtest.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>

namespace hans::parallel_test {
namespace {

class Parallel : public testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    before_ = thread_count();
    set_thread_count(GetParam());
  }
  void TearDown() override { set_thread_count(before_); }

 private:
  std::size_t before_ = 1;
};

/// How often each unit was run.
std::vector<int> counts_of(std::size_t units) {
  std::vector<int> counts(units);
  parallel_for(units, [&](std::size_t unit) { ++counts[unit]; });
  return counts;
}

TEST_P(Parallel, EveryUnitOnce) {
  for (const std::size_t units : {0u, 1u, 2u, 3u, 16u, 1000u}) {
    EXPECT_EQ(counts_of(units), std::vector<int>(units, 1)) << units << " units";
  }
}

TEST_P(Parallel, ManyShortJobs) {
  std::vector<std::size_t> sums(7);
  for (std::size_t job = 0; job < 3000; ++job) {
    parallel_for(sums.size(), [&](std::size_t unit) { sums[unit] += job; });
  }
  EXPECT_EQ(sums, std::vector<std::size_t>(7, 3000u * 2999u / 2));
}

TEST_P(Parallel, WorkersWakeUpAgain) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(counts_of(50), std::vector<int>(50, 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

TEST_P(Parallel, CallsInsideRunInTurn) {
  std::vector<std::vector<std::size_t>> orders(4);
  parallel_for(orders.size(),
               [&](std::size_t outer) { parallel_for(5, [&](std::size_t inner) { orders[outer].push_back(inner); }); });
  for (const auto& order : orders) EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
}

TEST_P(Parallel, TheExceptionArrivesAndTheNextJobWorks) {
  for (int i = 0; i < 20; ++i) {
    try {
      parallel_for(100, [](std::size_t unit) {
        if (unit % 10 == 3) throw std::runtime_error("unit failed");
      });
      FAIL() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "unit failed");
    }
    EXPECT_EQ(counts_of(9), std::vector<int>(9, 1));
  }
}

TEST_P(Parallel, AnExceptionFromACallInside) {
  const auto outer = [](std::size_t) {
    parallel_for(3, [](std::size_t unit) {
      if (unit == 1) throw std::logic_error("inner");
    });
  };
  EXPECT_THROW(parallel_for(4, outer), std::logic_error);
  EXPECT_EQ(counts_of(9), std::vector<int>(9, 1));
}

TEST_P(Parallel, TwoCallersAtOnce) {
  std::vector<int> other;
  std::thread caller([&] {
    for (int i = 0; i < 200; ++i) other = counts_of(20);
  });
  for (int i = 0; i < 200; ++i) EXPECT_EQ(counts_of(30), std::vector<int>(30, 1));
  caller.join();
  EXPECT_EQ(other, std::vector<int>(20, 1));
}

TEST_P(Parallel, BodiesMayBeConstOrMoveOnly) {
  std::atomic<int> calls{0};
  const auto constant = [&](std::size_t) { ++calls; };
  parallel_for(3, constant);
  parallel_for(4, [&calls, owned = std::make_unique<int>(1)](std::size_t) { calls += *owned; });
  EXPECT_EQ(calls, 7);
}

INSTANTIATE_TEST_SUITE_P(Threads, Parallel, testing::Values(1, 2, 3, 8));

TEST(Threads, CountsFrom1To1024) {
  const std::size_t before = thread_count();
  EXPECT_GE(before, 1u);
  for (const std::size_t bad : {std::size_t{0}, std::size_t{1025}, ~std::size_t{0}}) {
    EXPECT_THROW(set_thread_count(bad), UsageError) << bad;
    EXPECT_EQ(thread_count(), before);
  }
  for (const std::size_t good : {2u, 1u, 5u, 3u}) {
    set_thread_count(good);
    EXPECT_EQ(thread_count(), good);
    EXPECT_EQ(counts_of(40), std::vector<int>(40, 1));
  }
  set_thread_count(before);
}

/// The message of the Error that parallel_for throws, or nothing.
std::string refusal() {
  try {
    parallel_for(1, [](std::size_t) {});
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(FloatEnvironment, RoundingMustBeToNearest) {
  EXPECT_EQ(refusal(), "");
#if defined(FE_UPWARD) && defined(FE_DOWNWARD) && defined(FE_TOWARDZERO)
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    ASSERT_EQ(std::fesetround(mode), 0);
    const std::string message = refusal();
    ASSERT_EQ(std::fesetround(FE_TONEAREST), 0);
    EXPECT_NE(message.find("round"), std::string::npos) << mode << ": " << message;
  }
#endif
  EXPECT_EQ(refusal(), "");
}

#if defined(__SSE__) || defined(__aarch64__)
#if defined(__SSE__)
using Control = unsigned;
constexpr Control flushing[] = {0x8000, 0x0040};  // flush to zero, denormals are zero
Control control() { return _mm_getcsr(); }
void set_control(Control bits) { _mm_setcsr(bits); }
#else
using Control = std::uint64_t;
constexpr Control flushing[] = {1u << 24};  // FZ; the bit for inputs alone does not exist on every machine
Control control() {
  Control bits;
  __asm__ volatile("mrs %0, fpcr" : "=r"(bits));
  return bits;
}
void set_control(Control bits) { __asm__ volatile("msr fpcr, %0" : : "r"(bits)); }
#endif

TEST(FloatEnvironment, DenormalsMustStay) {
  const Control before = control();
  for (const Control bit : flushing) {
    set_control(before | bit);
    const std::string message = refusal();
    set_control(before);
    EXPECT_NE(message.find("denormal"), std::string::npos) << bit << ": " << message;
  }
  EXPECT_EQ(refusal(), "");
}
#endif

}  // namespace
}  // namespace hans::parallel_test
